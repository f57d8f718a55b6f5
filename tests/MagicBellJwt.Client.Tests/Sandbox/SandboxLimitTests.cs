using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox;
using MagicBellJwt.Sandbox.Server;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace MagicBellJwt.Client.Tests.Sandbox;

/// <summary>Rate limits, idempotency keys and many clients at once.</summary>
public sealed class SandboxLimitTests
{
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 1, 1, 12, 0, 30, TimeSpan.Zero));

    [Fact]
    public async Task The_documented_limits_are_250_reads_and_200_writes_counted_apart()
    {
        await using SandboxServer server = await StartAsync(new SandboxOptions { Clock = _clock });
        using var client = new PlainClient(server);

        await AssertReadsAsync(client, [.. Enumerable.Repeat(200, 250)]);
        await AssertReadsAsync(client, 429);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(201, (await client.PostAsync("jwt/project", new { name = "ci" })).Status);
            Assert.Equal(404, (await client.DeleteAsync("jwt/user/1")).Status);
        }

        PlainAnswer refused = await client.PostAsync("jwt/project", new { name = "one too many" });
        Assert.Equal(429, refused.Status);
        Assert.Equal(["too_many_requests"], refused.ErrorCodes);
        Assert.DoesNotContain(server.Api.ListTokens(), token => token.Name == "one too many");
    }

    [Fact]
    public async Task A_sliding_window_frees_a_place_a_minute_after_each_request_and_none_for_a_refusal()
    {
        await using SandboxServer server = await StartAsync(new SandboxOptions { Clock = _clock, ReadsPerMinute = 3 });
        using var client = new PlainClient(server);

        await AssertReadsAsync(client, 200);
        _clock.Advance(TimeSpan.FromSeconds(20.5));
        await AssertReadsAsync(client, 200, 200, 429);
        PlainAnswer refused = await client.GetAsync("jwt/project");
        Assert.Equal("40", refused.Headers["Retry-After"]);
        _clock.Advance(TimeSpan.FromSeconds(39));
        Assert.Equal("1", (await client.GetAsync("jwt/project")).Headers["Retry-After"]);
        _clock.Advance(TimeSpan.FromSeconds(0.5));
        await AssertReadsAsync(client, 200, 429);
        _clock.Advance(TimeSpan.FromSeconds(20.5));
        await AssertReadsAsync(client, 200, 200, 429);
    }

    [Fact]
    public async Task A_fixed_window_starts_anew_at_each_full_minute()
    {
        await using SandboxServer server = await StartAsync(new SandboxOptions { Clock = _clock, ReadsPerMinute = 2, Window = RateLimitWindow.FixedMinute });
        using var client = new PlainClient(server);

        await AssertReadsAsync(client, 200, 200, 429);
        Assert.Equal("30", (await client.GetAsync("jwt/project")).Headers["Retry-After"]);
        _clock.Advance(TimeSpan.FromSeconds(30));
        await AssertReadsAsync(client, 200, 200, 429);
        _clock.Advance(TimeSpan.FromSeconds(59.9));
        await AssertReadsAsync(client, 429);
        _clock.Advance(TimeSpan.FromSeconds(0.1));
        await AssertReadsAsync(client, 200, 200, 429);
    }

    [Fact]
    public async Task Requests_without_an_administrator_count_for_nothing_and_the_limit_can_be_switched_off()
    {
        await using SandboxServer strict = await StartAsync(new SandboxOptions { Clock = _clock, ReadsPerMinute = 1 });
        using var client = new PlainClient(strict);
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(401, (await client.SendAsync("GET", "jwt/project", authorization: "Bearer x")).Status);
        }

        await AssertReadsAsync(client, 200, 429);

        await using SandboxServer lenient = await StartAsync(new SandboxOptions { Clock = _clock, ReadsPerMinute = 1, EnforceRateLimit = false });
        using var another = new PlainClient(lenient);
        await AssertReadsAsync(another, [.. Enumerable.Repeat(200, 5)]);
    }

    [Fact]
    public async Task A_key_replays_the_first_answer_for_24_hours_and_mints_nothing()
    {
        await using SandboxServer server = await StartAsync(new SandboxOptions { Clock = _clock });
        using var client = new PlainClient(server);
        string key = Guid.NewGuid().ToString();

        PlainAnswer first = await client.PostAsync("jwt/project", new { name = "ci" }, key);
        _clock.Advance(TimeSpan.FromHours(24) - TimeSpan.FromSeconds(1));
        PlainAnswer replay = await client.PostAsync("jwt/project", new { name = "ci" }, key);

        Assert.Equal(201, replay.Status);
        Assert.Equal(first.Text, replay.Text);
        Assert.False(first.Headers.ContainsKey("Idempotent-Replayed"));
        Assert.Equal("true", replay.Headers["Idempotent-Replayed"]);
        Assert.NotEqual(first.Headers["X-Request-Id"], replay.Headers["X-Request-Id"]);
        Assert.Equal(2, server.Api.ListTokens().Count);

        _clock.Advance(TimeSpan.FromSeconds(1));
        PlainAnswer anew = await client.PostAsync("jwt/project", new { name = "ci" }, key);
        Assert.NotEqual(first.TokenId, anew.TokenId);
        Assert.Equal(3, server.Api.ListTokens().Count);
        Assert.Equal(anew.Text, (await client.PostAsync("jwt/project", new { name = "ci" }, key)).Text);
    }

    [Fact]
    public async Task A_key_replays_a_refusal_too_and_is_refused_for_another_request()
    {
        await using SandboxServer server = await StartAsync(new SandboxOptions { Clock = _clock });
        using var client = new PlainClient(server);

        Assert.Equal(["name_missing"], (await client.PostAsync("jwt/project", new { }, "k1")).ErrorCodes);
        Assert.Equal("true", (await client.PostAsync("jwt/project", new { }, "k1")).Headers["Idempotent-Replayed"]);
        Assert.Equal(["idempotency_key_reused"], (await client.PostAsync("jwt/project", new { name = "ci" }, "k1")).ErrorCodes);
        Assert.Equal(201, (await client.PostAsync("jwt/user", new { name = "a", email = "a@b.c" }, "k2")).Status);
        PlainAnswer otherPath = await client.PostAsync("jwt/project", new { name = "a", email = "a@b.c" }, "k2");
        Assert.Equal(422, otherPath.Status);
        Assert.Equal(["idempotency_key_reused"], otherPath.ErrorCodes);
        Assert.Equal(2, server.Api.ListTokens().Count);
    }

    [Fact]
    public async Task Without_the_option_a_key_means_nothing()
    {
        await using SandboxServer server = await StartAsync(new SandboxOptions { Clock = _clock, HonourIdempotencyKeys = false });
        using var client = new PlainClient(server);

        PlainAnswer first = await client.PostAsync("jwt/project", new { name = "ci" }, "k");
        PlainAnswer second = await client.PostAsync("jwt/project", new { name = "ci" }, "k");

        Assert.NotEqual(first.TokenId, second.TokenId);
    }

    [Fact]
    public async Task One_key_from_many_clients_at_once_mints_one_token()
    {
        await using SandboxServer server = await StartAsync(new SandboxOptions { EnforceRateLimit = false });
        using var client = new PlainClient(server);

        PlainAnswer[] answers = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => client.PostAsync("jwt/user", new { email = "a@b.c" }, "k")));

        Assert.Single(answers.Select(answer => answer.Text).Distinct());
        Assert.Equal(2, server.Api.ListTokens().Count);
    }

    [Fact]
    public async Task Many_clients_at_once_lose_nothing_and_do_nothing_twice()
    {
        await using SandboxServer server = await StartAsync(new SandboxOptions { EnforceRateLimit = false });
        using var client = new PlainClient(server);
        int revocations = 0;

        await Task.WhenAll(Enumerable.Range(0, 16).Select(async worker =>
        {
            for (int i = 0; i < 25; i++)
            {
                PlainAnswer issued = await client.PostAsync("jwt/user", new { external_id = (i % 5).ToString(System.Globalization.CultureInfo.InvariantCulture), name = $"{worker}/{i}" });
                Assert.Equal(201, issued.Status);
                await client.GetAsync("jwt/project?limit=100");
                PlainAnswer[] answers = await Task.WhenAll(client.DeleteAsync("jwt/user/" + issued.TokenId), client.DeleteAsync("jwt/user/" + issued.TokenId));
                Assert.Equal([200, 404], answers.Select(answer => answer.Status).Order());
                Interlocked.Increment(ref revocations);
            }
        }));

        IReadOnlyList<SandboxToken> tokens = server.Api.ListTokens();
        Assert.Equal(401, tokens.Count);
        Assert.Equal(400, tokens.Count(token => token.DiscardedAt is not null));
        Assert.Equal(400, revocations);
        Assert.Equal(5, tokens.Select(token => token.UserId).OfType<string>().Distinct().Count());
    }

    [Fact]
    public async Task In_process_the_sandbox_answers_an_HttpClient_with_no_port_opened()
    {
        using var sandbox = new SandboxHandler(new SandboxOptions { Clock = _clock });
        using var http = new HttpClient(sandbox, disposeHandler: false) { BaseAddress = sandbox.BaseAddress };
        using var client = new PlainClient(http, sandbox.AdministratorToken);

        PlainAnswer issued = await client.PostAsync("jwt/user", new { email = "a@b.c" }, "k");
        Assert.Equal(201, issued.Status);
        Assert.Equal(issued.Text, (await client.PostAsync("jwt/user", new { email = "a@b.c" }, "k")).Text);
        Assert.Equal(200, (await client.DeleteAsync("jwt/user/" + issued.TokenId)).Status);
        PlainAnswer list = await client.GetAsync("jwt/project?limit=5");
        Assert.Equal("https://sandbox.invalid/v2/jwt/project?limit=5", list.Json["links"]!["first"]!.GetValue<string>());
        Assert.Equal("Thu, 01 Jan 2026 12:00:30 GMT", list.Headers["Date"]);
        Assert.Equal("GET, POST", (await client.SendAsync("PUT", "jwt/project")).Headers["Allow"]);

        using var request = new HttpRequestMessage(HttpMethod.Post, "jwt/project") { Content = new StringContent("""{"name":"never"}""") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", sandbox.AdministratorToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => http.SendAsync(request, new CancellationToken(canceled: true)));
        Assert.Equal(2, sandbox.ListTokens().Count);
        using HttpResponseMessage anonymous = await http.GetAsync(new Uri("jwt/project", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Unauthorized, anonymous.StatusCode);
    }

    private static Task<SandboxServer> StartAsync(SandboxOptions options) => SandboxServer.StartAsync(new SandboxServerOptions { Sandbox = options });

    private static async Task AssertReadsAsync(PlainClient client, params int[] expected)
    {
        foreach (int status in expected)
        {
            Assert.Equal(status, (await client.GetAsync("jwt/project?limit=1")).Status);
        }
    }
}
