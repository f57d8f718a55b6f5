using System;
using System.Collections.Generic;
using System.Globalization;

namespace MagicBellJwt.Client;

/// <summary>
/// What a JSON Web Token (RFC 7519, compact serialisation of RFC 7515) says about itself. Nothing in it has been verified, and neither the
/// token's text nor its signature is kept.
/// </summary>
public sealed class JsonWebToken
{
    /// <summary>Longer texts are no tokens: 64 KiB is several times what servers take in a header.</summary>
    internal const int MaximumLength = 64 * 1024;

    // The years 0001 and 9999: what a DateTimeOffset can hold, in Unix seconds.
    private const long EarliestSecond = -62_135_596_800;
    private const long LatestSecond = 253_402_300_799;

    // What may say of which project a token is.
    private static readonly string[] s_idsOfProject = ["project_id", "project"];
    private static readonly string[] s_namesOfProject = [.. s_idsOfProject, "api_key"];

    private JsonWebToken(IReadOnlyDictionary<string, object?> header, IReadOnlyDictionary<string, object?> claims)
    {
        Header = header;
        Claims = claims;
    }

    /// <summary>The signature algorithm that the header names (<c>alg</c>), or null.</summary>
    public string? Algorithm => Text(Header, "alg");

    /// <summary>The header's members: String, Int64 or Double, Boolean, null, and read-only dictionaries and lists of these.</summary>
    public IReadOnlyDictionary<string, object?> Header { get; }

    /// <summary>The claims, each by its name: String, Int64 or Double, Boolean, null, and read-only dictionaries and lists of these.</summary>
    public IReadOnlyDictionary<string, object?> Claims { get; }

    /// <summary>
    /// True where the claims are those of a user's token, false where they are those of a project's, null where they do not say or contradict
    /// each other. The claim <c>kind</c> decides where there is one (this project's sandbox writes it); else <c>user_email</c>,
    /// <c>user_external_id</c> (documented by the vendor) or <c>user_id</c> make it a user's. The vendor does not document the claims of the
    /// API's own tokens, so all others are null.
    /// </summary>
    public bool? IsUserToken
    {
        get
        {
            bool namesUser = UserId is not null || Email is not null || ExternalId is not null;
            if (!Claims.TryGetValue("kind", out object? kind))
            {
                return namesUser ? true : null;
            }

            return (kind as string, namesUser) switch
            {
                ("project", false) => false,
                ("user", _) => true,
                _ => null,
            };
        }
    }

    /// <summary>
    /// The token's own id (<c>jti</c>), or null. In the sandbox it is the id that the API lists; for the API itself that is not documented.
    /// A UUID is given as the API writes ids, whatever its form in the token.
    /// </summary>
    public string? Id => Text(Claims, "jti") is { } id ? RequestValidation.UuidOf(id) ?? id : null;

    /// <summary>The user's id (<c>user_id</c>), or null.</summary>
    public string? UserId => Text(Claims, "user_id");

    /// <summary>The user's email address (<c>user_email</c>), or null.</summary>
    public string? Email => Text(Claims, "user_email");

    /// <summary>The user's id in the project's own system (<c>user_external_id</c>), or null.</summary>
    public string? ExternalId => Text(Claims, "user_external_id");

    /// <summary>The project's public key (<c>api_key</c>), or null.</summary>
    public string? ApiKey => Text(Claims, "api_key");

    /// <summary>What names the project: <c>project_id</c>, else <c>project</c>, else <c>api_key</c>, else null.</summary>
    public string? Project => ProjectId ?? ApiKey;

    /// <summary>When the token was issued (<c>iat</c>), in UTC; null where that is missing, no number, or outside the years 1 to 9999.</summary>
    public DateTimeOffset? IssuedAt => Date("iat");

    /// <summary>Before when the token is not to be accepted (<c>nbf</c>), in UTC; null as for <see cref="IssuedAt"/>.</summary>
    public DateTimeOffset? NotBefore => Date("nbf");

    /// <summary>From when on the token is not to be accepted (<c>exp</c>), in UTC; null as for <see cref="IssuedAt"/>.</summary>
    public DateTimeOffset? ExpiresAt => Date("exp");

    /// <summary>
    /// Whether its claim <c>exp</c> is there and is no finite number, so that nobody can say when the token ends. <see cref="TokenSignature.Verify"/>
    /// refuses such a token.
    /// </summary>
    public bool IsExpiryUnreadable => Claims.TryGetValue("exp", out object? value) && value is not (long or double and > double.NegativeInfinity and < double.PositiveInfinity);

