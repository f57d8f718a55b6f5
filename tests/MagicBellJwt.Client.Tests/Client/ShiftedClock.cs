using System;

namespace MagicBellJwt.Client.Tests;

/// <summary>A clock that is wrong by so much.</summary>
internal sealed class ShiftedClock(TimeSpan offset) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + offset;
}
