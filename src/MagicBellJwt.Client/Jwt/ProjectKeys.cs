using System;
using System.Linq;

namespace MagicBellJwt.Client;

/// <summary>
/// Tells a project's public key, <c>pk_…</c>, from its secret one. A secret key in the place of the public one would stand readable in each
/// signed token; with a public one in the place of the secret one anybody could sign tokens.
/// </summary>
public static class ProjectKeys
{
    private const string SecretPrefix = "sk_";

    // A shorter one may be a part of anything.
    private const int LeastSecret = 8;

    // How a key begins that is no secret: the project's own public one, PEM, SSH's kinds, JSON web keys and XML's. In lower case.
    private static readonly string[] s_publicBeginnings = ["pk_", "-----begin", "---- begin", "ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-", "{", "<rsakeyvalue"];

    // What may stand before a key without being a part of it: a byte order mark, a blank of another width, one without any.
    private static readonly byte[][] s_blanks = [[0xEF, 0xBB, 0xBF], [0xC2, 0xA0], [0xE2, 0x80, 0x8B]];

    /// <summary>Checks a project's public key.</summary>
    /// <param name="apiKey">The key.</param>
    /// <exception cref="MagicBellException">It is not <c>pk_</c> and letters, digits, <c>-</c> and <c>_</c>. The message does not repeat it.</exception>
    public static void CheckApiKey(string apiKey)
    {
        const string Prefix = "pk_";
        bool isOne = apiKey.Length > Prefix.Length
            && apiKey.StartsWith(Prefix, StringComparison.Ordinal)
            && !HoldsSecret(apiKey)
            && apiKey.All(character => character is (>= 'A' and <= 'Z') or (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_' or '-');
        if (!isOne)
        {
            throw MagicBellException.Invalid("The API key is not the project's public key, which begins with pk_. It would stand readable in each token, so nothing was done with it.");
        }
    }

    /// <summary>Checks a project's secret key.</summary>
    /// <param name="secretKey">The UTF-8 of the key. It is neither kept nor changed.</param>
    /// <exception cref="MagicBellException">It is empty, or begins as a public key does. The message does not repeat it.</exception>
    public static void CheckSecretKey(byte[] secretKey)
    {
        int start = BeginOf(secretKey);
        if (start == secretKey.Length)
        {
            throw MagicBellException.Invalid("The secret key is empty.");
        }

        if (s_publicBeginnings.Any(beginning => BeginsWith(secretKey, start, beginning)) || IsDer(secretKey, start))
        {
            throw MagicBellException.Invalid("The secret key is none: it begins as a public key does (pk_, PEM, SSH, JSON or XML). Anybody could sign tokens with it.");
        }
    }

    /// <summary>Checks that a project's public key does not hold its secret one.</summary>
    /// <param name="apiKey">The public key.</param>
    /// <param name="secretKey">The UTF-8 of the secret key. It is neither kept nor changed.</param>
    /// <exception cref="MagicBellException">It does. The message repeats neither.</exception>
    internal static void CheckPair(string apiKey, byte[] secretKey)
    {
        int start = BeginOf(secretKey);
        start += BeginsWith(secretKey, start, SecretPrefix) ? SecretPrefix.Length : 0;
        int length = secretKey.Length - start;
        while (length > 0 && secretKey[start + length - 1] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or (byte)'"' or (byte)'\'')
        {
            length--;
        }

        if (length >= LeastSecret && Enumerable.Range(0, Math.Max(0, apiKey.Length - length + 1)).Any(at => Enumerable.Range(0, length).All(index => apiKey[at + index] == secretKey[start + index])))
        {
            throw MagicBellException.Invalid("The API key holds the secret key. It would stand readable in each token, so nothing was done with it.");
        }
    }

    // pk_live_sk_… is a secret key that somebody has made to look like the other.
    private static bool HoldsSecret(string apiKey)
    {
        int at = apiKey.IndexOf(SecretPrefix, StringComparison.OrdinalIgnoreCase);
        while (at >= 0 && apiKey[at - 1] is not ('_' or '-'))
        {
            at = apiKey.IndexOf(SecretPrefix, at + 1, StringComparison.OrdinalIgnoreCase);
        }

        return at >= 0;
    }

    // Behind blanks and quotation marks, which a file or a shell may have left.
    private static int BeginOf(byte[] key)
    {
        int start = 0;
        while (start < key.Length)
        {
            int length = key[start] is (byte)' ' or (byte)'"' or (byte)'\'' or (>= (byte)'\t' and <= (byte)'\r')
                ? 1
                : s_blanks.FirstOrDefault(blank => key.Skip(start).Take(blank.Length).SequenceEqual(blank))?.Length ?? 0;
            if (length == 0)
            {
                break;
            }

            start += length;
        }

        return start;
    }

    // PEM without its first and last line: the base64 of an ASN.1 sequence that is as long as it says, and begins with another one or a number.
    private static bool IsDer(byte[] key, int start)
    {
        const int HeadLength = 6;
        long head = 0;
        int count = 0;
        for (int index = start; index < key.Length; index++)
        {
            int value = key[index] switch
            {
                >= (byte)'A' and <= (byte)'Z' and var letter => letter - 'A',
                >= (byte)'a' and <= (byte)'z' and var letter => letter - 'a' + 26,
                >= (byte)'0' and <= (byte)'9' and var digit => digit - '0' + 52,
                (byte)'+' or (byte)'-' => 62,
                (byte)'/' or (byte)'_' => 63,
                (byte)'=' or (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or (byte)'"' or (byte)'\'' => -1,
                _ => -2,
            };
            if (value == -2)
            {
                return false;
            }

            if (value >= 0 && count++ < HeadLength * 8 / 6)
            {
                head = (head << 6) | (uint)value;
            }
        }

        if (count < HeadLength * 8 / 6)
        {
            return false;
        }

        int[] bytes = [.. Enumerable.Range(0, HeadLength).Select(index => (int)(head >> (8 * (HeadLength - 1 - index))) & 0xFF)];
        (int headLength, int length) = bytes[1] switch
        {
            < 0x80 => (2, bytes[1]),
            0x81 => (3, bytes[2]),
            0x82 => (4, (bytes[2] << 8) | bytes[3]),
            _ => (0, -1),
        };
        return bytes[0] == 0x30 && headLength > 0 && count * 6 / 8 == headLength + length && bytes[headLength] is 0x30 or 0x02;
    }

    // Byte by byte: a string of the key would stay in memory.
    private static bool BeginsWith(byte[] key, int start, string beginning)
    {
        if (key.Length - start < beginning.Length)
        {
            return false;
        }

        for (int index = 0; index < beginning.Length; index++)
        {
            byte value = key[start + index];
            if ((value is >= (byte)'A' and <= (byte)'Z' ? value + ('a' - 'A') : value) != beginning[index])
            {
                return false;
            }
        }

        return true;
    }
}
