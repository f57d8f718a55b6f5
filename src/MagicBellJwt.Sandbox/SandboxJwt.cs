using System;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace MagicBellJwt.Sandbox;

/// <summary>JSON web tokens signed with HS256 (RFC 7515, RFC 7519), and nothing else.</summary>
internal static class SandboxJwt
{
    private static readonly string s_header = Encode(Encoding.UTF8.GetBytes("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"));

    public static string NewSecretKey()
    {
        byte[] key = new byte[32];
        using var random = RandomNumberGenerator.Create();
        random.GetBytes(key);
        return "sk_" + Encode(key);
    }

    /// <summary>
    /// The JWT of a token. <c>jti</c> is the token's id; the vendor documents no claim of these tokens, so the rest takes the names of its
    /// offline tokens (<c>user_email</c>, <c>user_external_id</c>) and others in their manner.
    /// </summary>
    public static string Sign(SandboxToken token, string projectId, byte[] key)
    {
        byte[] claims = Json.Write(json =>
        {
            json.WriteStartObject();
            json.WriteMember("jti", token.Id.ToString("D"));
            json.WriteMember("iat", token.CreatedAt.ToUnixTimeSeconds());
            if (token.ExpiresAt is { } expiresAt)
            {
                json.WriteMember("exp", expiresAt.ToUnixTimeSeconds());
            }

            json.WriteMember("kind", token.Kind);
            json.WriteMember("project_id", projectId);
            json.WriteMemberIfAny("user_id", token.UserId);
            json.WriteMemberIfAny("user_email", token.User?.Email);
            json.WriteMemberIfAny("user_external_id", token.User?.ExternalId);
            json.WriteEndObject();
        }).ToArray();
        string signed = s_header + "." + Encode(claims);
        return signed + "." + Signature(signed, key);
    }

    /// <summary>The claims of a JWT that was signed with the key; null for any other text.</summary>
    public static JObject? Verify(string jwt, byte[] key)
    {
        int first = jwt.IndexOf('.');
        int last = jwt.LastIndexOf('.');
        if (first == last || !SameText(Signature(jwt.Substring(0, last), key), jwt.Substring(last + 1)))
        {
            return null;
        }

        try
        {
            return Json.ReadObject(Decode(jwt.Substring(first + 1, last - first - 1)));
        }
        catch (Exception exception) when (exception is JsonException or FormatException or DecoderFallbackException)
        {
            return null;
        }
    }

    private static string Signature(string signed, byte[] key)
    {
        using var hmac = new HMACSHA256(key);
        return Encode(hmac.ComputeHash(Encoding.UTF8.GetBytes(signed)));
    }

    private static string Encode(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    private static byte[] Decode(string text) =>
        Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/').PadRight((text.Length + 3) / 4 * 4, '='));

    /// <summary>Compares in a time that does not tell how much of a guess was right.</summary>
    private static bool SameText(string expected, string actual)
    {
        int difference = expected.Length ^ actual.Length;
        for (int i = 0; i < Math.Min(expected.Length, actual.Length); i++)
        {
            difference |= expected[i] ^ actual[i];
        }

        return difference == 0;
    }
}
