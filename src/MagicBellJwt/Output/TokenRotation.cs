using System;
using MagicBellJwt.Client.Rotation;

namespace MagicBellJwt;

/// <summary>What came of a rotation. Holds no secret.</summary>
public sealed class TokenRotation
{
    internal TokenRotation(RotationEntry entry, TokenKind kind, string? storedIn, string project, bool resumed)
    {
        OldId = entry.OldId;
        NewId = entry.NewId!;
        Name = entry.Name;
        Kind = kind;
        UserId = entry.UserId;
        Fingerprint = entry.Fingerprint!;
        StoredIn = storedIn;
        OldRevokedAt = entry.OldRevokedAt;
        OldRevokedAfter = entry.OldRevokedAt is null ? entry.DueAt : null;
        Resumed = resumed;
        Project = project;
    }

    /// <summary>The id of the token that was replaced.</summary>
    public string OldId { get; }

    /// <summary>The id of the token that replaces it.</summary>
    public string NewId { get; }

    /// <summary>The name of both; null where they have none.</summary>
    public string? Name { get; }

    /// <summary>Whether they are a project's or a user's.</summary>
    public TokenKind Kind { get; }

    /// <summary>The id of the user whose tokens they are; null for a project's.</summary>
    public string? UserId { get; }

    /// <summary>The first 12 hexadecimal digits of SHA-256 over the new token.</summary>
    public string Fingerprint { get; }

    /// <summary>Where the new token is: <c>vault/secret</c>, a file, or <c>-SaveTo</c>; null where it could not be told.</summary>
    public string? StoredIn { get; }

    /// <summary>
    /// When the old token ended, by the server; where its answer was lost, when it was asked again. Null where the old token is still
    /// live: until <see cref="OldRevokedAfter"/>, or for good where that is null too.
    /// </summary>
    public DateTimeOffset? OldRevokedAt { get; }

    /// <summary>From when on the old token is to be revoked, by the next rotation or by <c>-Resume</c>; null where nothing waits.</summary>
    public DateTimeOffset? OldRevokedAfter { get; }

    /// <summary>Whether an earlier, interrupted run began it, or it had waited for its time.</summary>
    public bool Resumed { get; }

    /// <summary>The name of the session that rotated it.</summary>
    public string Project { get; }

    /// <summary>The new token's id.</summary>
    /// <returns>The id.</returns>
    public override string ToString() => NewId;
}
