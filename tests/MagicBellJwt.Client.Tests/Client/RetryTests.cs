using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>The table of what is sent again, row by row; what was sent is what the server got.</summary>
public class RetryTests
{
    private static readonly string[] s_methods = ["GET", "DELETE", "POST"];

    // Retry-After as it stands ({date+n}: the date so many seconds after the server's Date), and the seconds waited; null for a growing wait.
    public static TheoryData<string, string?, double?> RetryAfters() => [.. from method in s_methods
        from form in new (string?, double?)[]
        {
            ("2", 2), ("0042", 42), ("{date+7}", 7),
            (null, null), ("", null), ("0", null), ("-5", null), ("soon", null), ("1.5", null), ("{date-60}", null),
            ("86400", 300), ("99999999999999999999", 300), ("{date+86400}", 300),
        }
        select new TheoryDataRow<string, string?, double?>(method, form.Item1, form.Item2)];

    [Theory]
    [MemberData(nameof(RetryAfters))]
    public async Task A_429_is_sent_again_after_the_wait_that_was_asked_for(string method, string? retryAfter, double? seconds)
    {
        var clock = new HurriedClock(500);
        var arrivals = new List<DateTimeOffset>();
        var date = new DateTimeOffset(2031, 2, 3, 4, 5, 6, TimeSpan.Zero);
        string? header = retryAfter is ['{', .. string words, '}']
            ? date.AddSeconds(int.Parse(words["date".Length..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture)).ToString("R", CultureInfo.InvariantCulture)
            : retryAfter;
        await using var server = new RawServer(request =>
        {
            if (request.Method != method)
            {
                // A create's look at the list.
                return request.AnswerAsync(200, """{"data":[]}""");
            }

            arrivals.Add(clock.GetUtcNow());
            string[] headers = ["Date: " + date.ToString("R", CultureInfo.InvariantCulture), .. header is null ? Array.Empty<string>() : ["Retry-After: " + header]];
            return arrivals.Count == 1 ? Answers.Error(429, headers)(request) : Answers.Right(request);
        });
        using var client = new TestClient(server, options => options.Clock = clock);

        await client.SendAsync(method);

        Assert.Equal(method == "POST" ? ["POST", "GET", "POST"] : [method, method], server.Requests.Select(request => request.Method));
        string warning = Assert.Single(client.NoticesOf(CallNoticeKind.Warning)).Text;
        Assert.Equal(seconds == 300, warning.Contains("more than this module waits", StringComparison.Ordinal));
        TimeSpan waited = arrivals[1] - arrivals[0];
        if (seconds is { } asked)
        {
            Assert.Contains($"waits {asked.ToString(CultureInfo.InvariantCulture)} s", warning, StringComparison.Ordinal);
            Assert.True(waited >= TimeSpan.FromSeconds(asked), $"it waited {waited}");
        }
        else
        {
            Assert.True(waited >= TimeSpan.FromSeconds(0.5), $"it waited {waited}");
        }

        if (seconds == 300)
        {
            // Shorter ones may be over before they are begun, by this clock.
            Assert.Contains(client.NoticesOf(CallNoticeKind.Wait), notice => notice.Text == "the rate limit" && notice.Wait > TimeSpan.Zero);
        }
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("DELETE")]
    [InlineData("POST")]
    public async Task A_429_that_stays_ends_as_one(string method)
    {
        await using var server = new RawServer(request =>
            request.Method == method ? Answers.Error(429, "Retry-After: 9", "X-Request-Id: r-1")(request) : request.AnswerAsync(200, """{"data":[]}"""));
        using var client = new TestClient(server, options => options.MaximumRetryCount = 3);

        MagicBellException failure = await Failing.WithAsync(MagicBellError.RateLimited, () => client.SendAsync(method));

        Assert.Equal(4, server.Requests.Count(request => request.Method == method));
        Assert.Equal((429, 4, TimeSpan.FromSeconds(9), "r-1"), (failure.StatusCode, failure.Attempts, failure.RetryAfter, failure.RequestId));
        Assert.False(failure.OutcomeUnknown);
        Assert.Equal(new ApiError("c1", "The message."), Assert.Single(failure.ApiErrors));
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("DELETE")]
    [InlineData("POST")]
    public async Task A_refused_connection_is_tried_again(string method)
    {
        int port = FreePort();
        RawServer? server = null;
        using var client = new TestClient(new Uri($"http://127.0.0.1:{port}/v2"));
        client.Noticed += notice => server ??= notice.Kind == CallNoticeKind.Attempt ? new RawServer(Answers.Right, port: port) : null;

        await client.SendAsync(method);

        await using (server)
        {
            Assert.Equal(method, Assert.Single(server!.Requests).Method);
            Assert.Equal(2, client.NoticesOf(CallNoticeKind.Attempt).Count);
        }
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("DELETE")]
    [InlineData("POST")]
    public async Task Where_no_connection_is_made_nothing_is_in_doubt(string method)
    {
        foreach (string address in new[] { $"http://127.0.0.1:{FreePort()}/v2", "https://nowhere.invalid/v2" })
        {
            using var client = new TestClient(new Uri(address), change: options => options.MaximumRetryCount = 2);
            MagicBellException failure = await Failing.WithAsync(MagicBellError.ConnectionFailed, () => client.SendAsync(method));
            Assert.Equal(3, failure.Attempts);
            Assert.False(failure.OutcomeUnknown);
            Assert.Null(failure.StatusCode);
            Assert.Contains(new Uri(address).Authority, failure.Message, StringComparison.Ordinal);
        }
    }

    // What a server does that leaves open whether it did the work.
    public static string[] Losses { get; } =
        ["500", "502", "503", "504", "520", "524", "500 html", "502 empty", "never", "reset", "close", "garbage", "half head", "cut", "short", "chunk cut", "drip"];

    public static TheoryData<string, string> LostAnswers() => new MatrixTheoryData<string, string>(s_methods, Losses);

    public static TheoryData<string> LostCreates() => [.. Losses];

    [Theory]
    [MemberData(nameof(LostAnswers))]
    public async Task A_lost_answer_is_asked_for_again_except_of_a_create(string method, string fault)
    {
        await using RawServer server = RawServer.Answering(request => LoseAsync(request, fault), Answers.Right);
        using var client = new TestClient(server, options => options.AttemptTimeout = TimeSpan.FromSeconds(fault is "never" or "drip" ? 150 : 15000));
        if (method != "POST")
        {
            await client.SendAsync(method);
            Assert.Equal([method, method], server.Requests.Select(request => request.Method));
            if (method == "DELETE")
            {
                // Not of a GET: .NET repeats one by itself where a connection ends without an answer.
                CallNotice wait = Assert.Single(client.NoticesOf(CallNoticeKind.Wait));
                Assert.Equal("the next attempt", wait.Text);
                Assert.InRange(wait.Wait, TimeSpan.FromTicks(1), TimeSpan.FromSeconds(30));
            }

            return;
        }

        var key = Guid.NewGuid();
        DateTimeOffset before = DateTimeOffset.UtcNow;
        MagicBellException failure = await Failing.WithAsync(MagicBellError.CreateOutcomeUnknown, () => client.CreateAsync("the name", key: key));

        Assert.Single(server.Requests);
        Assert.Equal((1, key, true), (failure.Attempts, failure.IdempotencyKey, failure.OutcomeUnknown));
        Assert.InRange(failure.SentAt!.Value, before.AddMinutes(-1), before.AddMinutes(1));
        Assert.Contains(key.ToString("D"), failure.Message, StringComparison.Ordinal);
        Assert.Contains("the name", failure.Message, StringComparison.Ordinal);
        Assert.Contains(failure.SentAt.Value.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture), failure.Message, StringComparison.Ordinal);
        Assert.Equal(char.IsDigit(fault[0]) ? int.Parse(fault[..3], CultureInfo.InvariantCulture) : null, failure.StatusCode);
    }

