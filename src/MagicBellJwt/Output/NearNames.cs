using System;
using System.Collections.Generic;
using System.Linq;

namespace MagicBellJwt;

/// <summary>The names that somebody may have meant who typed another one.</summary>
internal static class NearNames
{
    private const int Most = 3;
    private const int ShortestPart = 3;

    /// <summary>At most three of the names: those that hold the text or are held by it, and those that differ from it by a letter or two.</summary>
    internal static IReadOnlyList<string> Of(string wanted, IEnumerable<string> names)
    {
        string text = wanted.Trim('*', '?', ' ').ToUpperInvariant();
        return text.Length == 0
            ? []
            : [.. names
                .Select(name => (Name: name, Distance: Distance(text, name.ToUpperInvariant())))
                .Where(near => near.Distance is not null)
                .OrderBy(near => near.Distance)
                .Select(near => near.Name)
                .Take(Most)];
    }

    // Null where they are not near.
    private static int? Distance(string text, string name)
    {
        if (name.Contains(text) || (name.Length >= ShortestPart && text.Contains(name)))
        {
            return Math.Abs(name.Length - text.Length);
        }

        int most = Math.Max(1, Math.Min(text.Length / 4, 3));
        if (Math.Abs(name.Length - text.Length) > most)
        {
            return null;
        }

        int distance = Edits(text, name);
        return distance <= most ? distance : null;
    }

    // Letters to add, drop or change (Levenshtein).
    private static int Edits(string text, string name)
    {
        int[] row = [.. Enumerable.Range(0, name.Length + 1)];
        for (int i = 1; i <= text.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= name.Length; j++)
            {
                int change = diagonal + (text[i - 1] == name[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(change, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[name.Length];
    }
}
