using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;

namespace MagicBellJwt.Rotation;

/// <content>The steps, in their order: from one to the next, or to where nobody can say how it goes on.</content>
internal sealed partial class Rotator
{
    private async Task<bool> IssueAsync(Rotation rotation)
    {
        RotationEntry entry = rotation.Entry;
        IssuedToken issued;
        try
        {
            issued = await rotation.Scope.CreateAsync(rotation.Request!, rotation.Key, trustsKey: false, asPlainText: false, pipeline.WriteCall).ConfigureAwait(false);
        }
        catch (MagicBellException failure) when (failure.IsCertain)
        {
            await WriteAsync(entry, RotationStep.Undone).ConfigureAwait(false);
            throw;
        }
        catch (OperationCanceledException)
        {
            // Nothing was sent: a create that may have been carried out fails in another way.
            await WriteAsync(entry, RotationStep.Undone).ConfigureAwait(false);
            throw;
        }

        if (issued.WasIssuedBefore || rotation.IsOlder(issued.Id!))
        {
            throw new MagicBellException(MagicBellError.CreateOutcomeUnknown, $"The server answered the create with the id {issued.Id}, which there was before. A new token may exist that nobody holds. The old one stays.");
        }

        rotation.Issued = issued;
        rotation.Value = SecureText.Reveal(issued);
        rotation.IsUndelivered = true;
        await WriteAsync(entry, RotationStep.Created, ("new", issued.Id), ("fingerprint", issued.Fingerprint)).ConfigureAwait(false);
        return true;
    }

    /// <summary>Looks for the token of a create whose answer never came, or was never written down. It is named, and never revoked on a guess.</summary>
    private async Task<bool> LookForOrphanAsync(Rotation rotation)
    {
        RotationEntry entry = rotation.Entry;
        string[] found = await FindOrphansAsync(rotation).ConfigureAwait(false);
        bool mayStillCome = rotation.Scope.Now < entry.BegunAt + s_longestCreate;
        if (found.Length > 0)
        {
            await pipeline.WarnAsync($"An interrupted rotation of the {_text.Noun} {RotationText.Old(entry)} may have issued a token that nobody holds: {string.Join(", ", found)}. "
                + $"It is not revoked on a guess. When you know of no use of it: {_text.Remove(found)}").ConfigureAwait(false);
        }
        else if (mayStillCome)
        {
            pipeline.Verbose($"An interrupted rotation of the {_text.Noun} {RotationText.Old(entry)}: the list shows no token of it by now. The server may still finish it; each run until {RotationJournal.Time(entry.BegunAt + s_longestCreate)} looks again.");
        }
        else
        {
            await pipeline.WarnAsync($"A rotation of the {_text.Noun} {RotationText.Old(entry)} was interrupted, and no list has shown a token of it: it is given up, and the old one stays.").ConfigureAwait(false);
        }

        // Written after it was said: a run that dies in between says it again.
        string[] orphans = [.. entry.PossibleOrphans, .. found];
        if (found.Length > 0 || !mayStillCome)
        {
            await WriteAsync(entry, mayStillCome ? RotationStep.InDoubt : RotationStep.Undone, ("orphans", orphans.Length > 0 ? string.Join(" ", orphans) : null)).ConfigureAwait(false);
        }

        return false;
    }

    /// <summary>What the list shows that this rotation's create may have issued: live, of its name, and in no entry of the journal.</summary>
    private async Task<string[]> FindOrphansAsync(Rotation rotation)
    {
        RotationEntry entry = rotation.Entry;
        HashSet<string> known = new(Entries.SelectMany(other => new[] { other.OldId, other.NewId ?? "" }.Concat(other.PossibleOrphans)), StringComparer.OrdinalIgnoreCase);
        IReadOnlyList<ListedToken> tokens = await rotation.Scope.ListAsync(pipeline.ReadCall).ConfigureAwait(false);
        return
        [
            .. tokens
                .Where(token => token.Id is not null && TokenName.IsSame(token.Name, entry.Name) && token.DiscardedAt is null && !known.Contains(token.Id)
                    && (entry.Before is null
                        ? token.CreatedAt >= entry.BegunAt - s_clockTolerance && token.CreatedAt < entry.BegunAt + s_longestCreate
                        : !rotation.IsOlder(token.Id)))
                .Select(token => token.Id!),
        ];
    }

