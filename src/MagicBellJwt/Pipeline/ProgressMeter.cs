using System;
using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using System.Threading;

namespace MagicBellJwt.Commands;

/// <summary>Shows how far a cmdlet is, when it takes longer than a second.</summary>
internal sealed class ProgressMeter(MagicBellCmdlet cmdlet)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly Stopwatch _clock = new();
    private int _started;
    private int _succeeded;
    private int _failed;
    private int? _expected;
    private TimeSpan _leastTime;
    private bool _shown;
    private Wait? _wait;

    /// <summary>Learns how many there will be, and how many of them a minute the rate limit lets through; 0 where that is not known.</summary>
    internal void Expect(int count, int perMinute, int reads)
    {
        _expected = count;
        _leastTime = perMinute > 0 ? TimeSpan.FromMinutes((reads - 1) / perMinute) : TimeSpan.Zero;
    }

    internal void Started()
    {
        _clock.Start();
        _started++;
    }

    internal void Succeeded() => Interlocked.Increment(ref _succeeded);

    internal void Failed() => Interlocked.Increment(ref _failed);

    internal void Waits(string reason, TimeSpan time) => _wait = new Wait(reason, DateTimeOffset.UtcNow + time);

    /// <summary>Shows the state, on the pipeline thread.</summary>
    internal void Show()
    {
        if (!_clock.IsRunning || _clock.Elapsed < s_patience)
        {
            return;
        }

        int done = _succeeded + _failed;
        string status = string.Format(CultureInfo.InvariantCulture, "{0} done, {1} failed, {2} under way", _succeeded, _failed, _started - done);
        if (_wait is { } wait && wait.Until > DateTimeOffset.UtcNow)
        {
            status += string.Format(CultureInfo.InvariantCulture, ", waiting {0:0} s for {1}", Math.Ceiling((wait.Until - DateTimeOffset.UtcNow).TotalSeconds), wait.Reason);
        }

        var record = new ProgressRecord(0, cmdlet.MyInvocation.MyCommand.Name, status);
        if (_expected is { } expected && expected > 0 && done > 0)
        {
            record.PercentComplete = Math.Min(100, done * 100 / expected);

            // The first requests go out at full speed, so early on the rate limit predicts the rest better than the pace so far.
            double elapsed = _clock.Elapsed.TotalSeconds;
            double remaining = Math.Max(elapsed / done * (expected - done), done < expected ? _leastTime.TotalSeconds - elapsed : 0);
            record.SecondsRemaining = (int)Math.Min(int.MaxValue, remaining);
        }

        _shown = true;
        cmdlet.WriteProgress(record);
    }

    /// <summary>Takes the display away, on the pipeline thread.</summary>
    internal void Complete()
    {
        if (_shown)
        {
            cmdlet.WriteProgress(new ProgressRecord(0, cmdlet.MyInvocation.MyCommand.Name, "done") { RecordType = ProgressRecordType.Completed });
            _shown = false;
        }
    }

    private sealed record Wait(string Reason, DateTimeOffset Until);
}
