using System;
using System.Collections;
using System.Globalization;
using System.Linq;
using System.Security;
using System.Text;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;
using MagicBellJwt.Rotation;

namespace MagicBellJwt.Commands;

/// <content>A fresh rotation, step by step.</content>
public abstract partial class UpdateTokenCmdlet
{
    // A new token that nobody but this process has.
    private Rotating? _unheld;

    /// <summary>
    /// The new token is proved before it is stored, so that a store never gets one that does not work: a secret that is overwritten
    /// is gone. What the store then gives back is compared whole, so that it is proved too.
    /// </summary>
    private void Rotate(ListedToken old, Session session, RotationJournal journal)
    {
        if (old.Id is null)
        {
            throw MagicBellException.Invalid("The token has no id, so the API cannot revoke it.");
        }

        long? lifetime = ExpiresIn is { } asked ? (long)Math.Floor(asked.TotalSeconds)
            : old.ExpiresAt is { } end ? Math.Max(1, (long)Math.Round((end - old.CreatedAt).TotalSeconds))
            : null;
        Check(old.Name, lifetime);
        if (Vault is not null)
        {
            _secretVault.Check(Vault);
        }

        if (!ShouldProcess(Plan(old, session, lifetime), $"Rotate {KindWord} token"))
        {
            return;
        }

        session.Completions.Clear();
        object? before = Vault is null ? null : LookAtSecret(old, session, journal);
        var key = Guid.NewGuid();
        RotationEntry entry = journal.Begin(KeyOf(session), KindWord, old.Id, old.Name, UserIdOf(old), key, lifetime, Vault, SaveTo is not null, Overlap);
        Issue(new Rotating(entry, session, journal), old.Name, lifetime, key);
        Rotating rotating = _unheld!;
        string value = SecureText.Reveal((SecureString)rotating.Issued!.Token);
        try
        {
            Prove(session, entry.UserId, entry.NewId!, value);
            journal.Write(entry, RotationStep.Proved);
        }
        catch (MagicBellException failure)
        {
            Undo(rotating);
            throw RotationFailed(failure.Message, failure);
        }

        if (Vault is null && SaveTo is null)
        {
            Hand(rotating);
            return;
        }

        if (Vault is not null ? SaveToVault(rotating, SecretNameOf(old, session, entry.NewId!), value, before) : SaveByScript(rotating, value))
        {
            journal.Write(entry, RotationStep.Stored);
            Retire(rotating, value, resumed: false);
        }
    }

    /// <summary>What the secret holds that is about to be overwritten, and that it is no other token's.</summary>
    private object? LookAtSecret(ListedToken old, Session session, RotationJournal journal)
    {
        if (SecretName.IndexOf("{Id}", StringComparison.Ordinal) >= 0)
        {
            return null;
        }

        string secret = SecretNameOf(old, session, "");
        object? before = ReadSecret(Vault!, secret);
        string? fingerprint = SecretVault.TextOf(before) is { } text ? TokenFingerprint.Of(text) : null;
        string? other = EntriesOf(session, journal).LastOrDefault(entry => entry.IsCompleted && entry.Fingerprint == fingerprint)?.NewId;
        if (!_secrets.Add(Vault + "\n" + secret)
            || (other is not null && !SameId(other, old.Id) && Find(session, UserIdOf(old), token => SameId(token.Id, other)) is { Status: TokenStatus.Active }))
        {
            throw MagicBellException.Invalid($"The secret '{secret}' of vault '{Vault}' holds the live token {other ?? "of another rotation of this run"}, which would be lost. Tell the tokens apart with -SecretName.");
        }

        return before;
    }

    /// <summary>Issues the new token, and leaves it in <see cref="_unheld"/>.</summary>
    private void Issue(Rotating rotating, string? name, long? lifetime, Guid key)
    {
        (RotationEntry entry, Session session, RotationJournal journal) = (rotating.Entry, rotating.Session, rotating.Journal);
        JwtService service = session.Service;
        Await(async () =>
        {
            try
            {
                Task<CreatedToken> creating = CreateAsync(service, name, lifetime, key, WriteCall);
                await ((Task)creating).ConfigureAwait(false);
                rotating.Issued = new IssuedToken(creating.Result, Kind, name, asPlainText: false, session);
                rotating.NewId = creating.Result.TokenId;
                journal.Write(entry, RotationStep.Created, ("new", rotating.NewId), ("fingerprint", rotating.Issued.Fingerprint));
            }
            catch (MagicBellException failure) when (rotating.NewId is null)
            {
                if (!failure.OutcomeUnknown)
                {
                    journal.Write(entry, RotationStep.Undone);
                }
                else if (!await OfferAsync(() => { }).ConfigureAwait(false))
                {
                    WarnAfterEnd(failure.Message + " The next run looks for it.");
                }

                throw;
            }
            catch (OperationCanceledException)
            {
                journal.Write(entry, RotationStep.Undone);
                throw;
            }
            catch (MagicBellException)
            {
                // The journal does not know the token, so nobody ever will.
                await TakeBackAsync(rotating).ConfigureAwait(false);
                throw;
            }

            if (!await OfferAsync(() => _unheld = rotating).ConfigureAwait(false))
            {
                await TakeBackAsync(rotating).ConfigureAwait(false);
            }

            return true;
        });
    }

