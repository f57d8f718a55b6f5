using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.Tasks;

namespace MagicBellJwt.Framework;

/// <summary>The sandbox's server in a process of its own, on .NET: one project, reached over a real socket.</summary>
internal sealed class SandboxProcess : IDisposable
{
    private readonly Process _process;
    private readonly HttpClient _control;

    internal SandboxProcess(params string[] options)
    {
        string server = Directory.GetFiles(Path.Combine(Repository.Folder, "tests", "MagicBellJwt.SandboxServer", "bin"), "MagicBellJwt.SandboxServer.dll", SearchOption.AllDirectories)
            .OrderBy(File.GetLastWriteTimeUtc)
            .Last();
        string tokenFile = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString());
        string arguments = string.Join(" ", options.Select(option => $"\"{option}\""));
        _process = Process.Start(new ProcessStartInfo("dotnet", $"\"{server}\" --urls http://127.0.0.1:0 --admin-token-file \"{tokenFile}\" {arguments}")
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;
        const string Listening = "listening on ";
        string? line = _process.StandardOutput.ReadLine();
        if (line?.StartsWith(Listening, StringComparison.Ordinal) is not true)
        {
            throw new InvalidOperationException("The server did not start: " + line);
        }

        BaseAddress = new Uri(line.Substring(Listening.Length));
        Token = File.ReadAllText(tokenFile).Trim();
        File.Delete(tokenFile);
        _control = new HttpClient { BaseAddress = new Uri(BaseAddress, "/_control/") };
    }

    internal Uri BaseAddress { get; }

    internal string Token { get; }

    /// <summary>Forgets faults and requests, and arms these faults.</summary>
    internal async Task ResetAsync(params string[] faults)
    {
        (await _control.DeleteAsync("faults").ConfigureAwait(false)).EnsureSuccessStatusCode();
        (await _control.DeleteAsync("requests").ConfigureAwait(false)).EnsureSuccessStatusCode();
        if (faults.Length > 0)
        {
            using var content = new StringContent("[" + string.Join(",", faults.Select(fault => $"\"{fault}\"")) + "]", Encoding.UTF8, "application/json");
            (await _control.PostAsync("faults", content).ConfigureAwait(false)).EnsureSuccessStatusCode();
        }
    }

    /// <summary>The values that a member has in what the server recorded, <c>requests</c>, or holds, <c>tokens</c>.</summary>
    internal async Task<string[]> ValuesAsync(string list, string member)
    {
        string json = await _control.GetStringAsync(list).ConfigureAwait(false);
        return [.. Regex.Matches(json, $"\"{member}\":\"([^\"]*)\"").Cast<Match>().Select(match => match.Groups[1].Value)];
    }

    public void Dispose()
    {
        _control.Dispose();
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
