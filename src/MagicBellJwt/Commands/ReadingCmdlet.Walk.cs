using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Client;

namespace MagicBellJwt.Commands;

/// <content>The way through all users of one project or of several.</content>
public abstract partial class ReadingCmdlet
{
    private Func<bool> _isEnough = () => false;
    private Action<Lane, User, Action>? _visit;

    /// <summary>What to do where a walk through all users was interrupted; null where it is to begin at a place.</summary>
    private protected virtual string? HowToGoOn => null;

    /// <summary>Names the places where walks through all users were interrupted.</summary>
    /// <param name="disposing">True: there is no finalizer.</param>
    protected override void Dispose(bool disposing)
    {
        Lane[] interrupted = [.. (_lanes ?? []).Where(lane => lane.IsInterrupted)];
        if (interrupted.Length > 0 && !IsSatisfied)
        {
            WarnAfterEnd(Describe(interrupted));
        }

        base.Dispose(disposing);
    }

    /// <summary>Goes through all users of the projects, page by page, after it has counted them and said how long it will take.</summary>
    /// <param name="after">The id of the user after whom to begin; null for the first.</param>
    /// <param name="otherReads">How many lists are read of each project beside the users'.</param>
    /// <param name="knownLists">How many lists of a project need not be read.</param>
    /// <param name="isEnough">Whether nobody else needs to be read.</param>
    /// <param name="visit">Starts what there is to do with a user; its third argument is called when all of that user is told.</param>
    /// <returns>Whether all users of all projects were read.</returns>
    private protected bool Walk(string? after, int otherReads, Func<Session, int> knownLists, Func<bool> isEnough, Action<Lane, User, Action> visit)
    {
        _isEnough = isEnough;
        _visit = visit;
        var counts = new List<(Lane Lane, Task Counting)>();
        foreach (Lane lane in Lanes)
        {
            Try(TargetOf(lane, after), () => lane.Walk = new UserWalk(lane.Session, after), lane);
            if (lane.Walk is { } walk)
            {
                counts.Add((lane, Task.Run(() => walk.CountAsync(ReadCall))));
            }
        }

        // WhenAny: each failure is reported below, and the wait for everything in flight must not throw it again.
        counts.ForEach(count => Track(Task.WhenAny(count.Counting)));
        WaitUntil(() => counts.All(count => count.Counting.IsCompleted));
        int lists = 0;
        (int Minutes, int PerMinute, int Reads) longest = (-1, 0, 0);
        foreach ((Lane lane, Task counting) in counts)
        {
            UserWalk walk = lane.Walk!;
            if (!Try(TargetOf(lane, after), () => counting.GetAwaiter().GetResult(), lane))
            {
                walk.Fail();
                continue;
            }

            walk.HasBegun = true;

            // The pages are read again on the way, so that no more than one is held.
            int reads = Math.Max(0, walk.Users + otherReads - knownLists(lane.Session)) + walk.Pages;
            int perMinute = lane.Session.Service.ReadsPerMinute;
            int minutes = (walk.Pages + reads - 1) / perMinute;
            string told = FormattableString.Invariant($"{walk.Users} users of project '{lane.Session.Name}' are read, each by one request or more: {(minutes < 1 ? "less than a minute" : $"about {minutes} minutes")} at {perMinute} reads a minute.");
            if (minutes >= 1)
            {
                WriteWarning(told);
            }
            else
            {
                WriteVerbose(told);
            }

            lists += walk.Users + otherReads;
            longest = minutes > longest.Minutes ? (minutes, perMinute, reads + walk.Pages) : longest;
        }

        // Side by side they take as long as the one that takes longest.
        Expect(lists, longest.PerMinute, longest.Reads);
        Drain();
        Finish();
        return Lanes.All(lane => lane is { IsClosed: false, Walk.HasFailed: false });
    }

    /// <summary>The tokens of a user whom the list of users has just shown.</summary>
    private protected static TokenScope ScopeOf(Session session, User user) =>
        new(session, TokenKind.User, user.UserId, new UserMatch(new UserReference(user.UserId, null, null), user, null));

    /// <summary>Refuses what contradicts -AllUsers.</summary>
    /// <exception cref="MagicBellException">Somebody was given as well, or a place to go on without it, or in no one project.</exception>
    private protected void CheckAllUsers(bool isAll, string? after, params Array?[] given)
    {
        if (isAll && (IsRow || Array.Exists(given, values => values is not { Length: 0 })))
        {
            throw MagicBellException.Invalid("-AllUsers means everybody, and somebody was given as well, or the pipeline was to bring somebody. Give one of them.");
        }

        if (after is not null && !isAll)
        {
            throw MagicBellException.Invalid("-AfterUser says where -AllUsers goes on, and -AllUsers was not given.");
        }

        if (after is not null && IsSeveral)
        {
            throw MagicBellException.Invalid("-AfterUser names a user of one project, and several sessions were given. Go on in each by itself: -Session NAME -AllUsers -AfterUser ID.");
        }
    }

    // Where several are read, an error is about the project.
    private static string? TargetOf(Lane lane, string? after) => lane.IsAlone ? after : lane.Session.Name;

    private void Take(Lane lane, UserWalk walk)
    {
        IReadOnlyList<User> page = [];
        Try(TargetOf(lane, null), () => page = walk.Take(), lane);
        foreach (User user in page)
        {
            lane.Waiting.Enqueue(() =>
            {
                if (_isEnough())
                {
                    lane.Waiting.Clear();
                    walk.End();
                }
                else if (user.UserId is { } userId)
                {
                    _visit!(lane, user, walk.Begin(userId));
                }
                else
                {
                    Try(user.Email ?? user.ExternalId, () => throw new MagicBellException(MagicBellError.UnexpectedResponse, "The server lists a user without an id, so the tokens of that user cannot be asked for."), lane);
                }
            });
        }
    }

    private string Describe(Lane[] interrupted)
    {
        if (Lanes.Count == 1)
        {
            return interrupted[0].Walk!.Last is { } last
                ? $"It was interrupted, and the users after {ScreenText.Of(last)} were not all read. {HowToGoOn ?? "To go on there: " + Place(interrupted[0].Walk!)}"
                : "It was interrupted before the first user was read.";
        }

        string names = string.Join(", ", interrupted.Select(lane => $"'{lane.Session.Name}'"));
        return $"It was interrupted, and the users of {(interrupted.Length == 1 ? "the project" : "the projects")} {names} were not all read. "
            + (HowToGoOn ?? $"To go on there, one by one: {string.Join("; ", interrupted.Select(lane => $"-Session {CommandText.Quote(ScreenText.Of(lane.Session.Name))} {Place(lane.Walk!)}"))}");
    }

    private static string Place(UserWalk walk) => "-AllUsers" + (walk.Last is { } last ? $" -AfterUser {CommandText.Quote(ScreenText.Of(last))}" : "");
}
