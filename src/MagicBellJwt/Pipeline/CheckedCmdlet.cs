using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Host;
using MagicBellJwt.Client;

namespace MagicBellJwt.Commands;

/// <summary>A cmdlet that looks at its arguments before it does anything, and does nothing where one of them is wrong.</summary>
public abstract class CheckedCmdlet : PSCmdlet
{
    private HashSet<string> _given = [];
    private HashSet<string> _onCommandLine = [];
    private bool _isRefused;

    /// <summary>Whether the caller gave a parameter: a value, a default, or a script block for each input. Where it is given, no column of an input counts for it.</summary>
    private protected bool IsGiven(string parameter) => _given.Contains(parameter);

    /// <summary>Whether a parameter is on the command line, or a default, so that its value holds for every input. That of <c>-Email { $_.Work }</c> is each input's own.</summary>
    private protected bool IsOnCommandLine(string parameter) => _onCommandLine.Contains(parameter);

    /// <summary>Checks the arguments, then begins.</summary>
    protected sealed override void BeginProcessing()
    {
        _given = new(MyInvocation.BoundParameters.Keys, StringComparer.OrdinalIgnoreCase);

        // What is worked out of each input is an object of the engine's own here, of a type that nobody else sees.
        _onCommandLine = new(MyInvocation.BoundParameters.Where(bound => bound.Value?.GetType().IsVisible != false).Select(bound => bound.Key), StringComparer.OrdinalIgnoreCase);
        if (ArgumentCheck.FaultOf(this) is var (words, parameter))
        {
            Refuse(words, parameter);
        }
        else
        {
            Begin();
        }
    }

    /// <summary>Does one input, unless an argument was refused.</summary>
    protected sealed override void ProcessRecord()
    {
        if (!_isRefused)
        {
            Process();
        }
    }

    /// <summary>Ends what was begun, unless an argument was refused.</summary>
    protected sealed override void EndProcessing()
    {
        if (!_isRefused)
        {
            End();
        }
    }

    /// <summary>Reports an argument that cannot be meant. Nothing is done after it.</summary>
    private protected void Refuse(string words, string target)
    {
        _isRefused = true;
        WriteError(ErrorRecords.Create(MagicBellException.Invalid(words), target));
    }

    // What foreign text is shown through, whoever writes it: each hides the engine's method of the same name.

    /// <summary>Asks whether to go on. Where nobody can answer, the command ends with MbConfirmationRequired.</summary>
    private protected new bool ShouldProcess(string target, string action)
    {
        try
        {
            return base.ShouldProcess(ScreenText.Of(target), ScreenText.Of(action));
        }
        catch (Exception failure) when (failure is PSInvalidOperationException or HostException or NullReferenceException)
        {
            // What a host throws that was started with -NonInteractive, or that has no screen, as in a job; the last is pwsh's own where standard input has ended.
            ThrowTerminatingError(ErrorRecords.Create(
                new MagicBellException(MagicBellError.ConfirmationRequired, $"This is not done without an answer, and nobody can answer here: {action}, {target}.", failure),
                target));
            throw;
        }
    }

    /// <summary>Writes a warning.</summary>
    internal new void WriteWarning(string text) => base.WriteWarning(ScreenText.Of(text));

    /// <summary>Writes to the verbose stream.</summary>
    internal new void WriteVerbose(string text) => base.WriteVerbose(ScreenText.Of(text));

    /// <summary>Writes to the debug stream.</summary>
    private protected new void WriteDebug(string text) => base.WriteDebug(ScreenText.Of(text));

    /// <summary>Shows progress.</summary>
    internal new void WriteProgress(ProgressRecord record)
    {
        record.CurrentOperation = record.CurrentOperation is { } operation ? ScreenText.Of(operation) : null;
        record.StatusDescription = ScreenText.Of(record.StatusDescription);
        base.WriteProgress(record);
    }

    /// <summary>Writes an error: its text, its advice and what is shown of its target.</summary>
    private protected new void WriteError(ErrorRecord record) => base.WriteError(ErrorRecords.Visible(record));

    /// <summary>Ends the command with an error.</summary>
    private protected new void ThrowTerminatingError(ErrorRecord record) => base.ThrowTerminatingError(ErrorRecords.Visible(record));

    /// <summary>What is done before the first input.</summary>
    private protected virtual void Begin()
    {
    }

    /// <summary>What is done for each input.</summary>
    private protected virtual void Process()
    {
    }

    /// <summary>What is done after the last input.</summary>
    private protected virtual void End()
    {
    }
}
