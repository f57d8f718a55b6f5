using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Client;
using MagicBellJwt.Completion;

namespace MagicBellJwt.Commands;

/// <summary>A cmdlet that acts in one project.</summary>
public abstract partial class SessionCmdlet : MagicBellCmdlet
{
    private UserWalk? _walk;

    /// <summary>The session to act in, or its name; without it, the one that was connected last.</summary>
    [Parameter]
    [Session]
    [ArgumentCompleter(typeof(SessionCompleter))]
    [ValidateNotNull]
    public Session? Session { get; set; }

    /// <summary>The session to act in.</summary>
    /// <exception cref="MagicBellException">There is none.</exception>
    private protected Session CurrentSession => Session ?? SessionStore.Current.Latest
        ?? throw new MagicBellException(MagicBellError.NotConnected, "There is no session.");

    /// <inheritdoc/>
    private protected override string WhereArgument => Session is null ? "" : CommandText.SessionArgument(Session);

    /// <summary>The session to act in on a token: its own, unless another one was asked for.</summary>
    /// <exception cref="MagicBellException">It was disconnected, or is of another project than the token says it is of.</exception>
    private protected Session SessionOf(TokenReference token)
    {
        Session session = token.Session ?? CurrentSession;
        _ = session.Service;
        return token.Project is null || string.Equals(token.Project, session.Name, StringComparison.OrdinalIgnoreCase)
            ? session
            : throw new MagicBellException(
                MagicBellError.InvalidRequest,
                $"The token {token.Id} is of project '{token.Project}', and the session is of '{session.Name}'. Give the session of its project with -Session.");
    }

    /// <summary>Runs a step whose failure is an error about one input.</summary>
    private protected bool Try(object? target, Action step)
    {
        try
        {
            if (target is string text && ScreenText.HoldsToken(text))
            {
                throw MagicBellException.Invalid("This is a token's value, or holds one, where a name or an id is asked for. It would be shown wherever that is, so nothing was done.");
            }

            step();
            return true;
        }
        catch (MagicBellException failure)
        {
            Report(failure, target);
            ThrowIfFatal();
            return false;
        }
    }

    /// <summary>What to do where a walk through all users was interrupted; null where it is to begin at a place.</summary>
    private protected virtual string? HowToGoOn => null;

    /// <summary>Names the place where a walk through all users was interrupted.</summary>
    /// <param name="disposing">True: there is no finalizer.</param>
    protected override void Dispose(bool disposing)
    {
        if (_walk is { } walk && !IsSatisfied)
        {
            WarnAfterEnd(walk.Last is { } last
                ? $"It was interrupted, and the users after {ScreenText.Of(last)} were not all read. {HowToGoOn ?? $"To go on there: -AllUsers -AfterUser {CommandText.Quote(ScreenText.Of(last))}"}"
                : "It was interrupted before the first user was read.");
        }

        base.Dispose(disposing);
    }

