using System;
using System.Collections.Generic;

namespace MagicBellJwt.Sandbox;

/// <summary>A user of the project, known by an opaque id, and by an email address, an external id or both.</summary>
public sealed class SandboxUser
{
    internal SandboxUser(string id, TokenList tokens, int position, DateTimeOffset createdAt)
    {
        Id = id;
        Tokens = tokens;
        Position = position;
        CreatedAt = createdAt;
    }

    /// <summary>The user's id: any text.</summary>
    public string Id { get; }

    /// <summary>The email address; null where there is none.</summary>
    public string? Email { get; internal set; }

    /// <summary>The external id; null where there is none.</summary>
    public string? ExternalId { get; internal set; }

    /// <summary>The first name; null where there is none.</summary>
    public string? FirstName { get; internal set; }

    /// <summary>The last name; null where there is none.</summary>
    public string? LastName { get; internal set; }

    /// <summary>When the user was first heard of, in whole seconds.</summary>
    public DateTimeOffset CreatedAt { get; }

    internal TokenList Tokens { get; }

    /// <summary>Where the user stands among the users, the first at 0. It never changes.</summary>
    internal int Position { get; }
}

/// <summary>The users of a project. Either name finds a user, and a name once learned stays theirs.</summary>
internal sealed class UserDirectory(bool listDiscarded)
{
    private readonly List<SandboxUser> _oldestFirst = [];
    private readonly Dictionary<string, SandboxUser> _byId = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SandboxUser> _byEmail = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, SandboxUser> _byExternalId = new(StringComparer.Ordinal);

    public IReadOnlyList<SandboxUser> OldestFirst => _oldestFirst;

    public SandboxUser? Find(string id) => _byId.TryGetValue(id, out SandboxUser? user) ? user : null;

    public SandboxUser FindOrAdd(string id, DateTimeOffset now)
    {
        if (Find(id) is not { } user)
        {
            user = new SandboxUser(id, new TokenList(listDiscarded), _oldestFirst.Count, now);
            _byId.Add(id, user);
            _oldestFirst.Add(user);
        }

        return user;
    }

    /// <summary>Gives a user names in place of the old ones, even those of another: creates go on finding who had a name first.</summary>
    public void Name(SandboxUser user, string? email, string? externalId)
    {
        Rename(_byEmail, user, user.Email, email);
        Rename(_byExternalId, user, user.ExternalId, externalId);
        user.Email = email;
        user.ExternalId = externalId;
    }

    private static void Rename(Dictionary<string, SandboxUser> names, SandboxUser user, string? old, string? name)
    {
        if (old is not null && names.TryGetValue(old, out SandboxUser? owner) && owner == user)
        {
            names.Remove(old);
        }

        if (name is not null && !names.ContainsKey(name))
        {
            names.Add(name, user);
        }
    }

    /// <summary>The user of these names, made on first sight; null when the two names are of two users.</summary>
    public SandboxUser? Identify(string? email, string? externalId, DateTimeOffset now)
    {
        SandboxUser? ofEmail = email is not null && _byEmail.TryGetValue(email, out SandboxUser? a) ? a : null;
        SandboxUser? ofExternalId = externalId is not null && _byExternalId.TryGetValue(externalId, out SandboxUser? b) ? b : null;
        SandboxUser user = ofEmail ?? ofExternalId ?? FindOrAdd("usr_" + Guid.NewGuid().ToString("N"), now);
        bool isAnother = (ofExternalId ?? user) != user
            || !string.Equals(user.Email ?? email, email ?? user.Email, StringComparison.OrdinalIgnoreCase)
            || (user.ExternalId ?? externalId) != (externalId ?? user.ExternalId);
        if (isAnother)
        {
            return null;
        }

        Name(user, user.Email ?? email, user.ExternalId ?? externalId);
        return user;
    }

    /// <summary>At most <paramref name="size"/> users that pass a test, next to a cursor, or the newest; always newest first.</summary>
    public UserPage Page(int size, SandboxUser? after, SandboxUser? before, Func<SandboxUser, bool> test)
    {
        var users = new List<SandboxUser>(size);
        if (before is null)
        {
            for (int at = Next(after?.Position ?? _oldestFirst.Count, -1); at >= 0 && users.Count < size; at = Next(at, -1))
            {
                users.Add(_oldestFirst[at]);
            }
        }
        else
        {
            for (int at = Next(before.Position, 1); at >= 0 && users.Count < size; at = Next(at, 1))
            {
                users.Add(_oldestFirst[at]);
            }

            users.Reverse();
        }

        return new UserPage(users, HasNewer: users.Count > 0 && Next(users[0].Position, 1) >= 0, HasOlder: users.Count > 0 && Next(users[users.Count - 1].Position, -1) >= 0);

        // -1 where there is none.
        int Next(int at, int step)
        {
            for (at += step; at >= 0 && at < _oldestFirst.Count; at += step)
            {
                if (test(_oldestFirst[at]))
                {
                    return at;
                }
            }

            return -1;
        }
    }
}

/// <summary>One page of the users, newest first, and whether there are more at either end.</summary>
internal sealed record UserPage(List<SandboxUser> Users, bool HasNewer, bool HasOlder);
