using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;

namespace MagicBellJwt.Benchmarks;

/// <summary>The same work as people script it today, with Invoke-RestMethod, in the pwsh that is on the PATH; the module runs in the same process.</summary>
internal static class PowerShellLoops
{
    private const int Rounds = 5;

    private const string Prepare = """
        $ErrorActionPreference = 'Stop'
        $ProgressPreference = 'SilentlyContinue'
        Import-Module $env:MB_MODULE
        $token = Get-Content $env:MB_TOKEN_FILE -Raw
        $address = $env:MB_ADDRESS.TrimEnd('/')
        Connect-MbProject (ConvertTo-SecureString $token -AsPlainText -Force) -BaseUri $address -Name benchmark -ReadsPerMinute 1000000 -WritesPerMinute 1000000
        $headers = @{ Authorization = "Bearer $token" }
        function Get-Loop($path) {
            $next = "$address/$path`?limit=100"
            while ($next) {
                $page = Invoke-RestMethod $next -Headers $headers
                $page.data
                $next = $page.links.next
            }
        }
        """;

    /// <summary>Whether there is a pwsh.</summary>
    public static bool IsPossible { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, OperatingSystem.IsWindows() ? "pwsh.exe" : "pwsh")));

    public static Figure List(string name, double? limit)
    {
        using Server server = Server.WithProjectTokens(20_000);
        return Compare(name, limit, server, "@(Get-MbProjectToken).Count", "@(Get-Loop jwt/project).Count", input: "$null");
    }

    public static Figure Create(string name, double? limit)
    {
        using Server server = Server.Start();
        return Compare(
            name,
            limit,
            server,
            "@($in | New-MbProjectToken).Count",
            """@($in | ForEach-Object { Invoke-RestMethod "$address/jwt/project" -Method Post -Headers $headers -ContentType application/json -Body (@{ name = "$_" } | ConvertTo-Json) }).Count""",
            input: "@(1..500)");
    }

    public static Figure RevokeInTurn(string name, double? limit) => Revoke(
        name,
        limit,
        count: 100,
        """@($in | ForEach-Object { Invoke-RestMethod "$address/jwt/user/$_" -Method Delete -Headers $headers }).Count""");

    public static Figure RevokeInParallel(string name, double? limit) => Revoke(
        name,
        limit,
        count: 1000,
        """@($in | ForEach-Object -ThrottleLimit 16 -Parallel { Invoke-RestMethod "$using:address/jwt/user/$_" -Method Delete -Headers $using:headers }).Count""");

    private static Figure Revoke(string name, double? limit, int count, string loop)
    {
        using Server server = Server.WithUserTokens(users: 2 * (Rounds + 1), count, latency: 50);
        return Compare(name, limit, server, "@($in | Remove-MbUserToken -Force -PassThru -ThrottleLimit 16).Count", loop, input: "@((Get-Loop jwt/user/user-$call).id)");
    }

    // Each line of the output is one round: the module's milliseconds and the loop's.
    private static Figure Compare(string name, double? limit, Server server, string module, string loop, string input)
    {
        string script = $$"""
            {{Prepare}}
            $call = 0
            foreach ($round in 0..{{Rounds}}) {
                $took = foreach ($side in { {{module}} }, { {{loop}} }) {
                    $in = {{input}}
                    $call++
                    $clock = [Diagnostics.Stopwatch]::StartNew()
                    $count = & $side
                    $clock.Elapsed.TotalMilliseconds
                    if ($count -lt 1 -or ($in -and $count -ne $in.Count)) { throw "$count results." }
                }
                if ($round -gt 0) { [string]::Format([cultureinfo]::InvariantCulture, '{0} {1}', $took[0], $took[1]) }
            }
            """;
        var start = new ProcessStartInfo("pwsh") { RedirectStandardOutput = true, RedirectStandardInput = true };
        foreach (string argument in (string[])["-NoProfile", "-NonInteractive", "-Command", script])
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["MB_MODULE"] = Repository.Manifest;
        start.Environment["MB_ADDRESS"] = server.Address.AbsoluteUri;
        start.Environment["MB_TOKEN_FILE"] = server.TokenFile;
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        (double, double)[] rounds = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(line => line.Split(' '))
            .Select(pair => (double.Parse(pair[0], CultureInfo.InvariantCulture), double.Parse(pair[1], CultureInfo.InvariantCulture)))];
        return process.ExitCode == 0 && rounds.Length == Rounds
            ? Figure.Of(name, limit, "ms", rounds)
            : throw new InvalidOperationException("pwsh failed: " + output);
    }
}
