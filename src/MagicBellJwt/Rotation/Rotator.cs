using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Client.History;
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
internal sealed class Rotator(Session session, TokenKind kind, RotationJournal journal, IPipeline pipeline, RotationOptions options)
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

    /// <summary>Gives a rotation up while the old token is live: revokes the new one, where it is certain that nobody holds it.</summary>
    /// <exception cref="MagicBellException">Somebody holds the new token, or may, or the old one is not live: both are left as they are.</exception>
    internal async Task GiveUpAsync(RotationEntry entry)
    {
        var rotation = new Rotation(entry, new TokenScope(session, kind, entry.UserId), options.StoreOf(entry));
        await CheckIsAloneAsync(entry, rotation.Scope).ConfigureAwait(false);
        bool goesOn = await pipeline.ConfirmAsync(
            $"rotation of the {_text.Noun} {RotationText.Old(entry)}, begun {RotationJournal.Time(entry.BegunAt)}, which stands at '{entry.Step}' (new token: {entry.NewId ?? "not known"})",
            "Give up, and revoke the new token where nobody holds it").ConfigureAwait(false);
        if (!goesOn)
        {
            return;
        }

        if (await rotation.Scope.FindAsync(entry.OldId, pipeline.ReadCall).ConfigureAwait(false) is not { } old || !rotation.Scope.IsLive(old))
        {
            throw Failed($"The list does not show the old {_text.Noun} {entry.OldId} as live, so only the new one is left. {_text.NextRunGoesOn}");
        }

        if (entry.Step is RotationStep.Begun or RotationStep.InDoubt)
        {
            await LookForOrphanAsync(rotation).ConfigureAwait(false);
            if (!entry.IsFinished)
            {
                throw Failed($"The server may still finish the create of this rotation until {RotationJournal.Time(entry.BegunAt + s_longestCreate)}, so it is looked for until then. The old {_text.Noun} {entry.OldId} stays.");
            }

            return;
        }

        if (entry.Step is not (RotationStep.Created or RotationStep.Proved or RotationStep.Undoing))
        {
            StoreContent content = !CanBeRead(rotation.Store) ? StoreContent.Unknown : await LookAgainAsync(rotation, entry).ConfigureAwait(false);
            if (content != StoreContent.NotHeld)
            {
                string holder = rotation.Store switch
                {
                    null => $"Somebody may have received the new {_text.Noun} {entry.NewId}",
                    _ when content == StoreContent.Held => $"The {RotationText.Holder(entry)} holds the new {_text.Noun} {entry.NewId}",
                    _ when CanBeRead(rotation.Store) => $"The {RotationText.Holder(entry)} does not say whether it holds the new {_text.Noun} {entry.NewId}",
                    _ => $"-SaveTo may have stored the new {_text.Noun} {entry.NewId}",
                };
                string putBack = content == StoreContent.Held ? "The old one's value is kept nowhere, so it cannot be put back from here: where you have it, put it there and call again. " : "";
                throw Failed($"{holder}, so it is not revoked: both stay. {putBack}{_text.NextRunGoesOn} # or revoke the new one, once you know that nothing uses it: {_text.Remove(entry.NewId!)}");
            }
        }

        await UndoAsync(rotation, "and is given up").ConfigureAwait(false);
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

    /// <summary>The ids of a token, of those that it replaced and of those that replaced it.</summary>
    private HashSet<string> LineOf(RotationEntry entry)
    {
        var ids = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { entry.OldId };
        int before;
        do
        {
            before = ids.Count;
            foreach (RotationEntry other in Entries.Where(other => other.NewId is not null && (ids.Contains(other.OldId) || ids.Contains(other.NewId))))
            {
                ids.Add(other.OldId);
                ids.Add(other.NewId!);
            }
        }
        while (ids.Count > before);
        return ids;
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

    /// <summary>Takes a rotation to its next step: first in the history, then in the journal. A token that is stored, or was handed over, is claimed there.</summary>
    private async Task WriteAsync(RotationEntry entry, RotationStep step, params (string Name, string? Value)[] facts)
    {
        string? newId = entry.NewId ?? facts.FirstOrDefault(fact => fact.Name == "new").Value;
        if (session.History is { } history)
        {
            var old = new HistorySubject { Id = entry.OldId, Name = entry.Name, UserId = entry.UserId };
            await history.StepAsync(old, entry.Id, step.ToString(), newId, RotationText.StoredIn(entry), pipeline.WriteCall).ConfigureAwait(false);
        }

        journal.Write(entry, step, facts);
        await KeepJournalAsync().ConfigureAwait(false);
        if (step is RotationStep.Stored || (step is RotationStep.HandedOver && entry.PossibleOrphans.Count == 0))
        {
            await new TokenScope(session, kind, entry.UserId).ClaimAsync(newId, entry.Fingerprint, RotationText.StoredIn(entry) ?? "the pipeline", pipeline.WriteCall).ConfigureAwait(false);
        }
    }

    /// <summary>Takes a rotation whose new token is kept to its next step. Where that cannot be written down, both tokens are named.</summary>
    private async Task WriteKeptAsync(Rotation rotation, RotationStep step, params (string Name, string? Value)[] facts)
    {
        try
        {
            await WriteAsync(rotation.Entry, step, facts).ConfigureAwait(false);
        }
        catch (MagicBellException failure)
        {
            throw new MagicBellException(failure.Error, $"{failure.Message} {_text.BothStay(rotation)}", failure);
        }
    }

    /// <summary>Begins an entry of the journal. Where it cannot be kept, it is over again: nothing was sent.</summary>
    private async Task<RotationEntry> WriteFirstAsync(Func<RotationEntry> begin)
    {
        RotationEntry entry = begin();
        try
        {
            await KeepJournalAsync().ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is MagicBellException or OperationCanceledException)
        {
            journal.Write(entry, RotationStep.Undone);
            throw;
        }

        return entry;
    }

    private Task KeepJournalAsync() => options.KeepJournal is not { } keep ? Task.CompletedTask : pipeline.RunAsync(() =>
    {
        keep();
        return true;
    });

    /// <summary>Refuses to touch what another machine may be at: undone while it stores the new token, that token would be dead in its store.</summary>
    /// <exception cref="MagicBellException">One may be.</exception>
    private async Task CheckIsAloneAsync(RotationEntry entry, TokenScope scope)
    {
        if (options.KeepJournal is null || _begun.Contains(entry.Id) || entry.Step is not (RotationStep.Begun or RotationStep.Created or RotationStep.Proved or RotationStep.Storing))
        {
            return;
        }

        await AskForTimeAsync(scope, entry).ConfigureAwait(false);
        DateTimeOffset until = entry.StepAt + s_longestStep;
        if (scope.Now < until)
        {
            throw Failed($"The rotation of the {_text.Noun} {RotationText.Old(entry)} stands at '{entry.Step}' since {RotationJournal.Time(entry.StepAt)}, and the run that began it may still be at work elsewhere, so nothing is done to it before {RotationJournal.Time(until)}. After that: {_text.Resume}");
        }
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

    /// <summary>Revokes the new token of a rotation that an earlier run left. Where that fails, the next run does it.</summary>
    private async Task<bool> UndoAsync(Rotation rotation, string why)
    {
        RotationEntry entry = rotation.Entry;
        if (RunningOn(entry.NewId).FirstOrDefault() is { } runner)
        {
            await pipeline.WarnAsync($"The session '{runner.Name}' runs on the new {_text.Noun} {entry.NewId}, so somebody holds it, and it is not revoked. {_text.BothStay(rotation)}").ConfigureAwait(false);
            return false;
        }

        await WriteAsync(entry, RotationStep.Undoing).ConfigureAwait(false);
        bool isSeen;
        try
        {
            isSeen = await RevokeNewAsync(rotation, pipeline.WriteCall).ConfigureAwait(false);
        }
        catch (MagicBellException failure)
        {
            throw Failed($"The new {_text.Noun} {entry.NewId} of an earlier rotation could not be revoked: {failure.Message} {_text.BothStay(rotation)}", failure);
        }

        if (!isSeen)
        {
            // A create by an address may have issued it to another user than the one whose list was read, and the id may be none of this create's.
            bool mayBeElsewhere = kind == TokenKind.User;
            string[] found = await FindOrphansAsync(rotation).ConfigureAwait(false);
            string[] suspects = [.. mayBeElsewhere ? [entry.NewId!] : Array.Empty<string>(), .. found];
            string place = mayBeElsewhere ? $"is not in the list of user {ScreenText.Of(entry.UserId!)}, so it is over, or another user's" : "is not in the project's list, so it is over, or was never this rotation's";
            string advice = suspects.Length == 0 ? "" : $" Nothing is undone on a guess.{(found.Length == 0 ? "" : $" It may have issued {string.Join(", ", found)} instead.")} When you know of no use of it: {_text.Remove(suspects)}";
            await pipeline.WarnAsync($"The rotation of the {_text.Noun} {RotationText.Old(entry)} was interrupted {why}: the new one, {entry.NewId}, {place}. The old one stays.{advice}").ConfigureAwait(false);
            await WriteAsync(entry, RotationStep.Undone, ("orphans", suspects.Length > 0 ? string.Join(" ", suspects) : null)).ConfigureAwait(false);
            return false;
        }

        await WriteAsync(entry, RotationStep.Undone).ConfigureAwait(false);
        await pipeline.WarnAsync($"The rotation of the {_text.Noun} {RotationText.Old(entry)} was interrupted {why}: the new one, {entry.NewId}, is revoked, and the old one stays.").ConfigureAwait(false);
        return false;
    }

    /// <summary>Revokes the new token, which only this process has, whatever has ended the rotation.</summary>
    /// <returns>What to tell.</returns>
    private async Task<string> RollBackAsync(Rotation rotation)
    {
        rotation.IsUndelivered = false;
        RotationEntry entry = rotation.Entry;
        string id = rotation.NewId!;
        string problem = "";
        await TryWriteAsync(RotationStep.Undoing, ("new", id), ("fingerprint", rotation.Issued!.Fingerprint)).ConfigureAwait(false);
        try
        {
            await RevokeNewAsync(rotation, pipeline.WriteCall.Stop.IsCancellationRequested ? pipeline.UndoCall : pipeline.WriteCall).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is MagicBellException or OperationCanceledException)
        {
            string reason = failure is MagicBellException ? failure.Message : "that could not be done in time.";
            return $"Nobody has the new {_text.Noun} {id}, and it should be revoked: {reason} It may be live, as is the old one, {entry.OldId}. The next run does it, or: {_text.Remove(id)}{problem}";
        }

        await TryWriteAsync(RotationStep.Undone).ConfigureAwait(false);
        return $"Nobody had the new {_text.Noun} {id}: it is revoked again. The old one, {entry.OldId}, stays.{problem}";

        async Task TryWriteAsync(RotationStep step, params (string Name, string? Value)[] facts)
        {
            try
            {
                await WriteAsync(entry, step, facts).ConfigureAwait(false);
            }
            catch (Exception failure) when (failure is MagicBellException or OperationCanceledException)
            {
                // The token must go all the same.
                problem = " That could not be written down: " + failure.Message;
            }
        }
    }

    /// <returns>Whether a list showed it. One that no list shows after a while is left alone.</returns>
    private async Task<bool> RevokeNewAsync(Rotation rotation, CallContext call)
    {
        NewToken token = NewTokenOf(rotation);
        bool isSeen = await rotation.Scope.RevokeUndeliveredAsync(token, pipeline, call).ConfigureAwait(false);
        return isSeen || (rotation.IsResumed && rotation.Scope.Now - rotation.Entry.BegunAt > s_listDelay)
            ? isSeen
            : throw new MagicBellException(MagicBellError.UnexpectedResponse, $"No list shows the {_text.Noun} {token.Id}, so nothing is done to that id.");
    }

    private static NewToken NewTokenOf(Rotation rotation) =>
        new(rotation.NewId!, rotation.Entry.Name, rotation.Issued?.CreatedAt, rotation.Issued?.UserId, rotation.IsOlder);

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
