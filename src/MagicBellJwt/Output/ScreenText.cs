using System;
using System.Text;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>The one function that foreign text passes on its way to a screen, a prompt, an error or a file: somebody else may have named the token.</summary>
internal static class ScreenText
{
    private const string TokenStart = "eyJ";

    /// <summary>
    /// The text as it may be shown: what steers a terminal, hides or reorders is an escape such as <c>\u001B</c>, and a JSON Web Token is its
    /// fingerprint. What is shown already comes out the same.
    /// </summary>
    internal static string Of(string text) => VisibleText.Of(HideTokens(text));

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
}
