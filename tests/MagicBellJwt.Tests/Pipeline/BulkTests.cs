using System;
using System.Collections.Concurrent;
using System.Linq;
using System.Management.Automation;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Pipeline;

/// <summary>Many items at a time, through one pipeline.</summary>
public sealed class BulkTests(ServerFixture fixture) : ServerTests(fixture)
{
    // With an end, so that no warning of a token that never ends stands between what is looked for.
    private protected override string Preparation => "$global:PSDefaultParameterValues = @{ 'New-Mb*Token:ExpiresIn' = [timespan]'01:00' }";

    private static readonly string s_emptyList = Answers.Json(200, """{"data":[],"links":{}}""");

    private const string Ids = "$ids = 1..40 | ForEach-Object { \"0198c0de-0000-7000-8000-$('{0:000000000000}' -f $_)\" }; ";

    [Theory]
    [InlineData("$ids | Remove-MbProjectToken -Force", 8)]
    [InlineData("Remove-MbUserToken $ids -Force", 8)]
    [InlineData("$ids | Remove-MbProjectToken -Force -ThrottleLimit 3", 3)]
    [InlineData("$ids | Remove-MbProjectToken -Force -ThrottleLimit 1", 1)]
    [InlineData("$ids | Remove-MbProjectToken -Force -ThrottleLimit 32", 32)]
    [InlineData("1..10 | New-MbProjectToken", 1)]
    [InlineData("1..20 | New-MbProjectToken -ThrottleLimit 4", 4)]
    [InlineData("1..20 | ForEach-Object { \"$_@example.com\" } | New-MbUserToken -ThrottleLimit 5", 5)]
    [InlineData("$ids | Get-MbUserToken", 8)]
    [InlineData("Get-MbUserToken $ids -ThrottleLimit 2", 2)]
    [InlineData("Get-MbUserToken $ids -First 100", 1)]
    public async Task As_many_requests_are_in_flight_as_the_limit_says(string script, int limit)
    {
        int inFlight = 0;
        int most = 0;
        bool reads = script.Contains("Get-", StringComparison.Ordinal);
        await using var server = RawServer.Scripted(async request =>
        {
            if (request.Method == "GET" && !reads)
            {
                // Before the first revocation the list is looked at, for the session's own token.
                return s_emptyList;
            }

            InterlockedMax(ref most, Interlocked.Increment(ref inFlight));

            // Nothing is answered before there are as many as there may be, and then it is seen whether more come.
            await Eventually.IsAsync(() => Volatile.Read(ref most) >= limit);
            await Task.Delay(30);
            Interlocked.Decrement(ref inFlight);
            return request.Method switch
            {
                "DELETE" => Answers.Discarded(request),
                "POST" => Answers.Created(),
                _ => s_emptyList,
            };
        });
        ConnectTo(server);

        Run(Ids + script).MustSucceed();

        Assert.Equal(limit, most);
    }

    [Fact]
    public async Task One_at_a_time_is_strictly_in_order()
    {
        // Each is slower than the one after it: whatever overlaps comes out in another order.
        await using var server = RawServer.Scripted(async request =>
        {
            await Task.Delay(25 - (request.Target[^2..] is var digits ? int.Parse(digits, null) : 0));
            return Answers.Discarded(request);
        });
        ConnectTo(server);

        string[] ids = [.. Run(Ids + "$ids = $ids[0..19]; $ids").Output.Select(id => id.ToString())];
        Assert.Equal(ids, Run("$ids | Remove-MbProjectToken -Force -PassThru -ThrottleLimit 1").MustSucceed().Select(item => item.Id()));
        Assert.Equal(ids, server.Requests.Where(request => request.Method == "DELETE").Select(request => request.Target.Split('/')[^1]));
    }

    [Fact]
    public async Task Results_come_out_as_they_finish()
    {
        int asked = 0;
        await using var server = RawServer.Scripted(async request =>
        {
            if (request.Method == "GET")
            {
                return s_emptyList;
            }

            // The first is answered when the last has been asked about: then all but the eight in flight have come out.
            Interlocked.Increment(ref asked);
            if (request.Target.EndsWith("001", StringComparison.Ordinal))
            {
                await Eventually.IsAsync(() => Volatile.Read(ref asked) == 40);
            }

            return Answers.Discarded(request);
        });
        ConnectTo(server);

        string[] ids = [.. Run(Ids + "$ids | Remove-MbProjectToken -Force -PassThru").MustSucceed().Select(item => item.Id())];

        Assert.InRange(Array.FindIndex(ids, id => id.EndsWith("001", StringComparison.Ordinal)), 32, 39);
    }

