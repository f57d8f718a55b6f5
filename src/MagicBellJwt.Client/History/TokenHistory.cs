using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Client.Rotation;

namespace MagicBellJwt.Client.History;

/// <summary>Records what a session does: a line before anything is sent, and one for what came of it.</summary>
/// <remarks>No line has a token's value; addresses and external ids of people only where that was asked for. Safe for concurrent calls.</remarks>
public sealed class TokenHistory
{
    /// <summary>The API answered with a token.</summary>
    public const string Issued = "Issued";

    /// <summary>The API said that it revoked the token.</summary>
    public const string Revoked = "Revoked";

    /// <summary>The list shows that the token was over already.</summary>
    public const string AlreadyRevoked = "AlreadyRevoked";

    /// <summary>It is certain that nothing was done.</summary>
    public const string Failed = "Failed";

    /// <summary>Nobody can tell whether it was done.</summary>
    public const string Unknown = "Unknown";

    /// <summary>The API took a token that was found.</summary>
    public const string Live = "Live";

    /// <summary>The API said that it does not take a token that was found.</summary>
    public const string NotLive = "NotLive";

    private readonly HistoryFile _file;
    private readonly bool _isRequired;
    private readonly HistoryOptions _options;
    private readonly ConcurrentQueue<string> _notices = new();
    private int _hasWarned;

    // Not tried again in this session: people were told that it is not recorded.
    private volatile bool _isGivenUp;

    /// <summary>Names a history; nothing is opened or made.</summary>
    /// <param name="path">Its first file.</param>
    /// <param name="isRequired">Whether what cannot be recorded, on the disk, is not sent. Else it is sent, after one warning.</param>
    /// <param name="options">What each line says of the session.</param>
    public TokenHistory(string path, bool isRequired, HistoryOptions options)
    {
        _file = new HistoryFile(path, isRequired) { Notify = _notices.Enqueue };
        _isRequired = isRequired;
        _options = options;
    }

    /// <summary>The first file.</summary>
    public string Path => _file.Path;

    /// <summary>Where a project's history is unless somebody says otherwise.</summary>
    /// <param name="address">The API's address.</param>
    /// <param name="project">The project.</param>
    /// <exception cref="MagicBellException">The platform names no folder for it.</exception>
    public static string PathOf(Uri address, string project) => StateFolder.FileOf(address.Authority + "_" + project, ".history.jsonl");

    /// <summary>Records what is about to be sent. Nothing is to be sent before this has ended.</summary>
    /// <param name="operation">The API's own name of it.</param>
    /// <param name="subject">What it is about.</param>
    /// <param name="offset">How far this machine's clock is ahead of the server's; null where that is not known.</param>
    /// <param name="call">How it is stopped, why it is done, and who hears of it.</param>
    /// <returns>The line's number; 0 where it could not be recorded and is done all the same.</returns>
    /// <exception cref="MagicBellException"><see cref="MagicBellError.HistoryFailed"/>: nothing is to be sent.</exception>
    public Task<long> BeginAsync(string operation, HistorySubject subject, TimeSpan? offset, CallContext call) =>
        AnnounceAsync(operation, "intent", offset, call, subject, [], "nothing was sent", call.Stop);

    /// <summary>Records what came of an operation.</summary>
    /// <param name="intent">The number of the line that announced it; nothing is recorded for 0.</param>
    /// <param name="operation">The API's own name of it.</param>
    /// <param name="outcome">One of the constants of this type.</param>
    /// <param name="subject">What is known now, beyond what the first line says.</param>
    /// <param name="failure">Why it failed; null where it did not.</param>
    /// <param name="offset">How far this machine's clock is ahead of the server's; null where that is not known.</param>
    /// <param name="call">Who hears of it.</param>
    public async Task EndAsync(long intent, string operation, string outcome, HistorySubject subject, MagicBellException? failure, TimeSpan? offset, CallContext call)
    {
        if (intent == 0)
        {
            return;
        }

        await TryAppendAsync(operation, "outcome", offset, call, subject, [
            new("intent", intent),
            new("outcome", outcome),
            new("error", failure is null ? null : "Mb" + failure.Error),
            new("status", failure?.StatusCode),
            new("attempts", failure?.Attempts ?? subject.Attempts),
            new("request", failure?.RequestId ?? subject.RequestId),
        ]).ConfigureAwait(false);
    }

