using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace MagicBellJwt.Client;

/// <summary>The one way to the API: every request passes <see cref="SendAsync"/>.</summary>
internal sealed class ApiConnection : IDisposable
{
    private const int MaximumAnswerLength = 16 * 1024 * 1024;
    private const string CertificateRefused = "MagicBellJwt.CertificateRefused";

    /// <summary>Whether this is .NET Framework, whose HTTP is another one.</summary>
    internal static readonly bool IsFramework = !RuntimeInformation.FrameworkDescription.StartsWith(".NET ", StringComparison.Ordinal)
        || RuntimeInformation.FrameworkDescription.StartsWith(".NET Framework", StringComparison.Ordinal);

    // Windows and macOS look for a proxy on the caller's thread, and .NET Framework for names too: no stop would end that.
    private static readonly bool s_mayBlockOnSend = IsFramework || !RuntimeInformation.IsOSPlatform(OSPlatform.Linux);

    private readonly JwtServiceOptions _options;
    private readonly AuthenticationHeaderValue _bearer;
    private readonly HttpClient _client;
    private readonly RateLimiter _rateLimiter;
    private readonly Resilience _resilience;
    private volatile bool _disposed;

    internal ApiConnection(JwtServiceOptions options)
    {
        _options = options;
        _bearer = new AuthenticationHeaderValue("Bearer", options.Token);
        Redactor = new Redactor(options.Token);
        _client = NewClient();
        _rateLimiter = new RateLimiter(options.Clock, options.ReadsPerMinute, options.WritesPerMinute);
        _resilience = new Resilience(options);
    }

    internal Redactor Redactor { get; }

    /// <summary>How far this machine's clock is ahead of the server's, by the first answer's Date; null before it.</summary>
    internal TimeSpan? ClockOffset { get; private set; }

