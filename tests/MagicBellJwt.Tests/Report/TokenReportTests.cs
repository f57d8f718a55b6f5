using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Report;

public sealed class TokenReportTests : IAsyncDisposable
{
    private readonly AuditedProject _project = new();

    public ValueTask DisposeAsync() => _project.DisposeAsync();

    [Theory]
    [InlineData(1, 20.0, false, "ExpiresSoon", "Medium")]
    [InlineData(1, 6.0, false, "ExpiresSoon", "High")]
    [InlineData(1, 31.0, false, "", "None")]
    [InlineData(1, null, false, "NeverExpires", "High")]
    [InlineData(91, null, false, "NeverExpires,OlderThanPolicy", "High")]
    [InlineData(91, 60.0, false, "OlderThanPolicy", "Medium")]
    [InlineData(89, 60.0, false, "", "None")]
    [InlineData(200, -1.0, false, "Expired", "Low")]
    [InlineData(200, null, true, "", "None")]
    [InlineData(1, 20.0, false, "ExpiresSoon", "Low", "u1")]
    [InlineData(1, 6.0, false, "ExpiresSoon", "Medium", "u1")]
    [InlineData(1, null, false, "NeverExpires", "Medium", "u1")]
    [InlineData(91, 60.0, false, "OlderThanPolicy", "Low", "u1")]
    [InlineData(200, -1.0, false, "Expired", "Low", "u1")]
    public void A_token_is_judged_by_its_age_and_its_end(double age, double? days, bool isDiscarded, string findings, string severity, string? userId = null)
    {
        string id = _project.Add("ci", age, days, userId, isDiscarded);
        PSObject row = Report(userId is null ? "" : "-UserId u1").Single(row => row.Id() == id);

        Assert.Equal("MagicBellJwt.TokenReportRow", row.TypeNames[0]);
        Assert.Equal(findings, FindingsOf(row));
        Assert.Equal(severity, row.Get<string>("Severity"));
        Assert.Equal(findings.Length == 0, row.Properties["Remedy"].Value is null);
        Assert.Equal((userId is null ? "Project" : "User", userId, "acme"), (row.Get<string>("Kind"), row.Get<string?>("UserId"), row.Get<string>("Project")));
        Assert.Equal(age, row.Get<TimeSpan>("Age").TotalDays, 0.01);
    }

    // A sandbox always has a token that never ends. What else the example says by its exit code: tests/Pester/Examples.Tests.ps1.
    [Fact]
    public async Task The_weekly_audit_of_a_clean_project_ends_with_zero()
    {
        _project.Add("ci", 1, 80);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("MagicBellJwt");
        string report = Path.Combine(folder.FullName, "report.csv");

        ShellResult clean = await ShellProcess.RunAsync(
            ["-NonInteractive", "-File", Path.Combine(Repository.Root, "examples", "weekly-audit.ps1"), "-Path", report],
            environment: new Dictionary<string, string?> { ["MAGICBELL_PROJECT_TOKEN"] = "any", ["MAGICBELL_BASE_URL"] = _project.BaseAddress.AbsoluteUri });

        Assert.Equal((0, ""), (clean.ExitCode, clean.Error));
        Assert.Equal(2, File.ReadAllLines(report).Length);
        folder.Delete(recursive: true);
    }

