using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Client;
using MagicBellJwt.Completion;

namespace MagicBellJwt.Commands;

/// <summary>A cmdlet that acts in one project.</summary>
public abstract class SessionCmdlet : MagicBellCmdlet
{
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
