using System;
using System.Security;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>A token that was just issued, with its value: the only object that ever carries one.</summary>
/// <remarks>Serialised (CLIXML, jobs, remoting) without <see cref="Token"/>; see MagicBellJwt.Types.ps1xml.</remarks>
public sealed class IssuedToken
{
    private readonly bool _isExpiryUnknown;

    internal IssuedToken(CreatedToken created, TokenKind kind, TokenRequest request, bool asPlainText, Session session)
        : this(created.Token, kind, request.Name, asPlainText)
    {
        Email = request.Email;
        ExternalId = request.ExternalId;
        Id = created.TokenId;
        CreatedAt = created.CreatedAt;
        ExpiresAt = created.ExpiresAt;
        _isExpiryUnknown = created.IsExpiryUnknown;
        JsonWebToken.TryDecode(created.Token, out JsonWebToken? decoded);
        UserId = kind == TokenKind.User ? decoded?.UserId : null;
        NamesItsId = TokenScope.IsSameId(decoded?.Id, Id);
        WasIssuedBefore = created.WasIssuedBefore;
        Session = session;
        Attempts = created.Attempts;
        RequestId = created.RequestId;
    }

    /// <summary>A user token that was signed on this machine: the API does not know it, so it has no id.</summary>
    internal IssuedToken(string token, DateTimeOffset createdAt, DateTimeOffset? expiresAt, TokenRequest request, bool asPlainText)
        : this(token, TokenKind.User, request.Name, asPlainText)
    {
        Email = request.Email;
        ExternalId = request.ExternalId;
        CreatedAt = createdAt;
        ExpiresAt = expiresAt;
    }

    private IssuedToken(string token, TokenKind kind, string? name, bool asPlainText)
    {
        Kind = kind;
        Name = name;
        Fingerprint = TokenFingerprint.Of(token);
        Token = asPlainText ? token : SecureText.Unserialisable(SecureText.Protect(token));
    }

    /// <summary>The token's id, a UUID, also called TokenId; null for one that was signed on this machine.</summary>
    public string? Id { get; }

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

    /// <summary>
    /// When it ends, seen from now and in words: <c>in 12 days</c>, <c>3 hours ago</c>, <c>never</c>; <c>unknown</c> where an end was asked for
    /// and the server's answer does not confirm one.
    /// </summary>
    public string Expires => _isExpiryUnknown ? "unknown" : RelativeTime.Of(ExpiresAt, DateTimeOffset.UtcNow);

    /// <summary>The first 12 hexadecimal digits of SHA-256 over the value: to recognise it by, not to check it by.</summary>
    public string Fingerprint { get; }

    /// <summary>The name of the session that issued it; null for one that was signed on this machine.</summary>
    public string? Project => Session?.Name;

    /// <summary>The value: a <see cref="SecureString"/>, or text with <c>-AsPlainText</c>. No later call shows it again.</summary>
    public object Token { get; }

    internal Session? Session { get; }

    /// <summary>Whether its own claims say the same id as the answer that brought it. Else that answer alone says so.</summary>
    internal bool NamesItsId { get; }

    /// <summary>Whether an earlier create was answered with its id, so that somebody may hold it.</summary>
    internal bool WasIssuedBefore { get; }

    /// <summary>How often the create was sent, for the history; null for a token that was signed on this machine.</summary>
    internal int? Attempts { get; }

    /// <summary>The server's id of the request, for the history; null where it sent none.</summary>
    internal string? RequestId { get; }

    /// <summary>The token's id, never its value.</summary>
    /// <returns>The id; empty where it has none.</returns>
    public override string ToString() => Id ?? "";
}
