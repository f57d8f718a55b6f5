using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Security.Authentication;

namespace MagicBellJwt.Client;

/// <summary>What a failed attempt means: a status and its body, or an exception, as a <see cref="MagicBellException"/>. Does nothing else.</summary>
/// <remarks>The table is design.md's "Resilience". <see cref="ApiConnection"/> adds what only the whole request knows, such as the number of attempts.</remarks>
internal static class FailureMapping
{
    /// <summary>A status that is no success.</summary>
    /// <param name="request">What was asked for.</param>
    /// <param name="status">The HTTP status.</param>
    /// <param name="errors">The answer's <c>errors</c>; null where its body is not the API's own.</param>
    /// <param name="isInDoubt">Whether an earlier attempt may have been carried out.</param>
    /// <param name="isAddressDoubtful">Whether this is a read, and nothing has answered yet as the API does. Then repeating it would only hide a wrong address.</param>
    internal static MagicBellException OfStatus(ApiRequest request, int status, IReadOnlyList<ApiError>? errors, bool isInDoubt, bool isAddressDoubtful)
    {
        string token = request.Token is null ? "the session's token" : "this token";
        bool isApi = errors is not null;
        (MagicBellError error, string what, AttemptOutcome outcome) = status switch
        {
            400 or 422 when isApi => (MagicBellError.InvalidRequest, "the server refused the input", AttemptOutcome.Refused),

            // A gateway may refuse a token too, so these keep their meaning; but only the API's own word is certain.
            401 => (MagicBellError.Unauthorized, $"the server does not accept {token}: it is wrong, has expired or was revoked", isApi ? AttemptOutcome.Refused : AttemptOutcome.InDoubt),
            403 => (MagicBellError.Forbidden, $"{token} is not an administrator's", isApi ? AttemptOutcome.Refused : AttemptOutcome.InDoubt),
            404 when isApi && isInDoubt => (MagicBellError.TokenNotFound, "the server does not know it, but an earlier answer was lost, so this call may have revoked it", AttemptOutcome.Refused),
            404 when isApi => (MagicBellError.TokenNotFound, "the server does not know it", AttemptOutcome.Refused),
            409 when isApi => (MagicBellError.Conflict, "the server holds something that contradicts it", AttemptOutcome.Refused),
            429 => (MagicBellError.RateLimited, "the rate limit of the project is used up", isApi ? AttemptOutcome.Refused : AttemptOutcome.InDoubt),
            >= 500 => (MagicBellError.ServiceUnavailable, "the server could not answer", AttemptOutcome.InDoubt),
            407 => (MagicBellError.ConnectionFailed, "the proxy asks for credentials", AttemptOutcome.InDoubt),
            >= 300 and < 400 => (MagicBellError.UnexpectedResponse, "the server sent a redirect, which is not followed since it would take the bearer along", AttemptOutcome.InDoubt),
            400 or 404 or 409 or 422 => (MagicBellError.UnexpectedResponse, "the server sent a refusal", AttemptOutcome.InDoubt),
            _ => (MagicBellError.UnexpectedResponse, "the server gave an answer that the API's document does not name", AttemptOutcome.InDoubt),
        };
        string details = isApi ? "" : " The answer is not the API's own: a gateway, a proxy or a sign-in page may have sent it.";
        details += string.Concat((errors ?? []).Take(5).Select(item => item.Message.Length > 0 ? " " + item.Message.TrimEnd('.') + "." : ""));
        MagicBellException failure = Failure(request, error, outcome, string.Format(CultureInfo.InvariantCulture, "{0} ({1})", what, status), details: details);
        failure.StatusCode = status;
        failure.ApiErrors = errors ?? [];
        failure.MayRepeat = (failure.MayRepeat && (!isAddressDoubtful || status is 408 or 425 or 429 or >= 500)) || (isApi && status == 429);
        return failure;
    }

    /// <summary>A success whose body is not what the API's document says. It leaves the work in doubt: of a create it is a token that nobody holds.</summary>
    /// <param name="request">What was asked for.</param>
    /// <param name="status">The HTTP status.</param>
    /// <param name="mediaType">The answer's media type; null where it has none.</param>
    /// <param name="exception">Why it cannot be read.</param>
    /// <param name="isAddressDoubtful">As for <see cref="OfStatus"/>.</param>
    internal static MagicBellException OfUnreadableSuccess(ApiRequest request, int status, string? mediaType, Exception exception, bool isAddressDoubtful)
    {
        string what = mediaType?.IndexOf("html", StringComparison.OrdinalIgnoreCase) >= 0 ? "a web page instead of JSON"
            : exception is InvalidDataException ? "a body whose compression is broken"
            : "an answer that cannot be read, for " + exception.Message;
        MagicBellException failure = Failure(request, MagicBellError.UnexpectedResponse, AttemptOutcome.InDoubt, $"the server sent {what}");
        failure.StatusCode = status;
        failure.MayRepeat &= !isAddressDoubtful;
        return failure;
    }

