using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Newtonsoft.Json;

namespace MagicBellJwt.Client;

/// <summary>The six JWT operations of the MagicBell API and its list of users, under its own names, for one project.</summary>
/// <remarks>
/// Safe for concurrent calls. Every operation fails with a <see cref="MagicBellException"/>, or with an
/// <see cref="OperationCanceledException"/> where the caller stopped it and nothing is in doubt.
/// Facts of the API are from the vendor's OpenAPI document 2.0.0 unless said otherwise; those of users from its Go and JavaScript clients.
/// </remarks>
public sealed class JwtService : IDisposable
{
    // The list is asked about creates of the last minutes only, 200 of them a minute.
    private const int RememberedIds = 10_000;

    // The Date header has whole seconds, and an answer takes a while.
    private static readonly TimeSpan s_clockTolerance = TimeSpan.FromSeconds(5);

    // Servers count from different moments of a request.
    private static readonly TimeSpan s_expiryTolerance = TimeSpan.FromMinutes(1);

    // How long a list may lack a token that there is.
    private static readonly TimeSpan s_listDelay = TimeSpan.FromSeconds(3);

    private const int WaitsForOthers = 20;
    private static readonly TimeSpan s_waitForOthers = TimeSpan.FromMilliseconds(100);

    private readonly TimeProvider _clock;
    private readonly ApiConnection _connection;
    private readonly string _root;
    private readonly ConcurrentDictionary<string, bool> _issuedIds = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentQueue<string> _issuedInOrder = new();
    private int _creating;

    /// <summary>Makes a service; nothing is sent.</summary>
    /// <param name="options">Where to, as whom, and how patiently.</param>
    /// <exception cref="MagicBellException">The address is not https (http on a loopback address is allowed) or the token cannot be a bearer.</exception>
    public JwtService(JwtServiceOptions options)
    {
        Uri address = options.BaseAddress;
        if (!address.IsAbsoluteUri || address.Query.Length > 0 || address.Fragment.Length > 0 || address.UserInfo.Length > 0)
        {
            throw MagicBellException.Invalid("The base address must be a plain one, like https://api.magicbell.com/v2.");
        }

        if (address.Scheme != Uri.UriSchemeHttps && !(address.Scheme == Uri.UriSchemeHttp && address.IsLoopback))
        {
            throw MagicBellException.Invalid("The base address must begin with https: the token would be readable on the way. Plain http is for loopback addresses only.");
        }

        CheckBearer(options.Token, "project token");
        BaseAddress = address;
        _clock = options.Clock;
        ReadsPerMinute = options.ReadsPerMinute;
        _root = address.AbsoluteUri.TrimEnd('/');
        _connection = new ApiConnection(options);
    }

    /// <summary>The address that the operations are added to.</summary>
    public Uri BaseAddress { get; }

    /// <summary>How many GET requests a minute the service sends at most.</summary>
    public int ReadsPerMinute { get; }

    /// <summary>How far this machine's clock is ahead of the server's, by the Date of the API's last answer, to a second; null where it sent none yet.</summary>
    public TimeSpan? ClockOffset => _connection.ClockOffset;

    /// <summary>The time now by the server's clock, in UTC; by this machine's where no answer has told the server's yet.</summary>
    public DateTimeOffset ServerNow => _connection.ServerNow;

    /// <summary>Sends requests that begin from now on with another token of the project. Those under way keep theirs.</summary>
    /// <param name="token">The other token.</param>
    /// <exception cref="MagicBellException">The token cannot be a bearer.</exception>
    public void UseToken(string token)
    {
        CheckBearer(token, "token");
        _connection.UseToken(token);
    }

    /// <summary>Reads once with another token, <c>GET /jwt/project?limit=1</c>. Returns where the API accepts it and it is an administrator's.</summary>
    /// <param name="token">The other token.</param>
    /// <param name="call">How it is stopped, and who hears of it.</param>
    /// <exception cref="MagicBellException">
    /// The token cannot be a bearer, or the read failed: <see cref="MagicBellError.Unauthorized"/> and <see cref="MagicBellError.Forbidden"/> are the API's own word.
    /// </exception>
    public async Task ProbeAsync(string token, CallContext call)
    {
        CheckBearer(token, "token");
        var request = new ApiRequest(HttpMethod.Get, new Uri(_root + "/jwt/project?limit=1"), $"read with the token {TokenFingerprint.Of(token)}") { Token = token };
        await _connection.SendAsync(request, AnswerReader.ReadTokenPage, call).ConfigureAwait(false);
    }

