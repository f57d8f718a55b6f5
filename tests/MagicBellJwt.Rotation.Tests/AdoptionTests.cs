using System;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using Xunit;

namespace MagicBellJwt.Rotation.Tests;

/// <summary>A machine that is new each time: no journal, only the store and the list.</summary>
public sealed class AdoptionTests : RotatorTestBase
{
    private static readonly TimeSpan s_overlap = TimeSpan.FromMinutes(10);

    private void LoseJournal() => File.Delete(JournalPath);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Night_after_night_the_overlap_of_the_night_before_is_ended_and_a_fresh_one_begun(bool keepsNotes)
    {
        Store.KeepsNotes = keepsNotes;
        string old = await IssueToStoreAsync();
        Pass(TimeSpan.FromMinutes(20));
        await RotateAsync(overlap: s_overlap);
        Assert.Contains($"{old} 'ci' stays live until the first run after", Assert.Single(Pipeline.Told), StringComparison.Ordinal);
        Assert.EndsWith("Update-MbProjectToken -Resume -Session 'prod'", Pipeline.Told[0], StringComparison.Ordinal);
        for (int night = 0; night < 5; night++)
        {
            string held = HeldId();
            Assert.Equal(2, Api.Live("ci").Length);
            LoseJournal();
            Pass(TimeSpan.FromMinutes(20));

            await RotateAsync(overlap: s_overlap);

            Assert.DoesNotContain(old, Api.Live("ci"));
            Assert.NotEqual(held, HeldId());
            Assert.Equal(new[] { held, HeldId() }.Order(), Api.Live("ci").Order());
            old = held;
        }
    }

    [Fact]
    public async Task Before_its_time_the_old_one_stays()
    {
        string old = await IssueToStoreAsync();
        Pass(TimeSpan.FromMinutes(20));
        await RotateAsync(overlap: TimeSpan.FromHours(1));
        LoseJournal();

        await RotateAsync(overlap: TimeSpan.FromHours(1));

        Assert.Contains(old, Api.Live("ci"));
        Assert.Equal(3, Api.Live("ci").Length);
        Assert.Contains(Pipeline.Told, text => text.Contains(old, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("unreadable")]
    [InlineData("another value")]
    [InlineData("the older one")]
    [InlineData("a third one")]
    public async Task Where_the_store_and_the_list_do_not_tell_nothing_is_revoked(string reason)
    {
        await IssueToStoreAsync();
        string first = Store.Held!;
        Pass(TimeSpan.FromMinutes(20));
        await RotateAsync(overlap: s_overlap);
        LoseJournal();
        Pass(TimeSpan.FromMinutes(20));
        switch (reason)
        {
            case "unreadable":
                Store.IsUnreadable = true;
                break;
            case "another value":
                Store.Held = "another";
                break;
            case "the older one":
                Store.Held = first;
                break;
            default:
                string held = Store.Held!;
                await IssueToStoreAsync();
                Store.Held = held;
                break;
        }

        string[] live = Api.Live("ci");
        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync(overlap: s_overlap));

        Assert.Equal(MagicBellError.Conflict, failure.Error);
        Assert.All(live, id => Assert.Contains(id, failure.Message, StringComparison.Ordinal));
        Assert.Equal(live, Api.Live("ci"));
    }

    // The replaced one is gone already, or there never was one: whose the older one is, nobody has said.
    [Theory]
    [InlineData("00000000-0000-4000-8000-000000000001")]
    [InlineData("")]
    public async Task Where_the_store_says_that_another_one_was_replaced_the_older_one_is_never_revoked(string replaced)
    {
        await IssueToStoreAsync();
        Pass(TimeSpan.FromMinutes(20));
        await IssueToStoreAsync();
        Pass(TimeSpan.FromMinutes(20));
        string[] live = Api.Live("ci");
        Store.Noted = (HeldId(), replaced);

        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync(overlap: s_overlap));

        Assert.Equal(MagicBellError.Conflict, failure.Error);
        Assert.Equal(live, Api.Live("ci"));

        // What is noted of another token says nothing of this one.
        Store.Noted = ("00000000-0000-4000-8000-000000000002", replaced);
        await RotateAsync(overlap: s_overlap);

        Assert.Equal(2, Api.Live("ci").Length);
        Assert.Single(live.Intersect(Api.Live("ci")));
    }

    // Without an overlap no rotation leaves two: the older one is in use elsewhere.
    [Fact]
    public async Task Without_an_overlap_a_second_token_of_the_name_is_never_revoked()
    {
        await IssueToStoreAsync();
        Pass(TimeSpan.FromMinutes(20));
        await IssueToStoreAsync();
        string[] live = Api.Live("ci");

        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync());

        Assert.Equal(MagicBellError.Conflict, failure.Error);
        Assert.Equal(live, Api.Live("ci"));
    }

    // The journal says which one the held token has replaced, so another older one of that name is somebody else's.
    [Fact]
    public async Task Where_the_journal_tells_what_was_replaced_another_token_of_the_name_is_never_revoked()
    {
        string old = await IssueToStoreAsync();
        string held = Store.Held!;
        Pass(TimeSpan.FromMinutes(1));
        string other = await IssueToStoreAsync();
        Store.Held = held;
        Pass(TimeSpan.FromMinutes(20));
        await WithRotatorAsync(rotator => rotator.RotateByIdAsync(old, null), s_overlap);
        Pass(TimeSpan.FromMinutes(20));

        await WithRotatorAsync(rotator => rotator.RotateByIdAsync(HeldId(), null), s_overlap);

        Assert.DoesNotContain(old, Api.Live("ci"));
        Assert.Contains(other, Api.Live("ci"));
        Assert.Equal(3, Api.Live("ci").Length);
    }

    // With a journal in the vault nothing is inferred: what it does not say was not done by a run.
    [Fact]
    public async Task With_a_journal_in_the_vault_that_says_nothing_of_it_no_older_token_is_revoked()
    {
        await IssueToStoreAsync();
        Pass(TimeSpan.FromMinutes(20));
        await IssueToStoreAsync();
        Pass(TimeSpan.FromMinutes(20));
        Kept = "";

        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync(overlap: s_overlap));

        Assert.Equal(MagicBellError.Conflict, failure.Error);
        Assert.Equal(2, Api.Live("ci").Length);
        Assert.Equal("", Kept);
    }

    [Fact]
    public async Task The_old_one_by_its_id_is_ended_and_not_rotated_again()
    {
        string old = await IssueToStoreAsync();
        Pass(TimeSpan.FromMinutes(20));
        await RotateAsync(overlap: s_overlap);
        LoseJournal();
        Pass(TimeSpan.FromMinutes(20));

        await WithRotatorAsync(rotator => rotator.RotateByIdAsync(old, null), s_overlap);

        Assert.Equal([HeldId()], Api.Live("ci"));
    }
}
