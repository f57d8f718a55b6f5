using System;
using System.Collections.Generic;

namespace MagicBellJwt.Client;

/// <summary>A user of the project, an item of <c>GET /users</c>. The vendor's clients call every field optional. Times are in UTC as the server sent them.</summary>
public sealed class UserRecord
{
    /// <summary>The user's id in MagicBell, opaque; null where the server sent none.</summary>
    public string? Id { get; internal set; }

    /// <summary>The user's e-mail address; null where there is none.</summary>
    public string? Email { get; internal set; }

    /// <summary>The user's id in the caller's own system; null where there is none.</summary>
    public string? ExternalId { get; internal set; }

    /// <summary>The user's first name; null where there is none.</summary>
    public string? FirstName { get; internal set; }

    /// <summary>The user's last name; null where there is none.</summary>
    public string? LastName { get; internal set; }

    /// <summary>What the caller's own system keeps with the user, as plain values (text, numbers, dictionaries, lists), freed of secrets; null where there is nothing.</summary>
    public object? CustomAttributes { get; internal set; }

    /// <summary>When MagicBell first knew the user; null where the server does not say.</summary>
    public DateTimeOffset? CreatedAt { get; internal set; }

    /// <summary>When the user was changed last; null where the server does not say.</summary>
    public DateTimeOffset? UpdatedAt { get; internal set; }

    /// <summary>When the user was seen last; null where that never was, or the server does not say.</summary>
    public DateTimeOffset? LastSeenAt { get; internal set; }

    /// <summary>When the user was notified last; null where that never was, or the server does not say.</summary>
    public DateTimeOffset? LastNotifiedAt { get; internal set; }

    /// <summary>Fields that the document does not name, as plain values, freed of secrets; null where there were none.</summary>
    public IReadOnlyDictionary<string, object?>? OtherFields { get; internal set; }
}
