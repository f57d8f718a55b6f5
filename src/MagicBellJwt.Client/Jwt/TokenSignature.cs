using System;
using System.Collections.Generic;
using System.Security.Cryptography;
using System.Text;

namespace MagicBellJwt.Client;

/// <summary>Whether a token was signed with a secret key by HMAC-SHA-256 (HS256, the one algorithm that the vendor documents) and is in time.</summary>
public static class TokenSignature
{
    private static readonly DateTimeOffset s_unixEpoch = new(1970, 1, 1, 0, 0, 0, TimeSpan.Zero);

    // crit (RFC 7515 4.1.11) and b64 (RFC 7797) change what is signed, enc and zip (RFC 7516) what the payload is.
    private static readonly string[] s_refusedHeaders = ["crit", "b64", "enc", "zip"];

    /// <summary>
    /// True where the token is well-formed (see <see cref="JsonWebToken.TryDecode"/>), its header says HS256 and nothing that changes the
    /// meaning of the rest, its signature is this key's, and <paramref name="now"/> lies from <c>nbf</c> and <c>iat</c> on and before
    /// <c>exp</c>, as far as the token has these claims. A claim of that name which is no number fails.
    /// </summary>
    /// <param name="token">The token's text, and nothing around it.</param>
    /// <param name="secretKey">The key. It is neither kept nor changed.</param>
    /// <param name="now">The moment to judge the times by.</param>
    /// <param name="clockSkew">How far two clocks may differ, zero or more: the times are stretched by it on each side.</param>
    /// <param name="reason">Why the answer is false, in words that hold nothing of the token or the key; null where it is true.</param>
    /// <exception cref="MagicBellException">The key is empty, or a public one: a token that anybody could sign proves nothing.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="clockSkew"/> is negative.</exception>
    public static bool Verify(string token, byte[] secretKey, DateTimeOffset now, TimeSpan clockSkew, out string? reason)
    {
        ProjectKeys.CheckSecretKey(secretKey);
        if (clockSkew < TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException(nameof(clockSkew), "The clock skew is negative.");
        }

        reason = WhyNot(token, secretKey, (now - s_unixEpoch).TotalSeconds, clockSkew.TotalSeconds);
        return reason is null;
    }

    private static string? WhyNot(string token, byte[] secretKey, double now, double skew)
    {
        if (!JsonWebToken.TryRead(token, out JsonWebToken? read, out int signedLength, out byte[] signature))
        {
            return "It is not a JSON Web Token: three parts of strict base64url, the first two JSON objects without repeated names.";
        }

        if (!read!.Header.TryGetValue("alg", out object? algorithm) || algorithm is not "HS256")
        {
            return "Its header does not name the algorithm HS256.";
        }

        foreach (string name in s_refusedHeaders)
        {
            if (read.Header.ContainsKey(name))
            {
                return "Its header has the member '" + name + "', which changes how the rest is to be read.";
            }
        }

        byte[] expected;
        using (var hmac = new HMACSHA256(secretKey))
        {
            expected = hmac.ComputeHash(Encoding.ASCII.GetBytes(token.ToCharArray(0, signedLength)));
        }

        if (!ConstantTime.AreEqual(expected, signature))
        {
            return "Its signature is not that of this secret key.";
        }

        if (!TryReadTime(read.Claims, "exp", double.MaxValue, out double expiresAt)
            || !TryReadTime(read.Claims, "nbf", double.MinValue, out double notBefore)
            || !TryReadTime(read.Claims, "iat", double.MinValue, out double issuedAt))
        {
            return "One of its claims exp, nbf and iat is not a number.";
        }

        return now >= expiresAt + skew ? "It has expired (exp)."
            : now < notBefore - skew ? "It is not valid yet (nbf)."
            : now < issuedAt - skew ? "It says that it was issued in the future (iat)."
            : null;
    }

    private static bool TryReadTime(IReadOnlyDictionary<string, object?> claims, string name, double missing, out double seconds)
    {
        seconds = missing;
        if (!claims.TryGetValue(name, out object? value))
        {
            return true;
        }

        seconds = value switch
        {
            long whole => whole,
            double number => number,
            _ => double.NaN,
        };
        return !double.IsNaN(seconds) && !double.IsInfinity(seconds);
    }
}
