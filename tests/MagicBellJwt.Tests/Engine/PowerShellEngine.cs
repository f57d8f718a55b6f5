using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using Xunit;

namespace MagicBellJwt.Tests.Engine;

/// <summary>A runspace of a real PowerShell engine, with the built module imported.</summary>
internal sealed class PowerShellEngine : IDisposable
{
    private readonly Runspace _runspace;

    public PowerShellEngine(TestHost? host = null)
    {
        Host = host ?? new TestHost();
        InitialSessionState state = InitialSessionState.CreateDefault2();
        if (OperatingSystem.IsWindows())
        {
            state.ExecutionPolicy = Microsoft.PowerShell.ExecutionPolicy.Bypass;
        }

        _runspace = RunspaceFactory.CreateRunspace(Host, state);
        _runspace.ThreadOptions = PSThreadOptions.ReuseThread;
        _runspace.Open();
        Run("Import-Module $manifest -ErrorAction Stop", ("manifest", Repository.Manifest)).MustSucceed();
    }

    public TestHost Host { get; }

    /// <summary>Makes an engine that is connected to a server.</summary>
    public static PowerShellEngine ConnectedTo(ServerProcess server, TestHost? host = null, string options = "")
    {
        var engine = new PowerShellEngine(host);
        engine.Connect(server, options);
        return engine;
    }

    /// <summary>Connects to a server; the pace is above what any test sends.</summary>
    public PSObject Connect(ServerProcess server, string options = "") =>
        Run(
            "Connect-MbProject -ProjectToken $token -BaseUri $address -ReadsPerMinute 1000000 -WritesPerMinute 1000000 -PassThru " + options,
            ("token", server.SecureToken()),
            ("address", server.BaseAddress)).MustSucceed().Single();

    /// <summary>Runs a script to its end.</summary>
    /// <param name="script">The script.</param>
    /// <param name="variables">Variables to set before.</param>
    public Run Run(string script, params (string Name, object? Value)[] variables)
    {
        using RunningScript running = Start(script, variables);
        return running.Wait();
    }

    /// <summary>Runs a script within try and catch: what ends a statement, and not only what ends a script, is its end.</summary>
    public Run Try(string script, params (string Name, object? Value)[] variables)
    {
        Run run = Run($"$caught = $null; try {{ {script} }} catch {{ $caught = $_ }}", variables);
        return run with { End = run.End ?? _runspace.SessionStateProxy.GetVariable("caught") as ErrorRecord };
    }

    /// <summary>Starts a script and goes on.</summary>
    public RunningScript Start(string script, params (string Name, object? Value)[] variables)
    {
        foreach ((string name, object? value) in variables)
        {
            _runspace.SessionStateProxy.SetVariable(name, value);
        }

        var shell = PowerShell.Create(_runspace);
        shell.AddScript(script, useLocalScope: false);
        return new RunningScript(shell);
    }

    /// <summary>What a variable holds.</summary>
    public object? Variable(string name) => _runspace.SessionStateProxy.GetVariable(name);

    public void Dispose() => _runspace.Dispose();
}

/// <summary>A script that runs.</summary>
internal sealed class RunningScript : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly PowerShell _shell;
    private readonly PSDataCollection<PSObject> _output = [];
    private readonly IAsyncResult _invocation;

    internal RunningScript(PowerShell shell)
    {
        _shell = shell;
        _invocation = shell.BeginInvoke<PSObject, PSObject>(null, _output);
    }

    /// <summary>What was written so far.</summary>
    public PSDataCollection<PSObject> Output => _output;

    /// <summary>Waits for the end for so long.</summary>
    public bool EndsWithin(TimeSpan time) => _invocation.AsyncWaitHandle.WaitOne(time);

    /// <summary>Waits for the end.</summary>
    public Run Wait()
    {
        ErrorRecord? end = null;
        try
        {
            if (!_invocation.AsyncWaitHandle.WaitOne(s_limit))
            {
                throw new TimeoutException($"The script did not end in {s_limit}: {_shell.Commands.Commands[0]}");
            }

            _shell.EndInvoke(_invocation);
        }
        catch (RuntimeException exception)
        {
            end = exception.ErrorRecord;
        }

        return new Run([.. _output], _shell.Streams, end);
    }

    /// <summary>Stops it, as Ctrl+C does, and waits for the end.</summary>
    /// <returns>What was there by then, and how long the stop took.</returns>
    public (Run Run, TimeSpan Took) Stop()
    {
        long started = TimeProvider.System.GetTimestamp();
        if (!_shell.BeginStop(null, null).AsyncWaitHandle.WaitOne(s_limit))
        {
            throw new TimeoutException($"The script was not stopped in {s_limit}: {_shell.Commands.Commands[0]}");
        }

        Run run = Wait();
        return (run, TimeProvider.System.GetElapsedTime(started));
    }

    public void Dispose()
    {
        _shell.Dispose();
        _output.Dispose();
    }
}

/// <summary>What a script left in each stream, and the error that ended it before its end, if one did.</summary>
internal sealed record Run(IReadOnlyList<PSObject> Output, PSDataStreams Streams, ErrorRecord? End)
{
    public IReadOnlyList<ErrorRecord> Errors { get; } = [.. Streams.Error];

    public IReadOnlyList<string> Warnings { get; } = [.. Streams.Warning.Select(record => record.Message)];

    public IReadOnlyList<string> Verbose { get; } = [.. Streams.Verbose.Select(record => record.Message)];

    public IReadOnlyList<string> Debug { get; } = [.. Streams.Debug.Select(record => record.Message)];

    public IReadOnlyList<InformationRecord> Information { get; } = [.. Streams.Information];

    public IReadOnlyList<ProgressRecord> Progress { get; } = [.. Streams.Progress];

    /// <summary>The one error, whether or not it ended the script.</summary>
    public ErrorRecord Error => End ?? Assert.Single(Errors);

    /// <summary>Asserts that there was no error, and gives the output.</summary>
    public IReadOnlyList<PSObject> MustSucceed()
    {
        Assert.True(End is null, End?.ToString());
        Assert.True(Errors.Count == 0, string.Join("\n", Errors.Select(error => error.ToString())));
        return Output;
    }
}

/// <summary>What tests read from objects whose types are in the module, which they import and do not reference.</summary>
internal static class Values
{
    /// <summary>A property's value; the type's default where it is null.</summary>
    public static T Get<T>(this PSObject item, string property) =>
        item.Properties[property].Value is { } value ? (T)LanguagePrimitives.ConvertTo(value, typeof(T), null) : default!;

    public static string Id(this PSObject item) => item.Get<string>("Id");
}
