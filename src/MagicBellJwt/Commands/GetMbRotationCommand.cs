using System;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Client.Rotation;
using MagicBellJwt.Completion;
using MagicBellJwt.Rotation;

namespace MagicBellJwt.Commands;

/// <summary>Shows the rotations that are under way, by their journal. Sends nothing.</summary>
[Cmdlet(VerbsCommon.Get, "MbRotation", HelpUri = HelpPages.Folder + "Get-MbRotation.md")]
[OutputType(typeof(PendingRotation))]
public sealed class GetMbRotationCommand : ReadingCmdlet
{
    /// <summary>The names of the tokens, with wildcards; without it all.</summary>
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [PlainText]
    [ValidateNotNullOrEmpty]
    public string[]? Name { get; set; }

    /// <summary>The journal; without it the project's own, in the platform's state directory.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? JournalPath { get; set; }

    /// <summary>The vault that keeps the journal, where the rotations were given one.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(VaultCompleter))]
    [ValidateNotNullOrEmpty]
    public string? JournalVault { get; set; }

    /// <inheritdoc/>
    private protected override void Input() => Try(null, () =>
    {
        foreach (Lane lane in Lanes)
        {
            Try(lane.IsAlone ? null : lane.Session.Name, () => Read(lane.Session), lane);
        }
    });

    private RotationJournal JournalOf(Session session)
    {
        RotationCmdlet.CheckJournalPlace(JournalPath, JournalVault);
        return JournalVault is { } vault
            ? new VaultJournal(new SecretVault(this, new ScriptRunner(this), vault), vault, session).Journal
            : RotationJournal.Peek(RotationCmdlet.JournalFileOf(session, JournalPath is null ? null : GetUnresolvedProviderPathFromPSPath(JournalPath)));
    }

    private void Read(Session session)
    {
        RotationJournal journal = JournalOf(session);
        WildcardPattern[]? patterns = Name is null ? null : [.. Name.Select(name => WildcardPattern.Get(name, WildcardOptions.IgnoreCase))];
        foreach (RotationEntry entry in journal.Entries.Where(entry => !entry.IsFinished && RotationText.IsOf(entry, session)))
        {
            if (patterns is null || Array.Exists(patterns, pattern => pattern.IsMatch(entry.Name ?? "")))
            {
                WriteObject(new PendingRotation(entry, session, journal.Path));
            }
        }
    }
}
