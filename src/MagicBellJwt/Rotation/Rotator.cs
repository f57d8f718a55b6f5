using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;

namespace MagicBellJwt.Rotation;

/// <summary>
/// Replaces tokens, step by step. The journal has each step on the disk, and <see cref="AdvanceAsync"/> takes a rotation from any step to the
/// next: a fresh run begins at <see cref="RotationStep.Begun"/>, a resumed one where the journal stands.
/// </summary>
/// <remarks>
/// Nothing is revoked but what the list shows, nor the old token while it is not certain that the new one works and is kept. Where nobody can say,
/// both stay, both are named, and the next run looks again.
/// </remarks>
internal sealed partial class Rotator(Session session, TokenKind kind, RotationJournal journal, IPipeline pipeline, RotationOptions options)
{
    // How long a create may take until its token is in the list.
    private static readonly TimeSpan s_longestCreate = TimeSpan.FromHours(1);

    // How far the clocks of this machine and the server may differ unseen; for journals that do not say what the list showed before.
    private static readonly TimeSpan s_clockTolerance = TimeSpan.FromMinutes(1);

    // How long a vault may show what it held before: SecretStore sees what another process wrote after five seconds.
    private static readonly TimeSpan s_vaultDelay = TimeSpan.FromSeconds(10);

    // How long a list may lack a token that there is.
    private static readonly TimeSpan s_listDelay = TimeSpan.FromMinutes(1);

    // How long another machine may be at a step. A journal in a vault has no lock that ends with the process.
    private static readonly TimeSpan s_longestStep = TimeSpan.FromMinutes(10);

    // So many tokens that a failed -SaveTo may hold, and no more: each run that fails would leave another.
    private const int MaximumUncertain = 3;

    private readonly RotationText _text = new(session, kind, options);
    private readonly HashSet<string> _settled = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<Guid> _begun = [];
    private readonly HashSet<string> _places = new(StringComparer.OrdinalIgnoreCase);

    // One journal may serve several projects.
    private IReadOnlyList<RotationEntry> Entries => [.. journal.Entries.Where(entry => entry.Kind == KindWord && RotationText.IsOf(entry, session))];

    private string KindWord => kind.ToString().ToLowerInvariant();

    /// <summary>Replaces the one live token of a name, after what earlier runs left of it.</summary>
    /// <param name="name">The name, exactly.</param>
    /// <param name="userId">The user; null for a project's token.</param>
    internal async Task RotateAsync(string name, string? userId)
    {
        if (await ResumeAsync(entry => entry.Name == name && entry.UserId == userId).ConfigureAwait(false))
        {
            return;
        }

        var scope = new TokenScope(session, kind, userId);
        IReadOnlyList<ListedToken> tokens = await scope.ListAsync(pipeline.ReadCall).ConfigureAwait(false);
        await AdoptAsync(scope, tokens, name).ConfigureAwait(false);
        await BeginAsync(scope, TokenPicker.Pick(scope, tokens, name, Entries), tokens).ConfigureAwait(false);
    }

    /// <summary>Replaces the token of an id, after what earlier runs left of it.</summary>
    /// <param name="id">The id.</param>
    /// <param name="userId">The user; null for a project's token.</param>
    internal async Task RotateByIdAsync(string id, string? userId)
    {
        // By id first: an earlier run may have revoked the token already.
        if (_settled.Contains(id) || await ResumeAsync(entry => TokenScope.IsSameId(entry.OldId, id) || TokenScope.IsSameId(entry.NewId, id)).ConfigureAwait(false))
        {
            return;
        }

        if (Entries.LastOrDefault(entry => TokenScope.IsSameId(entry.OldId, id) && entry.IsCompleted) is { } before)
        {
            await pipeline.WarnAsync($"The {_text.Noun} {id} was rotated already, on {RotationJournal.Time(before.BegunAt)}: {before.NewId} took its place.").ConfigureAwait(false);
            return;
        }

        var scope = new TokenScope(session, kind, userId);
        IReadOnlyList<ListedToken> tokens = await scope.ListAsync(pipeline.ReadCall).ConfigureAwait(false);
        ListedToken old = tokens.FirstOrDefault(token => TokenScope.IsSameId(token.Id, id))
            ?? throw new MagicBellException(MagicBellError.TokenNotFound, $"No token with the id {id} is in the list.");
        if (old.Status == TokenStatus.Discarded)
        {
            throw MagicBellException.Invalid($"The token {old.Id} is revoked, so there is nothing to rotate.");
        }

        if (old.Name is not null)
        {
            await ResumeAsync(entry => entry.Name == old.Name && entry.UserId == userId).ConfigureAwait(false);
            if (await AdoptAsync(scope, tokens, old.Name).ConfigureAwait(false) is { } adopted && TokenScope.IsSameId(adopted.OldId, id))
            {
                return;
            }
        }

        await BeginAsync(scope, old, tokens).ConfigureAwait(false);
    }

