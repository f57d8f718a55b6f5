using System;
using System.Collections.Generic;
using System.Linq;

namespace MagicBellJwt;

/// <summary>Compares two reports. A report shows tokens and not which lists were read, so what it does not show is gone only where it shows others of the same list.</summary>
internal sealed class ReportComparison
{
    private readonly Dictionary<string, ReportedToken> _before = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, ReportedToken> _now = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<(string? Project, string? UserId)> _listsNow = [];

    /// <summary>How many tokens have no id, so that they cannot be compared.</summary>
    internal int WithoutId { get; private set; }

    /// <summary>Takes a token of the earlier report.</summary>
    internal void AddBefore(ReportedToken token) => Add(_before, token);

    /// <summary>Takes a token of the later report.</summary>
    internal void AddNow(ReportedToken token)
    {
        Add(_now, token);
        _listsNow.Add(ListOf(token));
    }

    /// <summary>What is different: in the order of the later report, then of the earlier one.</summary>
    internal IEnumerable<TokenReportChange> Changes()
    {
        foreach (ReportedToken now in _now.Values.Where(token => !token.IsRevoked))
        {
            ReportedToken? before = _before.TryGetValue(now.Id!, out ReportedToken? found) && !found.IsRevoked ? found : null;
            TokenFinding[] added = [.. now.Findings.Except(before?.Findings ?? [])];
            TokenFinding[] ended = [.. (before?.Findings ?? []).Except(now.Findings)];
            TokenChange? change = before is null ? TokenChange.New
                : now.Severity != before.Severity ? now.Severity > before.Severity ? TokenChange.Worse : TokenChange.Better
                : added.Length > 0 ? TokenChange.Worse
                : ended.Length > 0 ? TokenChange.Better
                : null;
            if (change is { } changed)
            {
                yield return new TokenReportChange(changed, before, now, added, ended);
            }
        }

        foreach (ReportedToken before in _before.Values.Where(token => !token.IsRevoked))
        {
            bool isShown = _now.TryGetValue(before.Id!, out ReportedToken? now);
            if (!isShown || now!.IsRevoked)
            {
                yield return new TokenReportChange(isShown || _listsNow.Contains(ListOf(before)) ? TokenChange.Gone : TokenChange.NotSeen, before, null, [], before.Findings);
            }
        }
    }

    private static (string?, string?) ListOf(ReportedToken token) => (token.Project?.ToUpperInvariant(), token.UserId);

    private void Add(Dictionary<string, ReportedToken> report, ReportedToken token)
    {
        if (token.Id is null)
        {
            WithoutId++;
        }
        else
        {
            report[token.Id] = token;
        }
    }
}
