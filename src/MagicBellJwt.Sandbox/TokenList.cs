using System.Collections.Generic;

namespace MagicBellJwt.Sandbox;

/// <summary>
/// The tokens of a project or of a user, read in pages from the newest to the oldest. A page costs its own length, however many tokens
/// there are and however many were revoked: positions never change, and the way over revoked tokens is shortened each time it is taken.
/// </summary>
internal sealed class TokenList(bool listDiscarded)
{
    private readonly List<SandboxToken> _oldestFirst = [];

    public IReadOnlyList<SandboxToken> OldestFirst => _oldestFirst;

    public void Reserve(int more)
    {
        if (_oldestFirst.Capacity < _oldestFirst.Count + more)
        {
            _oldestFirst.Capacity = _oldestFirst.Count + more;
        }
    }

    public void Add(SandboxToken token)
    {
        token.Position = _oldestFirst.Count;
        token.Older = token.Position - 1;
        token.Newer = token.Position + 1;
        _oldestFirst.Add(token);
    }

    public bool Contains(SandboxToken token) => token.Position < _oldestFirst.Count && ReferenceEquals(_oldestFirst[token.Position], token);

    /// <summary>At most <paramref name="size"/> tokens next to a cursor, or the newest; always newest first.</summary>
    public TokenPage Page(int size, SandboxToken? after, SandboxToken? before)
    {
        var tokens = new List<SandboxToken>(size);
        if (before is null)
        {
            int start = after is null ? _oldestFirst.Count - 1 : after.Position - 1;
            for (int at = NearestOlder(start); at >= 0 && tokens.Count < size; at = NearestOlder(at - 1))
            {
                tokens.Add(_oldestFirst[at]);
            }
        }
        else
        {
            for (int at = NearestNewer(before.Position + 1); at < _oldestFirst.Count && tokens.Count < size; at = NearestNewer(at + 1))
            {
                tokens.Add(_oldestFirst[at]);
            }

            tokens.Reverse();
        }

        return new TokenPage(
            tokens,
            HasNewer: tokens.Count > 0 && NearestNewer(tokens[0].Position + 1) < _oldestFirst.Count,
            HasOlder: tokens.Count > 0 && NearestOlder(tokens[tokens.Count - 1].Position - 1) >= 0);
    }

    private bool IsListed(int position) => listDiscarded || !_oldestFirst[position].IsDiscarded;

    private int NearestOlder(int position)
    {
        while (position >= 0 && !IsListed(position))
        {
            SandboxToken hidden = _oldestFirst[position];
            if (hidden.Older >= 0 && !IsListed(hidden.Older))
            {
                hidden.Older = _oldestFirst[hidden.Older].Older;
            }

            position = hidden.Older;
        }

        return position;
    }

    private int NearestNewer(int position)
    {
        while (position < _oldestFirst.Count && !IsListed(position))
        {
            SandboxToken hidden = _oldestFirst[position];
            if (hidden.Newer < _oldestFirst.Count && !IsListed(hidden.Newer))
            {
                hidden.Newer = _oldestFirst[hidden.Newer].Newer;
            }

            position = hidden.Newer;
        }

        return position;
    }
}

/// <summary>One page of a list, newest first, and whether the list goes on at either end.</summary>
internal sealed record TokenPage(List<SandboxToken> Tokens, bool HasNewer, bool HasOlder);
