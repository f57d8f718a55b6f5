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

    private protected override IEnumerable<(string Text, string ToolTip)> Values(string commandName, string parameterName, IDictionary boundParameters)
    {
        Session session = SessionOf(boundParameters);
        bool byName = parameterName == "Name";
        bool ofUsers = commandName.IndexOf("-MbUser", StringComparison.OrdinalIgnoreCase) >= 0;
        IEnumerable<string> users = boundParameters["UserId"] is { } given ? [LanguagePrimitives.ConvertTo<string>(given)] : session.RecentUsers.Take(UsersToAsk);
        return (ofUsers ? users.SelectMany(userId => LiveTokens(session, userId)) : LiveTokens(session, null))
            .Where(token => (byName ? token.Name : token.Id) is { Length: > 0 })
            .Select(token => byName
                ? (WildcardPattern.Escape(token.Name!), $"{token.Name}: {token.Id}, ends {token.Expires}")
                : (token.Id!, $"{token.Name ?? "(no name)"}, ends {token.Expires}"))
            .GroupBy(value => value.Item1)
            .Select(same => same.First());
    }

    private static IReadOnlyList<ListedToken> LiveTokens(Session session, string? userId)
    {
        string list = userId ?? "";
        if (session.Completions.TryGetValue(list, out (DateTimeOffset Time, IReadOnlyList<ListedToken> Tokens) kept) && DateTimeOffset.UtcNow - kept.Time < s_freshness)
        {
            return kept.Tokens;
        }

        using var patience = new CancellationTokenSource(s_patience);
        TokenPages pages = userId is null
            ? session.Service.FetchProjectTokensAsync(new PageRequest(100))
            : session.Service.FetchUserTokensAsync(userId, new PageRequest(100));
        Task<IReadOnlyList<ListedTokenRecord>?> reading = Task.Run(() => pages.ReadAsync(new CallContext(patience.Token)));
        reading.Wait(patience.Token);
        ListedToken[] live =
        [
            .. (reading.Result ?? [])
                .Select(record => userId is null ? (ListedToken)new ProjectToken(record, session) : new UserToken(record, session, userId))
                .Where(token => token.Status == TokenStatus.Active),
        ];
        session.Completions[list] = (DateTimeOffset.UtcNow, live);
        return live;
    }
}
