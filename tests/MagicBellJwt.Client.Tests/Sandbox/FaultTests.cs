using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox;
using MagicBellJwt.Sandbox.Server;
using Xunit;

namespace MagicBellJwt.Client.Tests.Sandbox;

/// <summary>Each fault, seen on the wire.</summary>
public sealed class FaultTests : IAsyncLifetime
{
    private const string Projects = "/v2/jwt/project";
    private const string NewToken = """{"name":"new","expiry":60}""";

    private SandboxServer _server = null!;

    private int NewTokens => _server.Api.ListTokens().Count(token => token.Name == "new");

    public async ValueTask InitializeAsync() => _server = await SandboxServer.StartAsync(new SandboxServerOptions
    {
        SeedProjectTokens = 9,
        Sandbox = new SandboxOptions { EnforceRateLimit = false },
    });

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Without_a_fault_the_answer_is_whole_and_the_connection_stays()
    {
        using RawClient client = await RawClient.ConnectAsync(_server);
        for (int i = 0; i < 3; i++)
        {
            await client.SendAsync("POST", Projects, NewToken);
            RawAnswer answer = await client.ReceiveAsync(30_000);
            Assert.Equal("HTTP/1.1 201 Created", answer.StatusLine);
            Assert.True(answer.IsWhole);
            Assert.Equal(Ending.Open, answer.Ending);
        }

        Assert.Equal(3, NewTokens);
        Assert.Single(_server.Requests.Select(request => request.ConnectionId).Distinct());
    }

    [Theory]
    [InlineData("POST /v2/jwt/project reset", "POST", true)]
    [InlineData("POST /v2/jwt/project reset", "GET", false)]
    [InlineData("POST,GET /v2/jwt/project reset", "GET", true)]
    [InlineData("* /v2/jwt/p*t reset", "GET", true)]
    [InlineData("* /v2/jwt/pro reset", "GET", false)]
    [InlineData("* *jwt.project reset", "GET", false)]
    [InlineData("* /v2/jwt/project?limit=1 reset", "GET", true)]
    [InlineData("* *?*limit=2* reset", "GET", false)]
    [InlineData("* *limit=1 reset", "GET", true)]
    [InlineData("* *limit=2 reset", "GET", false)]
    public async Task A_fault_hits_the_methods_and_paths_that_it_names(string fault, string method, bool hit)
    {
        _server.AddFault(fault);

        RawAnswer answer = await RawClient.AskAsync(_server, method, Projects + "?limit=1", method == "POST" ? NewToken : "");

        Assert.Equal(hit ? Ending.Reset : Ending.Open, answer.Ending);
        Assert.Equal(hit ? fault : null, _server.Requests.Single().Fault);
    }

    [Theory]
    [InlineData("", "xxxxxxxxxxxx")]
    [InlineData("times=2", "xx..........")]
    [InlineData("skip=3 times=2", "...xx.......")]
    [InlineData("every=4", "...x...x...x")]
    [InlineData("skip=1 every=4 times=2", "....x...x...")]
    public async Task A_fault_counts_the_requests_that_it_matches(string counts, string expected)
    {
        _server.AddFault("GET */project 503 " + counts);
        var hits = new StringBuilder();
        foreach (char _ in expected)
        {
            await RawClient.AskAsync(_server, "DELETE", Projects + "/1");
            RawAnswer answer = await RawClient.AskAsync(_server, "GET", Projects);
            hits.Append(answer.StatusLine.Contains("503", StringComparison.Ordinal) ? 'x' : '.');
        }

        Assert.Equal(expected, hits.ToString());
    }

