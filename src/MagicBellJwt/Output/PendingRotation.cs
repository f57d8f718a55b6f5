using System;
using MagicBellJwt.Client.Rotation;
using MagicBellJwt.Rotation;

namespace MagicBellJwt;

/// <summary>A rotation that is under way, as its journal knows it. Holds no secret.</summary>
public sealed class PendingRotation
{
    internal PendingRotation(RotationEntry entry, Session session, string journal)
    {
        DateTimeOffset now = session.Service.ServerNow;
        Kind = string.Equals(entry.Kind, nameof(TokenKind.User), StringComparison.OrdinalIgnoreCase) ? TokenKind.User : TokenKind.Project;
        Name = entry.Name;
        UserId = entry.UserId;
        OldId = entry.OldId;
        NewId = entry.NewId;
        Step = entry.Step.ToString();
        BegunAt = entry.BegunAt;
        DueAt = entry.DueAt;
        IsOverdue = entry.Step != RotationStep.Retiring || entry.DueAt <= now;
        StoredIn = RotationText.StoredIn(entry);
        NextRun = RotationText.NextRun(entry, now);
        Journal = journal;
        Session = session;
    }

    /// <summary>The name of both tokens; null where they have none.</summary>
    public string? Name { get; }

    /// <summary>Whether they are a project's or a user's.</summary>
    public TokenKind Kind { get; }

    /// <summary>The id of the user whose tokens they are; null for a project's.</summary>
    public string? UserId { get; }

    /// <summary>The id of the token that is replaced.</summary>
    public string OldId { get; }

    /// <summary>The id of the new token; null where it is not known.</summary>
    public string? NewId { get; }

    /// <summary>How far it came: <c>Begun</c>, <c>InDoubt</c>, <c>Created</c>, <c>Proved</c>, <c>Storing</c>, <c>Stored</c>, <c>Retiring</c>, <c>Revoking</c> or <c>Undoing</c>.</summary>
    public string Step { get; }

    /// <summary>When it was begun.</summary>
    public DateTimeOffset BegunAt { get; }

    /// <summary>From when on the old token is to be revoked; null where it does not wait for a time.</summary>
    public DateTimeOffset? DueAt { get; }

    /// <summary>Whether a run is due now: the time has come by the server's clock, or the rotation was interrupted.</summary>
    public bool IsOverdue { get; }

    /// <summary>Where the new token is to be: <c>vault/secret</c>, a file, or <c>-SaveTo</c>; null where it went down the pipeline.</summary>
    public string? StoredIn { get; }

    /// <summary>What the next run, or <c>-Resume</c>, will do.</summary>
    public string NextRun { get; }

    /// <summary>The journal's file.</summary>
    public string Journal { get; }

    /// <summary>The name of the session whose project it is in.</summary>
    public string Project => Session.Name;

    internal Session Session { get; }

    /// <summary>The id of the token that is replaced.</summary>
    /// <returns>The id.</returns>
    public override string ToString() => OldId;
}
