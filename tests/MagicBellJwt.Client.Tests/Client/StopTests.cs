using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>Whatever a call is doing, it ends when it is stopped, leaves no connection, and says what is in doubt.</summary>
public class StopTests
{
    private static readonly string[] s_methods = ["GET", "DELETE", "POST"];

    public static TheoryData<string, string> PhasesOnTheWire() => new MatrixTheoryData<string, string>(s_methods, ["headers", "half head", "body", "gzip body", "chunk", "error body"]);

    [Theory]
    [MemberData(nameof(PhasesOnTheWire))]
    public async Task A_call_in_flight_stops(string method, string phase)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = new RawServer(async request =>
        {
            (int status, string body) = Answers.For(method);
            switch (phase)
            {
                case "half head":
                    await request.SendAsync("HTTP/1.1 200 OK\r\nContent-");
                    break;
                case "body":
                    await request.SendAsync(RawRequest.Head(status, body.Length) + body[..20]);
                    break;
                case "gzip body":
                    byte[] compressed = Compressed(body);
                    await request.SendAsync([.. Encoding.UTF8.GetBytes(RawRequest.Head(status, compressed.Length, "Content-Encoding: gzip")), .. compressed[..20]]);
                    break;
                case "chunk":
                    await request.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"data\":");
                    break;
                case "error body":
                    await request.SendAsync(RawRequest.Head(400, 100) + "{");
                    break;
            }

            reached.SetResult();
            await request.UntilClosedAsync();
        });
        using var client = new TestClient(server, options => options.Clock = TimeProvider.System);

        Exception ending = await StopAsync(client, method, async () =>
        {
            await reached.Task;
            await Task.Delay(50);
        });

        switch (method)
        {
            case "POST":
                Assert.Equal(MagicBellError.CreateOutcomeUnknown, Assert.IsType<MagicBellException>(ending).Error);
                break;
            case "DELETE":
                MagicBellException failure = Assert.IsType<MagicBellException>(ending);
                Assert.Equal((MagicBellError.Timeout, true), (failure.Error, failure.OutcomeUnknown));
                break;
            default:
                Assert.IsType<OperationCanceledException>(ending, exactMatch: false);
                break;
        }

        Assert.Single(server.Requests);
        await TestClient.UntilAsync(() => server.Open == 0, "no connection is left");
    }

    // The end of a body and the stop race each other, which a stream must survive.
    [Fact]
    public async Task A_body_that_ends_when_it_is_stopped_is_a_body_or_a_stop()
    {
        SemaphoreSlim reading = new(0);
        SemaphoreSlim end = new(0);
        await using var server = new RawServer(async request =>
        {
            await request.SendAsync(RawRequest.Head(200, Answers.Page.Length) + Answers.Page[..^1]);
            reading.Release();
            await end.WaitAsync();
            await request.SendAsync(Answers.Page[^1..]);
        });
        using var client = new TestClient(server, options => (options.Clock, options.MaximumRetryCount) = (TimeProvider.System, 0));
        int stopped = 0;
        for (int number = 0; number < 400; number++)
        {
            using var stop = new CancellationTokenSource();
            Task call = client.ListAsync(client.CallWith(stop.Token));
            await reading.WaitAsync(TestContext.Current.CancellationToken);
            Task stopping = Task.Run(stop.Cancel, CancellationToken.None);
            end.Release();
            try
            {
                await call;
            }
            catch (OperationCanceledException)
            {
                stopped++;
            }

            await stopping;
        }

        Assert.InRange(stopped, 1, 399);
    }

    public static TheoryData<string, string> Waits() => new MatrixTheoryData<string, string>(s_methods, ["back-off", "Retry-After", "pacing", "slots in flight", "pause of another call"]);

    [Theory]
    [MemberData(nameof(Waits))]
    public async Task A_call_that_waits_stops(string method, string wait)
    {
        if (method == "POST" && wait == "back-off")
        {
            // A create does not back off from an answer, but from a connection that was refused.
            using var refused = new TestClient(new Uri("http://127.0.0.1:1/v2"), change: options => (options.Clock, options.MaximumRetryCount) = (TimeProvider.System, 100));
            var waiting = new TaskCompletionSource();
            refused.Noticed += notice => _ = refused.NoticesOf(CallNoticeKind.Wait).Count == 3 && waiting.TrySetResult();
            Assert.IsAssignableFrom<OperationCanceledException>(await StopAsync(refused, method, () => waiting.Task));
            return;
        }

        var release = new TaskCompletionSource();
        await using RawServer server = RawServer.Answering(async request =>
        {
            if (wait == "slots in flight")
            {
                await release.Task;
            }

            await (wait switch
            {
                "back-off" => Answers.Error(503, "Retry-After: 60"),
                "Retry-After" or "pause of another call" => Answers.Error(429, "Retry-After: 60"),
                _ => Answers.Right,
            })(request);
        });
        using var client = new TestClient(server, options =>
        {
            options.Clock = TimeProvider.System;
            options.ReadsPerMinute = 1;
            options.WritesPerMinute = 1;
            if (wait is "back-off" or "Retry-After" or "pause of another call")
            {
                options.ReadsPerMinute = options.WritesPerMinute = 100;
            }
        });
        using var first = new CancellationTokenSource();
        Task before = Task.CompletedTask;
        if (wait is "pacing" or "slots in flight" or "pause of another call")
        {
            // Another call takes the only slot of a minute, or makes the session wait.
            before = client.SendAsync(method, client.CallWith(first.Token));
            await TestClient.UntilAsync(() => wait == "slots in flight" ? server.Requests.Count == 1 : wait == "pacing" ? before.IsCompleted : client.NoticesOf(CallNoticeKind.Wait).Count == 1, "the first call");
        }

        int sent = wait is "pacing" or "slots in flight" or "pause of another call" ? 1 : 0;
        int waits = client.NoticesOf(CallNoticeKind.Wait).Count;
        Exception ending = await StopAsync(client, method, () => wait == "slots in flight"
            ? Task.Delay(100)
            : TestClient.UntilAsync(() => client.NoticesOf(CallNoticeKind.Wait).Count > waits, "the wait"));

        if ((method, wait) is ("DELETE", "back-off") or ("POST", "Retry-After"))
        {
            // A 429 may come after the work, and the list has not been asked yet.
            MagicBellException failure = Assert.IsType<MagicBellException>(ending);
            Assert.Equal((method == "POST" ? MagicBellError.CreateOutcomeUnknown : MagicBellError.Timeout, true, 1), (failure.Error, failure.OutcomeUnknown, failure.Attempts));
        }
        else
        {
            Assert.IsAssignableFrom<OperationCanceledException>(ending);
        }

        Assert.Equal(wait is "back-off" or "Retry-After" ? 1 : sent, server.Requests.Count);
        release.SetResult();
        await first.CancelAsync();
        await before.ContinueWith(_ => { }, TaskScheduler.Default);
    }

    [Theory]
    [InlineData("GET", "TCP")]
    [InlineData("DELETE", "TCP")]
    [InlineData("POST", "TCP")]
    [InlineData("GET", "TLS")]
    [InlineData("DELETE", "TLS")]
    [InlineData("POST", "TLS")]
    public async Task A_call_that_connects_stops_and_nothing_is_in_doubt(string method, string layer)
    {
        // TLS: the server takes the connection and says nothing. TCP: its queue is full, so a connection is not even taken.
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var queue = new List<Socket>();
        for (Task? connecting = null; layer == "TCP" && connecting is null or { IsCompletedSuccessfully: true };)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            queue.Add(socket);
            connecting = socket.ConnectAsync(listener.LocalEndPoint!, TestContext.Current.CancellationToken).AsTask();
            await Task.WhenAny(connecting, Task.Delay(300, TestContext.Current.CancellationToken));
        }

        using (var client = new TestClient(new Uri($"{(layer == "TLS" ? "https" : "http")}://127.0.0.1:{((IPEndPoint)listener.LocalEndPoint!).Port}/v2"), change: options => options.Clock = TimeProvider.System))
        {
            Assert.IsAssignableFrom<OperationCanceledException>(await StopAsync(client, method, () => Task.Delay(200, TestContext.Current.CancellationToken)));
        }

        queue.ForEach(socket => socket.Dispose());
        if (layer == "TLS" && method == "GET")
        {
            // .NET lets a connection that it has begun go on for five seconds, in case another request wants it.
            using Socket accepted = await listener.AcceptAsync(TestContext.Current.CancellationToken);
            byte[] hello = new byte[4096];
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(8));
            try
            {
                while (await accepted.ReceiveAsync(hello, patience.Token) > 0)
                {
                }
            }
            catch (SocketException)
            {
                // Reset is closed too.
            }
        }
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("DELETE")]
    [InlineData("POST")]
    public async Task A_call_that_was_stopped_before_is_not_begun(string method)
    {
        await using var server = new RawServer(Answers.Right);
        using var client = new TestClient(server);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.SendAsync(method, client.CallWith(new CancellationToken(canceled: true))));
        Assert.Equal(0, server.Accepted);
        Assert.Empty(client.Notices);
    }

    [Theory]
    [InlineData("DELETE")]
    [InlineData("POST")]
    public async Task A_write_in_flight_may_be_given_a_moment(string method)
    {
        var arrived = new TaskCompletionSource();
        var answer = new TaskCompletionSource();
        await using var server = new RawServer(async request =>
        {
            arrived.SetResult();
            await answer.Task;
            await Answers.Right(request);
        });
        using var client = new TestClient(server, options => options.Clock = TimeProvider.System);
        using var stop = new CancellationTokenSource();
        Task call = client.SendAsync(method, new CallContext(stop.Token, CancellationToken.None));
        await arrived.Task;
        await stop.CancelAsync();
        await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.False(call.IsCompleted);
        answer.SetResult();
        await call;
    }

    [Fact]
    public async Task A_stopped_write_whose_answer_was_lost_is_not_sent_again()
    {
        var arrived = new TaskCompletionSource();
        var answer = new TaskCompletionSource();
        await using var server = new RawServer(async request =>
        {
            arrived.SetResult();
            await answer.Task;
            request.Reset();
        });
        using var client = new TestClient(server, options => options.Clock = TimeProvider.System);
        using var stop = new CancellationTokenSource();
        Task call = client.DiscardAsync(Answers.Id, call: new CallContext(stop.Token, CancellationToken.None));
        await arrived.Task;
        await stop.CancelAsync();
        answer.SetResult();
        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => call);
        Assert.True(failure.OutcomeUnknown);
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData("GET", MagicBellError.NotConnected)]
    [InlineData("DELETE", MagicBellError.NotConnected)]
    [InlineData("POST", MagicBellError.CreateOutcomeUnknown)]
    public async Task A_service_that_is_disposed_ends_its_calls_and_takes_no_more(string method, MagicBellError error)
    {
        var arrived = new TaskCompletionSource();
        await using var server = new RawServer(async request =>
        {
            arrived.SetResult();
            await request.UntilClosedAsync();
        });
        using var client = new TestClient(server, options => options.Clock = TimeProvider.System);
        Task<MagicBellException> ending = Failing.WithAsync(error, () => client.SendAsync(method));
        await arrived.Task;
        client.Dispose();
        Assert.Equal(method != "GET", (await ending.WaitAsync(TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken)).OutcomeUnknown);
        await TestClient.UntilAsync(() => server.Open == 0, "no connection is left");
        MagicBellException after = await Failing.WithAsync(MagicBellError.NotConnected, () => client.SendAsync(method));
        Assert.False(after.OutcomeUnknown);
        Assert.Single(server.Requests);
    }

    // How a call ends that is stopped at a moment, which it does promptly.
    private static async Task<Exception> StopAsync(TestClient client, string method, Func<Task> moment)
    {
        using var stop = new CancellationTokenSource();
        Task call = client.SendAsync(method, client.CallWith(stop.Token));
        await Task.WhenAny(moment(), call);
        Assert.False(call.IsCompleted, call.Exception?.ToString() ?? "it ended before");
        long stopped = Stopwatch.GetTimestamp();
        await stop.CancelAsync();
        Exception ending = await Assert.ThrowsAnyAsync<Exception>(() => call.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.True(Stopwatch.GetElapsedTime(stopped) < TimeSpan.FromSeconds(2), $"it took {Stopwatch.GetElapsedTime(stopped)}");
        return ending;
    }

    private static byte[] Compressed(string text)
    {
        var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest))
        {
            gzip.Write(Encoding.UTF8.GetBytes(text));
        }

        return compressed.ToArray();
    }
}
