using System;

namespace MagicBellJwt;

/// <summary>A token that was just issued and that its store gave back. Holds no value.</summary>
public sealed class StoredToken
{
    // Copied one by one: the issued token holds the value.
    internal StoredToken(IssuedToken issued, string storedIn)
    {
        Id = issued.Id!;
        Name = issued.Name;
        Kind = issued.Kind;
        UserId = issued.UserId;
        Email = issued.Email;
        ExternalId = issued.ExternalId;
        CreatedAt = issued.CreatedAt;
        ExpiresAt = issued.ExpiresAt;
        Expires = issued.Expires;
        Fingerprint = issued.Fingerprint;
        StoredIn = storedIn;
        Session = issued.Session!;
        NamesItsId = issued.NamesItsId;
    }

    /// <summary>The token's id, a UUID.</summary>
    public string Id { get; }

    /// <summary>The token's name; null where it has none.</summary>
    public string? Name { get; }

    /// <summary>Whether it is a project's or a user's.</summary>
    public TokenKind Kind { get; }

    /// <summary>The user's id by the token's own claims; null where they do not tell, and for a project token.</summary>
    public string? UserId { get; }

    /// <summary>The user's e-mail address as it was given; null where it was not, and for a project token.</summary>
    public string? Email { get; }

    /// <summary>The user's id in your own system as it was given; null where it was not, and for a project token.</summary>
    public string? ExternalId { get; }

    /// <summary>When it was issued.</summary>
    public DateTimeOffset CreatedAt { get; }

    /// <summary>When it ends by itself; null where it never does, or where that is unknown (see <see cref="Expires"/>).</summary>
    public DateTimeOffset? ExpiresAt { get; }

    /// <summary>When it ends, seen from the moment of its issue and in words, as <see cref="IssuedToken.Expires"/> says it.</summary>
    public string Expires { get; }

    /// <summary>The first 12 hexadecimal digits of SHA-256 over the value: to recognise it by, not to check it by.</summary>
    public string Fingerprint { get; }

    /// <summary>Where it is: <c>vault/secret</c>, or <c>-SaveTo</c>. The store gave the same value back.</summary>
    public string StoredIn { get; }

    /// <summary>The name of the session that issued it.</summary>
    public string Project => Session.Name;

    internal Session Session { get; }

    /// <summary>As for <see cref="IssuedToken.NamesItsId"/>.</summary>
    internal bool NamesItsId { get; }

    /// <summary>The token's id.</summary>
    /// <returns>The id.</returns>
    public override string ToString() => Id;
}