    /// <summary>Records that a token was handed over or stored.</summary>
    /// <param name="id">The token's id; null for one that was signed on this machine.</param>
    /// <param name="fingerprint">Its fingerprint; null where that is not known.</param>
    /// <param name="heldBy">Who has it: <c>the pipeline</c>, or a store.</param>
    /// <param name="call">Who hears of it.</param>
    public Task ClaimAsync(string? id, string? fingerprint, string heldBy, CallContext call) =>
        TryAppendAsync("Claim", "claim", null, call, new HistorySubject { Id = id, Fingerprint = fingerprint }, [new("heldBy", heldBy)]);

    /// <summary>Records a step of a rotation, before it is taken.</summary>
    /// <param name="subject">The old token.</param>
    /// <param name="rotation">The rotation's id in its journal.</param>
    /// <param name="step">The step.</param>
    /// <param name="newId">The new token's id; null where there is none yet.</param>
    /// <param name="place">Where the new token goes; null for the pipeline.</param>
    /// <param name="call">How it is stopped, why it is done, and who hears of it.</param>
    /// <exception cref="MagicBellException"><see cref="MagicBellError.HistoryFailed"/>: the step is not to be taken.</exception>
    public Task StepAsync(HistorySubject subject, Guid rotation, string step, string? newId, string? place, CallContext call) => AnnounceAsync(
        "RotationStep",
        "outcome",
        null,
        call,
        subject,
        [new("rotation", rotation), new("outcome", step), new("new", newId), new("place", place)],
        $"the rotation does not go on to '{step}'",
        CancellationToken.None);

    /// <summary>Records that people were told of operations without an end, so that they are told once.</summary>
    /// <param name="numbers">The numbers of the lines that announced them.</param>
    /// <param name="call">Who hears of it.</param>
    public Task NoteToldAsync(IEnumerable<long> numbers, CallContext call) =>
        TryAppendAsync(HistoryLine.Notice, "outcome", null, call, new HistorySubject(), [new("told", string.Join(" ", numbers))]);

    // What nothing is to be done before. Returns 0 where it could not be recorded and is done all the same.
    private async Task<long> AnnounceAsync(string operation, string phase, TimeSpan? offset, CallContext call, HistorySubject subject, KeyValuePair<string, object?>[] more, string consequence, CancellationToken stop)
    {
        if (_isGivenUp)
        {
            return 0;
        }

        try
        {
            return await AppendAsync(operation, phase, offset, call, subject, more, stop).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsOfFile(exception))
        {
            if (_isRequired)
            {
                throw new MagicBellException(MagicBellError.HistoryFailed, $"The history {Path} cannot be written, so {consequence}: {exception.Message}", exception);
            }

            WarnOnce(call, $"What this session does is not recorded: the history {Path} cannot be written. {exception.Message}");
            return 0;
        }
    }

