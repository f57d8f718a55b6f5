using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Client;

namespace MagicBellJwt.Completion;

/// <summary>
/// Completes -Email, -ExternalId and -UserId: with users that the session was asked about, and with a page of those that the API finds by what is
/// typed, within a second. What was read is kept for half a minute, in memory only.
/// </summary>
public sealed class UserCompleter : ValueCompleter
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_freshness = TimeSpan.FromSeconds(30);

    private protected override IEnumerable<(string Text, string ToolTip)> Values(string commandName, string parameterName, IDictionary boundParameters, string typed)
    {
        Session session = SessionOf(boundParameters);
        IEnumerable<(string Text, string ToolTip)> seen = parameterName == "UserId"
            ? session.RecentUsers.Select(userId => (userId, session.Users.Known(userId) is { } user ? Describe(user) : $"user {userId}, seen in this session"))
            : [];

        // An id in MagicBell is in no query, and a single letter would match nearly everybody.
        return seen.Concat(Read(session, parameterName != "UserId" && typed.Length > 1 ? typed : null)
                .Select(user => (Text: parameterName switch { "Email" => user.Email, "ExternalId" => user.ExternalId, _ => user.UserId }, ToolTip: Describe(user)))
                .Where(value => value.Text is { Length: > 0 })
                .Select(value => (value.Text!, value.ToolTip)))
            .GroupBy(value => value.Item1, StringComparer.Ordinal)
            .Select(same => same.First());
    }

    private static string Describe(User user) =>
        string.Join(", ", new[] { user.FullName, user.Email, user.ExternalId, user.UserId }.Where(text => !string.IsNullOrEmpty(text)));

    private static IReadOnlyList<User> Read(Session session, string? query)
    {
        if (!session.UserCompletions.TryGetValue(query ?? "", out (DateTimeOffset Time, Task<IReadOnlyList<User>> Reading) kept)
            || DateTimeOffset.UtcNow - kept.Time >= s_freshness || kept.Reading.IsFaulted || kept.Reading.IsCanceled)
        {
            session.UserCompletions.Clear();
            kept = (DateTimeOffset.UtcNow, Task.Run(() => ReadAsync(session, query)));
            session.UserCompletions[query ?? ""] = kept;
        }

        // What arrives later is there at the next press of Tab.
        Task.WhenAny(kept.Reading, Task.Delay(s_patience)).Wait();
        return kept.Reading.Status == TaskStatus.RanToCompletion ? kept.Reading.Result : [];
    }

    private static async Task<IReadOnlyList<User>> ReadAsync(Session session, string? query)
    {
        using var patience = new CancellationTokenSource(s_freshness);
        return await session.Users.Open(query: query).ReadAsync(new CallContext(patience.Token)).ConfigureAwait(false) ?? [];
    }
}
