using System;
using System.Collections.Generic;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>What a token says about itself. Nobody has checked it: anybody can write such a token.</summary>
/// <remarks>Neither the token nor its signature is in it.</remarks>
public sealed class DecodedToken
{
    private readonly bool _isExpiryUnreadable;

    internal DecodedToken(JsonWebToken token, string fingerprint)
    {
        Kind = LeakedToken.KindOf(token);
        Id = token.Id;
        UserId = token.UserId;
        Email = token.Email;
        ExternalId = token.ExternalId;
        ApiKey = token.ApiKey;
        Project = token.Project;
        Algorithm = token.Algorithm;
        IssuedAt = token.IssuedAt;
        NotBefore = token.NotBefore;
        ExpiresAt = token.ExpiresAt;
        _isExpiryUnreadable = token.IsExpiryUnreadable;
        Fingerprint = fingerprint;
        Header = token.Header;
        Claims = token.Claims;
    }

    /// <summary>Whether its claims are those of a project's or of a user's token; null where they do not tell.</summary>
    public TokenKind? Kind { get; }

    /// <summary>The token's id (<c>jti</c>); null where it has none, as those that were signed with a secret key.</summary>
    public string? Id { get; }

    /// <summary>The user's id in MagicBell (<c>user_id</c>); null where it does not say.</summary>
    public string? UserId { get; }

    /// <summary>The user's e-mail address (<c>user_email</c>); null where it does not say.</summary>
    public string? Email { get; }

    /// <summary>The user's id in your own system (<c>user_external_id</c>); null where it does not say.</summary>
    public string? ExternalId { get; }

    /// <summary>The project's public key (<c>api_key</c>); null where it does not say.</summary>
    public string? ApiKey { get; }

    /// <summary>What names the project: <c>project_id</c>, <c>project</c> or <c>api_key</c>; null where none is there.</summary>
    public string? Project { get; }

    /// <summary>How it is signed by its own word (<c>alg</c>); null where it does not say.</summary>
    public string? Algorithm { get; }

    /// <summary>When it was issued (<c>iat</c>); null where it does not say, or not with a date of the years 1 to 9999.</summary>
    public DateTimeOffset? IssuedAt { get; }

    /// <summary>From when on it holds (<c>nbf</c>); null as for <see cref="IssuedAt"/>.</summary>
    public DateTimeOffset? NotBefore { get; }

    /// <summary>When it ends by itself (<c>exp</c>); null as for <see cref="IssuedAt"/>.</summary>
    public DateTimeOffset? ExpiresAt { get; }

    /// <summary>When it ends, seen from now and in words: <c>in 12 days</c>, <c>3 hours ago</c>, <c>never</c>; <c>unreadable</c> where the claim <c>exp</c> is no number.</summary>
    public string Expires => _isExpiryUnreadable ? "unreadable" : RelativeTime.Of(ExpiresAt, DateTimeOffset.UtcNow);

    /// <summary>The first 12 hexadecimal digits of SHA-256 over the token: to recognise it by, not to check it by.</summary>
    public string Fingerprint { get; }

    /// <summary>All that its header says, by name.</summary>
    public IReadOnlyDictionary<string, object?> Header { get; }

    /// <summary>All that it claims, by name: text, numbers (Int64 or Double), Booleans, null, and dictionaries and lists of them.</summary>
    public IReadOnlyDictionary<string, object?> Claims { get; }

    /// <summary>The token's fingerprint.</summary>
    /// <returns>The fingerprint.</returns>
    public override string ToString() => Fingerprint;
}