    [Theory]
    [MemberData(nameof(LostCreates))]
    public async Task A_trusted_create_is_sent_again_with_its_key(string fault)
    {
        await using RawServer server = RawServer.Answering(request => LoseAsync(request, fault), request => LoseAsync(request, fault), Answers.Right);
        using var client = new TestClient(server, options => options.AttemptTimeout = TimeSpan.FromSeconds(fault is "never" or "drip" ? 150 : 15000));
        var key = Guid.NewGuid();

        CreatedToken token = await client.CreateAsync("a", trust: true, key);

        Assert.Equal(Answers.Id, token.TokenId);
        Assert.Equal(3, server.Requests.Count);
        Assert.All(server.Requests, request => Assert.Equal(key.ToString("D"), request.Headers["Idempotency-Key"]));
        Assert.All(server.Requests, request => Assert.Equal("""{"name":"a"}""", request.Body));
    }

    [Fact]
    public async Task A_trusted_create_that_never_succeeds_stays_unknown_whatever_came_last()
    {
        foreach (Func<RawRequest, Task> last in new[] { Answers.Error(429), Answers.Error(422), Answers.Error(401), request => LoseAsync(request, "reset") })
        {
            await using RawServer server = RawServer.Answering(request => LoseAsync(request, "reset"), last);
            using var client = new TestClient(server, options => options.MaximumRetryCount = 2);
            await Failing.WithAsync(MagicBellError.CreateOutcomeUnknown, () => client.CreateAsync(trust: true));
        }
    }