    /// <summary>An attempt that got no answer.</summary>
    /// <param name="request">What was asked for.</param>
    /// <param name="message">The message that was sent, or was to be.</param>
    /// <param name="exception">Why there is no answer.</param>
    /// <param name="redactor">Cleans the text of the system.</param>
    internal static MagicBellException OfException(ApiRequest request, HttpRequestMessage message, Exception exception, Redactor redactor)
    {
        Exception? inner = exception is HttpRequestException ? exception.InnerException : exception;
        string host = request.Address.Authority;
        string? proxy = HttpTransport.ProxyOf(message);
        switch (inner)
        {
            case AttemptTimeoutException timeout:
                return Failure(request, MagicBellError.Timeout, OutcomeOf(message), $"no answer within {timeout.Limit.TotalSeconds:0.#} seconds", exception);
            case AuthenticationException when HttpTransport.WhyCertificateWasRefused(message) is not null:
            case WebException { Status: WebExceptionStatus.TrustFailure }:
                return Final(Failure(
                    request,
                    MagicBellError.ConnectionFailed,
                    AttemptOutcome.NotSent,
                    $"the certificate of {host} {redactor.Clean(HttpTransport.WhyCertificateWasRefused(message) ?? "is not valid for it")}",
                    exception));
            case AuthenticationException:
            case WebException { Status: WebExceptionStatus.SecureChannelFailure }:
                return Failure(request, MagicBellError.ConnectionFailed, AttemptOutcome.NotSent, $"no TLS connection to {host}", exception);
            case SocketException when exception is HttpRequestException:
            case WebException { Status: WebExceptionStatus.ConnectFailure or WebExceptionStatus.NameResolutionFailure or WebExceptionStatus.ProxyNameResolutionFailure }:
                return Failure(request, MagicBellError.ConnectionFailed, AttemptOutcome.NotSent, $"no connection to {(proxy is null ? host : $"the proxy {proxy}, to reach {host}")}: {redactor.Clean(inner.Message)}", exception);
            case null or WebException { Status: WebExceptionStatus.ProtocolError } when proxy is not null && (exception.Message.Contains("'407'") || inner?.Message.Contains("(407)") == true):
                return Final(Failure(request, MagicBellError.ConnectionFailed, AttemptOutcome.NotSent, $"the proxy {proxy} asks for credentials, or refused those that it was given (407)"));
            case null when proxy is not null && exception.Message.IndexOf("proxy", StringComparison.OrdinalIgnoreCase) >= 0:
                return Failure(request, MagicBellError.ConnectionFailed, AttemptOutcome.NotSent, $"the proxy {proxy} did not connect to {host}: {redactor.Clean(exception.Message)}");
            case null or HttpRequestException or IOException or WebException or SocketException or OperationCanceledException:
                return Failure(request, MagicBellError.ConnectionFailed, OutcomeOf(message), $"the connection to {host} broke before the answer was there", exception);
            default:
                return OfDefect(request, OutcomeOf(message), exception);
        }
    }

    private static MagicBellException Final(MagicBellException failure)
    {
        failure.MayRepeat = false;
        return failure;
    }

    /// <summary>An exception that nobody expected. Its text stays out: it may quote the answer.</summary>
    internal static MagicBellException OfDefect(ApiRequest request, AttemptOutcome outcome, Exception exception)
    {
        MagicBellException failure = Failure(request, MagicBellError.UnexpectedResponse, outcome, $"it ended with an unexpected {exception.GetType().Name}");
        failure.MayRepeat = false;
        return failure;
    }

    /// <summary>A request that ended because the session was disconnected.</summary>
    internal static MagicBellException OfDisconnect(ApiRequest request, AttemptOutcome outcome)
    {
        MagicBellException failure = Failure(request, MagicBellError.NotConnected, outcome, "the session was disconnected meanwhile");
        failure.MayRepeat = false;
        return failure;
    }

    /// <summary>A write that the caller stopped when it may already have been carried out.</summary>
    internal static MagicBellException OfStop(ApiRequest request)
    {
        MagicBellException failure = Failure(request, MagicBellError.Timeout, AttemptOutcome.InDoubt, "it was stopped before its answer came");
        failure.MayRepeat = false;
        return failure;
    }

    /// <summary>A create that may have minted a token which nobody holds.</summary>
    /// <param name="request">The create.</param>
    /// <param name="started">When its first attempt was begun.</param>
    /// <param name="cause">Its last failure.</param>
    internal static MagicBellException OfUnknownCreate(ApiRequest request, DateTimeOffset started, MagicBellException cause) =>
        new(
            MagicBellError.CreateOutcomeUnknown,
            string.Format(
                CultureInfo.InvariantCulture,
                "{0} A token may exist that nobody holds: the request of {1:yyyy-MM-dd'T'HH:mm:ss'Z'} with the Idempotency-Key {2:D} may have been carried out.",
                cause.Message,
                started.UtcDateTime,
                request.IdempotencyKey),
            cause)
        {
            StatusCode = cause.StatusCode,
            ApiErrors = cause.ApiErrors,
            RequestId = cause.RequestId,
            RetryAfter = cause.RetryAfter,
            Outcome = AttemptOutcome.InDoubt,
        };

    /// <summary>What an attempt without an answer leaves. Before its body was asked for, nothing was sent that a server could act on.</summary>
    internal static AttemptOutcome OutcomeOf(HttpRequestMessage message) => message.Content is RequestBody { IsBegun: false } ? AttemptOutcome.NotSent : AttemptOutcome.InDoubt;

    private static MagicBellException Failure(ApiRequest request, MagicBellError error, AttemptOutcome outcome, string what, Exception? innerException = null, string details = "") =>
        new(error, $"Could not {request.Purpose}: {what}.{details}", SafeCauseOf(innerException)) { Outcome = outcome, MayRepeat = MayRepeat(request, outcome) };

    private static bool MayRepeat(ApiRequest request, AttemptOutcome outcome) => outcome switch
    {
        AttemptOutcome.NotSent => true,
        AttemptOutcome.InDoubt => request.IsRepeatable,
        _ => false,
    };

    // Only the system's own exceptions: those of the HTTP stack quote lines of the answer, and a server may have put the bearer there.
    private static Exception? SafeCauseOf(Exception? exception) =>
        exception is null or AttemptTimeoutException or SocketException or AuthenticationException ? exception : SafeCauseOf(exception.InnerException);
}
