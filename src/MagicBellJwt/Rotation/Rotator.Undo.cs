using System;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;

namespace MagicBellJwt.Rotation;

/// <content>The way back: a new token that nobody holds is revoked, and one that somebody may hold is named.</content>
internal sealed partial class Rotator
{
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
}
