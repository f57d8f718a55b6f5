using System;
using System.Collections.Generic;
using System.Linq;

namespace MagicBellJwt;

/// <summary>One run of Get-MbTokenReport: what its rows were judged by, and which lists were read. The rows know it, so that a file of them can say it.</summary>
internal sealed class ReportRun
{
    private readonly object _gate = new();
    private readonly SortedDictionary<string, string> _policies = new(StringComparer.OrdinalIgnoreCase);
    private readonly SortedSet<string> _projects = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<ReportGap> _gaps = [];
    private int _users;

    /// <summary>When it began.</summary>
    internal DateTimeOffset BegunAt { get; } = DateTimeOffset.UtcNow;

    /// <summary>Who it was of users that were asked for, in words: <c>all users</c>; null for those that were given.</summary>
    internal string? Everybody { get; set; }

    /// <summary>Whether every list that was asked for was read, or is one of the gaps.</summary>
    internal bool IsEnded { get; set; }

    /// <summary>How many tokens were judged.</summary>
    internal int Rows { get; private set; }

    /// <summary>What the tokens were judged by, a line a project.</summary>
    internal IEnumerable<string> Policies => _policies.Select(policy => $"{policy.Key}: {policy.Value}");

    /// <summary>What was asked for and not read.</summary>
    internal IReadOnlyList<ReportGap> Gaps => _gaps;

    /// <summary>The lists that were read, in words.</summary>
    internal string Lists => $"project tokens of {(_projects.Count == 0 ? "no project" : string.Join(", ", _projects))}; user tokens of "
        + (_users == 0 ? "no user" : FormattableString.Invariant($"{_users:N0} {(_users == 1 ? "user" : "users")}"))
        + (Everybody is null ? "" : $" ({Everybody})");

    /// <summary>Takes a list that was read and judged.</summary>
    /// <param name="list">The list.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="policy">What they were judged by, in words.</param>
    internal void Add(TokenScope list, IReadOnlyCollection<TokenReportRow> rows, string policy)
    {
        foreach (TokenReportRow row in rows)
        {
            row.Run = this;
        }

        lock (_gate)
        {
            _policies[list.Session.Name] = policy;
            Rows += rows.Count;
            if (list.UserId is null)
            {
                _projects.Add(list.Session.Name);
            }
            else
            {
                _users++;
            }
        }
    }

    /// <summary>Takes what was asked for and could not be read.</summary>
    internal void Miss(object? target, string reason)
    {
        lock (_gate)
        {
            _gaps.Add(new ReportGap(target is null ? "the report" : ScreenText.HideTokens(target.ToString()!), ScreenText.HideTokens(reason)));
        }
    }
}

/// <summary>What a report was asked for and could not read.</summary>
/// <param name="Target">The project, the user, or what was given for one.</param>
/// <param name="Reason">Why not.</param>
internal sealed record ReportGap(string Target, string Reason);