    /// <summary><c>GET /jwt/project</c>: the project's tokens, newest first, without their values.</summary>
    /// <param name="page">Where the list begins.</param>
    /// <param name="bearer">Another token to read with; null for the service's own.</param>
    /// <returns>The pages, each read when it is asked for.</returns>
    /// <exception cref="MagicBellException">A cursor is empty or cannot stand in a query, or the other token cannot be a bearer.</exception>
    public TokenPages FetchProjectTokensAsync(PageRequest page, string? bearer = null)
    {
        if (bearer is not null)
        {
            CheckBearer(bearer, "token");
        }

        return new TokenPages(this, new Uri(_root + "/jwt/project" + QueryOf(page)), backwards: page.Before is not null, "list the project tokens", bearer);
    }

    /// <summary><c>GET /jwt/user/{user_id}</c>: one user's tokens, newest first, without their values.</summary>
    /// <param name="userId">The user's id in MagicBell, opaque.</param>
    /// <param name="page">Where the list begins.</param>
    /// <returns>The pages, each read when it is asked for.</returns>
    /// <exception cref="MagicBellException">The user id or a cursor is empty or cannot stand in an address.</exception>
    public TokenPages FetchUserTokensAsync(string userId, PageRequest page)
    {
        RequestValidation.CheckUserId(userId);
        return new TokenPages(
            this,
            new Uri(_root + "/jwt/user/" + Uri.EscapeDataString(userId) + QueryOf(page)),
            backwards: page.Before is not null,
            $"list the tokens of user {_connection.Redactor.Clean(userId)}");
    }

    /// <summary><c>GET /users</c>: the project's users.</summary>
    /// <param name="page">Where the list begins. Without a size a page has 50.</param>
    /// <param name="query">Only users whose e-mail address or external id matches this text. How it matches is not documented: compare what comes. Null for all users.</param>
    /// <returns>The pages, each read when it is asked for.</returns>
    /// <exception cref="MagicBellException">A cursor or the query is empty or cannot stand in an address.</exception>
    public UserPages ListUsersAsync(PageRequest page, string? query = null)
    {
        if (query is not null)
        {
            RequestValidation.CheckQuery(query);
        }

        string filter = query is null ? "" : $" that match '{_connection.Redactor.Clean(query)}'";
        return new UserPages(this, new Uri(_root + "/users" + QueryOf(page, query)), backwards: page.Before is not null, "list the users" + filter);
    }

    /// <summary><c>POST /jwt/project</c>: issues a project token. Its value is in this answer only.</summary>
    /// <param name="token">What to issue.</param>
    /// <param name="idempotencyKey">Sent with each attempt (<c>Idempotency-Key</c>, from the API overview).</param>
    /// <param name="trustIdempotency">Whether a create whose answer was lost may be sent again: true only where the server is known to honour the key.</param>
    /// <param name="call">How it is stopped, and who hears of it.</param>
    /// <returns>The token.</returns>
    public Task<CreatedToken> CreateProjectJwtAsync(CreateProjectToken token, Guid idempotencyKey, bool trustIdempotency, CallContext call)
    {
        RequestValidation.CheckName(token.Name);
        RequestValidation.CheckLifetime(token.Lifetime);
        return CreateAsync("/jwt/project", $"issue the project token '{_connection.Redactor.Clean(token.Name)}'", idempotencyKey, trustIdempotency, call, token.Lifetime, (since, look) => IsListedAsync(token.Name, since, look), ("name", token.Name));
    }

    /// <summary><c>POST /jwt/user</c>: issues a user token. Its value is in this answer only.</summary>
    /// <param name="token">What to issue.</param>
    /// <param name="idempotencyKey">Sent with each attempt (<c>Idempotency-Key</c>, from the API overview).</param>
    /// <param name="trustIdempotency">Whether a create whose answer was lost may be sent again: true only where the server is known to honour the key.</param>
    /// <param name="call">How it is stopped, and who hears of it.</param>
    /// <returns>The token.</returns>
    public Task<CreatedToken> CreateUserJwtAsync(CreateUserToken token, Guid idempotencyKey, bool trustIdempotency, CallContext call)
    {
        RequestValidation.CheckUser(token.Email, token.ExternalId);
        if (token.Name is not null)
        {
            RequestValidation.CheckName(token.Name);
        }

        RequestValidation.CheckLifetime(token.Lifetime);
        return CreateAsync(
            "/jwt/user",
            $"issue a token for the user {_connection.Redactor.Clean(token.ExternalId ?? token.Email!)}",
            idempotencyKey,
            trustIdempotency,
            call,
            token.Lifetime,
            find: null,
            ("email", token.Email),
            ("external_id", token.ExternalId),
            ("name", token.Name));
    }

