namespace MagicBellJwt.Client;

/// <summary>Base64url as RFC 7515 wants it: no padding, no other alphabet, no white space, and exactly one text for each value.</summary>
internal static class Base64Url
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    private static readonly sbyte[] s_values = MakeValues();

    /// <summary>The bytes that a part of <paramref name="text"/> stands for; false where it is not the one text that encodes them.</summary>
    public static bool TryDecode(string text, int start, int length, out byte[] bytes)
    {
        bytes = new byte[length / 4 * 3 + length % 4 * 3 / 4];
        if (length % 4 == 1)
        {
            return false;
        }

        int bits = 0;
        int held = 0;
        int written = 0;
        for (int i = start; i < start + length; i++)
        {
            int value = text[i] < 128 ? s_values[text[i]] : -1;
            if (value < 0)
            {
                return false;
            }

            held = (held << 6) | value;
            bits += 6;
            if (bits >= 8)
            {
                bits -= 8;
                bytes[written++] = (byte)(held >> bits);
                held &= (1 << bits) - 1;
            }
        }

        // Unused bits must be zero: otherwise several texts would decode to the same signature.
        return held == 0;
    }

    /// <summary>The one text for these bytes.</summary>
    public static string Encode(byte[] bytes)
    {
        char[] text = new char[(bytes.Length * 4 + 2) / 3];
        int bits = 0;
        int held = 0;
        int written = 0;
        foreach (byte value in bytes)
        {
            held = (held << 8) | value;
            bits += 8;
            while (bits >= 6)
            {
                bits -= 6;
                text[written++] = Alphabet[(held >> bits) & 63];
            }

            held &= (1 << bits) - 1;
        }

        if (bits > 0)
        {
            text[written] = Alphabet[(held << (6 - bits)) & 63];
        }

        return new string(text);
    }

    private static sbyte[] MakeValues()
    {
        var values = new sbyte[128];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (sbyte)Alphabet.IndexOf((char)i);
        }

        return values;
    }
}
