using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace MagicBellJwt.Client;

/// <summary>Compares names of tokens as a server may have written them down: composed, trimmed, in another case, cut short, or without what it cannot keep.</summary>
public static class TokenName
{
    // Servers cut names of 255 characters or bytes, and no shorter ones: what is this long may be the beginning of a longer name.
    private const int ShortestCut = 50;

    /// <summary>Whether two names may be the same one. For finding what may be meant; never a reason to revoke.</summary>
    /// <param name="left">A name; null for none.</param>
    /// <param name="right">Another name; null for none.</param>
    public static bool IsSame(string? left, string? right)
    {
        string one = Normal(left);
        string other = Normal(right);
        return one.Length == other.Length || Math.Min(one.Length, other.Length) < ShortestCut
            ? string.Equals(one, other, StringComparison.OrdinalIgnoreCase)
            : one.StartsWith(other, StringComparison.OrdinalIgnoreCase) || other.StartsWith(one, StringComparison.OrdinalIgnoreCase);
    }

    private static string Normal(string? name)
    {
        string text = name ?? "";
        try
        {
            text = text.Normalize(NormalizationForm.FormKC);
        }
        catch (ArgumentException)
        {
            // Half a character, which has no other form.
        }

        string kept = Words(text.Where(IsKept));
        return kept.Length > 0 ? kept : Words(text);
    }

    // Without blanks at the ends, and with one between words.
    private static string Words(IEnumerable<char> text) => string.Join(" ", string.Concat(text).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    // Not what a server's character set may lack, or what it puts there.
    private static bool IsKept(char character) => !char.IsSurrogate(character) && character is not ('?' or '\uFFFD');
}