    [Fact]
    public async Task Each_is_asked_about_on_the_pipeline_thread_in_order_and_sent_only_then()
    {
        var log = new ConcurrentQueue<string>();
        await using var server = RawServer.Scripted(request =>
        {
            log.Enqueue("sent " + request.Target[^12..]);
            return Answers.Discarded(request);
        });
        var threads = new ConcurrentBag<int>();
        Host.Choose = (question, _) =>
        {
            threads.Add(Environment.CurrentManagedThreadId);
            string id = question[(question.IndexOf("0198c0de", StringComparison.Ordinal) + 24)..][..12];
            log.Enqueue("asked " + id);
            Thread.Sleep(5);
            return 0;
        };
        ConnectTo(server);

        Run run = Run(Ids + "$ids | Remove-MbProjectToken; [Environment]::CurrentManagedThreadId");

        int pipelineThread = (int)run.MustSucceed()[^1].BaseObject;
        Assert.All(threads, thread => Assert.Equal(pipelineThread, thread));
        string[] lines = [.. log];
        string[] asked = [.. lines.Where(line => line.StartsWith("asked", StringComparison.Ordinal)).Select(line => line["asked ".Length..])];
        Assert.Equal(40, asked.Length);
        Assert.Equal(asked.Order(), asked);
        Assert.All(asked, id => Assert.True(Array.IndexOf(lines, "asked " + id) < Array.IndexOf(lines, "sent " + id)));
    }

    // The ids of the rows that say that something was done; one that failed is a row too.
    private static string[] Done(Run run) => [.. run.Output.Where(item => item.Get<string>("Outcome") is not ("Failed" or "Unknown")).Select(item => item.Id())];