    /// <summary>Sends a request until it is answered for good, and reads the answer.</summary>
    /// <exception cref="MagicBellException">It failed; repetitions that the request allows are done.</exception>
    /// <exception cref="OperationCanceledException">The caller stopped it, and nothing is left in doubt.</exception>
    internal async Task<T> SendAsync<T>(ApiRequest request, Func<Answer, T> read, CallContext call)
    {
        var progress = new Progress(request, call, _options.Clock.GetUtcNow());
        try
        {
            return await _resilience.RepeatAsync(() => AttemptAsync(progress, read), call).ConfigureAwait(false);
        }
        catch (MagicBellException failure)
        {
            failure.Attempts = progress.Attempts;
            failure.OutcomeUnknown = progress.OutcomeUnknown;
            failure.IdempotencyKey = request.IdempotencyKey;
            failure.SentAt = request.IsCreate ? progress.Started : null;
            if (request.IsCreate && progress.OutcomeUnknown && failure.Error != MagicBellError.CreateOutcomeUnknown)
            {
                throw OutcomeUnknown(progress, failure);
            }

            throw;
        }
        catch (OperationCanceledException) when (progress.OutcomeUnknown)
        {
            var interrupted = new MagicBellException(MagicBellError.Timeout, $"Could not {request.Purpose}: it was stopped before its answer came.");
            throw request.IsCreate ? OutcomeUnknown(progress, interrupted) : Complete(interrupted, progress);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        _client.Dispose();
    }

    private async Task<T> AttemptAsync<T>(Progress progress, Func<Answer, T> read)
    {
        ApiRequest request = progress.Request;
        using HttpRequestMessage message = request.ToMessage(_bearer, _options.UserAgent);
        await _rateLimiter.EnterAsync(request.IsWrite, progress.Call).ConfigureAwait(false);
        long started = _options.Clock.GetTimestamp();
        string outcome = "stopped";
        string? requestId = null;
        try
        {
            progress.Attempts++;
            return await _resilience.LimitAsync(
                async cancellation =>
                {
                    // .NET Framework silently sends a POST again when a kept connection drops; a new one for each create leaves nothing to drop.
                    HttpClient client = request.IsCreate && IsFramework && _options.Handler is null ? NewClient() : _client;
                    try
                    {
                        Task<HttpResponseMessage> Send() => client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellation);

                        using HttpResponseMessage response = await (s_mayBlockOnSend ? Task.Run(Send) : Send()).ConfigureAwait(false);
                        outcome = ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture);
                        requestId = RequestIdOf(response);
                        Describe(message, response, progress.Call);
                        return await AcceptAsync(progress, response, requestId, read, cancellation).ConfigureAwait(false);
                    }
                    finally
                    {
                        if (client != _client)
                        {
                            client.Dispose();
                        }
                    }
                },
                progress.Call.Abandon).ConfigureAwait(false);
        }
        catch (MagicBellException failure)
        {
            progress.Note(failure.Outcome);
            throw;
        }
        catch (AttemptTimeoutException exception)
        {
            outcome = "timed out";
            AttemptOutcome attempt = OutcomeOf(message);
            progress.Note(attempt);
            throw Failure(MagicBellError.Timeout, progress, attempt, $"no answer within {_options.AttemptTimeout.TotalSeconds:0.#} seconds", exception);
        }
        catch (Exception exception) when (_disposed && exception is ObjectDisposedException or OperationCanceledException)
        {
            outcome = "disconnected";
            progress.Note(OutcomeOf(message));
            throw Failure(MagicBellError.NotConnected, progress, AttemptOutcome.Certain, "the session was disconnected meanwhile");
        }
        catch (OperationCanceledException)
        {
            // Ended in flight: what it asked for may have been done.
            progress.Note(OutcomeOf(message));
            throw;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or WebException or SocketException)
        {
            MagicBellException failure = NetworkFailure(exception, message, progress);
            outcome = failure.Error.ToString();
            progress.Note(failure.Outcome);
            throw failure;
        }
        finally
        {
            _rateLimiter.Leave(request.IsWrite);
            if (progress.Call is { DescribeAttempts: true, Notify: { } notify })
            {
                notify(new CallNotice(
                    CallNoticeKind.Attempt,
                    string.Format(
                        CultureInfo.InvariantCulture,
                        "{0} {1} {2}, attempt {3}, {4:0} ms, request id {5}",
                        request.Method,
                        Redactor.Clean(request.Address.PathAndQuery),
                        outcome,
                        progress.Attempts,
                        _options.Clock.GetElapsedTime(started).TotalMilliseconds,
                        requestId ?? "none")));
            }
        }
    }

    private async Task<T> AcceptAsync<T>(Progress progress, HttpResponseMessage response, string? requestId, Func<Answer, T> read, CancellationToken cancellation)
    {
        ApiRequest request = progress.Request;
        int status = (int)response.StatusCode;
        ClockOffset ??= response.Headers.Date is { } date ? _options.Clock.GetUtcNow() - date : null;
        try
        {
            using MemoryStream body = await ReadBodyAsync(response, cancellation).ConfigureAwait(false);
            var answer = new Answer(body, request.Address);
            return response.IsSuccessStatusCode ? read(answer) : throw Refusal(progress, response, AnswerReader.ReadErrors(answer, Redactor), requestId);
        }
        catch (Exception exception) when (!response.IsSuccessStatusCode && exception is UnreadableAnswerException or InvalidDataException or IOException or HttpRequestException or WebException or OperationCanceledException or ObjectDisposedException)
        {
            // The status was there before the body broke or stalled, and says what happened.
            throw Refusal(progress, response, [], requestId);
        }
        catch (Exception exception) when (exception is UnreadableAnswerException or InvalidDataException)
        {
            string type = response.Content.Headers.ContentType?.MediaType ?? "";
            string what = type.IndexOf("html", StringComparison.OrdinalIgnoreCase) >= 0
                ? "a web page instead of JSON"
                : exception is InvalidDataException ? "a body whose compression is broken" : "an answer that cannot be read, for " + exception.Message;

            // A success that cannot be read leaves the work in doubt: of a create it is a token that nobody holds.
            MagicBellException failure = Failure(MagicBellError.UnexpectedResponse, progress, AttemptOutcome.Certain, $"the server sent {what}");
            failure.StatusCode = status;
            failure.RequestId = requestId;
            progress.OutcomeUnknown |= request.IsWrite;
            throw failure;
        }
        catch (Exception exception) when (cancellation.IsCancellationRequested && exception is not OperationCanceledException)
        {
            // Whatever a stream says that was taken away in the middle of a read.
            throw new OperationCanceledException(cancellation);
        }
    }

    private static async Task<MemoryStream> ReadBodyAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        const string TooLong = "it is longer than 16 MiB";
        if (response.Content.Headers.ContentLength > MaximumAnswerLength)
        {
            throw new UnreadableAnswerException(TooLong);
        }

        // .NET Framework's stream does not hear of the cancellation while it reads; it does of its end. Not elsewhere: .NET's stream
        // hears it, and ends with a NullReferenceException where it is disposed in the middle of a read.
        using CancellationTokenRegistration registration = IsFramework ? cancellation.Register(response.Dispose) : default;
        using Stream stream = await response.Content.ReadAsStreamAsync().ConfigureAwait(false);

        // A byte more than told, so that the end is seen without room for more.
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

    private MagicBellException Refusal(Progress progress, HttpResponseMessage response, IReadOnlyList<ApiError> errors, string? requestId)
    {
        int status = (int)response.StatusCode;
        (MagicBellError error, string what) = status switch
        {
            400 or 422 => (MagicBellError.InvalidRequest, "the server refused the input"),
            401 => (MagicBellError.Unauthorized, "the server does not accept the session's token: it is wrong, has expired or was revoked"),
            403 => (MagicBellError.Forbidden, "the session's token is not an administrator's"),
            404 => (MagicBellError.TokenNotFound, "the server does not know it"),
            407 => (MagicBellError.ConnectionFailed, "the proxy asks for credentials"),
            409 => (MagicBellError.Conflict, "the server holds something that contradicts it"),
            429 => (MagicBellError.RateLimited, "the rate limit of the project is used up"),
            >= 500 => (MagicBellError.ServiceUnavailable, "the server could not answer"),
            >= 300 and < 400 => (MagicBellError.UnexpectedResponse, "the server sent a redirect, which is not followed since it would take the bearer along"),
            _ => (MagicBellError.UnexpectedResponse, "the server gave an answer that the API's document does not name"),
        };
        string details = string.Concat(errors.Take(5).Select(item => item.Message.Length > 0 ? " " + item.Message.TrimEnd('.') + "." : ""));
        MagicBellException failure = Failure(
            error,
            progress,

            // Every 5xx, not the four of RFC 9110 alone: a proxy says 520 or 524 of a create that was done.
            status switch { 429 => AttemptOutcome.RateLimited, >= 500 => AttemptOutcome.InDoubt, _ => AttemptOutcome.Certain },
            string.Format(CultureInfo.InvariantCulture, "{0} ({1})", what, status),
            details: details);
        failure.StatusCode = status;
        failure.ApiErrors = errors;
        failure.RequestId = requestId;
        failure.RetryAfter = RetryAfterOf(response);
        if (status == 429)
        {
            Wait(failure, progress);
        }

        return failure;
    }

    // A 429 stops the whole session, not the one request that met it.
    private void Wait(MagicBellException failure, Progress progress)
    {
        TimeSpan wait = Resilience.RateLimitWait(failure.RetryAfter, progress.Attempts, out bool capped);
        if (_rateLimiter.Pause(wait))
        {
            progress.Call.Notify?.Invoke(new CallNotice(
                CallNoticeKind.Warning,
                string.Format(
                    CultureInfo.InvariantCulture,
                    "The server's rate limit was met (429): the session waits {0:0.#} s.{1}",
                    wait.TotalSeconds,
                    capped ? $" The server asked for {failure.RetryAfter!.Value.TotalSeconds:0} s, which is more than this module waits." : "")));
        }
    }

    private TimeSpan? RetryAfterOf(HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues("Retry-After", out IEnumerable<string>? values))
        {
            return null;
        }

        string text = values.First().Trim();
        if (text.Length > 0 && text.All(character => character is >= '0' and <= '9'))
        {
            return text.Length < 10 ? TimeSpan.FromSeconds(int.Parse(text, CultureInfo.InvariantCulture)) : TimeSpan.FromDays(36500);
        }

        // Against the server's own clock where it tells: this machine's may be wrong.
        return response.Headers.RetryAfter?.Date is { } date ? date - (response.Headers.Date ?? _options.Clock.GetUtcNow()) : null;
    }

    // Before the body was asked for nothing was sent that a server could act on, however the attempt ended.
    private static AttemptOutcome OutcomeOf(HttpRequestMessage message) => message.Content is RequestBody { IsBegun: false } ? AttemptOutcome.NotSent : AttemptOutcome.InDoubt;

    private MagicBellException NetworkFailure(Exception exception, HttpRequestMessage message, Progress progress)
    {
        Exception? inner = exception is HttpRequestException ? exception.InnerException : exception;
        string host = progress.Request.Address.Authority;
        switch (inner)
        {
            case AuthenticationException when message.Properties.ContainsKey(CertificateRefused):
            case WebException { Status: WebExceptionStatus.TrustFailure }:
                return Failure(MagicBellError.ConnectionFailed, progress, AttemptOutcome.Certain, $"the certificate of {host} is not valid for it", exception);
            case AuthenticationException:
            case WebException { Status: WebExceptionStatus.SecureChannelFailure }:
                return Failure(MagicBellError.ConnectionFailed, progress, AttemptOutcome.NotSent, $"no TLS connection to {host}", exception);
            case SocketException when exception is HttpRequestException:
            case WebException { Status: WebExceptionStatus.ConnectFailure or WebExceptionStatus.NameResolutionFailure or WebExceptionStatus.ProxyNameResolutionFailure }:
                return Failure(MagicBellError.ConnectionFailed, progress, AttemptOutcome.NotSent, $"no connection to {host}: {Redactor.Clean(inner.Message)}", exception);
            default:
                return Failure(MagicBellError.ConnectionFailed, progress, OutcomeOf(message), $"the connection to {host} broke before the answer was there", exception);
        }
    }

    private static MagicBellException Failure(MagicBellError error, Progress progress, AttemptOutcome attempt, string what, Exception? innerException = null, string details = "") =>
        Complete(new MagicBellException(error, $"Could not {progress.Request.Purpose}: {what}.{details}", CauseOf(innerException)) { Outcome = attempt }, progress);

    // What the system says. The HTTP stack's own exceptions quote lines of the answer, and a server may have put the bearer there.
    private static Exception? CauseOf(Exception? exception) =>
        exception is null or AttemptTimeoutException or SocketException or AuthenticationException ? exception : CauseOf(exception.InnerException);

    private static MagicBellException Complete(MagicBellException failure, Progress progress)
    {
        failure.Attempts = progress.Attempts;
        failure.OutcomeUnknown = progress.OutcomeUnknown;
        failure.MayRepeat = failure.Outcome switch
        {
            AttemptOutcome.RateLimited or AttemptOutcome.NotSent => true,
            AttemptOutcome.InDoubt => progress.Request.IsRepeatable,
            _ => false,
        };
        return failure;
    }

    private static MagicBellException OutcomeUnknown(Progress progress, MagicBellException cause) =>
        new(
            MagicBellError.CreateOutcomeUnknown,
            string.Format(
                CultureInfo.InvariantCulture,
                "{0} A token may exist that nobody holds: the answer to the request of {1:yyyy-MM-dd'T'HH:mm:ss'Z'} with the Idempotency-Key {2:D} was lost.",
                cause.Message,
                progress.Started.UtcDateTime,
                progress.Request.IdempotencyKey),
            cause)
        {
            StatusCode = cause.StatusCode,
            ApiErrors = cause.ApiErrors,
            RequestId = cause.RequestId,
            RetryAfter = cause.RetryAfter,
            Attempts = progress.Attempts,
            OutcomeUnknown = true,
            IdempotencyKey = progress.Request.IdempotencyKey,
            SentAt = progress.Started,
        };

    private string? RequestIdOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues("X-Request-Id", out IEnumerable<string>? values) ? Redactor.Clean(values.First(), 128) : null;

    private void Describe(HttpRequestMessage message, HttpResponseMessage response, CallContext call)
    {
        if (!call.DescribeHeaders || call.Notify is null)
        {
            return;
        }

        var text = new StringBuilder();
        foreach (KeyValuePair<string, IEnumerable<string>> header in message.Headers.Concat(response.Headers).Concat(response.Content.Headers))
        {
            bool secret = header.Key.IndexOf("Authorization", StringComparison.OrdinalIgnoreCase) >= 0
                || header.Key.IndexOf("Cookie", StringComparison.OrdinalIgnoreCase) >= 0;
            text.Append(Redactor.Clean(header.Key)).Append(": ").AppendLine(secret ? "[redacted]" : Redactor.Clean(string.Join(header.Key == "User-Agent" ? " " : ", ", header.Value)));
        }

        call.Notify(new CallNotice(CallNoticeKind.Headers, text.ToString()));
    }

    private HttpClient NewClient() => new(_options.Handler ?? NewHandler(), disposeHandler: true) { Timeout = Timeout.InfiniteTimeSpan };

    private HttpClientHandler NewHandler()
    {
        var handler = new HttpClientHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.GZip | DecompressionMethods.Deflate,
            MaxConnectionsPerServer = 64,
            UseCookies = false,

            // Outside TLS a proxy would read the bearer.
            UseProxy = _options.BaseAddress.Scheme == Uri.UriSchemeHttps,
            ServerCertificateCustomValidationCallback = static (message, _, _, errors) =>
            {
                if (errors != SslPolicyErrors.None)
                {
                    message.Properties[CertificateRefused] = true;
                }

                return errors == SslPolicyErrors.None;
            },
        };
        if (_options.Proxy is not null && handler.UseProxy)
        {
            handler.Proxy = _options.Proxy;
        }

        if (IsFramework)
        {
            // .NET Framework takes the process-wide default otherwise, which an old host may have left at TLS 1.0.
            handler.SslProtocols = SslProtocols.Tls12;
        }

        return handler;
    }

    /// <summary>What one logical request has come to, over its attempts.</summary>
    private sealed class Progress(ApiRequest request, CallContext call, DateTimeOffset started)
    {
        internal ApiRequest Request { get; } = request;

        internal CallContext Call { get; } = call;

        internal DateTimeOffset Started { get; } = started;

        internal int Attempts { get; set; }

        internal bool OutcomeUnknown { get; set; }

        internal void Note(AttemptOutcome attempt) => OutcomeUnknown |= attempt == AttemptOutcome.InDoubt && Request.IsWrite;
    }
}
