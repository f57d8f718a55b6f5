using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Runtime.ExceptionServices;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Client;

namespace MagicBellJwt.Commands;

/// <summary>What every cmdlet that calls the API shares: background work, its way to the pipeline, and its end.</summary>
/// <remarks>
/// Work runs off the pipeline thread; whatever it has to say (results, errors, verbose, warnings, progress) goes through one
/// queue that the pipeline thread drains. However the pipeline ends, <see cref="Dispose()"/> is called, so the end is there.
/// Import-Module loads every type of this assembly, and none of the dependencies: a value of a client's type in a field would
/// load them, and an awaited <c>Task&lt;T&gt;</c> of one is such a field. Hence <c>await (Task)task</c>, then its result.
/// </remarks>
public abstract partial class MagicBellCmdlet : CheckedCmdlet, IDisposable
{
    // Ctrl+C returns within a second: most of it is for the answer to a write in flight, the rest for revoking a new token.
    private static readonly TimeSpan s_answerGrace = TimeSpan.FromMilliseconds(550);
    private static readonly TimeSpan s_endGrace = TimeSpan.FromMilliseconds(850);

    // By then everything has been cancelled. A busy machine gets more time to finish: a warning that comes later is lost.
    private static readonly TimeSpan s_lateness = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _abandon = new();
    private readonly CancellationTokenSource _end = new();
    private readonly PipelineQueue _queue = new();
    private readonly List<Task> _inFlight = [];
    private readonly ConcurrentQueue<string> _finalWarnings = new();
    private readonly OutputLedger _ledger = new();
    private readonly ProgressMeter _progress;
    private Exception? _endFailure;
    private bool _completed;
    private bool _satisfied;
    private ErrorRecord? _fatal;
    private bool _fatalEndsPipeline;
    private bool _describesHeaders;
    private bool _describesAttempts;
    private bool _followsInput;

    private protected MagicBellCmdlet() => _progress = new ProgressMeter(this);

    /// <summary>How many calls may be in flight at a time.</summary>
    private protected virtual int Concurrency => 1;

    /// <summary>
    /// Whether all output of an input comes before the next input is taken, one call at a time: an earlier command of the pipeline has -PipelineVariable,
    /// and a later one pairs its value with what this one writes.
    /// </summary>
    private protected bool FollowsInput => _followsInput;

    /// <summary>Whether a later command had enough, so that the pipeline ended well before its end.</summary>
    private protected bool IsSatisfied => _satisfied;

    /// <summary>Cancelled when the pipeline stops.</summary>
    private protected CancellationToken StopToken => _stop.Token;

    /// <summary>A call that only reads: a stop ends it in flight.</summary>
    private protected CallContext ReadCall => new(_stop.Token, _stop.Token, OnNotice, _describesHeaders, _describesAttempts);

    /// <summary>A call that changes something: a stop lets its answer arrive.</summary>
    private protected CallContext WriteCall => new(_stop.Token, _abandon.Token, OnNotice, _describesHeaders, _describesAttempts) { Reason = WriteReason };

    /// <summary>A call that takes something back after the pipeline has ended.</summary>
    private protected CallContext UndoCall => new(_end.Token) { Reason = WriteReason };

    /// <summary>Why the caller writes, for the history; null where no reason was given.</summary>
    private protected virtual string? WriteReason => null;

    /// <summary>Learns what the caller wants to hear.</summary>
    private protected override void Begin()
    {
        _describesHeaders = IsShown("Debug", "DebugPreference");
        _describesAttempts = IsShown("Verbose", "VerbosePreference");
        _followsInput = MyInvocation.ExpectingInput && PipelineRecord.HasVariableBefore(CommandRuntime) && PipelineRecord.NamesAfter(CommandRuntime).Any();
    }

    /// <summary>Ends whatever is under way, from another thread.</summary>
    protected override void StopProcessing() => Stop();

