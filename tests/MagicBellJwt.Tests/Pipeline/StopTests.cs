using System;
using System.Linq;
using System.Management.Automation;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Pipeline;

/// <summary>Ctrl+C in each phase of a call: it returns within a second, leaves nothing open, and what was done is written or told.</summary>
public sealed class StopTests(StopTests.SeededServer fixture) : ServerTests<StopTests.SeededServer>(fixture)
{
    // With an end, so that no warning of a token that never ends stands between what is looked for.
    private protected override string Preparation => "$global:PSDefaultParameterValues = @{ 'New-Mb*Token:ExpiresIn' = [timespan]'01:00' }";

    // One second is promised, and what does not stop would take a minute; a machine that is busy with other tests takes some.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(15);

    [Theory]
    [InlineData("GET * never", "Connect-MbProject $token -BaseUri $address -Name late -MaximumRetryCount 0", 1)]
    [InlineData("GET * never", "Get-MbProjectToken", 1)]
    [InlineData("GET * never", "Get-MbUserToken usr_1, usr_2, usr_3", 3)]
    [InlineData("GET * drip ms=50", "Get-MbProjectToken", 1)]
    [InlineData("GET * never skip=1", "Get-MbProjectToken -PageSize 10", 2)]
    [InlineData("GET * 503", "Get-MbProjectToken", 2)]
    [InlineData("GET * 429 retry-after=60", "Get-MbProjectToken", 1)]
    [InlineData("DELETE * 429 retry-after=60", "$ids | Remove-MbProjectToken -Force", 1)]
    [InlineData("POST * 429 retry-after=60", "1..20 | New-MbProjectToken -ThrottleLimit 8", 1)]
    [InlineData("GET * reset", "Get-MbProjectToken", 2)]
    public async Task A_stop_in_any_phase_returns_and_leaves_nothing_open(string fault, string script, int requests)
    {
        Run("$ids = 1..20 | ForEach-Object { [guid]::NewGuid() }", ("token", Server.SecureToken()), ("address", Server.BaseAddress)).MustSucceed();
        await Server.FailAsync(fault);
        using RunningScript running = Engine.Start(script);
        Assert.True(await Eventually.IsAsync(async () => (await Server.RequestsAsync()).Length >= requests));

        (Run run, TimeSpan took) = running.Stop();

        Assert.InRange(took, TimeSpan.Zero, s_limit);
        Assert.Empty(run.Errors);
        Assert.Empty(Engine.Run("Get-MbSession late").MustSucceed());
        int sent = (await Server.RequestsAsync()).Length;
        await Task.Delay(700, TestContext.Current.CancellationToken);
        Assert.Equal(sent, (await Server.RequestsAsync()).Length);

        // Disconnected, so that no idle connection is kept: what is open then belongs to something that still runs.
        Engine.Run("Disconnect-MbProject -All").MustSucceed();
        Assert.True(await Eventually.IsAsync(() => OpenConnections() == 0), $"{OpenConnections()} connections are open.");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_revocation_whose_answer_was_lost_is_named_where_the_list_that_would_tell_is_not_read(bool isStopped)
    {
        string id = Run("$lost = New-MbProjectToken lost; $lost").MustSucceed().Single().Id();
        await Server.ResetAsync();
        await Server.FailAsync("DELETE * reset-after-work times=1", isStopped ? "GET * never" : "GET * 500 body=html");
        using RunningScript running = Engine.Start("$lost | Remove-MbProjectToken -Force -PassThru");
        Assert.True(await Eventually.IsAsync(async () => (await Server.RequestsAsync()).Any(request => request.Method == "GET")));

        Run run = isStopped ? running.Stop().Run : running.Wait();

        Assert.Contains(run.Errors.Select(error => error.Exception.Message).Concat(Host.Lines), said => said.Contains(id, StringComparison.Ordinal) && said.Contains("answer was lost", StringComparison.Ordinal));
        await Server.ResetAsync();
        PSObject told = Run("Get-MbTokenHistory | Where-Object { $_.Operation -eq 'Revoke' -and $_.Id -eq $id }", ("id", id)).MustSucceed().Single();
        Assert.Equal("Unknown", told.Get<string>("Outcome"));
    }

    [Theory]
    [InlineData("Connect-MbProject $token -BaseUri $silent -Name late")]
    [InlineData("Get-MbProjectToken -Session silent")]
    [InlineData("New-MbProjectToken ci -Session silent")]
    [InlineData("$ids | Remove-MbProjectToken -Force -Session silent")]
    public async Task A_stop_while_it_connects_returns_and_leaves_nothing_in_doubt(string script)
    {
        // It takes a connection and never begins TLS.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        Run(
            "$ids = 1..20 | ForEach-Object { [guid]::NewGuid() }; $null = Connect-MbProject $token -BaseUri $silent -Name silent -SkipConnectionTest",
            ("token", Server.SecureToken()),
            ("silent", new Uri($"https://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}/v2"))).MustSucceed();
        using RunningScript running = Engine.Start(script);
        using Socket connection = await silent.AcceptSocketAsync(TestContext.Current.CancellationToken);

        (Run run, TimeSpan took) = running.Stop();

        Assert.InRange(took, TimeSpan.Zero, s_limit);
        Assert.Empty(run.Errors);
        Assert.Empty(Host.Lines);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Theory]
    [InlineData("-ReadsPerMinute 1", "1..3 | ForEach-Object { $null = Get-MbProjectToken -Session paced; $_ }")]
    [InlineData("-WritesPerMinute 1", "1..3 | ForEach-Object { $null = New-MbProjectToken ci -Session paced; $_ }")]
    [InlineData("-WritesPerMinute 1", "$ids | Remove-MbProjectToken -Force -PassThru -Session paced -ErrorAction SilentlyContinue")]
    public async Task A_stop_ends_the_wait_for_the_pace(string pace, string script)
    {
        Run(
            $"Connect-MbProject $token -BaseUri $address -Name paced -SkipConnectionTest {pace}; $ids = 1..20 | ForEach-Object {{ [guid]::NewGuid() }}",
            ("token", Server.SecureToken()),
            ("address", Server.BaseAddress)).MustSucceed();
        using RunningScript running = Engine.Start(script);
        Assert.True(await Eventually.IsAsync(async () => (await PacedAsync()).Length == 1));
        await Task.Delay(200, TestContext.Current.CancellationToken);

        (_, TimeSpan took) = running.Stop();

        Assert.InRange(took, TimeSpan.Zero, s_limit);
        Assert.Single(await PacedAsync());
        Assert.Empty(Host.Lines);

        // Before it revokes anything a session looks whether its own id is listed.
        async Task<ServerRequest[]> PacedAsync() => pace.StartsWith("-Writes", StringComparison.Ordinal) ? await WritesAsync() : await Server.RequestsAsync();
    }

