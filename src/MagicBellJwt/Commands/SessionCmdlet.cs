using System;
using System.Management.Automation;
using MagicBellJwt.Client;
using MagicBellJwt.Completion;

namespace MagicBellJwt.Commands;

/// <summary>A cmdlet that acts in one project.</summary>
public abstract partial class SessionCmdlet : MagicBellCmdlet
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
}
