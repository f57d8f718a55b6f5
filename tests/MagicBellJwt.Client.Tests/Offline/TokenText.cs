using System;
using System.Security.Cryptography;
using System.Text;

namespace MagicBellJwt.Client.Tests.Offline;

/// <summary>Tokens written by the platform's own base64 and HMAC, so that nothing under test takes part in making them.</summary>
internal static class TokenText
{
    public const string Hs256 = """{"alg":"HS256","typ":"JWT"}""";

    public static readonly byte[] Key = SHA256.HashData("a key for tests only"u8);

    public static string Encode(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    public static string Encode(string text) => Encode(Encoding.UTF8.GetBytes(text));

    public static string Sign(string header, string claims, byte[]? key = null) => Sign(Encoding.UTF8.GetBytes(header), Encoding.UTF8.GetBytes(claims), key);

    public static string Sign(byte[] header, byte[] claims, byte[]? key = null) => SignParts(Encode(header) + "." + Encode(claims), key);

    public static string SignParts(string parts, byte[]? key = null) => parts + "." + Encode(HMACSHA256.HashData(key ?? Key, Encoding.ASCII.GetBytes(parts)));
}
