using System;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Text.Json;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Rotation;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Commands;

/// <summary>What is done to tokens is recorded before it is sent and after it, and what cannot be recorded is not sent.</summary>
public sealed class HistoryTests(ServerFixture fixture) : RotationTestBase<ServerFixture>(fixture)
{
    private string HistoryPath => Path.Combine(Folder, "history.jsonl");

    [Fact]
    public void Every_write_has_a_line_before_it_and_one_after_it()
    {
        Connect();
        PSObject issued = Run("New-MbProjectToken 'ci' -ExpiresIn 1d -Reason 'CHG-1'").MustSucceed().Single();
        Run("$issued | Remove-MbProjectToken -Force -Reason 'CHG-2'", ("issued", issued)).MustSucceed();

        JsonElement[] lines = Lines();
        Assert.Equal(
            ["CreateProjectJwt intent", "CreateProjectJwt outcome", "Claim claim", "DiscardProjectJwt intent", "DiscardProjectJwt outcome"],
            lines.Select(line => $"{Text(line, "op")} {Text(line, "phase")}"));
        Assert.Equal(("ci", "CHG-1", "recorded", Environment.MachineName, Environment.ProcessId), (Text(lines[0], "name"), Text(lines[0], "reason"), Text(lines[0], "project"), Text(lines[0], "host"), lines[0].GetProperty("process").GetInt32()));
        Assert.Equal((issued.Id(), issued.Get<string>("Fingerprint"), 1, "Issued"), (Text(lines[1], "id"), Text(lines[1], "fingerprint"), lines[1].GetProperty("attempts").GetInt32(), Text(lines[1], "outcome")));
        Assert.NotEmpty(Text(lines[1], "request"));
        Assert.Equal((issued.Id(), "ci", "CHG-2"), (Text(lines[3], "id"), Text(lines[3], "name"), Text(lines[3], "reason")));

        PSObject[] events = [.. Run("Get-MbTokenHistory").MustSucceed()];
        Assert.Equal(["Issue Issued CHG-1", "Revoke Revoked CHG-2"], events.Select(item => $"{item.Get<object>("Operation")} {item.Get<object>("Outcome")} {item.Get<string>("Reason")}"));
        Assert.Equal("the pipeline", events[0].Get<string>("HeldBy"));
        Assert.True((bool)Run("Test-MbTokenHistory (Get-MbTokenHistory -Last 1).Hash").MustSucceed().Single().BaseObject);
    }

    [Fact]
    public void A_rotation_is_recorded_step_by_step()
    {
        Connect();
        (string old, _) = Issue("rotated");
        Update("rotated -SaveTo { param($Issued) $Issued.Token } -Reason CHG-3").MustSucceed();

        PSObject[] events = [.. Run("Get-MbTokenHistory -Operation Rotate").MustSucceed()];
        Assert.Equal(Steps().Skip(1), events.Select(item => item.Get<string>("Step").ToLowerInvariant()));
        Assert.All(events, item => Assert.Equal((old, "rotated", "CHG-3"), (item.Id(), item.Get<string>("Name"), item.Get<string>("Reason"))));
        PSObject issued = Run("Get-MbTokenHistory -Operation Issue -Last 1").MustSucceed().Single();
        Assert.Equal(("Issued", "-SaveTo", events[^1].Get<string>("NewId")), (issued.Get<object>("Outcome").ToString(), issued.Get<string>("HeldBy"), issued.Id()));
        Assert.Equal(issued.Id(), Run("Get-MbTokenHistory $new | Where-Object Operation -eq Rotate | Select-Object -Last 1", ("new", issued.Id())).MustSucceed().Single().Get<string>("NewId"));
        Assert.True((bool)Run("Test-MbTokenHistory").MustSucceed().Single().BaseObject);
    }

