using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace MagicBellJwt.Client;

/// <summary>Makes foreign text fit to be shown: no token, no key, no control character, not too long. Never fails, whatever the text.</summary>
/// <remarks>
/// Hidden are JWTs and secret keys, and any 12 letters and digits in a row of a secret that is known: in any case, with anything between them,
/// backwards, in hexadecimal, in base64, as a list of bytes, from UTF-8 or UTF-16, and with the escapes of addresses, HTML, JSON, CSS, shells and mail
/// (<c>%2E</c>, <c>&amp;#46;</c>, <c>\u002e</c>, <c>=2E</c>), also where those were escaped again.
/// </remarks>
public sealed class Redactor
{
    private const int MaximumLength = 300;
    private const string Redacted = "[redacted]";

    // No text is searched further than this. What is shown of it is shorter by far.
    private const int SearchedLength = 64 * 1024;

    // The end of what was searched may be the beginning of a secret, too short to be known.
    private const int CutLength = 64;

    // A word of an unknown answer that is this long and has letters and digits may be a secret.
    private const int SuspiciousLength = 20;

    // Nobody escapes a text more often than this by accident.
    private const int MaximumEscapes = 4;

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
        if (text.Length <= maximumLength && !_hidesLongWords && !MayHoldSecret(text) && !text.Any(char.IsControl))
        {
            return text;
        }

        bool isCut = text.Length > SearchedLength;
        text = isCut ? text.Substring(0, SearchedLength) : text;
        bool[] hidden = Hidden(text, isName: false);
        int shown = isCut ? text.Length - CutLength : text.Length;
        var clean = new StringBuilder(Math.Min(shown, maximumLength));
        for (int index = 0; index < shown && clean.Length <= maximumLength; index++)
        {
            if (!hidden[index])
            {
                clean.Append(char.IsControl(text[index]) ? ' ' : text[index]);
            }
            else if (index == 0 || !hidden[index - 1])
            {
                clean.Append(Redacted);
            }
        }

        if (clean.Length > maximumLength || isCut)
        {
            clean.Length = Math.Min(clean.Length, maximumLength);
            clean.Append('…');
        }

