using System;
using System.Linq;
using System.Net.Http;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;
using Xunit;

namespace MagicBellJwt.Rotation.Tests;

/// <summary>A rotation from its first step to its last, and what each failure on the way leaves behind.</summary>
public sealed class RotatorTests : RotatorTestBase
{
    [Fact]
    public async Task A_token_is_issued_proved_stored_and_proved_again_before_the_old_one_goes()
    {
        string old = await IssueToStoreAsync();
        Api.Requests.Clear();

        await RotateAsync();

        Assert.Equal(["begun", "created", "proved", "storing", "stored", "revoking", "done"], Steps);
        string held = HeldId();
        Assert.Equal([held], Api.Live("ci"));
        Assert.NotEqual(old, held);
        var rotation = Assert.IsType<TokenRotation>(Assert.Single(Pipeline.Output));
        Assert.Equal((old, held, "prod/secret", false), (rotation.OldId, rotation.NewId, rotation.StoredIn, rotation.Resumed));
        Assert.NotNull(rotation.OldRevokedAt);
        Assert.Equal("DELETE /v2/jwt/project/" + old, Api.Requests.Last());
        Assert.Single(Api.Requests, request => request.StartsWith("POST", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_page_of_a_gateway_is_no_answer_to_a_revocation()
    {
        string old = await IssueToStoreAsync();
        Api.Fail("DELETE", Fault.GatewayPage404);

        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync());

        Assert.Contains(old, failure.Message, StringComparison.Ordinal);
        Assert.Contains(HeldId(), failure.Message, StringComparison.Ordinal);
        Assert.Equal("revoking", Steps.Last());
        Assert.Equal(2, Api.Live("ci").Length);
        Assert.Empty(Pipeline.Output);
        await ResumeAsync();
        Assert.Equal([HeldId()], Api.Live("ci"));
    }

    [Theory]
    [InlineData(Fault.GatewayPage404)]
    [InlineData(Fault.Lost)]
    [InlineData(Fault.Forbidden)]
    public async Task A_new_token_that_could_not_be_revoked_again_is_named_and_left_to_the_next_run(Fault fault)
    {
        string old = await IssueToStoreAsync();
        Store.OnStore = static (_, _) => new StoreResult(StoreOutcome.NotBegun, "The secret was changed.");
        Api.Fail("DELETE", fault);

        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync());

        string @new = Assert.Single(Api.Live("ci"), id => id != old);
        Assert.Contains($"Remove-MbProjectToken '{@new}'", failure.Message, StringComparison.Ordinal);
        Assert.Equal("undoing", Steps.Last());
        await ResumeAsync();
        Assert.Equal([old], Api.Live("ci"));
    }

    [Fact]
    public async Task A_store_that_did_not_begin_to_write_has_the_new_token_revoked()
    {
        string old = await IssueToStoreAsync();
        Store.OnStore = static (_, _) => new StoreResult(StoreOutcome.NotBegun, "The secret was changed.");

        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync());

        Assert.StartsWith("The secret was changed.", failure.Message, StringComparison.Ordinal);
        Assert.Equal([old], Api.Live("ci"));
        Assert.Equal("undone", Steps.Last());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_store_that_failed_after_it_began_keeps_both_and_the_next_run_settles_it(bool wrote)
    {
        string old = await IssueToStoreAsync();
        Store.OnStore = (store, value) =>
        {
            store.Held = wrote ? value : store.Held;
            return new StoreResult(StoreOutcome.InDoubt, "The restart failed.");
        };

        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync());

        Assert.All(Api.Live("ci"), id => Assert.Contains(id, failure.Message, StringComparison.Ordinal));
        Assert.Equal(2, Api.Live("ci").Length);
        Store.OnStore = null;
        await ResumeAsync();
        Assert.Equal([wrote ? HeldId() : old], Api.Live("ci"));
        Assert.Equal(wrote, HeldId() != old);
    }

    [Fact]
    public async Task A_script_that_may_have_stored_is_settled_by_the_next_one_that_surely_did()
    {
        string old = await IssueToStoreAsync();
        Store.IsScript = true;
        Store.OnStore = static (_, _) => new StoreResult(StoreOutcome.InDoubt, "-SaveTo failed.");
        await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync());
        string uncertain = Assert.Single(Api.Live("ci"), id => id != old);
        Store.OnStore = null;

        await RotateAsync();

