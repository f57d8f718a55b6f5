using System;

namespace MagicBellJwt.Client;

/// <summary>Bytes by their place, for one reader that goes forward and looks around.</summary>
internal abstract class ByteWindow
{
    /// <summary>The bytes, from <see cref="Start"/> to <see cref="End"/>.</summary>
    public byte[] Bytes { get; protected set; } = [];

    /// <summary>The place of the first byte.</summary>
    public int Start { get; protected set; }

    /// <summary>The place after the last byte that is there without looking further.</summary>
    public int End { get; protected set; }

    /// <summary>The byte at a place; -1 where the window has none.</summary>
    public int At(int place) => place >= Start && place < End ? Bytes[place] : Beyond(place);

    /// <summary>The byte at a place that is not there yet, or never will be.</summary>
    protected abstract int Beyond(int place);
}

/// <summary>A part of the scanner's buffer.</summary>
internal sealed class BufferWindow : ByteWindow
{
    /// <summary>Whether a byte past the end was asked for.</summary>
    public bool WasAskedPastEnd { get; private set; }

    public void Open(byte[] bytes, int start, int end)
    {
        Bytes = bytes;
        Start = start;
        End = end;
        WasAskedPastEnd = false;
    }

    protected override int Beyond(int place)
    {
        WasAskedPastEnd |= place >= End;
        return -1;
    }
}

/// <summary>What base64 or base64url stands for, decoded as far as it is asked for.</summary>
internal sealed class Base64Window : ByteWindow
{
    private static readonly sbyte[] s_values = MakeValues();

    private TextView _text = null!;
    private int _skip;
    private int _held;
    private int _bits;
    private bool _isEnded;

    /// <summary>Begins to decode.</summary>
    /// <param name="text">The base64, from the character on that has the first bit.</param>
    /// <param name="skippedBits">How many bits of that character belong to what stands before.</param>
    public void Open(TextView text, int skippedBits)
    {
        _text = text;
        End = 0;
        _skip = skippedBits;
        _held = 0;
        _bits = 0;
        _isEnded = false;
    }

    protected override int Beyond(int place)
    {
        while (place >= End && !_isEnded)
        {
            int character = _text.Read();
            int value = character is >= 0 and < 128 ? s_values[character] : -1;
            if (value < 0)
            {
                // Padding, or whatever stands behind.
                _isEnded = true;
                break;
            }

            _held = (_held << 6) | (value & (0x3F >> _skip));
            _bits += 6 - _skip;
            _skip = 0;
            if (_bits >= 8)
            {
                _bits -= 8;
                Add((byte)(_held >> _bits));
                _held &= (1 << _bits) - 1;
            }
        }

        return place >= 0 && place < End ? Bytes[place] : -1;
    }

    private void Add(byte value)
    {
        if (End == Bytes.Length)
        {
            byte[] longer = new byte[Math.Max(512, 2 * End)];
            Buffer.BlockCopy(Bytes, 0, longer, 0, End);
            Bytes = longer;
        }

        Bytes[End++] = value;
    }

    private static sbyte[] MakeValues()
    {
        var values = new sbyte[128];
        for (int i = 0; i < values.Length; i++)
        {
            char character = i == '-' ? '+' : i == '_' ? '/' : (char)i;
            values[i] = (sbyte)"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".IndexOf(character);
        }

        return values;
    }
}
