using System;
using System.Linq;

namespace MagicBellJwt.Client;

/// <summary>
/// Tells a project's public key, <c>pk_…</c>, from its secret one. A secret key in the place of the public one would stand readable in each
/// signed token; with a public one in the place of the secret one anybody could sign tokens.
/// </summary>
public static class ProjectKeys
{
    // How a key begins that is no secret: the project's own public one, PEM, SSH's kinds, and JSON web keys. In lower case.
    private static readonly string[] s_publicBeginnings = ["pk_", "-----begin", "---- begin", "ssh-", "ecdsa-", "{"];

    /// <summary>Checks a project's public key.</summary>
    /// <param name="apiKey">The key.</param>
    /// <exception cref="MagicBellException">It is not <c>pk_</c> and letters, digits, <c>-</c> and <c>_</c>. The message does not repeat it.</exception>
    public static void CheckApiKey(string apiKey)
    {
        const string Prefix = "pk_";
        bool isOne = apiKey.Length > Prefix.Length
            && apiKey.StartsWith(Prefix, StringComparison.Ordinal)
            && !apiKey.StartsWith(Prefix + "sk_", StringComparison.Ordinal)
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
        int start = secretKey.Length >= 3 && secretKey[0] == 0xEF && secretKey[1] == 0xBB && secretKey[2] == 0xBF ? 3 : 0;
        while (start < secretKey.Length && secretKey[start] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
        {
            start++;
        }

        if (start == secretKey.Length)
        {
            throw MagicBellException.Invalid("The secret key is empty.");
        }

        if (s_publicBeginnings.Any(beginning => BeginsWith(secretKey, start, beginning)))
        {
            throw MagicBellException.Invalid("The secret key is none: it begins as a public key does (pk_, PEM, SSH or JSON). Anybody could sign tokens with it.");
        }
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
