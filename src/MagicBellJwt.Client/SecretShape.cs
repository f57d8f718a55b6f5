using System;
using System.Text;

namespace MagicBellJwt.Client;

/// <summary>What looks like a token's value or a project's secret key, in text that is to be shown, kept or sent.</summary>
public static class SecretShape
{
    private const string TokenStart = "eyJ";
    private const string KeyStart = "sk_";

    // Names such as sk_SK are none.
    private const int ShortestKey = 16;

    // A dot as it is, and as addresses, HTML and JSON write it.
    private static readonly string[] s_dots = [".", "%2E", "%252E", "&#46;", "&#x2E;", "&period;", "\\u002e"];

    /// <summary>The text with the fingerprint of each JSON Web Token in its place, and without secret keys. What has none of them comes out the same.</summary>
    /// <param name="text">Any text.</param>
    public static string Hide(string text)
    {
        int start = NextStart(text, 0);
        if (start < 0)
        {
            return text;
        }

        var hidden = new StringBuilder();
        int shown = 0;
        for (; start >= 0; start = NextStart(text, start))
        {
            int end;
            string? instead;
            if (text[start] == 'e')
            {
                instead = TokenAt(text, start, out end) is { } token ? "[token " + TokenFingerprint.Of(token) + "]" : null;
            }
            else
            {
                end = EndOfWord(text, start);
                instead = (start == 0 || !IsWord(text[start - 1])) && end - start >= KeyStart.Length + ShortestKey ? "[secret key]" : null;
            }

            if (instead is not null)
            {
                hidden.Append(text, shown, start - shown).Append(instead);
                shown = end;
            }

            start = Math.Max(end, start + KeyStart.Length);
        }

        return hidden.Append(text, shown, text.Length - shown).ToString();
    }

    /// <summary>Whether a JSON Web Token or a secret key is in the text.</summary>
    /// <param name="text">Any text.</param>
    public static bool IsIn(string text) => !ReferenceEquals(text, Hide(text)) && text != Hide(text);

    private static int NextStart(string text, int from)
    {
        if (from >= text.Length)
        {
            return -1;
        }

        int token = text.IndexOf(TokenStart, from, StringComparison.Ordinal);
        int key = text.IndexOf(KeyStart, from, StringComparison.Ordinal);
        return token < 0 ? key : key < 0 ? token : Math.Min(token, key);
    }

    // Three parts, the last of which may be empty; null where there are fewer.
    private static string? TokenAt(string text, int start, out int end)
    {
        end = EndOfWord(text, start);
        string token = text.Substring(start, end - start);
        for (int part = 1; part < 3; part++)
        {
            int after = end;
            string? dot = Array.Find(s_dots, form => string.Compare(text, after, form, 0, form.Length, StringComparison.OrdinalIgnoreCase) == 0);
            if (dot is null)
            {
                return null;
            }

            int word = end + dot.Length;
            end = EndOfWord(text, word);
            token += "." + text.Substring(word, end - word);
        }

        return token;
    }

    private static int EndOfWord(string text, int start)
    {
        while (start < text.Length && IsWord(text[start]))
        {
            start++;
        }

        return start;
    }

    private static bool IsWord(char character) => character is (>= 'A' and <= 'Z') or (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-' or '_';
}
