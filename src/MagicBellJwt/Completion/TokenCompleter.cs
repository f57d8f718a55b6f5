using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Client;

namespace MagicBellJwt.Completion;

/// <summary>Completes -Id and -Name with live tokens: the first page of them, within a second, and again for half a minute without asking.</summary>
public sealed class TokenCompleter : ValueCompleter
{
    private const int UsersToAsk = 4;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_freshness = TimeSpan.FromSeconds(30);

    private protected override IEnumerable<(string Text, string ToolTip)> Values(string commandName, string parameterName, IDictionary boundParameters, string typed)
    {
        Session session = SessionOf(boundParameters);
        bool byName = parameterName == "Name";

        // Get- takes wildcards, Update- the name as it is.
        bool escapes = commandName.IndexOf("Get-", StringComparison.OrdinalIgnoreCase) >= 0;
        return LiveTokens(session, ListsOf(session, commandName, boundParameters))
            .Where(token => (byName ? token.Name : token.Id) is { Length: > 0 })
            .Select(token => byName
                ? (escapes ? WildcardPattern.Escape(token.Name!) : token.Name!, $"{token.Name}: {token.Id}, ends {token.Expires}")
                : (token.Id!, $"{token.Name ?? "(no name)"}, ends {token.Expires}"))
            .GroupBy(value => value.Item1)
            .Select(same => same.First());
    }

    /// <summary>The users whose lists are meant; null stands for the project's own list.</summary>
    private static IEnumerable<string?> ListsOf(Session session, string commandName, IDictionary boundParameters)
    {
        if (commandName.IndexOf("-MbUser", StringComparison.OrdinalIgnoreCase) < 0)
        {
            return [null];
        }

        IEnumerable<string> users = BaseOf(boundParameters["UserId"]) switch
        {
            null => session.RecentUsers,
            string userId => [userId],
            IEnumerable userIds => userIds.Cast<object>().Select(LanguagePrimitives.ConvertTo<string>),
            object userId => [LanguagePrimitives.ConvertTo<string>(userId)],
        };
        return users.Take(UsersToAsk);
    }

    private static IReadOnlyList<ListedToken> LiveTokens(Session session, IEnumerable<string?> lists)
    {
        // Started together: they share one second. What arrives later is there at the next press of Tab.
        Task<IReadOnlyList<ListedToken>>[] readings = [.. lists.Select(userId => Reading(session, userId))];
        Task.WhenAny(Task.WhenAll(readings), Task.Delay(s_patience)).Wait();
        return [.. readings.Where(reading => reading.Status == TaskStatus.RanToCompletion).SelectMany(reading => reading.Result).Where(token => token.Status == TokenStatus.Active)];
    }

    private static Task<IReadOnlyList<ListedToken>> Reading(Session session, string? userId)
    {
        string list = userId ?? "";
        if (session.Completions.TryGetValue(list, out (DateTimeOffset Time, Task<IReadOnlyList<ListedToken>> Reading) kept)
            && DateTimeOffset.UtcNow - kept.Time < s_freshness && !kept.Reading.IsFaulted && !kept.Reading.IsCanceled)
        {
            return kept.Reading;
        }

        Task<IReadOnlyList<ListedToken>> reading = Task.Run(() => ReadAsync(session, userId));
        session.Completions[list] = (DateTimeOffset.UtcNow, reading);
        return reading;
    }

    private static async Task<IReadOnlyList<ListedToken>> ReadAsync(Session session, string? userId)
    {
        using var patience = new CancellationTokenSource(s_freshness);
        TokenReader reader = new TokenScope(session, userId is null ? TokenKind.Project : TokenKind.User, userId).Open();
        return await reader.ReadAsync(new CallContext(patience.Token)).ConfigureAwait(false) ?? [];
    }
}