    /// <summary>Gives the new token to the pipeline. The old one stays: who knows what becomes of this one.</summary>
    private void Hand(Rotating rotating)
    {
        RotationEntry entry = rotating.Entry;
        rotating.Journal.Write(entry, RotationStep.Storing);
        Task<Delivery>? offer = null;
        try
        {
            Await(() => offer = DeliverAsync(rotating.Issued!));
        }
        finally
        {
            // Where the pipeline ended at this very object, the answer comes a moment later.
            if (offer is not null && offer.Wait(TimeSpan.FromMilliseconds(200)) && offer.Result != Delivery.Refused)
            {
                _unheld = null;
                _settled.Add(entry.NewId!);
                rotating.Journal.Write(entry, RotationStep.Kept);
            }
        }

        WriteWarning($"The old {KindWord} token {entry.OldId} stays: without -Vault or -SaveTo nobody knows that {entry.NewId} was kept. When it was: Remove-Mb{Kind}Token {entry.OldId}");
    }

    private bool SaveToVault(Rotating rotating, string secret, string value, object? before)
    {
        RotationEntry entry = rotating.Entry;
        rotating.Journal.Write(entry, RotationStep.Storing, ("secret", secret));
        _unheld = null;
        var redactor = new Redactor(value);
        try
        {
            _secretVault.Write(Vault!, secret, SecureText.Protect(value));
            if (!IsSame(_secretVault.Read(Vault!, secret), value))
            {
                throw RotationFailed($"The vault '{Vault}' gave back another value than it was given for the secret '{secret}'.");
            }
        }
        catch (Exception failure) when (failure is CommandFailedException or MagicBellException)
        {
            string what = failure is CommandFailedException ? $"The vault '{Vault}' did not take the secret '{secret}': {redactor.Clean(failure.Message)}" : failure.Message;
            PutBack(rotating, secret, value, before, what);
            Undo(rotating);
            throw RotationFailed(what);
        }

        Describe(entry, rotating.Issued!, secret, redactor);
        return true;
    }

    /// <summary>Puts back what a secret held. While the vault still holds the new token, that one must stay live.</summary>
    private void PutBack(Rotating rotating, string secret, string value, object? before, string why)
    {
        try
        {
            if (before is not null)
            {
                _secretVault.Write(Vault!, secret, before);
            }
        }
        catch (CommandFailedException failure)
        {
            WriteVerbose($"The secret '{secret}' could not be put back: {new Redactor(value).Clean(failure.Message)}");
        }

        if (before is not null && MayHold(secret, value))
        {
            throw RotationFailed($"{why} What it held before could not be put back, so both tokens stay live until the next run.");
        }
    }

    // A vault that cannot be read has not said that it lacks the value.
    private bool MayHold(string secret, string value)
    {
        try
        {
            return IsSame(_secretVault.Read(Vault!, secret), value);
        }
        catch (CommandFailedException failure)
        {
            WriteVerbose($"The secret '{secret}' cannot be read: {new Redactor(value).Clean(failure.Message)}");
            return true;
        }
    }

    private void Describe(RotationEntry entry, IssuedToken issued, string secret, Redactor redactor)
    {
        var metadata = new Hashtable
        {
            ["MagicBellTokenId"] = entry.NewId,
            ["MagicBellTokenKind"] = Kind.ToString(),
            ["MagicBellProject"] = issued.Project,
            ["Fingerprint"] = issued.Fingerprint,
            ["CreatedAt"] = issued.CreatedAt.UtcDateTime,
        };
        if (issued.ExpiresAt is { } end)
        {
            metadata.Add("ExpiresAt", end.UtcDateTime);
        }

        try
        {
            _secretVault.Describe(Vault!, secret, metadata);
        }
        catch (CommandFailedException failure)
        {
            WriteVerbose($"The vault '{Vault}' took no metadata for the secret '{secret}': {redactor.Clean(failure.Message)}");
        }
    }