    private async Task<bool> ProveAsync(Rotation rotation)
    {
        NewToken token = NewTokenOf(rotation);
        if (await rotation.Scope.FindNewAsync(token, pipeline, pipeline.ReadCall).ConfigureAwait(false) is null)
        {
            throw Failed(kind == TokenKind.User
                ? $"The new token {token.Id} is not in the list of user {rotation.Entry.UserId}: -Email or -ExternalId says another user."
                : $"The new token {token.Id} is not in the project's list.");
        }

        await rotation.Scope.ProveAsync(token.Id, rotation.Value!, pipeline.ReadCall).ConfigureAwait(false);
        await WriteAsync(rotation.Entry, RotationStep.Proved).ConfigureAwait(false);
        return true;
    }

    /// <summary>Gives the new token to the pipeline. The old one stays: nobody knows what becomes of the new one.</summary>
    private async Task<bool> HandOverAsync(Rotation rotation)
    {
        RotationEntry entry = rotation.Entry;
        await WriteAsync(entry, RotationStep.Storing).ConfigureAwait(false);
        if (!await pipeline.EmitAsync(rotation.Issued!).ConfigureAwait(false))
        {
            throw new OperationCanceledException();
        }

        rotation.IsUndelivered = false;
        Settle(entry);
        await WriteAsync(entry, RotationStep.HandedOver).ConfigureAwait(false);
        await pipeline.WarnAsync($"The old {_text.Noun} {entry.OldId} stays: without -Vault or -SaveTo this command cannot know whether {entry.NewId} was stored. When it is: {_text.Remove(entry.OldId)}").ConfigureAwait(false);
        return false;
    }

    private async Task<bool> StoreAsync(Rotation rotation)
    {
        RotationEntry entry = rotation.Entry;
        ITokenStore store = rotation.Store!;
        await WriteAsync(entry, RotationStep.Storing, ("secret", store.SecretOf(entry.NewId!))).ConfigureAwait(false);
        rotation.IsUndelivered = false;
        StoreResult result = await pipeline.RunAsync(() => store.Store(rotation.Issued!, rotation.Value!, rotation.Entry.OldId)).ConfigureAwait(false);
        switch (result.Outcome)
        {
            case StoreOutcome.Stored:
                await WriteKeptAsync(rotation, RotationStep.Stored).ConfigureAwait(false);
                return true;
            case StoreOutcome.NotReadBack:
                await WriteKeptAsync(rotation, RotationStep.HandedOver).ConfigureAwait(false);
                await pipeline.WarnAsync($"The old {_text.Noun} {entry.OldId} stays: -SaveTo did not return the new one, {entry.NewId}, as it reads it back. When it is stored: {_text.Remove(entry.OldId)}").ConfigureAwait(false);
                await TellAsync(rotation).ConfigureAwait(false);
                return false;
            case StoreOutcome.NotBegun:
                rotation.IsUndelivered = true;
                throw Failed(result.Problem!);
            default:
                throw Failed($"{result.Problem} {_text.BothStay(rotation)}");
        }
    }

