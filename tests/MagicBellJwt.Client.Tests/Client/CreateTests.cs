using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox;
using MagicBellJwt.Sandbox.Server;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>Creates: one token for each success, and each token that nobody holds is named.</summary>
public class CreateTests
{
    [Theory]
    [InlineData("POST * reset every=7")]
    [InlineData("POST * reset-after-work every=7")]
    [InlineData("POST * cut every=7")]
    [InlineData("POST * answer every=7 extra-length=10")]
    [InlineData("POST * 502-after-work every=7 body=html")]
    [InlineData("POST * answer body=truncated every=7")]
    [InlineData("POST * answer encoding=not-gzip every=7")]
    public async Task As_many_tokens_live_as_were_returned_or_are_in_doubt(string fault)
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync();
        server.AddFault(fault);
        using var client = new TestClient(server);
        int creates = fault.Contains("reset", StringComparison.Ordinal) || fault.Contains("cut", StringComparison.Ordinal) ? 1000 : 70;

        // Of a connection that broke before an answer nobody can tell.
        int minted = fault.Contains(" reset ", StringComparison.Ordinal) ? creates - (creates / 7) : creates;
        var returned = new ConcurrentDictionary<string, string>();
        var doubted = new ConcurrentBag<MagicBellException>();

        await Parallel.ForAsync(0, creates, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (number, _) =>
        {
            try
            {
                CreatedToken token = await client.CreateAsync("ci " + number);
                Assert.True(returned.TryAdd(token.TokenId, token.Token), "a token was returned twice");
            }
            catch (MagicBellException failure)
            {
                doubted.Add(failure);
            }
        });

        Assert.All(doubted, failure => Assert.Equal(MagicBellError.CreateOutcomeUnknown, failure.Error));
        Assert.Equal(creates / 7, doubted.Count);
        Assert.Equal(creates - (creates / 7), returned.Count);
        SandboxToken[] live = [.. server.Api.ListTokens().Where(token => token.Name!.StartsWith("ci ", StringComparison.Ordinal) && token.IsLive(DateTimeOffset.UtcNow))];
        Assert.Equal(minted, live.Length);
        Assert.Equal(creates, server.Requests.Count);

        // One key for each create, and each token in doubt is found by the key and the name that its error gives.
        Dictionary<string, RecordedRequest> sent = server.Requests.ToDictionary(request => request.Headers["Idempotency-Key"]);
        Assert.All(doubted, failure =>
        {
            RecordedRequest request = sent[failure.IdempotencyKey!.Value.ToString("D")];
            string name = request.Body["{\"name\":\"".Length..^2];
            Assert.Contains("'" + name + "'", failure.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(returned.Keys, id => live.Any(token => token.Name == name && token.Id.ToString("D") == id));
        });
    }

    [Fact]
    public async Task With_a_trusted_key_a_lost_answer_is_fetched_and_no_second_token_is_minted()
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync();
        server.AddFault("POST * reset-after-work every=2");
        using var client = new TestClient(server);
        for (int number = 0; number < 20; number++)
        {
            var key = Guid.NewGuid();
            CreatedToken token = await client.CreateAsync("ci " + number, trust: true, key);
            CreatedToken again = await client.CreateAsync("ci " + number, trust: true, key);
            Assert.Equal((token.TokenId, token.Token), (again.TokenId, again.Token));
        }

