using System;
using System.Collections.Generic;
using System.Management.Automation;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;
using MagicBellJwt.Rotation;

namespace MagicBellJwt.Commands;

/// <summary>A cmdlet that works with the journal of a project's rotations.</summary>
public abstract class RotationCmdlet : SessionCmdlet
{
    private readonly Dictionary<string, RotationJournal> _journals = new(StringComparer.Ordinal);

    private protected RotationCmdlet() => Scripts = new ScriptRunner(this);

    /// <summary>The journal; without it a file a project in the platform's state directory. Every run of a project needs the same one.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? JournalPath { get; set; }

    private protected ScriptRunner Scripts { get; }

    /// <summary>Whether nothing is to be changed, so that the journal is read and not opened.</summary>
    private protected virtual bool IsPreview => MyInvocation.BoundParameters.TryGetValue("WhatIf", out object? bound)
        ? LanguagePrimitives.IsTrue(bound)
        : LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference"));

    /// <inheritdoc/>
    protected override void StopProcessing()
    {
        base.StopProcessing();
        Scripts.Stop();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        foreach (RotationJournal journal in _journals.Values)
        {
            journal.Dispose();
        }
    }

    /// <summary>The journal of a session's project.</summary>
    /// <exception cref="MagicBellException">It cannot be told which it is, or it cannot be opened.</exception>
    private protected RotationJournal JournalOf(Session session)
    {
        if (JournalPath is null && !session.NamesProject)
        {
            throw MagicBellException.Invalid(
                $"The session's token does not say which project it is of, so it cannot be told which journal is this project's. Connect with a name for the project, the same each time: Connect-MbProject -Name NAME. Or give the journal: -JournalPath.");
        }

        string path = JournalPath is null
            ? RotationJournal.PathOf(session.BaseAddress, session.ProjectId)
            : GetUnresolvedProviderPathFromPSPath(JournalPath);
        if (!_journals.TryGetValue(path, out RotationJournal? journal))
        {
            // A sandbox in this process is gone with its session, and nothing in its journal can be due after that.
            journal = IsPreview ? RotationJournal.Peek(path) : RotationJournal.Open(path, isTemporary: session.IsSandbox && JournalPath is null);
            _journals.Add(path, journal);
        }

        return journal;
    }

    /// <summary>The store that an earlier run's rotation goes to; null where its token went down the pipeline.</summary>
    private protected ITokenStore? StoreOf(RotationEntry entry) => entry.File is not null ? new FileStore(entry.File)
        : entry.Vault is not null ? new VaultStore(this, Scripts, entry.Vault, _ => entry.Secret ?? "")
        : entry.IsStoredByScript ? new ScriptStore(Scripts, null)
        : null;
}
