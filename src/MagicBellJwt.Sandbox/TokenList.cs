using System.Collections.Generic;

namespace MagicBellJwt.Sandbox;

/// <summary>
/// The tokens of a project or of a user, read in pages from the newest to the oldest. A page costs its own length, however many tokens
/// there are and however many were revoked: positions never change, and the way over revoked tokens is shortened each time it is taken.
/// </summary>
internal sealed class TokenList(bool listDiscarded)
{
    private readonly List<SandboxToken> oldestFirst = [];

    public IReadOnlyList<SandboxToken> OldestFirst => oldestFirst;

    public void Reserve(int more)
    {
        if (oldestFirst.Capacity < oldestFirst.Count + more)
        {
            oldestFirst.Capacity = oldestFirst.Count + more;
        }
    }

    public void Add(SandboxToken token)
    {
        token.Position = oldestFirst.Count;
        token.Older = token.Position - 1;
        token.Newer = token.Position + 1;
        oldestFirst.Add(token);
    }

    public bool Contains(SandboxToken token) => token.Position < oldestFirst.Count && ReferenceEquals(oldestFirst[token.Position], token);

    /// <summary>At most <paramref name="size"/> tokens next to a cursor, or the newest; always newest first.</summary>
    public TokenPage Page(int size, SandboxToken? after, SandboxToken? before)
    {
        var tokens = new List<SandboxToken>(size);
        if (before is null)
        {
            int start = after is null ? oldestFirst.Count - 1 : after.Position - 1;
            for (int at = NearestOlder(start); at >= 0 && tokens.Count < size; at = NearestOlder(at - 1))
            {
                tokens.Add(oldestFirst[at]);
            }
        }
        else
        {
            for (int at = NearestNewer(before.Position + 1); at < oldestFirst.Count && tokens.Count < size; at = NearestNewer(at + 1))
            {
                tokens.Add(oldestFirst[at]);
            }

            tokens.Reverse();
        }

        return new TokenPage(
            tokens,
            HasNewer: tokens.Count > 0 && NearestNewer(tokens[0].Position + 1) < oldestFirst.Count,
            HasOlder: tokens.Count > 0 && NearestOlder(tokens[tokens.Count - 1].Position - 1) >= 0);
    }

    private bool IsListed(int position) => listDiscarded || !oldestFirst[position].IsDiscarded;

    private int NearestOlder(int position)
    {
        while (position >= 0 && !IsListed(position))
        {
            SandboxToken hidden = oldestFirst[position];
            if (hidden.Older >= 0 && !IsListed(hidden.Older))
            {
                hidden.Older = oldestFirst[hidden.Older].Older;
            }

            position = hidden.Older;
        }

        return position;
    }

    private int NearestNewer(int position)
    {
        while (position < oldestFirst.Count && !IsListed(position))
        {
            SandboxToken hidden = oldestFirst[position];
            if (hidden.Newer < oldestFirst.Count && !IsListed(hidden.Newer))
            {
                hidden.Newer = oldestFirst[hidden.Newer].Newer;
            }

            position = hidden.Newer;
        }

        return position;
    }
}

/// <summary>One page of a list, newest first, and whether the list goes on at either end.</summary>
internal sealed record TokenPage(List<SandboxToken> Tokens, bool HasNewer, bool HasOlder);