    [Fact]
    public void A_stored_and_a_signed_token_are_recorded()
    {
        Connect();
        Run(VaultModule + "\nNew-MbProjectToken 'kept' -ExpiresIn 1h -Vault prod").MustSucceed();
        Run("New-MbUserToken -Email hana@example.com -ApiKey pk_1 -SecretKey $key -ExpiresIn 1h", ("key", Secret.Of(TokenText.Key))).MustSucceed();

        Assert.Equal(["Issue prod/kept", "Sign the pipeline"], Run("Get-MbTokenHistory | ForEach-Object { \"$($_.Operation) $($_.HeldBy)\" }").MustSucceed().Select(item => item.ToString()));
        Assert.DoesNotContain("hana", File.ReadAllText(HistoryPath), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("New-MbProjectToken found -ExpiresIn 1d -AsPlainText", "", "Live")]
    [InlineData("New-MbUserToken -Email hana@example.com -ExpiresIn 1d -AsPlainText", "", "Live")]
    [InlineData("New-MbProjectToken found -ExpiresIn 1d -AsPlainText", "Remove-MbProjectToken $found.Id -Force", "NotLive")]
    public void A_found_token_that_is_tried_is_recorded_with_what_the_api_said(string issue, string then, string said)
    {
        Connect();
        Run($"$found = {issue}; {then}; $found.Token | Find-MbLeakedToken -TestLive").MustSucceed();
        Assert.Equal($"{said} Done", Run("Get-MbTokenHistory -Operation Test | ForEach-Object { \"$($_.Detail) $($_.Outcome)\" }").MustSucceed().Single().ToString());
    }

    [Fact]
    public async Task A_test_that_was_not_answered_is_not_recorded_as_one_that_was()
    {
        Connect("-MaximumRetryCount 0 -TimeoutSec 3");
        PSObject found = Run("New-MbProjectToken found -ExpiresIn 1d -AsPlainText").MustSucceed().Single();
        await Server.FailAsync("GET * never");
        Run("$value | Find-MbLeakedToken -TestLive -ErrorAction SilentlyContinue", ("value", found.Get<string>("Token")));
        await Server.ResetAsync();
        Assert.DoesNotContain(Run("Get-MbTokenHistory -Operation Test").MustSucceed(), item => item.Get<object>("Outcome").ToString() != "Unknown");
    }

    [Fact]
    public void What_no_list_shows_has_no_command_that_looks_and_any_other_looks_in_its_own_project()
    {
        Connect();
        Run("New-MbUserToken -Email hana@example.com -ApiKey pk_1 -SecretKey $key -ExpiresIn 1h; New-MbUserToken -Email hana@example.com -ExpiresIn 1h", ("key", Secret.Of(TokenText.Key))).MustSucceed();

        // Without the claims, as a process leaves it that dies before it hands a token over.
        File.WriteAllLines(HistoryPath, File.ReadAllLines(HistoryPath).Where(line => !line.Contains("\"phase\":\"claim\"", StringComparison.Ordinal)));
        PSObject[] events = [.. Run("Get-MbTokenHistory -Outcome Unclaimed").MustSucceed()];

        Assert.Equal(["Sign", "Issue"], events.Select(item => item.Get<object>("Operation").ToString()));
        Assert.Null(events[0].Get<string?>("Look"));
        Assert.Contains(" -Session 'recorded'", events[1].Get<string>("Look"), StringComparison.Ordinal);
        Engine.Connect(Server, "-Name another");
        Assert.Equal(events[1].Id(), Run(events[1].Get<string>("Look")).MustSucceed().Single().Id());
    }

    [Fact]
    public async Task What_the_api_refuses_or_leaves_in_doubt_is_recorded_as_such()
    {
        Connect("-MaximumRetryCount 0");
        await Server.FailAsync("POST * 403 times=1");
        Run("New-MbProjectToken refused -ExpiresIn 1d -ErrorAction SilentlyContinue");
        await Server.FailAsync("POST * reset-after-work times=1");
        Run("New-MbProjectToken doubtful -ExpiresIn 1d -ErrorAction SilentlyContinue");
        await Server.ResetAsync();

        PSObject[] events = [.. Run("Get-MbTokenHistory").MustSucceed()];
        Assert.Equal(["refused Failed MbForbidden", "doubtful Unknown MbCreateOutcomeUnknown"], events.Select(item => $"{item.Get<string>("Name")} {item.Get<object>("Outcome")} {item.Get<string>("Error")}"));
        Assert.Null(events[0].Get<string?>("Look"));

        // The command finds the token that nobody holds, whatever the current session is.
        PSObject found = Run(events[1].Get<string>("Look")).MustSucceed().Single();
        Assert.Equal("doubtful", found.Get<string>("Name"));
    }

    public static TheoryData<string> Writes =>
    [
        "New-MbProjectToken ci -ExpiresIn 1d",
        "New-MbUserToken -Email hana@example.com -ExpiresIn 1d",
        "Remove-MbProjectToken $token -Force",
        "Remove-MbUserToken $user -Force",
        "Update-MbProjectToken -Id $token -SaveTo { param($Issued) $Issued.Token } -JournalPath $journal",
        "New-MbUserToken -Email hana@example.com -ApiKey pk_1 -SecretKey $key -ExpiresIn 1h",
    ];

    [Theory]
    [MemberData(nameof(Writes))]
    public async Task What_cannot_be_recorded_is_not_sent(string script)
    {
        PSObject token = Run("New-MbProjectToken old -ExpiresIn 1d").MustSucceed().Single();
        PSObject user = Run("New-MbUserToken -Email hana@example.com -ExpiresIn 1d").MustSucceed().Single();
        Connect();
        Directory.CreateDirectory(HistoryPath);
        await Server.ResetAsync();

        Run run = Try(script + "; 'went on'", ("token", token.Id()), ("user", user.Id()), ("journal", Journal), ("key", Secret.Of(TokenText.Key)));

        Assert.StartsWith("MbHistoryFailed,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.NotNull(run.End);
        Assert.Equal(ErrorCategory.WriteError, run.Error.CategoryInfo.Category);
        Assert.Contains("-History", run.Error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
        Assert.Empty(await WritesAsync());
    }

    [Fact]
    public async Task A_history_that_is_taken_away_stops_the_writes_and_the_token_stays_held()
    {
        Connect();
        Run("New-MbProjectToken one -ExpiresIn 1d").MustSucceed();
        File.Delete(HistoryPath);
        await Server.ResetAsync();

        Assert.StartsWith("MbHistoryFailed,", Try("New-MbProjectToken two -ExpiresIn 1d").Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(await WritesAsync());
        Assert.False(File.Exists(HistoryPath));
    }

    [Fact]
    public void What_came_of_a_create_and_cannot_be_recorded_is_told_and_the_token_is_given()
    {
        Connect();

        // The history goes while the create is under way: its own script deletes it.
        Run run = Run("New-MbProjectToken given -ExpiresIn 1d | ForEach-Object { [IO.File]::Delete($history); $_ }", ("history", HistoryPath));

        Assert.Single(run.Output);
        Assert.Contains(run.Warnings, warning => warning.Contains("could not be recorded", StringComparison.Ordinal) && warning.Contains(run.Output[0].Id(), StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Writes))]
    public async Task A_session_that_wants_reasons_does_nothing_without_one(string script)
    {
        PSObject token = Run("New-MbProjectToken old -ExpiresIn 1d").MustSucceed().Single();
        PSObject user = Run("New-MbUserToken -Email hana@example.com -ExpiresIn 1d").MustSucceed().Single();
        Connect("-RequireReason");
        await Server.ResetAsync();
        (string, object?)[] variables = [("token", token.Id()), ("user", user.Id()), ("journal", Journal), ("key", Secret.Of(TokenText.Key))];

        ErrorRecord error = Try(script, variables).Error;

        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("-Reason", error.Exception.Message, StringComparison.Ordinal);
        Assert.Empty(await WritesAsync());

        Run("$PSDefaultParameterValues['*-Mb*:Reason'] = 'CHG-4711'").MustSucceed();
        Run(script, variables).MustSucceed();
        Assert.Contains("\"reason\":\"CHG-4711\"", File.ReadAllText(HistoryPath), StringComparison.Ordinal);
    }

    [Fact]
    public void A_token_that_nobody_took_is_told_of_once_by_the_next_who_connects()
    {
        Connect();
        Run("New-MbProjectToken lost -ExpiresIn 1d").MustSucceed();
        string[] lines = File.ReadAllLines(HistoryPath);

        // As another process left it that died before the token was handed over.
        File.WriteAllLines(HistoryPath, lines.Take(2).Select(line => line.Replace($"\"process\":{Environment.ProcessId}", "\"process\":2147483600", StringComparison.Ordinal)));

        Run first = Run(ConnectScript(""), Variables());
        Assert.Contains("Get-MbTokenHistory -Outcome Unknown, Unclaimed", Assert.Single(first.Warnings), StringComparison.Ordinal);
        Assert.Empty(Run(ConnectScript(""), Variables()).Warnings);

        PSObject unclaimed = Run("Get-MbTokenHistory -Outcome Unclaimed").MustSucceed().Single();
        Assert.Equal("lost", Run(unclaimed.Get<string>("Look")).MustSucceed().Single().Get<string>("Name"));
        Run("Remove-MbProjectToken $id -Force", ("id", unclaimed.Id())).MustSucceed();
        Assert.Empty(Run("Get-MbTokenHistory -Outcome Unclaimed").MustSucceed());
    }

    [Theory]
    [InlineData("-Name 'a*'", "a1", "a2")]
    [InlineData("-Name b1", "b1")]
    [InlineData("-Operation Issue -Last 2", "a2", "b1")]
    [InlineData("-Until ([datetime]'2020-01-01')")]
    [InlineData("-Since ([datetime]'2020-01-01') -Outcome Issued", "a1", "a2", "b1")]
    [InlineData("-UserId nobody")]
    public void Filters_say_what_is_meant(string filter, params string[] names)
    {
        Connect();
        Run("'a1', 'a2', 'b1' | New-MbProjectToken -ExpiresIn 1d").MustSucceed();
        Assert.Equal(names, Run("Get-MbTokenHistory " + filter).MustSucceed().Select(item => item.Get<string>("Name")));
    }

    [Fact]
    public void A_file_is_read_without_a_session()
    {
        Connect();
        Run("New-MbProjectToken 1 -ExpiresIn 1d").MustSucceed();
        Run("Disconnect-MbProject -All").MustSucceed();
        Assert.Single(Run("Get-MbTokenHistory -Path $history", ("history", HistoryPath)).MustSucceed());
        Assert.StartsWith("MbNotConnected,", Run("Get-MbTokenHistory").Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.StartsWith("MbHistoryFailed,", Run("Test-MbTokenHistory -Path $history", ("history", HistoryPath + "x")).Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.StartsWith("MbInvalidRequest,", Run("Test-MbTokenHistory nonsense -Path $history", ("history", HistoryPath)).Error.FullyQualifiedErrorId, StringComparison.Ordinal);

        File.AppendAllText(HistoryPath, "x\n");
        Run broken = Run("Test-MbTokenHistory -Path $history -Verbose", ("history", HistoryPath));
        Assert.False((bool)broken.Output.Single().BaseObject);
        Assert.Contains(broken.Verbose, line => line.StartsWith("Line 4 of ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_session_that_has_written_nothing_has_an_empty_history()
    {
        Connect();
        Run run = Run("Get-MbTokenHistory -Verbose");
        Assert.Empty(run.MustSucceed());
        Assert.Contains("Nothing is recorded yet", Assert.Single(run.Verbose), StringComparison.Ordinal);
    }

    private void Connect(string options = "") => Run(ConnectScript(options), Variables()).MustSucceed();

    private static string ConnectScript(string options) => "Connect-MbProject $token -BaseUri $address -Name recorded -History $history " + options;

    private (string, object?)[] Variables() => [("token", Server.SecureToken()), ("address", Server.BaseAddress), ("history", HistoryPath)];

    private JsonElement[] Lines() => [.. File.ReadLines(HistoryPath).Select(line => JsonDocument.Parse(line).RootElement)];

    private static string Text(JsonElement line, string name) => line.GetProperty(name).GetString()!;
}
