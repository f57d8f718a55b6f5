using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Threading;
using MagicBellJwt.Client;
using MagicBellJwt.Commands;

namespace MagicBellJwt.Rotation;

/// <summary>Runs commands of the caller inside the pipeline and takes any error of theirs for a failure.</summary>
internal sealed class ScriptRunner(CheckedCmdlet cmdlet)
{
    // Windows PowerShell has no such variable.
    private const string NativeFails = "global:PSNativeCommandUseErrorActionPreference";

    private volatile PowerShell? _running;

    /// <summary>Runs a command.</summary>
    /// <param name="command">The command, with its module where it has one.</param>
    /// <param name="parameters">Its parameters.</param>
    /// <returns>Its output.</returns>
    /// <exception cref="CommandFailedException">It failed.</exception>
    internal IReadOnlyList<object> Run(string command, params (string Name, object Value)[] parameters)
    {
        using PowerShell shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
        shell.AddCommand(command);
        foreach ((string name, object value) in parameters)
        {
            shell.AddParameter(name, value);
        }

        // Whatever $ErrorActionPreference the caller has: an error that nobody sees would be taken for success.
        shell.AddParameter("ErrorAction", ActionPreference.Continue);
        return Invoke(shell);
    }

    /// <summary>
    /// Runs a script block in which any error is the end. It must run to its end: <c>exit</c>, <c>break</c> and <c>continue</c> are failures, as
    /// is a program's exit code other than 0 (in Windows PowerShell, that of the last program).
    /// </summary>
    /// <param name="block">The block. It sees its own scope and its parameter, and no variable of this module.</param>
    /// <param name="argument">Its argument.</param>
    /// <returns>Its output.</returns>
    /// <exception cref="CommandFailedException">It failed.</exception>
    internal IReadOnlyList<object> Run(ScriptBlock block, object argument)
    {
        // Only automatic variables: the block would see any other one through the dynamic scope.
        const string Script = """
            $ErrorActionPreference = 'Stop'
            $PSNativeCommandUseErrorActionPreference = $true
            & $args[0] $args[1]
            $args[2]
            """;
        object end = new();
        object? exitCode = cmdlet.SessionState.PSVariable.GetValue("global:LASTEXITCODE");

        // For the functions of modules too, which see no scope of the caller's but the global one.
        object? nativeFails = cmdlet.SessionState.PSVariable.GetValue(NativeFails);
        if (nativeFails is not null)
        {
            cmdlet.SessionState.PSVariable.Set(NativeFails, true);
        }

        cmdlet.SessionState.PSVariable.Set("global:LASTEXITCODE", null);
        try
        {
            using PowerShell shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
            shell.AddScript(Script, useLocalScope: true).AddArgument(block).AddArgument(argument).AddArgument(end);
            object[] output = Invoke(shell);
            if (output.Length == 0 || !ReferenceEquals(output[output.Length - 1], end))
            {
                throw new CommandFailedException("It ended with exit, break or continue before its last line.");
            }

            if (cmdlet.SessionState.PSVariable.GetValue("global:LASTEXITCODE") is int code and not 0)
            {
                throw new CommandFailedException($"A program ended with exit code {code}.");
            }

            return [.. output.Take(output.Length - 1)];
        }
        finally
        {
            if (nativeFails is not null)
            {
                cmdlet.SessionState.PSVariable.Set(NativeFails, nativeFails);
            }

            // A program's own exit code stays, as after any command; where none ran the caller's is put back.
            if (cmdlet.SessionState.PSVariable.GetValue("global:LASTEXITCODE") is null)
            {
                cmdlet.SessionState.PSVariable.Set("global:LASTEXITCODE", exitCode);
            }
        }
    }

    /// <summary>Ends what runs, from another thread.</summary>
    internal void Stop() => _running?.BeginStop(null, null);

    private object[] Invoke(PowerShell shell)
    {
        _running = shell;
        Interlocked.MemoryBarrier();
        try
        {
            if (cmdlet.Stopping)
            {
                // The stop came before there was anything here to end.
                throw new PipelineStoppedException();
            }

            // A custom object is nothing without what wraps it: its properties are there.
            object[] output = [.. shell.Invoke().Where(item => item is not null).Select(item => item.BaseObject is PSCustomObject ? item : item.BaseObject)];
            if (cmdlet.Stopping || shell.InvocationStateInfo.State != PSInvocationState.Completed)
            {
                // It was ended half-way, so its output says nothing.
                throw new PipelineStoppedException();
            }

            return shell.Streams.Error.Count == 0 ? output : throw new CommandFailedException(shell.Streams.Error[0]);
        }
        catch (InvalidPowerShellStateException) when (cmdlet.Stopping)
        {
            // Stopped between the look at the stop and the start.
            throw new PipelineStoppedException();
        }
        catch (RuntimeException failure) when (failure is not PipelineStoppedException)
        {
            throw new CommandFailedException(failure.ErrorRecord);
        }
        finally
        {
            _running = null;
            foreach (WarningRecord warning in shell.Streams.Warning)
            {
                cmdlet.WriteWarning(warning.Message);
            }
        }
    }
}

/// <summary>A command of the caller failed. Its message may hold a secret: it is for a <see cref="Redactor"/> first.</summary>
internal sealed class CommandFailedException : System.Exception
{
    internal CommandFailedException(string message)
        : base(message)
    {
    }

    internal CommandFailedException(ErrorRecord record)
        : base(record.Exception.Message) => IsNotFound = record.CategoryInfo.Category == ErrorCategory.ObjectNotFound;

    internal bool IsNotFound { get; }
}
