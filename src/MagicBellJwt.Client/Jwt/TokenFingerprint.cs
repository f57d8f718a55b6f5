using System;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MagicBellJwt.Client;

/// <summary>A short name for a token that can be shown, logged and compared by eye, and from which the token cannot be found again.</summary>
public static class TokenFingerprint
{
    /// <summary>The first 12 hexadecimal digits, in lower case, of SHA-256 over the token's UTF-8. For display only: 48 bits are no proof.</summary>
    /// <param name="token">The token exactly as it is sent.</param>
    /// <exception cref="ArgumentNullException">There is no token.</exception>
    public static string Of(string token)
    {
        if (token is null)
        {
            throw new ArgumentNullException(nameof(token));
        }

        using SHA256 sha256 = SHA256.Create();
        byte[] hash = sha256.ComputeHash(Encoding.UTF8.GetBytes(token));
        var digits = new StringBuilder(12);
        for (int i = 0; i < 6; i++)
        {
            digits.Append(hash[i].ToString("x2", CultureInfo.InvariantCulture));
        }

        return digits.ToString();
    }
}
