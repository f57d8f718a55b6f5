using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace MagicBellJwt.Sandbox;

/// <summary>
/// The JWT operations of the MagicBell API, and its list of users, in memory: one project, its users and their tokens. Give it to an <see cref="HttpClient"/> to
/// work without a network, or host <see cref="Answer"/> behind a server. Safe to use from many threads.
/// </summary>
/// <remarks>
/// Where the vendor's documents are silent: a page holds at most 100 tokens, whatever was asked for; an expired token can still be revoked;
/// revoking a revoked one is a 404; an email address and an external id that belong to two users are a 409; times are whole seconds; users are listed newest first, at most 100 a page.
/// </remarks>
public sealed class SandboxHandler : HttpMessageHandler
{
    private const string Root = "/v2/jwt/";
    private const string UsersPath = "/v2/users";
    private const int TokensAPage = 25;
    private const int UsersAPage = 50;

    private readonly object _gate = new();
    private readonly SandboxOptions _options;
    private readonly byte[] _signingKey;
    private readonly Dictionary<Guid, SandboxToken> _tokens = [];
    private readonly TokenList _projectTokens;
    private readonly UserDirectory _users;
    private readonly RateLimit _reads;
    private readonly RateLimit _writes;
    private readonly IdempotencyKeys _idempotencyKeys = new();

    /// <summary>Makes a project with one token, its administrator's.</summary>
    /// <param name="options">How the sandbox behaves; null for the defaults.</param>
    public SandboxHandler(SandboxOptions? options = null)
    {
        _options = options ?? new SandboxOptions();
        _signingKey = Encoding.UTF8.GetBytes(_options.SecretKey);
        _projectTokens = new TokenList(_options.ListDiscarded);
        _users = new UserDirectory(_options.ListDiscarded);
        _reads = new RateLimit(_options.ReadsPerMinute, _options.Window);
        _writes = new RateLimit(_options.WritesPerMinute, _options.Window);
        SandboxToken administrator = Add(_projectTokens, Guid.NewGuid(), user: null, "Sandbox administrator", WholeSeconds(Now), expiresAt: null);
        AdministratorToken = SandboxJwt.Sign(administrator, _options.ProjectId, _signingKey);
    }

    /// <summary>The base address to give to a client that works in process. Its name resolves nowhere (RFC 2606).</summary>
    public Uri BaseAddress { get; } = new("https://sandbox.invalid/v2/");

    /// <summary>The JWT of the project token that the project starts with: a secret like any other.</summary>
    public string AdministratorToken { get; }

    private DateTimeOffset Now => _options.Clock.GetUtcNow();

    /// <summary>Adds project tokens in one go, named <c>seed 1</c> and on; the ids are the same in each sandbox seeded alike.</summary>
    /// <param name="count">How many, from 0; a million take about a second.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    /// <remarks>Every fourth never expires, the others in 30, 60 and 90 days. Nobody has the values of these tokens.</remarks>
    public void SeedProjectTokens(int count)
    {
        lock (_gate)
        {
            Seed(_projectTokens, user: null, "project", count);
        }
    }

    /// <summary>Adds tokens of a user in one go, as <see cref="SeedProjectTokens"/> does, and the user where there is none yet.</summary>
    /// <param name="userId">The user's id: any text.</param>
    /// <param name="count">How many, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    public void SeedUserTokens(string userId, int count)
    {
        lock (_gate)
        {
            SandboxUser user = _users.FindOrAdd(userId, WholeSeconds(Now));
            Seed(user.Tokens, user, "user " + userId, count);
        }
    }

    /// <summary>
    /// Adds users in one go: <c>user1@example.com</c> with the external id <c>ext-1</c> and the name <c>First1 Last1</c>, and on, each first heard of a
    /// second after the one before. The ids are the same in each sandbox seeded alike.
    /// </summary>
    /// <param name="count">How many, from 0.</param>
    /// <param name="tokens">How many tokens each has, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative.</exception>
    public void SeedUsers(int count, int tokens = 0)
    {
        if (count < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(count));
        }

