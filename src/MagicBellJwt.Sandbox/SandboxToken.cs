using System;
using System.Threading;

namespace MagicBellJwt.Sandbox;

/// <summary>A token as the sandbox keeps it: everything but its value, which only the answer to its creation carries.</summary>
public sealed class SandboxToken
{
    private long _discardedTicks;

    internal SandboxToken(Guid id, SandboxUser? user, string? name, DateTimeOffset createdAt, DateTimeOffset? expiresAt)
    {
        Id = id;
        User = user;
        Name = name;
        CreatedAt = createdAt;
        ExpiresAt = expiresAt;
    }

    /// <summary>The token's id, the <c>jti</c> claim of its JWT.</summary>
    public Guid Id { get; }

    /// <summary><c>project</c> or <c>user</c>.</summary>
    public string Kind => User is null ? "project" : "user";

    /// <summary>The id of the user whom a user token is for; null for a project token.</summary>
    public string? UserId => User?.Id;

    /// <summary>The name given at creation; null where a user token was given none.</summary>
    public string? Name { get; }

    /// <summary>When the token was issued, in whole seconds.</summary>
    public DateTimeOffset CreatedAt { get; }

    /// <summary>When the token ends by itself; null when it never does.</summary>
    public DateTimeOffset? ExpiresAt { get; }

    /// <summary>When the token was revoked; null as long as it is not.</summary>
    public DateTimeOffset? DiscardedAt
    {
        get => Volatile.Read(ref _discardedTicks) is var ticks and not 0 ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;
        internal set => Volatile.Write(ref _discardedTicks, value!.Value.UtcTicks);
    }

    internal SandboxUser? User { get; }

    internal bool IsDiscarded => Volatile.Read(ref _discardedTicks) != 0;

    /// <summary>Where the token stands in its list, the oldest at 0. It never changes.</summary>
    internal int Position { get; set; }

    /// <summary>For a token that is listed no more: a position on the way to the nearest older one that is.</summary>
    internal int Older { get; set; }

    /// <summary>For a token that is listed no more: a position on the way to the nearest newer one that is.</summary>
    internal int Newer { get; set; }

    /// <summary>Whether the token opens the API at a moment: neither revoked nor expired.</summary>
    /// <param name="now">The moment.</param>
    /// <returns>True when a request with the token as its bearer is not a 401.</returns>
    public bool IsLive(DateTimeOffset now) => !IsDiscarded && !(ExpiresAt <= now);
}
