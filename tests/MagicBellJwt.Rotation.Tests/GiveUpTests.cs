using System;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;
using Xunit;

namespace MagicBellJwt.Rotation.Tests;

/// <summary>What becomes of a rotation that is given up, at each step where it may stand.</summary>
public sealed class GiveUpTests : RotatorTestBase
{
    private Task GiveUpAsync()
    {
        RotationEntry? entry = null;
        return WithRotatorAsync(
            rotator => rotator.GiveUpAsync(entry!),
            journal => entry = Assert.Single(journal.Entries, candidate => !candidate.IsFinished));
    }

    [Fact]
    public async Task A_new_token_that_the_vault_does_not_hold_is_revoked_and_the_old_one_stays()
    {
        string old = await IssueToStoreAsync();
        Store.OnStore = static (_, _) => new StoreResult(StoreOutcome.InDoubt, "The vault is locked.");
        await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync());

        await GiveUpAsync();

        Assert.Equal([old], Api.Live("ci"));
        Assert.Equal("undone", Steps.Last());
        Assert.Single(Pipeline.Asked, text => text.StartsWith("Give up", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false, "holds the new project token")]
    [InlineData(true, "does not say whether it holds")]
    public async Task A_new_token_that_the_vault_holds_or_may_hold_stays_with_the_old_one(bool unreadable, string told)
    {
        string old = await IssueToStoreAsync();
        await RotateAsync(overlap: TimeSpan.FromHours(1));
        Store.IsUnreadable = unreadable;

        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(GiveUpAsync);

        Assert.Contains(told, failure.Message, StringComparison.Ordinal);
        Assert.Equal(2, Api.Live("ci").Length);
        Assert.EndsWith($"Remove-MbProjectToken '{Api.Live("ci").Single(id => id != old)}' -Session 'prod'", failure.Message, StringComparison.Ordinal);
        Assert.Equal("retiring", Steps.Last());
    }

    [Fact]
    public async Task Once_the_vault_has_the_old_token_again_the_new_one_is_revoked()
    {
        string old = await IssueToStoreAsync();
        string value = Store.Held!;
        await RotateAsync(overlap: TimeSpan.FromHours(1));
        Store.Held = value;

        await GiveUpAsync();

        Assert.Equal([old], Api.Live("ci"));
        Assert.Equal("undone", Steps.Last());
    }

    [Fact]
    public async Task A_script_that_may_have_stored_it_keeps_both()
    {
        await IssueToStoreAsync();
        Store.IsScript = true;
        Store.OnStore = static (_, _) => new StoreResult(StoreOutcome.InDoubt, "-SaveTo failed.");
        await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync());

        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(GiveUpAsync);

