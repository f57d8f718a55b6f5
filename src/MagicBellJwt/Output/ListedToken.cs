using System;
using System.Collections.Generic;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>A token as a list shows it: everything but its value, which the API shows once, when it is issued.</summary>
public abstract class ListedToken
{
    private readonly ListedTokenRecord _record;

    private protected ListedToken(ListedTokenRecord record, Session session, TokenScope? owner = null)
    {
        _record = record;
        Session = session;
        Owner = owner?.Owner;
        Found = owner?.Found;
    }

    /// <summary>The token's id, a UUID; null where the server sent none.</summary>
    public string? Id => _record.Id;

    /// <summary>The token's name; null where it has none.</summary>
    public string? Name => _record.Name;

    /// <summary>Whether it is a project's or a user's.</summary>
    public abstract TokenKind Kind { get; }

    /// <summary>Whether it can be used now, by this machine's clock.</summary>
    public TokenStatus Status => DiscardedAt is not null
        ? TokenStatus.Discarded
        : ExpiresAt <= DateTimeOffset.UtcNow ? TokenStatus.Expired : TokenStatus.Active;

    /// <summary>When it was issued.</summary>
    public DateTimeOffset CreatedAt => _record.CreatedAt;

    /// <summary>When it ends by itself; null where it never does.</summary>
    public DateTimeOffset? ExpiresAt => _record.ExpiresAt;

    /// <summary>When it ends, seen from now and in words: <c>in 12 days</c>, <c>3 hours ago</c>, <c>never</c>.</summary>
    public string Expires => RelativeTime.Of(ExpiresAt, DateTimeOffset.UtcNow);

    /// <summary>When it was revoked; null where it was not.</summary>
    public DateTimeOffset? DiscardedAt => _record.DiscardedAt;

    /// <summary>When it was last used, where the server says so; the published API does not.</summary>
    public DateTimeOffset? LastUsedAt => _record.LastUsedAt;

    /// <summary>The name of the session that listed it; <c>Remove-</c> acts on that session's project.</summary>
    public string Project => Session.Name;

    /// <summary>Fields of the answer that the API's document does not name; null where there were none.</summary>
    public IReadOnlyDictionary<string, object?>? OtherFields => _record.OtherFields;

    internal Session Session { get; }

    /// <summary>The user whose token it is, as far as the session has seen; null for a project's token.</summary>
    internal User? Owner { get; }

    /// <summary>How that user was found, where it was by an address or an external id.</summary>
    internal UserMatch? Found { get; }

    internal ListedTokenRecord Record => _record;

    /// <summary>The token's id.</summary>
    /// <returns>The id; empty where the server sent none.</returns>
    public override string ToString() => Id ?? "";
}

/// <summary>A token with access to the whole project, as a list shows it.</summary>
public sealed class ProjectToken : ListedToken
{
    internal ProjectToken(ListedTokenRecord record, Session session)
        : base(record, session)
    {
    }

    /// <inheritdoc/>
    public override TokenKind Kind => TokenKind.Project;
}

/// <summary>A token of one user, as a list shows it.</summary>
public sealed class UserToken : ListedToken
{
    internal UserToken(ListedTokenRecord record, TokenScope list)
        : base(record, list.Session, list) => UserId = list.UserId!;

    /// <inheritdoc/>
    public override TokenKind Kind => TokenKind.User;

    /// <summary>The id of the user that was asked about: list items do not carry it.</summary>
    public string UserId { get; }

    /// <summary>The user's e-mail address; null where there is none, or the session has not seen it: list items do not carry it.</summary>
    public string? Email => Owner?.Email;

    /// <summary>The user's id in your own system; null as for <see cref="Email"/>.</summary>
    public string? ExternalId => Owner?.ExternalId;
}

/// <summary>Whether a token can be used.</summary>
public enum TokenStatus : long
{
    /// <summary>It can.</summary>
    Active,

    /// <summary>Its time is over.</summary>
    Expired,

    /// <summary>It was revoked; the API says discarded.</summary>
    Discarded,
}
