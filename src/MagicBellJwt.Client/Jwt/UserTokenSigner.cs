using System;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MagicBellJwt.Client;

/// <summary>
/// Signs user tokens with a project's secret key on this machine, as the vendor documents for servers: HS256 over <c>user_email</c>,
/// <c>user_external_id</c>, <c>api_key</c> and <c>exp</c>. The API never lists such a token and cannot revoke it. Not for two threads at once.
/// </summary>
public sealed class UserTokenSigner : IDisposable
{
    // {"alg":"HS256","typ":"JWT"}
    private const string Header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly string _apiKey;
    private readonly HMACSHA256 _hmac;

    /// <summary>A signer for one project.</summary>
    /// <param name="apiKey">The project's public key, <c>pk_…</c>.</param>
    /// <param name="secretKey">The UTF-8 of the project's secret key. The signer's own copy is wiped by <see cref="Dispose"/>; this one is the caller's.</param>
    /// <exception cref="MagicBellException">A key is empty, or is not of its kind (<see cref="ProjectKeys"/>). The message repeats none.</exception>
    public UserTokenSigner(string apiKey, byte[] secretKey)
    {
        ProjectKeys.CheckApiKey(apiKey);
        ProjectKeys.CheckSecretKey(secretKey);
        ProjectKeys.CheckPair(apiKey, secretKey);
        _apiKey = apiKey;
        _hmac = new HMACSHA256(secretKey);
    }

    /// <summary>A signed token for one user.</summary>
    /// <param name="email">The user's email address, or null.</param>
    /// <param name="externalId">The user's id in the project's own system, or null. One of the two is needed.</param>
    /// <param name="expiresAt">When the token ends, cut to whole seconds; null for never.</param>
    /// <exception cref="ArgumentException">Neither names a user, or a text holds half of a surrogate pair.</exception>
    /// <exception cref="ObjectDisposedException">The signer's key has been wiped.</exception>
    public string Sign(string? email, string? externalId, DateTimeOffset? expiresAt)
    {
        if (string.IsNullOrEmpty(email) && string.IsNullOrEmpty(externalId))
        {
            throw new ArgumentException("A user token needs an email address or an external id.", nameof(email));
        }

        var claims = new StringBuilder("{");
        AppendClaim(claims, "user_email", email);
        AppendClaim(claims, "user_external_id", externalId);
        AppendClaim(claims, "api_key", _apiKey);
        if (expiresAt is { } end)
        {
            claims.Append("\"exp\":").Append(end.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        }
        else
        {
            claims.Length--;
        }

        string signed = Header + Base64Url.Encode(s_utf8.GetBytes(claims.Append('}').ToString()));
        return signed + "." + Base64Url.Encode(_hmac.ComputeHash(Encoding.ASCII.GetBytes(signed)));
    }

    /// <summary>Wipes the key.</summary>
    public void Dispose() => _hmac.Dispose();

    private static void AppendClaim(StringBuilder claims, string name, string? value)
    {
        if (string.IsNullOrEmpty(value))
        {
            return;
        }

        claims.Append('"').Append(name).Append("\":\"");
        foreach (char character in value!)
        {
            if (character is '"' or '\\')
            {
                claims.Append('\\').Append(character);
            }
            else if (character < ' ')
            {
                claims.Append("\\u").Append(((int)character).ToString("x4", CultureInfo.InvariantCulture));
            }
            else
            {
                claims.Append(character);
            }
        }

        claims.Append("\",");
    }
}
