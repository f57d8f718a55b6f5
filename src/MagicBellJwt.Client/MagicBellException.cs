using System;
using System.Collections.Generic;

namespace MagicBellJwt.Client;

/// <summary>A call of the API that failed. Holds facts about the failure; never a request, response, header or body.</summary>
public sealed class MagicBellException : Exception
{
    /// <summary>Creates the failure of a call, or of the checks before it.</summary>
    /// <param name="error">What went wrong.</param>
    /// <param name="message">One sentence. What would steer a terminal is shown as an escape; a token's value, a secret key or an address's password is hidden.</param>
    /// <param name="innerException">The failure behind it, where there is one; left out where its text holds a secret. The facts about a failed call are taken over from it.</param>
    public MagicBellException(MagicBellError error, string message, Exception? innerException = null)
        : base(VisibleText.Of(SecretShape.Hide(message)), innerException is not null && SecretShape.IsIn(innerException.ToString()) ? null : innerException)
    {
        Error = error;
        if (innerException is MagicBellException cause)
        {
            StatusCode = cause.StatusCode;
            ApiErrors = cause.ApiErrors;
            RequestId = cause.RequestId;
            Attempts = cause.Attempts;
            RetryAfter = cause.RetryAfter;
            OutcomeUnknown = cause.OutcomeUnknown;
            IdempotencyKey = cause.IdempotencyKey;
            SentAt = cause.SentAt;
            Outcome = cause.Outcome;
        }
    }

    /// <summary>Input that is refused before anything is sent.</summary>
    /// <param name="message">One sentence without a secret.</param>
    /// <returns>The failure, to be thrown.</returns>
    public static MagicBellException Invalid(string message) => new(MagicBellError.InvalidRequest, message);

    /// <summary>What went wrong.</summary>
    public MagicBellError Error { get; }

    /// <summary>The HTTP status, or null where no answer came.</summary>
    public int? StatusCode { get; internal set; }

    /// <summary>The <c>errors[]</c> of the answer; empty where it had none.</summary>
    public IReadOnlyList<ApiError> ApiErrors { get; internal set; } = [];

    /// <summary>The server's id of the last request, or null.</summary>
    public string? RequestId { get; internal set; }

    /// <summary>How often the request was sent; 0 where it never was.</summary>
    public int Attempts { get; internal set; }

    /// <summary>The wait that the server asked for with a 429 or 503, uncapped, or null.</summary>
    public TimeSpan? RetryAfter { get; internal set; }

    /// <summary>True where an answer was lost, so that the request may have been carried out all the same.</summary>
    public bool OutcomeUnknown { get; internal set; }

    /// <summary>
    /// True where it is certain that the call did nothing: the API itself refused it, by a status that it documents with its own JSON body,
    /// or nothing was sent. False where a gateway, a redirect, an unreadable answer or none at all leaves that open.
    /// </summary>
    public bool IsCertain => Outcome != AttemptOutcome.InDoubt && !OutcomeUnknown;

    /// <summary>The Idempotency-Key of a create, the same on each attempt; null for other calls.</summary>
    public Guid? IdempotencyKey { get; internal set; }

    /// <summary>When the first attempt of a create was begun, in UTC, by the server's clock as far as it is known; null for other calls.</summary>
    public DateTimeOffset? SentAt { get; internal set; }

    /// <summary>What is known about the failed attempt's work.</summary>
    internal AttemptOutcome Outcome { get; set; }

    /// <summary>Whether sending the request again is safe and may help.</summary>
    internal bool MayRepeat { get; set; }
}

/// <summary>One entry of <c>errors[]</c>, freed of secrets.</summary>
/// <param name="Code">The API's code; null where it sent none (the document calls it optional).</param>
/// <param name="Message">The API's text, at most 300 characters.</param>
public sealed record ApiError(string? Code, string Message);

/// <summary>What is known about the work of an attempt that failed.</summary>
internal enum AttemptOutcome
{
    /// <summary>Nothing of the request left this machine that a server could act on.</summary>
    NotSent,

    /// <summary>The API refused it, by a status that it documents and with its own JSON body.</summary>
    Refused,

    /// <summary>The request may have been carried out.</summary>
    InDoubt,
}
