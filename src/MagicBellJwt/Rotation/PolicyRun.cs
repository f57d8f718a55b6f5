using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;

namespace MagicBellJwt.Rotation;

/// <summary>One run of a schedule by a policy's rules: what is due or was interrupted is finished, then each token that a rule says is due is rotated.</summary>
/// <param name="session">The project.</param>
/// <param name="rules">The rules, one or more: of those whose name matches a token the first counts.</param>
/// <param name="journal">The project's rotations.</param>
/// <param name="pipeline">The pipeline that the run belongs to.</param>
/// <param name="rotatorOf">The rotator that does as a rule says.</param>
internal sealed class PolicyRun(Session session, IReadOnlyList<PolicyRule> rules, RotationJournal journal, IPipeline pipeline, Func<PolicyRule, Rotator> rotatorOf)
{
    /// <summary>Whether a token is left out, because the next login would not find its successor. Asked on the pipeline thread.</summary>
    internal Func<PolicyRule, ListedToken, bool> IsLeftOut { get; init; } = (_, _) => false;

    /// <summary>The argument that names the journal in a command that is suggested; empty for the project's own.</summary>
    internal string JournalArgument { get; init; } = "";

    /// <summary>Is told of each token that could not be rotated, with what it is about; the others are tried.</summary>
    internal required Func<MagicBellException, string?, Task> FailedAsync { get; init; }

    internal async Task RunAsync()
    {
        await rotatorOf(rules[0]).ResumeAllAsync((entry, failure) => FailedAsync(failure, entry.Name ?? entry.OldId)).ConfigureAwait(false);
        var scope = new TokenScope(session, TokenKind.Project);
        IReadOnlyList<ListedToken> tokens = await scope.ListAsync(pipeline.ReadCall).ConfigureAwait(false);
        foreach (ListedToken token in tokens.Where(token => token.Id is not null && scope.IsLive(token)).OrderBy(token => token.ExpiresAt ?? DateTimeOffset.MaxValue))
        {
            PolicyRule? rule = rules.FirstOrDefault(rule => rule.IsFor(token.Name));
            if (rule is null || !TokenPicker.Meant(scope, tokens, token.Name!, [.. journal.Entries.Where(entry => RotationText.IsOf(entry, session))]).Contains(token))
            {
                continue;
            }

            if (!rule.IsDue(token, scope.Now, out bool isBounded))
            {
                if (isBounded)
                {
                    await pipeline.WarnAsync($"The token {token.Id} '{ScreenText.Of(token.Name!)}' is left alone until a third of its life is left: by the rule's 'endingWithin' alone it would be rotated at every run. Give it a longer 'lifetime', or a shorter 'endingWithin'.").ConfigureAwait(false);
                }

                continue;
            }

            await RotateAsync(rule, token).ConfigureAwait(false);
        }

        await TellExpiredAsync(scope, tokens).ConfigureAwait(false);
    }

    private async Task RotateAsync(PolicyRule rule, ListedToken token)
    {
        try
        {
            if (!await pipeline.RunAsync(() => IsLeftOut(rule, token)).ConfigureAwait(false))
            {
                await rotatorOf(rule).RotateByIdAsync(token.Id!, null).ConfigureAwait(false);
            }
        }
        catch (MagicBellException failure) when (!ErrorRecords.Ends(failure))
        {
            await FailedAsync(failure, token.Name).ConfigureAwait(false);
        }
    }

    // Its holder has no token that works, and the schedule would be green for ever. It is not issued again: it may have ended because nobody needs it.
    private async Task TellExpiredAsync(TokenScope scope, IReadOnlyList<ListedToken> tokens)
    {
        IEnumerable<ListedToken> expired = tokens.Where(token => token.Id is not null && token.DiscardedAt is null && !scope.IsLive(token) && rules.Any(rule => rule.IsFor(token.Name)));
        foreach (ListedToken token in expired.GroupBy(token => token.Name).Where(named => !tokens.Any(token => token.Name == named.Key && scope.IsLive(token))).Select(named => named.OrderBy(token => token.ExpiresAt).Last()))
        {
            await FailedAsync(
                new MagicBellException(
                    MagicBellError.RotationFailed,
                    $"The token {token.Id} '{ScreenText.Of(token.Name!)}' expired at {RotationJournal.Time(token.ExpiresAt!.Value)}, before a run rotated it: what holds it has no token that works. Run more often, or give a longer 'lifetime'. "
                    + $"To issue its successor: Update-MbProjectToken -Id {CommandText.Quote(token.Id!)} -Vault 'VAULT'{CommandText.SessionArgument(session)}{JournalArgument} # where nothing needs it any more: {CommandText.Remove(TokenKind.Project, session, token.Id!)}"),
                token.Name).ConfigureAwait(false);
        }
    }
}
