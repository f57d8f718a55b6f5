using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Security;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Threading;
using System.Threading.Tasks;

namespace MagicBellJwt.Client;

/// <summary>The HTTP client and its settings: sends a message, and reads the body of an answer. Knows nothing of the API.</summary>
internal sealed class HttpTransport : IDisposable
{
    /// <summary>Whether this is .NET Framework, whose HTTP stack is another one.</summary>
    internal static readonly bool IsFramework = !RuntimeInformation.FrameworkDescription.StartsWith(".NET ", StringComparison.Ordinal)
        || RuntimeInformation.FrameworkDescription.StartsWith(".NET Framework", StringComparison.Ordinal);

    private const int MaximumAnswerLength = 16 * 1024 * 1024;
    private const string CertificateRefused = "MagicBellJwt.CertificateRefused";
    private const string MayUseProxy = "MagicBellJwt.MayUseProxy";

    // Windows and macOS look up the proxy on the caller's thread, and .NET Framework the host's name too. Neither can be stopped.
    private static readonly bool s_mayBlockOnSend = IsFramework || !RuntimeInformation.IsOSPlatform(OSPlatform.Linux);

    private readonly bool _usesTls;
    private readonly IWebProxy? _proxy;
    private readonly bool _usesNetwork;
    private readonly HttpClient _client;
    private readonly CancellationTokenSource _end = new();

    internal HttpTransport(JwtServiceOptions options)
    {
        _usesTls = options.BaseAddress.Scheme == Uri.UriSchemeHttps;
        _proxy = options.Proxy;
        _usesNetwork = options.Handler is null;
        _client = NewClient(options.Handler ?? NewHandler(), disposesHandler: _usesNetwork || options.OwnsHandler);
    }