    /// <summary>Finds out whether a store holds the new token that an earlier run was storing.</summary>
    private async Task<bool> SettleAsync(Rotation rotation)
    {
        RotationEntry entry = rotation.Entry;
        if (rotation.Store is null)
        {
            await pipeline.WarnAsync($"An interrupted rotation of the {_text.Noun} {RotationText.Old(entry)} issued {entry.NewId}, and it cannot be told whether anybody received it. Where nobody did: {_text.Remove(entry.NewId!)}").ConfigureAwait(false);
            await WriteAsync(entry, RotationStep.HandedOver, ("orphans", entry.NewId)).ConfigureAwait(false);
            return false;
        }

        if (!CanBeRead(rotation.Store))
        {
            if (Entries.Any(other => other.Step == RotationStep.Done && IsReplacedBy(entry, other)))
            {
                return await UndoAsync(rotation, "and another new token was stored since").ConfigureAwait(false);
            }

            await pipeline.WarnAsync($"An interrupted rotation of the {_text.Noun} {RotationText.Old(entry)} issued {entry.NewId}, and it cannot be told whether -SaveTo stored it. "
                + $"Both stay live until a fresh one is stored, and are revoked then: {_text.Update(entry)}").ConfigureAwait(false);
            return false;
        }

        StoreContent content = await LookAgainAsync(rotation, entry).ConfigureAwait(false);
        switch (content)
        {
            case StoreContent.Held:
                await rotation.Scope.ProveAsync(entry.NewId!, rotation.Value!, pipeline.ReadCall).ConfigureAwait(false);
                await WriteKeptAsync(rotation, RotationStep.Stored).ConfigureAwait(false);
                return true;
            case StoreContent.NotHeld:
                // SecretStore takes a secret away before it writes another: a process that dies in between leaves none. One with the new id in its name was never there.
                bool isEmpty = entry is { Vault: not null, Secret: { } secret } && secret.IndexOf(entry.NewId!, StringComparison.OrdinalIgnoreCase) < 0 && await pipeline.RunAsync(rotation.Store.Read).ConfigureAwait(false) is null;
                await UndoAsync(rotation, $"and the {RotationText.Holder(entry)} does not hold the new token").ConfigureAwait(false);
                if (isEmpty)
                {
                    await pipeline.WarnAsync($"The secret '{ScreenText.Of(entry.Secret!)}' of vault '{ScreenText.Of(entry.Vault!)}' gives no token at all: whoever reads it has none until a fresh one is stored: {_text.StoreAgain(entry)}").ConfigureAwait(false);
                }

                return false;
            default:
                throw Failed($"The {RotationText.Holder(entry)} cannot be read, so it cannot be told whether it holds the new token. {_text.BothStay(rotation)}");
        }
    }

    /// <summary>Lets the old token stay for the overlap, or goes on to revoke it.</summary>
    private async Task<bool> RetireAsync(Rotation rotation)
    {
        RotationEntry entry = rotation.Entry;
        if (entry.Overlap == TimeSpan.Zero)
        {
            return await RevokeOldAsync(rotation).ConfigureAwait(false);
        }

        if (rotation.Value is null && RunningOn(entry.OldId).Length > 0 && CanBeRead(rotation.Store))
        {
            await LookAsync(rotation, entry).ConfigureAwait(false);
        }

        SwitchSessions(rotation);
        await WriteKeptAsync(rotation, RotationStep.Retiring, ("due", RotationJournal.Time(rotation.Scope.Now + entry.Overlap))).ConfigureAwait(false);
        if (!options.Waits)
        {
            pipeline.Inform($"The old {_text.Noun} {RotationText.Old(entry)} stays live until the first run after {RotationJournal.Time(entry.DueAt!.Value)}, which revokes it. Where none is scheduled: {_text.Resume}");
        }

        await TellAsync(rotation).ConfigureAwait(false);
        return false;
    }

