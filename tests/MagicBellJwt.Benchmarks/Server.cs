using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;

namespace MagicBellJwt.Benchmarks;

/// <summary>A sandbox server in a process of its own: no rate limit, nothing recorded.</summary>
internal sealed class Server : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mb-benchmark-");
    private readonly Process _process;

    private Server(IEnumerable<string> arguments)
    {
        TokenFile = Path.Combine(_folder.FullName, "token");
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        foreach (string argument in (string[])[Repository.SandboxServer, "--admin-token-file", TokenFile, "--no-rate-limit", "--no-recording", .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        _process = Process.Start(start)!;
        const string Listening = "listening on ";
        string? line = _process.StandardOutput.ReadLine();
        if (line?.StartsWith(Listening, StringComparison.Ordinal) != true)
        {
            Dispose();
            throw new InvalidOperationException("The sandbox server did not start.");
        }

        Address = new Uri(line[Listening.Length..] + "/");
    }

    /// <summary>The base address, with a slash at its end.</summary>
    public Uri Address { get; }

    /// <summary>The file with the administrator's token.</summary>
    public string TokenFile { get; }

    /// <summary>The administrator's token.</summary>
    public string Token => File.ReadAllText(TokenFile);

    public static Server Start(params IEnumerable<string> arguments) => new(arguments);

    /// <summary>A project with so many tokens, its administrator's among them.</summary>
    public static Server WithProjectTokens(int count) => Start("--seed-project-tokens", Text(count - 1));

    /// <summary>A project with users that have so many tokens each: <c>user-0</c> and on.</summary>
    public static Server WithUserTokens(int users, int count, int latency = 0)
    {
        List<string> arguments = ["--latency", Text(latency)];
        for (int user = 0; user < users; user++)
        {
            arguments.AddRange(["--seed-user", $"user-{Text(user)}:{Text(count)}"]);
        }

        return Start(arguments);
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    private static string Text(int number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
