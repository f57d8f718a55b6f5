using System;
using System.Threading;

namespace MagicBellJwt.Client.Tests;

/// <summary>A clock that runs faster than the world's, so that back-offs over real sockets take no time worth speaking of.</summary>
internal sealed class HurriedClock(int factor) : TimeProvider
{
    private readonly DateTimeOffset _begin = System.GetUtcNow();
    private readonly long _start = System.GetTimestamp();

    public override long TimestampFrequency => System.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => _begin + (System.GetElapsedTime(_start) * factor);

    public override long GetTimestamp() => _start + ((System.GetTimestamp() - _start) * factor);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new HurriedTimer(System.CreateTimer(callback, state, Hurry(dueTime), Hurry(period)), this);

    // The system's timers may ring a millisecond early by the other clock, which is half a second here: never before it is time.
    private TimeSpan Hurry(TimeSpan time) => time <= TimeSpan.Zero ? time : (time / factor) + TimeSpan.FromMilliseconds(1);

    private sealed class HurriedTimer(ITimer timer, HurriedClock clock) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(clock.Hurry(dueTime), clock.Hurry(period));

        public void Dispose() => timer.Dispose();

        public System.Threading.Tasks.ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
