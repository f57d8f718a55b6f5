using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;
using Microsoft.Extensions.Time.Testing;

namespace MagicBellJwt.Client.Tests;

/// <summary>
/// A clock that stands still while anybody works, and moves to the next moment that somebody waits for when all of them wait.
/// Hours pass in seconds, and in the same way each time.
/// </summary>
internal sealed class SimulatedClock : FakeTimeProvider
{
    /// <summary>Timers from this long on are limits, such as that of an attempt: nobody waits for them.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromHours(8);

    private readonly object _lock = new();
    private readonly Dictionary<WaitTimer, DateTimeOffset> _waits = [];
    private readonly Channel<bool> _changes = Channel.CreateUnbounded<bool>();
    private int _workers;

    public SimulatedClock()
        : base(new DateTimeOffset(2031, 1, 1, 0, 0, 17, TimeSpan.Zero))
    {
    }

    /// <summary>Runs workers, each of which is always working or waiting for one moment of this clock.</summary>
    public async Task RunAsync(IEnumerable<Func<Task>> workers)
    {
        Task[] running = [.. workers.Select(worker =>
        {
            Interlocked.Increment(ref _workers);
            return Task.Run(async () =>
            {
                try
                {
                    await worker();
                }
                finally
                {
                    Interlocked.Decrement(ref _workers);
                    _changes.Writer.TryWrite(true);
                }
            });
        })];
        while (Volatile.Read(ref _workers) > 0)
        {
            DateTimeOffset? next = null;
            lock (_lock)
            {
                if (_waits.Count > 0 && _waits.Count == Volatile.Read(ref _workers))
                {
                    next = _waits.Values.Min();
                }
            }

            if (next is { } moment)
            {
                Advance(moment - GetUtcNow());
            }
            else
            {
                // Ends with a TimeoutException where somebody neither works nor waits for the clock.
                await _changes.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
            }
        }

        await Task.WhenAll(running);
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new WaitTimer(this);
        timer.Start(base.CreateTimer(
            _ =>
            {
                Note(timer, Timeout.InfiniteTimeSpan);
                callback(state);
            },
            null,
            Timeout.InfiniteTimeSpan,
            period));
        timer.Change(dueTime, period);
        return timer;
    }

    private void Note(WaitTimer timer, TimeSpan dueTime)
    {
        lock (_lock)
        {
            if (dueTime == Timeout.InfiniteTimeSpan || dueTime >= Limit)
            {
                _waits.Remove(timer);
            }
            else
            {
                _waits[timer] = GetUtcNow() + dueTime;
            }
        }

        _changes.Writer.TryWrite(true);
    }

    private sealed class WaitTimer(SimulatedClock clock) : ITimer
    {
        private ITimer? _timer;

        public void Start(ITimer timer) => _timer = timer;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            // Armed before it is noted: the clock moves when all waits are noted.
            bool changed = _timer!.Change(dueTime, period);
            clock.Note(this, dueTime);
            return changed;
        }

        public void Dispose()
        {
            clock.Note(this, Timeout.InfiniteTimeSpan);
            _timer!.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