        Assert.Contains(uncertain, string.Join("\n", Pipeline.Warnings), StringComparison.Ordinal);
        Assert.Equal([HeldId()], Api.Live("ci"));
    }

    [Fact]
    public async Task Scripts_that_fail_every_night_do_not_pile_up_tokens()
    {
        string old = await IssueToStoreAsync();
        Store.IsScript = true;
        Store.OnStore = static (_, _) => new StoreResult(StoreOutcome.InDoubt, "-SaveTo failed.");
        for (int night = 0; night < 5; night++)
        {
            await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync());
        }

        Assert.Equal(4, Api.Live("ci").Length);
        Assert.Contains(old, Api.Live("ci"));
    }

    [Fact]
    public async Task A_secret_that_holds_something_else_is_not_overwritten_and_nothing_is_sent()
    {
        await IssueToStoreAsync();
        string ofAnother = Store.Held!;
        string name = "other";
        await new TokenScope(Session, TokenKind.Project).CreateAsync(new TokenRequest(name, null, null, null), Guid.NewGuid(), false, false, Pipeline.WriteCall);
        Api.Requests.Clear();

        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync(name));

        Assert.Equal(MagicBellError.InvalidRequest, failure.Error);
        Assert.Equal(ofAnother, Store.Held);
        Assert.DoesNotContain(Api.Requests, request => !request.StartsWith("GET", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_lost_create_is_looked_for_as_long_as_it_may_take()
    {
        string old = await IssueToStoreAsync();
        Api.Fail("POST", Fault.Lost);
        await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync());
        await ResumeAsync();
        Assert.DoesNotContain("undone", Steps);

        // The server finishes it late, under a name that it has normalised.
        await new TokenScope(Session, TokenKind.Project).CreateAsync(new TokenRequest(" CI ", null, null, null), Guid.NewGuid(), false, false, Pipeline.WriteCall);
        string late = Assert.Single(Api.Live(" CI "));
        await ResumeAsync();

        Assert.Contains(late, string.Join("\n", Pipeline.Warnings), StringComparison.Ordinal);
        Assert.Equal([old], Api.Live("ci"));
        Assert.Equal([late], Api.Live(" CI "));
    }

    [Fact]
    public async Task An_answer_with_the_id_of_an_older_token_touches_no_token()
    {
        string old = await IssueToStoreAsync();
        Api.Alter = (request, body) => request.Method == HttpMethod.Post
            ? $$"""{"token":"opaque-{{Guid.NewGuid():N}}","token_id":"{{old}}","created_at":"{{DateTimeOffset.UtcNow:yyyy-MM-dd'T'HH:mm:ss'Z'}}"}"""
            : null;

        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync());

        Assert.Equal(MagicBellError.CreateOutcomeUnknown, failure.Error);
        Assert.Contains(old, Api.Live("ci"));
        Assert.DoesNotContain(Api.Requests, request => request.StartsWith("DELETE", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_answer_with_the_id_of_another_token_touches_no_token()
    {
        await IssueToStoreAsync();
        IssuedToken foreign = await new TokenScope(Session, TokenKind.Project).CreateAsync(new TokenRequest("production", null, null, null), Guid.NewGuid(), false, false, Pipeline.WriteCall);
        Api.Alter = (request, body) => request.Method == HttpMethod.Post
            ? $$"""{"token":"opaque-{{Guid.NewGuid():N}}","token_id":"{{foreign.Id}}","created_at":"{{DateTimeOffset.UtcNow:yyyy-MM-dd'T'HH:mm:ss'Z'}}"}"""
            : null;

        await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync());

        Assert.Single(Api.Live("production"));
        Assert.DoesNotContain(Api.Requests, request => request.StartsWith("DELETE", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_new_token_on_which_another_session_runs_is_held_and_not_revoked()
    {
        Store.IsScript = true;
        string old = await IssueToStoreAsync();
        string? value = null;
        Store.OnStore = (store, stored) =>
        {
            value = stored;
            return new StoreResult(StoreOutcome.InDoubt, "Nobody can say.");
        };
        await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync());
        Session other = Connect(value);
        Others.Add(other);
        Store.OnStore = null;

        await RotateAsync();

        Assert.DoesNotContain(old, Api.Live("ci"));
        Assert.Contains(other.TokenId, Api.Live("ci"));
        Assert.Contains(Pipeline.Warnings, warning => warning.Contains(other.TokenId!, StringComparison.Ordinal) && warning.Contains("somebody holds it", StringComparison.Ordinal));
        other.Disconnect();
    }

    [Fact]
    public async Task A_token_that_reads_another_projects_list_is_no_proof()
    {
        string old = await IssueToStoreAsync();
        Api.Alter = (request, body) => request.Method == HttpMethod.Post
            ? System.Text.RegularExpressions.Regex.Replace(body, "\"token\":\"[^\"]+\"", "\"token\":\"opaque\"")
            : request.Headers.Authorization?.Parameter == "opaque" ? """{"data":[],"links":{}}""" : null;

        await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync());

        Assert.Equal([old], Api.Live("ci"));
        Assert.Equal(old, HeldId());
    }

    [Fact]
    public async Task A_block_that_removes_the_new_token_itself_does_not_end_the_old_one()
    {
        string old = await IssueToStoreAsync();
        Store.OnStore = (store, value) =>
        {
            string @new = Api.Live("ci").Single(id => id != old);
            new TokenScope(Session, TokenKind.Project).RevokeAsync(@new, true, Pipeline.WriteCall).GetAwaiter().GetResult();
            return store.Keep(value);
        };

        await Assert.ThrowsAsync<MagicBellException>(() => RotateAsync());

        Assert.Equal([old], Api.Live("ci"));
    }

    [Fact]
    public async Task A_stop_before_anybody_had_the_new_token_revokes_it()
    {
        string old = await IssueToStoreAsync();
        Api.Alter = (request, _) =>
        {
            if (request.Method == HttpMethod.Post)
            {
                Pipeline.Stop();
            }

            return null;
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RotateAsync());

        Assert.Equal([old], Api.Live("ci"));
        Assert.Equal("undone", Steps.Last());
        Assert.Contains(old, Assert.Single(Pipeline.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stop_while_the_store_works_names_both_tokens()
    {
        string old = await IssueToStoreAsync();
        Store.OnStore = (store, value) =>
        {
            Pipeline.Stop();
            throw new OperationCanceledException();
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RotateAsync());

        Assert.Equal(2, Api.Live("ci").Length);
        Assert.All(Api.Live("ci"), id => Assert.Contains(id, Assert.Single(Pipeline.Warnings), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_pipeline_that_surely_took_nothing_has_the_new_token_revoked()
    {
        string old = await IssueToStoreAsync();
        Pipeline.Takes = false;

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => WithRotatorAsync(rotator => rotator.RotateAsync("ci", null), store: null));

        Assert.Equal([old], Api.Live("ci"));
    }

    [Fact]
    public async Task Another_projects_entry_in_the_same_journal_is_left_alone()
    {
        await IssueToStoreAsync();
        using (RotationJournal journal = RotationJournal.Open(JournalPath))
        {
            RotationEntry entry = journal.Begin(Session.BaseAddress.Authority + "/" + Session.ProjectId, "project", Guid.NewGuid().ToString("D"), "ci", null, Guid.NewGuid(), null, "prod", false, TimeSpan.Zero, []);
            journal.Write(entry, RotationStep.Created, ("new", Guid.NewGuid().ToString("D")), ("fingerprint", "0123456789ab"));
        }

        Api.Requests.Clear();
        await ResumeAsync();

        Assert.Equal("created", Steps.Last());
        Assert.Contains("shows neither", Assert.Single(Pipeline.Warnings), StringComparison.Ordinal);
        Assert.DoesNotContain(Api.Requests, request => !request.StartsWith("GET", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_overlap_ends_by_the_servers_clock_and_only_while_the_vault_holds_the_new_token()
    {
        string old = await IssueToStoreAsync();
        await RotateAsync(overlap: TimeSpan.FromMinutes(10));
        Assert.Equal("retiring", Steps.Last());
        string @new = HeldId();
        string value = Store.Held!;
        Store.Held = "something else";
        await ResumeAsync();
        Assert.Contains(old, Api.Live("ci"));
        Api.Clock.Advance(TimeSpan.FromMinutes(11));
        MachineClock.Advance(TimeSpan.FromMinutes(11));

        await Assert.ThrowsAsync<MagicBellException>(() => ResumeAsync());
        Assert.Contains(old, Api.Live("ci"));

        Store.Held = value;
        await ResumeAsync();
        Assert.Equal([@new], Api.Live("ci"));
    }

    // A run that has asked the server for nothing yet does not know its clock, and this machine's may be hours ahead.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_overlap_is_not_over_by_this_machines_clock_alone(bool isResume)
    {
        string old = await IssueToStoreAsync();
        await RotateAsync(overlap: TimeSpan.FromHours(1));
        MachineClock.Advance(TimeSpan.FromHours(30));
        Session.Disconnect();
        Session = Connect();

        await (isResume ? ResumeAsync() : RotateAsync(overlap: TimeSpan.FromHours(1)));

        Assert.Contains(old, Api.Live("ci"));
        Assert.Equal("retiring", Steps.Last());
    }
}
