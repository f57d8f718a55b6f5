using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;

namespace MagicBellJwt.Client;

/// <summary>A list, read page by page and only when asked. It ends, whatever the server's links say.</summary>
/// <typeparam name="T">What is listed.</typeparam>
/// <remarks>For one reader at a time.</remarks>
public abstract class ListPages<T>
{
    private const int MaximumRestarts = 8;

    // A server that filters after it has cut the list into pages may send some without an item.
    private const int MaximumEmptyPages = 32;

    // Two a page, of its address and of its first item.
    private const int RecentHashes = 2_000;

    private readonly Uri _first;
    private readonly bool _backwards;
    private readonly string _purpose;
    private readonly Func<Uri, CallContext, Task<ListPage<T>>> _fetch;
    private readonly Func<T, ListKey> _keyOf;
    private readonly HashSet<long> _seen = [];
    private readonly Queue<long> _recent = new();
    private readonly Position _position;
    private int _left;
    private Uri? _next;
    private string? _refusal;
    private int _emptyPages;

    // How often the list was started again since the last item.
    private int _restarts;

    private protected ListPages(Uri first, bool backwards, string purpose, Func<Uri, CallContext, Task<ListPage<T>>> fetch, Func<T, ListKey> keyOf, StringComparer ids)
    {
        _first = first;
        _next = first;
        _backwards = backwards;
        _purpose = purpose;
        _fetch = fetch;
        _keyOf = keyOf;
        _position = new Position(keyOf, ids);
    }

    /// <summary>Whether there may be another page: true before the first, and where the last one linked to one.</summary>
    public bool HasMore => _next is not null || _refusal is not null;

    /// <summary>Reads the next page.</summary>
    /// <param name="call">How it is stopped, and who hears of it.</param>
    /// <returns>What is on the page and was not on an earlier one; null after the last page.</returns>
    /// <exception cref="MagicBellException">
    /// The page could not be read; <see cref="MagicBellError.UnexpectedResponse"/> too where the link to it leads to another origin
    /// or to a page already read, and after many empty pages.
    /// </exception>
    public async Task<IReadOnlyList<T>?> ReadAsync(CallContext call)
    {
        while (HasMore)
        {
            Uri address = _next ?? throw Unexpected(_refusal!);
            ListPage<T> page;
            try
            {
                page = await _fetch(address, call).ConfigureAwait(false);
            }
            catch (MagicBellException failure) when (_restarts < MaximumRestarts && _position.IsKnown && address != _first && failure.StatusCode is 400 or 404 or 410 or 422)
            {
                // The cursor is the id of a token that was revoked, or of a user who was deleted, meanwhile. The list is read from its start, and what is known is skipped.
                _restarts++;
                _seen.Clear();
                _recent.Clear();
                _next = _first;
                continue;
            }

            IReadOnlyList<T> items = _restarts > 0 ? _position.AheadIn(page.Items) : _position.NotPassedIn(page.Items);
            Advance(page);
            if (items.Count > 0)
            {
                _restarts = 0;
                _emptyPages = 0;
                _position.Pass(items);
                return items;
            }

            if (page.Items.Count == 0 && HasMore && ++_emptyPages > MaximumEmptyPages)
            {
                throw Unexpected("sent one empty page after another");
            }
        }

        return null;
    }

    private void Advance(ListPage<T> page)
    {
        // A page is also recognised by its first item: a server that makes a new link for each page could repeat one for ever.
        if (!IsNew(HashOf(page.Address)) || (page.Items.Count > 0 && !IsNew(HashOf(_keyOf(page.Items[0])))))
        {
            throw Unexpected("sent a page that was read before");
        }

        // What is on the page is given first; only who asks for more hears that a link was refused.
        _next = null;
        if ((_backwards ? page.Previous : page.Next) is not { } link)
        {
            return;
        }

        if (OfThisOrigin(link) is not { } next)
        {
            _refusal = "sent a link to another origin, which is not followed since it would take the bearer along";
        }
        else if (_seen.Contains(HashOf(next)))
        {
            _refusal = "sent a link to a page that was read before";
        }
        else
        {
            _next = next;
        }
    }

    // Behind a gateway a server may write its own address, or that of the API it stands for. Where the path is that of this list, this session's
    // own address is asked, with the link's query. Null where it is another path.
    private Uri? OfThisOrigin(Uri link)
    {
        if (Uri.Compare(link, _first, UriComponents.SchemeAndServer, UriFormat.UriEscaped, StringComparison.OrdinalIgnoreCase) == 0)
        {
            return link;
        }

        bool isWeb = link.Scheme == Uri.UriSchemeHttps || link.Scheme == Uri.UriSchemeHttp;
        bool isThisList = isWeb && link.AbsolutePath.Length > 1
            && (link.AbsolutePath.EndsWith(_first.AbsolutePath, StringComparison.Ordinal) || _first.AbsolutePath.EndsWith(link.AbsolutePath, StringComparison.Ordinal));
        return isThisList ? new UriBuilder(_first) { Query = link.Query.TrimStart('?') }.Uri : null;
    }

