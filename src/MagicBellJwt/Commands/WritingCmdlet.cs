using System;
using System.Management.Automation;

namespace MagicBellJwt.Commands;

/// <summary>A cmdlet that changes something in a project, and may be told why.</summary>
public abstract class WritingCmdlet : SessionCmdlet
{
    private static readonly TimeSpan s_reviewInterval = TimeSpan.FromMinutes(5);

    /// <summary>Why it is done, such as a ticket's number, for the history; at most 500 characters. A session with -RequireReason sends nothing without one.</summary>
    [Parameter]
    [PlainText]
    [ValidateLength(1, 500)]
    public string? Reason { get; set; }

    private protected override string? WriteReason => Reason;

    /// <summary>Tells of operations without an end in the current session's history, unless that was done a moment ago.</summary>
    private protected void TellUnsettled()
    {
        if ((Session ?? SessionStore.Current.Latest) is { IsConnected: true } session && !(DateTimeOffset.UtcNow - session.ReviewedAt < s_reviewInterval))
        {
            TellUnsettled(session);
        }
    }
}
