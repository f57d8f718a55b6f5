using System;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;
using Xunit;

namespace MagicBellJwt.Rotation.Tests;

/// <summary>A journal that a vault keeps: every machine is new, and knows what the one before did.</summary>
public sealed class VaultJournalTests : RotatorTestBase
{
    private static readonly TimeSpan s_overlap = TimeSpan.FromMinutes(10);

    public VaultJournalTests() => Kept = "";

    /// <summary>Lets a machine die when it has the new token, before it is stored.</summary>
    /// <returns>The id of the old token.</returns>
    private async Task<string> DieAtTheStoreAsync()
    {
        string old = await IssueToStoreAsync();
        Store.OnStore = (_, _) =>
        {
            Api.Kill();
            return StoreResult.Stored;
        };
        await Assert.ThrowsAsync<KilledException>(() => RotateAsync());
        Store.OnStore = null;
        Api.Recover();
        Pipeline = new FakePipeline(Api);
        return old;
    }

    private async Task<MagicBellException> FailToKeepAsync(int number, bool isKept, TimeSpan overlap = default)
    {
        int count = 0;
        OnKeep = text =>
        {
            bool fails = count++ == number;
            Kept = fails && !isKept ? Kept : text;
            if (fails)
            {
                throw new MagicBellException(MagicBellError.RotationFailed, "The journal cannot be written.");
            }
        };
        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync(overlap: overlap));
        OnKeep = null;
        return failure;
    }

    [Fact]
    public async Task Night_after_night_each_overlap_ends_and_the_journal_stays_short()
    {
        string old = await IssueToStoreAsync();
        int longest = 0;
        for (int night = 0; night < 30; night++)
        {
            string held = HeldId();
            await RotateAsync(overlap: s_overlap);
            Assert.Equal(new[] { held, HeldId() }.Order(), Api.Live("ci").Order());
            Assert.True(night == 0 || !Api.Live("ci").Contains(old), "The overlap of the night before is over.");
            old = held;
            longest = Math.Max(longest, Kept!.Length);
            Pass(TimeSpan.FromMinutes(20));
        }

        Assert.InRange(longest, 1, 5000);
        await ResumeAsync();
        Assert.Equal([HeldId()], Api.Live("ci"));
    }

    // Without a journal three would be live here, and none told from another.
    [Fact]
    public async Task An_overlap_longer_than_the_time_between_two_runs_ends_when_it_is_over()
    {
        string first = await IssueToStoreAsync();
        await RotateAsync(overlap: TimeSpan.FromMinutes(20));
        string second = HeldId();
        Pass(TimeSpan.FromMinutes(15));
        await RotateAsync(overlap: TimeSpan.FromMinutes(20));
        Assert.Equal(3, Api.Live("ci").Length);
        Pass(TimeSpan.FromMinutes(15));

        await ResumeAsync();

        Assert.DoesNotContain(first, Api.Live("ci"));
        Assert.Equal(new[] { second, HeldId() }.Order(), Api.Live("ci").Order());
    }

    // By its own clock the step is half an hour old: undone now, the token would be dead in the store of the machine that is still at work.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_machine_whose_clock_is_ahead_touches_no_rotation_that_another_one_is_at(bool givesUp)
    {
        await DieAtTheStoreAsync();
        MachineClock.Advance(TimeSpan.FromMinutes(30));
        Session = Connect();

        MagicBellException early = await Assert.ThrowsAsync<MagicBellException>(() => givesUp ? WithRotatorAsync(rotator => rotator.GiveUpAsync(Entry())) : RotateAsync());

        Assert.Contains("may still be at work", early.Message, StringComparison.Ordinal);
        Assert.Equal(2, Api.Live("ci").Length);

        RotationEntry Entry() => RotationJournal.OfText(Kept!, "prod/journal").Entries.Single();
    }

    // Without a journal the new token would be there for ever, and each later run would find two and stop.
    [Fact]
    public async Task A_machine_that_died_with_the_new_token_leaves_a_journal_by_which_the_next_one_revokes_it()
    {
        string old = await DieAtTheStoreAsync();
        Assert.Equal(2, Api.Live("ci").Length);

        MagicBellException early = await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync());

        Assert.Contains("may still be at work", early.Message, StringComparison.Ordinal);
        Assert.EndsWith("Update-MbProjectToken -Resume -Session 'prod' -JournalVault 'prod'", early.Message, StringComparison.Ordinal);
        Assert.Equal(2, Api.Live("ci").Length);
        RotationEntry entry = RotationJournal.OfText(Kept!, "prod/journal").Entries.Single();
        await Assert.ThrowsAsync<MagicBellException>(() => WithRotatorAsync(rotator => rotator.GiveUpAsync(entry)));
        Assert.Equal(2, Api.Live("ci").Length);

        Pass(TimeSpan.FromMinutes(11));
        await ResumeAsync();

        Assert.Equal([old], Api.Live("ci"));
        Assert.Equal(old, HeldId());
        Assert.Equal("undone", Steps.Last());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_rotation_whose_first_line_cannot_be_kept_sends_nothing(bool isKept)
    {
        string old = await IssueToStoreAsync();
        Api.Requests.Clear();

        await FailToKeepAsync(0, isKept);

        Assert.DoesNotContain(Api.Requests, request => request.StartsWith("POST", StringComparison.Ordinal));
        Assert.Equal([old], Api.Live("ci"));
        Pass(TimeSpan.FromMinutes(11));
        await RotateAsync();
        Assert.Equal([HeldId()], Api.Live("ci"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Before_it_is_stored_a_step_that_cannot_be_kept_revokes_the_new_token_again(int number)
    {
        string old = await IssueToStoreAsync();

        MagicBellException failure = await FailToKeepAsync(number, isKept: false);

        Assert.Contains("it is revoked again", failure.Message, StringComparison.Ordinal);
        Assert.Equal([old], Api.Live("ci"));
        Assert.Equal(old, HeldId());
    }

    // Stored, retiring or revoking, done: whatever is not written down, the error names both tokens.
    [Theory]
    [InlineData(4, false, false)]
    [InlineData(4, true, false)]
    [InlineData(5, false, false)]
    [InlineData(5, true, false)]
    [InlineData(6, false, false)]
    [InlineData(6, true, false)]
    [InlineData(4, false, true)]
    [InlineData(5, false, true)]
    [InlineData(5, true, true)]
    public async Task After_it_is_stored_both_tokens_are_named_and_the_next_machine_finishes(int number, bool isKept, bool hasOverlap)
    {
        string old = await IssueToStoreAsync();
        MagicBellException failure = await FailToKeepAsync(number, isKept, hasOverlap ? TimeSpan.FromMinutes(5) : default);
        Assert.Contains(HeldId(), Api.Live("ci"));
        string held = HeldId();
        Assert.Contains(old, failure.Message, StringComparison.Ordinal);
        Assert.Contains(held, failure.Message, StringComparison.Ordinal);
        Assert.Contains(Api.Live("ci").Contains(old) ? "stay as they are" : "is revoked", failure.Message, StringComparison.Ordinal);
        Pass(TimeSpan.FromMinutes(11));

        await ResumeAsync();
        Pass(TimeSpan.FromMinutes(11));
        await ResumeAsync();

        Assert.Equal([held], Api.Live("ci"));
        Assert.Equal(held, HeldId());
    }
}
