using System;
using System.Collections.Generic;
using System.Linq;
using MagicBellJwt.Rotation;

namespace MagicBellJwt;

/// <summary>What a project wants of its tokens, and where a list of them falls short of it.</summary>
/// <param name="expiringWithin">How long before its end a token is worth a word.</param>
/// <param name="maxAge">How old a token may become, and how long a new one may live; null for as long as the session's policy says, or 90 days.</param>
/// <param name="maxPerUser">How many live tokens a user may have.</param>
internal sealed class TokenPolicy(TimeSpan expiringWithin, TimeSpan? maxAge, int maxPerUser)
{
    private static readonly TimeSpan s_usualMaxAge = TimeSpan.FromDays(90);
    private static readonly TimeSpan s_urgent = TimeSpan.FromDays(7);

    // The server begins a life a moment before or after it works out its end.
    private static readonly TimeSpan s_moment = TimeSpan.FromMinutes(1);

    private TimeSpan MaxAgeOf(IssueLimit? limit) => maxAge ?? limit?.Maximum ?? s_usualMaxAge;

    /// <summary>Judges a whole list, the newest token first: the project's, or one user's.</summary>
    /// <param name="tokens">The list.</param>
    /// <param name="list">Where it was read.</param>
    /// <param name="now">The time to judge by.</param>
    internal List<TokenReportRow> Judge(IReadOnlyList<ListedToken> tokens, TokenScope list, DateTimeOffset now)
    {
        var rows = new List<TokenReportRow>(tokens.Count);
        var names = new HashSet<string>(StringComparer.Ordinal);
        IssueLimit? limit = LimitOf(list);
        TimeSpan oldest = MaxAgeOf(limit);
        int live = 0;
        foreach (ListedToken token in tokens.OrderByDescending(token => token.CreatedAt))
        {
            var row = new TokenReportRow(token.Record, list, now);
            bool isExpired = token.ExpiresAt <= now;
            if (token.DiscardedAt is null)
            {
                // Of tokens with the same name, and of too many, the newest pass: otherwise running every remedy would revoke them all.
                bool isRepeated = !isExpired && !string.IsNullOrEmpty(row.Name) && !names.Add(row.Name!);
                bool isTooMany = !isExpired && list.UserId is not null && ++live > maxPerUser;
                (TokenFinding Finding, bool Applies, TokenSeverity Severity)[] rules =
                [
                    (TokenFinding.NeverExpires, token.ExpiresAt is null, TokenSeverity.High),
                    (TokenFinding.ExpiresSoon, !isExpired && token.ExpiresAt - now <= expiringWithin, token.ExpiresAt - now <= s_urgent ? TokenSeverity.High : TokenSeverity.Medium),
                    (TokenFinding.Expired, isExpired, TokenSeverity.Low),
                    (TokenFinding.OlderThanPolicy, !isExpired && row.Age > oldest, TokenSeverity.Medium),
                    (TokenFinding.LivesTooLong, !isExpired && token.ExpiresAt - token.CreatedAt - s_moment > limit?.Maximum, TokenSeverity.Medium),
                    (TokenFinding.NameOutsidePolicy, !isExpired && limit?.Fits(row.Name) == false, TokenSeverity.Low),
                    (TokenFinding.DuplicateName, isRepeated, TokenSeverity.Medium),
                    (TokenFinding.TooManyForUser, isTooMany, TokenSeverity.High),
                ];
                row.Findings = [.. rules.Where(rule => rule.Applies).Select(rule => rule.Finding)];
                row.Severity = rules.Where(rule => rule.Applies).Select(rule => Weigh(rule.Severity, row.Kind)).DefaultIfEmpty().Max();
                row.Remedy = RemedyFor(row, list.Session, limit);
            }

            rows.Add(row);
        }

        return rows;
    }

    /// <summary>What the tokens of a session are judged by, in words.</summary>
    internal string WordsFor(Session session)
    {
        IssueLimit? project = session.IssuePolicy?.Of(TokenKind.Project);
        IssueLimit? user = session.IssuePolicy?.Of(TokenKind.User);
        string words = FormattableString.Invariant($"expires soon within {LifetimeText.Write(expiringWithin)}, project tokens too old after {LifetimeText.Write(MaxAgeOf(project))}, user tokens after {LifetimeText.Write(MaxAgeOf(user))}, more than {maxPerUser} live tokens of a user are too many");
        return session.IssuePolicy is null ? words + "; no policy file" : $"{words}; by the policy {session.Policy}: {string.Join("; ", new[] { project, user }.OfType<IssueLimit>().Select(limit => limit.Words))}";
    }

    // A user's token opens what one user may see, a project's token everything: the same finding is one step less severe.
    private static TokenSeverity Weigh(TokenSeverity severity, TokenKind kind) =>
        kind == TokenKind.User && severity > TokenSeverity.Low ? severity - 1 : severity;

    private static IssueLimit? LimitOf(TokenScope list) => list.Session.IssuePolicy?.Of(list.UserId is null ? TokenKind.Project : TokenKind.User);

    private string? RemedyFor(TokenReportRow row, Session session, IssueLimit? limit)
    {
        if (row.Id is null || row.Findings.Count == 0)
        {
            return null;
        }

        string tail = $" -Session {CommandText.Quote(session.Name)}";
        bool isReplaced = row.Findings.Any(finding => finding is TokenFinding.Expired or TokenFinding.DuplicateName or TokenFinding.TooManyForUser);
        bool isOwn = row.Kind == TokenKind.Project && string.Equals(row.Id, session.TokenId, StringComparison.OrdinalIgnoreCase);
        if (isReplaced && !isOwn)
        {
            // Two of one name: which one is in use nobody here knows.
            string first = row.Findings.Contains(TokenFinding.Expired) || row.Findings.Contains(TokenFinding.TooManyForUser) ? "" : "Find out which token of that name is in use, then revoke the other: ";
            return $"{first}Remove-Mb{row.Kind}Token {CommandText.Quote(row.Id)}{tail}";
        }

        if (row.Findings.SequenceEqual([TokenFinding.NameOutsidePolicy]))
        {
            return $"Issue one with a name that fits '{ScreenText.Of(limit!.Name!)}' where it is used, then revoke this one: Remove-Mb{row.Kind}Token {CommandText.Quote(row.Id)}{tail}";
        }

        TimeSpan longest = MaxAgeOf(limit);
        bool livesTooLong = row.ExpiresAt is null || row.ExpiresAt - row.CreatedAt > longest;
        string owner = row.UserId is null ? ""
            : $" -UserId {CommandText.Quote(row.UserId)}{(row.Email is null && row.ExternalId is { } id ? $" -ExternalId {CommandText.Quote(id)}" : $" -Email {(row.Email is { } email ? CommandText.Quote(email) : "EMAIL")}")}";

        // With a store: run as it stands it sends nothing, since there is no such vault, where without one it would issue a token whose value is lost.
        return $"Update-Mb{row.Kind}Token -Id {CommandText.Quote(row.Id)}{owner} -Vault 'VAULT'{(livesTooLong ? " -ExpiresIn " + LifetimeText.Write(limit?.Lifetime is { } usual && usual < longest ? usual : longest) : "")}{tail}";
    }
}