        return clean.ToString();
    }

    /// <summary>What somebody named a token or a user, as it is, but for what is a secret in it.</summary>
    /// <param name="name">Any text.</param>
    /// <returns>The name, with the fingerprint of each JSON Web Token in its place, and <c>[redacted]</c> for a secret that is known and for what looks like a secret key.</returns>
    public string WithoutSecrets(string name)
    {
        if (!MayHoldSecret(name))
        {
            return name;
        }

        name = SecretShape.Hide(name);
        bool[] hidden = Hidden(name, isName: true);
        if (Array.IndexOf(hidden, true) < 0)
        {
            return name;
        }

        var clean = new StringBuilder(name.Length);
        for (int index = 0; index < name.Length; index++)
        {
            clean.Append(!hidden[index] ? name[index].ToString() : index == 0 || !hidden[index - 1] ? Redacted : "");
        }

        return clean.ToString();
    }

    // Quickly, for what every item of a list has: nearly all of it holds none.
    private bool MayHoldSecret(string text)
    {
        foreach (Secret secret in _secrets)
        {
            if (secret.MayBeIn(text))
            {
                return true;
            }
        }

        return View.HasEscapes(text) || text.IndexOf(SecretShape.TokenStart, StringComparison.Ordinal) >= 0 || text.IndexOf(SecretShape.KeyStart, StringComparison.Ordinal) >= 0 || text.IndexOf("://", StringComparison.Ordinal) >= 0;
    }

    private bool[] Hidden(string text, bool isName)
    {
        bool[] hidden = new bool[text.Length];
        var view = new View(text);
        for (int level = 0; level <= MaximumEscapes; level++)
        {
            HideIn(view, hidden, isName);
            View next = view.Unescaped();
            if (next.Text.Length == view.Text.Length)
            {
                break;
            }

            view = next;
        }

        return hidden;
    }

    private void HideIn(View view, bool[] hidden, bool isName)
    {
        View letters = _secrets.Length == 0 ? view : view.Letters();
        foreach (Secret secret in _secrets)
        {
            secret.HideIn(view, letters, hidden);
        }

        string text = view.Text;
        int end;
        for (int start = text.IndexOf(SecretShape.TokenStart, StringComparison.Ordinal); start >= 0; start = text.IndexOf(SecretShape.TokenStart, end, StringComparison.Ordinal))
        {
            end = EndOfToken(text, start, out int parts);
            view.Hide(hidden, start, isName && parts < 3 ? start : end);
        }

        for (int start = text.IndexOf(SecretShape.KeyStart, StringComparison.Ordinal); start >= 0; start = text.IndexOf(SecretShape.KeyStart, end, StringComparison.Ordinal))
        {
            end = start + SecretShape.KeyStart.Length;

            // At the beginning of a word, but not in "risk_level". People call tokens "sk_rotation" too: in a name only what is as long as a key is one.
            if (start == 0 || !(char.IsLetterOrDigit(text[start - 1]) || text[start - 1] == '_'))
            {
                end = SecretShape.EndOfWord(text, end);
                view.Hide(hidden, start, end - start >= SecretShape.KeyStart.Length + (isName ? SecretShape.ShortestKey : 1) ? end : start);
            }
        }

        if (_hidesLongWords)
        {
            HideLongWords(view, hidden);
        }
    }

    private static void HideLongWords(View view, bool[] hidden)
    {
        string text = view.Text;
        int start = 0;
        for (int end = 0; end <= text.Length; end++)
        {
            if (end < text.Length && (SecretShape.IsWord(text[end]) || text[end] is '.' or '~' or '+' or '/' or '='))
            {
                continue;
            }

            if (end - start >= SuspiciousLength)
            {
                string word = text.Substring(start, end - start);
                if (word.Any(character => character is >= '0' and <= '9') && word.Any(char.IsLetter) && !RequestValidation.IsTokenId(word))
                {
                    view.Hide(hidden, start, end);
                }
            }

            start = end + 1;
        }
    }

    // A JWT, whole or cut short: up to five parts with dots between them.
    private static int EndOfToken(string text, int start, out int parts)
    {
        int end = SecretShape.EndOfWord(text, start);
        for (parts = 1; parts < 5 && end < text.Length && text[end] == '.'; parts++)
        {
            end = SecretShape.EndOfWord(text, end + 1);
        }

        return end;
    }

    /// <summary>One secret, in the forms in which it may stand in a text.</summary>
    private sealed class Secret
    {
        // So many letters and digits in a row of a form are as good as all of it.
        private const int SliceLength = 12;

        // Encodings of a shorter secret are so short that they stand in any text.
        private const int ShortestEncoded = 8;

        // What base64 makes of a slice: encodings are made and looked for only where a text has room for one.
        private const int ShortestEncoding = 16;

        private const ulong Factor = 1099511628211;
        private static readonly ulong s_factorOfFirst = Enumerable.Range(0, SliceLength).Aggregate(1UL, (power, _) => unchecked(power * Factor));

        // Fewer letters and digits than this stand in any text: only the secret as it is tells.
        private const int FewLetters = 6;

        private readonly string[] _short = [];
        private readonly bool _isShortInLetters;
        private readonly HashSet<ulong> _slices;
        private readonly Lazy<HashSet<ulong>> _encodedSlices;

        internal Secret(string secret)
        {
            string plain = new View(secret).Unescaped().Text;
            _slices = SlicesOf(plain == secret ? [secret, Reversed(secret)] : [secret, Reversed(secret), plain]);
            _encodedSlices = new Lazy<HashSet<ulong>>(() => SlicesOf(EncodingsOf(secret)));
            if (_slices.Count == 0)
            {
                string letters = new View(secret).Letters().Text;
                _isShortInLetters = letters.Length >= FewLetters;
                _short = _isShortInLetters ? [letters, Reversed(letters)] : [secret];
            }
        }

        /// <summary>Whether it may be in a text that has no escapes.</summary>
        internal bool MayBeIn(string text)
        {
            if (_short.Length > 0)
            {
                return true;
            }

            ulong hash = 0;
            int count = 0;
            int first = 0;
            HashSet<ulong>? encoded = EncodedIn(text, text.Length);
            for (int index = 0; index < text.Length; index++)
            {
                char letter = View.LetterOf(text[index]);
                if (letter == '\0')
                {
                    continue;
                }

                hash = unchecked((hash * Factor) + letter);
                count++;
                if (count > SliceLength)
                {
                    char gone;
                    while ((gone = View.LetterOf(text[first++])) == '\0')
                    {
                    }

                    hash = unchecked(hash - (gone * s_factorOfFirst));
                }

                if (count >= SliceLength && (_slices.Contains(hash) || encoded?.Contains(hash) == true))
                {
                    return true;
                }
            }

            return false;
        }

        internal void HideIn(View view, View letters, bool[] hidden)
        {
            View place = _isShortInLetters ? letters : view;
            foreach (string text in _short)
            {
                for (int start = place.Text.IndexOf(text, StringComparison.Ordinal); start >= 0; start = place.Text.IndexOf(text, start + 1, StringComparison.Ordinal))
                {
                    place.Hide(hidden, start, start + text.Length);
                }
            }

            HashSet<ulong>? encoded = EncodedIn(view.Text, letters.Text.Length);

            // By their hashes alone: what is hidden by a wrong match, once in some quintillions, is text that nobody misses.
            int end = SliceLength;
            foreach (ulong slice in SlicesOf(letters.Text))
            {
                if (_slices.Contains(slice) || encoded?.Contains(slice) == true)
                {
                    letters.Hide(hidden, end - SliceLength, end);
                }

                end++;
            }
        }

        // Not for the id of each item of a list.
        private HashSet<ulong>? EncodedIn(string text, int length) => length >= ShortestEncoding && !RequestValidation.IsTokenId(text) ? _encodedSlices.Value : null;

        private static HashSet<ulong> SlicesOf(IEnumerable<string> forms) => [.. forms.SelectMany(form => SlicesOf(new View(form).Letters().Text))];

        private static IEnumerable<ulong> SlicesOf(string text)
        {
            ulong hash = 0;
            for (int index = 0; index < text.Length; index++)
            {
                hash = unchecked((hash * Factor) + text[index] - (index < SliceLength ? 0 : text[index - SliceLength] * s_factorOfFirst));
                if (index >= SliceLength - 1)
                {
                    yield return hash;
                }
            }
        }

        private static IEnumerable<string> EncodingsOf(string secret)
        {
            if (secret.Length < ShortestEncoded)
            {
                yield break;
            }

            foreach (byte[] bytes in new[] { Encoding.UTF8.GetBytes(secret), Encoding.Unicode.GetBytes(secret) })
            {
                yield return string.Concat(bytes.Select(value => value.ToString("x2", CultureInfo.InvariantCulture)));
                yield return string.Concat(bytes.Select(value => "0x" + value.ToString("x2", CultureInfo.InvariantCulture)));
                yield return string.Concat(bytes.Select(value => value.ToString(CultureInfo.InvariantCulture)));
                for (int before = 0; before < 3; before++)
                {
                    // Base64 has three forms, by how many bytes stand before. Characters that those, or what follows, have a part in are left out.
                    string base64 = Convert.ToBase64String([.. new byte[before], .. bytes]);
                    int first = before == 0 ? 0 : before + 1;
                    yield return base64.Substring(first, ((before + bytes.Length) * 8 / 6) - first);
                }
            }
        }

        private static string Reversed(string text)
        {
            char[] characters = text.ToCharArray();
            Array.Reverse(characters);
            return new string(characters);
        }
    }

    /// <summary>A text as it was meant, or its letters and digits alone, and where each of its characters stood in what was written.</summary>
    private readonly struct View
    {
        private static readonly char[] s_letters = [.. Enumerable.Range(0, 128).Select(code => char.IsLetterOrDigit((char)code) ? char.ToLowerInvariant((char)code) : '\0')];
        private static readonly char[] s_escapes = ['%', '&', '\\', '='];

        private static readonly Dictionary<string, char> s_entities = new(StringComparer.Ordinal)
        {
            ["amp"] = '&', ["lt"] = '<', ["gt"] = '>', ["quot"] = '"', ["apos"] = '\'', ["period"] = '.', ["sol"] = '/', ["plus"] = '+', ["equals"] = '=', ["lowbar"] = '_', ["hyphen"] = '-', ["dash"] = '-', ["tilde"] = '~', ["percnt"] = '%', ["bsol"] = '\\', ["num"] = '#', ["semi"] = ';',
        };

        private readonly int[]? _starts;
        private readonly int[]? _ends;

        internal View(string text)
            : this(text, null, null)
        {
        }

        private View(string text, int[]? starts, int[]? ends)
        {
            Text = text;
            _starts = starts;
            _ends = ends;
        }

        internal string Text { get; }

        internal void Hide(bool[] hidden, int start, int end)
        {
            for (int index = start < end ? StartOf(start) : 0, last = start < end ? EndOf(end - 1) : 0; index < last; index++)
            {
                hidden[index] = true;
            }
        }

        internal static bool HasEscapes(string text) => text.IndexOfAny(s_escapes) >= 0;

        /// <summary>A letter or digit, as a small one; NUL for anything else.</summary>
        internal static char LetterOf(char character) => character < s_letters.Length ? s_letters[character] : char.IsLetterOrDigit(character) ? char.ToLowerInvariant(character) : '\0';

        /// <summary>Its letters and digits, in small letters.</summary>
        internal View Letters()
        {
            var letters = new StringBuilder(Text.Length);
            var starts = new List<int>(Text.Length);
            var ends = new List<int>(Text.Length);
            for (int index = 0; index < Text.Length; index++)
            {
                if (LetterOf(Text[index]) is not '\0' and var letter)
                {
                    letters.Append(letter);
                    starts.Add(StartOf(index));
                    ends.Add(EndOf(index));
                }
            }

            return new View(letters.ToString(), [.. starts], [.. ends]);
        }

        /// <summary>Without one layer of escapes; as long as it was where there is none.</summary>
        internal View Unescaped()
        {
            if (!HasEscapes(Text))
            {
                return this;
            }

            var plain = new StringBuilder(Text.Length);
            var starts = new List<int>(Text.Length);
            var ends = new List<int>(Text.Length);
            for (int start = 0; start < Text.Length;)
            {
                (char character, int length) = Read(Text, start);
                plain.Append(character);
                starts.Add(StartOf(start));
                start += length;
                ends.Add(EndOf(start - 1));
            }

            return new View(plain.ToString(), [.. starts], [.. ends]);
        }

        private int StartOf(int index) => _starts is null ? index : _starts[index];

        private int EndOf(int index) => _ends is null ? index + 1 : _ends[index];

        private static (char Character, int Length) Read(string text, int start)
        {
            int length;
            char code;
            switch (text[start])
            {
                case '%' when TryReadCode(text, start + 1, 2, 2, 16, out code, out _):
                    return (code, 3);
                case '%' when Is(text, start + 1, 'u') && TryReadCode(text, start + 2, 4, 4, 16, out code, out _):
                    return (code, 6);
                case '=' when TryReadCode(text, start + 1, 2, 2, 16, out code, out _):
                    return (code, 3);
                case '&' when Is(text, start + 1, '#') && (Is(text, start + 2, 'x') || Is(text, start + 2, 'X')) && TryReadCode(text, start + 3, 1, 8, 16, out code, out length):
                    return (code, 3 + length + (Is(text, start + 3 + length, ';') ? 1 : 0));
                case '&' when Is(text, start + 1, '#') && TryReadCode(text, start + 2, 1, 8, 10, out code, out length):
                    return (code, 2 + length + (Is(text, start + 2 + length, ';') ? 1 : 0));
                case '&' when text.IndexOf(';', start, Math.Min(12, text.Length - start)) is var end and > 0 && s_entities.TryGetValue(text.Substring(start + 1, end - start - 1), out code):
                    return (code, end + 1 - start);
                case '\\' when Is(text, start + 1, 'u') && TryReadCode(text, start + 2, 4, 4, 16, out code, out _):
                    return (code, 6);
                case '\\' when (Is(text, start + 1, 'u') || Is(text, start + 1, 'x')) && Is(text, start + 2, '{') && TryReadCode(text, start + 3, 1, 6, 16, out code, out length) && Is(text, start + 3 + length, '}'):
                    return (code, 4 + length);
                case '\\' when Is(text, start + 1, 'x') && TryReadCode(text, start + 2, 2, 2, 16, out code, out _):
                    return (code, 4);
                case '\\' when !Is(text, start + 4, '0') && TryReadCode(text, start + 1, 3, 3, 8, out code, out _):
                    return (code, 4);
                case '\\' when TryReadCode(text, start + 1, 2, 6, 16, out code, out length):
                    // Of CSS, which has six digits, or a blank at the end.
                    return (code, 1 + length + (Is(text, start + 1 + length, ' ') ? 1 : 0));
                case '\\' when start + 1 < text.Length && text[start + 1] is '/' or '"' or '\\':
                    return (text[start + 1], 2);
                case '\\' when start + 1 < text.Length && text[start + 1] is 'n' or 'r' or 't' or 'b' or 'f':
                    return (' ', 2);
                default:
                    return (text[start], 1);
            }
        }

        private static bool Is(string text, int index, char character) => index < text.Length && text[index] == character;

        // Only ASCII: no secret has anything else.
        private static bool TryReadCode(string text, int start, int minimumLength, int maximumLength, int radix, out char code, out int length)
        {
            int value = 0;
            for (length = 0; length < maximumLength && start + length < text.Length; length++)
            {
                int digit = text[start + length] switch
                {
                    >= '0' and <= '9' and var decimalDigit => decimalDigit - '0',
                    >= 'a' and <= 'f' and var letter => letter - 'a' + 10,
                    >= 'A' and <= 'F' and var letter => letter - 'A' + 10,
                    _ => radix,
                };
                if (digit >= radix || (value * radix) + digit > '~')
                {
                    break;
                }

                value = (value * radix) + digit;
            }

            code = (char)value;
            return length >= minimumLength;
        }
    }
}
