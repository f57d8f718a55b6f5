using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox.Server;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>The six operations: each field of each request and answer, on the wire.</summary>
public class OperationTests
{
    private static readonly string[] s_headersOfAnyRequest = ["Accept", "Accept-Encoding", "Authorization", "Host", "User-Agent"];

    [Theory]
    [InlineData("", "/v2/jwt/project")]
    [InlineData("limit=2", "/v2/jwt/project?limit=2")]
    [InlineData("limit=100&after=a b/c", "/v2/jwt/project?limit=100&starting_after=a%20b%2Fc")]
    [InlineData("before=x", "/v2/jwt/project?ending_before=x")]
    public async Task A_list_is_asked_for_in_the_live_dialect(string page, string target)
    {
        await using var server = new RawServer(Answers.Right);
        using var client = new TestClient(server);
        Dictionary<string, string> asked = page.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);
        var request = new PageRequest(
            asked.TryGetValue("limit", out string? size) ? int.Parse(size, CultureInfo.InvariantCulture) : null,
            asked.GetValueOrDefault("after"),
            asked.GetValueOrDefault("before"));

        Assert.NotNull(await client.Service.FetchProjectTokensAsync(request).ReadAsync(client.Call));
        Assert.NotNull(await client.Service.FetchUserTokensAsync("u 1", request).ReadAsync(client.Call));

