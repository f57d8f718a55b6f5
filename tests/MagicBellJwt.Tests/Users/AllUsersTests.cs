using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Pipeline;
using Xunit;

namespace MagicBellJwt.Tests.Users;

/// <summary>Everybody's tokens: counted in requests, announced, resumable, in constant memory.</summary>
public sealed class AllUsersTests
{
    [Theory]
    [InlineData("Get-MbUserToken -AllUsers", 0)]
    [InlineData("Get-MbTokenReport -AllUsers | Where-Object Kind -EQ User", 1)]
    public async Task Every_users_tokens_are_read_once_and_name_the_user(string script, int others)
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-users", "2000:1", "--keep-requests", "100000");
        using PowerShellEngine engine = PowerShellEngine.ConnectedTo(server);
        await server.ResetAsync();

        IReadOnlyList<PSObject> tokens = engine.Run(script).MustSucceed();

        Assert.Equal(Enumerable.Range(1, 2000).Select(number => FormattableString.Invariant($"user{number}@example.com")).Order(), tokens.Select(token => token.Get<string>("Email")).Order());
        ServerRequest[] requests = await server.RequestsAsync();
        Assert.Equal(2000, requests.Select(request => request.Target).Count(target => target.StartsWith("/v2/jwt/user/", StringComparison.Ordinal)));

