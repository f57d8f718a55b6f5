using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>Finds the users of a session's project by what people know of them, in as few reads as may be, and remembers whom it found.</summary>
/// <remarks>
/// What is remembered names people, and saves reads where only something is listed. Whatever ends or issues a token for somebody asks the API anew.
/// Safe for concurrent use: <c>$using:</c> shares a session between runspaces.
/// </remarks>
internal sealed class UserDirectory(Session session)
{
    private const int PageSize = 100;
    private const int QueriesAtATime = 8;

    // Enough for a day's work; a project may have millions of users.
    private const int RememberedUsers = 10_000;

    private readonly object _gate = new();
    private readonly Dictionary<string, User> _byId = new(StringComparer.Ordinal);
    private readonly Dictionary<string, User> _byEmail = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, User> _byExternalId = new(StringComparer.Ordinal);
    private readonly Queue<string> _oldestFirst = new();

    // How many pages the list of users has, or more.
    private volatile int _leastPages;
    private volatile LetterCase _queryCase;

    private enum LetterCase
    {
        Unknown,
        Ignored,
        Minded,
    }

    /// <summary>Opens the list of users. It is read when it is asked for, page by page.</summary>
    /// <param name="size">Users a page, 1 to 100.</param>
    /// <param name="query">What the API is asked to match; null for all users.</param>
    /// <param name="after">The id of the user after whom the list begins; null for its start.</param>
    /// <exception cref="MagicBellException">The session was disconnected, or an argument cannot be sent.</exception>
    internal UserReader Open(int size = PageSize, string? query = null, string? after = null) =>
        new(session.Service.ListUsersAsync(new PageRequest(size, after), query), session);

    /// <summary>The user of an id, as far as this session has seen; null where it has not. To name people by, and not to act on.</summary>
    internal User? Known(string? userId)
    {
        lock (_gate)
        {
            return userId is not null && _byId.TryGetValue(userId, out User? user) ? user : null;
        }
    }

    /// <summary>Remembers users by their ids, so that what is listed of them can name them.</summary>
    internal void Remember(IEnumerable<User> users)
    {
        lock (_gate)
        {
            foreach (User user in users)
            {
                Remember(user);
            }
        }
    }

    /// <summary>Forgets who has an address or an external id: a create may have changed it.</summary>
    internal void Forget(string? email, string? externalId)
    {
        lock (_gate)
        {
            if (email is not null)
            {
                _byEmail.Remove(email);
            }

            if (externalId is not null)
            {
                _byExternalId.Remove(externalId);
            }
        }
    }

    /// <summary>Forgets everybody.</summary>
    internal void Clear()
    {
        lock (_gate)
        {
            _byId.Clear();
            _byEmail.Clear();
            _byExternalId.Clear();
            _oldestFirst.Clear();
        }
    }

    /// <summary>Finds people.</summary>
    /// <param name="wanted">Whom.</param>
    /// <param name="isAnew">Whether the API is asked about those too whom this session has found before.</param>
    /// <param name="call">How it is stopped.</param>
    /// <param name="say">Hears how it is done.</param>
    /// <returns>What came of each, in the order in which they were given.</returns>
    /// <exception cref="MagicBellException">The API could not be asked, so nobody was found.</exception>
    internal async Task<IReadOnlyList<UserMatch>> FindAsync(IReadOnlyList<UserReference> wanted, bool isAnew, CallContext call, Action<string> say)
    {
        UserMatch?[] matches = [.. wanted.Select(reference => isAnew ? null : Remembered(reference))];
        var search = new UserSearch([.. wanted.Where((_, index) => matches[index] is null)]);
        if (matches.Contains(null))
        {
            await SearchAsync(search, call, say).ConfigureAwait(false);
        }

        for (int index = 0; index < matches.Length; index++)
        {
            if (matches[index] is null)
            {
                matches[index] = search.Judge(wanted[index]);
                Learn(matches[index]!);
            }
        }

        return matches!;
    }

    private async Task SearchAsync(UserSearch search, CallContext call, Action<string> say)
    {
        // A list that is cut short tells nothing: somebody else may have the same address further on. So it is the whole list, or a query for each.
        int count = search.Queries.Count;
        if (search.NeedsList || (count > 1 && count > _leastPages))
        {
            int limit = search.NeedsList ? int.MaxValue : count;
            say(search.NeedsList
                ? "Users are looked for by their ids: the list of users is read."
                : FormattableString.Invariant($"{count} users are looked for: the list of users is read, unless it has more than {limit} pages."));
            if (await ReadListAsync(search, Open(), limit, call).ConfigureAwait(false))
            {
                return;
            }

            say(FormattableString.Invariant($"The list of users goes on after {limit} pages, so each of the {count} users is asked for."));
        }
        else if (count > 1)
        {
            say(FormattableString.Invariant($"{count} users are looked for, each by one request: the list of users has {_leastPages} pages or more."));
        }

        await QueryAsync(search, search.Queries, call).ConfigureAwait(false);
        await QueryAsync(search, search.OpenExternalIds, call).ConfigureAwait(false);
        if (search.HasOpenAddress && _queryCase != LetterCase.Ignored)
        {
            await ReadAnyCaseAsync(search, call, say).ConfigureAwait(false);
        }
    }