    /// <summary>Whether the token names a project as its own, by the project's id or public key. Its own word: says nothing of its signature.</summary>
    /// <param name="own">A token of the project; null where there is none that can be read.</param>
    /// <param name="apiKey">The project's public key (<c>pk_…</c>) where it is known otherwise, or null.</param>
    /// <returns>Why it does not, in words that follow "it"; null where it does.</returns>
    public string? WhyNotOf(JsonWebToken? own, string? apiKey)
    {
        if (IsForeign("iss") || IsForeign("aud"))
        {
            return "names an issuer or an audience that is not this project's";
        }

        if (Array.Exists(s_namesOfProject, name => Claims.TryGetValue(name, out object? value) && value is not null && Text(Claims, name) is null))
        {
            return "names its project in a way that cannot be read";
        }

        if (Array.Exists(s_idsOfProject, name => Text(Claims, name) is { } project && (own is null || !Array.Exists(s_idsOfProject, other => Text(own.Claims, other) == project))))
        {
            return own?.ProjectId is null ? "names a project, and the session's own token does not say which one this is" : "names another project";
        }

        if (ApiKey is { } key && key != own?.ApiKey && key != apiKey)
        {
            if (own?.ApiKey is not null || apiKey is not null)
            {
                return "names the public key of another project";
            }

            // The id that it shares is enough.
            return ProjectId is null ? "names a public key, and it is not known whether that is this project's: give this project's with -ApiKey" : null;
        }

        return ProjectId is null && ApiKey is null ? "names no project" : null;

        bool IsForeign(string name) => Claims.ContainsKey(name) && (own is null || Text(Claims, name) is not { } text || Text(own.Claims, name) != text);
    }

    /// <summary>
    /// Reads a token without trusting it; never throws. False where it is not three parts of strict base64url with JSON objects in the
    /// first two, repeats a name within an object, nests deeper than 64 levels or is longer than 65,536 characters.
    /// </summary>
    /// <param name="value">The token's text, and nothing around it.</param>
    /// <param name="token">What it says, or null.</param>
    public static bool TryDecode(string value, out JsonWebToken? token) => TryRead(value, out token, out _, out _);

    /// <summary>As <see cref="TryDecode"/>, with what a verifier needs: how much of the text is signed, and the signature's bytes.</summary>
    internal static bool TryRead(string value, out JsonWebToken? token, out int signedLength, out byte[] signatureBytes)
    {
        token = null;
        signedLength = 0;
        signatureBytes = [];
        if (value is null || value.Length > MaximumLength)
        {
            return false;
        }

        int payload = value.IndexOf('.') + 1;
        int signature = payload > 0 ? value.IndexOf('.', payload) + 1 : 0;
        if (signature == 0
            || !Base64Url.TryDecode(value, 0, payload - 1, out byte[] headerBytes)
            || !Base64Url.TryDecode(value, payload, signature - payload - 1, out byte[] payloadBytes)
            || !Base64Url.TryDecode(value, signature, value.Length - signature, out signatureBytes)
            || !StrictJson.TryReadObject(headerBytes, out IReadOnlyDictionary<string, object?>? header)
            || !StrictJson.TryReadObject(payloadBytes, out IReadOnlyDictionary<string, object?>? claims))
        {
            return false;
        }

        signedLength = signature - 1;
        token = new JsonWebToken(header!, claims!);
        return true;
    }

    private string? ProjectId => Text(Claims, "project_id") ?? Text(Claims, "project");

    // An id may be written as a number: project ids often are.
    private static string? Text(IReadOnlyDictionary<string, object?> members, string name)
    {
        members.TryGetValue(name, out object? value);
        return value switch
        {
            string { Length: > 0 } text => text,
            long number => number.ToString(CultureInfo.InvariantCulture),
            _ => null,
        };
    }

    private DateTimeOffset? Date(string name)
    {
        Claims.TryGetValue(name, out object? value);
        switch (value)
        {
            case long seconds and >= EarliestSecond and <= LatestSecond:
                return DateTimeOffset.FromUnixTimeSeconds(seconds);
            case double seconds and >= EarliestSecond and < LatestSecond + 1:
                double whole = Math.Floor(seconds);
                return DateTimeOffset.FromUnixTimeSeconds((long)whole).AddTicks((long)((seconds - whole) * TimeSpan.TicksPerSecond));
            default:
                return null;
        }
    }
}
