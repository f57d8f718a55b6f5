using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace MagicBellJwt.Tests;

/// <summary>What a shell that has ended left.</summary>
internal sealed record ShellResult(int ExitCode, string Output, string Error)
{
    /// <summary>The lines of standard output, without the last line's end.</summary>
    public string[] Lines => Output.TrimEnd('\n').Split('\n');
}

/// <summary>Runs the built shell as a child process with redirected streams.</summary>
internal static class ShellProcess
{
    /// <summary>The longest that a shell in a test may take; far above what it needs.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    /// <summary>The folder of the shell that was built with these tests.</summary>
    public static string Folder { get; } = FindFolder();

    /// <summary>The shell's assembly, an argument for dotnet.</summary>
    public static string AssemblyPath { get; } = Path.Combine(Folder, "MagicBellJwt.Shell.dll");

    /// <summary>Runs the shell to its end.</summary>
    /// <param name="args">Its command line.</param>
    /// <param name="stdin">What it reads on standard input; null for none.</param>
    /// <param name="environment">Variables on top of the inherited ones; null as a value removes one.</param>
    /// <param name="folder">The shell's folder, where it is not the built one.</param>
    public static async Task<ShellResult> RunAsync(string[] args, string? stdin = null, IDictionary<string, string?>? environment = null, string? folder = null)
    {
        ProcessStartInfo start = new("dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(folder is null ? AssemblyPath : Path.Combine(folder, "MagicBellJwt.Shell.dll"));
        foreach (string arg in args)
        {
            start.ArgumentList.Add(arg);
        }

        Prepare(start.Environment, environment);
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
            // The shell ended without reading all of it, as after "exit"; its result says the rest.
        }

        using CancellationTokenSource limit = new(Limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"The shell did not end in {Limit}. Output: {await output} Error: {await error}");
        }

        return new ShellResult(process.ExitCode, await output, await error);
    }

    /// <summary>Takes away what the machine's own environment could change, then applies a test's changes.</summary>
    public static void Prepare(IDictionary<string, string?> environment, IDictionary<string, string?>? changes)
    {
        environment.Remove("NO_COLOR");
        environment.Remove("MAGICBELL_PROJECT_TOKEN");
        environment.Remove("MAGICBELL_BASE_URL");
        environment["TERM"] = "xterm-256color";
        foreach ((string name, string? value) in changes ?? new Dictionary<string, string?>())
        {
            environment[name] = value;
            if (value is null)
            {
                environment.Remove(name);
            }
        }
    }

    // tests/MagicBellJwt.Tests/bin/<configuration>/<framework> beside src/MagicBellJwt.Shell/bin/<configuration>/<framework>
    private static string FindFolder()
    {
        DirectoryInfo framework = new(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        DirectoryInfo configuration = framework.Parent!;
        DirectoryInfo repository = configuration.Parent!.Parent!.Parent!.Parent!;
        return Path.Combine(repository.FullName, "src", "MagicBellJwt.Shell", "bin", configuration.Name, framework.Name);
    }
}
