using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Globalization;
using System.Text;

namespace MagicBellJwt.Client;

/// <summary>
/// JSON exactly as RFC 8259 writes it, for what strangers signed. Readers made for convenience also take comments, single quotes,
/// NaN or the last of two equal names, and then two programs read two different tokens from the same bytes.
/// </summary>
internal sealed class StrictJson
{
    private const int MaximumDepth = 64;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly string _text;
    private int _position;

    private StrictJson(string text) => _text = text;

    /// <summary>
    /// Reads one object: String, Int64 (Double where it does not fit), Boolean, null, ReadOnlyDictionary and ReadOnlyCollection of the same.
    /// False for anything else: other text, bytes that are not UTF-8, a name twice in one object, more than 64 levels.
    /// </summary>
    public static bool TryReadObject(byte[] utf8, out IReadOnlyDictionary<string, object?>? value)
    {
        value = null;
        string text;
        try
        {
            text = s_utf8.GetString(utf8);
        }
        catch (DecoderFallbackException)
        {
            return false;
        }

        var json = new StrictJson(text);
        if (!json.TryReadValue(MaximumDepth, out object? read) || json.SkipSpace() != '\0' || json._position < text.Length)
        {
            return false;
        }

        value = read as IReadOnlyDictionary<string, object?>;
        return value is not null;
    }

    private bool TryReadValue(int levels, out object? value)
    {
        value = null;
        switch (SkipSpace())
        {
            case '{':
                return levels > 0 && TryReadMembers(levels - 1, out value);
            case '[':
                return levels > 0 && TryReadItems(levels - 1, out value);
            case '"':
                bool isText = TryReadString(out string text);
                value = text;
                return isText;
            case 't':
                value = true;
                return Take("true");
            case 'f':
                value = false;
                return Take("false");
            case 'n':
                return Take("null");
            default:
                return TryReadNumber(out value);
        }
    }

    private bool TryReadMembers(int levels, out object? value)
    {
        var members = new Dictionary<string, object?>(System.StringComparer.Ordinal);
        value = new ReadOnlyDictionary<string, object?>(members);
        _position++;
        if (SkipSpace() == '}')
        {
            _position++;
            return true;
        }

        while (SkipSpace() == '"' && TryReadString(out string name) && SkipSpace() == ':')
        {
            _position++;
            if (members.ContainsKey(name) || !TryReadValue(levels, out object? member))
            {
                return false;
            }

            members.Add(name, member);
            char next = SkipSpace();
            _position++;
            if (next != ',')
            {
                return next == '}';
            }
        }

        return false;
    }

    private bool TryReadItems(int levels, out object? value)
    {
        var items = new List<object?>();
        value = items.AsReadOnly();
        _position++;
        if (SkipSpace() == ']')
        {
            _position++;
            return true;
        }

        while (TryReadValue(levels, out object? item))
        {
            items.Add(item);
            char next = SkipSpace();
            _position++;
            if (next != ',')
            {
                return next == ']';
            }
        }

        return false;
    }

    private bool TryReadString(out string value)
    {
        value = string.Empty;
        int start = ++_position;
        while (Current() >= ' ' && Current() is not ('"' or '\\'))
        {
            _position++;
        }

        if (Current() == '"')
        {
            value = _text.Substring(start, _position++ - start);
            return true;
        }

        var text = new StringBuilder().Append(_text, start, _position - start);
        while (Current() >= ' ')
        {
            char next = _text[_position++];
            if (next == '"')
            {
                value = text.ToString();
                return IsWellFormed(value);
            }

            if (next == '\\' && !TryReadEscape(out next))
            {
                return false;
            }

            text.Append(next);
        }

        return false;
    }

    private bool TryReadEscape(out char value)
    {
        value = Current();
        _position++;
        switch (value)
        {
            case '"' or '\\' or '/':
                return true;
            case 'b':
                value = '\b';
                return true;
            case 'f':
                value = '\f';
                return true;
            case 'n':
                value = '\n';
                return true;
            case 'r':
                value = '\r';
                return true;
            case 't':
                value = '\t';
                return true;
            case 'u' when _position + 4 <= _text.Length
                && ushort.TryParse(_text.Substring(_position, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort unit):
                value = (char)unit;
                _position += 4;
                return true;
            default:
                return false;
        }
    }

    private bool TryReadNumber(out object? value)
    {
        value = null;
        int start = _position;
        if (Current() == '-')
        {
            _position++;
        }

        int first = _position;
        int digits = TakeDigits();
        if (digits == 0 || (digits > 1 && _text[first] == '0'))
        {
            return false;
        }

        bool isWhole = true;
        if (Current() == '.')
        {
            isWhole = false;
            _position++;
            if (TakeDigits() == 0)
            {
                return false;
            }
        }

        if (Current() is 'e' or 'E')
        {
            isWhole = false;
            _position++;
            if (Current() is '+' or '-')
            {
                _position++;
            }

            if (TakeDigits() == 0)
            {
                return false;
            }
        }

        string text = _text.Substring(start, _position - start);
        if (isWhole && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole))
        {
            value = whole;
            return true;
        }

        // .NET Framework says false to 1e400 where .NET says infinity.
        value = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number
            : text[0] == '-' ? double.NegativeInfinity
            : double.PositiveInfinity;
        return true;
    }

    private int TakeDigits()
    {
        int start = _position;
        while (Current() is >= '0' and <= '9')
        {
            _position++;
        }

        return _position - start;
    }

    private bool Take(string word)
    {
        bool isThere = string.CompareOrdinal(_text, _position, word, 0, word.Length) == 0;
        _position += word.Length;
        return isThere;
    }

    private char SkipSpace()
    {
        while (Current() is ' ' or '\t' or '\r' or '\n')
        {
            _position++;
        }

        return Current();
    }

    // A real NUL is no JSON outside a string and no plain character inside one, so it can stand for the end.
    private char Current() => _position < _text.Length ? _text[_position] : '\0';

    private static bool IsWellFormed(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogate(text[i]) && !(i + 1 < text.Length && char.IsSurrogatePair(text[i], text[++i])))
            {
                return false;
            }
        }

        return true;
    }
}