    /// <summary>Finishes what is due and what was interrupted.</summary>
    /// <param name="failed">Is told of each rotation that cannot go on, and the others are tried.</param>
    internal async Task ResumeAllAsync(Func<RotationEntry, MagicBellException, Task> failed)
    {
        foreach (RotationEntry entry in Entries.Where(entry => !entry.IsFinished))
        {
            try
            {
                if (entry.Step == RotationStep.Retiring && !await IsDueAsync(entry, new TokenScope(session, kind, entry.UserId)).ConfigureAwait(false))
                {
                    pipeline.Inform($"The old {_text.Noun} {RotationText.Old(entry)} stays until {RotationJournal.Time(entry.DueAt!.Value)}: a run after that revokes it.");
                    continue;
                }

                await ContinueAsync(entry).ConfigureAwait(false);
            }
            catch (MagicBellException failure)
            {
                await failed(entry, failure).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Waits until the overlaps that this run began are over, and revokes the old tokens then.</summary>
    internal async Task FinishOverlapsAsync()
    {
        foreach (RotationEntry entry in Entries.Where(entry => entry.Step == RotationStep.Retiring && _begun.Contains(entry.Id)).OrderBy(entry => entry.DueAt))
        {
            var scope = new TokenScope(session, kind, entry.UserId);
            try
            {
                for (TimeSpan left; (left = entry.DueAt!.Value - scope.Now) > TimeSpan.Zero;)
                {
                    pipeline.Verbose($"The old {_text.Noun} {RotationText.Old(entry)} stays until {RotationJournal.Time(entry.DueAt.Value)}, and is waited for.");

                    // The journal has whole seconds.
                    await pipeline.WaitAsync(left + TimeSpan.FromSeconds(1), pipeline.ReadCall).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException)
            {
                await pipeline.WarnAsync($"The wait for the end of the overlap was stopped. The new {_text.Noun} {entry.NewId} is stored, and the old one, {RotationText.Old(entry)}, stays live. A run after {RotationJournal.Time(entry.DueAt!.Value)} revokes it: {_text.Resume}").ConfigureAwait(false);
                throw;
            }

            await ContinueAsync(entry).ConfigureAwait(false);
        }
    }

    /// <returns>Whether an interrupted rotation came to its end, so that this run has nothing left to rotate.</returns>
    private async Task<bool> ResumeAsync(Func<RotationEntry, bool> isMeant)
    {
        bool isCompleted = false;
        foreach (RotationEntry entry in Entries.Where(entry => !entry.IsFinished && isMeant(entry)))
        {
            isCompleted |= await ContinueAsync(entry).ConfigureAwait(false);
        }

        return isCompleted;
    }

    /// <returns>Whether it had been interrupted, and came to its end now.</returns>
    private async Task<bool> ContinueAsync(RotationEntry entry)
    {
        var scope = new TokenScope(session, kind, entry.UserId);
        bool wasInterrupted = entry.Step != RotationStep.Retiring;
        if (!wasInterrupted && !await IsDueAsync(entry, scope).ConfigureAwait(false))
        {
            return false;
        }

        await CheckIsAloneAsync(entry, scope).ConfigureAwait(false);
        bool goesOn = await pipeline.ConfirmAsync(
            $"rotation of the {_text.Noun} {RotationText.Old(entry)}, begun {RotationJournal.Time(entry.BegunAt)}, which stands at '{entry.Step}' (new token: {entry.NewId ?? "not known"})",
            "Finish or undo what was interrupted, or is due").ConfigureAwait(false);
        if (!goesOn)
        {
            return options.IsPreview ? false : throw Failed($"An earlier rotation of {RotationText.Old(entry)} stands at '{entry.Step}', and was not to be finished.");
        }

        // A journal may be another project's, whose tokens name no project: what this one's list does not show is left alone.
        HashSet<string> ids = LineOf(entry);
        if (await scope.FindAsync(token => token.Id is not null && ids.Contains(token.Id), pipeline.ReadCall).ConfigureAwait(false) is null)
        {
            await pipeline.WarnAsync($"The journal {journal.Path} has an unfinished rotation of the {_text.Noun} {RotationText.Old(entry)}, and the list of project '{session.Name}' shows neither that token nor a successor of it. Nothing is done.").ConfigureAwait(false);
            return false;
        }

        bool isSettled = entry.NewId is not null && _settled.Contains(entry.NewId);
        await RunAsync(new Rotation(entry, scope, options.StoreOf(entry))).ConfigureAwait(false);
        if (!wasInterrupted && !isSettled)
        {
            // The end of an overlap is no rotation of the new token, which may be due itself by now.
            _settled.Remove(entry.NewId!);
        }

        return wasInterrupted && entry.IsCompleted;
    }

    /// <summary>Whether an overlap is over by the server's clock. Where nothing has told that yet, a read does: this machine's alone ends no overlap.</summary>
    private async Task<bool> IsDueAsync(RotationEntry entry, TokenScope scope)
    {
        if (!(entry.DueAt > scope.Now))
        {
            await AskForTimeAsync(scope, entry).ConfigureAwait(false);
        }

        return !(entry.DueAt > scope.Now);
    }

    private async Task AskForTimeAsync(TokenScope scope, RotationEntry entry)
    {
        if (session.Service.ClockOffset is null)
        {
            await scope.FindAsync(entry.OldId, pipeline.ReadCall).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Goes on with an overlap that a machine began whose journal is not here: the store holds a token of the name, the list shows it as live, and
    /// one older token of that name beside it. Two or more, or a newer one, are not told apart. Only for a run that asks for an overlap: without
    /// one no rotation leaves two, so the older token is somebody else's; so it is where the journal, or what is noted beside the held token, names
    /// another one that it has replaced, or none.
    /// </summary>
    /// <returns>The rotation; null where there is none such.</returns>
    private async Task<RotationEntry?> AdoptAsync(TokenScope scope, IReadOnlyList<ListedToken> tokens, string name)
    {
        ListedToken[] named = TokenPicker.Meant(scope, tokens, name, Entries);
        if (named.Length != 2 || options.Overlap == TimeSpan.Zero || options.JournalVault is not null || named.Any(token => token.Id is null) || options.IsPreview || options.StoreFor(named[0]) is not { } store || !CanBeRead(store))
        {
            return null;
        }

        string? value = await pipeline.RunAsync(store.Read).ConfigureAwait(false);
        ListedToken? held = value is null ? null : named.FirstOrDefault(token => IsValueOf(token.Id!, value));
        ListedToken older = named[0] == held ? named[1] : named[0];
        if (held is null || older.CreatedAt >= held.CreatedAt || Entries.Any(entry => TokenScope.IsSameId(entry.NewId, held.Id)))
        {
            return null;
        }

        string? replaced = await pipeline.RunAsync(() => store.ReplacedBy(held.Id!)).ConfigureAwait(false);
        if (replaced is not null && !TokenScope.IsSameId(replaced, older.Id))
        {
            return null;
        }

        RotationEntry entry = await WriteFirstAsync(() => journal.Begin(
            RotationText.ProjectKey(session), KindWord, older.Id!, name, scope.UserId, Guid.NewGuid(), lifetime: null, store.Vault, storedByScript: false, options.Overlap, [older.Id!], store.File)).ConfigureAwait(false);
        await WriteAsync(
            entry, RotationStep.Retiring, ("new", held.Id), ("fingerprint", TokenFingerprint.Of(value!)), ("secret", store.SecretOf(held.Id!)), ("due", RotationJournal.Time(held.CreatedAt + options.Overlap))).ConfigureAwait(false);
        pipeline.Inform($"The {RotationText.Holder(entry)} holds the {_text.Noun} {held.Id}, {(replaced is null
            ? $"and {RotationText.Old(entry)} is the one older token of that name. No journal here says more, so it is taken for the one that was replaced"
            : $"and says beside it that it has replaced {RotationText.Old(entry)}")}: the older one ends when the overlap is over.");
        await ContinueAsync(entry).ConfigureAwait(false);
        return entry;
    }

    private async Task BeginAsync(TokenScope scope, ListedToken old, IReadOnlyList<ListedToken> tokens)
    {
        if (old.Id is null)
        {
            throw MagicBellException.Invalid("The token has no id, so the API cannot revoke it.");
        }

        (string? email, string? externalId) = await options.NameOwnerAsync(scope).ConfigureAwait(false);
        var request = new TokenRequest(old.Name, email, externalId, (long?)LifetimeOf(old)?.TotalSeconds);
        TokenScope.Check(kind, request);
        if (Entries.Where(entry => IsUncertain(entry) && TokenScope.IsSameId(entry.OldId, old.Id)).ToArray() is { Length: >= MaximumUncertain } uncertain)
        {
            throw Failed($"{uncertain.Length} earlier runs issued successors of {old.Id}, and it cannot be told whether -SaveTo stored them: {string.Join(", ", uncertain.Select(entry => entry.NewId))}. Find out which one is held, and revoke the others: {_text.Remove("ID")}");
        }

        ITokenStore? store = options.StoreFor(old);
        if (store?.Vault is not null && !_places.Add(store.Vault + "\n" + store.SecretOf("{Id}")))
        {
            throw MagicBellException.Invalid($"Another token of this run goes to the secret '{store.SecretOf("{Id}")}' of vault '{store.Vault}' too. Tell the tokens apart with -SecretName.");
        }

        if (store is not null)
        {
            await pipeline.RunAsync(() =>
            {
                store.Prepare(value => IsValueOf(old.Id, value));
                return true;
            }).ConfigureAwait(false);
        }

        if (!await pipeline.ConfirmAsync(_text.Plan(old, store, request.Lifetime), $"Rotate {_text.Noun}").ConfigureAwait(false))
        {
            await (options.IsPreview ? options.PreviewedAsync(scope, old) : Task.CompletedTask).ConfigureAwait(false);
            return;
        }

        session.Completions.Clear();
        Guid key = Guid.NewGuid();
        RotationEntry entry = await WriteFirstAsync(() => journal.Begin(
            RotationText.ProjectKey(session), KindWord, old.Id, old.Name, scope.UserId, key, request.Lifetime, store?.Vault, store is { Vault: null, File: null }, options.Overlap,
            tokens.Where(token => token.Id is not null && TokenName.IsSame(token.Name, old.Name)).Select(token => token.Id!),
            store?.File)).ConfigureAwait(false);
        _begun.Add(entry.Id);
        await RunAsync(new Rotation(entry, scope, store) { Request = request, Key = key }).ConfigureAwait(false);
    }

    private async Task RunAsync(Rotation rotation)
    {
        try
        {
            while (await AdvanceAsync(rotation).ConfigureAwait(false))
            {
            }
        }
        catch (MagicBellException failure) when (rotation.IsUndelivered)
        {
            throw Failed($"{failure.Message} {await RollBackAsync(rotation).ConfigureAwait(false)}", failure);
        }
        catch (Exception) when (rotation.IsUndelivered)
        {
            await pipeline.WarnAsync($"The rotation of {RotationText.Old(rotation.Entry)} ended early. {await RollBackAsync(rotation).ConfigureAwait(false)}").ConfigureAwait(false);
            throw;
        }
        catch (OperationCanceledException) when (!rotation.Entry.IsFinished && rotation.NewId is not null)
        {
            await pipeline.WarnAsync($"The rotation of {RotationText.Old(rotation.Entry)} was stopped at '{rotation.Entry.Step}'. {_text.BothStay(rotation)}").ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Takes a rotation from where it stands to its next step.</summary>
    /// <returns>Whether to go on; false where it is finished, waits, or nobody can say how it goes on.</returns>
    private Task<bool> AdvanceAsync(Rotation rotation) => rotation.Entry.Step switch
    {
        RotationStep.Begun or RotationStep.InDoubt => rotation.IsResumed ? LookForOrphanAsync(rotation) : IssueAsync(rotation),
        RotationStep.Created => rotation.IsResumed ? UndoAsync(rotation, "and nobody had the new token") : ProveAsync(rotation),
        RotationStep.Proved => rotation.IsResumed ? UndoAsync(rotation, "and nobody had the new token") : rotation.Store is null ? HandOverAsync(rotation) : StoreAsync(rotation),
        RotationStep.Storing => SettleAsync(rotation),
        RotationStep.Stored => RetireAsync(rotation),
        RotationStep.Retiring or RotationStep.Revoking => RevokeOldAsync(rotation),
        RotationStep.Undoing => UndoAsync(rotation, "while its new token was being revoked"),
        _ => Task.FromResult(false),
    };

    private async Task TellAsync(Rotation rotation)
    {
        RotationEntry entry = rotation.Entry;
        Settle(entry);
        string? storedIn = entry.Step == RotationStep.HandedOver ? null : RotationText.StoredIn(entry);
        await pipeline.EmitAsync(new TokenRotation(entry, kind, storedIn, session.Name, rotation.IsResumed)).ConfigureAwait(false);
    }

    private void Settle(RotationEntry entry)
    {
        _settled.Add(entry.OldId);
        _settled.Add(entry.NewId!);
    }

    private TimeSpan? LifetimeOf(ListedToken old)
    {
        if (options.ExpiresIn is { } asked)
        {
            options.Limit?.CheckLifetime(asked, options.IsForced, pipeline.WriteCall.Reason);
            return asked;
        }

        TimeSpan? before = old.ExpiresAt is { } end ? TimeSpan.FromSeconds(Math.Max(1, Math.Round((end - old.CreatedAt).TotalSeconds))) : null;
        if (options.Limit is not { } limit || limit.Allows(before))
        {
            return before;
        }

        // The old one was issued before the policy, or beyond it: its successor is not.
        pipeline.Inform($"The old {_text.Noun} {old.Id} lives longer than the policy allows. {limit.Given}");
        return limit.Lifetime;
    }

    // The value says so itself (jti), or an earlier rotation stored it.
    private bool IsValueOf(string id, string value) =>
        (JsonWebToken.TryDecode(value, out JsonWebToken? claims) && TokenScope.IsSameId(claims!.Id, id))
        || Entries.Any(entry => TokenScope.IsSameId(entry.NewId, id) && entry.Fingerprint == TokenFingerprint.Of(value));

    private static bool IsUncertain(RotationEntry entry) => entry.Step == RotationStep.Storing && entry.IsStoredByScript;

    private static bool IsReplacedBy(RotationEntry uncertain, RotationEntry entry) =>
        IsUncertain(uncertain) && uncertain.Id != entry.Id && TokenScope.IsSameId(uncertain.OldId, entry.OldId);

    private static MagicBellException Failed(string what, MagicBellException? cause = null) => new(MagicBellError.RotationFailed, what, cause);
}