    private bool SaveByScript(Rotating rotating, string value)
    {
        RotationEntry entry = rotating.Entry;
        rotating.Journal.Write(entry, RotationStep.Storing);
        _unheld = null;
        string? wrong;
        object[] output = [];
        try
        {
            output = [.. _scripts.Run(SaveTo!, rotating.Issued!)];
            wrong = output.Length switch
            {
                0 => null,
                1 => IsSame(output[0], value) ? null : "-SaveTo put out another value than it was given.",
                _ => $"-SaveTo put out {output.Length.ToString(CultureInfo.InvariantCulture)} objects. It is to put out the value as it reads it back, and nothing else.",
            };
        }
        catch (CommandFailedException failure)
        {
            wrong = "-SaveTo failed: " + new Redactor(value).Clean(failure.Message);
        }

        if (wrong is not null)
        {
            Undo(rotating);
            throw RotationFailed(wrong);
        }

        if (output.Length == 0)
        {
            rotating.Journal.Write(entry, RotationStep.Kept);
            WriteWarning($"The old {KindWord} token {entry.OldId} stays: -SaveTo did not put out the new one, {entry.NewId}, as it reads it back. When it is kept: Remove-Mb{Kind}Token {entry.OldId}");
            Tell(rotating, resumed: false);
            return false;
        }

        return true;
    }

    /// <summary>Ends the old token, now or when it is due.</summary>
    /// <param name="rotating">The rotation, at <see cref="RotationStep.Stored"/>.</param>
    /// <param name="value">The new token; null where it is not at hand.</param>
    /// <param name="resumed">Whether an earlier run began it.</param>
    private void Retire(Rotating rotating, string? value, bool resumed)
    {
        (RotationEntry entry, Session session, RotationJournal journal) = (rotating.Entry, rotating.Session, rotating.Journal);
        SwitchOver(rotating, value);
        if (entry.Overlap > TimeSpan.Zero)
        {
            journal.Write(entry, RotationStep.Retiring, ("due", RotationJournal.Time(DateTimeOffset.UtcNow + entry.Overlap)));
            Tell(rotating, resumed);
            return;
        }

        RevokeOld(rotating, value, resumed);
    }

    private void RevokeOld(Rotating rotating, string? value, bool resumed)
    {
        (RotationEntry entry, Session session, RotationJournal journal) = (rotating.Entry, rotating.Session, rotating.Journal);
        journal.Write(entry, RotationStep.Revoking);
        DateTimeOffset at = Discard(session, entry.OldId) ?? entry.StepAt;
        journal.Write(entry, RotationStep.Done, ("revoked", RotationJournal.Time(at)));
        if (session.TokenId is null && Kind == TokenKind.Project && value is not null && !IsAccepted(session))
        {
            session.SwitchTo(value, entry.NewId!);
        }

        foreach (RotationEntry uncertain in EntriesOf(session, journal).Where(other => IsReplacedBy(other, entry)))
        {
            Undo(new Rotating(uncertain, session, journal));
        }

        Tell(rotating, resumed);
    }

    // The session that runs on the old token goes on with the new one, before the old one ends.
    private void SwitchOver(Rotating rotating, string? value)
    {
        (RotationEntry entry, Session session) = (rotating.Entry, rotating.Session);
        if (Kind != TokenKind.Project || !SameId(session.TokenId, entry.OldId))
        {
            return;
        }

        if (value is null)
        {
            throw new MagicBellException(
                MagicBellError.SelfLockout,
                $"The session '{session.Name}' itself runs on the token {entry.OldId}, which {entry.NewId} has replaced: revoking it would end the session.");
        }

        session.SwitchTo(value, entry.NewId!);
        WriteVerbose($"The session '{session.Name}' goes on with the token {entry.NewId}.");
    }

    private bool IsAccepted(Session session)
    {
        try
        {
            Await(() => session.Service.FetchProjectTokensAsync(new PageRequest(1)).ReadAsync(ReadCall));
            return true;
        }
        catch (MagicBellException failure)
        {
            // The rotation is done: a server that has no time for the question is no reason to say otherwise.
            WriteVerbose($"Whether the session '{session.Name}' goes on was asked: {failure.Message}");
            return failure.Error != MagicBellError.Unauthorized;
        }
    }

