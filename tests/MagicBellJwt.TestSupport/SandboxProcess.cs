using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.Tasks;

namespace MagicBellJwt.TestSupport;

/// <summary>A sandbox server in a process of its own: one project, reached over a real socket.</summary>
public class SandboxProcess : IDisposable
{
    private readonly Process _process;

    /// <summary>Starts a server, which listens when this returns.</summary>
    /// <param name="options">Its command line; without a limit per minute among them it has none.</param>
    /// <exception cref="InvalidOperationException">It did not start; the message has what it said.</exception>
    public SandboxProcess(IEnumerable<string> options)
    {
        string program = Repository.OutputOf("tests/MagicBellJwt.SandboxServer", "MagicBellJwt.SandboxServer.dll");
        TokenFile = Path.Combine(Path.GetTempPath(), "MagicBellJwt-" + Guid.NewGuid().ToString("N") + ".jwt");
        var arguments = new List<string> { program, "--urls", "http://127.0.0.1:0", "--admin-token-file", TokenFile };
        arguments.AddRange(options);
        if (!arguments.Any(argument => argument.EndsWith("-per-minute", StringComparison.Ordinal)))
        {
            arguments.Add("--no-rate-limit");
        }

        var start = new ProcessStartInfo("dotnet", string.Join(" ", arguments.Select(argument => $"\"{argument}\"")))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };

        // Killed, .NET would leave the pipes of its debugger and of its diagnostics in the temporary folder.
        start.EnvironmentVariables["DOTNET_EnableDiagnostics"] = "0";
        _process = Process.Start(start)!;
        const string Listening = "listening on ";
        string? line = _process.StandardOutput.ReadLine();
        if (line?.StartsWith(Listening, StringComparison.Ordinal) is not true)
        {
            string error = _process.StandardError.ReadToEnd();
            _process.Dispose();
            throw new InvalidOperationException($"The server did not start: {line} {error}");
        }

        BaseAddress = new Uri(line.Substring(Listening.Length));
        Control = new HttpClient { BaseAddress = new Uri(BaseAddress, "/_control/") };
        Token = File.ReadAllText(TokenFile).Trim();
    }

    /// <summary>The address for -BaseUri.</summary>
    public Uri BaseAddress { get; }

    /// <summary>The administrator's token.</summary>
    public string Token { get; }

    /// <summary>The file that holds it, until the server ends.</summary>
    public string TokenFile { get; }

    /// <summary>The address at which the server is told what goes wrong, and tells what came.</summary>
    protected HttpClient Control { get; }

    /// <summary>Arms faults, behind those that are armed.</summary>
    /// <exception cref="ArgumentException">One of them is no fault; the message has the server's words.</exception>
    public async Task FailAsync(params string[] faults)
    {
        using var content = new StringContent("[" + string.Join(",", faults.Select(fault => $"\"{fault}\"")) + "]", Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await Control.PostAsync(new Uri("faults", UriKind.Relative), content).ConfigureAwait(false);
        if (!answer.IsSuccessStatusCode)
        {
            throw new ArgumentException(await answer.Content.ReadAsStringAsync().ConfigureAwait(false), nameof(faults));
        }
    }

    /// <summary>Disarms every fault, and forgets the requests so far: where one has closed the port, once it is open again. Then arms these.</summary>
    public async Task ResetAsync(params string[] faults)
    {
        const int Attempts = 400;
        for (int attempt = 1; !await TryResetAsync().ConfigureAwait(false); attempt++)
        {
            if (attempt == Attempts)
            {
                throw new InvalidOperationException("The server does not come back.");
            }

            await Task.Delay(50).ConfigureAwait(false);
        }

        if (faults.Length > 0)
        {
            await FailAsync(faults).ConfigureAwait(false);
        }
    }

    /// <summary>What the server recorded, <c>requests</c>, or holds, <c>tokens</c>, as JSON.</summary>
    public Task<string> ListAsync(string list) => Control.GetStringAsync(new Uri(list, UriKind.Relative));

    /// <summary>The values that a member has in such a list, where they are text.</summary>
    public async Task<string[]> ValuesAsync(string list, string member)
    {
        string json = await ListAsync(list).ConfigureAwait(false);
        return [.. Regex.Matches(json, $"\"{member}\":\"([^\"]*)\"").Cast<Match>().Select(match => match.Groups[1].Value)];
    }

    /// <summary>Ends the process.</summary>
    public void Dispose()
    {
        Control.Dispose();
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        File.Delete(TokenFile);
        GC.SuppressFinalize(this);
    }

    private async Task<bool> TryResetAsync()
    {
        foreach (string list in new[] { "faults", "requests" })
        {
            try
            {
                using HttpResponseMessage answer = await Control.DeleteAsync(new Uri(list, UriKind.Relative)).ConfigureAwait(false);
                answer.EnsureSuccessStatusCode();
            }
            catch (HttpRequestException exception) when (exception.InnerException is not null)
            {
                return false;
            }
        }

        return true;
    }
}