    [Fact]
    public void The_policy_is_the_callers()
    {
        _project.Add("a", 3, 2.5);
        _project.Add("b", 1, 1.5);
        _project.Add("c", 0.1, 5);

        IReadOnlyList<PSObject> rows = Report("-ExpiringWithin 2d -MaxAge 48h");

        Assert.Equal(["", "ExpiresSoon", "OlderThanPolicy"], rows.Select(FindingsOf));
        Assert.EndsWith(" -ExpiresIn 2d -Session 'acme'", rows[2].Get<string>("Remedy"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-ExpiringWithin ([timespan]'-1:00:00')")]
    [InlineData("-MaxAge 0s")]
    public void A_policy_that_makes_no_sense_is_refused_before_anything_is_sent(string policy)
    {
        using PowerShellEngine engine = _project.Connect();
        Run run = engine.Run("Get-MbTokenReport " + policy);

        Assert.StartsWith("MbInvalidRequest,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(_project.ListsRead);
    }

    [Fact]
    public void Of_tokens_with_one_name_the_newest_live_one_is_in_order()
    {
        string oldest = _project.Add("ci", 30, 100);
        string newest = _project.Add("ci", 10, 100);
        string middle = _project.Add("ci", 20, 100);
        string ended = _project.Add("ci", 80, -1);
        string other = _project.Add("CI", 80, 100);
        string unnamed = _project.Add(null, 40, 100);
        string unnamedToo = _project.Add(null, 50, 100);
        string sameNameOfAUser = _project.Add("ci", 50, 100, "u1");

        var rows = Report("u1").ToDictionary(row => row.Id());

        Assert.All([middle, oldest], id => Assert.Equal("DuplicateName", FindingsOf(rows[id])));
        Assert.All([newest, other, unnamed, unnamedToo, sameNameOfAUser], id => Assert.Equal("", FindingsOf(rows[id])));
        Assert.Equal("Expired", FindingsOf(rows[ended]));
        Assert.Equal($"Find out which token of that name is in use, then revoke the other: Remove-MbProjectToken '{oldest}' -Session 'acme'", rows[oldest].Get<string>("Remedy"));
    }

    [Fact]
    public void A_users_oldest_tokens_are_too_many_and_no_other_users_count()
    {
        string[] ids = [.. Enumerable.Range(1, 4).Select(age => _project.Add($"n{age}", age, 100, "u1"))];
        _project.Add("ended", 5, -1, "u1");
        _project.Add("revoked", 6, 100, "u1", isDiscarded: true);
        _project.Add("one", 1, 100, "u2");
        for (int age = 1; age < 9; age++)
        {
            _project.Add($"p{age}", age, 100);
        }

        IReadOnlyList<PSObject> rows = Report("'u1', 'u2' -MaxPerUser 2");

        Assert.Equal(ids[2..].Order(), rows.Where(row => FindingsOf(row) == "TooManyForUser").Select(row => row.Id()).Order());
        Assert.All(rows.Where(row => FindingsOf(row) == "TooManyForUser"), row => Assert.Equal($"Remove-MbUserToken '{row.Id()}' -Session 'acme'", row.Get<string>("Remedy")));
        Assert.DoesNotContain(Report("'u1', 'u2'"), row => FindingsOf(row) == "TooManyForUser");
    }

    [Theory]
    [InlineData("it's $(Remove-Item x) `\"; ls")]
    [InlineData("o\u2019brien")]
    public void A_remedy_is_one_command_whatever_a_user_is_called(string userId)
    {
        string id = _project.Add("laptop", 1, null, userId);
        using PowerShellEngine engine = _project.Connect();
        PSObject row = engine.Run("Get-MbTokenReport $user", ("user", userId)).MustSucceed().Single();

        CommandAst command = Command(row.Get<string>("Remedy"));
        Assert.Equal(["Update-MbUserToken", "-Id", id, "-UserId", userId, "-Email", "EMAIL", "-Vault", "VAULT", "-ExpiresIn", "90d", "-Session", "acme"], command.CommandElements.Select(Word));
    }

    [Theory]
    [InlineData(1, 5.0, "Update-MbProjectToken -Id 'ID' -Vault 'VAULT' -Session 'acme'")]
    [InlineData(80, 20.0, "Update-MbProjectToken -Id 'ID' -Vault 'VAULT' -ExpiresIn 90d -Session 'acme'")]
    [InlineData(200, -2.0, "Remove-MbProjectToken 'ID' -Session 'acme'")]
    public void A_remedy_renews_what_lives_and_removes_what_has_ended(double age, double days, string remedy)
    {
        string id = _project.Add("ci", age, days);

        Assert.Equal(remedy.Replace("ID", id, StringComparison.Ordinal), Report("").Single().Get<string>("Remedy"));
    }

    [Fact]
    public void A_remedy_that_is_run_as_it_stands_issues_nothing()
    {
        string id = _project.Add("never", 1, null);
        using PowerShellEngine engine = _project.Connect();

        Run run = engine.Run("$row = Get-MbTokenReport | Where-Object Name -EQ never; Invoke-Expression $row.Remedy");

        Assert.StartsWith("MbInvalidRequest,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal([id], engine.Run("Get-MbProjectToken never").MustSucceed().Select(token => token.Id()));
    }

    [Fact]
    public async Task The_sessions_own_token_is_never_to_be_revoked()
    {
        await using ServerProcess server = await ServerProcess.StartAsync();
        using PowerShellEngine engine = PowerShellEngine.ConnectedTo(server);
        PSObject newer = engine.Run("New-MbProjectToken 'Sandbox administrator' -ExpiresIn 60d").MustSucceed().Single();

        IReadOnlyList<PSObject> rows = engine.Run("Get-MbTokenReport").MustSucceed();

        Assert.Equal(2, rows.Count);
        PSObject own = rows.Single(row => row.Id() != newer.Id());
        Assert.Contains("NeverExpires", FindingsOf(own), StringComparison.Ordinal);
        Assert.StartsWith("Update-MbProjectToken ", own.Get<string>("Remedy"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_user_is_read_once_however_often_they_are_named_and_the_project_always()
    {
        _project.Add("ci", 1, 100);
        _project.Add("phone", 1, 100, "u1");
        _project.Add("phone", 1, 100, "u2");
        using PowerShellEngine engine = _project.Connect();

        Assert.Equal(3, engine.Run("'u1', 'u2', 'u1', 'u2' | Get-MbTokenReport").MustSucceed().Count);
        Assert.Equal(["", "u1", "u2"], _project.ListsRead.Order());
        Assert.Equal(3, engine.Run("[pscustomobject]@{ UserId = 'u1' }, [pscustomobject]@{ userid = 'u2' } | Get-MbJwtReport").MustSucceed().Count);
        Run nobody = engine.Run("@() | Get-MbTokenReport");
        Assert.Single(nobody.MustSucceed());
        Assert.Contains("only the project's own tokens are judged", Assert.Single(nobody.Warnings), StringComparison.Ordinal);
        Assert.Single(engine.Run("Get-MbTokenReport -UserId @()").MustSucceed());
    }

    [Fact]
    public void A_list_that_cannot_be_read_is_an_error_about_its_user_and_the_others_are_judged()
    {
        _project.Add("ci", 1, 100);
        _project.Add("phone", 1, 100, "u2");
        using PowerShellEngine engine = _project.Connect();
        Run run = engine.Run("'u2', 'nobody', '', 'u2' | Get-MbTokenReport");

        Assert.Equal(2, run.Output.Count);
        Assert.Equal([("nobody", "MbTokenNotFound"), ("Row 3", "MbInvalidRequest")], run.Errors.Select(error => ((string)error.TargetObject, error.FullyQualifiedErrorId.Split(',')[0])).Order());
    }

    [Fact]
    public async Task Rows_pipe_into_the_command_that_revokes_in_their_project()
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-user", "u1:3");
        using PowerShellEngine engine = PowerShellEngine.ConnectedTo(server, options: "-Name first");
        await using ServerProcess other = await ServerProcess.StartAsync();
        engine.Run("$rows = Get-MbTokenReport u1 -MaxPerUser 1").MustSucceed();
        engine.Connect(other, "-Name second");

        Run refused = engine.Run("$rows | Where-Object Kind -eq User | Remove-MbProjectToken -Force");
        Assert.All(refused.Errors, error => Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal));
        Assert.Equal(3, refused.Errors.Count);

        IReadOnlyList<PSObject> revoked = engine.Run("$rows | Where-Object Findings -contains TooManyForUser | Remove-MbUserToken -Force -PassThru").MustSucceed();
        Assert.Equal(2, revoked.Count);
        Assert.Equal(1, (await server.TokensAsync()).Count(token => token.Kind == "user" && token.Live));
    }

    [Fact]
    public void Ten_thousand_users_are_read_through_a_pipeline()
    {
        for (int user = 1; user <= 10_000; user++)
        {
            _project.Add("phone", 1, 100, FormattableString.Invariant($"u{user}"));
        }

        using PowerShellEngine engine = _project.Connect();
        Run run = engine.Run("$count = 0; 1..10000 | ForEach-Object { \"u$_\" } | Get-MbTokenReport | ForEach-Object { $count++ }; $count");

        Assert.Equal(10_000, run.MustSucceed().Single().BaseObject);
        Assert.Equal(10_001, _project.ListsRead.Distinct().Count());
    }

    [Fact]
    public async Task A_long_report_says_how_long_it_will_take_by_the_rate_limit()
    {
        string[] users = [.. Enumerable.Range(1, 5).Select(user => user.ToString(CultureInfo.InvariantCulture))];
        _project.Add("ci", 1, 100);
        Array.ForEach(users, user => _project.Add("phone", 1, 100, user));
        using PowerShellEngine engine = _project.Connect("-ReadsPerMinute 2");
        using RunningScript running = engine.Start("$users | Get-MbTokenReport", ("users", users));
        while (running.Output.Count < 2)
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        await Task.Delay(2500, TestContext.Current.CancellationToken);
        (Run run, TimeSpan took) = running.Stop();

        // Six lists, two a minute: the last two after two minutes.
        ProgressRecord shown = run.Progress.Last(record => record.SecondsRemaining > 0);
        Assert.InRange(shown.SecondsRemaining, 90, 120);
        Assert.Equal(33, shown.PercentComplete);
        Assert.Contains("for the rate limit", shown.StatusDescription, StringComparison.Ordinal);
        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(30));
        Assert.Equal(2, run.Output.Count);
    }

    private static string FindingsOf(PSObject row) =>
        string.Join(",", LanguagePrimitives.GetEnumerable(row.Properties["Findings"].Value).Cast<object>().Order());

    private static CommandAst Command(string text)
    {
        ScriptBlockAst script = Parser.ParseInput(text, out _, out ParseError[] errors);
        Assert.Empty(errors);
        return Assert.IsType<CommandAst>(Assert.Single(Assert.IsType<PipelineAst>(Assert.Single(script.EndBlock.Statements)).PipelineElements));
    }

    private static string Word(CommandElementAst element) => element switch
    {
        CommandParameterAst parameter => "-" + parameter.ParameterName,
        StringConstantExpressionAst text => text.Value,
        _ => element.Extent.Text,
    };

    private IReadOnlyList<PSObject> Report(string arguments)
    {
        using PowerShellEngine engine = _project.Connect();
        return engine.Run("Get-MbTokenReport " + arguments).MustSucceed();
    }
}
