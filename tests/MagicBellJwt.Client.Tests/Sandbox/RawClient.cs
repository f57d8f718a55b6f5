using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox.Server;
using Xunit;

namespace MagicBellJwt.Client.Tests.Sandbox;

/// <summary>How a connection stood when nothing more came.</summary>
internal enum Ending
{
    /// <summary>Still open: the client ran out of patience.</summary>
    Open,

    /// <summary>Closed properly, with a FIN.</summary>
    Closed,

    /// <summary>Reset, with an RST: ECONNRESET.</summary>
    Reset,
}

/// <summary>A socket and no HTTP library, to see what is really on the wire.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly SandboxServer _server;

    private RawClient(SandboxServer server) => _server = server;

    public static async Task<RawClient> ConnectAsync(SandboxServer server)
    {
        var client = new RawClient(server);
        try
        {
            await client._socket.ConnectAsync(IPAddress.Loopback, server.BaseAddress.Port, TestContext.Current.CancellationToken);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>Connects, sends one request, and reads what comes until it is whole, the connection ends or nothing has come for half a minute.</summary>
    public static async Task<RawAnswer> AskAsync(SandboxServer server, string method, string target, string body = "")
    {
        using RawClient client = await ConnectAsync(server);
        await client.SendAsync(method, target, body);
        return await client.ReceiveAsync(30_000);
    }

    public async Task SendAsync(string method, string target, string body = "")
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"{method} {target} HTTP/1.1\r\nHost: {_server.BaseAddress.Authority}\r\nAuthorization: Bearer {_server.AdministratorToken}\r\nContent-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");
        await _socket.SendAsync(Encoding.UTF8.GetBytes(text), TestContext.Current.CancellationToken);
    }

    /// <summary>Reads until the connection ends, a whole answer has come, or <paramref name="patience"/> ms have brought nothing.</summary>
    public async Task<RawAnswer> ReceiveAsync(int patience)
    {
        var bytes = new MemoryStream();
        var pieces = new List<int>();
        byte[] buffer = new byte[64 * 1024];
        while (true)
        {
            using var impatience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            impatience.CancelAfter(patience);
            try
            {
                int count = await _socket.ReceiveAsync(buffer, impatience.Token);
                if (count == 0)
                {
                    return Answer(Ending.Closed);
                }

                bytes.Write(buffer, 0, count);
                pieces.Add(count);
                if (Answer(Ending.Open) is { IsWhole: true } whole)
                {
                    return whole;
                }
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
            {
                return Answer(Ending.Reset);
            }
            catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
            {
                return Answer(Ending.Open);
            }
        }

        RawAnswer Answer(Ending ending) => new(bytes.GetBuffer().AsMemory(0, (int)bytes.Length), [.. pieces], ending);
    }

    public void Dispose() => _socket.Dispose();
}

/// <summary>What came, piece by piece, and how it ended.</summary>
internal sealed record RawAnswer(ReadOnlyMemory<byte> Bytes, int[] Pieces, Ending Ending)
{
    private int HeadLength => Bytes.Span.IndexOf("\r\n\r\n"u8) is var end and >= 0 ? end + 4 : Bytes.Length;

    public string[] HeadLines => Encoding.ASCII.GetString(Bytes.Span[..HeadLength]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);

    public string StatusLine => HeadLines[0];

    public int ContentLength => int.Parse(Header("Content-Length") ?? "-1", CultureInfo.InvariantCulture);

    public ReadOnlyMemory<byte> Body => Bytes[HeadLength..];

    public string Text => Encoding.UTF8.GetString(Body.Span);

    public bool IsWhole => Bytes.Span.IndexOf("\r\n\r\n"u8) >= 0 && Header("Connection") != "close"
        && (ContentLength == Body.Length || StatusLine.Contains(" 204 ", StringComparison.Ordinal)
            || (Header("Transfer-Encoding") == "chunked" && Body.Span.EndsWith("\r\n0\r\n\r\n"u8)));

    public string? Header(string name) =>
        HeadLines.Skip(1).FirstOrDefault(line => line.StartsWith(name + ": ", StringComparison.OrdinalIgnoreCase))?[(name.Length + 2)..];
}