        lock (_gate)
        {
            DateTimeOffset first = WholeSeconds(Now).AddSeconds(-count);
            var ids = new SeedIds("users", _users.OldestFirst.Count);
            for (int i = 1; i <= count; i++)
            {
                string number = i.ToString(CultureInfo.InvariantCulture);
                SandboxUser user = _users.FindOrAdd("usr_" + ids.Next().ToString("N"), first.AddSeconds(i));
                _users.Name(user, $"user{number}@example.com", "ext-" + number);
                user.FirstName = "First" + number;
                user.LastName = "Last" + number;
                Seed(user.Tokens, user, "user " + user.Id, tokens);
            }
        }
    }

    /// <summary>Adds a user, or names one that is there anew. Two users may get one address here, which creates never do.</summary>
    /// <param name="userId">The user's id: any text.</param>
    /// <param name="email">The email address; null for none.</param>
    /// <param name="externalId">The external id; null for none.</param>
    public void SetUser(string userId, string? email, string? externalId)
    {
        lock (_gate)
        {
            _users.Name(_users.FindOrAdd(userId, WholeSeconds(Now)), email, externalId);
        }
    }

    /// <summary>Every user, the oldest first.</summary>
    /// <returns>The users there are now.</returns>
    public IReadOnlyList<SandboxUser> ListUsers()
    {
        lock (_gate)
        {
            return [.. _users.OldestFirst];
        }
    }

    /// <summary>Every token, the revoked ones too: first the project's and then each user's, the oldest first.</summary>
    /// <returns>The tokens there are now; a later revocation shows in their <see cref="SandboxToken.DiscardedAt"/>.</returns>
    public IReadOnlyList<SandboxToken> ListTokens()
    {
        lock (_gate)
        {
            return [.. _projectTokens.OldestFirst, .. _users.OldestFirst.SelectMany(user => user.Tokens.OldestFirst)];
        }
    }

    /// <summary>Does what a request asks for, and answers it.</summary>
    /// <param name="request">The request.</param>
    /// <returns>The answer; errors are answers too.</returns>
    public SandboxAnswer Answer(SandboxRequest request)
    {
        string[] segments = request.Path.StartsWith(Root, StringComparison.Ordinal) ? request.Path.Substring(Root.Length).Split('/') : [];
        string shape = segments.Length switch
        {
            0 when request.Path == UsersPath => "users",
            1 => segments[0],
            2 when segments[1].Length > 0 => segments[0] + "/{id}",
            _ => "",
        };
        string[] methods = shape switch
        {
            "project" => ["GET", "POST"],
            "project/{id}" => ["DELETE"],
            "user" => ["POST"],
            "user/{id}" => ["GET", "DELETE"],
            "users" when segments.Length == 0 => ["GET"],
            _ => [],
        };
        if (methods.Length == 0)
        {
            return Error(404, "not_found", "There is nothing at this path.");
        }

        if (!methods.Contains(request.Method))
        {
            lock (_gate)
            {
                if (request.Method is "HEAD" or "OPTIONS" && Refuse(request, Now) is { } refusal)
                {
                    return refusal;
                }
            }

            return Error(405, "method_not_allowed", "This path takes " + string.Join(" and ", methods) + ".", ("Allow", string.Join(", ", methods)));
        }

        string id = Uri.UnescapeDataString(segments.LastOrDefault() ?? "");
        DateTimeOffset now = Now;
        lock (_gate)
        {
            return Refuse(request, now) ?? WrongType(request) ?? (request.Method, shape) switch
            {
                ("GET", "users") => ListUsers(request),
                ("GET", "project") => List(request, _projectTokens),
                ("GET", _) => _users.Find(id) is { } user ? List(request, user.Tokens) : Error(404, "not_found", "There is no such user."),
                ("DELETE", "project/{id}") => Discard(id, "project", now),
                ("DELETE", _) => Discard(id, "user", now),
                _ => CreateOnce(request, shape, now),
            };
        }
    }

    /// <inheritdoc/>
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        byte[] body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        SandboxAnswer answer = Answer(new SandboxRequest
        {
            Method = request.Method.Method,
            Origin = request.RequestUri!.GetLeftPart(UriPartial.Authority),
            Path = request.RequestUri.AbsolutePath,
            Query = request.RequestUri.Query,
            Authorization = request.Headers.Authorization?.ToString(),
            ContentType = request.Content?.Headers.ContentType?.ToString(),
            IdempotencyKey = request.Headers.TryGetValues("Idempotency-Key", out IEnumerable<string>? keys) ? keys.First() : null,
            Body = body,
        });
        var response = new HttpResponseMessage((HttpStatusCode)answer.Status)
        {
            RequestMessage = request,
            Content = new ByteArrayContent(answer.Body.Array!, answer.Body.Offset, answer.Body.Count),
        };
        foreach (KeyValuePair<string, string> header in answer.Headers)
        {
            if (!response.Headers.TryAddWithoutValidation(header.Key, header.Value))
            {
                response.Content.Headers.TryAddWithoutValidation(header.Key, header.Value);
            }
        }

        return response;
    }

    private static DateTimeOffset WholeSeconds(DateTimeOffset moment) => DateTimeOffset.FromUnixTimeSeconds(moment.ToUnixTimeSeconds());

    /// <summary>The answer to a request that may not be done: not signed in, not an administrator, or one too many this minute.</summary>
    private SandboxAnswer? Refuse(SandboxRequest request, DateTimeOffset now)
    {
        const string Scheme = "Bearer ";
        JObject? claims = request.Authorization is { } authorization && authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            ? SandboxJwt.Verify(authorization.Substring(Scheme.Length).Trim(), _signingKey)
            : null;
        SandboxToken? bearer = (claims?["jti"] as JValue)?.Value is string id && Find(id) is { } known && known.IsLive(now) ? known : null;
        if (bearer is null && !IsSignedOffline(claims, now))
        {
            return Error(401, "unauthorized", "The token is missing, unknown, expired or revoked.", ("WWW-Authenticate", "Bearer"));
        }

        if (bearer is null || bearer.Kind != "project")
        {
            return Error(403, "forbidden", "Only an administrator's project token may do this.");
        }

        TimeSpan wait = !_options.EnforceRateLimit ? TimeSpan.Zero : (request.Method is "GET" or "HEAD" or "OPTIONS" ? _reads : _writes).Admit(now);
        return wait == TimeSpan.Zero
            ? null
            : Error(429, "too_many_requests", "The project has sent too many requests this minute.",
                ("Retry-After", Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture)));
    }

    /// <summary>Whether the claims are those of a user token that was signed with the project's key and not by the API.</summary>
    private static bool IsSignedOffline(JObject? claims, DateTimeOffset now) =>
        claims is not null && claims["jti"] is null && !(claims["exp"] is JValue { Value: long exp } && exp <= now.ToUnixTimeSeconds());

    private SandboxToken? Find(string? id) => Guid.TryParseExact(id, "D", out Guid key) && _tokens.TryGetValue(key, out SandboxToken? token) ? token : null;

    private SandboxToken Add(TokenList list, Guid id, SandboxUser? user, string? name, DateTimeOffset createdAt, DateTimeOffset? expiresAt)
    {
        var token = new SandboxToken(id, user, name, createdAt, expiresAt);
        _tokens.Add(id, token);
        list.Add(token);
        return token;
    }

    private void Seed(TokenList list, SandboxUser? user, string owner, int count)
    {
        if (count < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(count));
        }

        list.Reserve(count);
        DateTimeOffset createdAt = WholeSeconds(Now);
        var ids = new SeedIds(owner, list.OldestFirst.Count);
        for (int i = 1; i <= count; i++)
        {
            int months = i % 4;
            Add(list, ids.Next(), user, "seed " + i.ToString(CultureInfo.InvariantCulture), createdAt, months == 0 ? null : createdAt.AddDays(30 * months));
        }
    }

    private SandboxAnswer List(SandboxRequest request, TokenList list)
    {
        if (Paging.Read(request.Query, _options.DefaultPage ?? TokensAPage) is not { } paging)
        {
            return WrongPage();
        }

        SandboxToken? after = Cursor(paging.After);
        SandboxToken? before = Cursor(paging.Before);
        if ((after is null && paging.After is not null) || (before is null && paging.Before is not null))
        {
            return WrongCursor();
        }

        TokenPage page = list.Page(paging.Size, after, before);
        return Page(request, paging, page.Tokens, page.HasNewer, page.HasOlder, token => token.Id.ToString("D"), (json, token) =>
        {
            json.WriteMember("id", token.Id.ToString("D"));
            json.WriteNullable(_options.WritesNull, "name", token.Name);
            json.WriteNullable(_options.WritesNull, "created_at", token.CreatedAt);
            json.WriteNullable(_options.WritesNull, "expires_at", token.ExpiresAt);
            json.WriteNullable(_options.WritesNull, "discarded_at", token.DiscardedAt);
        });

        SandboxToken? Cursor(string? id) =>
            Find(id) is { } token && list.Contains(token) && !(_options.CursorsDieWithTheirToken && token.IsDiscarded) ? token : null;
    }

    private SandboxAnswer ListUsers(SandboxRequest request)
    {
        if (Paging.Read(request.Query, _options.DefaultPage ?? UsersAPage) is not { } paging)
        {
            return WrongPage();
        }

        SandboxUser? after = paging.After is null ? null : _users.Find(paging.After);
        SandboxUser? before = paging.Before is null ? null : _users.Find(paging.Before);
        if ((after is null && paging.After is not null) || (before is null && paging.Before is not null))
        {
            return WrongCursor();
        }

        UserPage page = _users.Page(paging.Size, after, before, user => paging.Filter is null || Matches(user.Email, paging.Filter) || Matches(user.ExternalId, paging.Filter));
        return Page(request, paging, page.Users, page.HasNewer, page.HasOlder, user => user.Id, (json, user) =>
        {
            json.WriteMember("id", user.Id);
            json.WriteMember("email", user.Email);
            json.WriteMember("external_id", user.ExternalId);
            json.WriteMember("first_name", user.FirstName);
            json.WriteMember("last_name", user.LastName);
            json.WriteMember("custom_attributes", null);
            json.WriteNullable(_options.WritesNull, "created_at", user.CreatedAt);
            json.WriteNullable(_options.WritesNull, "updated_at", user.CreatedAt);
            json.WriteMember("last_seen_at", null);
            json.WriteMember("last_notified_at", null);
        });
    }

    private bool Matches(string? text, string query)
    {
        StringComparison comparison = _options.UserQueryMindsCase ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase;
        return text is not null && _options.UserQuery switch
        {
            UserQuery.Exact => string.Equals(text, query, comparison),
            UserQuery.Prefix => text.StartsWith(query, comparison),
            _ => text.IndexOf(query, comparison) >= 0,
        };
    }

    private SandboxAnswer? WrongType(SandboxRequest request) =>
        request.Method != "POST" || string.Equals(request.ContentType?.Split(';')[0].Trim(), "application/json", StringComparison.OrdinalIgnoreCase)
            ? null
            : Error(415, "unsupported_media_type", "The body is to be application/json.");

    private SandboxAnswer WrongPage() => Error(422, "invalid_page", "The size of a page is a whole number from 1, and a page is after or before an item, not both.");

    private SandboxAnswer WrongCursor() => Error(422, "invalid_cursor", "The cursor is not of this list.");

    private SandboxAnswer Page<T>(SandboxRequest request, Paging paging, List<T> items, bool hasNewer, bool hasOlder, Func<T, string> idOf, Action<JsonWriter, T> write)
    {
        string address = request.Origin + request.Path;
        return Json200(json =>
        {
            json.WriteStartObject();
            json.WritePropertyName("data");
            json.WriteStartArray();
            foreach (T item in items)
            {
                json.WriteStartObject();
                write(json, item);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WritePropertyName("links");
            json.WriteStartObject();
            json.WriteMember("first", address + paging.Query());
            json.WriteMember("next", hasOlder ? address + paging.Query(after: idOf(items[items.Count - 1])) : null);
            json.WriteMember("prev", hasNewer ? address + paging.Query(before: idOf(items[0])) : null);
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    private SandboxAnswer Discard(string id, string kind, DateTimeOffset now)
    {
        if (Find(id) is not { IsDiscarded: false } token || token.Kind != kind)
        {
            return Error(404, "not_found", "There is no such " + kind + " token.");
        }

        token.DiscardedAt = WholeSeconds(now);
        return Json200(json =>
        {
            json.WriteStartObject();
            json.WriteMember("token_id", token.Id.ToString("D"));
            json.WriteNullable(_options.WritesNull, "discarded_at", token.DiscardedAt);
            json.WriteEndObject();
        });
    }

    private SandboxAnswer CreateOnce(SandboxRequest request, string kind, DateTimeOffset now)
    {
        if (!_options.HonourIdempotencyKeys || request.IdempotencyKey is not { Length: > 0 } key)
        {
            return Create(request, kind, now);
        }

        if (_idempotencyKeys.Find(key, now) is { } use)
        {
            return use.IsOf(request)
                ? new SandboxAnswer(use.Answer.Status, use.Answer.Body, Headers(("Idempotent-Replayed", "true")))
                : Error(422, "idempotency_key_reused", "The Idempotency-Key was used for another request.");
        }

        SandboxAnswer answer = Create(request, kind, now);
        _idempotencyKeys.Add(key, now, new IdempotencyKeys.Use(request, answer));
        return answer;
    }

    private SandboxAnswer Create(SandboxRequest request, string kind, DateTimeOffset now)
    {
        DateTimeOffset createdAt = WholeSeconds(now);
        CreateInput input;
        try
        {
            input = new CreateInput(request.Body, forUser: kind == "user", createdAt);
        }
        catch (Exception exception) when (exception is JsonException or DecoderFallbackException)
        {
            return Error(400, "invalid_json", "The body is not a JSON object.");
        }

        if (input.Errors.Count > 0)
        {
            return Errors(422, input.Errors);
        }

        SandboxUser? user = null;
        if (kind == "user" && (user = _users.Identify(input.Email, input.ExternalId, createdAt)) is null)
        {
            return Error(409, "user_conflict", "email and external_id are of two users.");
        }

        SandboxToken token = Add(user?.Tokens ?? _projectTokens, Guid.NewGuid(), user, input.Name, createdAt, input.ExpiresAt);
        return new SandboxAnswer(201, Json.Write(json =>
        {
            json.WriteStartObject();
            json.WriteMember("token", SandboxJwt.Sign(token, _options.ProjectId, _signingKey));
            json.WriteMember("token_id", token.Id.ToString("D"));
            json.WriteNullable(_options.WritesNull, "created_at", token.CreatedAt);
            json.WriteNullable(_options.WritesNull, "expires_at", token.ExpiresAt);
            json.WriteEndObject();
        }), Headers());
    }

    private SandboxAnswer Error(int status, string code, string message, params (string Name, string Value)[] headers) =>
        Errors(status, [(code, message)], headers);

    private SandboxAnswer Errors(int status, List<(string Code, string Message)> errors, params (string Name, string Value)[] headers) =>
        new(status, Json.Write(json =>
        {
            json.WriteStartObject();
            json.WritePropertyName("errors");
            json.WriteStartArray();
            foreach ((string code, string message) in errors)
            {
                json.WriteStartObject();
                json.WriteMember("code", code);
                json.WriteMember("message", message);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }), Headers(headers));

    private SandboxAnswer Json200(Action<JsonWriter> write) => new(200, Json.Write(write), Headers());

    private Dictionary<string, string> Headers(params (string Name, string Value)[] more)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["Content-Type"] = "application/json; charset=utf-8",
            ["Date"] = Now.ToString("R", CultureInfo.InvariantCulture),
            ["X-Request-Id"] = Guid.NewGuid().ToString("D"),
        };
        foreach ((string name, string value) in more)
        {
            headers.Add(name, value);
        }

        return headers;
    }
}
