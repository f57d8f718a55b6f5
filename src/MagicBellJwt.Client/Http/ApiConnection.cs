using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace MagicBellJwt.Client;

/// <summary>The one way to the API: every request passes <see cref="SendAsync"/>.</summary>
/// <remarks>The transport sends, <see cref="FailureMapping"/> says what a failure means, <see cref="Resilience"/> repeats, <see cref="RateLimiter"/> paces.</remarks>
internal sealed class ApiConnection : IDisposable
{
    private const long NoOffset = long.MinValue;

    // A Date that is further away is no clock, and times reckoned by it could leave the calendar.
    private static readonly TimeSpan s_widestOffset = TimeSpan.FromDays(3653);

    // A Date counts whole seconds, and takes a moment to come.
    private static readonly TimeSpan s_noOffset = TimeSpan.FromSeconds(2);

    private readonly TimeProvider _clock;
    private readonly string _userAgent;
    private readonly HttpTransport _transport;
    private readonly RateLimiter _rateLimiter;
    private readonly Resilience _resilience;
    private volatile string _token;
    private volatile Redactor _redactor;
    private volatile bool _disposed;
    private volatile bool _hasMetApi;
    private long _clockOffset = NoOffset;

    internal ApiConnection(JwtServiceOptions options)
    {
        _clock = options.Clock;
        _userAgent = options.UserAgent;
        _token = options.Token;
        _redactor = new Redactor(options.Token);
        _transport = new HttpTransport(options);
        _rateLimiter = new RateLimiter(options.Clock, options.ReadsPerMinute, options.WritesPerMinute);
        _resilience = new Resilience(options);
    }

    /// <summary>Hides every token that this connection has sent as its own.</summary>
    internal Redactor Redactor => _redactor;

    /// <summary>How far this machine's clock is ahead of the server's, by the Date of its last answer; null before one with a Date came.</summary>
    internal TimeSpan? ClockOffset => Volatile.Read(ref _clockOffset) is var ticks and not NoOffset ? TimeSpan.FromTicks(ticks) : null;

    /// <summary>The time by the server's clock, as far as it is known.</summary>
    internal DateTimeOffset ServerNow => _clock.GetUtcNow() - (ClockOffset ?? TimeSpan.Zero);

    /// <summary>Sends requests that begin from now on with another token.</summary>
    internal void UseToken(string token)
    {
        _redactor = _redactor.With(token);
        _token = token;
    }

    /// <summary>Sends a request until it is answered for good, and reads the answer.</summary>
    /// <exception cref="MagicBellException">It failed; repetitions that the request allows are done.</exception>
    /// <exception cref="OperationCanceledException">The caller stopped it, and nothing is left in doubt.</exception>
    internal async Task<T> SendAsync<T>(ApiRequest request, Func<Answer, T> read, CallContext call)
    {
        Redactor redactor = request.Token is null ? _redactor : _redactor.With(request.Token);
        var progress = new Progress(request, request.Token ?? _token, redactor, call, _clock.GetUtcNow());
        try
        {
            return await _resilience.RepeatAsync(() => AttemptAndLookAsync(progress, read), call).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!progress.OutcomeUnknown)
        {
            throw;
        }
        catch (Exception exception)
        {
            throw EndOf(progress, exception);
        }
    }

    /// <summary>Ends every request in flight, and forgets the token.</summary>
    public void Dispose()
    {
        _disposed = true;
        _transport.Dispose();
        _token = "";
        _redactor = new Redactor();
    }

    // The one place where a request's failure gets its last form: whatever was thrown, this is what the caller sees.
    private MagicBellException EndOf(Progress progress, Exception exception)
    {
        MagicBellException failure = exception switch
        {
            MagicBellException known => known,
            OperationCanceledException => FailureMapping.OfStop(progress.Request),

            // It came from outside an attempt, or after an answer: a write may have been done.
            _ => FailureMapping.OfDefect(progress.Request, progress.Attempts > 0 ? AttemptOutcome.InDoubt : AttemptOutcome.NotSent, exception),
        };
        progress.Note(failure.Outcome);
        if (progress.Request.IsCreate)
        {
            // By the server's clock as far as it is known: the token is looked for by the time that the server wrote down.
            DateTimeOffset started = progress.Started - (ClockOffset ?? TimeSpan.Zero);
            failure = progress.OutcomeUnknown ? FailureMapping.OfUnknownCreate(progress.Request, started, failure) : failure;
            failure.IdempotencyKey = progress.Request.IdempotencyKey;
            failure.SentAt = started;
        }

        failure.Attempts = progress.Attempts;
        failure.OutcomeUnknown = progress.OutcomeUnknown;
        return failure;
    }