    /// <summary>Revokes the old token, after the new one was seen to work and to be kept.</summary>
    private async Task<bool> RevokeOldAsync(Rotation rotation)
    {
        RotationEntry entry = rotation.Entry;
        if (rotation.IsResumed && await IsOverAsync(rotation).ConfigureAwait(false))
        {
            return false;
        }

        if (!await IsKeptAsync(rotation).ConfigureAwait(false))
        {
            return false;
        }

        SwitchSessions(rotation);
        if (entry.Step != RotationStep.Revoking)
        {
            await WriteKeptAsync(rotation, RotationStep.Revoking).ConfigureAwait(false);
        }

        Revocation revocation;
        try
        {
            revocation = await rotation.Scope.RevokeAsync(entry.OldId, wasListed: true, pipeline.WriteCall, entry.Name).ConfigureAwait(false);
        }
        catch (MagicBellException failure)
        {
            throw Failed($"{failure.Message} The new {_text.Noun} {entry.NewId} is stored, and the old one, {entry.OldId}, may still be live. The next run revokes it, or: {_text.Remove(entry.OldId)}", failure);
        }

        try
        {
            await WriteAsync(entry, RotationStep.Done, ("revoked", RotationJournal.Time(revocation.DiscardedAt ?? entry.StepAt))).ConfigureAwait(false);
        }
        catch (MagicBellException failure)
        {
            throw new MagicBellException(failure.Error, $"{failure.Message} The old {_text.Noun} {entry.OldId} is revoked, and the new one, {entry.NewId}, is stored.", failure);
        }

        if (session.TokenId is null && kind == TokenKind.Project && rotation.Value is not null && await IsShutOutAsync().ConfigureAwait(false))
        {
            foreach (Session runner in options.Sessions.Append(session).Where(other => other.IsConnected && other.Fingerprint == session.Fingerprint).Distinct().ToArray())
            {
                SwitchTo(runner, rotation);
            }
        }

        foreach (RotationEntry uncertain in Entries.Where(other => IsReplacedBy(other, entry)))
        {
            await UndoAsync(new Rotation(uncertain, rotation.Scope, store: null), "and another new token was stored since").ConfigureAwait(false);
        }

        await TellAsync(rotation).ConfigureAwait(false);
        return false;
    }

    /// <summary>Whether the list shows that the old token is over, by another machine or by hand: then nothing is left to revoke, whatever has replaced the new one since.</summary>
    private async Task<bool> IsOverAsync(Rotation rotation)
    {
        ListedToken? old = await rotation.Scope.FindAsync(rotation.Entry.OldId, pipeline.ReadCall).ConfigureAwait(false);
        if (old is not null && rotation.Scope.IsLive(old))
        {
            return false;
        }

        await WriteAsync(rotation.Entry, RotationStep.Done, ("revoked", RotationJournal.Time(old?.DiscardedAt ?? old?.ExpiresAt ?? rotation.Scope.Now))).ConfigureAwait(false);
        await TellAsync(rotation).ConfigureAwait(false);
        return true;
    }

    /// <summary>Sees right before the old token goes that its successor works and is kept.</summary>
    /// <returns>False where the list shows that the successor is over: the rotation is given up then.</returns>
    /// <exception cref="MagicBellException">It cannot be told.</exception>
    private async Task<bool> IsKeptAsync(Rotation rotation)
    {
        // The successor may have been replaced itself since.
        RotationEntry holder = rotation.Entry;
        foreach (RotationEntry later in Entries.Where(later => later.IsCompleted && later.Id != rotation.Entry.Id))
        {
            holder = TokenScope.IsSameId(later.OldId, holder.NewId) ? later : holder;
        }

        string id = holder.NewId!;
        if (rotation.Value is null && CanBeRead(rotation.Store) && await LookAgainAsync(rotation, holder).ConfigureAwait(false) is var content && content != StoreContent.Held)
        {
            throw Failed($"The {RotationText.Holder(holder)} {(content == StoreContent.Unknown ? "cannot be read" : $"does not hold the token {id}")}, so the old {_text.Noun} is not revoked. {_text.BothStay(rotation)}");
        }

        ListedToken? listed;
        try
        {
            listed = await rotation.Scope.FindAsync(id, pipeline.ReadCall).ConfigureAwait(false);
            if (rotation.Value is not null && listed is not null && rotation.Scope.IsLive(listed))
            {
                await rotation.Scope.ProveAsync(id, rotation.Value, pipeline.ReadCall).ConfigureAwait(false);
            }
        }
        catch (MagicBellException failure)
        {
            throw Failed($"{failure.Message} {_text.BothStay(rotation)}", failure);
        }

        if (listed is null && rotation.Scope.Now - holder.BegunAt < s_listDelay)
        {
            throw Failed($"The list does not show the new {_text.Noun} {id}, so it cannot be told whether it works. {_text.BothStay(rotation)}");
        }

        if (listed is null || !rotation.Scope.IsLive(listed))
        {
            await WriteAsync(rotation.Entry, RotationStep.Undone).ConfigureAwait(false);
            await pipeline.WarnAsync($"The {_text.Noun} {id}, which was to replace {RotationText.Old(rotation.Entry)}, is not live any more, so the old one stays.").ConfigureAwait(false);
            return false;
        }

        return true;
    }

