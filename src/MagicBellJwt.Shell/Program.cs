using System;
using System.IO;
using System.Management.Automation;
using MagicBellJwt.Shell;

// The engine reports its use to Microsoft unless told not to; a shell that handles credentials reports nothing to anybody.
Environment.SetEnvironmentVariable("POWERSHELL_TELEMETRY_OPTOUT", "1");

if (!OperatingSystem.IsWindows() && Environment.GetEnvironmentVariable("NO_COLOR") is not null)
{
    // .NET greets a terminal with an escape sequence that it looks up by TERM, once, at the first question about it.
    string? terminal = Environment.GetEnvironmentVariable("TERM");
    Environment.SetEnvironmentVariable("TERM", "dumb");
    _ = Console.WindowWidth;
    Environment.SetEnvironmentVariable("TERM", terminal);
}

ShellOptions options = ShellOptions.Parse(args);
if (options.Error is not null)
{
    Console.Error.WriteLine(options.Error);
    Console.Error.WriteLine();
    Console.Error.Write(ShellOptions.Usage);
    return ShellHost.BadUsageExitCode;
}

if (options.Help)
{
    Console.Out.Write(ShellOptions.Usage);
    return 0;
}

if (options.Version)
{
    Console.Out.WriteLine($"MagicBellJwt.Shell {ShellHost.ShellVersion} (PowerShell engine {PSVersionInfo.PSVersion})");
    return 0;
}

using ShellHost host = new(options);
return host.Run(Path.Combine(AppContext.BaseDirectory, "MagicBellJwt", "MagicBellJwt.psd1"));
