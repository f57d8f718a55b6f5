using System;
using System.Linq;
using MagicBellJwt.Client.Rotation;

namespace MagicBellJwt.Rotation;

/// <summary>One rotation that is under way in this process: what the journal knows of it, and what only this process knows.</summary>
internal sealed class Rotation(RotationEntry entry, TokenScope scope, ITokenStore? store)
{
    internal RotationEntry Entry { get; } = entry;

    internal TokenScope Scope { get; } = scope;

    /// <summary>Where the new token goes; null for the pipeline.</summary>
    internal ITokenStore? Store { get; } = store;

    /// <summary>What to issue; null where an earlier run was to issue it.</summary>
    internal TokenRequest? Request { get; init; }

    internal Guid Key { get; init; }

    /// <summary>Whether an earlier run began it.</summary>
    internal bool IsResumed => Request is null;

    /// <summary>The new token; null before it is issued, and where an earlier run issued it.</summary>
    internal IssuedToken? Issued { get; set; }

    /// <summary>The new token's value; null where it is not at hand.</summary>
    internal string? Value { get; set; }

    /// <summary>Whether only this process has the new token's value.</summary>
    internal bool IsUndelivered { get; set; }

    internal string? NewId => Issued?.Id ?? Entry.NewId;

    /// <summary>Whether the list showed an id before the new token was issued.</summary>
    internal bool IsOlder(string id) => Entry.Before?.Contains(id, StringComparer.OrdinalIgnoreCase) == true || TokenScope.IsSameId(id, Entry.OldId);
}
