using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;
using MagicBellJwt.Rotation;

namespace MagicBellJwt.Commands;

/// <summary>Gives rotations up while the old token is live: revokes the new one where nobody holds it.</summary>
[Cmdlet(VerbsCommon.Undo, "MbRotation", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, HelpUri = HelpPages.Folder + "Undo-MbRotation.md")]
[OutputType(typeof(void))]
public sealed class UndoMbRotationCommand : RotationCmdlet
{
    private readonly Dictionary<(Session Session, TokenKind Kind), Rotator> _rotators = [];

    /// <summary>Ids of the old or the new tokens, or rotations that Get-MbRotation wrote.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ValidateNotNull]
    public PSObject[] Id { get; set; } = [];

    /// <inheritdoc/>
    private protected override void Process()
    {
        foreach (PSObject item in Id)
        {
            string id = (item.BaseObject as PendingRotation)?.OldId ?? item.BaseObject.ToString()!.Trim();
            Try(id, () =>
            {
                RequestValidation.CheckTokenId(id);
                Session session = Session ?? (item.BaseObject as PendingRotation)?.Session ?? CurrentSession;
                RotationJournal journal = JournalOf(session);
                RotationEntry entry = journal.Entries.LastOrDefault(entry => !entry.IsFinished && RotationText.IsOf(entry, session) && (TokenScope.IsSameId(entry.OldId, id) || TokenScope.IsSameId(entry.NewId, id)))
                    ?? throw new MagicBellException(MagicBellError.TokenNotFound, $"No rotation of the token {id} is under way in the journal {journal.Path}.");
                Rotator rotator = RotatorOf(session, new PendingRotation(entry, session, journal.Path).Kind, journal);
                Start(id, () => rotator.GiveUpAsync(entry));
            });
        }
    }

    /// <inheritdoc/>
    private protected override string? AdviceFor(MagicBellException failure, object? target) => failure.Error switch
    {
        MagicBellError.TokenNotFound => $"See what is under way: Get-MbRotation{WhereArgument}{JournalArgument}",
        MagicBellError.Conflict => "Wait until it has ended, then call again.",
        _ => null,
    };

    private Rotator RotatorOf(Session session, TokenKind kind, RotationJournal journal)
    {
        if (!_rotators.TryGetValue((session, kind), out Rotator? rotator))
        {
            rotator = new Rotator(session, kind, journal, this, new RotationOptions { JournalPath = JournalPath, JournalVault = JournalVault, KeepJournal = KeeperOf(journal), IsPreview = IsPreview, StoreOf = StoreOf, Sessions = Sessions });
            _rotators.Add((session, kind), rotator);
        }

        return rotator;
    }
}
