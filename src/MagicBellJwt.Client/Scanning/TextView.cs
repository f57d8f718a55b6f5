using System;

namespace MagicBellJwt.Client;

/// <summary>
/// The characters of a token, or of its base64, one by one, as they were before a program wrote them down: without line breaks that were
/// put in to make them fit, and without escapes of JSON, addresses, HTML, XML and mail.
/// </summary>
/// <remarks>
/// What broke a token is taken for: a console's width (<c>Format-List</c>, <c>Format-Table -Wrap</c>), a mail's 76 characters, quoted-printable's
/// <c>=</c>, a shell's <c>\</c> or <c>`</c>, YAML's folded text. The next line may be indented or quoted with <c>&gt;</c>, and may have
/// other columns beside the token's.
/// </remarks>
internal sealed class TextView
{
    // A character that is none of ours: of UTF-16 beyond 255.
    private const int Other = 256;

    // How far a line is followed, for the column that a table has the token in.
    private const int LongestLine = 1024;

    // Narrower columns of a table are not followed: each would cost a look at the rest of its line.
    private const int NarrowestColumn = 16;

    // How often a text may have been escaped: without a limit a hostile text would take quadratic time.
    private const int MostBackslashes = 8;
    private const int MostPercents = 4;

    private static readonly bool[] s_isOfToken = MakeTable("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
    private static readonly bool[] s_isData = MakeTable("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+/");

    private ByteWindow _bytes = null!;
    private int _first;
    private int _stride;
    private int _high;
    private int _piece;
    private int _last;
    private long _columnOfStart;
    private int _column;
    private bool _joins;

    /// <summary>The place of the next character.</summary>
    public int Place { get; private set; }

    /// <summary>Whether a line break was taken out.</summary>
    public bool HasJoined { get; private set; }

    /// <summary>Whether anything was taken out or put back: without that, the characters are those of the file.</summary>
    public bool HasChanged { get; private set; }

    /// <summary>Begins to read.</summary>
    /// <param name="bytes">What to read.</param>
    /// <param name="first">Where.</param>
    /// <param name="stride">The bytes of a character, 1 or 2.</param>
    /// <param name="isBigEndian">Of two bytes, whether the high one is the first.</param>
    /// <param name="joins">Whether to take out line breaks and escapes.</param>
    /// <param name="columnOfStart">The column of the window's first byte, from 1; 0 where it is not known.</param>
    public void Open(ByteWindow bytes, int first, int stride, bool isBigEndian, bool joins, long columnOfStart)
    {
        _bytes = bytes;
        _first = first;
        _piece = first;
        _stride = stride;
        _high = isBigEndian ? -1 : 1;
        _joins = joins;
        _columnOfStart = columnOfStart;
        _column = 0;
        _last = 0;
        Place = first;
        HasJoined = false;
        HasChanged = false;
    }

    /// <summary>Whether a character can be part of a token: those of base64url.</summary>
    public static bool IsOfToken(int character) => character >= 0 && s_isOfToken[character];

    /// <summary>Reads a token's characters for as long as they stand one beside the other.</summary>
    /// <param name="text">Where to put them.</param>
    /// <param name="length">How many are there.</param>
    public void ReadRun(char[] text, ref int length)
    {
        if (_stride != 1)
        {
            return;
        }

        byte[] bytes = _bytes.Bytes;
        int end = Math.Min(_bytes.End, Place + text.Length - length);
        int place = Place;
        while (place < end && s_isOfToken[bytes[place]])
        {
            text[length++] = (char)bytes[place++];
        }

        _last = place > Place ? bytes[place - 1] : _last;
        Place = place;
    }

    /// <summary>The next character as it stands in the file, without going on; -1 at the end.</summary>
    public int Peek() => At(Place);

    /// <summary>The next character; -1 at the end.</summary>
    public int Read()
    {
        while (true)
        {
            int character = At(Place);
            if (character >= 0 && (!_joins || s_isData[character]))
            {
                Place += _stride;
                return _last = character;
            }

            if (character < 0)
            {
                return -1;
            }

            int meant = Escaped(Place, out int next);
            if (meant >= 0)
            {
                HasChanged = true;
                Place = next;
                if (meant is not ('\r' or '\n') || !TryJoinEscaped())
                {
                    return _last = meant;
                }
            }
            else if (!TrySkipColour() && !TryJoin())
            {
                Place += _stride;
                return _last = character;
            }
        }
    }

    /// <summary>What the escape at a place stands for: <c>\u002e</c>, <c>\x2e</c>, <c>%2E</c>, <c>%252E</c>, <c>=2E</c>, <c>&amp;#46;</c>, <c>&amp;#x2e;</c>, <c>\n</c>, <c>\r</c>, <c>\/</c>.</summary>
    /// <param name="place">Where it begins.</param>
    /// <param name="next">The place after it.</param>
    /// <returns>The character, as a byte or more; -1 where there is no such escape.</returns>
    public int Escaped(int place, out int next)
    {
        next = place + _stride;
        switch (At(place))
        {
            case '\\':
                // JSON within JSON doubles it.
                for (int i = 1; i < MostBackslashes && At(next) == '\\'; i++)
                {
                    next += _stride;
                }

                int letter = At(next);
                next += _stride;
                return letter switch
                {
                    'u' => Hex(ref next, 4),
                    'x' => Hex(ref next, 2),
                    'n' => '\n',
                    'r' => '\r',
                    '/' => '/',
                    _ => -1,
                };
            case '%':
                for (int i = 1; i < MostPercents && At(next) == '2' && At(next + _stride) == '5'; i++)
                {
                    next += 2 * _stride;
                }

                return Hex(ref next, 2);
            case '=':
                return Hex(ref next, 2);
            case '&' when At(next) == '#':
                next += _stride;
                return Numeric(ref next);
            default:
                return -1;
        }
    }

    private int Hex(ref int place, int digits)
    {
        int value = 0;
        for (int i = 0; i < digits; i++)
        {
            int digit = Digit(At(place));
            if (digit < 0)
            {
                return -1;
            }

            value = 16 * value + digit;
            place += _stride;
        }

        return value <= 255 ? value : Other;
    }

    private int Numeric(ref int place)
    {
        bool isHex = At(place) is 'x' or 'X';
        place += isHex ? _stride : 0;
        int value = 0;
        for (int i = 0; i < 8; i++)
        {
            int character = At(place);
            place += _stride;
            if (character == ';')
            {
                return i == 0 ? -1 : value <= 255 ? value : Other;
            }

            int digit = Digit(character);
            if (digit < 0 || (!isHex && digit > 9))
            {
                return -1;
            }

            value = (isHex ? 16 : 10) * value + digit;
        }

        return -1;
    }

    private static int Digit(int character) => character switch
    {
        >= '0' and <= '9' => character - '0',
        >= 'a' and <= 'f' => character - 'a' + 10,
        >= 'A' and <= 'F' => character - 'A' + 10,
        _ => -1,
    };

    // After a line break that was written as \n, as in base64 of 76 characters a line within JSON.
    private bool TryJoinEscaped()
    {
        int place = Place;
        while (Escaped(place, out int next) is '\r' or '\n')
        {
            place = next;
        }

        return TryGoOn(place);
    }

    // A program that writes in colour may put its codes into the text: ESC [ 32 ; 1 m.
    private bool TrySkipColour()
    {
        if (At(Place) != 0x1B || At(Place + _stride) != '[')
        {
            return false;
        }

        int place = Place + 2 * _stride;
        while (At(place) is (>= '0' and <= '9') or ';')
        {
            place += _stride;
        }

        if (At(place) != 'm')
        {
            return false;
        }

        Place = place + _stride;
        HasChanged = true;
        return true;
    }

    private bool TryJoin()
    {
        int place = Place;
        bool isMarked = At(place) is '=' or '\\' or '`';
        place = SkipBlanks(place + (isMarked ? _stride : 0));
        bool isTable = false;
        if (!IsLineEnd(place))
        {
            // Other columns of a table may follow, behind a blank.
            if (isMarked || place == Place || Place - _piece < NarrowestColumn * _stride || (place = EndOfLine(place)) < 0)
            {
                return false;
            }

            isTable = true;
        }

        while (At(place) == '\r')
        {
            place += _stride;
        }

        // A table's column is at least that wide; a line that is broken anywhere needs no column.
        int line = place + _stride;
        int column = Place - _piece < NarrowestColumn * _stride ? -1 : PlaceInColumn(line);
        if (column >= 0 && IsData(At(column)) && (column == line || At(column - _stride) is ' ' or '\t'))
        {
            return TryGoOn(column);
        }

        place = line;
        while (At(place) is ' ' or '\t' or '>')
        {
            place += _stride;
        }

        return !isTable && TryGoOn(place);
    }

    // A token that was cut off is not gone on with by the next one.
    private bool TryGoOn(int place)
    {
        bool isToken = At(place) == 'e' && At(place + _stride) == 'y' && At(place + 2 * _stride) == 'J';
        if (!IsData(At(place)) || (isToken && _last != '.'))
        {
            return false;
        }

        Place = place;
        _piece = place;
        HasJoined = true;
        HasChanged = true;
        return true;
    }

    private int SkipBlanks(int place)
    {
        while (At(place) is ' ' or '\t')
        {
            place += _stride;
        }

        return place;
    }

    private bool IsLineEnd(int place)
    {
        while (At(place) == '\r')
        {
            place += _stride;
        }

        return At(place) == '\n';
    }

    private int EndOfLine(int place)
    {
        for (int i = 0; i < LongestLine && At(place) >= 0; i++)
        {
            if (At(place) == '\n')
            {
                return place;
            }

            place += _stride;
        }

        return -1;
    }

    // The place in a line that is in the column in which the token began; -1 where there is none.
    private int PlaceInColumn(int line)
    {
        _column = _column == 0 ? ColumnOfFirst() : _column;
        if (_column < 0)
        {
            return -1;
        }

        int place = line;
        for (int i = 1; i < _column; i++)
        {
            if (At(place) is < 0 or '\n')
            {
                return -1;
            }

            place += _stride;
            while (_stride == 1 && IsContinuation(At(place)))
            {
                place++;
            }
        }

        return place;
    }

    private int ColumnOfFirst()
    {
        long column = 1;
        for (int place = _first - _stride; column <= LongestLine; place -= _stride)
        {
            switch (At(place))
            {
                case < 0:
                    column += _columnOfStart - 1;
                    return _columnOfStart > 0 && column <= LongestLine ? (int)column : -1;
                case '\n':
                    return (int)column;
                case int character:
                    column += _stride == 1 && IsContinuation(character) ? 0 : 1;
                    break;
            }
        }

        return -1;
    }

    private int At(int place)
    {
        int value = _bytes.At(place);
        return value < 0 || _stride == 1 || _bytes.At(place + _high) == 0 ? value : Other;
    }

    private static bool IsData(int character) => character >= 0 && s_isData[character];

    // Of UTF-8: no character of its own.
    private static bool IsContinuation(int value) => (value & ~0x3F) == 0x80;

    private static bool[] MakeTable(string characters)
    {
        var table = new bool[Other + 1];
        foreach (char character in characters)
        {
            table[character] = true;
        }

        return table;
    }
}
