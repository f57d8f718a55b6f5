using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Threading;
using System.Threading.Tasks;

namespace MagicBellJwt.Tests;

/// <summary>What a PowerShell that has ended left.</summary>
internal sealed record ShellResult(int ExitCode, string Output, string Error)
{
    /// <summary>The lines of standard output, without the last line's end.</summary>
    public string[] Lines { get; } = Output.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
}

/// <summary>Runs PowerShell in a process of its own with redirected streams, without colours and without a profile.</summary>
internal static class ShellProcess
{
    /// <summary>The longest that one may take in a test; far above what it needs.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    /// <summary>The project's Shell, which has imported the module; an argument for dotnet.</summary>
    public static string Shell { get; } = Repository.OutputOf("src/MagicBellJwt.Shell", "MagicBellJwt.Shell.dll");

    /// <summary>pwsh, which knows nothing of the module; an argument for dotnet.</summary>
    public static string Pwsh { get; } = Path.Combine(PwshFolder, "pwsh.dll");

    /// <summary>The modules that come with pwsh and that Microsoft.PowerShell.SDK lacks.</summary>
    public static string PwshModules { get; } = Path.Combine(PwshFolder, "Modules");

    private static string PwshFolder => Path.Combine(
        typeof(ShellProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == "PowerShell").Value!,
        OperatingSystem.IsWindows() ? "win" : "unix");

    /// <summary>Runs the Shell to its end.</summary>
    /// <param name="args">Its command line.</param>
    /// <param name="stdin">What it reads on standard input; null for none.</param>
    /// <param name="environment">Variables on top of the inherited ones; null as a value removes one.</param>
    /// <param name="program">Another program than the Shell: <see cref="Pwsh"/>, or a copy.</param>
    public static async Task<ShellResult> RunAsync(string[] args, string? stdin = null, IDictionary<string, string?>? environment = null, string? program = null)
    {
        ProcessStartInfo start = StartInfo(args, environment, program);
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.StandardInput.WriteAsync(stdin);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading all of it, as after "exit"; its result says the rest.
        }

        using CancellationTokenSource limit = new(Limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"PowerShell did not end in {Limit}. Output: {await output} Error: {await error}");
        }

        return new ShellResult(process.ExitCode, await output, await error);
    }

    /// <inheritdoc cref="RunAsync"/>
    public static ProcessStartInfo StartInfo(string[] args, IDictionary<string, string?>? environment = null, string? program = null)
    {
        var start = new ProcessStartInfo("dotnet");
        foreach (string arg in (string[])[program ?? Shell, "-NoProfile", .. args])
        {
            start.ArgumentList.Add(arg);
        }

        Prepare(start.Environment, environment);
        return start;
    }

    /// <summary>Takes away what the machine's own environment could change, then applies a test's changes.</summary>
    public static void Prepare(IDictionary<string, string?> environment, IDictionary<string, string?>? changes)
    {
        environment["NO_COLOR"] = "1";
        environment["TERM"] = "xterm-256color";
        environment["POWERSHELL_TELEMETRY_OPTOUT"] = "1";
        environment["POWERSHELL_UPDATECHECK"] = "Off";

        // Killed, .NET would leave the pipes of its debugger and of its diagnostics in the temporary folder.
        environment["DOTNET_EnableDiagnostics"] = "0";
        environment.Remove("PSModulePath");
        environment.Remove("MAGICBELL_PROJECT_TOKEN");
        environment.Remove("MAGICBELL_BASE_URL");
        foreach ((string name, string? value) in changes ?? new Dictionary<string, string?>())
        {
            environment[name] = value;
            if (value is null)
            {
                environment.Remove(name);
            }
        }
    }
}
