using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Client.History;
using MagicBellJwt.Client.Rotation;

namespace MagicBellJwt.Rotation;

/// <content>What is written down, and what the entries of others say.</content>
internal sealed partial class Rotator
{
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
}
