using System;
using System.Linq;
using System.Text;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>Text of a server, fit for a terminal and a report: somebody else may have named the token.</summary>
internal static class ScreenText
{
    private const string TokenStart = "eyJ";

    /// <summary>
    /// The text without escape sequences, line breaks and changes of direction: each such character is shown as one that is missing. A JSON Web
    /// Token in it is shown by its fingerprint.
    /// </summary>
    internal static string Of(string text)
    {
        text = HideTokens(text);
        return text.All(IsPlain) ? text : new([.. text.Select(character => IsPlain(character) ? character : '\uFFFD')]);
    }

    /// <summary>The text with the fingerprint of each JSON Web Token in its place.</summary>
    internal static string HideTokens(string text)
    {
        int at = text.IndexOf(TokenStart, StringComparison.Ordinal);
        if (at < 0)
        {
            return text;
        }

        var hidden = new StringBuilder();
        int shown = 0;
        while (at >= 0)
        {
            int end = at;
            int dots = 0;
            while (end < text.Length && (IsTokenCharacter(text[end]) || (text[end] == '.' && ++dots <= 2)))
            {
                end++;
            }

            if (dots >= 2)
            {
                hidden.Append(text, shown, at - shown).Append("[token ").Append(TokenFingerprint.Of(text.Substring(at, end - at))).Append(']');
                shown = end;
            }

            at = text.IndexOf(TokenStart, end, StringComparison.Ordinal);
        }

        return hidden.Append(text, shown, text.Length - shown).ToString();
    }

    /// <summary>Whether a JSON Web Token is in the text.</summary>
    internal static bool HoldsToken(string text) => text != HideTokens(text);

    private static bool IsTokenCharacter(char character) => character is (>= 'A' and <= 'Z') or (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-' or '_';

    private static bool IsPlain(char character) =>
        !char.IsControl(character) && character is not ((>= '\u2028' and <= '\u202E') or (>= '\u2066' and <= '\u2069'));
}