        Assert.Equal(20, server.Api.ListTokens().Count(token => token.Name!.StartsWith("ci ", StringComparison.Ordinal)));
        Assert.Equal(20, server.Requests.Select(request => request.Headers["Idempotency-Key"]).Distinct().Count());
        Assert.All(server.Requests.GroupBy(request => request.Headers["Idempotency-Key"]), attempts => Assert.Single(attempts.Select(request => request.Body).Distinct()));
    }

    [Fact]
    public async Task A_user_create_in_doubt_names_the_user()
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync();
        server.AddFault("POST /v2/jwt/user reset-after-work");
        using var client = new TestClient(server);
        foreach ((string? email, string? externalId, string named) in new[] { ("hana@example.com", null, "hana@example.com"), (null, "u-7", "u-7"), ("hana@example.com", "u-7", "u-7") })
        {
            MagicBellException failure = await Failing.WithAsync(
                MagicBellError.CreateOutcomeUnknown,
                () => client.Service.CreateUserJwtAsync(new CreateUserToken(email, externalId, "laptop", null), Guid.NewGuid(), false, client.Call));
            Assert.Contains(named, failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Creates_that_meet_the_rate_limit_are_all_done_once()
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync();
        server.AddFault("POST * 429 every=5 retry-after=3");
        using var client = new TestClient(server, options => options.MaximumRetryCount = 20);
        int done = 0;
        await Parallel.ForAsync(0, 100, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (number, _) =>
        {
            await client.CreateAsync("ci " + number);
            Interlocked.Increment(ref done);
        });
        Assert.Equal(100, done);
        Assert.Equal(100, server.Api.ListTokens().Count(token => token.Name!.StartsWith("ci ", StringComparison.Ordinal)));
        Assert.Equal(100, server.Requests.Where(request => request.Method == "POST").Select(request => request.Headers["Idempotency-Key"]).Distinct().Count());
    }

    // A success without a usable token is a token that nobody holds.
    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("<html>Sign in</html>")]
    [InlineData("""{"token_id":"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b","created_at":"2021-01-01T00:00:00Z"}""")]
    [InlineData("""{"token":null,"token_id":"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b","created_at":"2021-01-01T00:00:00Z"}""")]
    [InlineData("""{"token":"","token_id":"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b","created_at":"2021-01-01T00:00:00Z"}""")]
    [InlineData("""{"token":"a b","token_id":"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b","created_at":"2021-01-01T00:00:00Z"}""")]
    [InlineData("""{"token":"a\r\nX: y","token_id":"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b","created_at":"2021-01-01T00:00:00Z"}""")]
    [InlineData("""{"token":"é","token_id":"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b","created_at":"2021-01-01T00:00:00Z"}""")]
    [InlineData("""{"token":"abc","created_at":"2021-01-01T00:00:00Z"}""")]
    [InlineData("""{"token":"abc","token_id":"","created_at":"2021-01-01T00:00:00Z"}""")]
    [InlineData("""{"token":"abc","token_id":7,"created_at":"2021-01-01T00:00:00Z"}""")]
    [InlineData("""{"token":"abc","token_id":"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b"}""")]
    [InlineData("""{"token":"abc","token_id":"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b","created_at":1609459200}""")]
    [InlineData("""{"token":"abc","token_id":"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b","created_at":"2021-01-01T00:00:00Z"}{""")]
    [InlineData("""{"token":"abc","token_id":"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b","created_at":"2021-01-01T00:00:00Z""")]
    public async Task A_success_that_cannot_be_read_is_in_doubt(string body)
    {
        await using var server = new RawServer(request => request.AnswerAsync(201, body, "X-Request-Id: r-1"));
        using var client = new TestClient(server);
        MagicBellException failure = await Failing.WithAsync(MagicBellError.CreateOutcomeUnknown, () => client.CreateAsync());
        Assert.Equal((201, "r-1", 1, true), (failure.StatusCode, failure.RequestId, failure.Attempts, failure.OutcomeUnknown));
        Assert.Single(server.Requests);
    }

    // From the pipe, from a listener, from the reading of the answer: a caller that hears of anything else would not look for the token.
    [Theory]
    [InlineData("handler", false)]
    [InlineData("body", true)]
    [InlineData("Attempt", true)]
    [InlineData("Headers", true)]
    public async Task Whatever_throws_once_a_create_has_begun_it_is_in_doubt(string place, bool isMinted)
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync();
        using var handler = new ThrowingHandler(place);
        using var client = new TestClient(server, options => options.Handler = handler);
        void Hear(CallNotice notice)
        {
            if (notice.Kind.ToString() == place)
            {
                throw new InvalidOperationException(Answers.IssuedValue);
            }
        }

        var call = new CallContext(default, default, Hear, DescribeHeaders: true);
        MagicBellException failure = await Failing.WithAsync(MagicBellError.CreateOutcomeUnknown, () => client.CreateAsync("ci", call: call));

        Assert.Equal((true, false, 1), (failure.OutcomeUnknown, failure.IsCertain, failure.Attempts));
        Assert.NotNull(failure.SentAt);
        Assert.NotNull(failure.IdempotencyKey);
        Assert.DoesNotContain(Answers.IssuedValue, failure.ToString(), StringComparison.Ordinal);
        Assert.Equal(isMinted ? 1 : 0, server.Api.ListTokens().Count(token => token.Name == "ci"));
    }

    // As long as an answer may be, with what was issued at its end: a search through all of it would take seconds and end in an exception that holds it.
    [Theory]
    [InlineData("x")]
    [InlineData("sk")]
    [InlineData("%2Fs")]
    public async Task A_text_as_long_as_an_answer_may_be_is_an_error_of_the_table(string piece)
    {
        string body = $$"""{"errors":[{"code":"c","message":"{{string.Concat(Enumerable.Repeat(piece, 15_900_000 / piece.Length))}} sk_canary {{Answers.IssuedValue}}"}]}""";
        await using var server = new RawServer(request => request.AnswerAsync(500, body, "Content-Type: application/json"));
        using var client = new TestClient(server);
        MagicBellException failure = await Failing.WithAsync(MagicBellError.CreateOutcomeUnknown, () => client.CreateAsync());
        Assert.Equal((500, "c"), (failure.StatusCode, Assert.Single(failure.ApiErrors).Code));
        Assert.StartsWith(piece + piece, failure.ApiErrors[0].Message, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", failure.ToString(), StringComparison.Ordinal);
    }

    // It is looked for by the time that the server writes down.
    [Theory]
    [InlineData(3)]
    [InlineData(-3)]
    public async Task A_create_in_doubt_names_its_moment_by_the_servers_clock(int days)
    {
        string date = "Date: " + DateTimeOffset.UtcNow.ToString("R", System.Globalization.CultureInfo.InvariantCulture);
        await using RawServer server = RawServer.Answering(request => request.AnswerAsync(200, Answers.Page, date), request => request.AnswerAsync(502, ""));
        using var client = new TestClient(server, options => options.Clock = new ShiftedClock(TimeSpan.FromDays(days)));
        await client.ListAsync();
        MagicBellException failure = await Failing.WithAsync(MagicBellError.CreateOutcomeUnknown, () => client.CreateAsync());
        Assert.InRange(failure.SentAt!.Value, DateTimeOffset.UtcNow.AddMinutes(-2), DateTimeOffset.UtcNow.AddMinutes(2));
        Assert.Contains(failure.SentAt.Value.UtcDateTime.ToString("yyyy-MM-ddTHH:mm", System.Globalization.CultureInfo.InvariantCulture), failure.Message, StringComparison.Ordinal);
    }

    // A server that ends a kept connection at any moment after an answer: nothing was sent on it, so nothing may be in doubt.
    [Fact]
    public async Task A_kept_connection_that_the_server_ends_right_after_an_answer_puts_no_create_in_doubt()
    {
        int number = 0;
        await using var server = new RawServer(async request =>
        {
            await Answers.Right(request);
            await Task.Delay(Interlocked.Increment(ref number) % 6);
            request.Close();
        });
        using var client = new TestClient(server, options => options.MaximumRetryCount = 0);
        for (int create = 0; create < 150; create++)
        {
            await client.CreateAsync();
            await Task.Delay(create % 4, TestContext.Current.CancellationToken);
        }

        Assert.Equal(150, server.Requests.Count);
    }

    [Fact]
    public async Task Each_create_has_a_connection_of_its_own_and_leaves_none()
    {
        await using var server = new RawServer(Answers.Right);
        using var client = new TestClient(server);
        await client.ListAsync();
        await Parallel.ForAsync(0, 20, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (number, _) => await client.CreateAsync("ci " + number));
        await client.DiscardAsync(Answers.Id);
        await client.ListAsync();

        Assert.Equal(21, server.Accepted);
        Assert.Equal(20, server.Requests.Where(request => request.Method == "POST").Select(request => request.Connection).Distinct().Count());
        Assert.Single(server.Requests.Where(request => request.Method != "POST").Select(request => request.Connection).Distinct());
        await TestClient.UntilAsync(() => server.Open == 1, "the connections of the creates are closed");
    }

    // No end in the answer means "never" only where none was asked for. One that is another than was asked for is told too.
    [Theory]
    [InlineData(null, "", false, false)]
    [InlineData(null, ",\"expires_at\":null", false, false)]
    [InlineData(null, ",\"expires_at\":\"2021-01-01T01:00:00Z\"", false, false)]
    [InlineData(3600L, "", true, true)]
    [InlineData(3600L, ",\"expires_at\":null", true, true)]
    [InlineData(3600L, ",\"expires_at\":\"2021-01-01T01:00:00Z\"", false, false)]
    [InlineData(3600L, ",\"expires_at\":\"2021-01-01T01:00:59Z\"", false, false)]
    [InlineData(3600L, ",\"expires_at\":\"2021-01-01T02:00:00Z\"", false, true)]
    [InlineData(3600L, ",\"expires_at\":\"2021-01-01T00:59:01Z\"", false, false)]
    [InlineData(3600L, ",\"expires_at\":\"2021-01-01T00:30:00Z\"", false, true)]
    [InlineData(3600L, ",\"expires_at\":\"2021-01-01T00:00:00Z\"", false, true)]
    [InlineData(3600L, ",\"expires_at\":\"0001-01-01T00:00:00Z\"", false, true)]
    [InlineData(3600L, ",\"expires_at\":\"2031-01-01T00:00:00Z\"", false, true)]
    [InlineData(long.MaxValue, ",\"expires_at\":\"9999-12-31T23:59:59Z\"", false, false)]
    public async Task An_end_that_was_asked_for_and_is_not_confirmed_is_unknown(long? lifetime, string expiry, bool isUnknown, bool warns)
    {
        await using var server = new RawServer(request => request.AnswerAsync(201, Answers.Created.Insert(Answers.Created.Length - 1, expiry)));
        using var client = new TestClient(server);

        CreatedToken[] tokens =
        [
            await client.Service.CreateProjectJwtAsync(new CreateProjectToken("ci", lifetime), Guid.NewGuid(), false, client.Call),
            await client.Service.CreateUserJwtAsync(new CreateUserToken("hana@example.com", null, null, lifetime), Guid.NewGuid(), false, client.Call),
        ];

        Assert.All(tokens, token => Assert.Equal(isUnknown, token.IsExpiryUnknown));
        Assert.All(tokens, token => Assert.Equal(expiry.Contains(":\"", StringComparison.Ordinal), token.ExpiresAt is not null));
        Assert.Equal(warns ? 2 : 0, client.NoticesOf(CallNoticeKind.Warning).Count(notice => notice.Text.Contains(Answers.Id, StringComparison.Ordinal)));
    }

    private sealed class ThrowingHandler(string place) : DelegatingHandler(new SocketsHttpHandler())
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (place == "handler")
            {
                // The request was asked for its body, so it may have been sent.
                await request.Content!.CopyToAsync(System.IO.Stream.Null, cancellationToken);
                throw new NotImplementedException(Answers.IssuedValue);
            }

            HttpResponseMessage response = await base.SendAsync(request, cancellationToken);
            if (place == "body")
            {
                response.Content = new ThrowingContent();
            }

            return response;
        }
    }

    private sealed class ThrowingContent : HttpContent
    {
        protected override Task<System.IO.Stream> CreateContentReadStreamAsync() => throw new FormatException(Answers.IssuedValue);

        protected override Task SerializeToStreamAsync(System.IO.Stream stream, System.Net.TransportContext? context) => throw new FormatException(Answers.IssuedValue);

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
