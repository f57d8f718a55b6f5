using System;
using System.Collections.Generic;

namespace MagicBellJwt.Client;

/// <summary>One item of a list answer (<c>FetchTokensResponseToken</c>). Times are in UTC as the server sent them.</summary>
public sealed class ListedTokenRecord
{
    /// <summary>The token's id, a UUID as the server wrote it (<c>id</c>, or <c>token_id</c> as in create answers); null where it sent none.</summary>
    public string? Id { get; internal set; }

    /// <summary>The token's name; null where it has none.</summary>
    public string? Name { get; internal set; }

    /// <summary>When the token was issued; the one field that the document requires.</summary>
    public DateTimeOffset CreatedAt { get; internal set; }

    /// <summary>When the token ends by itself; null where it never does.</summary>
    public DateTimeOffset? ExpiresAt { get; internal set; }

    /// <summary>When the token was revoked; null where it was not.</summary>
    public DateTimeOffset? DiscardedAt { get; internal set; }

    /// <summary>When the token was last used, where a server says so: the API's prose speaks of it, its schema has no such field.</summary>
    public DateTimeOffset? LastUsedAt { get; internal set; }

    /// <summary>Fields that the document does not name, as plain values, freed of secrets; null where there were none.</summary>
    public IReadOnlyDictionary<string, object?>? OtherFields { get; internal set; }
}

/// <summary>The answer to a create (<c>AccessToken</c>): the only place where the API ever shows the token's value.</summary>
public sealed class CreatedToken
{
    /// <summary>The token's value. A secret.</summary>
    public string Token { get; internal set; } = "";

    /// <summary>The token's id, a UUID as the server wrote it (<c>token_id</c>).</summary>
    public string TokenId { get; internal set; } = "";

    /// <summary>When the token was issued.</summary>
    public DateTimeOffset CreatedAt { get; internal set; }

    /// <summary>When the token ends by itself; null where it never does, or where <see cref="IsExpiryUnknown"/> is true.</summary>
    public DateTimeOffset? ExpiresAt { get; internal set; }

    /// <summary>Whether an end was asked for, and the answer does not say one: then nobody knows whether the token ever ends.</summary>
    public bool IsExpiryUnknown { get; internal set; }

    /// <summary>Whether an earlier create of the same service was answered with this id: somebody may hold that token, so nothing is to be done to the id on this answer's word.</summary>
    public bool WasIssuedBefore { get; internal set; }

    /// <summary>How often the create was sent.</summary>
    public int Attempts { get; internal set; }

    /// <summary>The server's id of the request that was answered; null where it sent none.</summary>
    public string? RequestId { get; internal set; }

    /// <summary>The id, never the value.</summary>
    /// <returns>The token's id.</returns>
    public override string ToString() => TokenId;
}

/// <summary>The answer to a revocation (<c>DiscardTokenResponse</c>).</summary>
/// <param name="TokenId">The id that was revoked.</param>
/// <param name="DiscardedAt">When, by the server.</param>
public sealed record DiscardedToken(string TokenId, DateTimeOffset DiscardedAt)
{
    /// <summary>How often the revocation was sent.</summary>
    public int Attempts { get; internal set; }

    /// <summary>The server's id of the request that was answered; null where it sent none.</summary>
    public string? RequestId { get; internal set; }
}

/// <summary>What to issue for a project (<c>CreateProjectTokenRequest</c>).</summary>
/// <param name="Name">The token's name, 1 to 255 characters; the document requires it.</param>
/// <param name="Lifetime">Whole seconds until it ends, 1 or more; null for a token that never does.</param>
public sealed record CreateProjectToken(string Name, long? Lifetime);

/// <summary>What to issue for a user (<c>CreateUserTokenRequest</c>). One of e-mail address and external id identifies the user.</summary>
/// <param name="Email">The user's e-mail address, at most 255 characters; null for none.</param>
/// <param name="ExternalId">The user's id in the caller's own system, at most 255 characters; null for none.</param>
/// <param name="Name">The token's name, at most 255 characters; null for none.</param>
/// <param name="Lifetime">Whole seconds until it ends, 1 or more; null for a token that never does.</param>
public sealed record CreateUserToken(string? Email, string? ExternalId, string? Name, long? Lifetime);

/// <summary>Where a list begins. The module speaks the paging dialect of the vendor's clients from 2025 on.</summary>
/// <param name="Size">Tokens or users a page (<c>limit</c>); null for the server's default.</param>
/// <param name="After">The id after which the list begins (<c>starting_after</c>); null for its start.</param>
/// <param name="Before">The id before which the list ends, read backwards (<c>ending_before</c>); null for none.</param>
public sealed record PageRequest(int? Size = null, string? After = null, string? Before = null);