    [Fact]
    public async Task Of_two_faults_the_first_hits_and_the_other_loses_no_hit_of_its_own()
    {
        _server.AddFault("* * 500 every=2");
        _server.AddFault("* * 502 every=2 times=1");
        _server.AddFault("* * 503 skip=2 times=2");
        string statuses = "";
        for (int i = 0; i < 6; i++)
        {
            statuses += (await RawClient.AskAsync(_server, "GET", Projects)).StatusLine.Split(' ')[1] + " ";
        }

        Assert.Equal("200 500 503 500 503 500 ", statuses);
        _server.ClearFaults();
        Assert.StartsWith("HTTP/1.1 200", (await RawClient.AskAsync(_server, "GET", Projects)).StatusLine, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("POST * delay ms=1500", 0)]
    [InlineData("POST * delay-after-work ms=1500", 1)]
    public async Task A_delayed_request_is_done_then_or_before_and_answered_late(string fault, int doneMeanwhile)
    {
        _server.AddFault(fault);
        var watch = Stopwatch.StartNew();
        using RawClient client = await RawClient.ConnectAsync(_server);
        await client.SendAsync("POST", Projects, NewToken);
        await WaitUntilAsync(() => _server.Requests.Count == 1 && NewTokens >= doneMeanwhile);
        Assert.Equal(doneMeanwhile, NewTokens);

        RawAnswer answer = await client.ReceiveAsync(30_000);

        Assert.Equal("HTTP/1.1 201 Created", answer.StatusLine);
        Assert.True(watch.ElapsedMilliseconds >= 1490);
        Assert.Equal(1, NewTokens);
    }

    [Fact]
    public async Task A_delayed_request_is_done_even_when_its_client_has_gone()
    {
        _server.AddFault("POST * delay ms=1000");
        using (RawClient client = await RawClient.ConnectAsync(_server))
        {
            await client.SendAsync("POST", Projects, NewToken);
            await WaitUntilAsync(() => _server.Requests.Count == 1);
        }

        Assert.Equal(0, NewTokens);
        await WaitUntilAsync(() => NewTokens == 1);
    }

    [Theory]
    [InlineData("POST * reset", 0)]
    [InlineData("POST * reset-after-work", 1)]
    public async Task A_reset_is_an_RST_before_any_byte_with_the_work_undone_or_done(string fault, int done)
    {
        _server.AddFault(fault);

        RawAnswer answer = await RawClient.AskAsync(_server, "POST", Projects, NewToken);

        Assert.Equal(Ending.Reset, answer.Ending);
        Assert.Equal(0, answer.Bytes.Length);
        Assert.Equal(done, NewTokens);
    }

    [Fact]
    public async Task A_reset_is_one_on_a_connection_that_was_used_before_and_by_many_at_once()
    {
        _server.AddFault("POST * reset-after-work");
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            using RawClient client = await RawClient.ConnectAsync(_server);
            await client.SendAsync("GET", Projects);
            Assert.Equal(Ending.Open, (await client.ReceiveAsync(30_000)).Ending);
            await client.SendAsync("POST", Projects, NewToken);
            Assert.Equal(Ending.Reset, (await client.ReceiveAsync(30_000)).Ending);
        }));
        Assert.Equal(20, NewTokens);
    }

    [Fact]
    public async Task A_cut_answer_has_its_head_and_half_its_body_and_then_an_RST()
    {
        _server.AddFault("* * cut");

        RawAnswer created = await RawClient.AskAsync(_server, "POST", Projects, NewToken);
        RawAnswer listed = await RawClient.AskAsync(_server, "GET", Projects);

        Assert.Equal("HTTP/1.1 201 Created", created.StatusLine);
        foreach (RawAnswer answer in new[] { created, listed })
        {
            Assert.Equal(Ending.Reset, answer.Ending);
            Assert.Equal(answer.ContentLength / 2, answer.Body.Length);
            Assert.True(Guid.TryParse(answer.Header("X-Request-Id"), out _));
        }

        Assert.Equal(1, NewTokens);
    }

    [Theory]
    [InlineData("POST * never", 0)]
    [InlineData("POST * never-after-work", 1)]
    public async Task Never_is_silence_on_an_open_connection_that_ends_with_the_server(string fault, int done)
    {
        _server.AddFault(fault);
        using RawClient client = await RawClient.ConnectAsync(_server);
        await client.SendAsync("POST", Projects, NewToken);

        await WaitUntilAsync(() => _server.Requests.Count == 1 && NewTokens >= done);
        RawAnswer answer = await client.ReceiveAsync(patience: 300);
        Assert.Equal(Ending.Open, answer.Ending);
        Assert.Equal(0, answer.Bytes.Length);
        Assert.Equal(done, NewTokens);

        await _server.DisposeAsync();
        RawAnswer end = await client.ReceiveAsync(30_000);
        Assert.NotEqual(Ending.Open, end.Ending);
        Assert.Equal(0, end.Bytes.Length);
    }

    [Fact]
    public async Task A_dripping_body_comes_byte_by_byte()
    {
        _server.AddFault("DELETE * drip ms=5");
        string id = _server.Api.ListTokens()[1].Id.ToString();
        var watch = Stopwatch.StartNew();

        RawAnswer answer = await RawClient.AskAsync(_server, "DELETE", Projects + "/" + id);

        Assert.True(answer.IsWhole);
        Assert.Equal(id, JsonNode.Parse(answer.Text)!["token_id"]!.GetValue<string>());
        Assert.True(watch.ElapsedMilliseconds >= 4 * answer.ContentLength);
        Assert.True(answer.Pieces.Length > 10, "came in " + answer.Pieces.Length + " pieces");
    }

    [Fact]
    public async Task A_refusing_server_answers_once_more_and_is_no_longer_there_for_a_while()
    {
        _server.AddFault("POST * refuse ms=2500 times=1");
        using RawClient idle = await RawClient.ConnectAsync(_server);
        await idle.SendAsync("GET", Projects);
        await idle.ReceiveAsync(30_000);

        RawAnswer answer = await RawClient.AskAsync(_server, "POST", Projects, NewToken);

        Assert.Equal("HTTP/1.1 201 Created", answer.StatusLine);
        Assert.Equal("close", answer.Header("Connection"));
        Assert.Equal(Ending.Closed, answer.Ending);
        SocketException refused = await Assert.ThrowsAsync<SocketException>(() => RawClient.ConnectAsync(_server));
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        Assert.NotEqual(Ending.Open, (await idle.ReceiveAsync(30_000)).Ending);
        await ReconnectAsync();
        Assert.Equal("HTTP/1.1 201 Created", (await RawClient.AskAsync(_server, "POST", Projects, NewToken)).StatusLine);
        Assert.Equal(2, NewTokens);
    }

    [Fact]
    public async Task A_test_closes_the_port_whenever_it_likes_and_a_closed_server_stops_like_any_other()
    {
        for (int i = 0; i < 2; i++)
        {
            await _server.RefuseConnectionsAsync(TimeSpan.FromMilliseconds(1500));
            await Assert.ThrowsAsync<SocketException>(() => RawClient.ConnectAsync(_server));
            await ReconnectAsync();
        }

        await _server.RefuseConnectionsAsync(TimeSpan.FromHours(1));
        await _server.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("retry-after=5", "5")]
    [InlineData("retry-after=0", "0")]
    [InlineData("retry-after=-5", "-5")]
    [InlineData("retry-after=soon", "soon")]
    [InlineData("retry-after=86400", "86400")]
    public async Task A_429_has_the_Retry_After_that_it_was_given_and_nothing_is_done(string parameter, string? expected)
    {
        _server.AddFault("POST * 429 " + parameter);

        RawAnswer answer = await RawClient.AskAsync(_server, "POST", Projects, NewToken);

        Assert.Equal("HTTP/1.1 429 Too Many Requests", answer.StatusLine);
        Assert.Equal(expected, answer.Header("Retry-After"));
        Assert.NotEmpty(JsonNode.Parse(answer.Text)!["errors"]!.AsArray());
        Assert.Equal(0, NewTokens);
    }

    [Theory]
    [InlineData("date+90", 90)]
    [InlineData("date-90", -90)]
    public async Task A_429_may_say_it_as_an_HTTP_date(string retryAfter, int seconds)
    {
        _server.AddFault("* * 429 retry-after=" + retryAfter);

        RawAnswer answer = await RawClient.AskAsync(_server, "GET", Projects);

        Assert.Equal(seconds, (HttpDate(answer.Header("Retry-After")) - HttpDate(answer.Header("Date"))).TotalSeconds);
    }

    [Theory]
    [InlineData(500, "Internal Server Error")]
    [InlineData(502, "Bad Gateway")]
    [InlineData(503, "Service Unavailable")]
    [InlineData(504, "Gateway Timeout")]
    public async Task A_failing_server_fails_before_or_after_the_work_as_the_API_or_as_a_proxy(int status, string reason)
    {
        foreach (string suffix in new[] { "", "-after-work" })
        {
            foreach (string body in new[] { "json", "html", "empty" })
            {
                _server.AddFault(string.Create(CultureInfo.InvariantCulture, $"POST * {status}{suffix} body={body} times=1"));
                RawAnswer answer = await RawClient.AskAsync(_server, "POST", Projects, NewToken);
                Assert.Equal($"HTTP/1.1 {status} {reason}", answer.StatusLine);
                switch (body)
                {
                    case "json":
                        Assert.NotEmpty(JsonNode.Parse(answer.Text)!["errors"]!.AsArray());
                        break;
                    case "html":
                        Assert.Equal("text/html", answer.Header("Content-Type"));
                        Assert.StartsWith("<!DOCTYPE html>", answer.Text, StringComparison.Ordinal);
                        break;
                    default:
                        Assert.Equal(0, answer.ContentLength);
                        Assert.Null(answer.Header("Content-Type"));
                        break;
                }
            }

            Assert.Equal(suffix.Length == 0 ? 0 : 3, NewTokens);
        }
    }

    [Theory]
    [InlineData("answer body=empty", 201, "")]
    [InlineData("answer body=html", 201, "<!DOCTYPE html>")]
    [InlineData("200-after-work body=json", 200, "{\"errors\":")]
    [InlineData("204-after-work", 204, "")]
    public async Task A_wrong_body_comes_with_a_status_that_promises_the_right_one(string fault, int status, string start)
    {
        _server.AddFault("POST * " + fault);

        RawAnswer answer = await RawClient.AskAsync(_server, "POST", Projects, NewToken);

        Assert.StartsWith(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} "), answer.StatusLine, StringComparison.Ordinal);
        Assert.StartsWith(start, answer.Text, StringComparison.Ordinal);
        Assert.Equal(start.Length == 0, answer.Text.Length == 0);
        Assert.Equal(1, NewTokens);
    }

    [Fact]
    public async Task A_truncated_body_is_whole_for_HTTP_and_half_for_JSON()
    {
        _server.AddFault("* * answer body=truncated");

        RawAnswer answer = await RawClient.AskAsync(_server, "POST", Projects, NewToken);

        Assert.Equal("HTTP/1.1 201 Created", answer.StatusLine);
        Assert.Equal(answer.ContentLength, answer.Body.Length);
        Assert.StartsWith("{\"token\":\"", answer.Text, StringComparison.Ordinal);
        Assert.ThrowsAny<JsonException>(() => JsonNode.Parse(answer.Text));
        Assert.Equal(1, NewTokens);
    }

    [Fact]
    public async Task Wrong_types_come_in_the_right_places()
    {
        _server.AddFault("* * answer body=text-for-list times=2");
        _server.AddFault("* * answer body=number-for-date");

        JsonNode list = JsonNode.Parse((await RawClient.AskAsync(_server, "GET", Projects)).Text)!;
        Assert.Equal("text", list["data"]!.GetValue<string>());
        Assert.NotNull(list["links"]!["first"]);
        Assert.Equal("\"text\"", (await RawClient.AskAsync(_server, "POST", Projects, NewToken)).Text);
        list = JsonNode.Parse((await RawClient.AskAsync(_server, "GET", Projects)).Text)!;
        Assert.Equal(1234567890, list["data"]![0]!["created_at"]!.GetValue<int>());
        Assert.Equal(1234567890, list["data"]![0]!["expires_at"]!.GetValue<int>());
        Assert.Equal("new", list["data"]![0]!["name"]!.GetValue<string>());
        JsonNode created = JsonNode.Parse((await RawClient.AskAsync(_server, "POST", Projects, NewToken)).Text)!;
        Assert.Equal(1234567890, created["created_at"]!.GetValue<int>());
        Assert.NotNull(created["token"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("huge")]
    [InlineData("huge-chunked")]
    public async Task A_huge_body_has_64_MiB_and_is_valid_with_its_length_told_or_not(string body)
    {
        _server.AddFault("* * answer body=" + body);

        RawAnswer answer = await RawClient.AskAsync(_server, "GET", Projects + "?limit=1");

        Assert.True(answer.Body.Length > 64 * 1024 * 1024);
        Assert.Equal(body == "huge" ? answer.Body.Length : -1, answer.ContentLength);
        Assert.Equal(body == "huge" ? null : "chunked", answer.Header("Transfer-Encoding"));
        if (body == "huge")
        {
            Assert.Single(JsonNode.Parse(answer.Body.Span)!["data"]!.AsArray());
        }
    }

    [Theory]
    [InlineData(10)]
    [InlineData(-10)]
    public async Task A_wrong_length_is_told_and_the_connection_closed_after_the_body(int extra)
    {
        _server.AddFault(string.Create(CultureInfo.InvariantCulture, $"* * answer extra-length={extra}"));

        RawAnswer answer = await RawClient.AskAsync(_server, "POST", Projects, NewToken);

        Assert.Equal("HTTP/1.1 201 Created", answer.StatusLine);
        Assert.Equal(Ending.Closed, answer.Ending);
        Assert.Equal(answer.Body.Length + extra, answer.ContentLength);
        Assert.NotNull(JsonNode.Parse(answer.Text)!["token_id"]);
        Assert.Single(answer.HeadLines, line => line.StartsWith("HTTP/", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("answer encoding=gzip", 200, 1_000)]
    [InlineData("answer encoding=gzip body=huge", 200, 64 * 1024 * 1024)]
    [InlineData("503 encoding=gzip body=html", 503, 50)]
    public async Task Gzip_is_gzip(string fault, int status, int atLeast)
    {
        _server.AddFault("* * " + fault);

        RawAnswer answer = await RawClient.AskAsync(_server, "GET", Projects);

        Assert.Contains(status.ToString(CultureInfo.InvariantCulture), answer.StatusLine, StringComparison.Ordinal);
        Assert.Equal("gzip", answer.Header("Content-Encoding"));
        Assert.True(answer.Body.Length < 1024 * 1024);
        using var gzip = new GZipStream(new MemoryStream(answer.Body.ToArray()), CompressionMode.Decompress);
        var plain = new MemoryStream();
        await gzip.CopyToAsync(plain, TestContext.Current.CancellationToken);
        Assert.True(plain.Length > atLeast);
    }

    [Fact]
    public async Task Gzip_may_be_said_and_not_be_so()
    {
        _server.AddFault("* * answer encoding=not-gzip");

        RawAnswer answer = await RawClient.AskAsync(_server, "GET", Projects);

        Assert.Equal("gzip", answer.Header("Content-Encoding"));
        Assert.StartsWith("{\"data\":", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_redirect_leads_elsewhere_and_nothing_is_done()
    {
        _server.AddFault("POST * 307 location=https://elsewhere.invalid/v2/jwt/project");

        RawAnswer answer = await RawClient.AskAsync(_server, "POST", Projects, NewToken);

        Assert.Equal("HTTP/1.1 307 Temporary Redirect", answer.StatusLine);
        Assert.Equal("https://elsewhere.invalid/v2/jwt/project", answer.Header("Location"));
        Assert.Equal(0, answer.ContentLength);
        Assert.Equal(0, NewTokens);
    }

    [Theory]
    [InlineData("elsewhere", "https://elsewhere.invalid/other?limit=3&starting_after=ID")]
    [InlineData("gateway", "https://gateway.invalid/prefix/v2/jwt/project?limit=3&starting_after=ID")]
    [InlineData("self", "ORIGIN/v2/jwt/project?limit=3")]
    [InlineData("relative", "/v2/jwt/project?limit=3&starting_after=ID")]
    [InlineData("query", "?limit=3&starting_after=ID")]
    [InlineData("fragment", "ORIGIN/v2/jwt/project?limit=3&starting_after=ID#fragment")]
    [InlineData("missing", null)]
    [InlineData("http://127.0.0.1:1/v2/jwt/project", "http://127.0.0.1:1/v2/jwt/project")]
    [InlineData("/v2/jwt/user/1", "/v2/jwt/user/1")]
    public async Task The_next_link_leads_astray(string next, string? expected)
    {
        _server.AddFault("GET * answer next=" + next);

        JsonNode page = JsonNode.Parse((await RawClient.AskAsync(_server, "GET", Projects + "?limit=3")).Text)!;

        string id = page["data"]![2]!["id"]!.GetValue<string>();
        Assert.Equal(
            expected?.Replace("ID", id, StringComparison.Ordinal).Replace("ORIGIN", _server.BaseAddress.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal),
            page["links"]!["next"]?.GetValue<string>());
        Assert.Equal(next != "missing", page["links"]!.AsObject().ContainsKey("next"));
    }

    [Theory]
    [InlineData("elsewhere", true)]
    [InlineData("self", true)]
    [InlineData("relative", false)]
    [InlineData("query", false)]
    [InlineData("fragment", false)]
    public async Task On_the_last_page_there_is_nothing_to_write_in_another_way(string next, bool leads)
    {
        _server.AddFault("GET * answer next=" + next);

        JsonNode page = JsonNode.Parse((await RawClient.AskAsync(_server, "GET", Projects + "?limit=100")).Text)!;

        Assert.Equal(leads, page["links"]!["next"] is not null);
    }

    [Fact]
    public async Task A_ring_of_three_different_pages_closes()
    {
        _server.AddFault("GET * answer next=ring");
        string target = Projects + "?limit=3";
        var firstIds = new System.Collections.Generic.List<string>();
        var targets = new System.Collections.Generic.List<string>();
        for (int i = 0; i < 6; i++)
        {
            JsonNode page = JsonNode.Parse((await RawClient.AskAsync(_server, "GET", target)).Text)!;
            targets.Add(target);
            firstIds.Add(page["data"]![0]!["id"]!.GetValue<string>());
            target = new Uri(page["links"]!["next"]!.GetValue<string>()).PathAndQuery;
        }

        Assert.Equal(3, firstIds.Distinct().Count());
        Assert.Equal(firstIds[..3], firstIds[3..]);
        Assert.Equal(targets[..3], targets[3..]);
    }

    [Fact]
    public async Task The_date_may_be_minutes_off()
    {
        _server.AddFault("* * answer date-skew=-600");

        RawAnswer answer = await RawClient.AskAsync(_server, "POST", Projects, NewToken);

        double behind = (DateTimeOffset.UtcNow - HttpDate(answer.Header("Date"))).TotalSeconds;
        Assert.InRange(behind, 599, 660);
    }

    private static DateTimeOffset HttpDate(string? text) => DateTimeOffset.ParseExact(text!, "R", CultureInfo.InvariantCulture);

    private static async Task WaitUntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    private async Task ReconnectAsync()
    {
        while (true)
        {
            try
            {
                (await RawClient.ConnectAsync(_server)).Dispose();
                return;
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionRefused)
            {
                await Task.Delay(20, TestContext.Current.CancellationToken);
            }
        }
    }
}
