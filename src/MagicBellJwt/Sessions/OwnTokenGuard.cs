using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>Keeps a session whose own token is not known from losing it: reads as few pages of the project's list as that takes.</summary>
internal sealed class OwnTokenGuard(Session session)
{
    private static readonly TimeSpan s_sameTime = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, ListedToken> _seen = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _leaving = new(StringComparer.OrdinalIgnoreCase);
    private readonly Queue<string> _live = new();
    private TokenReader? _reader;
    private bool _isReadToEnd;

    /// <summary>Whether a token may be the session's own: none other is listed as live, but those that were asked about before, or its times are those of the session's token.</summary>
    /// <param name="id">The id of a token that is about to be revoked.</param>
    /// <param name="listed">The token as a list showed it, where it is at hand.</param>
    /// <param name="call">The call.</param>
    /// <exception cref="MagicBellException">The list could not be read.</exception>
    internal async Task<bool> MayBeOwnAsync(string id, ListedToken? listed, CallContext call)
    {
        _leaving.Add(id);
        bool mayBe = true;
        try
        {
            mayBe = !await IsAnotherLeftAsync(call).ConfigureAwait(false) || await HasOwnTimesAsync(id, listed, call).ConfigureAwait(false);
            return mayBe;
        }
        finally
        {
            if (mayBe && _leaving.Remove(id) && _seen.TryGetValue(id, out ListedToken? token) && IsLive(token))
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
    private async Task<bool> HasOwnTimesAsync(string id, ListedToken? listed, CallContext call)
    {
        if (session.IssuedAt is not { } issuedAt)
        {
            return false;
        }

        while (listed is null)
        {
            if (_seen.TryGetValue(id, out ListedToken? token))
            {
                listed = token;
            }
            else if (!await ReadPageAsync(call).ConfigureAwait(false))
            {
                return false;
            }
        }

        return (listed.CreatedAt - issuedAt).Duration() < s_sameTime
            && (listed.ExpiresAt is { } end && session.ExpiresAt is { } own ? (end - own).Duration() < s_sameTime : listed.ExpiresAt == session.ExpiresAt);
    }

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
