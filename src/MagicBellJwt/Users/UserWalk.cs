using System;
using System.Collections.Generic;

namespace MagicBellJwt;

/// <summary>How far a walk through all users has come: side by side they end in any order, and it goes on after the last one before whom none is open.</summary>
internal sealed class UserWalk(string? after)
{
    private readonly object _gate = new();
    private readonly Queue<Step> _steps = new();
    private string? _last = after;

    /// <summary>The id after which it would go on; null where it would begin anew.</summary>
    internal string? Last
    {
        get
        {
            lock (_gate)
            {
                return _last;
            }
        }
    }

    /// <summary>Begins with a user, in the order of the list.</summary>
    /// <returns>What to call when all of that user is told.</returns>
    internal Action Begin(string userId)
    {
        var step = new Step(userId);
        lock (_gate)
        {
            _steps.Enqueue(step);
        }

        return () =>
        {
            lock (_gate)
            {
                step.IsDone = true;
                while (_steps.Count > 0 && _steps.Peek().IsDone)
                {
                    _last = _steps.Dequeue().UserId;
                }
            }
        };
    }

    private sealed class Step(string userId)
    {
        internal string UserId { get; } = userId;

        internal bool IsDone { get; set; }
    }
}
