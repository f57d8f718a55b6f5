using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;

namespace MagicBellJwt.Client;

/// <summary>A list, read page by page and only when asked. It ends, whatever the server's links say.</summary>
/// <remarks>For one reader at a time.</remarks>
public sealed class TokenPages
{
    private readonly JwtService _service;
    private readonly Uri _first;
    private readonly bool _backwards;
    private readonly string _purpose;
    private readonly string? _bearer;

    private const int MaximumRestarts = 8;

    // Two a page, of its address and of its first token.
    private const int RecentHashes = 2_000;

    private readonly HashSet<long> _seen = [];
    private readonly Queue<long> _recent = new();
    private int _left;
    private readonly Position _position = new();
    private Uri? _next;

    // How often the list was started again since the last token.
    private int _restarts;

    internal TokenPages(JwtService service, Uri first, bool backwards, string purpose, string? bearer = null)
    {
        _service = service;
        _first = first;
        _next = first;
        _backwards = backwards;
        _purpose = purpose;
        _bearer = bearer;
    }

    /// <summary>Reads the next page.</summary>
    /// <param name="call">How it is stopped, and who hears of it.</param>
    /// <returns>The tokens of the page that were not on an earlier one; null after the last page.</returns>
    /// <exception cref="MagicBellException">
    /// The page could not be read; <see cref="MagicBellError.UnexpectedResponse"/> too where its link leads to another origin,
    /// to a page already read, or nowhere new.
    /// </exception>
    public async Task<IReadOnlyList<ListedTokenRecord>?> ReadAsync(CallContext call)
    {
        while (_next is { } address)
        {
            TokenPage page;
            try
            {
                page = await _service.FetchPageAsync(address, _purpose, _bearer, call).ConfigureAwait(false);
            }
            catch (MagicBellException failure) when (_restarts < MaximumRestarts && _position.IsKnown && address != _first && failure.StatusCode is 400 or 404 or 410 or 422)
            {
                // The cursor is the id of a token that was revoked meanwhile. The list is read from its start, and known tokens are skipped.
                _restarts++;
                _seen.Clear();
                _recent.Clear();
                _next = _first;
                continue;
            }

            IReadOnlyList<ListedTokenRecord> tokens = _restarts > 0 ? _position.AheadIn(page.Tokens) : _position.NotPassedIn(page.Tokens);
            Advance(page);
            if (tokens.Count > 0)
            {
                _restarts = 0;
                _position.Pass(tokens);
                return tokens;
            }

            if (_next is null)
            {
                return null;
            }

            if (page.Tokens.Count == 0)
            {
                throw Unexpected("sent an empty page with a link to another one");
            }
        }

        return null;
    }

    private void Advance(TokenPage page)
    {
        // A page is also recognised by its first token: a server that makes a new link for each page could repeat one for ever.
        if (!IsNew(HashOf(page.Address)) || (page.Tokens.Count > 0 && !IsNew(HashOf(page.Tokens[0]))))
        {
            throw Unexpected("sent a page that was read before");
        }

        _next = _backwards ? page.Previous : page.Next;
        if (_next is null)
        {
            return;
        }

        if (Uri.Compare(_next, _first, UriComponents.SchemeAndServer, UriFormat.UriEscaped, StringComparison.OrdinalIgnoreCase) != 0)
        {
            throw Unexpected("sent a link to another origin, which is not followed since it would take the bearer along");
        }

        if (_seen.Contains(HashOf(_next)))
        {
            throw Unexpected("sent a link to a page that was read before");
        }
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

    private static long HashOf(ListedTokenRecord token) =>
        HashOf(string.Format(CultureInfo.InvariantCulture, "{0}\n{1}\n{2}", token.Id, token.CreatedAt.UtcTicks, token.Name));

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
    private sealed class Position
    {
        // With more tokens than that in one second the position is not remembered, to save memory: the API issues 200 a minute.
        private const int MaximumIds = 2_000;

        private readonly HashSet<string?> _idsAtTime = new(StringComparer.OrdinalIgnoreCase);
        private DateTimeOffset? _time;
        private int _direction;

        /// <summary>Whether the position can be found again: the tokens came in the order of their age, and not too many at one time.</summary>
        internal bool IsKnown { get; private set; } = true;

        internal void Pass(IReadOnlyList<ListedTokenRecord> tokens)
        {
            foreach (ListedTokenRecord token in tokens)
            {
                int step = StepTo(token);
                if (step != 0)
                {
                    IsKnown &= _direction == 0 || _direction == step;
                    _direction = step;
                    _idsAtTime.Clear();
                }

                _time = token.CreatedAt;
                IsKnown &= _idsAtTime.Count < MaximumIds;
                if (IsKnown)
                {
                    _idsAtTime.Add(token.Id);
                }
            }
        }

        /// <summary>The tokens of a page that the reader has not had, of a list that was begun again.</summary>
        internal IReadOnlyList<ListedTokenRecord> AheadIn(IReadOnlyList<ListedTokenRecord> page)
        {
            if (_direction == 0 && page.Count > 0)
            {
                // All tokens so far are of the same second, so the direction of the list is taken from this page.
                _direction = page[page.Count - 1].CreatedAt.CompareTo(page[0].CreatedAt);
            }

            return [.. page.Where(token => StepTo(token) is var step && step == 0 ? !IsPassed(token) : _direction == 0 || step == _direction)];
        }

        /// <summary>The tokens of a page but those that the reader surely had: after a new beginning a page may hold some.</summary>
        internal IReadOnlyList<ListedTokenRecord> NotPassedIn(IReadOnlyList<ListedTokenRecord> page) =>
            page.Any(IsPassed) ? [.. page.Where(token => !IsPassed(token))] : page;

        private bool IsPassed(ListedTokenRecord token) => token.Id is not null && token.CreatedAt == _time && _idsAtTime.Contains(token.Id);

        private int StepTo(ListedTokenRecord token) => _time is { } time ? token.CreatedAt.CompareTo(time) : 0;
    }
}
