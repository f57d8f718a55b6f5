using System;
using System.Collections.Generic;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>A token as a list shows it: everything but its value, which the API shows once, when it is issued.</summary>
public abstract class ListedToken
{
    private readonly ListedTokenRecord _record;

    private protected ListedToken(ListedTokenRecord record, Session session)
    {
        _record = record;
        Session = session;
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
    internal UserToken(ListedTokenRecord record, Session session, string userId)
        : base(record, session) => UserId = userId;

    /// <inheritdoc/>
    public override TokenKind Kind => TokenKind.User;

    /// <summary>The id of the user that was asked about: list items do not carry it.</summary>
    public string UserId { get; }
}

/// <summary>Whether a token can be used.</summary>
public enum TokenStatus
{
    /// <summary>It can.</summary>
    Active,

    /// <summary>Its time is over.</summary>
    Expired,

    /// <summary>It was revoked; the API says discarded.</summary>
    Discarded,
}
