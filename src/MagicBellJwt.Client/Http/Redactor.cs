using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace MagicBellJwt.Client;

/// <summary>Makes foreign text fit to be shown: no token, no key, no control character, not too long. Never fails, whatever the text.</summary>
/// <remarks>
/// Hidden are JWTs and secret keys, and any 12 characters in a row of a secret that is known, also where a server wrote them for an address,
/// for HTML or JSON (<c>%2E</c>, <c>&amp;#46;</c>, <c>\u002e</c>), in hexadecimal or in base64.
/// </remarks>
public sealed class Redactor
{
    private const int MaximumLength = 300;
    private const string Redacted = "[redacted]";

    // No text is searched further than this. What is shown of it is shorter by far.
    private const int SearchedLength = 64 * 1024;

    // A word of an unknown answer that is this long and has letters and digits may be a secret.
    private const int SuspiciousLength = 20;

    private readonly Secret[] _secrets;
    private readonly bool _hidesLongWords;

    /// <summary>Makes a redactor.</summary>
    /// <param name="secret">What must not be seen, whatever it looks like, besides JWTs and secret keys; null for nothing else.</param>
    public Redactor(string? secret = null)
        : this(string.IsNullOrEmpty(secret) ? [] : [new Secret(secret!)], hidesLongWords: false)
    {
    }

    private Redactor(Secret[] secrets, bool hidesLongWords)
    {
        _secrets = secrets;
        _hidesLongWords = hidesLongWords;
    }

    /// <summary>A redactor that hides another secret too.</summary>
    /// <param name="secret">The other secret; an empty one adds nothing.</param>
    /// <returns>The other redactor.</returns>
    public Redactor With(string secret) => secret.Length == 0 ? this : new([.. _secrets, new Secret(secret)], _hidesLongWords);

    /// <summary>A redactor for text in which a secret may stand that nobody knows: it also hides long words of letters and digits, but for UUIDs.</summary>
    /// <returns>The other redactor.</returns>
    public Redactor WithSuspicion() => new(_secrets, hidesLongWords: true);

    /// <summary>The text without secrets and control characters.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="maximumLength">How many characters to keep; 300 unless given.</param>
    /// <returns>The text, with <c>[redacted]</c> for each secret, and <c>…</c> at its end where it was cut.</returns>
    public string Clean(string text, int maximumLength = MaximumLength)
    {
        bool isCut = text.Length > SearchedLength;
        text = isCut ? text.Substring(0, SearchedLength) : text;
        var plain = Unescaped.Of(text);
        bool[] hidden = Hidden(plain);
        var clean = new StringBuilder(Math.Min(text.Length, maximumLength));
        for (int index = 0; index < plain.Text.Length; index++)
        {
            if (!hidden[index])
            {
                // As it was written, escapes and all.
                Append(clean, text, plain.StartOf(index), plain.StartOf(index + 1));
            }
            else if (index == 0 || !hidden[index - 1])
            {
                clean.Append(Redacted);
            }

            if (clean.Length > maximumLength)
            {
                break;
            }
        }

        if (clean.Length > maximumLength || isCut)
        {
            clean.Length = Math.Min(clean.Length, maximumLength);
            clean.Append('…');
        }

        return clean.ToString();
    }

    private static void Append(StringBuilder clean, string text, int start, int end)
    {
        for (int index = start; index < end; index++)
        {
            clean.Append(char.IsControl(text[index]) ? ' ' : text[index]);
        }
    }

    private bool[] Hidden(Unescaped plain)
    {
        string text = plain.Text;
        bool[] hidden = new bool[text.Length];
        foreach (Secret secret in _secrets)
        {
            secret.HideIn(text, hidden);
        }

        int end;
        for (int start = text.IndexOf("eyJ", StringComparison.Ordinal); start >= 0; start = text.IndexOf("eyJ", end, StringComparison.Ordinal))
        {
            end = EndOfToken(text, start);
            Hide(hidden, start, end);
        }

        for (int start = text.IndexOf("sk_", StringComparison.Ordinal); start >= 0; start = text.IndexOf("sk_", end, StringComparison.Ordinal))
        {
            end = start + 3;

            // At the beginning of a word, such as after an escape, but not in "risk_level".
            if (start == 0 || plain.IsEscape(start - 1) || !(char.IsLetterOrDigit(text[start - 1]) || text[start - 1] == '_'))
            {
                end = EndOfWord(text, end);
                Hide(hidden, start, end > start + 3 ? end : start);
            }
        }

        if (_hidesLongWords)
        {
            HideLongWords(text, hidden);
        }

        return hidden;
    }

