using System;
using System.Security.Cryptography;
using System.Text;

namespace MagicBellJwt.TestSupport;

/// <summary>Tokens written by the platform's own base64 and HMAC, so that nothing under test takes part in making them.</summary>
public static class TokenText
{
    /// <summary>The usual header.</summary>
    public const string Hs256 = """{"alg":"HS256","typ":"JWT"}""";

    /// <summary>A project's secret key, as text.</summary>
    public const string Key = "sk_canary_0123456789abcdef0123456789abcdef";

    /// <summary>A user token signed with <see cref="Key"/>, good until the year 2100.</summary>
    public static readonly string User = SignClaims("""{"jti":"7c1f6fd0-9a0a-4a9e-9a57-0c7fd58bb0a1","kind":"user","user_id":"usr_1","user_email":"hana@example.com","project_id":"p1","iat":1750000000,"exp":4102444800}""");

    /// <summary>A key as bytes.</summary>
    public static byte[] KeyBytes { get; } = SHA256.HashData("a key for tests only"u8);

    public static string Encode(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    public static string Encode(string text) => Encode(Encoding.UTF8.GetBytes(text));

    /// <summary>Signs claims with a key that is text.</summary>
    public static string SignClaims(string claims, string header = Hs256, string key = Key) => Sign(header, claims, Encoding.UTF8.GetBytes(key));

    /// <summary>Signs with <see cref="KeyBytes"/> or another key.</summary>
    public static string Sign(string header, string claims, byte[]? key = null) => Sign(Encoding.UTF8.GetBytes(header), Encoding.UTF8.GetBytes(claims), key);

    /// <inheritdoc cref="Sign(string, string, byte[])"/>
    public static string Sign(byte[] header, byte[] claims, byte[]? key = null) => SignParts(Encode(header) + "." + Encode(claims), key);

    /// <summary>Adds the signature to a header and claims that are encoded already, or are no such thing.</summary>
    public static string SignParts(string parts, byte[]? key = null) => parts + "." + Encode(HMACSHA256.HashData(key ?? KeyBytes, Encoding.ASCII.GetBytes(parts)));

    /// <summary>What the module calls a token by.</summary>
    public static string Fingerprint(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)))[..12];
}
