using System;
using System.Collections.Generic;
using System.Linq;

namespace MagicBellJwt;

/// <summary>Where the rows of a file come from, so that nobody takes a part for the whole. Its public properties are fields of the JSON file's head.</summary>
internal sealed class ReportOrigin
{
    internal ReportOrigin(IReadOnlyList<ReportEntry> entries, DateTimeOffset now)
    {
        ReportRun[] runs = [.. entries.Select(entry => entry.Run).OfType<ReportRun>().Distinct()];
        bool isKnown = entries.Count > 0 && entries.All(entry => entry.Run is not null);
        WrittenAt = now;
        WrittenBy = HistoryRecorder.Account + "@" + Environment.MachineName;
        JudgedAt = runs.Length == 0 ? null : runs.Min(run => run.BegunAt);
        Policy = [.. runs.SelectMany(run => run.Policies).Distinct()];
        ListsRead = [.. runs.Select(run => run.Lists)];
        NotRead = [.. runs.SelectMany(run => run.Gaps)];
        Tokens = entries.Count;
        TokensJudged = isKnown ? runs.Sum(run => run.Rows) : null;
        int distinct = entries.Select(entry => entry.Source).Distinct().Count();
        IsFiltered = isKnown ? distinct < TokensJudged : null;
        IsEnded = isKnown ? runs.All(run => run.IsEnded) : null;
        Scope = string.Join(" ", Sentences(entries.Count, distinct));
    }

    public DateTimeOffset WrittenAt { get; }

    /// <summary>The account and the machine.</summary>
    public string WrittenBy { get; }

    /// <summary>When the rows were read and judged; null where that is not known.</summary>
    public DateTimeOffset? JudgedAt { get; }

    /// <summary>What the tokens were judged by, a line a project; empty where that is not known.</summary>
    public IReadOnlyList<string> Policy { get; }

    /// <summary>The lists that were read; empty where that is not known.</summary>
    public IReadOnlyList<string> ListsRead { get; }

    /// <summary>What was asked for and not read.</summary>
    public IReadOnlyList<ReportGap> NotRead { get; }

    public int Tokens { get; }

    /// <summary>How many tokens were judged; null where that is not known.</summary>
    public int? TokensJudged { get; }

    /// <summary>Whether rows were left out on the way; null where that is not known.</summary>
    public bool? IsFiltered { get; }

    /// <summary>Whether the run that made the rows came to its end; null where that is not known.</summary>
    public bool? IsEnded { get; }

    /// <summary>Whether the file shows everything that was asked for.</summary>
    public bool IsWhole => IsFiltered == false && IsEnded == true && NotRead.Count == 0;

    /// <summary>What the file shows, in words.</summary>
    public string Scope { get; }

    private IEnumerable<string> Sentences(int rows, int distinct)
    {
        if (rows == 0)
        {
            yield return "No rows were given, so it is not known whether there are no tokens, or a filter left none.";
            yield break;
        }

        if (IsFiltered is null)
        {
            yield return "It is not known whether rows were left out: they come from a file, or were copied on the way.";
        }
        else
        {
            yield return IsFiltered.Value
                ? FormattableString.Invariant($"{distinct:N0} of the {TokensJudged:N0} tokens that were judged: a filter left out the others.")
                : FormattableString.Invariant($"All {TokensJudged:N0} tokens of the lists that were read.");
        }

        if (IsEnded == false)
        {
            yield return "The run that judged them was ended early, so lists are missing.";
        }

        if (NotRead.Count > 0)
        {
            yield return FormattableString.Invariant($"{NotRead.Count:N0} {(NotRead.Count == 1 ? "was" : "were")} asked for and not read: {string.Join(", ", NotRead.Take(10).Select(gap => ScreenText.Of(gap.Target)))}{(NotRead.Count > 10 ? ", …" : "")}.");
        }
    }
}