    // Remembers all of the last thousand pages and every thousandth older one: a list that repeats itself is noticed, and a long one needs no memory.
    private bool IsNew(long hash)
    {
        if (!_seen.Add(hash))
        {
            return false;
        }

        _recent.Enqueue(hash);
        if (_recent.Count > RecentHashes)
        {
            long oldest = _recent.Dequeue();
            if (++_left % RecentHashes != 0)
            {
                _seen.Remove(oldest);
            }
        }

        return true;
    }

    // Without the fragment, which is not sent.
    private static long HashOf(Uri address) => HashOf(address.PathAndQuery);

    private static long HashOf(ListKey key) =>
        HashOf(string.Format(CultureInfo.InvariantCulture, "{0}\n{1}\n{2}", key.Id, key.CreatedAt?.UtcTicks, key.Name));

    // FNV-1a.
    private static long HashOf(string text)
    {
        ulong hash = 14695981039346656037;
        foreach (char character in text)
        {
            hash = (hash ^ character) * 1099511628211;
        }

        return unchecked((long)hash);
    }

    private MagicBellException Unexpected(string what) =>
        new(MagicBellError.UnexpectedResponse, string.Format(CultureInfo.InvariantCulture, "Could not {0}: the server {1}.", _purpose, what)) { StatusCode = 200 };

    /// <summary>Where a reader stands in a list ordered by age, so that it can go on there without a cursor.</summary>
    private sealed class Position(Func<T, ListKey> keyOf, StringComparer ids)
    {
        // With more items than that in one second the position is not remembered, to save memory: the API issues 200 tokens a minute.
        private const int MaximumIds = 2_000;

        private readonly HashSet<string?> _idsAtTime = new(ids);
        private DateTimeOffset? _time;
        private int _direction;

        /// <summary>Whether the position can be found again: the items came in the order of their age, and not too many at one time.</summary>
        internal bool IsKnown { get; private set; } = true;

        internal void Pass(IReadOnlyList<T> items)
        {
            foreach (T item in items)
            {
                ListKey key = keyOf(item);
                int step = StepTo(key);
                if (step != 0)
                {
                    IsKnown &= _direction == 0 || _direction == step;
                    _direction = step;
                    _idsAtTime.Clear();
                }

                _time = key.CreatedAt;
                IsKnown &= _time is not null && _idsAtTime.Count < MaximumIds;
                if (IsKnown)
                {
                    _idsAtTime.Add(key.Id);
                }
            }
        }

        /// <summary>The items of a page that the reader has not had, of a list that was begun again.</summary>
        internal IReadOnlyList<T> AheadIn(IReadOnlyList<T> page)
        {
            if (_direction == 0 && page.Count > 0)
            {
                // All items so far are of the same second, so the direction of the list is taken from this page.
                _direction = Nullable.Compare(keyOf(page[page.Count - 1]).CreatedAt, keyOf(page[0]).CreatedAt);
            }

            return [.. page.Where(item => keyOf(item) is var key && StepTo(key) is var step && step == 0 ? !IsPassed(key) : _direction == 0 || step == _direction)];
        }

        /// <summary>The items of a page but those that the reader surely had: after a new beginning a page may hold some.</summary>
        internal IReadOnlyList<T> NotPassedIn(IReadOnlyList<T> page) =>
            page.Any(item => IsPassed(keyOf(item))) ? [.. page.Where(item => !IsPassed(keyOf(item)))] : page;

        private bool IsPassed(ListKey key) => key.Id is not null && key.CreatedAt == _time && _idsAtTime.Contains(key.Id);

        private int StepTo(ListKey key) => _time is { } time && key.CreatedAt is { } created ? created.CompareTo(time) : 0;
    }
}

/// <summary>A list of tokens.</summary>
public sealed class TokenPages : ListPages<ListedTokenRecord>
{
    internal TokenPages(JwtService service, Uri first, bool backwards, string purpose, string? bearer = null)
        : base(
            first,
            backwards,
            purpose,
            (address, call) => service.FetchPageAsync(address, purpose, bearer, AnswerReader.ReadTokenPage, call),
            token => new ListKey(token.Id, token.CreatedAt, token.Name),
            StringComparer.OrdinalIgnoreCase)
    {
    }
}

/// <summary>A list of users.</summary>
public sealed class UserPages : ListPages<UserRecord>
{
    internal UserPages(JwtService service, Uri first, bool backwards, string purpose)
        : base(
            first,
            backwards,
            purpose,
            (address, call) => service.FetchPageAsync(address, purpose, bearer: null, AnswerReader.ReadUserPage, call),
            user => new ListKey(user.Id, user.CreatedAt, user.Email ?? user.ExternalId),
            StringComparer.Ordinal)
    {
    }
}

/// <summary>One page of a list, and where the neighbouring pages are.</summary>
/// <param name="Items">What is on this page, in the server's order.</param>
/// <param name="Address">The address that this page was read from.</param>
/// <param name="Next">The address of the next page; null on the last one.</param>
/// <param name="Previous">The address of the previous page; null on the first one.</param>
internal sealed record ListPage<T>(IReadOnlyList<T> Items, Uri Address, Uri? Next, Uri? Previous);

/// <summary>What an item of a list is recognised by.</summary>
internal readonly record struct ListKey(string? Id, DateTimeOffset? CreatedAt, string? Name);
