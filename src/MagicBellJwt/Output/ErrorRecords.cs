using System;
using System.Globalization;
using System.Management.Automation;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>The errors that people and scripts see: id, category, target, what happened, what to type next.</summary>
internal static class ErrorRecords
{
    internal static ErrorRecord Create(MagicBellException failure, object? target, string? advice = null, string where = "")
    {
        var record = new ErrorRecord(failure, "Mb" + failure.Error, CategoryOf(failure.Error), Shown(target));
        record.ErrorDetails = new ErrorDetails(failure.Message) { RecommendedAction = advice ?? AdviceFor(failure, where) };
        return record;
    }

    /// <summary>
    /// The record with everything that is shown of it made visible. The target stays as it is: people look for it. The views show its name in the category.
    /// </summary>
    internal static ErrorRecord Visible(ErrorRecord record)
    {
        if (ScreenText.HoldsToken(record.Exception.ToString()) || (record.TargetObject is string target && ScreenText.HoldsToken(target)))
        {
            record = WithoutSecrets(record);
        }

        record.ErrorDetails = new ErrorDetails(ScreenText.Of(record.ErrorDetails?.Message ?? record.Exception.Message))
        {
            RecommendedAction = record.ErrorDetails?.RecommendedAction is { } action ? ScreenText.Of(action) : "",
        };
        record.CategoryInfo.TargetName = ScreenText.Of(record.CategoryInfo.TargetName);
        return record;
    }

    // A path, say, that is a token's value: the engine's own exceptions repeat it.
    private static ErrorRecord WithoutSecrets(ErrorRecord record)
    {
        Exception failure = ScreenText.HoldsToken(record.Exception.ToString()) ? new InvalidOperationException(ScreenText.Of(record.Exception.Message)) : record.Exception;
        var clean = new ErrorRecord(failure, record.FullyQualifiedErrorId, record.CategoryInfo.Category, Shown(record.TargetObject)) { ErrorDetails = record.ErrorDetails };
        clean.CategoryInfo.Reason = record.CategoryInfo.Reason;
        return clean;
    }

    // An id, a name or a number, and never an object, which may hold a token's value. A token that was given in place of a name is told by its fingerprint.
    private static object? Shown(object? target) => (target is PSObject wrapped ? wrapped.BaseObject : target) switch
    {
        null => null,
        string text => ScreenText.HideTokens(text),
        Guid id => id.ToString(),
        IConvertible number => number,
        object other => other.GetType().Name,
    };

    /// <summary>Whether going on is pointless: every further call would fail the same way.</summary>
    internal static bool Ends(MagicBellException failure) =>
        failure.Error is MagicBellError.Unauthorized or MagicBellError.NotConnected or MagicBellError.HistoryFailed or MagicBellError.ConfirmationRequired;

    private static ErrorCategory CategoryOf(MagicBellError error) => error switch
    {
        MagicBellError.InvalidRequest => ErrorCategory.InvalidArgument,
        MagicBellError.Unauthorized => ErrorCategory.AuthenticationError,
        MagicBellError.Forbidden => ErrorCategory.PermissionDenied,
        MagicBellError.TokenNotFound => ErrorCategory.ObjectNotFound,
        MagicBellError.UserNotFound => ErrorCategory.ObjectNotFound,
        MagicBellError.Conflict => ErrorCategory.ResourceExists,
        MagicBellError.RateLimited => ErrorCategory.LimitsExceeded,
        MagicBellError.ServiceUnavailable => ErrorCategory.ResourceUnavailable,
        MagicBellError.ConnectionFailed => ErrorCategory.ConnectionError,
        MagicBellError.Timeout => ErrorCategory.OperationTimeout,
        MagicBellError.CreateOutcomeUnknown => ErrorCategory.InvalidResult,
        MagicBellError.UnexpectedResponse => ErrorCategory.InvalidData,
        MagicBellError.NotConnected => ErrorCategory.ConnectionError,
        MagicBellError.SelfLockout => ErrorCategory.PermissionDenied,
        MagicBellError.ConfirmationRequired => ErrorCategory.InvalidOperation,
        MagicBellError.RotationFailed => ErrorCategory.InvalidResult,
        MagicBellError.HistoryFailed => ErrorCategory.WriteError,
        _ => throw new ArgumentOutOfRangeException(nameof(error)),
    };

    private static string AdviceFor(MagicBellException failure, string where) => failure.Error switch
    {
        MagicBellError.InvalidRequest => "Correct the input and call again, only for what was refused: nothing was done for that.",
        MagicBellError.Unauthorized => "Connect again with a live token of an administrator: Connect-MbProject.",
        MagicBellError.Forbidden => "Connect with the token of a project administrator: Connect-MbProject.",
        MagicBellError.TokenNotFound => $"Look the id up: Get-MbProjectToken{where}, or Get-MbUserToken -UserId ID{where}. A token of the other kind has another cmdlet.",
        MagicBellError.UserNotFound => $"Check how it is written, and in which project the user is: Get-MbUser{where} lists them, Get-MbUser -Query TEXT{where} those that the API finds.",
        MagicBellError.Conflict => $"Look at what is there, then call again: Get-MbProjectToken{where}, or Get-MbUserToken -UserId ID{where}.",
        MagicBellError.RateLimited => failure.RetryAfter is { } wait && wait > TimeSpan.Zero
            ? string.Format(CultureInfo.InvariantCulture, "Wait {0:0} s, or connect with lower -ReadsPerMinute and -WritesPerMinute: others use the same project.", wait.TotalSeconds)
            : "Wait a minute, or connect with lower -ReadsPerMinute and -WritesPerMinute: others use the same project.",
        MagicBellError.ServiceUnavailable => "Call again later; repeating a list or a revocation is safe.",
        MagicBellError.ConnectionFailed => "Check the address (Get-MbSession), the network and the proxy (Connect-MbProject -Proxy -ProxyCredential).",
        MagicBellError.Timeout => "Call again, or connect with a longer -TimeoutSec; repeating a list or a revocation is safe.",
        MagicBellError.CreateOutcomeUnknown => "Look for a token that was issued at that moment, and revoke it where nobody holds it.",
        MagicBellError.UnexpectedResponse => "Check that the address is the API's (Get-MbSession) and that no proxy or sign-in page answers for it.",
        MagicBellError.NotConnected => "Connect first: Connect-MbProject, or Connect-MbProject -Sandbox to try things out.",
        MagicBellError.SelfLockout => "Connect with another token first, or repeat with -AllowSelfLockout.",
        MagicBellError.ConfirmationRequired => "Give -Confirm:$false, or -Force where the command has it: then nothing is asked. -WhatIf tells first what would be done.",
        MagicBellError.RotationFailed => "Do what the message says, then call again: a rotation that was interrupted is finished or undone first.",
        MagicBellError.HistoryFailed => "See that the file can be written and the disk has room, then call again. Another file: Connect-MbProject -History PATH.",
        _ => throw new ArgumentOutOfRangeException(nameof(failure)),
    };
}
