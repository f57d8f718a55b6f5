using System;

namespace MagicBellJwt;

/// <summary>What came of a revocation.</summary>
public sealed class Revocation
{
    internal Revocation(string id, TokenKind kind, RevocationOutcome outcome, DateTimeOffset? discardedAt, string project)
    {
        Id = id;
        Kind = kind;
        Outcome = outcome;
        DiscardedAt = discardedAt;
        Project = project;
    }

    /// <summary>The token's id.</summary>
    public string Id { get; }

    /// <summary>Whether it was a project's token or a user's.</summary>
    public TokenKind Kind { get; }

    /// <summary>Whether this call ended it.</summary>
    public RevocationOutcome Outcome { get; }

    /// <summary>When it ended, by the server; null where the server's answer was lost.</summary>
    public DateTimeOffset? DiscardedAt { get; }

    /// <summary>The name of the session that revoked it.</summary>
    public string Project { get; }

    /// <summary>The token's id.</summary>
    /// <returns>The id.</returns>
    public override string ToString() => Id;
}

/// <summary>Whether a revocation changed anything.</summary>
public enum RevocationOutcome
{
    /// <summary>The token was live and is not any more.</summary>
    Revoked,

    /// <summary>It was not live any more: listed as revoked, or gone after an answer was lost.</summary>
    AlreadyRevoked,
}
