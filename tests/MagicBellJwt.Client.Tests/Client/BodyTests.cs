using System;
using System.Diagnostics;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Text;
using System.Threading.Tasks;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>Bodies of any length, encoding and kind: understood or refused, never believed and never echoed.</summary>
public class BodyTests
{
    private const int Limit = 16 * 1024 * 1024;
    private const string Json = "Content-Type: application/json";

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task Compressed_answers_are_understood(string encoding)
    {
        await using var server = new RawServer(request => request.AnswerAsync(200, Compressed(Encoding.UTF8.GetBytes(Answers.Page), encoding), "Content-Encoding: " + encoding));
        using var client = new TestClient(server, options => options.MaximumRetryCount = 2);
        Assert.Equal(Answers.Id, Assert.Single((await client.ListAsync())!).Id);
    }

    [Fact]
    public async Task Chunks_are_understood_and_a_byte_order_mark_is_skipped()
    {
        await using RawServer server = RawServer.Answering(
            request => request.SendAsync($"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{Answers.Page[..16]}\r\n{Answers.Page.Length - 16:x}\r\n{Answers.Page[16..]}\r\n0\r\n\r\n"),
            request => request.AnswerAsync(200, "\uFEFF" + Answers.Page));
        using var client = new TestClient(server);
        Assert.Single((await client.ListAsync())!);
        Assert.Single((await client.ListAsync())!);
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("\"text\"")]
    [InlineData("{}")]
    [InlineData("""{"links":{}}""")]
    [InlineData("""{"data":"text"}""")]
    [InlineData("""{"data":{}}""")]
    [InlineData("""{"data":[null]}""")]
    [InlineData("""{"data":["text"]}""")]
    [InlineData("""{"data":[[]]}""")]
    [InlineData("""{"data":[{}]}""")]
    [InlineData("""{"data":[{"id":7,"created_at":"2021-01-01T00:00:00Z"}]}""")]
    [InlineData("""{"data":[{"id":"a","name":{},"created_at":"2021-01-01T00:00:00Z"}]}""")]
    [InlineData("""{"data":[{"id":"a","created_at":null}]}""")]
    [InlineData("""{"data":[{"id":"a","created_at":1609459200}]}""")]
    [InlineData("""{"data":[{"id":"a","created_at":"yesterday"}]}""")]
    [InlineData("""{"data":[{"id":"a","created_at":"2021-02-30T00:00:00Z"}]}""")]
    [InlineData("""{"data":[{"id":"a","created_at":"01/02/2021 00:00:00"}]}""")]
    [InlineData("""{"data":[{"id":"a","created_at":"2021-01-01T00:00:00Z","expires_at":true}]}""")]
    [InlineData("""{"data":[],"links":"text"}""")]
    [InlineData("""{"data":[],"links":[]}""")]
    [InlineData("""{"data":[],"links":{"next":7}}""")]
    [InlineData("""{"data":[]""")]
    [InlineData("""{"data":[{"id":"a","created_at":"2021-01-01T00:00:00Z"}""")]
    [InlineData("""{"data":[]}}""")]
    [InlineData("""{"data":[]} {"data":[]}""")]
    [InlineData("""{"data":[] "links":{}}""")]
    [InlineData("<!DOCTYPE html><html>Sign in</html>")]
    public async Task What_is_not_a_list_is_refused(string body)
    {
        await using RawServer server = RawServer.Answering(Answers.Right, request => request.AnswerAsync(200, body, Json, "X-Request-Id: r-1"));
        using var client = new TestClient(server, options => options.MaximumRetryCount = 1);
        await client.ListAsync();
        MagicBellException failure = await Failing.WithAsync(MagicBellError.UnexpectedResponse, () => client.ListAsync());
        Assert.Equal((200, "r-1", 2, false), (failure.StatusCode, failure.RequestId, failure.Attempts, failure.IsCertain));
        Assert.Equal(3, server.Requests.Count);
    }

