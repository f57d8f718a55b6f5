using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Users;

/// <summary>What reads takes several sessions: side by side, each project for itself.</summary>
public sealed class SeveralSessionsTests(SeveralSessionsTests.TwoServers servers) : IClassFixture<SeveralSessionsTests.TwoServers>, IAsyncLifetime
{
    private static readonly string[] s_west = ["--seed-users", "130:1", "--seed-project-tokens", "4", "--keep-requests", "100000"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");
    private readonly TestHost _host = new();
    private readonly ServerProcess _east = servers.East;
    private readonly ServerProcess _west = servers.West;
    private PowerShellEngine _engine = null!;

    public async ValueTask InitializeAsync()
    {
        await ResetAsync();
        _engine = new PowerShellEngine(_host);
        _engine.Connect(_west, "-Name prod-west -MaximumRetryCount 0");
        _engine.Connect(_east, "-Name prod-east -MaximumRetryCount 0");
        _engine.Run("Connect-MbProject -Sandbox -Name try; $file = $path", ("path", PathOf("audit.jsonl"))).MustSucceed();
        await ResetAsync();
    }

    public ValueTask DisposeAsync()
    {
        _engine.Dispose();
        _folder.Delete(recursive: true);
        return default;
    }

    [Theory]
    [InlineData("{0} -Session prod-east, prod-west")]
    [InlineData("{0} -Session prod*")]
    [InlineData("{0} -Session PROD-E*, prod*, prod-west")]
    [InlineData("{0} -Session (Get-MbSession prod*)")]
    [InlineData("{0} -Session (Get-MbSession prod-east), prod-w*")]
    [InlineData("Get-MbSession prod* | {0}")]
    public void Each_command_that_reads_takes_several_sessions_however_they_are_named(string form)
    {
        (string Command, int Count)[] commands =
        [
            ("Get-MbProjectToken", 9),
            ("Get-MbUser", 250),
            ("Get-MbUser user7@example.com", 2),
            ("Get-MbUserToken user7@example.com", 2),
            ("Get-MbUserToken -AllUsers", 250),
            ("Get-MbTokenReport", 9),
            ("Get-MbTokenReport user7@example.com", 11),
            ("Get-MbTokenReport -AllUsers", 259),
        ];
        foreach ((string command, int count) in commands)
        {
            Run run = _engine.Run(string.Format(null, form, command));

            IReadOnlyList<PSObject> rows = run.MustSucceed();
            Assert.Equal((command, count), (command, rows.Count));
            Assert.Equal(["prod-east", "prod-west"], rows.Select(row => row.Get<string>("Project")).Distinct().Order());
            Assert.Empty(run.Warnings);
        }

        _engine.Run(string.Format(null, form, "Get-MbRotation")).MustSucceed();
    }

    [Theory]
    [InlineData("Get-MbProjectToken -Session stage*", "There is no session whose name matches 'stage*'. Get-MbSession lists them.")]
    [InlineData("Get-MbTokenReport -AllUsers -Session prod*, stage", "There is no session named 'stage'. Get-MbSession lists them.")]
    [InlineData("Get-MbUser -Session 'prod[', prod*", "'prod[' is no pattern")]
    [InlineData("Get-MbUserToken user7@example.com -Session @()", "Session")]
    [InlineData("Get-MbUserToken user7@example.com -Session prod-east, $null", "Session")]
    [InlineData("Remove-MbProjectToken x -Session prod*", "There is no session named 'prod*'.")]
    [InlineData("New-MbProjectToken x -Session prod-east, prod-west", "Session")]
    [InlineData("Get-MbSession | Get-MbProjectToken -Session try", "Sessions came from the pipeline, and -Session was given as well.")]
    [InlineData("(Get-MbSession prod*), 'user7@example.com' | ForEach-Object { $_ } | Get-MbUserToken", "Sessions came from the pipeline, and something else as well.")]
    [InlineData("$none | Get-MbProjectToken", "or the pipeline, was given $null")]
    [InlineData("$none | Get-MbTokenReport", "or the pipeline, was given $null")]
    [InlineData("Get-MbTokenReport -InputObject $none", "or the pipeline, was given $null")]
    [InlineData("'x' | Get-MbProjectToken", "Nothing of this input is read")]
    [InlineData("[pscustomobject]@{ Name = 'x' } | Get-MbRotation", "Its columns are Name.")]
    [InlineData("'x' | Get-MbUserToken user7@example.com", "Nothing of this input is read")]
    [InlineData("[Management.Automation.PSSerializer]::Deserialize([Management.Automation.PSSerializer]::Serialize((Get-MbSession prod-east))) | Get-MbProjectToken", "Connect inside the job")]
    [InlineData("Get-MbProjectToken -Session prod* -After 0198c0de-0000-7000-8000-00000000000b", "-After and -Before name a token in the list of one project")]
    [InlineData("Get-MbTokenReport -AllUsers -AfterUser usr_1 -Session prod*", "-AfterUser names a user of one project")]
    [InlineData("Get-MbSession none* | Get-MbTokenReport -AllUsers", "the pipeline was to bring somebody")]
    public async Task What_names_no_session_or_too_many_is_refused_before_anything_is_sent(string script, string words)
    {
        Run run = _engine.Try(script);

        Assert.Contains(words, run.Error.ToString(), StringComparison.Ordinal);
        Assert.Empty(await _west.RequestsAsync());
        Assert.Empty(await _east.RequestsAsync());
        Assert.Empty(run.Output);
    }

    [Theory]
    [InlineData("Get-MbUserToken -AllUsers")]
    [InlineData("Get-MbTokenReport -AllUsers")]
    [InlineData("1..120 | ForEach-Object { \"user$_@example.com\" } | Get-MbUserToken")]
    public async Task A_project_that_does_not_answer_holds_up_no_other(string command)
    {
        await _east.FailAsync("GET /v2/jwt/user/* never");

        using RunningScript running = _engine.Start(command + " -Session prod*");
        int all = command.Contains("AllUsers", StringComparison.Ordinal) ? 130 : 120;
        Assert.True(await Eventually.IsAsync(() => Written(running).Count(row => row.Get<string>("Kind") == "User") == all));
        (Run run, TimeSpan took) = running.Stop();

        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(15));
        Assert.All(run.Output.Where(row => row.Get<string>("Kind") == "User"), row => Assert.Equal("prod-west", row.Get<string>("Project")));

        // As many at a time as one project alone would have.
        Assert.Equal(8, (await _east.RequestsAsync()).Count(request => request.Fault is not null));
    }