    public static TheoryData<string, int, MagicBellError> Refusals() => [.. from method in s_methods
        from refusal in new[]
        {
            (400, MagicBellError.InvalidRequest), (401, MagicBellError.Unauthorized), (403, MagicBellError.Forbidden),
            (404, MagicBellError.TokenNotFound), (409, MagicBellError.Conflict), (422, MagicBellError.InvalidRequest),
        }
        select new TheoryDataRow<string, int, MagicBellError>(method, refusal.Item1, refusal.Item2)];

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task A_refusal_of_the_API_is_final_and_certain(string method, int status, MagicBellError error)
    {
        await using RawServer server = RawServer.Answering(Answers.Error(status, "X-Request-Id: r-9"), Answers.Right);
        using var client = new TestClient(server);

        MagicBellException failure = await Failing.WithAsync(error, () => client.SendAsync(method));

        Assert.Single(server.Requests);
        Assert.Equal((status, 1, "r-9", false, true), (failure.StatusCode, failure.Attempts, failure.RequestId, failure.OutcomeUnknown, failure.IsCertain));
        Assert.Contains($"({status})", failure.Message, StringComparison.Ordinal);
        Assert.Equal(new ApiError("c1", "The message."), Assert.Single(failure.ApiErrors));
        Assert.Contains("The message.", failure.Message, StringComparison.Ordinal);
    }

    // A status that the API does not document, or one that it does with a body which is not the API's: somebody on the way said it.
    private static readonly int[] s_undocumented = [301, 302, 303, 304, 307, 308, 402, 405, 406, 407, 408, 410, 411, 413, 415, 418, 421, 423, 425, 426, 431, 444, 451, 460, 499, 500, 520, 599];

    private static readonly int[] s_documented = [400, 401, 403, 404, 409, 422, 429];

    private static readonly string[] s_foreignBodies = ["html", "empty", "object", "text", "list", "cut", "of text"];

    public static TheoryData<string, int, string> UncertainStatuses() => [.. from method in s_methods
        from answer in s_undocumented.Select(status => (status, "api")).Concat(from status in s_documented from body in s_foreignBodies select (status, body))
        select new TheoryDataRow<string, int, string>(method, answer.Item1, answer.Item2)];

    [Theory]
    [MemberData(nameof(UncertainStatuses))]
    public async Task A_status_that_proves_nothing_leaves_a_write_in_doubt(string method, int status, string body)
    {
        await using RawServer server = RawServer.Answering(
            Answers.Right,
            request => request.SendAsync(status == 304 ? "HTTP/1.1 304 X\r\n\r\n" : AnswerOf(status, body)));
        using var client = new TestClient(server, options => options.MaximumRetryCount = 2);
        await client.SendAsync("GET");

        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => client.SendAsync(method));

