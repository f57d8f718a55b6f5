using System;
using System.Collections.ObjectModel;
using System.Diagnostics;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Net;
using System.Reflection;

namespace MagicBellJwt.Benchmarks;

/// <summary>A PowerShell engine, as bare as it comes.</summary>
internal sealed class Engine : IDisposable
{
    private readonly Runspace _runspace;

    public Engine()
    {
        InitialSessionState state = InitialSessionState.CreateDefault2();
        if (OperatingSystem.IsWindows())
        {
            // The engine's own default there would refuse the module's views.
            state.ExecutionPolicy = Microsoft.PowerShell.ExecutionPolicy.RemoteSigned;
        }

        _runspace = RunspaceFactory.CreateRunspace(state);
        _runspace.ThreadOptions = PSThreadOptions.ReuseThread;
        _runspace.Open();
        _runspace.SessionStateProxy.SetVariable("ErrorActionPreference", ActionPreference.Stop);
    }

    /// <summary>An engine with the module imported and connected, its pacing out of the way as the server's limit is.</summary>
    public static Engine WithModule(Uri address, string token)
    {
        var engine = new Engine();
        engine.Import(Repository.Manifest);
        var session = (Type)engine.Run("[MagicBellJwt.Session]").Single().BaseObject;
        if (session.Assembly.GetCustomAttribute<DebuggableAttribute>()?.IsJITOptimizerDisabled == true)
        {
            throw new InvalidOperationException("The module was built in Debug. Run with -c Release.");
        }

        engine.Connect(address, token);
        return engine;
    }

    public static Engine WithModule(Server server) => WithModule(server.Address, server.Token);

    public void Import(string module) => Run("param($module) Import-Module $module", module);

    public void Connect(Uri address, string token, string options = "") => Run(
        "param($address, $token) Connect-MbProject -ProjectToken $token -BaseUri $address -Name benchmark -ReadsPerMinute 1000000 -WritesPerMinute 1000000 " + options,
        address,
        new NetworkCredential("", token).SecurePassword);

    /// <summary>Runs a script, and fails where it reports any error.</summary>
    public Collection<PSObject> Run(string script, params object[] arguments)
    {
        using var shell = PowerShell.Create(_runspace);
        shell.AddScript(script, useLocalScope: true);
        foreach (object argument in arguments)
        {
            shell.AddArgument(argument);
        }

        return shell.Invoke();
    }

    /// <summary>Runs a script that takes its own measure, and returns it.</summary>
    public double Measure(string script, params object[] arguments) => (double)Run(script, arguments).Single().BaseObject;

    public void Dispose() => _runspace.Dispose();
}