    /// <summary>Goes through all users of a project, page by page, after it has counted them and said how long it will take.</summary>
    /// <param name="session">The project.</param>
    /// <param name="after">The id of the user after whom to begin; null for the first.</param>
    /// <param name="otherReads">How many lists are read beside the users'.</param>
    /// <param name="knownLists">How many lists need not be read.</param>
    /// <param name="isEnough">Whether nobody else needs to be read.</param>
    /// <param name="visit">Starts what there is to do with a user; its second argument is called when all of that user is told.</param>
    private protected void Walk(Session session, string? after, int otherReads, int knownLists, Func<bool> isEnough, Action<User, Action> visit)
    {
        int users = 0;
        int pages = 0;
        UserReader counting = session.Users.Open(after: after);
        while (Await(() => counting.ReadAsync(ReadCall)) is { } page)
        {
            users += page.Count;
            pages++;
        }

        // The pages are read again on the way, so that no more than one is held.
        int reads = Math.Max(0, users + otherReads - knownLists) + pages;
        int perMinute = session.Service.ReadsPerMinute;
        int minutes = (pages + reads - 1) / perMinute;
        string told = FormattableString.Invariant($"{users} users of project '{session.Name}' are read, each by one request or more: {(minutes < 1 ? "less than a minute" : $"about {minutes} minutes")} at {perMinute} reads a minute.");
        if (minutes >= 1)
        {
            WriteWarning(told);
        }
        else
        {
            WriteVerbose(told);
        }

        Expect(users + otherReads, perMinute, reads + pages);
        _walk = new UserWalk(after);
        UserReader reader = session.Users.Open(after: after);
        while (!isEnough() && Await(() => reader.ReadAsync(ReadCall)) is { } page)
        {
            foreach (User user in page)
            {
                if (isEnough())
                {
                    break;
                }

                if (user.UserId is { } userId)
                {
                    visit(user, _walk.Begin(userId));
                }
                else
                {
                    Report(new MagicBellException(MagicBellError.UnexpectedResponse, "The server lists a user without an id, so the tokens of that user cannot be asked for."), user.Email ?? user.ExternalId);
                    ThrowIfFatal();
                }
            }
        }

        Finish();
        _walk = null;
    }

    /// <summary>The tokens of a user whom the list of users has just shown.</summary>
    private protected static TokenScope ScopeOf(Session session, User user) =>
        new(session, TokenKind.User, user.UserId, new UserMatch(new UserReference(user.UserId, null, null), user, null));

    /// <summary>Whether the API says that it knows no tokens of a user whom it has just listed: there is nothing to list then.</summary>
    private protected static bool IsWithoutTokens(MagicBellException failure) => failure is { Error: MagicBellError.TokenNotFound, StatusCode: 404, IsCertain: true };

    /// <summary>Refuses what contradicts -AllUsers.</summary>
    /// <exception cref="MagicBellException">Somebody was given as well, or a place to go on without it.</exception>
    private protected void CheckAllUsers(bool isAll, string? after, params Array?[] given)
    {
        if (isAll && (MyInvocation.ExpectingInput || Array.Exists(given, values => values is not { Length: 0 })))
        {
            throw MagicBellException.Invalid("-AllUsers means everybody, and somebody was given as well. Give one of them.");
        }

        if (after is not null && !isAll)
        {
            throw MagicBellException.Invalid("-AfterUser says where -AllUsers goes on, and -AllUsers was not given.");
        }
    }

    /// <summary>Reads who is meant, and reports what can be nobody, or what fails for one of them.</summary>
    private protected void Collect(string[]? userIds, string[]? emails, string[]? externalIds, Action<UserReference> collect) => Try(null, () =>
    {
        foreach (UserReference reference in UserReference.Read(userIds, emails, externalIds))
        {
            Try(reference.Target, () =>
            {
                reference.Check();
                collect(reference);
            });
        }
    });

    /// <summary>Finds people, hands over each who is found, and reports each who is not.</summary>
    /// <param name="session">The project.</param>
    /// <param name="wanted">Whom.</param>
    /// <param name="isAnew">Whether the API is asked about those too whom the session has found before.</param>
    /// <param name="found">What to do with each.</param>
    private protected void Find(Session session, IReadOnlyList<UserReference> wanted, bool isAnew, Action<UserMatch> found)
    {
        IReadOnlyList<UserMatch> matches;
        try
        {
            matches = Await(() => session.Users.FindAsync(wanted, isAnew, ReadCall, ((IPipeline)this).Verbose));
        }
        catch (MagicBellException failure)
        {
            // Each input has an outcome of its own.
            matches = [.. wanted.Select(reference => new UserMatch(reference, null, failure))];
        }

        foreach (UserMatch match in matches)
        {
            if (match.Failure is { } failure)
            {
                Try(match.Asked.Target, () => throw failure);
            }
            else
            {
                found(match);
            }
        }
    }
}