    [Fact]
    public async Task An_interruption_names_the_place_in_each_project_that_was_not_finished()
    {
        await _east.FailAsync("GET /v2/jwt/user/* never skip=50");
        using RunningScript running = _engine.Start("Get-MbUserToken -AllUsers -Session prod*");
        Assert.True(await Eventually.IsAsync(() => Written(running).Count(row => row.Get<string>("Project") == "prod-west") == 130));
        Assert.True(await Eventually.IsAsync(async () => (await _east.RequestsAsync()).Count(request => request.Fault is not null) == 8));
        Assert.True(await Eventually.IsAsync(() => running.Output.Count == 180));
        (Run stopped, _) = running.Stop();

        string told = _host.Lines.Single(line => line.Contains("interrupted", StringComparison.Ordinal));
        Assert.DoesNotContain("prod-west", told, StringComparison.Ordinal);
        string rest = Regex.Match(told, "-Session 'prod-east' -AllUsers -AfterUser 'usr_[^']+'").Value;
        await ResetAsync();
        IReadOnlyList<PSObject> others = _engine.Run("Get-MbUserToken " + rest).MustSucceed();
        Assert.Equal(250, stopped.Output.Concat(others).Select(token => (token.Get<string>("Project"), token.Get<string>("Email"))).Distinct().Count());
        Assert.InRange(others.Count, 70, 85);
    }

