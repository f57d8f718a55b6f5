using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace MagicBellJwt.TestSupport;

/// <summary>A server on loopback that sends exactly the bytes that a test gives it, and knows what is open.</summary>
public sealed class RawServer : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly Func<RawRequest, Task> _serve;
    private readonly X509Certificate2? _certificate;
    private readonly ConcurrentQueue<RawRequest> _requests = new();
    private readonly ConcurrentDictionary<Task, bool> _connections = new();

    // Never disposed: nothing but memory is behind it, and a late connection may still ask it.
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;
    private int _accepted;
    private int _open;

    /// <summary>Starts to listen.</summary>
    /// <param name="serve">Answers a request; when it is done, the next request of that connection is read.</param>
    /// <param name="certificate">For TLS; null for plain http.</param>
    /// <param name="port">The port; 0 for a free one.</param>
    public RawServer(Func<RawRequest, Task> serve, X509Certificate2? certificate = null, int port = 0)
    {
        _listener = new TcpListener(IPAddress.Loopback, port);
        _serve = serve;
        _certificate = certificate;
        _listener.Start();
        BaseAddress = new Uri($"{(certificate is null ? "http" : "https")}://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/v2");
        _accepting = AcceptAsync();
    }

    public Uri BaseAddress { get; }

    /// <summary>What arrived in full, oldest first.</summary>
    public IReadOnlyList<RawRequest> Requests => _requests.ToArray();

    /// <summary>Forgets the requests so far.</summary>
    public void Clear() => _requests.Clear();

    /// <summary>Connections accepted so far.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>Connections that neither side has ended.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>A server that gives each request the answer of its turn, and the last one from then on.</summary>
    public static RawServer Answering(params Func<RawRequest, Task>[] answers)
    {
        int turn = -1;
        return new RawServer(request => answers[Math.Min(Interlocked.Increment(ref turn), answers.Length - 1)](request));
    }

    /// <summary>A server that answers with the bytes of a text; see <see cref="Answers"/>.</summary>
    /// <param name="answer">The whole answer, head and body, for a request; null resets the connection.</param>
    public static RawServer Scripted(Func<RawRequest, string?> answer) => Scripted(request => Task.FromResult(answer(request)));

    /// <inheritdoc cref="Scripted(Func{RawRequest, string?})"/>
    public static RawServer Scripted(Func<RawRequest, Task<string?>> answer) => new(async request =>
    {
        if (await answer(request) is { } text)
        {
            await request.SendAsync(text);
        }
        else
        {
            request.Reset();
        }
    });

    /// <summary>Stops listening and drops every connection.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
        {
            return;
        }

        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections.Keys);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptSocketAsync(_stopping.Token);
                int number = Interlocked.Increment(ref _accepted);
                Interlocked.Increment(ref _open);
                Task connection = Task.Run(() => TalkAsync(socket, number));
                _connections[connection] = true;
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The server stops.
        }
    }

    private async Task TalkAsync(Socket socket, int number)
    {
        try
        {
            using (socket)
            {
                Stream stream = new NetworkStream(socket, ownsSocket: false);
                if (_certificate is not null)
                {
                    var tls = new SslStream(stream);
                    await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate }, _stopping.Token);
                    stream = tls;
                }

                while (socket.Connected && await ReadAsync(socket, stream, number) is { } request)
                {
                    _requests.Enqueue(request);
                    await _serve(request);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
        {
            // The client went away, or the server stops.
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    private async Task<RawRequest?> ReadAsync(Socket socket, Stream stream, int connection)
    {
        var head = new List<byte>();
        byte[] one = new byte[1];
        while (!EndsHead(head))
        {
            if (await stream.ReadAsync(one, _stopping.Token) == 0)
            {
                return null;
            }

            head.Add(one[0]);
        }

        string text = Encoding.Latin1.GetString([.. head]);
        string[] lines = text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        string[] requestLine = lines[0].Split(' ');
        var headers = lines.Skip(1).Select(line => line.Split(": ", 2)).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.OrdinalIgnoreCase);
        byte[] body = new byte[headers.TryGetValue("Content-Length", out string? length) ? int.Parse(length, CultureInfo.InvariantCulture) : 0];
        await stream.ReadExactlyAsync(body, _stopping.Token);
        return new RawRequest(socket, stream, _stopping.Token)
        {
            Connection = connection,
            Method = requestLine[0],
            Target = requestLine[1],
            Headers = headers,
            Body = Encoding.UTF8.GetString(body),
        };
    }

    private static bool EndsHead(List<byte> head) =>
        head.Count >= 4 && head[^4] == '\r' && head[^3] == '\n' && head[^2] == '\r' && head[^1] == '\n';
}

/// <summary>A request as it stood on the wire, and the way to answer it.</summary>
public sealed class RawRequest(Socket socket, Stream stream, CancellationToken stopping)
{
    /// <summary>Which connection it came on, from 1.</summary>
    public required int Connection { get; init; }

    public required string Method { get; init; }

    public required string Target { get; init; }

    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    public required string Body { get; init; }

    /// <summary>Sends bytes as they stand.</summary>
    public async Task SendAsync(byte[] bytes) => await stream.WriteAsync(bytes, stopping);

    /// <summary>Sends text as it stands, in UTF-8.</summary>
    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text));

    /// <summary>Sends an answer whose Content-Length is right.</summary>
    public Task AnswerAsync(int status, string body, params string[] headers) => AnswerAsync(status, Encoding.UTF8.GetBytes(body), headers);

    /// <summary>Sends an answer whose Content-Length is right.</summary>
    public Task AnswerAsync(int status, byte[] body, params string[] headers) =>
        SendAsync([.. Encoding.UTF8.GetBytes(Head(status, body.Length, headers)), .. body]);

    /// <summary>The bytes before a body of this length.</summary>
    public static string Head(int status, int length, params string[] headers) =>
        string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} Whatever\r\nContent-Length: {length}\r\n{string.Concat(headers.Select(header => header + "\r\n"))}\r\n");

    /// <summary>Ends the connection with a reset.</summary>
    public void Reset() => socket.Close(0);

    /// <summary>Ends the connection properly.</summary>
    public void Close()
    {
        socket.Shutdown(SocketShutdown.Both);
        socket.Close();
    }

    /// <summary>Waits until the client ends the connection.</summary>
    public async Task UntilClosedAsync()
    {
        while (await stream.ReadAsync(new byte[4096], stopping) > 0)
        {
        }
    }
}
