using System;

namespace MagicBellJwt;

/// <summary>What came of a revocation.</summary>
public sealed class Revocation
{
    internal Revocation(string id, RevocationOutcome outcome, DateTimeOffset? discardedAt, TokenScope list)
    {
        Id = id;
        Kind = list.Kind;
        UserId = list.UserId;
        Email = list.Owner?.Email;
        Project = list.Session.Name;
        Outcome = outcome;
        DiscardedAt = discardedAt;
    }

    /// <summary>The token's id.</summary>
    public string Id { get; }

    /// <summary>Whether it was a project's token or a user's.</summary>
    public TokenKind Kind { get; }

    /// <summary>The token's name; null where it has none, and where only its id was given.</summary>
    public string? Name { get; internal set; }

    /// <summary>The id of the user whose token it was; null for a project's token, and where only the token's id was given.</summary>
    public string? UserId { get; }

    /// <summary>That user's e-mail address; null where there is none, or the session has not seen it.</summary>
    public string? Email { get; }

    /// <summary>The name of the session that revoked it.</summary>
    public string Project { get; }

    /// <summary>Whether this call ended it.</summary>
    public RevocationOutcome Outcome { get; }

    /// <summary>When it ended, by the server, also called At; null where that is not known, and where the revocation failed or its answer was lost.</summary>
    public DateTimeOffset? DiscardedAt { get; }

    /// <summary>How often the revocation was sent, for the history; null where that is not known.</summary>
    internal int? Attempts { get; init; }

    /// <summary>The server's id of the request, for the history; null where that is not known.</summary>
    internal string? RequestId { get; init; }

    /// <summary>The token's id.</summary>
    /// <returns>The id.</returns>
    public override string ToString() => Id;
}

/// <summary>Whether a revocation changed anything.</summary>
public enum RevocationOutcome : long
{
    /// <summary>The token was live and is not any more.</summary>
    Revoked,

    /// <summary>It was not live any more: listed as revoked, gone after an answer was lost, or gone from the list since a plan was made of that.</summary>
    AlreadyRevoked,

    /// <summary>The API refused it, or nothing was sent: the token is as it was, and an error says why.</summary>
    Failed,

    /// <summary>Its answer was lost, so nobody can tell: the token may be live or not, and an error says why.</summary>
    Unknown,
}