        Assert.Equal([target, target.Replace("/project", "/user/u%201", StringComparison.Ordinal)], server.Requests.Select(sent => sent.Target));
        foreach (RawRequest sent in server.Requests)
        {
            Assert.Equal("GET", sent.Method);
            Assert.Equal("", sent.Body);
            Assert.Equal(s_headersOfAnyRequest, sent.Headers.Keys.Order());
        }
    }

    [Fact]
    public async Task Every_request_says_who_asks_and_what_it_understands()
    {
        await using var server = new RawServer(Answers.Right);
        using var client = new TestClient(server, options => options.UserAgent = "MagicBellJwt/1.2.3 PowerShell/5.1 (Desktop; Microsoft Windows 10.0.19045)");
        foreach (string method in new[] { "GET", "POST", "DELETE" })
        {
            await client.SendAsync(method);
        }

        Assert.All(server.Requests, sent =>
        {
            Assert.Equal("Bearer " + TestClient.Bearer, sent.Headers["Authorization"]);
            Assert.Equal("MagicBellJwt/1.2.3 PowerShell/5.1 (Desktop; Microsoft Windows 10.0.19045)", sent.Headers["User-Agent"]);
            Assert.Equal("application/json", sent.Headers["Accept"]);
            Assert.Equal("gzip, deflate", sent.Headers["Accept-Encoding"]);
            Assert.Equal(server.BaseAddress.Authority, sent.Headers["Host"]);
        });
    }

    [Theory]
    [InlineData("ci", 3600L, """{"name":"ci","expiry":3600}""")]
    [InlineData("ci", null, """{"name":"ci"}""")]
    [InlineData("a \"quote\" \\ / \u0001 عربي 😀 e\u0301 İi", 1L, "{\"name\":\"a \\\"quote\\\" \\\\ / \\u0001 عربي 😀 e\u0301 İi\",\"expiry\":1}")]
    [InlineData("ci", long.MaxValue, """{"name":"ci","expiry":9223372036854775807}""")]
    public async Task A_project_token_is_asked_for_with_exactly_the_documented_fields(string name, long? lifetime, string body)
    {
        await using var server = new RawServer(Answers.Right);
        using var client = new TestClient(server);
        var key = Guid.NewGuid();

        CreatedToken token = await client.Service.CreateProjectJwtAsync(new CreateProjectToken(name, lifetime), key, trustIdempotency: false, client.Call);

        RawRequest sent = Assert.Single(server.Requests);
        Assert.Equal("POST /v2/jwt/project", sent.Method + " " + sent.Target);
        Assert.Equal(body, sent.Body);
        AssertCreateHeaders(sent, key);
        Assert.Equal(Answers.Id, token.TokenId);
        Assert.Equal(Answers.IssuedValue, token.Token);
    }

    [Theory]
    [InlineData("hana@example.com", null, null, null, """{"email":"hana@example.com"}""")]
    [InlineData(null, "u-7", null, null, """{"external_id":"u-7"}""")]
    [InlineData("hana@example.com", "u-7", "laptop", 60L, """{"email":"hana@example.com","external_id":"u-7","name":"laptop","expiry":60}""")]
    [InlineData(null, "مستخدم 😀", "e\u0301", null, "{\"external_id\":\"مستخدم 😀\",\"name\":\"e\u0301\"}")]
    public async Task A_user_token_is_asked_for_with_exactly_the_documented_fields(string? email, string? externalId, string? name, long? lifetime, string body)
    {
        await using var server = new RawServer(Answers.Right);
        using var client = new TestClient(server);
        var key = Guid.NewGuid();

        CreatedToken token = await client.Service.CreateUserJwtAsync(new CreateUserToken(email, externalId, name, lifetime), key, trustIdempotency: false, client.Call);

        RawRequest sent = Assert.Single(server.Requests);
        Assert.Equal("POST /v2/jwt/user", sent.Method + " " + sent.Target);
        Assert.Equal(body, sent.Body);
        AssertCreateHeaders(sent, key);
        Assert.Equal(Answers.Id, token.TokenId);
    }

    [Theory]
    [InlineData("project")]
    [InlineData("user")]
    public async Task A_revocation_sends_the_id_and_nothing_else(string kind)
    {
        await using var server = new RawServer(Answers.Right);
        using var client = new TestClient(server);

        DiscardedToken discarded = kind == "project"
            ? await client.Service.DiscardProjectJwtAsync(Answers.Id, client.Call)
            : await client.Service.DiscardUserJwtAsync(Answers.Id, client.Call);

        RawRequest sent = Assert.Single(server.Requests);
        Assert.Equal($"DELETE /v2/jwt/{kind}/{Answers.Id}", sent.Method + " " + sent.Target);
        Assert.Equal("", sent.Body);
        Assert.Equal(s_headersOfAnyRequest.Append("Content-Length").Order(), sent.Headers.Keys.Order());
        Assert.Equal((Answers.Id, new DateTimeOffset(2021, 1, 2, 0, 0, 0, TimeSpan.Zero), 1), (discarded.TokenId, discarded.DiscardedAt, discarded.Attempts));
    }

    [Theory]
    [InlineData("", "/jwt/project")]
    [InlineData("/", "/jwt/project")]
    [InlineData("/v2/", "/v2/jwt/project")]
    [InlineData("/a%20b/c", "/a%20b/c/jwt/project")]
    public async Task Paths_are_added_to_any_base_address(string path, string target)
    {
        await using var server = new RawServer(Answers.Right);
        using var client = new TestClient(new Uri(server.BaseAddress.GetLeftPart(UriPartial.Authority) + path));
        await client.ListAsync();
        Assert.Equal(target, Assert.Single(server.Requests).Target);
    }

    [Fact]
    public async Task A_listed_token_has_every_field_that_was_sent()
    {
        IReadOnlyList<ListedTokenRecord> tokens = await ListAsync("""
            {"data":[
              {"id":"A","name":"n","created_at":"2021-01-01T00:00:00Z","expires_at":"2022-01-01T02:00:00.5+02:00","discarded_at":"2021-06-01T00:00:00.1234567Z","last_used_at":"2021-05-01T00:00:00-03:00"},
              {"token_id":"B","created_at":"2021-01-01T00:00:00Z","last_accessed_at":"2021-05-02T00:00:00Z"},
              {"id":null,"name":null,"created_at":"2021-01-01T00:00:00Z","expires_at":null,"discarded_at":null,"last_used_at":null}
            ],"links":{}}
            """);

        Assert.Equal(["A", "B", null], tokens.Select(token => token.Id));
        Assert.Equal(["n", null, null], tokens.Select(token => token.Name));
        Assert.All(tokens, token => Assert.Equal(new DateTimeOffset(2021, 1, 1, 0, 0, 0, TimeSpan.Zero), token.CreatedAt));
        Assert.Equal([new DateTimeOffset(2022, 1, 1, 0, 0, 0, 500, TimeSpan.Zero), null, null], tokens.Select(token => token.ExpiresAt));
        Assert.Equal(TimeSpan.Zero, tokens[0].ExpiresAt!.Value.Offset);
        Assert.Equal([new DateTimeOffset(2021, 6, 1, 0, 0, 0, TimeSpan.Zero).AddTicks(1234567), null, null], tokens.Select(token => token.DiscardedAt));
        Assert.Equal(
            [new DateTimeOffset(2021, 5, 1, 3, 0, 0, TimeSpan.Zero), new DateTimeOffset(2021, 5, 2, 0, 0, 0, TimeSpan.Zero), null],
            tokens.Select(token => token.LastUsedAt));
        Assert.All(tokens, token => Assert.Null(token.OtherFields));
    }

    [Fact]
    public async Task Unknown_fields_of_a_listed_token_are_kept_as_plain_values()
    {
        IReadOnlyDictionary<string, object?> others = Assert.Single(await ListAsync("""
            {"meta":{"total":1},"data":[{"id":"A","created_at":"2021-01-01T00:00:00Z",
              "scope":"admin","uses":3,"ratio":0.5,"live":true,"gone":null,"seen":"2021-01-01T00:00:00Z","big":123456789012345678901234567890,
              "nested":{"list":[1,"two",[false],{"x":null}],"text":"عربي"}}],"links":null}
            """)).OtherFields!;

        Assert.Equal(["scope", "uses", "ratio", "live", "gone", "seen", "big", "nested"], others.Keys);
        Assert.Equal("admin", others["scope"]);
        Assert.Equal(3L, others["uses"]);
        Assert.Equal(0.5, others["ratio"]);
        Assert.Equal(true, others["live"]);
        Assert.Null(others["gone"]);
        Assert.Equal("2021-01-01T00:00:00Z", others["seen"]);
        Assert.Equal(System.Numerics.BigInteger.Parse("123456789012345678901234567890", CultureInfo.InvariantCulture), others["big"]);
        var nested = Assert.IsAssignableFrom<IReadOnlyDictionary<string, object?>>(others["nested"]);
        Assert.Equal("عربي", nested["text"]);
        var list = Assert.IsAssignableFrom<IReadOnlyList<object?>>(nested["list"]);
        Assert.Equal([1L, "two"], list.Take(2));
        Assert.Equal([false], Assert.IsAssignableFrom<IReadOnlyList<object?>>(list[2]));
        Assert.Null(Assert.IsAssignableFrom<IReadOnlyDictionary<string, object?>>(list[3])["x"]);
    }

    [Theory]
    [InlineData("token_id", """ "expires_at":"2022-01-01T00:00:00Z" """, true)]
    [InlineData("id", """ "expires_at":null """, false)]
    [InlineData("token_id", """ "more":{"x":[1]} """, false)]
    public async Task An_issued_token_has_every_field_that_was_sent(string idField, string rest, bool expires)
    {
        await using var server = new RawServer(request => request.AnswerAsync(
            201,
            $$"""{"{{idField}}":"{{Answers.Id}}","token":"{{Answers.IssuedValue}}","created_at":"2021-01-01T01:00:00+01:00",{{rest}}}"""));
        using var client = new TestClient(server);

        CreatedToken token = await client.CreateAsync();

        Assert.Equal((Answers.Id, Answers.IssuedValue), (token.TokenId, token.Token));
        Assert.Equal(new DateTimeOffset(2021, 1, 1, 0, 0, 0, TimeSpan.Zero), token.CreatedAt);
        Assert.Equal(expires ? new DateTimeOffset(2022, 1, 1, 0, 0, 0, TimeSpan.Zero) : null, token.ExpiresAt);
        Assert.Equal(Answers.Id, token.ToString());
    }

    [Fact]
    public async Task A_revocation_is_read_in_both_spellings_of_the_id_and_in_any_case()
    {
        await using var server = new RawServer(request => request.AnswerAsync(200, $$"""{"id":"{{Answers.Id.ToUpperInvariant()}}","discarded_at":"2021-01-02T00:00:00Z"}"""));
        using var client = new TestClient(server);
        Assert.Equal(Answers.Id, (await client.DiscardAsync(Answers.Id)).TokenId, ignoreCase: true);
    }

    [Fact]
    public async Task All_six_work_on_the_sandbox_and_the_other_kind_is_not_found()
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync();
        using var client = new TestClient(server);
        JwtService service = client.Service;

        CreatedToken project = await service.CreateProjectJwtAsync(new CreateProjectToken("ci", 3600), Guid.NewGuid(), false, client.Call);
        CreatedToken user = await service.CreateUserJwtAsync(new CreateUserToken("hana@example.com", "u-7", "laptop", null), Guid.NewGuid(), false, client.Call);
        Assert.Equal(project.CreatedAt.AddSeconds(3600), project.ExpiresAt);
        Assert.Null(user.ExpiresAt);
        Assert.True(JsonWebToken.TryDecode(user.Token, out JsonWebToken? claims));
        Assert.Equal(user.TokenId, claims!.Id);

        List<ListedTokenRecord> projectTokens = await client.ReadAllAsync(service.FetchProjectTokensAsync(new PageRequest()));
        Assert.Equal([project.TokenId], projectTokens.Where(token => token.Name == "ci").Select(token => token.Id));
        ListedTokenRecord listed = Assert.Single(await client.ReadAllAsync(service.FetchUserTokensAsync(claims.UserId!, new PageRequest())));
        Assert.Equal((user.TokenId, "laptop", user.CreatedAt), (listed.Id, listed.Name, listed.CreatedAt));

        await Failing.WithAsync(MagicBellError.TokenNotFound, () => service.DiscardUserJwtAsync(project.TokenId, client.Call));
        await Failing.WithAsync(MagicBellError.TokenNotFound, () => service.DiscardProjectJwtAsync(user.TokenId, client.Call));
        await service.DiscardProjectJwtAsync(project.TokenId, client.Call);
        await service.DiscardUserJwtAsync(user.TokenId, client.Call);
        Assert.Empty(await client.ReadAllAsync(service.FetchUserTokensAsync(claims.UserId!, new PageRequest())));

        Assert.All(server.Requests, request => Assert.Equal("Bearer sha256:" + TokenFingerprint.Of(server.AdministratorToken), request.Headers["Authorization"]));
        Assert.Equal(2, server.Requests.Count(request => request.Headers.ContainsKey("Idempotency-Key")));
    }

    [Fact]
    public async Task One_line_for_each_attempt_says_what_was_sent_and_what_came_back()
    {
        await using RawServer server = RawServer.Answering(Answers.Error(503, "X-Request-Id: r-1"), request => request.AnswerAsync(200, Answers.Discarded, "X-Request-Id: r-2"));
        using var client = new TestClient(server);
        await client.DiscardAsync(Answers.Id);

        string[] lines = [.. client.NoticesOf(CallNoticeKind.Attempt).Select(notice => notice.Text)];
        Assert.Equal(2, lines.Length);
        Assert.Matches($"^DELETE /v2/jwt/project/{Answers.Id} 503, attempt 1, [0-9]+ ms, request id r-1$", lines[0]);
        Assert.Matches($"^DELETE /v2/jwt/project/{Answers.Id} 200, attempt 2, [0-9]+ ms, request id r-2$", lines[1]);
        Assert.Equal(2, client.NoticesOf(CallNoticeKind.Headers).Count);
        string headers = client.NoticesOf(CallNoticeKind.Headers)[1].Text;
        Assert.Contains("Authorization: [redacted]", headers, StringComparison.Ordinal);
        Assert.Contains("User-Agent: MagicBellJwt/0.0 (tests)", headers, StringComparison.Ordinal);
        Assert.Contains("X-Request-Id: r-2", headers, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("Fri, 01 Jan 2021 00:00:00 GMT", true)]
    [InlineData(null, false)]
    public async Task The_clock_is_compared_with_the_servers(string? date, bool told)
    {
        await using var server = new RawServer(request => request.AnswerAsync(200, Answers.Page, date is null ? [] : ["Date: " + date]));
        using var client = new TestClient(server, options => options.Clock = TimeProvider.System);
        Assert.Null(client.Service.ClockOffset);
        await client.ListAsync();
        Assert.Equal(told, client.Service.ClockOffset is not null);
        if (told)
        {
            TimeSpan offset = DateTimeOffset.UtcNow - new DateTimeOffset(2021, 1, 1, 0, 0, 0, TimeSpan.Zero);
            Assert.InRange(client.Service.ClockOffset!.Value, offset - TimeSpan.FromMinutes(1), offset);
        }
    }

    private static void AssertCreateHeaders(RawRequest sent, Guid key)
    {
        Assert.Equal(s_headersOfAnyRequest.Concat(["Content-Length", "Content-Type", "Idempotency-Key"]).Order(), sent.Headers.Keys.Order());
        Assert.Equal("application/json; charset=utf-8", sent.Headers["Content-Type"]);
        Assert.Equal(key.ToString("D"), sent.Headers["Idempotency-Key"]);
    }

    private static async Task<IReadOnlyList<ListedTokenRecord>> ListAsync(string body)
    {
        await using var server = new RawServer(request => request.AnswerAsync(200, body));
        using var client = new TestClient(server);
        return (await client.ListAsync())!;
    }
}
