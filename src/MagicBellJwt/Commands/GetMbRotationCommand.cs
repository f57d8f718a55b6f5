using System;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Client.Rotation;
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

    /// <inheritdoc/>
    private protected override void Input() => Try(null, () =>
    {
        foreach (Lane lane in Lanes)
        {
            Try(lane.IsAlone ? null : lane.Session.Name, () => Read(lane.Session), lane);
        }
    });

    private void Read(Session session)
    {
        var journal = RotationJournal.Peek(RotationCmdlet.JournalFileOf(session, JournalPath is null ? null : GetUnresolvedProviderPathFromPSPath(JournalPath)));
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