    /// <summary>Sends a message once and hands the answer over as soon as its head is there. The answer is gone when this returns.</summary>
    /// <param name="message">The message.</param>
    /// <param name="isCreate">
    /// Whether it is a create, which gets a connection of its own: a kept one may have been ended by the server a moment ago, and then nobody
    /// can tell whether the create arrived. .NET Framework would even send it again by itself. A handler for each, since <c>Connection: close</c>
    /// is only a wish: where the server ignores it the handler keeps the connection.
    /// </param>
    /// <param name="receive">Reads the answer.</param>
    /// <param name="cancellation">Ends it.</param>
    internal async Task<T> SendAsync<T>(HttpRequestMessage message, bool isCreate, Func<HttpResponseMessage, CancellationToken, Task<T>> receive, CancellationToken cancellation)
    {
        if (_usesTls && _usesNetwork)
        {
            message.Properties[MayUseProxy] = _proxy;
        }

        if (!isCreate || !_usesNetwork)
        {
            return await SendAsync(_client, message, receive, cancellation).ConfigureAwait(false);
        }

        using HttpClient client = NewClient(NewHandler(), disposesHandler: true);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _end.Token);
        return await SendAsync(client, message, receive, either.Token).ConfigureAwait(false);
    }

    /// <summary>Reads the whole body of an answer.</summary>
    /// <exception cref="UnreadableAnswerException">It is longer than 16 MiB.</exception>
    internal static async Task<MemoryStream> ReadBodyAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        const string TooLong = "it is longer than 16 MiB";
        if (response.Content.Headers.ContentLength > MaximumAnswerLength)
        {
            throw new UnreadableAnswerException(TooLong);
        }

        // On .NET Framework a read does not notice the cancellation, but it ends when the answer is disposed. On .NET a read does notice it,
        // and disposing the answer during a read would end in a NullReferenceException.
        using CancellationTokenRegistration registration = IsFramework ? cancellation.Register(response.Dispose) : default;
        using Stream stream = await response.Content.ReadAsStreamAsync().ConfigureAwait(false);

        // One byte more than the announced length, so that the end is found without growing the buffer.
        byte[] body = new byte[(response.Content.Headers.ContentLength ?? 16384) + 1];
        int length = 0;
        int count;
        while ((count = await stream.ReadAsync(body, length, body.Length - length, cancellation).ConfigureAwait(false)) > 0)
        {
            length += count;
            if (length > MaximumAnswerLength)
            {
                throw new UnreadableAnswerException(TooLong);
            }

            if (length == body.Length)
            {
                Array.Resize(ref body, Math.Min(2 * length, MaximumAnswerLength + 1));
            }
        }

        return new MemoryStream(body, 0, length, writable: false);
    }

    /// <summary>What is wrong with the server's certificate, in words that follow "the certificate of HOST"; null where it is not why this message was not sent.</summary>
    internal static string? WhyCertificateWasRefused(HttpRequestMessage message) =>
        message.Properties.TryGetValue(CertificateRefused, out object? why) ? (string)why : null;

    /// <summary>The proxy that this message goes through, as host and port; null where it goes to the server itself.</summary>
    internal static string? ProxyOf(HttpRequestMessage message)
    {
        if (!message.Properties.TryGetValue(MayUseProxy, out object? own) || message.RequestUri is not { } address)
        {
            return null;
        }

        Uri? proxy = (own as IWebProxy ?? WebRequest.DefaultWebProxy)?.GetProxy(address);
        return proxy is null || proxy == address ? null : proxy.Authority;
    }

    /// <summary>Ends every request in flight. A handler that the caller made stays the caller's.</summary>
    public void Dispose()
    {
        if (!_end.IsCancellationRequested)
        {
            _client.Dispose();
            _end.Cancel();
            _end.Dispose();
        }
    }

    private static async Task<T> SendAsync<T>(HttpClient client, HttpRequestMessage message, Func<HttpResponseMessage, CancellationToken, Task<T>> receive, CancellationToken cancellation)
    {
        Task<HttpResponseMessage> Send() => client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellation);

        using HttpResponseMessage response = await (s_mayBlockOnSend ? Task.Run(Send) : Send()).ConfigureAwait(false);
        return await receive(response, cancellation).ConfigureAwait(false);
    }

    private static HttpClient NewClient(HttpMessageHandler handler, bool disposesHandler) => new(handler, disposesHandler) { Timeout = Timeout.InfiniteTimeSpan };

    private HttpClientHandler NewHandler()
    {
        var handler = new HttpClientHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.GZip | DecompressionMethods.Deflate,
            MaxConnectionsPerServer = 64,
            UseCookies = false,

            // Without TLS a proxy would read the bearer.
            UseProxy = _usesTls,
            ServerCertificateCustomValidationCallback = static (message, certificate, chain, errors) =>
            {
                if (errors != SslPolicyErrors.None)
                {
                    message.Properties[CertificateRefused] = WhatIsWrong(certificate, chain, errors);
                }

                return errors == SslPolicyErrors.None;
            },
        };
        if (_proxy is not null && handler.UseProxy)
        {
            handler.Proxy = _proxy;
        }

        if (IsFramework)
        {
            // .NET Framework takes the process-wide default otherwise, which an old host may have left at TLS 1.0.
            handler.SslProtocols = SslProtocols.Tls12;
        }

        return handler;
    }

    private static string WhatIsWrong(X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null)
        {
            return "was not sent";
        }

        X509ChainStatusFlags status = (chain?.ChainStatus ?? []).Aggregate(X509ChainStatusFlags.NoError, (all, one) => all | one.Status);
        var wrong = new List<string>();
        if ((errors & SslPolicyErrors.RemoteCertificateNameMismatch) != 0)
        {
            wrong.Add($"is for another name, '{certificate.GetNameInfo(X509NameType.DnsName, forIssuer: false)}'");
        }

        if ((status & X509ChainStatusFlags.NotTimeValid) != 0)
        {
            wrong.Add(DateTime.Now < certificate.NotBefore
                ? FormattableString.Invariant($"is not valid before {certificate.NotBefore.ToUniversalTime():yyyy-MM-dd HH:mm} UTC, by this machine's clock")
                : FormattableString.Invariant($"ended at {certificate.NotAfter.ToUniversalTime():yyyy-MM-dd HH:mm} UTC, by this machine's clock"));
        }

        if ((status & X509ChainStatusFlags.Revoked) != 0)
        {
            wrong.Add("was revoked");
        }

        if ((status & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain)) != 0)
        {
            wrong.Add($"comes from an authority that this machine does not trust, '{certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: true)}'");
        }

        return wrong.Count > 0 ? string.Join(" and ", wrong) : $"is not valid ({errors}, {status})";
    }
}
