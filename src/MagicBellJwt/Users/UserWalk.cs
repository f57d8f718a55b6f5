using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>
/// A walk through all users of a project, and how far it has come: side by side they end in any order, and it goes on after the last one before whom
/// none is open.
/// </summary>
internal sealed class UserWalk
{
    private readonly object _gate = new();
    private readonly Queue<Step> _steps = new();
    private readonly UserReader _counting;
    private readonly UserReader _reader;
    private string? _last;

    /// <summary>Prepares a walk; nothing is sent.</summary>
    /// <param name="session">The project.</param>
    /// <param name="after">The id of the user after whom to begin; null for the first.</param>
    /// <exception cref="MagicBellException">The session was disconnected, or the id cannot be sent.</exception>
    internal UserWalk(Session session, string? after)
    {
        _counting = session.Users.Open(after: after);
        _reader = session.Users.Open(after: after);
        _last = after;
    }

    /// <summary>How many users there are, once they were counted.</summary>
    internal int Users { get; private set; }

    /// <summary>How many pages they fill, once they were counted.</summary>
    internal int Pages { get; private set; }

    /// <summary>The next page, while it is read; null where none is.</summary>
    internal Task<IReadOnlyList<User>?>? Reading { get; private set; }

    /// <summary>Whether there is nobody left to begin with.</summary>
    internal bool IsOver { get; private set; }

    /// <summary>Whether a page could not be read, so that those after it are missing.</summary>
    internal bool HasFailed { get; private set; }

    /// <summary>Whether its users are being visited.</summary>
    internal bool HasBegun { get; set; }

    /// <summary>Whether everybody was visited, and all of them was told.</summary>
    internal bool IsComplete
    {
        get
        {
            lock (_gate)
            {
                return IsOver && !HasFailed && _steps.Count == 0;
            }
        }
    }

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

    /// <summary>Counts the users. Their pages are read again on the way, so that no more than one is held.</summary>
    internal async Task CountAsync(CallContext call)
    {
        while (await _counting.ReadAsync(call).ConfigureAwait(false) is { } page)
        {
            Users += page.Count;
            Pages++;
        }
    }

    /// <summary>Begins to read the next page.</summary>
    internal Task ReadOn(CallContext call) => Reading = Task.Run(() => _reader.ReadAsync(call));

    /// <summary>Takes the page that was read.</summary>
    /// <returns>Its users; none after the last page.</returns>
    /// <exception cref="MagicBellException">It could not be read, and the walk is over.</exception>
    internal IReadOnlyList<User> Take()
    {
        Task<IReadOnlyList<User>?> reading = Reading!;
        Reading = null;
        HasFailed = IsOver = true;
        IReadOnlyList<User>? page = reading.GetAwaiter().GetResult();
        HasFailed = false;
        IsOver = page is null;
        return page ?? [];
    }

    /// <summary>Ends it here, since nobody else is needed.</summary>
    internal void End() => IsOver = true;

    /// <summary>Ends it before it has begun, since the users could not be counted.</summary>
    internal void Fail() => HasFailed = IsOver = true;

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
