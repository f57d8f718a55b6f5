using System;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;

namespace MagicBellJwt.Sandbox.Server;

/// <summary>The connection of a request: an answer on it, whole, in part or wrong, and its end.</summary>
internal sealed class Wire(HttpContext http, CancellationToken stopping)
{
    private const int PieceLength = 64 * 1024;

    private Socket Socket => http.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket;

    /// <summary>Sends an answer as HTTP has it.</summary>
    public async Task SendAsync(SandboxAnswer answer, bool tellLength = true)
    {
        WriteHead(answer, tellLength);
        for (int sent = 0; sent < answer.Body.Count; sent += PieceLength)
        {
            await http.Response.Body.WriteAsync(answer.Body.AsMemory(sent, Math.Min(PieceLength, answer.Body.Count - sent)), http.RequestAborted);
        }
    }

    /// <summary>Sends the head at once and then the body byte by byte.</summary>
    public async Task DripAsync(SandboxAnswer answer, TimeSpan each)
    {
        WriteHead(answer, tellLength: true);
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(stopping, http.RequestAborted);
        for (int sent = 0; sent < answer.Body.Count; sent++)
        {
            await http.Response.Body.WriteAsync(answer.Body.AsMemory(sent, 1), gone.Token);
            await http.Response.Body.FlushAsync(gone.Token);
            await Task.Delay(each, gone.Token);
        }
    }

    /// <summary>
    /// Sends a head that tells a length, and of the body what <paramref name="sentBody"/> says. Written past Kestrel, which would not send
    /// what is wrong.
    /// </summary>
    public async Task SendRawAsync(SandboxAnswer answer, int toldLength, int sentBody)
    {
        var head = new StringBuilder();
        head.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {answer.Status} {ReasonPhrases.GetReasonPhrase(answer.Status)}\r\n");
        foreach ((string name, string value) in answer.Headers)
        {
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        }

        head.Append(CultureInfo.InvariantCulture, $"Content-Length: {toldLength}\r\n\r\n");
        await using var stream = new NetworkStream(Socket, ownsSocket: false);
        await stream.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes(head.ToString()), .. answer.Body[..sentBody]], stopping);
    }

    /// <summary>Ends the connection with a TCP reset: its client has ECONNRESET, after what it was sent.</summary>
    public void Reset()
    {
        // Closed here and now: Kestrel would say goodbye with a FIN first.
        Socket.Close(timeout: 0);
        http.Abort();
    }

    /// <summary>Ends the connection properly after what was sent, Kestrel's own answer left out.</summary>
    public async Task CloseAsync() => await http.Features.GetRequiredFeature<IConnectionTransportFeature>().Transport.Output.CompleteAsync();

    /// <summary>Waits until the client has given up or the server stops.</summary>
    public async Task NeverAnswerAsync()
    {
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(stopping, http.RequestAborted);
        await Task.Delay(Timeout.Infinite, gone.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        http.Abort();
    }

    private void WriteHead(SandboxAnswer answer, bool tellLength)
    {
        http.Response.StatusCode = answer.Status;
        http.Response.ContentLength = tellLength ? answer.Body.Count : null;
        foreach ((string name, string value) in answer.Headers)
        {
            http.Response.Headers[name] = value;
        }
    }
}
