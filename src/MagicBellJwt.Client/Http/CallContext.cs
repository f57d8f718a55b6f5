using System;
using System.Threading;

namespace MagicBellJwt.Client;

/// <summary>How a caller ends a call, and hears of it.</summary>
/// <param name="Stop">Ends every wait, and every attempt that was not begun.</param>
/// <param name="Abandon">Ends the attempt in flight. Later than <paramref name="Stop"/> for a write, whose answer is worth a moment.</param>
/// <param name="Notify">Hears what happens on the way, on any thread; null where nobody listens.</param>
/// <param name="DescribeHeaders">Whether to describe each attempt's headers too (the bearer redacted), which costs time.</param>
/// <param name="DescribeAttempts">Whether to describe each attempt, which costs some time.</param>
public sealed record CallContext(
    CancellationToken Stop,
    CancellationToken Abandon,
    Action<CallNotice>? Notify = null,
    bool DescribeHeaders = false,
    bool DescribeAttempts = true)
{
    /// <summary>A call that one token ends, in every phase.</summary>
    /// <param name="cancellationToken">Ends the call at once.</param>
    public CallContext(CancellationToken cancellationToken)
        : this(cancellationToken, cancellationToken)
    {
    }

    /// <summary>Why the caller does it, for the history: <c>CHG-4711</c>; null where no reason was given.</summary>
    public string? Reason { get; init; }
}

/// <summary>Something that happened during a call. Its text holds no secret.</summary>
/// <param name="Kind">What it is about.</param>
/// <param name="Text">One line for people; <see cref="CallNoticeKind.Headers"/> has several.</param>
/// <param name="Wait">How long the call waits now, for <see cref="CallNoticeKind.Wait"/>; otherwise zero.</param>
public sealed record CallNotice(CallNoticeKind Kind, string Text, TimeSpan Wait = default);

/// <summary>What a <see cref="CallNotice"/> is about.</summary>
public enum CallNoticeKind
{
    /// <summary>One attempt ended: method, path, status, attempt, milliseconds, request id.</summary>
    Attempt,

    /// <summary>The headers of one attempt, redacted.</summary>
    Headers,

    /// <summary>The call waits: for the rate limit, or before it tries again.</summary>
    Wait,

    /// <summary>Something that an administrator should know.</summary>
    Warning,
}
