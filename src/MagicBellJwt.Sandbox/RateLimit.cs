using System;
using System.Collections.Generic;

namespace MagicBellJwt.Sandbox;

/// <summary>So many requests a minute, of the window's kind. A refused request takes no place.</summary>
internal sealed class RateLimit(int perMinute, RateLimitWindow window)
{
    private readonly Queue<DateTimeOffset> _admitted = new();

    /// <summary>Admits a request, or says how long it takes until a place is free.</summary>
    public TimeSpan Admit(DateTimeOffset now)
    {
        while (_admitted.Count > 0 && FreedAt(_admitted.Peek()) <= now)
        {
            _admitted.Dequeue();
        }

        if (_admitted.Count < perMinute)
        {
            _admitted.Enqueue(now);
            return TimeSpan.Zero;
        }

        return FreedAt(_admitted.Peek()) - now;
    }

    private DateTimeOffset FreedAt(DateTimeOffset admission)
    {
        DateTimeOffset start = window == RateLimitWindow.Sliding ? admission : admission.AddTicks(-(admission.UtcTicks % TimeSpan.TicksPerMinute));
        return start.AddMinutes(1);
    }
}