    // A wrong address, or a sign-in page before the API: asking again would only take time.
    [Theory]
    [InlineData(200, "<html>", 1)]
    [InlineData(200, "{}", 1)]
    [InlineData(302, "", 1)]
    [InlineData(401, "<html>", 1)]
    [InlineData(404, "<html>", 1)]
    [InlineData(418, "<html>", 1)]
    [InlineData(408, "<html>", 3)]
    [InlineData(502, "<html>", 3)]
    public async Task A_read_before_the_API_has_ever_answered_is_repeated_only_where_that_may_help(int status, string body, int attempts)
    {
        await using var server = new RawServer(request => request.AnswerAsync(status, body));
        using var client = new TestClient(server, options => options.MaximumRetryCount = 2);
        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => client.ListAsync());
        Assert.Equal((status, attempts, false), (failure.StatusCode, server.Requests.Count, failure.IsCertain));
    }

    [Theory]
    [InlineData(200, "a web page")]
    [InlineData(404, "not the API's own")]
    [InlineData(403, "not the API's own", MagicBellError.Forbidden)]
    [InlineData(401, "not the API's own", MagicBellError.Unauthorized)]
    [InlineData(422, "not the API's own")]
    public async Task A_proxys_page_is_told_from_an_answer_and_not_quoted(int status, string said, MagicBellError error = MagicBellError.UnexpectedResponse)
    {
        await using var server = new RawServer(request => request.AnswerAsync(status, "<html><h1>Quoth the proxy</h1></html>", "Content-Type: text/html; charset=utf-8"));
        using var client = new TestClient(server);
        MagicBellException failure = await Failing.WithAsync(error, () => client.ListAsync());
        Assert.False(failure.IsCertain);
        Assert.Contains(said, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Quoth", failure.ToString(), StringComparison.Ordinal);
        Assert.Empty(failure.ApiErrors);
    }

    // Each spoils one thing of errors[]. Where one is left that says nothing, or in another form, anybody may have sent it: gateways have such arrays too.
    [Theory]
    [InlineData("""{"errors":[{"message":"m"}]}""", "m", null)]
    [InlineData("""{"errors":[{"code":"c","message":"m","more":[1]}],"more":{}}""", "m", "c")]
    [InlineData("""{"errors":[{"code":null,"message":"m"}]}""", "m", null)]
    [InlineData("""{"errors":[{"code":"c","message":""}]}""", "", "c")]
    [InlineData("""{"errors":[{"code":7,"message":"m"}]}""", null, null)]
    [InlineData("""{"success":false,"errors":[{"code":7003,"message":"No route"}],"messages":[],"result":null}""", null, null)]
    [InlineData("""{"errors":[{"status":"422","title":"t","detail":"d"}]}""", null, null)]
    [InlineData("""{"errors":[{"code":"c","message":"m"},{}]}""", null, null)]
    [InlineData("""{"errors":[{"code":"c","message":null}]}""", null, null)]
    [InlineData("""{"errors":[{}]}""", null, null)]
    [InlineData("""{"errors":[]}""", null, null)]
    [InlineData("""{"errors":null}""", null, null)]
    [InlineData("""{"errors":"m"}""", null, null)]
    [InlineData("""{"errors":["m"]}""", null, null)]
    [InlineData("""{"errors":{"code":"c","message":"m"}}""", null, null)]
    [InlineData("""{"errors":[{"code":"c","message":"m"}""", null, null)]
    [InlineData("[]", null, null)]
    [InlineData("", null, null)]
    public async Task Errors_are_read_as_far_as_they_are_errors(string body, string? message, string? code)
    {
        await using var server = new RawServer(request => request.AnswerAsync(422, body, Json));
        using var client = new TestClient(server);
        bool isApi = message is not null;
        MagicBellException failure = await Failing.WithAsync(isApi ? MagicBellError.InvalidRequest : MagicBellError.UnexpectedResponse, () => client.ListAsync());
        Assert.Equal((422, isApi), (failure.StatusCode, failure.IsCertain));
        Assert.Equal(message is null ? [] : [new ApiError(code, message)], failure.ApiErrors);
    }

    [Fact]
    public async Task Long_errors_are_cut()
    {
        string errors = string.Join(",", Enumerable.Repeat($$"""{"code":"{{new string('c', 1000)}}","message":"{{new string('m', 100_000)}}"}""", 50));
        await using var server = new RawServer(request => request.AnswerAsync(422, "{\"errors\":[" + errors + "]}", Json, "X-Request-Id: " + new string('r', 5000)));
        using var client = new TestClient(server);
        MagicBellException failure = await Failing.WithAsync(MagicBellError.InvalidRequest, () => client.ListAsync());
        Assert.InRange(failure.Message.Length, 300, 2000);
        Assert.All(failure.ApiErrors, error => Assert.InRange(error.Message.Length + error.Code!.Length, 1, 602));
        Assert.InRange(failure.RequestId!.Length, 1, 129);
    }

    [Theory]
    [InlineData("GET", "told")]
    [InlineData("GET", "chunked")]
    [InlineData("GET", "gzip")]
    [InlineData("POST", "told")]
    [InlineData("POST", "chunked")]
    [InlineData("DELETE", "chunked")]
    public async Task More_than_16_MiB_are_refused_without_reading_all(string method, string form)
    {
        long sent = 0;
        bool all = false;
        await using var server = new RawServer(async request =>
        {
            byte[] piece = Encoding.ASCII.GetBytes(new string(' ', 64 * 1024));
            int pieces = 64 * 1024 * 1024 / piece.Length;
            switch (form)
            {
                case "gzip":
                    byte[] bomb = Compressed(new byte[256 * 1024 * 1024], "gzip");
                    await request.AnswerAsync(200, bomb, "Content-Encoding: gzip");
                    sent = bomb.Length;
                    return;
                case "told":
                    await request.SendAsync(RawRequest.Head(200, 64 * 1024 * 1024));
                    break;
                default:
                    await request.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4000000\r\n");
                    break;
            }

            for (int count = 0; count < pieces; count++)
            {
                await request.SendAsync(piece);
                sent += piece.Length;
            }

            all = true;
        });
        using var client = new TestClient(server, options => options.MaximumRetryCount = 0);

        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => client.SendAsync(method));

        Assert.Equal(method == "POST" ? MagicBellError.CreateOutcomeUnknown : MagicBellError.UnexpectedResponse, failure.Error);
        Assert.Contains("16 MiB", failure.Message, StringComparison.Ordinal);
        Assert.Equal(200, failure.StatusCode);
        await TestClient.UntilAsync(() => server.Open == 0 || form == "gzip", "the connection is dropped");
        Assert.False(all, "everything was read");
        Assert.InRange(sent, 0, Limit + (32 * 1024 * 1024));
    }

    [Fact]
    public async Task A_page_of_just_under_16_MiB_is_read()
    {
        string page = Answers.Page + new string(' ', Limit - Answers.Page.Length);
        await using var server = new RawServer(request => request.AnswerAsync(200, page, Json));
        using var client = new TestClient(server);
        Assert.Single((await client.ListAsync())!);
    }

    [Theory]
    [InlineData("GET", "gzip")]
    [InlineData("GET", "deflate")]
    [InlineData("POST", "gzip")]
    public async Task What_is_not_compressed_as_told_is_refused(string method, string encoding)
    {
        await using var server = new RawServer(request => request.AnswerAsync(200, Answers.For(method).Body, "Content-Encoding: " + encoding));
        using var client = new TestClient(server, options => options.MaximumRetryCount = 0);
        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => client.SendAsync(method));
        Assert.Equal(method == "POST" ? MagicBellError.CreateOutcomeUnknown : MagicBellError.UnexpectedResponse, failure.Error);
        Assert.Contains("compression", failure.Message, StringComparison.Ordinal);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Half_a_compressed_answer_is_no_answer()
    {
        byte[] half = Compressed(Encoding.UTF8.GetBytes(Answers.Page), "gzip")[..60];
        await using var server = new RawServer(request => request.AnswerAsync(200, half, "Content-Encoding: gzip"));
        using var client = new TestClient(server, options => options.MaximumRetryCount = 0);
        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => client.ListAsync());
        Assert.True(failure.Error is MagicBellError.UnexpectedResponse or MagicBellError.ConnectionFailed, failure.ToString());
    }

    // Too short a length cuts the JSON; what follows is never taken for the answer to the next request.
    [Theory]
    [InlineData("GET")]
    [InlineData("DELETE")]
    [InlineData("POST")]
    public async Task A_length_that_is_too_short_is_noticed(string method)
    {
        await using RawServer server = RawServer.Answering(
            request =>
            {
                (int status, string body) = Answers.For(method);
                return request.SendAsync(RawRequest.Head(status, body.Length - 5) + body);
            },
            Answers.Right);
        using var client = new TestClient(server, options => options.MaximumRetryCount = 0);
        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => client.SendAsync(method));
        Assert.Equal(method == "POST" ? MagicBellError.CreateOutcomeUnknown : MagicBellError.UnexpectedResponse, failure.Error);
        await client.SendAsync(method);
        Assert.Equal([1, 2], server.Requests.Select(request => request.Connection));
    }

    [Fact]
    public async Task Dripping_bytes_do_not_outlive_the_limit_of_an_attempt()
    {
        await using var server = new RawServer(async request =>
        {
            await request.SendAsync(RawRequest.Head(200, 100_000));
            while (true)
            {
                await request.SendAsync(" ");
                await Task.Delay(5);
            }
        });
        using var client = new TestClient(server, options =>
        {
            options.Clock = TimeProvider.System;
            options.AttemptTimeout = TimeSpan.FromSeconds(0.4);
            options.MaximumRetryCount = 1;
        });
        long started = Stopwatch.GetTimestamp();
        MagicBellException failure = await Failing.WithAsync(MagicBellError.Timeout, () => client.ListAsync());
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.FromSeconds(0.7), TimeSpan.FromSeconds(15));
        Assert.Contains("0.4 seconds", failure.Message, StringComparison.Ordinal);
        Assert.Equal(2, failure.Attempts);
        await TestClient.UntilAsync(() => server.Open == 0, "no connection is left");
    }

    private static byte[] Compressed(byte[] body, string encoding)
    {
        var compressed = new MemoryStream();
        using (Stream stream = encoding == "gzip" ? new GZipStream(compressed, CompressionLevel.Fastest) : new ZLibStream(compressed, CompressionLevel.Fastest))
        {
            stream.Write(body);
        }

        return compressed.ToArray();
    }
}