    private async Task TryAppendAsync(string operation, string phase, TimeSpan? offset, CallContext call, HistorySubject subject, KeyValuePair<string, object?>[] more)
    {
        if (_isGivenUp)
        {
            return;
        }

        try
        {
            await AppendAsync(operation, phase, offset, call, subject, more, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsOfFile(exception))
        {
            // It is done: all that is left is to say so. With a history that is required the next write is refused.
            string what = phase == "claim" ? $"That the token {subject.Id ?? subject.Fingerprint} was handed over or stored"
                : operation == HistoryLine.Notice ? "That you were told"
                : $"What came of the operation '{operation}'{(subject.Id is null ? "" : $" on the token {subject.Id}")}";
            what += $" could not be recorded in the history {Path}: {exception.Message}";
            if (_isRequired)
            {
                call.Notify?.Invoke(new CallNotice(CallNoticeKind.Warning, what));
            }
            else
            {
                WarnOnce(call, what);
            }
        }
    }

    private async Task<long> AppendAsync(string operation, string phase, TimeSpan? offset, CallContext call, HistorySubject subject, KeyValuePair<string, object?>[] more, CancellationToken stop)
    {
        bool isWhole = phase == "intent" || operation == "RotationStep";
        long number = await _file.AppendAsync(
            DateTimeOffset.UtcNow,
            [
                new("offset", offset is { } ahead ? Math.Round(ahead.TotalSeconds, 3) : null),
                new("op", operation),
                new("phase", phase),
                .. more,
                new("id", subject.Id),
                new("name", subject.Name),
                new("fingerprint", subject.Fingerprint),
                new("user", subject.UserId),
                new("email", _options.IsPersonal ? subject.Email : null),
                new("externalId", _options.IsPersonal ? subject.ExternalId : null),
                new("key", subject.IdempotencyKey),
                new("created", subject.CreatedAt is { } created ? HistoryLine.Time(created) : null),
                new("expires", subject.ExpiresAt is { } expires ? HistoryLine.Time(expires) : null),
                new("reason", isWhole ? call.Reason : null),
                new("project", isWhole ? _options.Project : null),
                new("address", isWhole ? _options.Address : null),
                new("account", isWhole ? _options.Account : null),
                new("host", isWhole ? _options.Host : null),
                new("process", isWhole ? _options.ProcessId : null),
                new("module", isWhole ? _options.Module : null),
            ],
            isWhole,
            stop).ConfigureAwait(false);
        while (_notices.TryDequeue(out string? notice))
        {
            call.Notify?.Invoke(new CallNotice(CallNoticeKind.Warning, notice));
        }

        return number;
    }

    private void WarnOnce(CallContext call, string text)
    {
        if (call.Notify is { } notify && Interlocked.Exchange(ref _hasWarned, 1) == 0)
        {
            _isGivenUp = true;
            notify(new CallNotice(CallNoticeKind.Warning, text));
        }
    }

    private static bool IsOfFile(Exception exception) => exception is IOException or UnauthorizedAccessException or InvalidDataException or NotSupportedException or ArgumentException;
}

/// <summary>What each line says of a session.</summary>
/// <param name="Project">The session's name of the project.</param>
/// <param name="Address">The API's address.</param>
/// <param name="Account">Who runs it.</param>
/// <param name="Host">The machine.</param>
/// <param name="ProcessId">The process.</param>
/// <param name="Module">The module's version.</param>
/// <param name="IsPersonal">Whether lines have e-mail addresses and external ids of people.</param>
public sealed record HistoryOptions(string Project, string Address, string Account, string Host, int ProcessId, string Module, bool IsPersonal);

/// <summary>What a line is about. A null is left out.</summary>
public sealed record HistorySubject
{
    /// <summary>The token's id.</summary>
    public string? Id { get; init; }

    /// <summary>The token's name.</summary>
    public string? Name { get; init; }

    /// <summary>The token's fingerprint, never its value.</summary>
    public string? Fingerprint { get; init; }

    /// <summary>The user's id in MagicBell.</summary>
    public string? UserId { get; init; }

    /// <summary>The user's e-mail address; written only where personal data was asked for.</summary>
    public string? Email { get; init; }

    /// <summary>The user's id in the caller's own system; written only where personal data was asked for.</summary>
    public string? ExternalId { get; init; }

    /// <summary>The idempotency key of a create.</summary>
    public Guid? IdempotencyKey { get; init; }

    /// <summary>When the token was issued.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>When the token ends.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>How often the request was sent.</summary>
    public int? Attempts { get; init; }

    /// <summary>The server's id of the last request.</summary>
    public string? RequestId { get; init; }
}