    /// <summary><c>DELETE /jwt/project/{token_id}</c>: revokes a project token at once and for good.</summary>
    /// <param name="tokenId">The token's id, a UUID.</param>
    /// <param name="call">How it is stopped, and who hears of it.</param>
    /// <returns>What was revoked, and when.</returns>
    /// <exception cref="MagicBellException">
    /// It failed. <see cref="MagicBellError.TokenNotFound"/> is the API's own 404: this call may have revoked the token where
    /// <see cref="MagicBellException.OutcomeUnknown"/> is true, and only the list says what became of it.
    /// </exception>
    public Task<DiscardedToken> DiscardProjectJwtAsync(string tokenId, CallContext call) => DiscardAsync("/jwt/project/", "project", tokenId, call);

    /// <summary><c>DELETE /jwt/user/{token_id}</c>: revokes a user's token at once and for good.</summary>
    /// <param name="tokenId">The token's id, a UUID; never a user's id, although the paths look alike.</param>
    /// <param name="call">How it is stopped, and who hears of it.</param>
    /// <returns>What was revoked, and when.</returns>
    /// <exception cref="MagicBellException">As for <see cref="DiscardProjectJwtAsync"/>.</exception>
    public Task<DiscardedToken> DiscardUserJwtAsync(string tokenId, CallContext call) => DiscardAsync("/jwt/user/", "user", tokenId, call);

    /// <summary>Ends every request in flight, and forgets the token and the connections.</summary>
    public void Dispose() => _connection.Dispose();

    internal Task<ListPage<T>> FetchPageAsync<T>(Uri address, string purpose, string? bearer, Func<Answer, ListPage<T>> read, CallContext call) =>
        _connection.SendAsync(new ApiRequest(HttpMethod.Get, address, purpose) { Token = bearer }, read, call);

    private static string QueryOf(PageRequest page, string? filter = null)
    {
        var query = new StringBuilder();
        Add("limit", page.Size?.ToString(CultureInfo.InvariantCulture));
        AddCursor("starting_after", page.After);
        AddCursor("ending_before", page.Before);
        Add("query", filter);
        return query.ToString();

        void AddCursor(string name, string? cursor)
        {
            if (cursor is not null)
            {
                RequestValidation.CheckCursor(cursor);
                Add(name, cursor);
            }
        }

        void Add(string name, string? value)
        {
            if (value is not null)
            {
                query.Append(query.Length == 0 ? '?' : '&').Append(name).Append('=').Append(Uri.EscapeDataString(value));
            }
        }
    }

    private async Task<CreatedToken> CreateAsync(
        string path,
        string purpose,
        Guid idempotencyKey,
        bool trustIdempotency,
        CallContext call,
        long? lifetime,
        Func<DateTimeOffset, CallContext, Task<bool>>? find,
        params (string Name, string? Value)[] texts)
    {
        using var body = new MemoryStream();
        using (var writer = new JsonTextWriter(new StreamWriter(body, new UTF8Encoding(false))))
        {
            writer.WriteStartObject();
            foreach ((string name, string? value) in texts)
            {
                if (value is not null)
                {
                    writer.WritePropertyName(name);
                    writer.WriteValue(value);
                }
            }

            if (lifetime is not null)
            {
                writer.WritePropertyName("expiry");
                writer.WriteValue(lifetime.Value);
            }

            writer.WriteEndObject();
        }

        var request = new ApiRequest(HttpMethod.Post, new Uri(_root + path), purpose)
        {
            Body = body.ToArray(),
            IdempotencyKey = idempotencyKey,
            TrustsIdempotency = trustIdempotency,
            FindAsync = find,
        };
        Interlocked.Increment(ref _creating);
        try
        {
            return await _connection.SendAsync(request, Read, call).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _creating);
        }