    private Task<StoreContent> LookAsync(Rotation rotation, RotationEntry entry) => pipeline.RunAsync(() =>
    {
        StoreContent content = (options.StoreOf(entry) ?? rotation.Store!).Look(entry.Fingerprint!, out string? value);
        rotation.Value ??= value;
        return content;
    });

    /// <summary>Looks whether the store holds a rotation's new token: a second time where it says no soon after the last step, which another process may have done.</summary>
    private async Task<StoreContent> LookAgainAsync(Rotation rotation, RotationEntry entry)
    {
        StoreContent content = await LookAsync(rotation, entry).ConfigureAwait(false);
        TimeSpan wait = entry.StepAt + s_vaultDelay - rotation.Scope.Now;
        if (content != StoreContent.NotHeld || wait <= TimeSpan.Zero)
        {
            return content;
        }

        pipeline.Verbose($"The {RotationText.Holder(entry)} does not hold the new token. It is asked again in {Math.Ceiling(wait.TotalSeconds)} s, since a vault may show late what another process wrote.");
        await pipeline.WaitAsync(wait < s_vaultDelay ? wait : s_vaultDelay, pipeline.ReadCall).ConfigureAwait(false);
        return await LookAsync(rotation, entry).ConfigureAwait(false);
    }

    private static bool CanBeRead(ITokenStore? store) => store is { Vault: not null } or { File: not null };

    private Session[] RunningOn(string? id) => kind == TokenKind.Project ? [.. session.RunningOn(id, options.Sessions)] : [];

    // The sessions that run on the old token go on with the new one, before the old one goes.
    private void SwitchSessions(Rotation rotation)
    {
        RotationEntry entry = rotation.Entry;
        foreach (Session runner in RunningOn(entry.OldId))
        {
            if (rotation.Value is null)
            {
                throw new MagicBellException(
                    MagicBellError.SelfLockout,
                    $"The session '{runner.Name}' itself runs on the token {entry.OldId}, which {entry.NewId} has replaced: revoking it would end the session.");
            }

            SwitchTo(runner, rotation);
        }
    }

    private void SwitchTo(Session runner, Rotation rotation)
    {
        runner.SwitchTo(rotation.Value!, rotation.NewId!);
        pipeline.Verbose($"The session '{runner.Name}' goes on with the token {rotation.NewId}.");
    }

    private async Task<bool> IsShutOutAsync()
    {
        try
        {
            await new TokenScope(session, TokenKind.Project).Open(1).ReadAsync(pipeline.ReadCall).ConfigureAwait(false);
            return false;
        }
        catch (MagicBellException failure)
        {
            // The rotation is done: a server that has no time for the question is no reason to say otherwise.
            pipeline.Verbose($"Whether the session '{session.Name}' goes on was asked: {failure.Message}");
            return failure.Error == MagicBellError.Unauthorized;
        }
    }
}
