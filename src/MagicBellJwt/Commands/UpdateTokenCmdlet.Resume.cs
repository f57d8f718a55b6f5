using System;
using System.Linq;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;
using MagicBellJwt.Rotation;

namespace MagicBellJwt.Commands;

/// <content>What a later run makes of what it finds in the journal.</content>
public abstract partial class UpdateTokenCmdlet
{
    // How far the clocks of this machine and the server may differ unseen, and how long a create may take.
    private static readonly TimeSpan s_clockTolerance = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_longestCreate = TimeSpan.FromHours(1);

    // How long a vault may show what it held before: SecretStore sees what another process wrote after five seconds.
    private static readonly TimeSpan s_vaultDelay = TimeSpan.FromSeconds(10);

    private bool HasStore => Vault is not null || SaveTo is not null;

    private void ResumeEverything()
    {
        Session session = CurrentSession;
        _ = session.Service;
        RotationJournal journal = JournalOf(session);
        foreach (RotationEntry entry in EntriesOf(session, journal).Where(entry => !entry.IsFinished))
        {
            Try(entry.Name ?? entry.OldId, () => Continue(new Rotating(entry, session, journal)));
        }
    }

    /// <summary>Finishes or undoes what earlier runs left of some tokens.</summary>
    /// <returns>Whether an interrupted rotation was carried through, so that this run has nothing left to rotate.</returns>
    private bool ResumeWhere(Session session, RotationJournal journal, Func<RotationEntry, bool> meant)
    {
        bool carriedThrough = false;
        foreach (RotationEntry entry in EntriesOf(session, journal).Where(entry => !entry.IsFinished && meant(entry)))
        {
            carriedThrough |= Continue(new Rotating(entry, session, journal));
        }

        return carriedThrough;
    }

    /// <summary>Takes a rotation on from where it stands.</summary>
    /// <returns>Whether it was interrupted, and is carried through now.</returns>
    private bool Continue(Rotating rotating)
    {
        RotationEntry entry = rotating.Entry;
        if (entry.Step == RotationStep.Retiring && entry.DueAt > DateTimeOffset.UtcNow)
        {
            return false;
        }

        if (!ShouldProcess(
            $"rotation of the {KindWord} token {Describe(entry)}, begun {RotationJournal.Time(entry.BegunAt)}, which stands at '{entry.Step}' (new token: {entry.NewId ?? "not known"})",
            "Finish or undo what was interrupted, or is due"))
        {
            return Previews ? false : throw new MagicBellException(MagicBellError.RotationFailed, $"An earlier rotation of {Describe(entry)} stands at '{entry.Step}', and was not to be finished.");
        }

        switch (entry.Step)
        {
            case RotationStep.Begun:
                LookForOrphans(rotating);
                return false;
            case RotationStep.Storing when entry.Vault is not null:
                return ContinueFromVault(rotating);
            case RotationStep.Storing when entry.IsStoredByScript:
                ContinueFromScript(rotating);
                return false;
            case RotationStep.Storing:
                WriteWarning($"An interrupted rotation of the {KindWord} token {Describe(entry)} issued {entry.NewId}, and it cannot be told whether anybody received it. Where nobody did: Remove-Mb{Kind}Token {entry.NewId}");
                rotating.Journal.Write(entry, RotationStep.Kept, ("orphans", entry.NewId));
                return false;
            case RotationStep.Stored:
                return Forward(rotating, resumed => Retire(rotating, ValueInVault(entry), resumed));
            case RotationStep.Revoking:
                return Forward(rotating, RevokeStoredOver);
            case RotationStep.Retiring:
                // It waited as it was told to, so a fresh rotation may follow.
                Forward(rotating, RevokeStoredOver);
                return false;
            default:
                Undo(rotating, "and nobody had the new token");
                return false;
        }

        void RevokeStoredOver(bool resumed)
        {
            string? value = ValueInVault(entry);
            SwitchOver(rotating, value);
            RevokeOld(rotating, value, resumed);
        }
    }

    // The answer to the create never came, or was never written down: the token, if there is one, has no holder.
    private void LookForOrphans(Rotating rotating)
    {
        (RotationEntry entry, Session session, RotationJournal journal) = (rotating.Entry, rotating.Session, rotating.Journal);
        DateTimeOffset begun = entry.BegunAt - (session.Service.ClockOffset ?? TimeSpan.Zero);
        string?[] known = [.. EntriesOf(session, journal).SelectMany(other => new[] { other.OldId, other.NewId })];
        // The whole list: that the newest come first is the server's habit and no promise.
        string[] orphans =
        [
            .. All(session, entry.UserId)
                .Where(token => token.Id is not null && token.Name == entry.Name && token.Status == TokenStatus.Active
                    && token.CreatedAt >= begun - s_clockTolerance && token.CreatedAt < begun + s_longestCreate && !known.Any(id => SameId(id, token.Id)))
                .Select(token => token.Id!),
        ];
        if (orphans.Length == 0)
        {
            SayUndone(entry, "and had issued no token");
        }
        else
        {
            WriteWarning($"An interrupted rotation of the {KindWord} token {Describe(entry)} may have issued a token that nobody holds: {string.Join(", ", orphans)}. "
                + $"It is not revoked on a guess. When you know of no use of it: Remove-Mb{Kind}Token {string.Join(",", orphans)}");
        }

        // Said first: a run that dies in between says it again, and none keeps it to itself.
        journal.Write(entry, RotationStep.Undone, ("orphans", orphans.Length > 0 ? string.Join(" ", orphans) : null));
    }

