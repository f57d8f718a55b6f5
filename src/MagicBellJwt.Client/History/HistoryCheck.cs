using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Security.Cryptography;

namespace MagicBellJwt.Client.History;

/// <summary>Whether a history is whole: each line has the number after, and the hash of, the line before it.</summary>
/// <remarks>
/// The chain shows that nobody changed, took out, doubled or moved a line in the middle. Whoever can write the file can also write a new chain, or
/// cut lines off the end: only a hash that was noted elsewhere, an anchor, shows that.
/// </remarks>
public sealed class HistoryCheck
{
    private const int MaximumProblems = 100;

    private readonly List<string> _problems = [];

    private HistoryCheck()
    {
    }

    /// <summary>How many lines there are.</summary>
    public long Lines { get; private set; }

    /// <summary>The hash of the last line: what to note elsewhere.</summary>
    public string LastHash { get; private set; } = HistoryLine.NoHash;

    /// <summary>Whether the anchor is the hash of one of the lines; true where none was given.</summary>
    public bool HasAnchor { get; private set; }

    /// <summary>What is wrong, a sentence each, with the file and the line; the first hundred.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>Whether the chain is whole, and has the anchor.</summary>
    public bool IsWhole => _problems.Count == 0 && HasAnchor;

    /// <summary>Whether text can be the hash of a line.</summary>
    /// <param name="text">The text.</param>
    public static bool IsHash(string text) => text.Length == HistoryLine.NoHash.Length && text.All(Uri.IsHexDigit);

    /// <summary>Reads a history from its first line to its last.</summary>
    /// <param name="path">Its first file.</param>
    /// <param name="anchor">The hash of a line that was noted elsewhere, 64 hexadecimal digits in any case; null for none.</param>
    /// <param name="isStopped">Whether to end early.</param>
    /// <exception cref="MagicBellException">It cannot be read.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public static HistoryCheck Run(string path, string? anchor, Func<bool> isStopped)
    {
        var check = new HistoryCheck { HasAnchor = anchor is null };
        using var lines = new HistoryLines(path);
        using var sha = SHA256.Create();
        long expected = 1;
        while (lines.Next())
        {
            if (isStopped())
            {
                throw new OperationCanceledException();
            }

            check.Lines++;
            if (!lines.IsWhole)
            {
                check.Report(lines, "is cut short: the writer crashed, or is writing it now. The next writer mends that.");
            }
            else if (!HistoryLine.TryReadChain(lines.Bytes, lines.Length, out long sequence, out string previous))
            {
                check.Report(lines, "is not one of a history.");
            }
            else
            {
                check.Judge(lines, sequence, expected, previous);
                expected = sequence + 1;
            }

            check.LastHash = HistoryLine.Hex(sha.ComputeHash(lines.Bytes, 0, lines.Length));
            check.HasAnchor |= string.Equals(check.LastHash, anchor, StringComparison.OrdinalIgnoreCase);
        }

        if (check.Lines == 0)
        {
            check._problems.Add($"The history {path} is empty.");
        }

        if (!check.HasAnchor)
        {
            check._problems.Add($"No line has the anchor {anchor}: lines were cut off after it was noted, the history was written anew, or it is another's.");
        }

        return check;
    }

    private void Judge(HistoryLines lines, long sequence, long expected, string previous)
    {
        if (sequence != expected)
        {
            Report(lines, string.Format(
                CultureInfo.InvariantCulture,
                sequence > expected ? "has the number {0} where {1} belongs: {2} lines are missing." : "has the number {0} where {1} belongs: it was moved, doubled or put in.",
                sequence,
                expected,
                sequence - expected));
        }
        else if (!string.Equals(previous, LastHash, StringComparison.Ordinal))
        {
            Report(lines, expected == 1 ? "is the first, and names one before it." : "does not name the line before it: one of the two was changed.");
        }
    }

    private void Report(HistoryLines lines, string what)
    {
        if (_problems.Count < MaximumProblems)
        {
            _problems.Add(string.Format(CultureInfo.InvariantCulture, "Line {0} of {1} {2}", lines.Number, lines.File, what));
        }
    }
}
