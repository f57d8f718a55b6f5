using System;
using System.Collections.Generic;
using System.Linq;

namespace MagicBellJwt.Client.History;

/// <summary>One operation of a history: what was about to be done, and what came of it.</summary>
public sealed class HistoryEvent
{
    // How much of the end is looked through for what has no end: a moment's reading.
    private const long ReviewedLength = 8 << 20;

    private HistoryEvent(HistoryLine first)
    {
        First = first;
        Last = first;
    }

    /// <summary>The line that announced it, or its only one.</summary>
    public HistoryLine First { get; }

    /// <summary>The last line about it.</summary>
    public HistoryLine Last { get; private set; }

    /// <summary>The line that says what came of it; null where none does: the process ended before, or it is under way.</summary>
    public HistoryLine? Outcome { get; private set; }

    /// <summary>The line that says who took the token that was issued; null where none does.</summary>
    public HistoryLine? Claim { get; private set; }

    /// <summary>Whether a token was issued, and neither a claim nor a revocation of it is recorded.</summary>
    public bool IsUnclaimed { get; private set; }

    /// <summary>When the token that was issued ends; null where the lines do not say, and where it never does.</summary>
    public DateTimeOffset? ExpiresAt => Rfc3339.TryParse(this["expires"] ?? "", out DateTimeOffset end) ? end : null;

    /// <summary>What the lines say under a name, the last one's word first; null where they say nothing.</summary>
    public string? this[string name] => Outcome?[name] ?? First[name];

    /// <summary>
    /// Reads a history in constant memory. An operation comes where its last line is; those that have no end yet, in doubt or unclaimed, come
    /// last, by their numbers.
    /// </summary>
    /// <param name="path">Its first file.</param>
    /// <param name="unreadable">Is told of each line that is none of a history, which is left out.</param>
    /// <exception cref="MagicBellException">It cannot be read.</exception>
    public static IEnumerable<HistoryEvent> Read(string path, Action<string> unreadable)
    {
        using var lines = new HistoryLines(path);
        foreach (HistoryEvent recorded in Read(lines, unreadable, []))
        {
            yield return recorded;
        }
    }

    /// <summary>The operations in the last part of a history, a few 10,000 lines, that have no end or are in doubt, and of which no line says that people were told.</summary>
    /// <param name="path">Its first file.</param>
    /// <exception cref="MagicBellException">It cannot be read.</exception>
    public static IReadOnlyList<HistoryEvent> FindUnsettled(string path)
    {
        var told = new HashSet<long>();
        using var lines = new HistoryLines(path, ReviewedLength);
        HistoryEvent[] found = [.. Read(lines, _ => { }, told).Where(recorded => recorded.First["phase"] == "intent" && (recorded.IsUnclaimed || recorded.Outcome?["outcome"] is null or TokenHistory.Unknown))];
        return [.. found.Where(recorded => !told.Contains(recorded.First.Sequence))];
    }

    private static IEnumerable<HistoryEvent> Read(HistoryLines lines, Action<string> unreadable, HashSet<long> told)
    {
        var open = new Dictionary<long, HistoryEvent>();
        var issued = new Dictionary<string, HistoryEvent>(StringComparer.OrdinalIgnoreCase);
        while (lines.Next())
        {
            if (!HistoryLine.TryRead(lines.Bytes, lines.Length, out HistoryLine? line))
            {
                unreadable($"Line {lines.Number} of {lines.File} cannot be read, and was left out.");
                continue;
            }

            if (line!["op"] == HistoryLine.Notice)
            {
                told.UnionWith((line["told"] ?? "").Split(' ').Select(number => long.TryParse(number, out long sequence) ? sequence : 0));
                continue;
            }

            HistoryEvent? known = null;
            switch (line["phase"])
            {
                case "intent":
                    open[line.Sequence] = new HistoryEvent(line);
                    break;
                case "claim":
                    if (TokenOf(line) is { } claimed && issued.TryGetValue(claimed, out known))
                    {
                        issued.Remove(claimed);
                        known.Claim = known.Last = line;
                        known.IsUnclaimed = false;
                        yield return known;
                    }

                    break;
                default:
                    if (!long.TryParse(line["intent"], out long intent) || !open.TryGetValue(intent, out known))
                    {
                        known = new HistoryEvent(line);
                    }

                    open.Remove(intent);
                    known.Outcome = known.Last = line;
                    if (line["outcome"] == TokenHistory.Issued && TokenOf(line) is { } token)
                    {
                        known.IsUnclaimed = true;
                        issued[token] = known;
                        break;
                    }

                    if (known["id"] is { } revoked && line["outcome"] is TokenHistory.Revoked or TokenHistory.AlreadyRevoked && issued.TryGetValue(revoked, out HistoryEvent? unclaimed))
                    {
                        issued.Remove(revoked);
                        unclaimed.IsUnclaimed = false;
                        yield return unclaimed;
                    }

                    yield return known;
                    break;
            }
        }

        foreach (HistoryEvent unsettled in open.Values.Concat(issued.Values).OrderBy(unsettled => unsettled.First.Sequence))
        {
            yield return unsettled;
        }
    }

    private static string? TokenOf(HistoryLine line) => line["id"] ?? line["fingerprint"];
}
