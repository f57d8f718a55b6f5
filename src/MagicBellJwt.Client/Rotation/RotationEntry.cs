using System;
using System.Collections.Generic;

namespace MagicBellJwt.Client.Rotation;

/// <summary>One rotation, as the journal knows it. Holds no secret.</summary>
public sealed class RotationEntry
{
    internal RotationEntry(Guid id) => Id = id;

    /// <summary>The rotation's own id.</summary>
    public Guid Id { get; }

    /// <summary>The project: its address's host, with the port where it is not https's own, and its id.</summary>
    public string Project { get; internal set; } = "";

    /// <summary><c>project</c> or <c>user</c>.</summary>
    public string Kind { get; internal set; } = "";

    /// <summary>The id of the token that is replaced.</summary>
    public string OldId { get; internal set; } = "";

    /// <summary>The name of both tokens; null where they have none.</summary>
    public string? Name { get; internal set; }

    /// <summary>The id of the user whose tokens they are; null for a project's.</summary>
    public string? UserId { get; internal set; }

    /// <summary>Where it stands.</summary>
    public RotationStep Step { get; internal set; }

    /// <summary>When it was begun.</summary>
    public DateTimeOffset BegunAt { get; internal set; }

    /// <summary>When it came to <see cref="Step"/>.</summary>
    public DateTimeOffset StepAt { get; internal set; }

    /// <summary>The id of the new token; null before it is known.</summary>
    public string? NewId { get; internal set; }

    /// <summary>The fingerprint of the new token; null before it is known.</summary>
    public string? Fingerprint { get; internal set; }

    /// <summary>The vault that the new token goes to; null where it goes elsewhere.</summary>
    public string? Vault { get; internal set; }

    /// <summary>The secret's name in the vault; null where there is no vault, or before it is known.</summary>
    public string? Secret { get; internal set; }

    /// <summary>The file that the new token goes to; null where it goes elsewhere.</summary>
    public string? File { get; internal set; }

    /// <summary>Whether a script block stores the new token.</summary>
    public bool IsStoredByScript { get; internal set; }

    /// <summary>How long the old token stays after the new one is stored; zero for not at all.</summary>
    public TimeSpan Overlap { get; internal set; }

    /// <summary>From when on the old token is to be revoked; null where that is at once.</summary>
    public DateTimeOffset? DueAt { get; internal set; }

    /// <summary>When the old token was revoked; null where it was not.</summary>
    public DateTimeOffset? OldRevokedAt { get; internal set; }

    /// <summary>The ids of the tokens of that name that the list showed right before the new one was issued; null in journals of earlier versions.</summary>
    public IReadOnlyList<string>? Before { get; internal set; }

    /// <summary>The ids of tokens that this rotation may have issued and that nobody may hold.</summary>
    public IReadOnlyList<string> PossibleOrphans { get; internal set; } = [];

    /// <summary>Whether nothing is left to do.</summary>
    public bool IsFinished => Step is RotationStep.Done or RotationStep.Undone or RotationStep.HandedOver;

    /// <summary>Whether a store has given the new token back.</summary>
    public bool IsCompleted => Step is RotationStep.Stored or RotationStep.Retiring or RotationStep.Revoking or RotationStep.Done;
}