    // An address that no query shows may be there in other letters, where the server's query tells upper from lower case.
    private async Task ReadAnyCaseAsync(UserSearch search, CallContext call, Action<string> say)
    {
        UserReader list = Open();
        if (_queryCase == LetterCase.Unknown)
        {
            IReadOnlyList<User> page = await list.ReadAsync(call).ConfigureAwait(false) ?? [];
            search.Add(page);
            if (!list.HasMore)
            {
                return;
            }

            foreach (User user in page.Where(user => user.UserId is not null && user.Email is not null && SwapCase(user.Email) != user.Email).Take(1))
            {
                var probe = new UserSearch([new UserReference(user.UserId, user.Email, null)]);
                await QueryAsync(probe, [SwapCase(user.Email!)], call).ConfigureAwait(false);
                _queryCase = probe.Judge(new UserReference(user.UserId, null, null)).User is not null ? LetterCase.Ignored : LetterCase.Minded;
            }

            if (_queryCase == LetterCase.Ignored)
            {
                return;
            }
        }

        say("Somebody is not found by a request, and the server's query may tell upper from lower case: the list of users is read.");
        await ReadListAsync(search, list, int.MaxValue, call).ConfigureAwait(false);
    }

    /// <returns>Whether the list was read to its end.</returns>
    private async Task<bool> ReadListAsync(UserSearch search, UserReader list, int limit, CallContext call)
    {
        for (int pages = 1; pages <= limit; pages++)
        {
            if (await list.ReadAsync(call).ConfigureAwait(false) is not { } page)
            {
                return true;
            }

            search.Add(page);
            _leastPages = Math.Max(_leastPages, pages);
            if (!list.HasMore)
            {
                return true;
            }
        }

        return false;
    }

    private async Task QueryAsync(UserSearch search, IReadOnlyCollection<string> queries, CallContext call)
    {
        var waiting = new ConcurrentQueue<string>(queries);
        await Task.WhenAll(Enumerable.Range(0, Math.Min(QueriesAtATime, queries.Count)).Select(_ => AskAsync())).ConfigureAwait(false);

        async Task AskAsync()
        {
            while (waiting.TryDequeue(out string? query))
            {
                try
                {
                    UserReader reader = Open(query: query);
                    while (await reader.ReadAsync(call).ConfigureAwait(false) is { } page)
                    {
                        search.Add(page);
                    }
                }
                catch (MagicBellException failure) when (failure is { Error: MagicBellError.InvalidRequest, IsCertain: true })
                {
                    // The others can still be found.
                    search.Refuse(query, failure);
                }
            }
        }
    }

    private UserMatch? Remembered(UserReference reference)
    {
        lock (_gate)
        {
            // All that was given must be known as one user's.
            User?[] known =
            [
                .. Find(_byId, reference.UserId),
                .. Find(_byEmail, reference.Email),
                .. Find(_byExternalId, reference.ExternalId),
            ];
            return known[0] is { } user && known.All(other => other?.UserId == user.UserId) ? new UserMatch(reference, user, null, IsRemembered: true) : null;
        }

        static User?[] Find(Dictionary<string, User> users, string? key) => key is null ? [] : [users.TryGetValue(key, out User? user) ? user : null];
    }

    private void Learn(UserMatch match)
    {
        lock (_gate)
        {
            Forget(match.Asked.Email, match.Asked.ExternalId);
            if (match.User is { } user)
            {
                Remember(user);
                Set(_byEmail, match.Asked.Email, user);
                Set(_byExternalId, match.Asked.ExternalId, user);
            }
        }

        static void Set(Dictionary<string, User> users, string? key, User user)
        {
            if (key is not null)
            {
                users[key] = user;
            }
        }
    }

    private void Remember(User user)
    {
        if (user.UserId is not { } id)
        {
            return;
        }

        if (!_byId.ContainsKey(id))
        {
            _oldestFirst.Enqueue(id);
            if (_oldestFirst.Count > RememberedUsers && _byId.TryGetValue(_oldestFirst.Dequeue(), out User? oldest))
            {
                _byId.Remove(oldest.UserId!);
                Drop(_byEmail, oldest.Email, oldest);
                Drop(_byExternalId, oldest.ExternalId, oldest);
            }
        }

        _byId[id] = user;

        static void Drop(Dictionary<string, User> users, string? key, User user)
        {
            if (key is not null && users.TryGetValue(key, out User? other) && other.UserId == user.UserId)
            {
                users.Remove(key);
            }
        }
    }

    private static string SwapCase(string text) => new([.. text.Select(character => character is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') ? (char)(character ^ 0x20) : character)]);
}