    /// <summary>Waits for everything that is in flight.</summary>
    private protected override void End()
    {
        Finish();
        _completed = true;
    }

    /// <summary>Ends what is in flight, revokes the new tokens that nobody was given, and names those that may be lost or are in doubt.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
        if (_endFailure is { } failure)
        {
            // Only now, when everything else is done. The engine records it.
            ExceptionDispatchInfo.Capture(failure).Throw();
        }
    }

    /// <summary>Ends what is in flight, revokes the new tokens that nobody was given, and names those that may be lost or are in doubt.</summary>
    /// <param name="disposing">True: there is no finalizer.</param>
    protected virtual void Dispose(bool disposing)
    {
        Stop();
        _queue.Close();
        bool ended = Task.WaitAll([.. _inFlight], s_endGrace + s_lateness);
        AtEnd(NameWhatMayBeLost);
        while (_finalWarnings.TryDequeue(out string? words))
        {
            // The pipeline has ended; the host's screen can still show a warning.
            AtEnd(() => Host.UI?.WriteWarningLine(words));
        }

        if (ended)
        {
            _queue.Dispose();
            _stop.Dispose();
            _abandon.Dispose();
            _end.Dispose();
        }
    }

    /// <summary>How many are in flight at a time: of each project, where several are read.</summary>
    private protected int Limit => _followsInput ? 1 : Concurrency;

    /// <summary>Starts work in the background, as soon as fewer than <see cref="Limit"/> are under way.</summary>
    /// <param name="target">What it is about, for errors.</param>
    /// <param name="work">The work; a <see cref="MagicBellException"/> of it becomes a non-terminating error.</param>
    /// <param name="lane">The project that it is about, where several are read, each with so many under way; null where there is one.</param>
    private protected void Start(object? target, Func<Task> work, Lane? lane = null)
    {
        WaitUntil(() => (lane?.UnderWay ?? InFlight()) < Limit);
        ThrowIfFatal();
        if (lane is { IsClosed: true })
        {
            return;
        }

        _progress.Started();
        lane?.Begin();

        // One at a time begins here, which saves a change of threads: up to its first wait a call only writes to a socket. Of many at a
        // time the pipeline's thread has enough to do with the results.
        bool isOneAtATime = Limit == 1 && lane is not { IsAlone: false };
        Track(isOneAtATime ? RunAsync(target, work, lane) : Task.Run(() => RunAsync(target, work, lane)));
        if (isOneAtATime)
        {
            // One at a time means in order: each is reported before the next is asked about.
            WaitUntil(() => InFlight() == 0);
            ThrowIfFatal();
        }
    }

    /// <summary>Waits for all background work, and reports it.</summary>
    private protected void Finish()
    {
        WaitUntil(() => InFlight() == 0);
        ThrowIfFatal();
        _progress.Complete();
    }

    /// <summary>Does one thing in the background and waits for its result, reporting meanwhile.</summary>
    private protected T Await<T>(Func<Task<T>> work)
    {
        Task<T> task = Task.Run(work);

        // WhenAny: the failure is thrown to the caller below, and the wait for everything in flight must not throw it again.
        Track(Task.WhenAny(task));
        WaitUntil(() => task.IsCompleted);
        return task.GetAwaiter().GetResult();
    }

    /// <summary>Waits, unless the pipeline is stopped.</summary>
    private protected void Pause(TimeSpan time) => Await(async () =>
    {
        await Task.Delay(time, StopToken).ConfigureAwait(false);
        return true;
    });

    /// <summary>Writes an object to the pipeline, from any thread, as the last thing that the work does.</summary>
    /// <returns>What became of it.</returns>
    private protected async Task<Delivery> OfferAsync(object output)
    {
        Delivery delivery = Delivery.Refused;
        await _queue.OfferAsync(() => Write(output, ref delivery), last: true).ConfigureAwait(false);
        return delivery;
    }

    /// <summary>
    /// Writes a new token to the pipeline, from any thread, as the last thing that the work does. Unless it is refused, it is named at the end
    /// of the invocation where that is an error or a stop.
    /// </summary>
    /// <returns>What became of it. Only a token that was refused may be revoked again: any other may be held.</returns>
    private protected async Task<Delivery> DeliverAsync(IssuedToken token)
    {
        Delivery delivery = Delivery.Refused;
        await _queue.OfferAsync(
            () =>
            {
                ThrowIfStopping();
                _ledger.Add(token);
                Write(token, ref delivery);
            },
            last: true).ConfigureAwait(false);
        return delivery;
    }

    /// <summary>Has the pipeline thread do something, from any thread.</summary>
    /// <returns>True where it did.</returns>
    private protected Task<bool> OfferAsync(Action action) => _queue.OfferAsync(action, last: false);

    /// <summary>Says something that is neither a result nor a warning, as Write-Host does it.</summary>
    private protected void Inform(string text) => WriteInformation(new HostInformationMessage { Message = ScreenText.Of(text) }, ["PSHOST"]);

    /// <summary>Says something on the host's screen when the pipeline has ended and can take no warning.</summary>
    private protected void WarnAfterEnd(string words) => _finalWarnings.Enqueue(ScreenText.Of(words));

    /// <summary>Reports a failure: as a non-terminating error, or as the end once everything in flight is reported.</summary>
    /// <param name="failure">The failure.</param>
    /// <param name="target">What it is about.</param>
    /// <param name="lane">The project that it is about, where several are read: no failure of one of them ends the others.</param>
    private protected virtual void Report(MagicBellException failure, object? target, Lane? lane = null)
    {
        bool isOneOfSeveral = lane is { IsAlone: false };
        if (isOneOfSeveral)
        {
            bool isEnd = ErrorRecords.Ends(failure);
            if (isEnd && lane!.IsClosed)
            {
                // Others were in flight when it was said the first time.
                return;
            }

            lane!.IsClosed |= isEnd;
            failure = new MagicBellException(failure.Error, $"Project '{lane.Session.Name}': {failure.Message}", failure);
        }

        ErrorRecord record = ErrorRecords.Create(failure, target, AdviceFor(failure, target), isOneOfSeveral ? CommandText.SessionArgument(lane!.Session) : WhereArgument);
        bool ends = !isOneOfSeveral && ErrorRecords.Ends(failure);
        if (!ends && Preference("ErrorAction", "ErrorActionPreference") is not ActionPreference.Stop)
        {
            try
            {
                WriteError(record);
            }
            catch
            {
                NoteEnd();
                throw;
            }
        }
        else if (_fatal is null)
        {
            _fatal = record;
            _fatalEndsPipeline = ends;
        }
        else
        {
            // Only one error can end a pipeline; the others become warnings before it ends.
            WriteWarning(failure.Message);
        }
    }

    /// <summary>Runs a step whose failure is an error about one input.</summary>
    /// <param name="target">What it is about, for errors.</param>
    /// <param name="step">The step.</param>
    /// <param name="lane">The project that it is about, where several are read; null where there is one.</param>
    /// <returns>Whether it was done.</returns>
    private protected bool Try(object? target, Action step, Lane? lane = null)
    {
        try
        {
            if (target is string text && ScreenText.HoldsToken(text))
            {
                throw MagicBellException.Invalid("This is a token's value, a secret key or an address with credentials, or holds one, where a name or an id is asked for. It would be shown wherever that is, so nothing was done.");
            }

            step();
            return true;
        }
        catch (MagicBellException failure)
        {
            Report(failure, target, lane);
            ThrowIfFatal();
            return false;
        }
    }

    /// <summary>Runs a step for one input; what is wrong with a row is said with its number and its columns.</summary>
    /// <param name="target">What an error is about; the row's number where this is empty.</param>
    /// <param name="row">The input; null where everything is on the command line.</param>
    /// <param name="step">The step.</param>
    /// <returns>Whether it was done.</returns>
    private protected bool TryRow(string? target, InputRow? row, Action step) => Try(string.IsNullOrEmpty(target) && row is not null ? row.Place : target, () =>
    {
        try
        {
            step();
        }
        catch (MagicBellException failure) when (row is { IsText: false } && failure is { Error: MagicBellError.InvalidRequest, StatusCode: null })
        {
            throw MagicBellException.Invalid($"{row.Place}: {failure.Message}{row.Described}");
        }
    });

    /// <summary>The argument that names the session of what a command suggests; empty for the current one.</summary>
    private protected virtual string WhereArgument => "";

    /// <summary>What to do next, where this cmdlet knows better than the table of errors; null where it does not.</summary>
    private protected virtual string? AdviceFor(MagicBellException failure, object? target) => null;

    /// <summary>How many inputs there will be, where that is known; it makes a remaining time possible.</summary>
    /// <param name="count">How many.</param>
    /// <param name="perMinute">How many of them a minute the session's rate limit lets through, where each is one request; else 0.</param>
    /// <param name="reads">How many requests they all take, where that is not one for each.</param>
    private protected void Expect(int count, int perMinute = 0, int? reads = null) => _progress.Expect(count, perMinute, reads ?? count);

    /// <summary>Warns, once for each, of operations whose process ended before it knew what came of them, or before anybody took the token.</summary>
    private protected void TellUnsettled(Session session)
    {
        session.ReviewedAt = DateTimeOffset.UtcNow;
        if (session.History is not { } history)
        {
            return;
        }

        long[] numbers;
        try
        {
            numbers = HistoryRecorder.Unsettled(history, session.Name);
        }
        catch (MagicBellException failure)
        {
            // There is none yet, or it cannot be read: what is written next says so.
            WriteVerbose(failure.Message);
            return;
        }

        if (numbers.Length > 0)
        {
            WriteWarning($"The history has {(numbers.Length == 1 ? "an operation" : $"{numbers.Length} operations")} of this project whose process ended early: a token may be live that nobody holds. See what to look at: Get-MbTokenHistory -Outcome Unknown, Unclaimed{CommandText.SessionArgument(session)} | Format-List Name, Id, Time, Look");
            Await(async () =>
            {
                await history.NoteToldAsync(numbers, ReadCall).ConfigureAwait(false);
                return true;
            });
        }
    }

    private async Task RunAsync(object? target, Func<Task> work, Lane? lane)
    {
        try
        {
            await work().ConfigureAwait(false);
            _progress.Succeeded();
        }
        catch (MagicBellException failure)
        {
            _progress.Failed();
            if (!await _queue.OfferAsync(() => Report(failure, target, lane), last: true).ConfigureAwait(false) && failure.OutcomeUnknown)
            {
                WarnAfterEnd(failure.Message + " " + AdviceFor(failure, target));
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped before anything was done.
        }
        catch (Exception defect)
        {
            await _queue.OfferAsync(() => ExceptionDispatchInfo.Capture(defect).Throw(), last: true).ConfigureAwait(false);
        }
        finally
        {
            lane?.End();
        }
    }

    private int InFlight()
    {
        _inFlight.RemoveAll(task => task.IsCompleted);
        return _inFlight.Count;
    }

    /// <summary>Has the end wait for a task, and the pipeline thread look at what it waits for when the task is done.</summary>
    private protected void Track(Task task)
    {
        _inFlight.Add(task);
        task.ContinueWith(_ => _queue.Wake(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Reports what background work has to say until something is done.</summary>
    private protected void WaitUntil(Func<bool> isDone)
    {
        try
        {
            _queue.RunUntil(isDone, _progress.Show, _stop.Token);
        }
        catch (OperationCanceledException)
        {
            throw new PipelineStoppedException();
        }
        catch
        {
            NoteEnd();
            throw;
        }
    }

    private void Write(object output, ref Delivery delivery)
    {
        ThrowIfStopping();

        // From here on another command may have it.
        delivery = Delivery.Interrupted;
        try
        {
            WriteObject(output);
            delivery = Delivery.Written;
        }
        catch when (NoteEnd())
        {
            // Select-Object -First has taken it, and then ended the pipeline.
            delivery = Delivery.Written;
            throw;
        }
    }

    private void ThrowIfStopping()
    {
        if (Stopping)
        {
            throw new PipelineStoppedException();
        }
    }

    // Read now: the engine forgets a Select-Object -First before it disposes the commands.
    private bool NoteEnd() => _satisfied |= PipelineRecord.EndOf(CommandRuntime) == PipelineEnd.Satisfied;

    private void NameWhatMayBeLost()
    {
        if (_ledger.IsEmpty)
        {
            return;
        }

        // Later commands may have failed after this one had ended well.
        string[] waiting = [.. PipelineRecord.WaitingIn(CommandRuntime).Select(item => item is PSObject wrapped ? wrapped.BaseObject : item).OfType<IssuedToken>().Select(token => token.Id!)];
        if (!(_satisfied || (_completed && waiting.Length == 0)) || PipelineRecord.EndOf(CommandRuntime) == PipelineEnd.Failed)
        {
            WarnAfterEnd("The pipeline ended by an error or a stop, and a statement such as $tokens = … has kept nothing then. " + _ledger.Describe((this as SessionCmdlet)?.Session));
        }
        else if (waiting.Length > 0)
        {
            WarnAfterEnd("The pipeline ended before -OutBuffer passed everything on. " + _ledger.Describe((this as SessionCmdlet)?.Session, waiting));
        }
    }

    // Each step is done even where another one fails.
    private void AtEnd(Action step)
    {
        try
        {
            step();
        }
        catch (Exception failure)
        {
            _endFailure ??= failure;
        }
    }

    /// <summary>Ends the pipeline where a reported failure asks for it, after everything in flight.</summary>
    private protected void ThrowIfFatal()
    {
        if (_fatal is null)
        {
            return;
        }

        // Finished work is reported first: after the terminating error nothing is.
        WaitUntil(() => InFlight() == 0);
        _progress.Complete();
        ErrorRecord record = _fatal;
        _fatal = null;
        if (_fatalEndsPipeline)
        {
            ThrowTerminatingError(record);
        }

        WriteError(record);
    }

    private void Stop()
    {
        lock (_finalWarnings)
        {
            if (_stop.IsCancellationRequested)
            {
                return;
            }

            _abandon.CancelAfter(s_answerGrace);
            _end.CancelAfter(s_endGrace);
        }

        _stop.Cancel();
        _queue.Wake();
    }

    private void OnNotice(CallNotice notice)
    {
        switch (notice.Kind)
        {
            case CallNoticeKind.Attempt:
                _queue.Post(() => WriteVerbose(notice.Text));
                break;
            case CallNoticeKind.Headers:
                _queue.Post(() => WriteDebug(notice.Text));
                break;
            case CallNoticeKind.Warning:
                _queue.Post(() => WriteWarning(notice.Text));
                break;
            case CallNoticeKind.Wait:
                _progress.Waits(notice.Text, notice.Wait);
                break;
        }
    }

    private bool IsShown(string parameter, string variable) => Preference(parameter, variable) is not (ActionPreference.SilentlyContinue or ActionPreference.Ignore);

    private ActionPreference Preference(string parameter, string variable)
    {
        if (MyInvocation.BoundParameters.TryGetValue(parameter, out object? bound))
        {
            return bound is SwitchParameter or bool
                ? LanguagePrimitives.IsTrue(bound) ? ActionPreference.Continue : ActionPreference.SilentlyContinue
                : LanguagePrimitives.ConvertTo<ActionPreference>(bound);
        }

        return LanguagePrimitives.TryConvertTo(GetVariableValue(variable), out ActionPreference preference) ? preference : ActionPreference.Continue;
    }
}
