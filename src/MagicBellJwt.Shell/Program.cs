using System;
using System.IO;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using Microsoft.PowerShell;

// PowerShell reports its use to Microsoft and looks for newer versions unless told not to.
Environment.SetEnvironmentVariable("POWERSHELL_TELEMETRY_OPTOUT", "1");
Environment.SetEnvironmentVariable("POWERSHELL_UPDATECHECK", "Off");

string modules = Path.Combine(AppContext.BaseDirectory, "Modules");
Environment.SetEnvironmentVariable("PSModulePath", $"{modules}{Path.PathSeparator}{Environment.GetEnvironmentVariable("PSModulePath")}");

InitialSessionState session = InitialSessionState.CreateDefault2();
session.ImportPSModule([Path.Combine(modules, "MagicBellJwt", "MagicBellJwt.psd1")]);
session.ThrowOnRunspaceOpenError = true;
if (OperatingSystem.IsWindows())
{
    // As in pwsh. Its configuration file says so, which the SDK leaves out: without it no script would run.
    session.ExecutionPolicy = ExecutionPolicy.RemoteSigned;
}

string banner = $"PowerShell {PSVersionInfo.PSVersion} with the module MagicBellJwt. With line editing: dotnet tool restore, then dotnet pwsh";
string help = "Usage: MagicBellJwt.Shell [options]. A PowerShell with the module MagicBellJwt imported; the options are those of pwsh.";

// Exit: where the module cannot be imported, PowerShell leaves a thread behind that would keep the process.
Environment.Exit(ConsoleShell.Start(session, banner, help, args));
