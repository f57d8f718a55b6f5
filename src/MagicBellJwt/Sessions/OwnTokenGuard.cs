using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>Keeps sessions whose own token is not known from losing it: reads as few pages of the project's list as that takes.</summary>
/// <remarks>
/// A token names its own id (<c>jti</c>), and that is known where a list has shown it. Where a list shows the token that is about to be revoked, and
/// not that id, the id says nothing.
/// </remarks>
/// <param name="session">The session whose project's list is read.</param>
internal sealed class OwnTokenGuard(Session session)
{
    private static readonly TimeSpan s_sameTime = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, ListedToken> _seen = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _leaving = new(StringComparer.OrdinalIgnoreCase);
    private readonly Queue<string> _live = new();
    private TokenReader? _reader;
    private bool _isReadToEnd;
    private bool _isUnreadable;

    /// <summary>
    /// The session that may run on a token: its times are those of the session's token; or none other is listed as live, but those that were asked
    /// about before. Null where none may.
    /// </summary>
    /// <param name="id">The id of a token that is about to be revoked.</param>
    /// <param name="listed">The token as a list showed it, where it is at hand.</param>
    /// <param name="others">Other sessions that may be of the project.</param>
    /// <param name="call">The call.</param>
    /// <exception cref="MagicBellException">The list could not be read, and the session's token names no id.</exception>
    internal async Task<Session?> FindOwnerAsync(string id, ListedToken? listed, IEnumerable<Session> others, CallContext call)
    {
        if (_isUnreadable)
        {
            return null;
        }

        _leaving.Add(id);
        bool isLeft = false;
        try
        {
            Session? owner = null;
            if (!session.IsTokenListed && (!await IsAnotherLeftAsync(call).ConfigureAwait(false) || await HasTimesOfAsync(session, id, listed, call).ConfigureAwait(false)))
            {
                owner = await MayRunOnItAsync(session, id, call).ConfigureAwait(false) ? session : null;
            }

            foreach (Session other in others)
            {
                if (owner is null && await HasTimesOfAsync(other, id, listed, call).ConfigureAwait(false) && await MayRunOnItAsync(other, id, call).ConfigureAwait(false))
                {
                    owner = other;
                }
            }

            isLeft = owner is null;
            return owner;
        }
        catch (MagicBellException failure) when (session.TokenId is not null && !ErrorRecords.Ends(failure))
        {
            // Its token's own word is all that there is, and it names another id.
            _isUnreadable = true;
            return null;
        }
        finally
        {
            if (!isLeft && _leaving.Remove(id) && _seen.TryGetValue(id, out ListedToken? token) && IsLive(token))
            {
                _live.Enqueue(id);
            }
        }
    }

    private async Task<bool> IsAnotherLeftAsync(CallContext call)
    {
        while (true)
        {
            while (_live.Count > 0 && _leaving.Contains(_live.Peek()))
            {
                _live.Dequeue();
            }

            if (_live.Count > 0)
            {
                return true;
            }

            if (!await ReadPageAsync(call).ConfigureAwait(false))
            {
                return false;
            }
        }
    }

    // Two tokens may have been issued in the same second: each of them may be the session's own.
    private async Task<bool> HasTimesOfAsync(Session runner, string id, ListedToken? listed, CallContext call)
    {
        if (runner.IssuedAt is not { } issuedAt)
        {
            return false;
        }

        while (listed is null)
        {
            if (_seen.TryGetValue(id, out ListedToken? token))
            {
                listed = token;
            }
            else if (IsKnown(runner) || !await ReadPageAsync(call).ConfigureAwait(false))
            {
                return false;
            }
        }

        return (listed.CreatedAt - issuedAt).Duration() < s_sameTime
            && (listed.ExpiresAt is { } end && runner.ExpiresAt is { } own ? (end - own).Duration() < s_sameTime : listed.ExpiresAt == runner.ExpiresAt);
    }

    // Unless the list shows the id that its token names as its own, or not even this one.
    private async Task<bool> MayRunOnItAsync(Session runner, string id, CallContext call)
    {
        while (!IsKnown(runner))
        {
            if (runner.TokenId is null || !await ReadPageAsync(call).ConfigureAwait(false))
            {
                return runner.TokenId is null || _seen.ContainsKey(id);
            }
        }

        return false;
    }

    private bool IsKnown(Session runner) => runner.IsTokenListed || (runner.TokenId is { } id && (runner.IsTokenListed = _seen.ContainsKey(id)));

    private async Task<bool> ReadPageAsync(CallContext call)
    {
        if (_isReadToEnd)
        {
            return false;
        }

        _reader ??= new TokenScope(session, TokenKind.Project).Open();
        IReadOnlyList<ListedToken>? page = await _reader.ReadAsync(call).ConfigureAwait(false);
        foreach (ListedToken token in page ?? [])
        {
            if (token.Id is { } id)
            {
                _seen[id] = token;
                if (IsLive(token))
                {
                    _live.Enqueue(id);
                }
            }
        }

        _isReadToEnd = page is null;
        return !_isReadToEnd;
    }

    private bool IsLive(ListedToken token) => token.DiscardedAt is null && !(token.ExpiresAt <= session.Service.ServerNow);
}