        // The list of users is read twice: to say how long it takes, and on the way, so that no more than a page is held.
        Assert.Equal(40, requests.Count(request => request.Target.StartsWith("/v2/users", StringComparison.Ordinal)));
        Assert.Equal(2040 + others, requests.Length);
    }

    [Theory]
    [InlineData("Get-MbUserToken -AllUsers")]
    [InlineData("Get-MbTokenReport -AllUsers")]
    public async Task An_interrupted_run_names_where_to_go_on_and_nobody_is_left_out(string command)
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-users", "300:1", "--keep-requests", "100000");
        var host = new TestHost();
        using PowerShellEngine engine = PowerShellEngine.ConnectedTo(server, host);
        await server.FailAsync("GET /v2/jwt/user/* never skip=150");
        using RunningScript running = engine.Start(command);
        Assert.True(await Eventually.IsAsync(() => running.Output.Count >= 140));
        Assert.True(await Eventually.IsAsync(async () => (await server.RequestsAsync()).Count(request => request.Fault is not null) >= 8));

        (Run stopped, TimeSpan took) = running.Stop();

        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(15));
        string told = host.Lines.Single(line => line.Contains("-AfterUser", StringComparison.Ordinal));
        string after = Regex.Match(told, "-AfterUser '([^']+)'").Groups[1].Value;
        await server.ResetAsync();
        IReadOnlyList<PSObject> rest = engine.Run(command + " -AfterUser $after", ("after", after)).MustSucceed();
        Assert.InRange(rest.Count, 150, 165);
        Assert.Equal(300, stopped.Output.Concat(rest).Where(token => token.Get<string>("Kind") == "User").Select(token => token.Id()).Distinct().Count());
        Assert.DoesNotContain(rest, token => token.Get<string>("Kind") == "Project");
    }

    [Fact]
    public async Task Who_has_enough_is_told_nothing_and_reads_no_more()
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-users", "300:1", "--keep-requests", "100000");
        var host = new TestHost();
        using PowerShellEngine engine = PowerShellEngine.ConnectedTo(server, host);
        await server.ResetAsync();

        Assert.Equal(3, engine.Run("Get-MbUserToken -AllUsers | Select-Object -First 3; ").MustSucceed().Count);
        Assert.Equal(5, engine.Run("Get-MbUserToken -AllUsers -First 5").MustSucceed().Count);

        Assert.DoesNotContain(host.Lines, line => line.Contains("-AfterUser", StringComparison.Ordinal));
        Assert.InRange((await server.RequestsAsync()).Count(request => request.Target.StartsWith("/v2/jwt/user/", StringComparison.Ordinal)), 8, 40);
    }

    [Fact]
    public async Task How_long_it_takes_is_said_before_it_starts_and_the_remaining_time_is_right()
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-users", "600:1", "--keep-requests", "100000");
        var host = new TestHost();
        using var engine = new PowerShellEngine(host);
        engine.Run("Connect-MbProject $token -BaseUri $address -Name paced -ReadsPerMinute 20", ("token", server.SecureToken()), ("address", server.BaseAddress)).MustSucceed();
        await server.ResetAsync();
        using RunningScript running = engine.Start("Get-MbTokenReport -AllUsers");
        Assert.True(await Eventually.IsAsync(() => running.Output.Count > 1));
        await Task.Delay(2500, TestContext.Current.CancellationToken);
        (Run run, _) = running.Stop();

        // 600 lists of tokens, twice 6 pages of users, and the project's list: 613 reads, 20 a minute.
        Assert.Contains("600 users of project 'paced' are read, each by one request or more: about 30 minutes at 20 reads a minute.", run.Warnings);
        ProgressRecord shown = run.Progress.Last(record => record.SecondsRemaining > 0);
        Assert.InRange(shown.SecondsRemaining, 29 * 60, 31 * 60);
        Assert.Contains(host.Lines, line => line.Contains("interrupted", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_user_whom_the_token_lists_do_not_know_has_none()
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-users", "5:1");
        using PowerShellEngine engine = PowerShellEngine.ConnectedTo(server);
        string gone = (await server.UsersAsync())[2].Id;
        string broken = (await server.UsersAsync())[3].Id;
        await server.FailAsync($"GET /v2/jwt/user/{gone}* 404", $"GET /v2/jwt/user/{broken}* 400");

        Run list = engine.Run("Get-MbUserToken -AllUsers");
        Run report = engine.Run("Get-MbTokenReport -AllUsers | Where-Object Kind -EQ User");

        Assert.All([list, report], run =>
        {
            Assert.Equal(3, run.Output.Count);
            Assert.Equal(broken, run.Error.TargetObject);
        });
    }

    [Theory]
    [InlineData("Get-MbUserToken -AllUsers", 0)]
    [InlineData("Get-MbTokenReport -AllUsers", 2)]
    public async Task Where_users_are_not_listed_it_says_so_and_what_works(string command, int projectTokens)
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-users", "5:1", "--seed-project-tokens", "1", "--fault", "GET /v2/users* 404");
        using PowerShellEngine engine = PowerShellEngine.ConnectedTo(server);

        Run run = engine.Run(command);

        Assert.Equal(projectTokens, run.Output.Count);
        Assert.StartsWith("MbUnexpectedResponse,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("This server does not list users (404).", run.Error.ToString(), StringComparison.Ordinal);
        Assert.Contains("-UserId", run.Error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(await server.RequestsAsync(), request => request.Target.StartsWith("/v2/jwt/user/", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Get-MbUserToken -AllUsers a@example.com")]
    [InlineData("Get-MbUserToken -AllUsers -Email $null")]
    [InlineData("'usr_1' | Get-MbUserToken -AllUsers")]
    [InlineData("Get-MbUserToken usr_1 -AfterUser usr_1")]
    [InlineData("Get-MbTokenReport -AllUsers -ExternalId 7")]
    [InlineData("Get-MbTokenReport -AfterUser usr_1")]
    public void What_contradicts_it_is_refused(string script)
    {
        using var engine = new PowerShellEngine();
        engine.Run("Connect-MbProject -Sandbox").MustSucceed();

        Run run = engine.Run(script);

        Assert.Empty(run.Output);
        Assert.StartsWith("MbInvalidRequest,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
    }
}

/// <summary>Measured while nothing else runs: the memory is the whole process's.</summary>
[Collection(nameof(SoakTests))]
public sealed class AllUsersMemoryTests
{
    [Theory]
    [InlineData(6000, "Get-MbUserToken -AllUsers")]
    [InlineData(1500, "Get-MbUserToken -AllUsers -Session *")]
    public async Task Memory_is_the_same_for_many_users_as_for_few(int users, string command)
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-users", $"{users}:1", "--no-recording");
        using PowerShellEngine engine = PowerShellEngine.ConnectedTo(server);
        foreach (string name in users == 6000 ? (string[])[] : ["east", "north", "west"])
        {
            engine.Connect(server, $"-Name {name}");
        }

        string[] sizes = [.. engine.Run($"$count = 0; {command} | ForEach-Object {{ $count++; if ($count -in 1000, 6000) {{ [GC]::GetTotalMemory($true) }} }}").MustSucceed().Select(size => size.ToString())];

        Assert.Equal(2, sizes.Length);

        // 5,000 users of which nothing is kept: a hundred bytes of each would be half a MiB, and the engine has some of its own.
        Assert.InRange(long.Parse(sizes[1], CultureInfo.InvariantCulture) - long.Parse(sizes[0], CultureInfo.InvariantCulture), long.MinValue, 4 * 1024 * 1024);
    }
}