    [Fact]
    public async Task One_items_failure_is_one_error_about_it_and_the_others_are_done()
    {
        string[] ids = [.. Run("$t = 1..30 | ForEach-Object { New-MbProjectToken ci }; $t.Id").MustSucceed().Select(id => id.ToString())];
        await Server.ResetAsync();
        await Server.FailAsync($"DELETE */{ids[3]} 403", $"DELETE */{ids[20]} 409", $"DELETE */{ids[29]} answer body=html");

        Run run = Try("$t | Remove-MbProjectToken -Force -PassThru");

        Assert.Null(run.End);
        Assert.Equal(
            [(ids[3], "MbForbidden"), (ids[20], "MbConflict"), (ids[29], "MbUnexpectedResponse")],
            run.Errors.Select(error => (error.TargetObject.ToString(), error.FullyQualifiedErrorId.Split(',')[0])).OrderBy(error => Array.IndexOf(ids, error.Item1)));
        Assert.Equal(27, Done(run).Length);
        Assert.Equal(
            [(ids[3], "Failed"), (ids[20], "Failed"), (ids[29], "Unknown")],
            run.Output.Where(item => !Done(run).Contains(item.Id())).Select(item => (item.Id(), item.Get<string>("Outcome"))).OrderBy(row => Array.IndexOf(ids, row.Item1)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task ErrorAction_Stop_reports_what_was_done_before_it_ends(int throttleLimit)
    {
        string[] ids = [.. Run("$t = 1..30 | ForEach-Object { New-MbProjectToken ci }; $t.Id").MustSucceed().Select(id => id.ToString())];
        await Server.ResetAsync();
        await Server.FailAsync($"DELETE */{ids[9]} 403", "DELETE * delay ms=60");

        Run run = Run($"$t | Remove-MbProjectToken -Force -PassThru -ErrorAction Stop -ThrottleLimit {throttleLimit}; 'went on'");

        Assert.StartsWith("MbForbidden,", run.End!.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ids[9], run.End.TargetObject.ToString());
        string[] revoked = [.. (await Server.TokensAsync()).Where(token => ids.Contains(token.Id) && !token.Live).Select(token => token.Id)];
        Assert.Equal(revoked.Order(), Done(run).Order());
        Assert.InRange(revoked.Length, 9, 9 + throttleLimit);

        // Progress is shown where the machine is busy; nothing else is said.
        Assert.DoesNotContain(Host.Lines, line => !line.StartsWith("PROGRESS: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_wrong_token_ends_a_bulk_run_after_what_is_in_flight()
    {
        Run("$t = 1..30 | ForEach-Object { New-MbProjectToken ci }").MustSucceed();
        await Server.ResetAsync();
        await Server.FailAsync("DELETE * 401 skip=10");

        Run run = Try("$t | Remove-MbProjectToken -Force -PassThru");

        Assert.StartsWith("MbUnauthorized,", run.End!.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(10, Done(run).Length);
        Assert.InRange((await WritesAsync()).Length, 11, 10 + 8);

        // Only one error can end a pipeline: those of the others in flight are warnings.
        Assert.Empty(run.Errors);
        Assert.Equal((await WritesAsync()).Length - 11, run.Warnings.Count);
    }

    [Theory]
    [InlineData(2, 60, true)]
    [InlineData(8, 10, false)]
    public async Task Progress_is_shown_after_a_second_however_busy_it_is_and_ended(int throttleLimit, int milliseconds, bool counted)
    {
        await using var server = RawServer.Scripted(async request =>
        {
            await Task.Delay(milliseconds);
            return request.Target.EndsWith('7') ? Answers.Json(403, """{"errors":[{"message":"no"}]}""") : Answers.Discarded(request);
        });
        ConnectTo(server);
        int count = counted ? 60 : 1200;
        string input = $"$ids = 1..{count} | ForEach-Object {{ \"0198c0de-0000-7000-8000-$('{{0:000000000000}}' -f $_)\" }}; ";

        Run run = Run(input + (counted ? "Remove-MbProjectToken $ids" : "$ids | Remove-MbProjectToken") + $" -Force -ErrorAction SilentlyContinue -ThrottleLimit {throttleLimit}");

        Assert.NotEmpty(run.Progress);
        Assert.Equal(ProgressRecordType.Completed, run.Progress[^1].RecordType);
        ProgressRecord[] shown = [.. run.Progress.SkipLast(1)];
        Assert.NotEmpty(shown);
        Assert.All(shown, record => Assert.Equal((ProgressRecordType.Processing, "Remove-MbProjectToken"), (record.RecordType, record.Activity)));
        Assert.All(shown, record => Assert.Matches(@"^\d+ done, \d+ failed, \d+ under way", record.StatusDescription));
        Assert.Equal(counted, shown[^1].PercentComplete > 0);
        Assert.Equal(counted, shown[^1].SecondsRemaining >= 0);
    }

    [Fact]
    public void What_takes_less_than_a_second_shows_no_progress() =>
        Assert.Empty(Run("$t = 1..5 | ForEach-Object { New-MbProjectToken ci }; $t | Remove-MbProjectToken -Force").Progress);

    [Fact]
    public async Task A_429_makes_the_session_wait_once_and_is_said_once()
    {
        int refused = 0;
        var times = new ConcurrentQueue<(DateTimeOffset Time, bool Refused)>();
        await using var server = RawServer.Scripted(async request =>
        {
            if (request.Method == "GET")
            {
                // Whether the session's own id is listed.
                return Answers.Json(200, """{"data":[],"links":{} }""");
            }

            bool refuses = Interlocked.Increment(ref refused) <= 4;
            times.Enqueue((DateTimeOffset.UtcNow, refuses));
            await Task.Delay(20);
            return refuses ? Answers.Json(429, "{}", "Retry-After: 2") : Answers.Discarded(request);
        });
        ConnectTo(server);

        Run run = Run(Ids + "$ids | Remove-MbProjectToken -Force -PassThru -ThrottleLimit 4");

        Assert.Equal(40, run.MustSucceed().Count);
        Assert.Equal("The server's rate limit was met (429): the session waits 2 s.", Assert.Single(run.Warnings));
        DateTimeOffset last = times.Where(request => request.Refused).Max(request => request.Time);
        Assert.All(times.Where(request => !request.Refused), request => Assert.True(request.Time - last > TimeSpan.FromSeconds(1.5)));
        Assert.Contains(run.Progress, record => record.StatusDescription.Contains("waiting", StringComparison.Ordinal) && record.StatusDescription.EndsWith(" s for the rate limit", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_pipeline_uses_one_connection_an_item_in_flight()
    {
        Run("$t = 1..40 | ForEach-Object { New-MbProjectToken ci }").MustSucceed();
        await Server.ResetAsync();

        Run("$t | Remove-MbProjectToken -Force -ThrottleLimit 4").MustSucceed();

        Assert.InRange((await WritesAsync()).Select(request => request.ConnectionId).Distinct().Count(), 1, 4);
    }

    [Theory]
    [InlineData("Remove-MbProjectToken $ids[0] -Force -ThrottleLimit 0")]
    [InlineData("Remove-MbProjectToken $ids[0] -Force -ThrottleLimit 65")]
    [InlineData("New-MbProjectToken ci -ThrottleLimit 65")]
    public async Task The_limit_is_1_to_64(string script)
    {
        Run run = Run(Ids + script);

        Assert.StartsWith("ParameterArgumentValidationError,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(await Server.RequestsAsync());
    }

    private static void InterlockedMax(ref int most, int now)
    {
        int before;
        while (now > (before = Volatile.Read(ref most)) && Interlocked.CompareExchange(ref most, now, before) != before)
        {
        }
    }

    private void ConnectTo(RawServer server) => Run(
        "Connect-MbProject $token -BaseUri $address -SkipConnectionTest -ReadsPerMinute 1000000 -WritesPerMinute 1000000",
        ("token", Secret.Of(TokenWithId)),
        ("address", server.BaseAddress)).MustSucceed();

    // Its jti is an id that no test revokes.
    private const string TokenWithId = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiIwMTk4YzBkZS0wMDAwLTcwMDAtODAwMC1mZmZmZmZmZmZmZmYifQ.c2lnbmF0dXJl";
}
