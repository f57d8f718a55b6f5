using System;
using System.Collections.Generic;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>A user of the project, as the API lists them. Every property may be null: the API promises none.</summary>
public sealed class User
{
    private readonly UserRecord _record;

    internal User(UserRecord record, Session session)
    {
        _record = record;
        Project = session.Name;
    }

    /// <summary>The user's id in MagicBell, which lists of tokens are asked for by; null where the server sent none.</summary>
    public string? UserId => _record.Id;

    /// <summary>The user's e-mail address; null where there is none.</summary>
    public string? Email => _record.Email;

    /// <summary>The user's id in your own system; null where there is none.</summary>
    public string? ExternalId => _record.ExternalId;

    /// <summary>The user's first name; null where there is none.</summary>
    public string? FirstName => _record.FirstName;

    /// <summary>The user's last name; null where there is none.</summary>
    public string? LastName => _record.LastName;

    /// <summary>When MagicBell first knew the user; null where the server does not say.</summary>
    public DateTimeOffset? CreatedAt => _record.CreatedAt;

    /// <summary>When the user was changed last; null where the server does not say.</summary>
    public DateTimeOffset? UpdatedAt => _record.UpdatedAt;

    /// <summary>When the user was seen last; null where that never was, or the server does not say.</summary>
    public DateTimeOffset? LastSeenAt => _record.LastSeenAt;

    /// <summary>When the user was notified last; null where that never was, or the server does not say.</summary>
    public DateTimeOffset? LastNotifiedAt => _record.LastNotifiedAt;

    /// <summary>What your own system keeps with the user: text, numbers, Booleans, and dictionaries and lists of them; null where there is nothing.</summary>
    public object? CustomAttributes => _record.CustomAttributes;

    /// <summary>The name of the session that listed the user.</summary>
    public string Project { get; }

    /// <summary>Fields of the answer that the API's document does not name; null where there were none.</summary>
    public IReadOnlyDictionary<string, object?>? OtherFields => _record.OtherFields;

    /// <summary>The first and last name, as far as they are there; empty where neither is.</summary>
    internal string FullName => $"{FirstName} {LastName}".Trim();

    /// <summary>A user in a sentence: the id, and who that is where it is known.</summary>
    internal static string Describe(string userId, User? user) => (user?.Email ?? user?.ExternalId) is { } name ? $"{userId} ({ScreenText.Of(name)})" : userId;

    /// <summary>The user's id.</summary>
    /// <returns>The id; empty where the server sent none.</returns>
    public override string ToString() => UserId ?? "";
}