    private bool ContinueFromVault(Rotating rotating)
    {
        RotationEntry entry = rotating.Entry;
        _secretVault.Check(entry.Vault!);
        string? value = Held();
        TimeSpan wait = entry.StepAt + s_vaultDelay - DateTimeOffset.UtcNow;
        if (value is null && wait > TimeSpan.Zero)
        {
            WriteVerbose($"The vault '{entry.Vault}' does not hold the new token, and is asked again when it has had time to show what another process wrote.");
            Wait(wait < s_vaultDelay ? wait : s_vaultDelay);
            value = Held();
        }

        if (value is null)
        {
            Undo(rotating, $"and the vault '{entry.Vault}' does not hold the new token");
            return false;
        }

        return Forward(rotating, resumed =>
        {
            try
            {
                Prove(rotating.Session, entry.UserId, entry.NewId!, value);
            }
            catch (MagicBellException failure)
            {
                throw RotationFailed(failure.Message, failure);
            }

            rotating.Journal.Write(entry, RotationStep.Stored);
            Retire(rotating, value, resumed);
        });

        string? Held() => SecretVault.TextOf(ReadSecret(entry.Vault!, entry.Secret!)) is { } text && TokenFingerprint.Of(text) == entry.Fingerprint ? text : null;
    }

    // Whether the script stored it cannot be known, so both stay live until another one is stored.
    private void ContinueFromScript(Rotating rotating)
    {
        RotationEntry entry = rotating.Entry;
        if (EntriesOf(rotating.Session, rotating.Journal).Any(other => other.Step == RotationStep.Done && IsReplacedBy(entry, other)))
        {
            Undo(rotating, "and another new token was stored since");
            return;
        }

        WriteWarning($"An interrupted rotation of the {KindWord} token {Describe(entry)} issued {entry.NewId}, and it cannot be told whether -SaveTo stored it. "
            + (HasStore ? "It and the old one are revoked when a fresh one is stored." : $"Both stay live until the token is rotated again: Update-Mb{Kind}Token {entry.OldId} -SaveTo …"));
    }

    /// <summary>Goes on where the new token is stored, provided that it is still live.</summary>
    private bool Forward(Rotating rotating, Action<bool> goOn)
    {
        (RotationEntry entry, Session session, RotationJournal journal) = (rotating.Entry, rotating.Session, rotating.Journal);
        string holder = entry.NewId!;
        foreach (RotationEntry later in EntriesOf(session, journal).Where(later => later.IsCompleted))
        {
            holder = SameId(later.OldId, holder) ? later.NewId! : holder;
        }

        if (Find(session, entry.UserId, token => SameId(token.Id, holder)) is not { Status: TokenStatus.Active })
        {
            journal.Write(entry, RotationStep.Undone);
            WriteWarning($"The {KindWord} token {holder}, which was to replace {Describe(entry)}, is not live any more, so the old one stays.");
            return false;
        }

        goOn(true);
        return true;
    }

    // While it is not undone nothing fresh is begun: one token that nobody holds is enough.
    private void Undo(Rotating rotating, string why)
    {
        if (!Undo(rotating))
        {
            throw RotationFailed($"The new token {rotating.Entry.NewId} of an earlier rotation could not be revoked.");
        }

        SayUndone(rotating.Entry, why);
    }

    private string? ValueInVault(RotationEntry entry)
    {
        if (entry.Vault is null || Kind != TokenKind.Project)
        {
            return null;
        }

        try
        {
            string? value = SecretVault.TextOf(_secretVault.Read(entry.Vault, entry.Secret!));
            return value is not null && TokenFingerprint.Of(value) == entry.Fingerprint ? value : null;
        }
        catch (CommandFailedException failure)
        {
            WriteVerbose($"The vault '{entry.Vault}' cannot be read: {new Redactor().Clean(failure.Message)}");
            return null;
        }
    }

    private static bool IsReplacedBy(RotationEntry uncertain, RotationEntry entry) =>
        uncertain.Step == RotationStep.Storing && uncertain.IsStoredByScript && uncertain.Id != entry.Id && SameId(uncertain.OldId, entry.OldId);

    private static string Describe(RotationEntry entry) => entry.Name is null ? entry.OldId : $"'{entry.Name}' ({entry.OldId})";

    private void SayUndone(RotationEntry entry, string why) =>
        WriteWarning($"A rotation of the {KindWord} token {Describe(entry)} was interrupted {why}{(entry.NewId is null ? "" : $", {entry.NewId}")}: it is undone, and the old one stays.");
}