        MagicBellError error = status switch
        {
            _ when method == "POST" => MagicBellError.CreateOutcomeUnknown,
            401 => MagicBellError.Unauthorized,
            403 => MagicBellError.Forbidden,
            407 => MagicBellError.ConnectionFailed,
            429 => MagicBellError.RateLimited,
            >= 500 => MagicBellError.ServiceUnavailable,
            _ => MagicBellError.UnexpectedResponse,
        };
        Assert.Equal((error, status), (failure.Error, failure.StatusCode));
        Assert.False(failure.IsCertain);
        Assert.Equal(method != "GET", failure.OutcomeUnknown);
        Assert.Equal(method == "POST" ? 2 : 4, server.Requests.Count);
    }

    [Theory]
    [InlineData(404, "html")]
    [InlineData(404, "empty")]
    [InlineData(302, "html")]
    [InlineData(401, "html")]
    public async Task A_404_of_the_API_after_one_that_is_not_says_that_an_answer_was_lost(int status, string body)
    {
        await using RawServer server = RawServer.Answering(request => request.SendAsync(AnswerOf(status, body)), Answers.Error(404));
        using var client = new TestClient(server);

        MagicBellException failure = await Failing.WithAsync(MagicBellError.TokenNotFound, () => client.DiscardAsync(Answers.Id));

        Assert.Equal((2, true, false), (failure.Attempts, failure.OutcomeUnknown, failure.IsCertain));
    }

    private static string AnswerOf(int status, string kind)
    {
        string body = kind switch
        {
            "api" => """{"errors":[{"message":"The message."}]}""",
            "html" => "<html>Not found</html>",
            "object" => """{"error":"not found"}""",
            "text" => """{"errors":"not found"}""",
            "of text" => """{"errors":["not found"]}""",
            "list" => """[{"errors":[]}]""",
            "cut" => """{"errors":[{"message":"The mess""",
            "twice" => """{"errors":[],"errors":[]}""",
            _ => "",
        };
        return RawRequest.Head(status, body.Length, "Location: /v2/jwt/elsewhere", "Content-Type: application/json") + body;
    }

    [Theory]
    [InlineData("GET", 0)]
    [InlineData("DELETE", 0)]
    [InlineData("GET", 6)]
    [InlineData("DELETE", 6)]
    public async Task It_is_tried_as_often_as_was_said_with_growing_waits(string method, int retries)
    {
        await using var server = new RawServer(Answers.Error(503));
        using var client = new TestClient(server, options => options.MaximumRetryCount = retries);

        MagicBellException failure = await Failing.WithAsync(MagicBellError.ServiceUnavailable, () => client.SendAsync(method));

        Assert.Equal((retries + 1, retries + 1), (server.Requests.Count, failure.Attempts));
        Assert.Equal(method == "DELETE", failure.OutcomeUnknown);
        TimeSpan[] waits = [.. client.NoticesOf(CallNoticeKind.Wait).Select(notice => notice.Wait)];
        Assert.Equal(retries, waits.Length);
        Assert.All(waits, wait => Assert.InRange(wait, TimeSpan.FromTicks(1), TimeSpan.FromSeconds(30)));
        if (retries > 0)
        {
            Assert.True(waits[^1] > waits[0], string.Join(", ", waits));
        }
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("DELETE")]
    public async Task A_503_that_says_when_is_asked_again_then(string method)
    {
        var clock = new HurriedClock(500);
        var arrivals = new List<DateTimeOffset>();
        await using var server = new RawServer(request =>
        {
            arrivals.Add(clock.GetUtcNow());
            return arrivals.Count == 1 ? Answers.Error(503, "Retry-After: 120")(request) : Answers.Right(request);
        });
        using var client = new TestClient(server, options => options.Clock = clock);

        await client.SendAsync(method);

        Assert.True(arrivals[1] - arrivals[0] >= TimeSpan.FromSeconds(120), $"it waited {arrivals[1] - arrivals[0]}");
        Assert.Empty(client.NoticesOf(CallNoticeKind.Warning));
    }

    // A kept connection that ends after the request was read: .NET would send a request without content again by itself.
    [Theory]
    [InlineData("DELETE", true)]
    [InlineData("DELETE", false)]
    [InlineData("POST", true)]
    [InlineData("POST", false)]
    public async Task Nothing_below_sends_a_write_again(string method, bool properly)
    {
        int served = 0;
        await using var server = new RawServer(request =>
        {
            if (Interlocked.Increment(ref served) == 1)
            {
                return Answers.Right(request);
            }

            if (properly)
            {
                request.Close();
            }
            else
            {
                request.Reset();
            }

            return Task.CompletedTask;
        });
        using var client = new TestClient(server, options => options.MaximumRetryCount = 0);
        await client.ListAsync();

        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => client.SendAsync(method));

        Assert.Equal(method == "POST" ? MagicBellError.CreateOutcomeUnknown : MagicBellError.ConnectionFailed, failure.Error);
        Assert.True(failure.OutcomeUnknown);
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Equal(["GET", method], server.Requests.Select(request => request.Method));
        Assert.Equal(method == "POST" ? 2 : 1, server.Accepted);
    }

    [Theory]
    [InlineData("DELETE")]
    [InlineData("POST")]
    public async Task A_kept_connection_that_ended_while_idle_is_no_failure(string method)
    {
        await using var server = new RawServer(async request =>
        {
            await Answers.Right(request);
            request.Close();
        });
        using var client = new TestClient(server, options => options.MaximumRetryCount = 0);
        await client.ListAsync();
        await TestClient.UntilAsync(() => server.Open == 0, "the connection ends");
        await Task.Delay(100, TestContext.Current.CancellationToken);
        await client.SendAsync(method);
        Assert.Equal(2, server.Requests.Count);
    }

    // Without its body nobody knows who refused it.
    [Theory]
    [InlineData(401, MagicBellError.Unauthorized)]
    [InlineData(429, MagicBellError.RateLimited)]
    public async Task A_refusal_whose_body_stalls_is_not_certain(int status, MagicBellError error)
    {
        await using var server = new RawServer(async request =>
        {
            await request.SendAsync(RawRequest.Head(status, 1000) + """{"errors":""");
            await request.UntilClosedAsync();
        });
        foreach (string method in s_methods)
        {
            using var client = new TestClient(server, options => (options.MaximumRetryCount, options.AttemptTimeout) = (0, TimeSpan.FromSeconds(100)));
            MagicBellException failure = await Failing.WithAsync(method == "POST" ? MagicBellError.CreateOutcomeUnknown : error, () => client.SendAsync(method));
            Assert.Equal((status, method != "GET", false), (failure.StatusCode, failure.OutcomeUnknown, failure.IsCertain));
        }
    }

    private static async Task LoseAsync(RawRequest request, string fault)
    {
        (int status, string body) = Answers.For(request.Method);
        switch (fault)
        {
            case "never":
                await request.UntilClosedAsync();
                break;
            case "reset":
                request.Reset();
                break;
            case "close":
                request.Close();
                break;
            case "garbage":
                await request.SendAsync("SSH-2.0-OpenSSH_9.6\r\n\r\n");
                request.Close();
                break;
            case "half head":
                await request.SendAsync("HTTP/1.1 200 OK\r\nContent-Le");
                request.Reset();
                break;
            case "cut":
                await request.SendAsync(RawRequest.Head(status, body.Length) + body[..(body.Length / 2)]);
                await Task.Delay(20);
                request.Reset();
                break;
            case "short":
                await request.SendAsync(RawRequest.Head(status, body.Length + 10) + body);
                request.Close();
                break;
            case "chunk cut":
                await request.SendAsync(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} X\r\nTransfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n{body[..10]}"));
                request.Close();
                break;
            case "drip":
                await request.SendAsync(RawRequest.Head(status, body.Length));
                foreach (char character in body)
                {
                    await request.SendAsync(character.ToString());
                    await Task.Delay(20);
                }

                break;
            default:
                string[] words = fault.Split(' ');
                await request.AnswerAsync(
                    int.Parse(words[0], CultureInfo.InvariantCulture),
                    words is [_, "html"] ? "<html>Bad gateway</html>" : words is [_, "empty"] ? "" : """{"errors":[{"message":"m"}]}""",
                    words is [_, "html"] ? "Content-Type: text/html" : "X: y");
                break;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