    // A 429 may come after the work. With a trusted key that does no harm; else the list says whether the create was done, once the session may ask it.
    private async Task<T> AttemptAndLookAsync<T>(Progress progress, Func<Answer, T> read)
    {
        try
        {
            return await AttemptAsync(progress, read).ConfigureAwait(false);
        }
        catch (MagicBellException failure) when (failure is { StatusCode: 429, Outcome: AttemptOutcome.Refused } && progress.Request is { IsCreate: true, TrustsIdempotency: false })
        {
            // In doubt for as long as the list is not read: it may be stopped meanwhile.
            progress.OutcomeUnknown = true;
            progress.OutcomeUnknown = !await IsNotDoneAsync(progress).ConfigureAwait(false);
            failure.MayRepeat = !progress.OutcomeUnknown;
            throw;
        }
    }

    private static async Task<bool> IsNotDoneAsync(Progress progress)
    {
        try
        {
            return progress.Request.FindAsync is { } find && !await find(progress.Started, progress.Call).ConfigureAwait(false);
        }
        catch (MagicBellException)
        {
            // Nobody can tell. The failure that is told is the create's own.
            return false;
        }
    }

    private async Task<T> AttemptAsync<T>(Progress progress, Func<Answer, T> read)
    {
        ApiRequest request = progress.Request;
        await _rateLimiter.EnterAsync(request.IsWrite, progress.Call).ConfigureAwait(false);
        long started = _clock.GetTimestamp();
        var attempt = new Attempt { Outcome = "stopped" };
        try
        {
            using HttpRequestMessage message = request.ToMessage(progress.Token, _userAgent);
            progress.Attempts++;
            try
            {
                return await _resilience.LimitAsync(
                    cancellation => _transport.SendAsync(message, request.IsCreate, (response, end) => ReceiveAsync(progress, attempt, message, response, read, end), cancellation),
                    progress.Call.Abandon).ConfigureAwait(false);
            }
            catch (MagicBellException failure)
            {
                progress.Note(failure.Outcome);
                PauseAfter(failure, progress);
                throw;
            }
            catch (Exception exception) when (_disposed && exception is ObjectDisposedException or OperationCanceledException)
            {
                attempt.Outcome = "disconnected";
                throw FailureMapping.OfDisconnect(request, progress.Note(FailureMapping.OutcomeOf(message)));
            }
            catch (OperationCanceledException) when (progress.Call.Stop.IsCancellationRequested || progress.Call.Abandon.IsCancellationRequested)
            {
                // It ended in flight: what it asked for may have been done.
                progress.Note(FailureMapping.OutcomeOf(message));
                throw;
            }
            catch (Exception exception)
            {
                MagicBellException failure = FailureMapping.OfException(request, message, exception, progress.Redactor);
                progress.Note(failure.Outcome);
                attempt.Outcome = failure.Error == MagicBellError.Timeout ? "timed out" : failure.Error.ToString();
                throw failure;
            }
        }
        finally
        {
            _rateLimiter.Leave(request.IsWrite);
            Describe(progress, attempt, _clock.GetElapsedTime(started));
        }
    }

    private async Task<T> ReceiveAsync<T>(Progress progress, Attempt attempt, HttpRequestMessage message, HttpResponseMessage response, Func<Answer, T> read, CancellationToken cancellation)
    {
        ApiRequest request = progress.Request;
        int status = (int)response.StatusCode;
        attempt.Outcome = status.ToString(CultureInfo.InvariantCulture);
        Task<MemoryStream> reading = HttpTransport.ReadBodyAsync(response, cancellation);
        await Task.WhenAny(reading).ConfigureAwait(false);
        using MemoryStream? body = reading.Status == TaskStatus.RanToCompletion ? reading.Result : null;

        // What a create issues is known to nobody before its answer. It must not be shown by another part of the answer, whole or not.
        Redactor known = request.IsCreate && body is not null ? AnswerReader.ReadTokens(body).Aggregate(progress.Redactor, (redactor, token) => redactor.With(token)) : progress.Redactor;
        Redactor redactor = request.IsCreate ? known.WithSuspicion() : known;
        attempt.RequestId = RequestIdOf(response, known, redactor);
        DescribeHeaders(progress, message, response, redactor);
        try
        {
            var answer = new Answer(body ?? await reading.ConfigureAwait(false), request.Address, redactor, progress.Attempts, attempt.RequestId);
            if (!response.IsSuccessStatusCode)
            {
                throw Refusal(AnswerReader.ReadErrors(answer));
            }

            T result = read(answer);
            MeetApi(response);
            return result;
        }
        catch (Exception exception) when (!response.IsSuccessStatusCode && exception is not MagicBellException && (request.IsWrite || !progress.Call.Abandon.IsCancellationRequested))
        {
            // The status is there, but the body that would make it certain broke or stalled.
            throw Refusal(null);
        }
        catch (Exception exception) when (exception is UnreadableAnswerException or InvalidDataException)
        {
            MagicBellException failure = FailureMapping.OfUnreadableSuccess(request, status, response.Content.Headers.ContentType?.MediaType, exception, !_hasMetApi && !request.IsWrite);
            failure.RequestId = attempt.RequestId;
            throw failure;
        }
        catch (Exception exception) when (cancellation.IsCancellationRequested && exception is not (OperationCanceledException or MagicBellException))
        {
            // A stream that is disposed during a read may throw any exception.
            throw new OperationCanceledException(cancellation);
        }

        MagicBellException Refusal(IReadOnlyList<ApiError>? errors)
        {
            MagicBellException failure = FailureMapping.OfStatus(request, status, errors, progress.OutcomeUnknown, !_hasMetApi && !request.IsWrite);
            failure.RequestId = attempt.RequestId;
            failure.RetryAfter = RetryAfterOf(response);
            if (failure.Outcome == AttemptOutcome.Refused)
            {
                MeetApi(response);
            }

            return failure;
        }
    }