    [Fact]
    public async Task A_token_that_arrives_within_the_second_is_revoked_again_and_named()
    {
        (Run run, string told, ServerToken token) = await StopBeforeAnswerAsync("late", (told, _) => told.Contains("was revoked again", StringComparison.Ordinal), "POST * delay ms=250");

        Assert.Empty(run.Output);
        Assert.False(token.Live);
        Assert.Contains($"'{token.Name}'", told, StringComparison.Ordinal);
        Assert.Contains(token.Id, told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_cannot_be_taken_back_in_time_is_named_with_the_command_that_does()
    {
        (_, _, ServerToken token) = await StopBeforeAnswerAsync("stuck", (told, token) => told.EndsWith($"Remove-MbProjectToken '{token.Id}'", StringComparison.Ordinal), "POST * delay ms=250", "DELETE * never");

        await Server.ResetAsync();
        Engine.Run($"Remove-MbProjectToken {token.Id} -Force").MustSucceed();
    }

    [Fact]
    public async Task A_create_whose_answer_stays_out_is_named_with_its_key_and_the_command_that_looks_for_it()
    {
        await Server.FailAsync("POST * never-after-work");
        using RunningScript running = Engine.Start("New-MbProjectToken doubt");
        await AwaitWritesAsync(1);

        (_, TimeSpan took) = running.Stop();

        Assert.InRange(took, TimeSpan.Zero, s_limit);
        string told = Assert.Single(Host.Lines);
        Assert.Contains((await WritesAsync()).Single().Headers["Idempotency-Key"], told, StringComparison.Ordinal);
        const string Lead = "Look for it: ";
        await Server.ResetAsync();
        PSObject found = Assert.Single(Engine.Run(told[(told.IndexOf(Lead, StringComparison.Ordinal) + Lead.Length)..]).MustSucceed());
        Assert.Equal(Assert.Single(await Server.TokensAsync(), token => token.Name == "doubt").Id, found.Get<string>("Id"));
    }

    [Fact]
    public async Task A_revocation_whose_answer_comes_is_told_and_one_whose_does_not_is_named()
    {
        string[] ids = [.. Run("$t = 1..2 | ForEach-Object { New-MbProjectToken ci }; $t.Id").MustSucceed().Select(id => id.ToString())];
        await Server.ResetAsync();
        await Server.FailAsync($"DELETE */{ids[0]} delay ms=250", $"DELETE */{ids[1]} never-after-work");
        using RunningScript running = Engine.Start("$t | Remove-MbProjectToken -Force -PassThru");
        await AwaitWritesAsync(2);

        (Run run, TimeSpan took) = running.Stop();

        Assert.InRange(took, TimeSpan.Zero, s_limit);
        Assert.Empty(run.Output);
        Assert.Equal(2, Host.Lines.Count);
        Assert.Contains("had already been revoked", Assert.Single(Host.Lines, line => line.Contains(ids[0], StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Single(Host.Lines, line => line.Contains(ids[1], StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_was_done_before_a_stop_in_bulk_is_written_or_told()
    {
        string[] ids = [.. Run("$t = 1..60 | ForEach-Object { New-MbProjectToken ci }; $t.Id").MustSucceed().Select(id => id.ToString())];
        await Server.ResetAsync();
        await Server.FailAsync("DELETE * delay ms=60");
        using RunningScript running = Engine.Start("$t | Remove-MbProjectToken -Force -PassThru -ThrottleLimit 8");
        await AwaitWritesAsync(20);

        (Run run, TimeSpan took) = running.Stop();

        Assert.InRange(took, TimeSpan.Zero, s_limit);
        string[] revoked = [.. (await Server.TokensAsync()).Where(token => ids.Contains(token.Id) && !token.Live).Select(token => token.Id)];
        Assert.InRange(revoked.Length, 12, ids.Length);
        string told = string.Join('\n', Host.Lines);
        Assert.All(revoked, id => Assert.True(run.Output.Any(item => item.Id() == id) || told.Contains(id, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_stop_while_another_project_is_looked_at_still_tells_what_was_done_in_the_first()
    {
        const string Live = """{"data":[{"id":"0198c0de-0000-7000-8000-000000000001","created_at":"2026-01-01T00:00:00Z"},{"id":"0198c0de-0000-7000-8000-000000000002","created_at":"2026-01-01T00:00:00Z"}],"links":{}}""";
        await using var first = RawServer.Scripted(async request =>
        {
            await Task.Delay(request.Method == "DELETE" ? 300 : 0);
            return request.Method == "DELETE" ? Answers.Discarded(request) : Answers.Json(200, Live);
        });
        await Server.FailAsync("GET * never");
        Run(
            "$null = Connect-MbProject $token -BaseUri $first -Name first -SkipConnectionTest; $null = Connect-MbProject $token -BaseUri $second -Name second -SkipConnectionTest; $t = Get-MbProjectToken -First 1 -Session first",
            ("token", Secret.Of("opaque")),
            ("first", first.BaseAddress),
            ("second", Server.BaseAddress)).MustSucceed();
        using RunningScript running = Engine.Start("$t, '0198c0de-0000-7000-8000-000000000003' | Remove-MbProjectToken -Force");
        Assert.True(await Eventually.IsAsync(async () => first.Requests.Any(request => request.Method == "DELETE") && (await Server.RequestsAsync()).Length == 1));

        (_, TimeSpan took) = running.Stop();

        Assert.InRange(took, TimeSpan.Zero, s_limit);

        // As revoked, or, where the machine was too busy for the answer to come in time, as in doubt.
        Assert.Single(Host.Lines, line => (line.Contains("had already been revoked", StringComparison.Ordinal) || line.Contains("Could not revoke", StringComparison.Ordinal)) && line.Contains("0198c0de-0000-7000-8000-000000000001", StringComparison.Ordinal));
    }

    /// <summary>
    /// Stops a create after its request and before its answer, which comes within the time that a stop waits for it. A machine that is too busy
    /// for that tells of a doubt, rightly: then again, until what is expected was told.
    /// </summary>
    /// <returns>How it ended, the one line that was told, and the token.</returns>
    private async Task<(Run Run, string Told, ServerToken Token)> StopBeforeAnswerAsync(string name, Func<string, ServerToken, bool> isExpected, params string[] faults)
    {
        const int Attempts = 20;
        for (int attempt = 1; ; attempt++)
        {
            await Server.ResetAsync(faults);
            int lines = Host.Lines.Count;
            using RunningScript running = Engine.Start($"New-MbProjectToken '{name} {attempt}'");
            await AwaitWritesAsync(1);
            (Run run, TimeSpan took) = running.Stop();

            Assert.InRange(took, TimeSpan.Zero, s_limit);
            if (run.Output.Count == 1 && Host.Lines.Count == lines)
            {
                // The answer was there before the stop.
                Assert.True(attempt < Attempts, "The stop never came in time.");
                continue;
            }

            string told = Assert.Single(Host.Lines.Skip(lines));
            Assert.True(await Eventually.IsAsync(async () => (await Server.TokensAsync()).Any(token => token.Name == $"{name} {attempt}")));
            ServerToken token = Assert.Single(await Server.TokensAsync(), token => token.Name == $"{name} {attempt}");
            if (isExpected(told, token))
            {
                return (run, told, token);
            }

            Assert.True(attempt < Attempts, "Never told as expected, and at last: " + told);
            Assert.True(told.Contains("Look for it: ", StringComparison.Ordinal) || told.Contains("may be live", StringComparison.Ordinal), told);
        }
    }

    private async Task AwaitWritesAsync(int count) => Assert.True(await Eventually.IsAsync(async () => (await WritesAsync()).Length >= count));

    private int OpenConnections() => IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpConnections()
        .Count(connection => connection.RemoteEndPoint.Port == Server.BaseAddress.Port && connection.State == TcpState.Established)
        - 1; // the tests' own, to the control address

    public sealed class SeededServer : ServerFixture
    {
        protected override string[] Options => ["--seed-project-tokens", "30", "--seed-user", "usr_1:1", "--seed-user", "usr_2:1", "--seed-user", "usr_3:1"];
    }
}