        // While the answer is read: whatever a listener throws then leaves the create in doubt, as anything else does.
        CreatedToken Read(Answer answer)
        {
            CreatedToken created = AnswerReader.ReadCreated(answer);
            created.WasIssuedBefore = !Remember(created.TokenId);
            created.IsExpiryUnknown = lifetime is not null && created.ExpiresAt is null;
            bool isLate = lifetime is { } asked && created.ExpiresAt is { } end && (end - created.CreatedAt).TotalSeconds > asked + s_expiryTolerance.TotalSeconds;

            // By both clocks, of which one may be wrong.
            DateTimeOffset begin = created.CreatedAt < ServerNow ? created.CreatedAt : ServerNow;
            bool isEarly = lifetime is { } least && created.ExpiresAt is { } over && (over - begin + s_expiryTolerance).TotalSeconds < Math.Min(least, (DateTimeOffset.MaxValue - begin).TotalSeconds);
            if (created.IsExpiryUnknown || isLate || isEarly)
            {
                string what = isLate || isEarly
                    ? string.Format(CultureInfo.InvariantCulture, "ends at {0:yyyy-MM-dd'T'HH:mm:ss'Z'}, {1} than was asked for", created.ExpiresAt!.Value.UtcDateTime, isLate ? "later" : "earlier")
                    : "may never end: the server does not confirm the end that was asked for";
                call.Notify?.Invoke(new CallNotice(CallNoticeKind.Warning, $"The token {created.TokenId} {what}. The request was to {purpose}."));
            }

            return created;
        }
    }

    // Whether the list shows a token of this name, issued since a moment of this machine's clock, which no create of this service has answered with.
    private async Task<bool> IsListedAsync(string name, DateTimeOffset since, CallContext call)
    {
        // A list may lag behind, and its no is final.
        await _clock.Delay(s_listDelay, call.Stop).ConfigureAwait(false);
        var found = new List<string?>();
        TokenPages pages = FetchProjectTokensAsync(new PageRequest(100));
        DateTimeOffset last = DateTimeOffset.MaxValue;
        bool isNewestFirst = true;
        bool isOver = false;
        while (!isOver && await pages.ReadAsync(call).ConfigureAwait(false) is { } page)
        {
            // Where the server does not tell its clock, a token of any age may be the one.
            DateTimeOffset begin = ClockOffset is { } offset ? since - offset - s_clockTolerance : DateTimeOffset.MinValue;
            // A list may leave a name out.
            found.AddRange(page.Where(token => token.CreatedAt >= begin && (token.Name is null || TokenName.IsSame(token.Name, name))).Select(token => token.Id));
            foreach (ListedTokenRecord token in page)
            {
                isNewestFirst &= token.CreatedAt <= last;
                last = token.CreatedAt;
            }

            isOver = isNewestFirst && last < begin;
        }

        // One may be another create's of this service, whose answer is on its way.
        for (int wait = 0; wait < WaitsForOthers && IsUnknown() && Volatile.Read(ref _creating) > 1; wait++)
        {
            await _clock.Delay(s_waitForOthers, call.Stop).ConfigureAwait(false);
        }

        return IsUnknown();

        bool IsUnknown() => found.Any(id => id is null || !_issuedIds.ContainsKey(id));
    }

    // False where a create was answered with this id before.
    private bool Remember(string id)
    {
        if (!_issuedIds.TryAdd(id, true))
        {
            return false;
        }

        _issuedInOrder.Enqueue(id);
        while (_issuedInOrder.Count > RememberedIds && _issuedInOrder.TryDequeue(out string? oldest))
        {
            _issuedIds.TryRemove(oldest, out _);
        }

        return true;
    }

    private Task<DiscardedToken> DiscardAsync(string path, string kind, string tokenId, CallContext call)
    {
        RequestValidation.CheckTokenId(tokenId);
        var request = new ApiRequest(HttpMethod.Delete, new Uri(_root + path + Uri.EscapeDataString(tokenId)), $"revoke the {kind} token {tokenId}");
        return _connection.SendAsync(
            request,
            answer =>
            {
                DiscardedToken discarded = AnswerReader.ReadDiscarded(answer);
                return string.Equals(discarded.TokenId, tokenId, StringComparison.OrdinalIgnoreCase)
                    ? discarded
                    : throw new UnreadableAnswerException("it speaks of another token");
            },
            call);
    }

    private static void CheckBearer(string token, string what)
    {
        if (!RequestValidation.IsBearer(token))
        {
            throw MagicBellException.Invalid($"The {what} is empty or holds a character that no token has.");
        }
    }
}