        Assert.Contains("-SaveTo may have stored", failure.Message, StringComparison.Ordinal);
        Assert.Equal(2, Api.Live("ci").Length);
    }

    [Fact]
    public async Task With_an_old_token_that_is_not_live_nothing_is_given_up()
    {
        string old = await IssueToStoreAsync();
        Store.OnStore = static (_, _) => new StoreResult(StoreOutcome.InDoubt, "The vault is locked.");
        await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync());
        await new TokenScope(Session, TokenKind.Project).RevokeAsync(old, wasListed: true, Pipeline.WriteCall);

        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(GiveUpAsync);

        Assert.Contains("does not show the old", failure.Message, StringComparison.Ordinal);
        Assert.Single(Api.Live("ci"));
        Assert.NotEqual("undone", Steps.Last());
    }

    [Fact]
    public async Task A_create_that_may_still_come_is_not_given_up()
    {
        await IssueToStoreAsync();
        Api.Fail("POST", Fault.Lost);
        await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync());

        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(GiveUpAsync);

        Assert.Contains("may still finish", failure.Message, StringComparison.Ordinal);
        Assert.NotEqual("undone", Steps.Last());
    }

    [Fact]
    public async Task A_no_changes_nothing()
    {
        await IssueToStoreAsync();
        Store.OnStore = static (_, _) => new StoreResult(StoreOutcome.InDoubt, "The vault is locked.");
        await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync());
        string[] steps = Steps;
        Pipeline.Agrees = false;

        await GiveUpAsync();

        Assert.Equal(steps, Steps);
        Assert.Equal(2, Api.Live("ci").Length);
    }

    [Fact]
    public async Task A_run_before_the_time_says_when_it_will_be()
    {
        string old = await IssueToStoreAsync();
        await RotateAsync(overlap: TimeSpan.FromHours(1));

        await ResumeAsync();

        Assert.Equal(2, Pipeline.Told.Count);
        string told = Pipeline.Told[1];
        Assert.Contains(old, told, StringComparison.Ordinal);
        Assert.Contains("stays until", told, StringComparison.Ordinal);
        Assert.Equal(2, Api.Live("ci").Length);
    }

    // The step at which the run died, what stores, what is told, and null where the new token is revoked.
    [Theory]
    [InlineData(RotationStep.Begun, "vault", "may still finish the create")]
    [InlineData(RotationStep.Created, "vault", null)]
    [InlineData(RotationStep.Proved, "vault", null)]
    [InlineData(RotationStep.Storing, "vault", null)]
    [InlineData(RotationStep.Stored, "vault", "vault 'prod' holds the new project token")]
    [InlineData(RotationStep.Revoking, "vault", "vault 'prod' holds the new project token")]
    [InlineData(RotationStep.Created, "file", null)]
    [InlineData(RotationStep.Storing, "file", null)]
    [InlineData(RotationStep.Stored, "file", "file '/var/lib/magicbell/token' holds the new project token")]
    [InlineData(RotationStep.Revoking, "file", "file '/var/lib/magicbell/token' holds the new project token")]
    [InlineData(RotationStep.Proved, "script", null)]
    [InlineData(RotationStep.Storing, "script", "-SaveTo may have stored the new project token")]
    [InlineData(RotationStep.Stored, "script", "-SaveTo may have stored the new project token")]
    [InlineData(RotationStep.Proved, "pipeline", null)]
    [InlineData(RotationStep.Storing, "pipeline", "Somebody may have received the new project token")]
    public async Task A_run_that_died_is_given_up_where_nobody_can_hold_the_new_token_and_else_both_are_named(RotationStep died, string place, string? told)
    {
        string old = await IssueToStoreAsync();
        (Store.IsFile, Store.IsScript) = (place == "file", place == "script");
        Kept = "";
        OnKeep = text =>
        {
            Kept = text;
            if (string.Equals(Steps.Last(), died.ToString(), StringComparison.OrdinalIgnoreCase))
            {
                Api.Kill();
            }
        };
        await Assert.ThrowsAsync<KilledException>(() => WithRotatorAsync(rotator => rotator.RotateAsync("ci", null), place == "pipeline" ? null : Store));
        Api.Recover();
        OnKeep = null;
        Pass(TimeSpan.FromMinutes(11));
        string[] before = Api.Live("ci");
        string value = Store.Held!;

        if (told is null)
        {
            Assert.Equal(2, before.Length);
            await GiveUpAsync();
            Assert.Equal([old], Api.Live("ci"));
            Assert.Equal("undone", Steps.Last());
            Assert.Contains(old, Assert.Single(Pipeline.Warnings), StringComparison.Ordinal);
        }
        else
        {
            MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(GiveUpAsync);
            Assert.Contains(told, failure.Message, StringComparison.Ordinal);
            Assert.Equal(told.Contains("holds the new", StringComparison.Ordinal), failure.Message.Contains("cannot be put back from here", StringComparison.Ordinal));
            Assert.All(before.Except([old]), id => Assert.Contains(id, failure.Message, StringComparison.Ordinal));
            Assert.Equal(before, Api.Live("ci"));
            Assert.Contains(old, before);
        }

        Assert.Equal(value, Store.Held);
    }

    // SecretStore shows for five seconds what a process had read before another one wrote.
    [Theory]
    [InlineData("give up", RotationStep.Storing)]
    [InlineData("give up", RotationStep.Stored)]
    [InlineData("give up", RotationStep.Revoking)]
    [InlineData("resume", RotationStep.Storing)]
    [InlineData("resume", RotationStep.Stored)]
    [InlineData("resume", RotationStep.Revoking)]
    public async Task A_vault_that_shows_late_what_another_process_wrote_is_asked_again(string next, RotationStep died)
    {
        string old = await IssueToStoreAsync();
        string before = Store.Held!;
        Kept = "";
        Store.OnStore = (store, value) => died == RotationStep.Storing ? StoreAndDie(store, value) : store.Keep(value);
        OnKeep = text =>
        {
            Kept = text;
            if (died != RotationStep.Storing && string.Equals(Steps.Last(), died.ToString(), StringComparison.OrdinalIgnoreCase))
            {
                Api.Kill();
            }
        };
        await Assert.ThrowsAsync<KilledException>(() => RotateAsync());
        Api.Recover();
        OnKeep = null;
        string written = Store.Held!;
        string held = HeldId();
        Store.Held = before;
        Pipeline.OnWait = () => Store.Held = written;

        // Another run may be at a younger step of a journal in a vault; in a file the lock says that there is none.
        File.WriteAllText(JournalPath, Kept + "\n");
        Kept = null;
        if (next == "resume")
        {
            await ResumeAsync();
            Assert.Equal([held], Api.Live("ci"));
        }
        else
        {
            MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(GiveUpAsync);
            Assert.Contains(held, failure.Message, StringComparison.Ordinal);
            Assert.Equal(new[] { held, old }.Order(), Api.Live("ci").Order());
        }

        Assert.Equal(held, HeldId());
    }

    // SecretStore deletes a secret before it writes the next one.
    [Fact]
    public async Task A_vault_that_lost_the_old_value_in_the_middle_of_a_write_is_named_and_the_next_run_fills_it()
    {
        string old = await IssueToStoreAsync();
        Store.OnStore = (store, _) =>
        {
            store.Held = null;
            Api.Kill();
            return StoreResult.Stored;
        };
        await Assert.ThrowsAsync<KilledException>(() => RotateAsync());
        Api.Recover();
        Store.OnStore = null;

        await ResumeAsync();

        Assert.Equal([old], Api.Live("ci"));
        Assert.Equal(2, Pipeline.Warnings.Count);
        Assert.Contains("gives no token at all", Pipeline.Warnings[1], StringComparison.Ordinal);
        Assert.EndsWith($"Update-MbProjectToken -Id '{old}' -Vault 'prod' -SecretName 'secret' -Session 'prod'", Pipeline.Warnings[1], StringComparison.Ordinal);
        await RotateAsync();
        Assert.Equal([HeldId()], Api.Live("ci"));
    }

    private StoreResult StoreAndDie(FakeStore store, string value)
    {
        store.Keep(value);
        Api.Kill();
        return StoreResult.Stored;
    }
}
