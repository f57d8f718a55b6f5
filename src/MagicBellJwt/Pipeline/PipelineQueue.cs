using System;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;

namespace MagicBellJwt;

/// <summary>The one way from background work to the pipeline: actions that run on the pipeline thread, in order.</summary>
internal sealed class PipelineQueue : IDisposable
{
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(250);

    private readonly ConcurrentQueue<Entry> _entries = new();

    // No spinning: an answer takes longer than any spin, and spinning would take processor time from the requests.
    private readonly ManualResetEventSlim _work = new(initialState: false, spinCount: 0);
    private readonly Stopwatch _sinceTick = Stopwatch.StartNew();
    private volatile bool _closed;

    /// <summary>Leaves an action for the pipeline thread and goes on. It is dropped where the pipeline has ended.</summary>
    internal void Post(Action action)
    {
        _entries.Enqueue(new Entry(action, null));
        Wake();
    }

    /// <summary>Leaves an action for the pipeline thread and waits for it.</summary>
    /// <param name="action">The action.</param>
    /// <param name="last">
    /// Whether nothing but a few instructions follows where it runs to its end: they are then done on the pipeline thread too, which
    /// saves two changes of threads.
    /// </param>
    /// <returns>True where it ran to its end; false where it threw, or the pipeline ended before.</returns>
    internal Task<bool> OfferAsync(Action action, bool last)
    {
        var taken = new TaskCompletionSource<bool>(last ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously);
        _entries.Enqueue(new Entry(action, taken));
        Wake();
        if (_closed)
        {
            RefuseAll();
        }

        return taken.Task;
    }

    /// <summary>Has the pipeline thread look at what it waits for.</summary>
    internal void Wake() => _work.Set();

    /// <summary>Runs actions on the calling thread, the pipeline's, until something is done.</summary>
    /// <param name="isDone">Asked after each batch, on this thread.</param>
    /// <param name="tick">Runs four times a second.</param>
    /// <param name="stop">Ends the wait; who cancels it calls <see cref="Wake"/> then.</param>
    internal void RunUntil(Func<bool> isDone, Action tick, CancellationToken stop)
    {
        while (true)
        {
            _work.Reset();
            while (_entries.TryDequeue(out Entry? entry))
            {
                entry.Run();
            }

            // By the clock: in a busy run there is never a pause in which a timeout would fire.
            if (_sinceTick.Elapsed >= s_tick)
            {
                tick();
                _sinceTick.Restart();
            }

            if (isDone())
            {
                return;
            }

            // The token is not passed to Wait: that would register a callback and remove it again for each answer.
            stop.ThrowIfCancellationRequested();
            _work.Wait(s_tick, CancellationToken.None);
            stop.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Tells everybody who waits, now or later, that the pipeline takes nothing any more.</summary>
    internal void Close()
    {
        _closed = true;
        RefuseAll();
    }

    /// <inheritdoc/>
    public void Dispose() => _work.Dispose();

    private void RefuseAll()
    {
        while (_entries.TryDequeue(out Entry? entry))
        {
            entry.Refuse();
        }
    }

    private sealed class Entry(Action action, TaskCompletionSource<bool>? taken)
    {
        internal void Run()
        {
            try
            {
                action();
                taken?.SetResult(true);
            }
            catch
            {
                Refuse();
                throw;
            }
        }

        // On another thread: what continues after a refusal may take long.
        internal void Refuse() => Task.Run(() => taken?.TrySetResult(false));
    }
}
