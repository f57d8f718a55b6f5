using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;

namespace MagicBellJwt.Benchmarks;

/// <summary>What can be measured once a process only: this program again, with one task and one number as its output.</summary>
internal static class ChildProcess
{
    /// <summary>The first argument of such a process.</summary>
    public const string Argument = "child";

    /// <summary>Milliseconds that Import-Module takes.</summary>
    public static double Import(string module) => Start("import", module);

    /// <summary>Milliseconds that Import-Module and the first call take.</summary>
    public static double ImportAndCall(string module, Server server) => Start("call", module, server.Address.AbsoluteUri, server.TokenFile);

    /// <summary>The peak working set, in MiB, of listing everything without keeping it.</summary>
    public static double PeakOfListing(Server server, int count) => Start("peak", server.Address.AbsoluteUri, server.TokenFile, count.ToString(CultureInfo.InvariantCulture));

    /// <summary>What is alive, in MiB, at the last object of listing everything without keeping it.</summary>
    public static double LiveAtTheEndOfListing(Server server, int count) => Start("live", server.Address.AbsoluteUri, server.TokenFile, count.ToString(CultureInfo.InvariantCulture));

    /// <summary>Does a task, in the child.</summary>
    public static int Run(string[] task)
    {
        double result = task switch
        {
            ["import", string module] => Import(module, static _ => { }),
            ["call", string module, string address, string tokenFile] => Import(module, engine => engine.Connect(new Uri(address), File.ReadAllText(tokenFile))),
            ["peak" or "live", string address, string tokenFile, string count] =>
                Listing(new Uri(address), File.ReadAllText(tokenFile), int.Parse(count, CultureInfo.InvariantCulture)) is var (live, peak) && task[0] == "live" ? live : peak,
            _ => throw new ArgumentException("There is no such task."),
        };
        Console.WriteLine(result.ToString(CultureInfo.InvariantCulture));
        return 0;
    }

    private static double Import(string module, Action<Engine> then)
    {
        using var engine = new Engine();
        long start = Stopwatch.GetTimestamp();
        engine.Import(module);
        then(engine);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static (double Live, double Peak) Listing(Uri address, string token, int count)
    {
        using var engine = Engine.WithModule(address, token);
        double live = (double)engine.Run("param($count) $n = 0; Get-MbProjectToken | ForEach-Object { if (++$n -eq $count) { [MagicBellJwt.Benchmarks.Memory]::Live() } }", count).Single().BaseObject;
        using var self = Process.GetCurrentProcess();
        return (live, self.PeakWorkingSet64 / (1024.0 * 1024));
    }

    private static double Start(params IEnumerable<string> task)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        foreach (string argument in (string[])[typeof(ChildProcess).Assembly.Location, Argument, .. task])
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? double.Parse(output, CultureInfo.InvariantCulture) : throw new InvalidOperationException("A child process failed.");
    }
}
