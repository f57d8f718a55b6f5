using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace MagicBellJwt.Client;

/// <summary>Keeps one session under the API's rate limit: a burst at full speed, then the least wait that the limit allows.</summary>
/// <remarks>
/// A sliding window for each kind of request. A slot frees a minute after the answer, not after the send: the server counted
/// the request somewhere in between, so whichever window it keeps, it never counts more than the limit.
/// </remarks>
internal sealed class RateLimiter(TimeProvider clock, int readsPerMinute, int writesPerMinute)
{
    private static readonly TimeSpan s_window = TimeSpan.FromMinutes(1);

    private readonly object _lock = new();
    private readonly long _origin = clock.GetTimestamp();
    private readonly Window _reads = new(readsPerMinute);
    private readonly Window _writes = new(writesPerMinute);
    private TimeSpan _pausedUntil;
    private TaskCompletionSource<bool>? _slotReturned;

    // A monotonic clock: changing the system time during a long run neither stalls it nor breaks the limit.
    private TimeSpan Now => clock.GetElapsedTime(_origin);

    /// <summary>Takes a slot, waiting for one where the window is full or the session is paused.</summary>
    internal async Task EnterAsync(bool write, CallContext call)
    {
        while (true)
        {
            call.Stop.ThrowIfCancellationRequested();
            TimeSpan? wait;
            Task slotReturned;
            lock (_lock)
            {
                wait = WaitFor(write ? _writes : _reads);
                if (wait == TimeSpan.Zero)
                {
                    return;
                }

                _slotReturned ??= new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
                slotReturned = _slotReturned.Task;
            }

            if (wait is { } time)
            {
                call.Notify?.Invoke(new CallNotice(CallNoticeKind.Wait, "the rate limit", time));

                // Rounded up: timers drop parts of a millisecond, and the loop would spin until they have passed.
                await clock.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(time.TotalMilliseconds)), call.Stop).ConfigureAwait(false);
            }
            else
            {
                await slotReturned.WaitAsync(Timeout.InfiniteTimeSpan, clock, call.Stop).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Gives a slot back when the answer is there, or will not come.</summary>
    internal void Leave(bool write)
    {
        TaskCompletionSource<bool>? waiting;
        lock (_lock)
        {
            Window window = write ? _writes : _reads;
            window.InFlight--;
            window.Frees.Enqueue(Now + s_window);
            waiting = _slotReturned;
            _slotReturned = null;
        }

        waiting?.SetResult(true);
    }

    /// <summary>Makes the whole session wait, once however many requests were refused at a time.</summary>
    /// <returns>False where the session already waited that long.</returns>
    internal bool Pause(TimeSpan wait)
    {
        lock (_lock)
        {
            TimeSpan now = Now;
            bool waiting = _pausedUntil > now;
            if (now + wait > _pausedUntil)
            {
                _pausedUntil = now + wait;
            }

            return !waiting;
        }
    }

    // Zero: a slot was taken. Null: all slots are in flight, so nobody knows yet when one becomes free.
    private TimeSpan? WaitFor(Window window)
    {
        TimeSpan now = Now;
        if (_pausedUntil > now)
        {
            return _pausedUntil - now;
        }

        while (window.Frees.Count > 0 && window.Frees.Peek() <= now)
        {
            window.Frees.Dequeue();
        }

        if (window.InFlight + window.Frees.Count < window.Limit)
        {
            window.InFlight++;
            return TimeSpan.Zero;
        }

        return window.Frees.Count == 0 ? null : window.Frees.Peek() - now;
    }

    private sealed class Window(int limit)
    {
        internal int Limit { get; } = limit;

        internal Queue<TimeSpan> Frees { get; } = new();

        internal int InFlight { get; set; }
    }
}