    /// <summary>Revokes a token, which may be gone already.</summary>
    /// <returns>When it ended; null where it had ended before.</returns>
    private DateTimeOffset? Discard(Session session, string id)
    {
        try
        {
            return Await(() => DiscardAsync(session.Service, id, WriteCall)).DiscardedAt;
        }
        catch (MagicBellException failure) when (failure.Error == MagicBellError.TokenNotFound)
        {
            return null;
        }
    }

    /// <summary>Revokes the new token. Where that fails, the next run does it.</summary>
    /// <returns>Whether it is done.</returns>
    private bool Undo(Rotating rotating)
    {
        RotationEntry entry = rotating.Entry;
        bool isRevoked = false;
        try
        {
            try
            {
                rotating.Journal.Write(entry, RotationStep.Undoing);
            }
            finally
            {
                // Even where the journal cannot be written: the token must go.
                Discard(rotating.Session, entry.NewId!);
                isRevoked = true;
            }

            rotating.Journal.Write(entry, RotationStep.Undone);
            _unheld = null;
            return true;
        }
        catch (MagicBellException failure)
        {
            _unheld = null;
            WriteWarning(isRevoked
                ? $"The new {KindWord} token {entry.NewId} is revoked, which could not be written down: {failure.Message}"
                : $"The new {KindWord} token {entry.NewId} is to be revoked, which failed: {failure.Message} The next run does it, or: Remove-Mb{Kind}Token {entry.NewId}");
            return false;
        }
    }

    /// <summary>The pipeline has ended while nobody but this process had the new token.</summary>
    private void TakeBack()
    {
        if (_unheld is { } rotating)
        {
            _unheld = null;
            StopProcessing();
            Task.Run(() => TakeBackAsync(rotating)).Wait();
        }
    }

    private async Task TakeBackAsync(Rotating rotating)
    {
        string told = $"The rotation ended before anybody had the new {KindWord} token {rotating.NewId}, so the token";
        bool isRevoked = false;
        try
        {
            try
            {
                rotating.Journal.Write(rotating.Entry, RotationStep.Undoing, ("new", rotating.NewId));
            }
            finally
            {
                await ((Task)DiscardAsync(rotating.Session.Service, rotating.NewId!, UndoCall)).ConfigureAwait(false);
                isRevoked = true;
                WarnAfterEnd($"{told} was revoked again.");
            }

            rotating.Journal.Write(rotating.Entry, RotationStep.Undone);
        }
        catch (Exception failure) when (failure is MagicBellException or OperationCanceledException)
        {
            WarnAfterEnd(isRevoked
                ? "That could not be written down: " + failure.Message
                : $"{told} should be revoked, which could not be done in time. The next run does it, or: Remove-Mb{Kind}Token {rotating.NewId}");
        }
    }

    private void Tell(Rotating rotating, bool resumed)
    {
        RotationEntry entry = rotating.Entry;
        _settled.Add(entry.OldId);
        _settled.Add(entry.NewId!);
        string? storedIn = entry.Vault is not null ? entry.Vault + "/" + entry.Secret : entry.IsStoredByScript ? "-SaveTo" : null;
        WriteObject(new TokenRotation(entry, Kind, storedIn, rotating.Session.Name, resumed));
    }

    private object? ReadSecret(string vault, string secret)
    {
        try
        {
            return _secretVault.Read(vault, secret);
        }
        catch (CommandFailedException failure)
        {
            throw RotationFailed($"The vault '{vault}' cannot be read: {new Redactor().Clean(failure.Message)}");
        }
    }

    private static bool IsSame(object? stored, string value)
    {
        byte[] left = Encoding.UTF8.GetBytes(SecretVault.TextOf(stored) ?? "");
        byte[] right = Encoding.UTF8.GetBytes(value);
        bool same = ConstantTime.AreEqual(left, right);
        Array.Clear(left, 0, left.Length);
        Array.Clear(right, 0, right.Length);
        return same;
    }

    private MagicBellException RotationFailed(string what, Exception? cause = null) =>
        new(MagicBellError.RotationFailed, $"{what} The old {KindWord} token stays.", cause as MagicBellException);

    /// <summary>A rotation, where it happens, and the new token once there is one.</summary>
    private sealed class Rotating(RotationEntry entry, Session session, RotationJournal journal)
    {
        internal RotationEntry Entry { get; } = entry;

        internal Session Session { get; } = session;

        internal RotationJournal Journal { get; } = journal;

        internal IssuedToken? Issued { get; set; }

        internal string? NewId { get; set; } = entry.NewId;
    }
}