    private static void HideLongWords(string text, bool[] hidden)
    {
        int start = 0;
        for (int end = 0; end <= text.Length; end++)
        {
            if (end < text.Length && (IsWord(text[end]) || text[end] is '.' or '~' or '+' or '/' or '='))
            {
                continue;
            }

            if (end - start >= SuspiciousLength)
            {
                string word = text.Substring(start, end - start);
                if (word.Any(character => character is >= '0' and <= '9') && word.Any(char.IsLetter) && !RequestValidation.IsTokenId(word))
                {
                    Hide(hidden, start, end);
                }
            }

            start = end + 1;
        }
    }

    // A JWT, whole or cut short: up to five parts with dots between them.
    private static int EndOfToken(string text, int start)
    {
        int end = EndOfWord(text, start);
        for (int part = 1; part < 5 && end < text.Length && text[end] == '.'; part++)
        {
            end = EndOfWord(text, end + 1);
        }

        return end;
    }

    private static int EndOfWord(string text, int start)
    {
        while (start < text.Length && IsWord(text[start]))
        {
            start++;
        }

        return start;
    }

    private static bool IsWord(char character) => character is (>= 'A' and <= 'Z') or (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_' or '-';

    private static void Hide(bool[] hidden, int start, int end)
    {
        for (int index = start; index < end; index++)
        {
            hidden[index] = true;
        }
    }

    /// <summary>One secret, in the forms in which it may stand in a text.</summary>
    private sealed class Secret
    {
        // So many characters in a row of a form are as good as all of it.
        private const int SliceLength = 12;

        // Encodings of a shorter secret are so short that they stand in any text.
        private const int ShortestEncoded = 8;

        private readonly HashSet<ulong> _slices = [];
        private readonly List<string> _shortForms = [];

        internal Secret(string secret)
        {
            foreach (string form in FormsOf(secret).Distinct())
            {
                if (form.Length < SliceLength)
                {
                    _shortForms.Add(form);
                }

                for (int start = 0; start <= form.Length - SliceLength; start++)
                {
                    _slices.Add(HashOf(form, start));
                }
            }
        }

        internal void HideIn(string text, bool[] hidden)
        {
            foreach (string form in _shortForms)
            {
                for (int start = text.IndexOf(form, StringComparison.Ordinal); start >= 0; start = text.IndexOf(form, start + 1, StringComparison.Ordinal))
                {
                    Hide(hidden, start, start + form.Length);
                }
            }

            // By their hashes alone: what is hidden by a wrong match, once in some quintillions, is text that nobody misses.
            for (int start = 0; _slices.Count > 0 && start <= text.Length - SliceLength; start++)
            {
                if (_slices.Contains(HashOf(text, start)))
                {
                    Hide(hidden, start, start + SliceLength);
                }
            }
        }

        private static IEnumerable<string> FormsOf(string secret)
        {
            yield return Unescaped.Of(secret).Text;
            if (secret.Length < ShortestEncoded)
            {
                yield break;
            }

            byte[] bytes = Encoding.UTF8.GetBytes(secret);
            string hexadecimal = string.Concat(bytes.Select(value => value.ToString("x2", CultureInfo.InvariantCulture)));
            yield return hexadecimal;
            yield return hexadecimal.ToUpperInvariant();
            for (int before = 0; before < 3; before++)
            {
                // Base64 has three forms, by how many bytes stand before. Characters that those, or what follows, have a part in are left out.
                string base64 = Convert.ToBase64String([.. new byte[before], .. bytes]);
                int first = before == 0 ? 0 : before + 1;
                string form = base64.Substring(first, ((before + bytes.Length) * 8 / 6) - first);
                yield return form;
                yield return form.Replace('+', '-').Replace('/', '_');
            }
        }

        // FNV-1a.
        private static ulong HashOf(string text, int start)
        {
            ulong hash = 14695981039346656037;
            for (int index = start; index < start + SliceLength; index++)
            {
                hash = (hash ^ text[index]) * 1099511628211;
            }

            return hash;
        }
    }

    /// <summary>A text without the escapes of addresses, HTML and JSON, and where each of its characters stood.</summary>
    private readonly struct Unescaped
    {
        private static readonly Dictionary<string, char> s_entities = new(StringComparer.Ordinal)
        {
            ["amp"] = '&', ["lt"] = '<', ["gt"] = '>', ["quot"] = '"', ["apos"] = '\'', ["period"] = '.', ["sol"] = '/', ["plus"] = '+', ["equals"] = '=', ["lowbar"] = '_', ["hyphen"] = '-', ["dash"] = '-', ["tilde"] = '~',
        };

        private readonly int[]? _starts;

        private Unescaped(string text, int[]? starts)
        {
            Text = text;
            _starts = starts;
        }

        internal string Text { get; }

        internal static Unescaped Of(string text)
        {
            if (text.IndexOf('%') < 0 && text.IndexOf('&') < 0 && text.IndexOf('\\') < 0)
            {
                return new Unescaped(text, null);
            }

            var plain = new StringBuilder(text.Length);
            var starts = new List<int>(text.Length + 1);
            int start = 0;
            while (start < text.Length)
            {
                starts.Add(start);
                (char character, int length) = Read(text, start);
                plain.Append(character);
                start += length;
            }

            starts.Add(start);
            return new Unescaped(plain.ToString(), [.. starts]);
        }

        /// <summary>Where a character, or the end, stood in the text with its escapes.</summary>
        internal int StartOf(int index) => _starts is null ? index : _starts[index];

        internal bool IsEscape(int index) => StartOf(index + 1) - StartOf(index) > 1;

        private static (char Character, int Length) Read(string text, int start)
        {
            char code;
            switch (text[start])
            {
                case '%' when TryReadCode(text, start + 1, start + 3, 16, out code):
                    return (code, 3);
                case '&' when text.IndexOf(';', start, Math.Min(12, text.Length - start)) is var end and > 0:
                    if (text[start + 1] == '#' && (text[start + 2] is 'x' or 'X' ? TryReadCode(text, start + 3, end, 16, out code) : TryReadCode(text, start + 2, end, 10, out code)))
                    {
                        return (code, end + 1 - start);
                    }

                    return s_entities.TryGetValue(text.Substring(start + 1, end - start - 1), out char named) ? (named, end + 1 - start) : ('&', 1);
                case '\\' when start + 1 < text.Length && text[start + 1] == 'u' && TryReadCode(text, start + 2, start + 6, 16, out code):
                    return (code, 6);
                case '\\' when start + 1 < text.Length && text[start + 1] is '/' or '"' or '\\':
                    return (text[start + 1], 2);
                default:
                    return (text[start], 1);
            }
        }

        // Only ASCII: no secret has anything else.
        private static bool TryReadCode(string text, int start, int end, int radix, out char code)
        {
            int value = 0;
            code = '\0';
            if (start >= end || end > text.Length)
            {
                return false;
            }

            for (int index = start; index < end; index++)
            {
                int digit = text[index] switch
                {
                    >= '0' and <= '9' => text[index] - '0',
                    >= 'a' and <= 'f' when radix == 16 => text[index] - 'a' + 10,
                    >= 'A' and <= 'F' when radix == 16 => text[index] - 'A' + 10,
                    _ => -1,
                };
                value = (value * radix) + digit;
                if (digit < 0 || value > '~')
                {
                    return false;
                }
            }

            code = (char)value;
            return true;
        }
    }
}
