using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace MagicBellJwt.Tests.Server;

/// <summary>A request as it came over the wire.</summary>
internal sealed record ScriptedRequest(string Method, string Target, string Head, string Body);

/// <summary>A server on loopback that keeps each request and answers whatever bytes a test says.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<ScriptedRequest, Task<string?>> _answer;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;

    /// <summary>Listens.</summary>
    /// <param name="answer">The whole answer, head and body, for a request; null resets the connection.</param>
    public ScriptedServer(Func<ScriptedRequest, string?> answer)
        : this(request => Task.FromResult(answer(request)))
    {
    }

    /// <inheritdoc cref="ScriptedServer(Func{ScriptedRequest, string?})"/>
    public ScriptedServer(Func<ScriptedRequest, Task<string?>> answer)
    {
        _answer = answer;
        _listener.Start();
        BaseAddress = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/v2");
        _accepting = AcceptAsync();
    }

    public Uri BaseAddress { get; }

    /// <summary>The requests so far.</summary>
    public ConcurrentQueue<ScriptedRequest> Requests { get; } = new();

    /// <summary>The answer to a revocation.</summary>
    public static string Discarded(ScriptedRequest request) =>
        Json(200, $$"""{"token_id":"{{request.Target.Split('/')[^1]}}","discarded_at":"2026-01-02T00:00:00Z"}""");

    /// <summary>The answer to a create, with a value that says nothing.</summary>
    public static string Created() =>
        Json(201, $$"""{"token":"opaque-value","token_id":"{{Guid.NewGuid()}}","created_at":"2026-01-01T00:00:00Z","expires_at":null}""");

    /// <summary>An answer in JSON.</summary>
    public static string Json(int status, string body, params string[] headers) => Answer(status, "application/json", body, headers);

    /// <summary>An answer of any type.</summary>
    public static string Answer(int status, string type, string body, params string[] headers) => string.Create(
        CultureInfo.InvariantCulture,
        $"HTTP/1.1 {status} Status\r\nContent-Type: {type}\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n{string.Concat(Array.ConvertAll(headers, header => header + "\r\n"))}\r\n{body}");

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _accepting;
        _stopping.Dispose();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                serving.Add(ServeAsync(await _listener.AcceptSocketAsync(_stopping.Token)));
            }
        }
        catch (Exception exception) when (_stopping.IsCancellationRequested && exception is OperationCanceledException)
        {
            await Task.WhenAll(serving);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using var connection = new NetworkStream(socket, ownsSocket: true);
        try
        {
            while (await ReadAsync(connection) is { } request)
            {
                Requests.Enqueue(request);
                if (await _answer(request) is not { } answer)
                {
                    socket.LingerState = new LingerOption(true, 0);
                    return;
                }

                await connection.WriteAsync(Encoding.UTF8.GetBytes(answer), _stopping.Token);
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The client has gone, or the test has ended.
        }
    }

    private async Task<ScriptedRequest?> ReadAsync(NetworkStream connection)
    {
        var head = new StringBuilder();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await connection.ReadAsync(one, _stopping.Token) == 0)
            {
                return null;
            }

            head.Append((char)one[0]);
        }

        string[] lines = head.ToString().Split("\r\n");
        string? length = Array.Find(lines, line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))?["Content-Length:".Length..];
        byte[] body = new byte[length is null ? 0 : int.Parse(length, CultureInfo.InvariantCulture)];
        await connection.ReadExactlyAsync(body, _stopping.Token);
        string[] first = lines[0].Split(' ');
        return new ScriptedRequest(first[0], first[1], head.ToString(), Encoding.UTF8.GetString(body));
    }
}
