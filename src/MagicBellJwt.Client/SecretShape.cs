using System;
using System.Text;

namespace MagicBellJwt.Client;

/// <summary>What looks like a token's value, a project's secret key or the password of an address, in text that is to be shown, kept or sent.</summary>
public static class SecretShape
{
    internal const string TokenStart = "eyJ";
    internal const string KeyStart = "sk_";
    private const string AddressStart = "://";

    // Names such as sk_SK are none.
    internal const int ShortestKey = 16;

    // After the third part: a sentence, or a host's name, may go on.
    private const int ShortestPart = 20;

    private static readonly string[] s_starts = [TokenStart, KeyStart, AddressStart];
    private static readonly char[] s_afterHost = ['/', '\\', '?', '#', ' ', '\t', '\r', '\n', '"', '\'', '<', '>'];

    // A dot as it is, and as addresses, HTML and JSON write it.
    private static readonly string[] s_dots = [".", "%2E", "%252E", "&#46;", "&#x2E;", "&period;", "\\u002e"];

    /// <summary>The text with the fingerprint of each JSON Web Token in its place, and without secret keys and the credentials of addresses. What has none of them comes out the same.</summary>
    /// <param name="text">Any text.</param>
    public static string Hide(string text)
    {
        StringBuilder? hidden = null;
        int shown = 0;
        for (int start = NextStart(text, 0); start >= 0; start = NextStart(text, start))
        {
            int end;
            string? instead = text[start] switch
            {
                'e' => TokenAt(text, start, out end) is { } token ? "[token " + TokenFingerprint.Of(token) + "]" : null,
                's' => IsKey(text, start, out end) ? "[secret key]" : null,
                _ => IsAddressWithCredentials(text, start, out end) ? "://[credentials]" : null,
            };
            if (instead is not null)
            {
                hidden = (hidden ?? new StringBuilder()).Append(text, shown, start - shown).Append(instead);
                shown = end;
            }

            start = Math.Max(end, start + KeyStart.Length);
        }

        return hidden is null ? text : hidden.Append(text, shown, text.Length - shown).ToString();
    }

    /// <summary>Whether a JSON Web Token, a secret key or an address with credentials is in the text.</summary>
    /// <param name="text">Any text.</param>
    public static bool IsIn(string text) => Hide(text) != text;

    private static int NextStart(string text, int from)
    {
        int next = -1;
        foreach (string start in s_starts)
        {
            int at = from < text.Length ? text.IndexOf(start, from, StringComparison.Ordinal) : -1;
            next = at >= 0 && (next < 0 || at < next) ? at : next;
        }

        return next;
    }

    private static bool IsKey(string text, int start, out int end)
    {
        end = EndOfWord(text, start);
        if (text.IndexOf(TokenStart, start, end - start, StringComparison.Ordinal) >= 0)
        {
            // It may be a token's beginning: that ends later.
            end = start;
            return false;
        }

        return (start == 0 || !IsWord(text[start - 1])) && end - start >= KeyStart.Length + ShortestKey;
    }

    // As .NET writes a proxy's address, with the password that HTTPS_PROXY has: up to the last @ before the path.
    private static bool IsAddressWithCredentials(string text, int start, out int end)
    {
        int host = start + AddressStart.Length;
        int path = text.IndexOfAny(s_afterHost, host);
        int at = (path < 0 ? text.Substring(host) : text.Substring(host, path - host)).LastIndexOf('@');
        end = at > 0 ? host + at : host;
        return at > 0 && text.IndexOf("[credentials]@", host, StringComparison.Ordinal) != host;
    }

    // Three parts, the last of which may be empty; null where there are fewer. What looks like more of them is hidden too.
    private static string? TokenAt(string text, int start, out int end)
    {
        end = EndOfWord(text, start);
        string token = text.Substring(start, end - start);
        for (int part = 1; part < 5; part++)
        {
            int after = end;
            string? dot = Array.Find(s_dots, form => string.Compare(text, after, form, 0, form.Length, StringComparison.OrdinalIgnoreCase) == 0);
            int word = end + (dot?.Length ?? 0);
            int endOfWord = EndOfWord(text, word);
            if (dot is null || (part > 2 && endOfWord - word < ShortestPart))
            {
                return part > 2 ? token : null;
            }

            token += "." + text.Substring(word, endOfWord - word);
            end = endOfWord;
        }

        return token;
    }

    /// <summary>Where a word of a token or a key ends.</summary>
    internal static int EndOfWord(string text, int start)
    {
        while (start < text.Length && IsWord(text[start]))
        {
            start++;
        }

        return start;
    }

    /// <summary>Whether a character may stand in a part of a token, or in a key.</summary>
    internal static bool IsWord(char character) => character is (>= 'A' and <= 'Z') or (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-' or '_';
}
