using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>The sessions of one runspace. They end with Disconnect-MbProject or with the runspace.</summary>
/// <remarks>For the pipeline thread of that runspace.</remarks>
internal sealed class SessionStore
{
    // Weak keys: two runspaces never share a session, and the sessions of a closed runspace go with it.
    private static readonly ConditionalWeakTable<Runspace, SessionStore> s_stores = new();

    private readonly List<Session> _sessions = [];

    // Sessions that were replaced by another of the same name. Objects that they listed still refer to them, so they keep working.
    private readonly List<WeakReference<Session>> _replaced = [];

    /// <summary>The store of the runspace that runs this pipeline.</summary>
    internal static SessionStore Current => s_stores.GetValue(Runspace.DefaultRunspace, static runspace =>
    {
        var store = new SessionStore();
        runspace.StateChanged += (_, change) =>
        {
            if (change.RunspaceStateInfo.State is RunspaceState.Closed or RunspaceState.Broken)
            {
                store.Disconnect(store.Sessions);
            }
        };
        return store;
    });

    /// <summary>The sessions, the oldest first; the last one that is connected is the one that cmdlets use without -Session.</summary>
    internal IReadOnlyList<Session> Sessions
    {
        get
        {
            // One that $using: took to another runspace may have ended there.
            MarkCurrent();
            return _sessions.ToArray();
        }
    }

    /// <summary>The session that cmdlets use without -Session; null where there is none that is connected.</summary>
    internal Session? Latest => _sessions.LastOrDefault(session => session.IsConnected);

    internal void Add(Session session)
    {
        foreach (Session same in _sessions.Where(other => IsNamed(other, session.Name)).ToArray())
        {
            _sessions.Remove(same);
            _replaced.Add(new WeakReference<Session>(same));
        }

        _replaced.RemoveAll(reference => !reference.TryGetTarget(out _));
        _sessions.Add(session);
        MarkCurrent();
    }

    /// <summary>Makes a session the one that cmdlets use without -Session.</summary>
    /// <exception cref="MagicBellException">It is not one of this runspace's, or was disconnected.</exception>
    internal void Select(Session session)
    {
        if (!session.IsConnected || !_sessions.Remove(session))
        {
            throw new MagicBellException(MagicBellError.NotConnected, $"The session '{session.Name}' {(session.IsConnected ? "is not one of this runspace" : "was disconnected")}, so it cannot be the current one.");
        }

        _sessions.Add(session);
        MarkCurrent();
    }

    /// <summary>Finds the session of this name.</summary>
    /// <exception cref="MagicBellException">There is none.</exception>
    internal Session Find(string name) => _sessions.LastOrDefault(session => IsNamed(session, name))
        ?? throw new MagicBellException(MagicBellError.NotConnected, $"There is no session named '{name}'.");

    /// <summary>Finds the session of this name, or those whose names match it.</summary>
    /// <param name="pattern">A name, which may hold what a pattern takes for a set of letters, or a wildcard.</param>
    /// <exception cref="MagicBellException">There is none, or it is neither.</exception>
    internal IReadOnlyList<Session> FindAll(string pattern)
    {
        if (!WildcardPattern.ContainsWildcardCharacters(pattern) || _sessions.Exists(session => IsNamed(session, pattern)))
        {
            return [Find(pattern)];
        }

        Session[] found;
        try
        {
            var wildcard = WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase | WildcardOptions.CultureInvariant);
            found = [.. _sessions.Where(session => wildcard.IsMatch(session.Name)).OrderBy(session => session.Name, StringComparer.OrdinalIgnoreCase)];
        }
        catch (WildcardPatternException)
        {
            throw MagicBellException.Invalid($"'{pattern}' is no pattern: a bracket in it is not closed.");
        }

        return found.Length > 0 ? found : throw new MagicBellException(MagicBellError.NotConnected, $"There is no session whose name matches '{pattern}'.");
    }

    /// <summary>Ends sessions, and those that they took their name from.</summary>
    internal void Disconnect(IEnumerable<Session> sessions)
    {
        foreach (Session session in sessions)
        {
            _sessions.Remove(session);
            session.Disconnect();
            foreach (WeakReference<Session> reference in _replaced)
            {
                if (reference.TryGetTarget(out Session? replaced) && IsNamed(replaced, session.Name))
                {
                    replaced.Disconnect();
                }
            }
        }

        MarkCurrent();
    }

    private void MarkCurrent() => _sessions.ForEach(session => session.IsCurrent = session == Latest);

    private static bool IsNamed(Session session, string name) => string.Equals(session.Name, name, StringComparison.OrdinalIgnoreCase);
}
