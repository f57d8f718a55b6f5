using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox;
using MagicBellJwt.Sandbox.Server;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>A service under test, and what it said on the way.</summary>
internal sealed class TestClient : IDisposable
{
    /// <summary>A bearer with the form of a JWT.</summary>
    public const string Bearer = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJ0ZXN0In0.c2lnbmF0dXJl";

    private readonly ConcurrentQueue<CallNotice> _notices = new();

    /// <summary>Makes a client that is hardly paced, whose back-offs take no time, and whose attempts hardly time out.</summary>
    public TestClient(Uri address, string token = Bearer, Action<JwtServiceOptions>? change = null)
    {
        var options = new JwtServiceOptions
        {
            BaseAddress = address,
            Token = token,
            UserAgent = "MagicBellJwt/0.0 (tests)",
            Clock = new HurriedClock(500),
            AttemptTimeout = TimeSpan.FromHours(8),
            ReadsPerMinute = 10_000_000,
            WritesPerMinute = 10_000_000,
            Proxy = new WebProxy(),
        };
        change?.Invoke(options);
        Service = new JwtService(options);
    }

    public TestClient(SandboxServer server, Action<JwtServiceOptions>? change = null)
        : this(server.BaseAddress, server.AdministratorToken, change)
    {
    }

    public TestClient(RawServer server, Action<JwtServiceOptions>? change = null)
        : this(server.BaseAddress, Bearer, change)
    {
    }

    public JwtService Service { get; }

    /// <summary>Hears of each notice when it comes.</summary>
    public event Action<CallNotice>? Noticed;

    public IReadOnlyList<CallNotice> Notices => _notices.ToArray();

    /// <summary>A call that ends with the test.</summary>
    public CallContext Call => CallWith(TestContext.Current.CancellationToken);

    /// <summary>A call that ends when the test says so.</summary>
    public CallContext CallWith(CancellationToken stop) => new(stop, stop, OnNotice, DescribeHeaders: true);

    public Task<CreatedToken> CreateAsync(string name = "ci", bool trust = false, Guid? key = null, CallContext? call = null) =>
        Service.CreateProjectJwtAsync(new CreateProjectToken(name, null), key ?? Guid.NewGuid(), trust, call ?? Call);

    public Task<DiscardedToken> DiscardAsync(string id, CallContext? call = null) => Service.DiscardProjectJwtAsync(id, call ?? Call);

    /// <summary>Reads one page of the project's tokens.</summary>
    public Task<IReadOnlyList<ListedTokenRecord>?> ListAsync(CallContext? call = null) => Service.FetchProjectTokensAsync(new PageRequest()).ReadAsync(call ?? Call);

    /// <summary>Reads a list to its end.</summary>
    public async Task<List<ListedTokenRecord>> ReadAllAsync(TokenPages pages)
    {
        var tokens = new List<ListedTokenRecord>();
        while (await pages.ReadAsync(Call) is { } page)
        {
            tokens.AddRange(page);
        }

        return tokens;
    }

    /// <summary>One of the three kinds of request, on a token that need not exist.</summary>
    public Task SendAsync(string method, CallContext? call = null) => method switch
    {
        "GET" => ListAsync(call),
        "POST" => CreateAsync(call: call),
        _ => DiscardAsync(Answers.Id, call: call),
    };

    public IReadOnlyList<CallNotice> NoticesOf(CallNoticeKind kind) => [.. Notices.Where(notice => notice.Kind == kind)];

    public void Dispose() => Service.Dispose();

    private void OnNotice(CallNotice notice)
    {
        _notices.Enqueue(notice);
        Noticed?.Invoke(notice);
    }

    /// <summary>A sandbox over HTTP without a rate limit.</summary>
    public static Task<SandboxServer> StartSandboxAsync(
        int projectTokens = 0,
        IReadOnlyDictionary<string, int>? userTokens = null,
        SandboxOptions? sandbox = null) =>
        SandboxServer.StartAsync(new SandboxServerOptions
        {
            Sandbox = sandbox ?? new SandboxOptions { EnforceRateLimit = false },
            SeedProjectTokens = projectTokens,
            SeedUserTokens = userTokens ?? new Dictionary<string, int>(),
        });

    /// <summary>Waits for something that another thread or process does soon.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        for (long start = TimeProvider.System.GetTimestamp(); !condition(); await Task.Delay(5, TestContext.Current.CancellationToken))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(10), what + " within ten seconds");
        }
    }
}

/// <summary>Right answers of the API.</summary>
internal static class Answers
{
    public const string Id = "019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b";

    /// <summary>A token's value that no test may find anywhere else than where it belongs.</summary>
    public const string IssuedValue = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJpc3N1ZWQifQ.aXNzdWVkLWNhbmFyeQ";

    public const string Page = """{"data":[{"id":"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b","name":"ci","created_at":"2021-01-01T00:00:00Z"}],"links":{"first":"/","next":null,"prev":null}}""";

    public const string Created = $$"""{"token":"{{IssuedValue}}","token_id":"{{Id}}","created_at":"2021-01-01T00:00:00Z"}""";

    public const string Discarded = $$"""{"token_id":"{{Id}}","discarded_at":"2021-01-02T00:00:00Z"}""";

    /// <summary>The status and body that a request of this method succeeds with.</summary>
    public static (int Status, string Body) For(string method) => method switch
    {
        "GET" => (200, Page),
        "POST" => (201, Created),
        _ => (200, Discarded),
    };

    /// <summary>Answers a request as it hopes.</summary>
    public static Task Right(RawRequest request)
    {
        (int status, string body) = For(request.Method);
        return request.AnswerAsync(status, body, "Content-Type: application/json");
    }

    /// <summary>Answers with a status and an error in JSON.</summary>
    public static Func<RawRequest, Task> Error(int status, params string[] headers) =>
        request => request.AnswerAsync(status, """{"errors":[{"code":"c1","message":"The message."}]}""", [.. headers, "Content-Type: application/json"]);
}