    [Theory]
    [InlineData("Get-MbProjectToken", 5)]
    [InlineData("Get-MbUser", 130)]
    [InlineData("Get-MbUser user7@example.com, user8@example.com", 2)]
    [InlineData("Get-MbUserToken -AllUsers", 130)]
    [InlineData("Get-MbUserToken user7@example.com, user8@example.com", 2)]
    [InlineData("Get-MbTokenReport -AllUsers", 135)]
    public async Task A_token_that_no_longer_works_is_one_error_that_names_its_project(string command, int others)
    {
        await _east.FailAsync("GET * 401");

        Run run = _engine.Run(command + " -Session prod*");

        Assert.Null(run.End);
        Assert.StartsWith("MbUnauthorized,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("Project 'prod-east': ", run.Error.ToString(), StringComparison.Ordinal);
        Assert.Equal(others, run.Output.Count);
        Assert.InRange((await _east.RequestsAsync()).Length, 1, 8);
    }

    [Fact]
    public void A_dead_server_is_an_error_that_names_its_project_and_Stop_still_stops()
    {
        _engine.Run("Connect-MbProject $token -BaseUri http://127.0.0.1:9 -Name dead-east -SkipConnectionTest -MaximumRetryCount 0", ("token", _east.SecureToken())).MustSucceed();

        Run run = _engine.Run("Get-MbSession *-*st | Where-Object Name -NE prod-east | Get-MbTokenReport -AllUsers");

        Assert.All(run.Errors, error => Assert.StartsWith("MbConnectionFailed,", error.FullyQualifiedErrorId, StringComparison.Ordinal));
        Assert.All(run.Errors, error => Assert.Contains("Project 'dead-east': ", error.ToString(), StringComparison.Ordinal));

        // Its own list, and that of its users.
        Assert.Equal(2, run.Errors.Count);
        Assert.Equal(135, run.Output.Count);
        Assert.StartsWith("MbConnectionFailed,", _engine.Run("Get-MbProjectToken -Session *east -ErrorAction Stop").Error.FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_first_of_several_are_so_many_in_all_and_no_project_is_read_in_vain()
    {
        Assert.Equal(3, _engine.Run("Get-MbProjectToken -First 3 -Session prod-west, prod-east").MustSucceed().Count);
        Assert.Equal(3, _engine.Run("Get-MbUser -First 3 -Session prod-west, prod-east").MustSucceed().Count);
        Assert.Empty(await _east.RequestsAsync());
        Assert.Equal(2, (await _west.RequestsAsync()).Length);

        Assert.Equal(7, _engine.Run("Get-MbProjectToken -First 7 -Session prod-west, prod-east").MustSucceed().Count);
        Assert.Contains("limit=2", Assert.Single(await _east.RequestsAsync()).Target, StringComparison.Ordinal);
        Assert.Equal(5, _engine.Run("Get-MbUserToken -AllUsers -First 5 -Session prod*").MustSucceed().Count);
    }

    [Fact]
    public async Task What_only_one_project_has_is_found_there_and_what_none_has_is_one_error()
    {
        // A server of its own: who is added stays.
        await using ServerProcess west = await ServerProcess.StartAsync(s_west);
        await west.SetUsersAsync(new ServerUser("usr_only", "only@example.com", null));
        _engine.Connect(west, "-Name prod-west -MaximumRetryCount 0");
        string id = _engine.Run("(Get-MbProjectToken -Session prod-west)[0].Id").MustSucceed().Single().ToString();

        Assert.Equal("prod-west", _engine.Run("Get-MbUser only@example.com -Session prod*").MustSucceed().Single().Get<string>("Project"));
        Assert.Empty(_engine.Run("Get-MbUserToken only@example.com -Session prod*").MustSucceed());
        Assert.Equal("prod-west", _engine.Run($"Get-MbProjectToken -Id {id} -Session prod*").MustSucceed().Single().Get<string>("Project"));

        foreach (string command in new[] { "Get-MbUser", "Get-MbUserToken", "Get-MbTokenReport -Email" })
        {
            ErrorRecord error = _engine.Run($"{command} nobody@example.com -Session prod*").Error;
            Assert.StartsWith("MbUserNotFound,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.Equal("nobody@example.com", error.TargetObject);
            Assert.Contains("'prod-east', 'prod-west'", error.ToString(), StringComparison.Ordinal);
        }

        ErrorRecord unknown = _engine.Run("Get-MbProjectToken -Id 0198c0de-0000-7000-8000-00000000000b -Session prod*").Error;
        Assert.StartsWith("MbTokenNotFound,", unknown.FullyQualifiedErrorId, StringComparison.Ordinal);

        // By the id in MagicBell: the API of one project knows it, that of the other answers 404.
        await _east.FailAsync("GET /v2/jwt/user/usr_only* 404");
        _engine.Run("Get-MbUserToken -UserId usr_only -Session prod*").MustSucceed();
        await west.FailAsync("GET /v2/jwt/user/usr_only* 404");
        Assert.Equal("usr_only", _engine.Run("Get-MbUserToken -UserId usr_only -Session prod*").Error.TargetObject);
    }

    [Fact]
    public void How_long_it_takes_is_said_for_each_project_and_the_longest_decides()
    {
        _engine.Run("Connect-MbProject $token -BaseUri $address -Name slow-east -ReadsPerMinute 20", ("token", _east.SecureToken()), ("address", _east.BaseAddress)).MustSucceed();
        _engine.Run("Connect-MbProject $token -BaseUri $address -Name slow-west -ReadsPerMinute 10", ("token", _west.SecureToken()), ("address", _west.BaseAddress)).MustSucceed();

        using RunningScript running = _engine.Start("Get-MbTokenReport -AllUsers -Session slow*");
        running.EndsWithin(TimeSpan.FromSeconds(3));
        (Run run, _) = running.Stop();

        Assert.Contains("120 users of project 'slow-east' are read, each by one request or more: about 6 minutes at 20 reads a minute.", run.Warnings);
        Assert.Contains("130 users of project 'slow-west' are read, each by one request or more: about 13 minutes at 10 reads a minute.", run.Warnings);
        Assert.InRange(run.Progress.Last(record => record.SecondsRemaining > 0).SecondsRemaining, 12 * 60, 14 * 60);
    }

    [Fact]
    public async Task A_checkpoint_keeps_each_list_with_its_project()
    {
        const string Audit = "Get-MbTokenReport -AllUsers -Checkpoint $file -Session prod*";
        string[] whole = [.. _engine.Run("Get-MbTokenReport -AllUsers -Session prod*").MustSucceed().Select(row => row.Id()).Order()];
        string broken = (await _east.UsersAsync())[3].Id;
        await _east.FailAsync($"GET /v2/jwt/user/{broken}* 400");
        Assert.Contains("Project 'prod-east': ", _engine.Run(Audit).Error.ToString(), StringComparison.Ordinal);
        Assert.StartsWith("MbInvalidRequest,", _engine.Run("Get-MbTokenReport -AllUsers -Checkpoint $file -Session prod-west").Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        await ResetAsync();

        Run run = _engine.Run(Audit);

        Assert.Equal(whole, run.MustSucceed().Select(row => row.Id()).Order());
        Assert.Contains(run.Warnings, warning => warning.Contains("251 lists are judged as they were then", StringComparison.Ordinal));
        Assert.Equal(0, (await _west.RequestsAsync()).Count(request => request.Target.StartsWith("/v2/jwt/", StringComparison.Ordinal)));
        Assert.Equal(1, (await _east.RequestsAsync()).Count(request => request.Target.StartsWith("/v2/jwt/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_checkpoint_of_the_version_before_is_gone_on_with()
    {
        await _east.FailAsync("GET /v2/jwt/user/* 400 skip=119");
        _engine.Run("Get-MbTokenReport -AllUsers -Checkpoint $file -Session prod-east -ThrottleLimit 1 -ErrorAction SilentlyContinue");
        await ResetAsync();
        string[] lines = await File.ReadAllLinesAsync(PathOf("audit.jsonl"), TestContext.Current.CancellationToken);
        string project = Regex.Match(lines[0], "\"projects\":\\[(\"[^\"]+\")\\]").Groups[1].Value;
        lines[0] = lines[0].Replace("\"v\":2", "\"v\":1", StringComparison.Ordinal).Replace($"\"projects\":[{project}]", $"\"project\":{project}", StringComparison.Ordinal);
        await File.WriteAllTextAsync(PathOf("audit.jsonl"), string.Join("\n", lines.Select((line, index) => index == 0 ? line : line.Replace($"\"project\":{project},", "", StringComparison.Ordinal))) + "\n", TestContext.Current.CancellationToken);

        Assert.Equal(124, _engine.Run("Get-MbTokenReport -AllUsers -Checkpoint $file -Session prod-east").MustSucceed().Count);
        Assert.Equal(1, (await _east.RequestsAsync()).Count(request => request.Target.StartsWith("/v2/jwt/", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_exported_report_has_a_summary_of_each_project()
    {
        _engine.Run("Get-MbSession prod* | Get-MbTokenReport -AllUsers -ExpiringWithin 0d -MaxAge 1000d | Tee-Object -Variable rows | Export-MbTokenReport $page; $rows | Export-MbTokenReport $json; $rows | Where-Object Project -EQ prod-east | Export-MbTokenReport $one", ("page", PathOf("report.html")), ("json", PathOf("report.json")), ("one", PathOf("one.json"))).MustSucceed();

        using JsonDocument report = JsonDocument.Parse(File.ReadAllText(PathOf("report.json")));
        Assert.Equal(
            [("prod-west", 135, 130), ("prod-east", 124, 120)],
            report.RootElement.GetProperty("Summary").GetProperty("ByProject").EnumerateArray().OrderByDescending(project => project.GetProperty("Tokens").GetInt32()).Select(project => (project.GetProperty("Project").GetString()!, project.GetProperty("Tokens").GetInt32(), project.GetProperty("Users").GetInt32())));
        using JsonDocument one = JsonDocument.Parse(File.ReadAllText(PathOf("one.json")));
        Assert.False(one.RootElement.GetProperty("Summary").TryGetProperty("ByProject", out _));
        string page = File.ReadAllText(PathOf("report.html"));
        Assert.Matches("<th scope=\"row\"><bdi dir=\"auto\">prod-west</bdi></th><td data-label=\"Tokens\">135</td><td data-label=\"Users\">130</td>", page);
        Assert.Matches("<th scope=\"row\"><bdi dir=\"auto\">prod-east</bdi></th><td data-label=\"Tokens\">124</td><td data-label=\"Users\">120</td>", page);
    }

    // The collection's own enumerator waits for the end of the script.
    private static IEnumerable<PSObject> Written(RunningScript running) => Enumerable.Range(0, running.Output.Count).Select(index => running.Output[index]);

    private string PathOf(string file) => Path.Combine(_folder.FullName, file);

    private async Task ResetAsync()
    {
        await _east.ResetAsync();
        await _west.ResetAsync();
    }

    public sealed class TwoServers : IAsyncLifetime
    {
        internal ServerProcess East { get; private set; } = null!;

        internal ServerProcess West { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            ServerProcess[] servers = await Task.WhenAll(
                ServerProcess.StartAsync("--seed-users", "120:1", "--seed-project-tokens", "3", "--keep-requests", "100000"),
                ServerProcess.StartAsync(s_west));
            (East, West) = (servers[0], servers[1]);
        }

        public async ValueTask DisposeAsync()
        {
            await East.DisposeAsync();
            await West.DisposeAsync();
        }
    }
}
