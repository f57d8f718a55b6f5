using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Threading;
using MagicBellJwt.Client;

namespace MagicBellJwt.Rotation;

/// <summary>Runs other people's commands inside the pipeline and takes any error of theirs for a failure.</summary>
internal sealed class ScriptRunner(PSCmdlet cmdlet)
{
    private volatile PowerShell? _running;

    /// <summary>Runs a command.</summary>
    /// <param name="command">The command, with its module where it has one.</param>
    /// <param name="parameters">Its parameters.</param>
    /// <returns>What it put out.</returns>
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

    /// <summary>Runs a script block in a scope of its own in which any error is the end. A program that ends with another exit code than 0 is an error too.</summary>
    /// <param name="block">The block.</param>
    /// <param name="argument">Its argument.</param>
    /// <returns>What it put out.</returns>
    /// <exception cref="CommandFailedException">It failed.</exception>
    internal IReadOnlyList<object> Run(ScriptBlock block, object argument)
    {
        const string Script = """
            param($Block, $Argument)
            $ErrorActionPreference = 'Stop'
            $global:LASTEXITCODE = 0
            & $Block $Argument
            if ($global:LASTEXITCODE -ne 0) { throw "A program ended with exit code $global:LASTEXITCODE." }
            """;
        using PowerShell shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
        shell.AddScript(Script, useLocalScope: true).AddArgument(block).AddArgument(argument);
        return Invoke(shell);
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

            object[] output = [.. shell.Invoke().Where(item => item is not null).Select(item => item.BaseObject)];
            if (cmdlet.Stopping || shell.InvocationStateInfo.State != PSInvocationState.Completed)
            {
                // Ended half-way, what it put out by then says nothing.
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

/// <summary>Somebody else's command failed. What it said may hold a secret, and is for a <see cref="Redactor"/> first.</summary>
internal sealed class CommandFailedException(ErrorRecord record) : System.Exception(record.Exception.Message)
{
    internal bool IsNotFound => record.CategoryInfo.Category == ErrorCategory.ObjectNotFound;
}
