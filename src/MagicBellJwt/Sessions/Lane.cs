using System;
using System.Collections.Generic;
using System.Threading;

namespace MagicBellJwt;

/// <summary>What is read of one project: so much at a time, whatever is read of the others beside it.</summary>
/// <param name="session">The project.</param>
/// <param name="isAlone">Whether it is the only one that is read.</param>
internal sealed class Lane(Session session, bool isAlone)
{
    private int _underWay;

    internal Session Session { get; } = session;

    internal bool IsAlone { get; } = isAlone;

    /// <summary>Whether asking on is pointless: the project has failed in a way in which every further call would. Only where it is not alone.</summary>
    internal bool IsClosed { get; set; }

    /// <summary>How many calls are in flight.</summary>
    internal int UnderWay => Volatile.Read(ref _underWay);

    /// <summary>What is still to be started, in order.</summary>
    internal Queue<Action> Waiting { get; } = new();

    /// <summary>The walk through the project's users that brings more to start; null where there is none.</summary>
    internal UserWalk? Walk { get; set; }

    /// <summary>Whether nothing is left to start.</summary>
    internal bool IsDone => IsClosed || (Waiting.Count == 0 && Walk is not { IsOver: false });

    /// <summary>Whether a walk has begun here that has not come to its end.</summary>
    internal bool IsInterrupted => Walk is { HasBegun: true } walk && (IsClosed || Waiting.Count > 0 || !walk.IsComplete);

    internal void Begin() => Interlocked.Increment(ref _underWay);

    internal void End() => Interlocked.Decrement(ref _underWay);
}