    // A 429 makes the whole session wait, not only the request that met it.
    private void PauseAfter(MagicBellException failure, Progress progress)
    {
        if (failure.StatusCode != 429)
        {
            return;
        }

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

    // By an answer of the API only: a gateway has a clock of its own.
    private void MeetApi(HttpResponseMessage response)
    {
        _hasMetApi = true;
        if (response.Headers.Date is { } date && _clock.GetUtcNow() - date is var offset && offset.Duration() < s_widestOffset)
        {
            Volatile.Write(ref _clockOffset, offset.Duration() < s_noOffset ? 0 : offset.Ticks);
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

        // Against the server's own clock where it is told: this machine's may be wrong.
        return response.Headers.RetryAfter?.Date is { } date ? date - (response.Headers.Date ?? _clock.GetUtcNow()) : null;
    }

    // The id is for the server's own people, so one that can be nothing else (a UUID, a trace id) is never suspicious.
    private static string? RequestIdOf(HttpResponseMessage response, Redactor known, Redactor redactor)
    {
        string? id = response.Headers.TryGetValues("X-Request-Id", out IEnumerable<string>? values) ? values.First() : null;
        return id is null ? null : (id.Length <= 32 && id.All(Uri.IsHexDigit) ? known : redactor).Clean(id, 128);
    }

    private static void Describe(Progress progress, Attempt attempt, TimeSpan took)
    {
        if (progress.Call is { DescribeAttempts: true, Notify: { } notify })
        {
            notify(new CallNotice(
                CallNoticeKind.Attempt,
                string.Format(
                    CultureInfo.InvariantCulture,
                    "{0} {1} {2}, attempt {3}, {4:0} ms, request id {5}",
                    progress.Request.Method,
                    progress.Redactor.Clean(progress.Request.Address.PathAndQuery),
                    attempt.Outcome,
                    progress.Attempts,
                    took.TotalMilliseconds,
                    attempt.RequestId ?? "none")));
        }
    }

    private static void DescribeHeaders(Progress progress, HttpRequestMessage message, HttpResponseMessage response, Redactor redactor)
    {
        if (progress.Call is not { DescribeHeaders: true, Notify: { } notify })
        {
            return;
        }

        var text = new StringBuilder();
        Add(message.Headers, progress.Redactor);
        Add(response.Headers.Concat(response.Content.Headers), redactor);
        notify(new CallNotice(CallNoticeKind.Headers, text.ToString()));

        void Add(IEnumerable<KeyValuePair<string, IEnumerable<string>>> headers, Redactor cleaner)
        {
            foreach (KeyValuePair<string, IEnumerable<string>> header in headers)
            {
                bool secret = header.Key.IndexOf("Authorization", StringComparison.OrdinalIgnoreCase) >= 0
                    || header.Key.IndexOf("Cookie", StringComparison.OrdinalIgnoreCase) >= 0;
                text.Append(cleaner.Clean(header.Key)).Append(": ").AppendLine(secret ? "[redacted]" : cleaner.Clean(string.Join(header.Key == "User-Agent" ? " " : ", ", header.Value)));
            }
        }
    }

    /// <summary>What one attempt came to, for people.</summary>
    private sealed class Attempt
    {
        internal required string Outcome { get; set; }

        internal string? RequestId { get; set; }
    }

    /// <summary>What one request has come to, over its attempts.</summary>
    private sealed class Progress(ApiRequest request, string token, Redactor redactor, CallContext call, DateTimeOffset started)
    {
        internal ApiRequest Request { get; } = request;

        internal string Token { get; } = token;

        internal Redactor Redactor { get; } = redactor;

        internal CallContext Call { get; } = call;

        internal DateTimeOffset Started { get; } = started;

        internal int Attempts { get; set; }

        /// <summary>Whether an attempt of a write may have been carried out without an answer that says so.</summary>
        internal bool OutcomeUnknown { get; set; }

        internal AttemptOutcome Note(AttemptOutcome outcome)
        {
            OutcomeUnknown |= outcome == AttemptOutcome.InDoubt && Request.IsWrite;
            return outcome;
        }
    }
}
