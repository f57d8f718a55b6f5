using System;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Threading.Tasks;

namespace MagicBellJwt.Client;

/// <summary>One logical request: what is the same on each attempt.</summary>
/// <param name="Method">The HTTP method.</param>
/// <param name="Address">The whole address.</param>
/// <param name="Purpose">What it is for, without a secret, as it reads after "could not": <c>list the project tokens</c>.</param>
internal sealed record ApiRequest(HttpMethod Method, Uri Address, string Purpose)
{
    /// <summary>The JSON to send, UTF-8; null for none.</summary>
    internal byte[]? Body { get; init; }

    /// <summary>The key of a create; null for other requests.</summary>
    internal Guid? IdempotencyKey { get; init; }

    /// <summary>Whether the caller takes the server at its word that a repeated key mints nothing.</summary>
    internal bool TrustsIdempotency { get; init; }

    /// <summary>
    /// Asks the list whether a create that was begun at a moment of this machine's clock has been done; null where there is no list to ask.
    /// </summary>
    internal Func<DateTimeOffset, CallContext, Task<bool>>? FindAsync { get; init; }

    /// <summary>The bearer, where it is another than the connection's own; null for that one.</summary>
    internal string? Token { get; init; }

    internal bool IsWrite => Method != HttpMethod.Get;

    internal bool IsCreate => Method == HttpMethod.Post;

    /// <summary>Whether it may be sent again although an earlier attempt may have been carried out.</summary>
    internal bool IsRepeatable => !IsCreate || TrustsIdempotency;

    /// <summary>A fresh message: a sent one cannot be sent again, and .NET Framework disposes its content.</summary>
    internal HttpRequestMessage ToMessage(string token, string userAgent)
    {
        var message = new HttpRequestMessage(Method, Address);
        message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        message.Headers.TryAddWithoutValidation("User-Agent", userAgent);
        message.Headers.TryAddWithoutValidation("Accept", "application/json");
        message.Headers.ExpectContinue = false;
        if (IdempotencyKey is { } key)
        {
            message.Headers.TryAddWithoutValidation("Idempotency-Key", key.ToString("D"));
        }

        if (IsWrite)
        {
            // A DELETE gets an empty body, since .NET silently sends a request without a body again when a kept connection drops, and the
            // 404 to the second would look like the answer to the first.
            message.Content = new RequestBody(Body ?? []);
            if (Body is not null)
            {
                message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" };
            }
        }

        return message;
    }
}

/// <summary>A body that knows whether it was asked for, which is after the connection was made and the headers were written.</summary>
internal sealed class RequestBody(byte[] bytes) : HttpContent
{
    /// <summary>Whether any of the request may have left this machine.</summary>
    /// <remarks>.NET Framework does not ask for an empty body, so there it counts as begun.</remarks>
    internal bool IsBegun { get; private set; } = bytes.Length == 0 && HttpTransport.IsFramework;

    /// <inheritdoc/>
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext context)
    {
        IsBegun = true;
        return stream.WriteAsync(bytes, 0, bytes.Length);
    }

    /// <inheritdoc/>
    protected override bool TryComputeLength(out long length)
    {
        length = bytes.Length;
        return true;
    }
}
