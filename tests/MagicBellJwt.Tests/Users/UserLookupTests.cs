using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Users;

/// <summary>How many requests it takes to find people, counted by the server, however its query matches.</summary>
public sealed class UserLookupTests
{
    [Theory]
    [InlineData("--user-query exact")]
    [InlineData("--user-query exact --user-query-minds-case")]
    [InlineData("--user-query prefix")]
    [InlineData("--user-query prefix --user-query-minds-case")]
    [InlineData("--user-query part")]
    [InlineData("--user-query part --user-query-minds-case")]
    public async Task People_are_found_whatever_the_query_matches_and_in_whatever_case_they_are_written(string options)
    {
        await using ServerProcess server = await ServerProcess.StartAsync(["--seed-users", "230", .. options.Split(' ')]);
        await server.SetUsersAsync(new ServerUser("usr_upper", "Hana.Upper@Example.com", "H1"), new ServerUser("usr_near", "xuser7@example.com.au", "ext-77"));
        using PowerShellEngine engine = PowerShellEngine.ConnectedTo(server);

        IReadOnlyList<PSObject> one = engine.Run("Get-MbUser hana.upper@example.com; Get-MbUser USER7@EXAMPLE.COM; Get-MbUser -ExternalId ext-7").MustSucceed();
        Run none = engine.Run("Get-MbUser ser7@example.com; Get-MbUser -ExternalId ext-; Get-MbUser -ExternalId h1");
        Run many = engine.Run("Get-MbUser HANA.UPPER@example.com, user1@example.com, User2@Example.com, nobody@example.com");

        Assert.Equal(["usr_upper", "user7@example.com", "user7@example.com"], one.Select((user, index) => user.Get<string>(index == 0 ? "UserId" : "Email")));
        Assert.Empty(none.Output);
        Assert.Equal(["ser7@example.com", "ext-", "h1"], none.Errors.Select(error => error.TargetObject));
        Assert.Equal(3, many.Output.Count);
        Assert.Equal("nobody@example.com", many.Error.TargetObject);
    }

    [Fact]
    public async Task People_are_found_in_as_few_requests_as_may_be()
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-users", "20000", "--keep-requests", "100000");
        using PowerShellEngine engine = PowerShellEngine.ConnectedTo(server);
        engine.Run("function Some($Count) { 1..$Count | ForEach-Object { [pscustomobject]@{ Email = \"User$(20001 - $_ * [Math]::Floor(20000 / $Count))@Example.com\" } } }").MustSucceed();

        // One person, and one who is not there: the first miss asks whether the query tells upper from lower case, and later ones know.
        Assert.Equal(1, await CountAsync("Get-MbUser user12345@example.com", 1, 0));
        Assert.Equal(3, await CountAsync("Get-MbUser nobody@example.com", 0, 1));
        Assert.Equal(1, await CountAsync("Get-MbUser nobody2@example.com", 0, 1));

        // Few of many: the list is given up once it has cost as much as a request for each, and a later command knows.
        Assert.Equal(10, await CountAsync("Some 5 | Get-MbUser", 5, 0));
        Assert.Equal(5, await CountAsync("Some 5 | Get-MbUser", 5, 0));

        // Many: the list has 200 pages.
        Assert.Equal(200, await CountAsync("Some 300 | Get-MbUser", 300, 0));
        Assert.Equal(200, await CountAsync("Some 5000 | Get-MbUser", 5000, 0));
        Assert.Equal(150, await CountAsync("Some 150 | Get-MbUser", 150, 0));

        async Task<int> CountAsync(string script, int found, int missing)
        {
            await server.ResetAsync();
            Run run = engine.Run(script);
            Assert.Equal((found, missing), (run.Output.Select(user => user.Get<string>("UserId")).Distinct().Count(), run.Errors.Count));
            ServerRequest[] requests = await server.RequestsAsync();
            Assert.All(requests, request => Assert.StartsWith("/v2/users?", request.Target, StringComparison.Ordinal));
            return requests.Length;
        }
    }

    // By the list, by the list and then a question for each, and by questions alone: the answers after the tenth never come.
    [Theory]
    [InlineData(300, "GET /v2/users* never skip=10")]
    [InlineData(5000, "GET /v2/users* never skip=10")]
    [InlineData(15, "GET /v2/users*query* never skip=3")]
    public async Task A_stop_in_a_look_up_ends_it_and_leaves_no_request_behind(int count, string fault)
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-users", "20000", "--keep-requests", "100000");
        using PowerShellEngine engine = PowerShellEngine.ConnectedTo(server);
        await server.FailAsync(fault);
        foreach (string command in new[] { "Get-MbUser", "Get-MbUserToken", "Get-MbTokenReport" })
        {
            await server.ResetAsync();
            await server.FailAsync(fault);
            using RunningScript running = engine.Start($"1..{count} | ForEach-Object {{ [pscustomobject]@{{ Email = \"User$($_ * 2)@Example.com\" }} }} | {command}");
            Assert.True(await Eventually.IsAsync(async () => (await server.RequestsAsync()).Any(request => request.Fault is not null)));

            (Run run, TimeSpan took) = running.Stop();

            Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(15));
            Assert.Empty(run.Errors);
            Assert.Empty(run.Output);
            int sent = (await server.RequestsAsync()).Length;
            engine.Run("Start-Sleep -Milliseconds 300").MustSucceed();
            Assert.Equal(sent, (await server.RequestsAsync()).Length);
        }
    }

    [Fact]
    public async Task The_plan_is_said_and_names_nobody_who_was_not_asked_for()
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-users", "450");
        using PowerShellEngine engine = PowerShellEngine.ConnectedTo(server);

        Run run = engine.Run("Get-MbUser user1@example.com, user2@example.com, user3@example.com -Verbose");
        Run again = engine.Run("Get-MbUser user1@example.com, user2@example.com -Verbose");

        Assert.Contains("3 users are looked for: the list of users is read, unless it has more than 3 pages.", run.Verbose);
        Assert.Contains("The list of users goes on after 3 pages, so each of the 3 users is asked for.", run.Verbose);
        Assert.Contains("2 users are looked for, each by one request: the list of users has 3 pages or more.", again.Verbose);
        Assert.Equal(2, again.Verbose.Count(line => line.StartsWith("GET ", StringComparison.Ordinal)));
        Assert.All(run.Verbose.Concat(again.Verbose), line => Assert.DoesNotMatch(@"(?i)user(?![123]\b)\d+(@|%40)", line));
    }

    [Fact]
    public async Task A_small_project_is_one_page_whoever_is_missing()
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-users", "99", "--user-query-minds-case");
        using PowerShellEngine engine = PowerShellEngine.ConnectedTo(server);
        await server.ResetAsync();

        Run run = engine.Run("Get-MbUser user1@example.com, USER99@example.com, nobody@example.com");

        Assert.Equal((2, 1), (run.Output.Count, run.Errors.Count));
        Assert.Single(await server.RequestsAsync());
    }
}
