using System;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Rotation;

/// <summary>A schedule's whole work by a policy.</summary>
public sealed class InvokeRotationTests(ServerFixture fixture) : RotationTestBase<ServerFixture>(fixture)
{
    private readonly string _mark = Guid.NewGuid().ToString("N");

    private string PolicyFile => Path.Combine(Folder, "policy.json");

    private Run Invoke(string rules, string options = "")
    {
        File.WriteAllText(PolicyFile, $$"""{ "rotate": [ {{rules.Replace("MARK", _mark, StringComparison.Ordinal)}} ] }""");
        return Run($"Invoke-MbRotation $policy -JournalPath $journal {options}", ("policy", PolicyFile), ("journal", Journal));
    }

    [Fact]
    public async Task What_a_rule_says_is_due_is_rotated_into_its_store_and_the_rest_is_left_alone()
    {
        (string due, _) = Issue($"{_mark} due", "-ExpiresIn 1h");
        (string late, _) = Issue($"{_mark} late", "-ExpiresIn 90d");
        (string other, _) = Issue($"other {_mark}", "-ExpiresIn 1h");
        Run(VaultModule).MustSucceed();

        await AgeAsync();

        // Half of the hour is still more than a third, so only age makes it due.
        Run run = Invoke("""{ "name": "MARK due", "olderThan": "0:00:00.001", "vault": "prod", "secretName": "{Project}-{Name}", "lifetime": "2h" }, { "name": "MARK*", "endingWithin": "7d", "vault": "prod" }""");

        PSObject rotation = run.MustSucceed().Single();
        Assert.Equal(due, rotation.Get<string>("OldId"));
        Assert.Equal($"prod/{rotation.Get<string>("Project")}-{_mark} due", rotation.Get<string>("StoredIn"));
        Assert.Equal([rotation.Get<string>("NewId")], await LiveAsync($"{_mark} due"));
        Assert.Equal(rotation.Get<string>("NewId"), Claim(SecretIn(rotation.Get<string>("StoredIn")), "jti"));
        Assert.Equal([late], await LiveAsync($"{_mark} late"));
        Assert.Equal([other], await LiveAsync($"other {_mark}"));
    }

    [Fact]
    public async Task A_short_life_is_not_rotated_at_every_run()
    {
        (string old, _) = Issue($"{_mark} short", "-ExpiresIn 3d");
        Run(VaultModule).MustSucceed();

        Run run = Invoke("""{ "name": "MARK*", "endingWithin": "7d", "vault": "prod" }""");

        Assert.Empty(run.MustSucceed());
        Assert.Contains(old, Assert.Single(run.Warnings), StringComparison.Ordinal);
        Assert.Equal([old], await LiveAsync($"{_mark} short"));
    }

    [Fact]
    public async Task What_an_overlap_left_is_ended_by_the_next_run_and_not_rotated_again()
    {
        (string old, _) = Issue($"{_mark} over", "-ExpiresIn 1d");
        Run(VaultModule).MustSucceed();
        const string Rule = """{ "name": "MARK*", "olderThan": "2s", "vault": "prod", "overlap": "1s" }""";
        await AgeAsync();
        string first = Invoke(Rule).MustSucceed().Single().Get<string>("NewId");
        Assert.Equal(new[] { first, old }.Order(), (await LiveAsync($"{_mark} over")).Order());
        await Task.Delay(1200, TestContext.Current.CancellationToken);

        Run run = Invoke(Rule.Replace("2s", "1h", StringComparison.Ordinal));

        Assert.Equal(old, run.MustSucceed().Single().Get<string>("OldId"));
        Assert.Equal([first], await LiveAsync($"{_mark} over"));
    }

    [Fact]
    public async Task One_that_fails_keeps_none_of_the_others()
    {
        (string broken, _) = Issue($"{_mark} a", "-ExpiresIn 1d");
        Issue($"{_mark} b", "-ExpiresIn 2d");
        Run(VaultModule + "\n$secrets[\"prod/$name\"] = 'db-password'", ("name", $"{_mark} a")).MustSucceed();

        await AgeAsync();
        Run run = Invoke("""{ "name": "MARK*", "olderThan": "0:00:00.001", "vault": "prod" }""");

        Assert.StartsWith("MbInvalidRequest,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal($"{_mark} b", run.Output.Single().Get<string>("Name"));
        Assert.Equal([broken], await LiveAsync($"{_mark} a"));
    }

    [Fact]
    public async Task One_that_expired_before_its_run_is_told_and_nothing_is_issued_until_the_command_is_pasted()
    {
        (string old, _) = Issue($"{_mark} late", "-ExpiresIn 1s");
        Run(VaultModule).MustSucceed();
        await AgeAsync();
        await Server.ResetAsync();

        Run run = Invoke("""{ "name": "MARK*", "endingWithin": "7d", "vault": "prod" }""");

        ErrorRecord error = Assert.Single(run.Errors);
        Assert.StartsWith("MbRotationFailed,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains($"Update-MbProjectToken -Id '{old}' -Vault 'VAULT'", error.Exception.Message, StringComparison.Ordinal);
        Assert.Contains($"Remove-MbProjectToken '{old}'", error.Exception.Message, StringComparison.Ordinal);
        Assert.Empty(await WritesAsync());

        PSObject rotation = Update($"-Id '{old}' -Vault 'prod' -ExpiresIn 1d").MustSucceed().Single();
        Assert.Equal([rotation.Get<string>("NewId")], await LiveAsync($"{_mark} late"));
        Assert.Empty(Invoke("""{ "name": "MARK*", "endingWithin": "1h", "vault": "prod" }""").MustSucceed());
    }

    [Fact]
    public async Task A_preview_tells_the_plan_and_sends_nothing()
    {
        Issue($"{_mark} plan", "-ExpiresIn 1d");
        Run(VaultModule).MustSucceed();
        await AgeAsync();
        await Server.ResetAsync();

        Invoke("""{ "name": "MARK*", "olderThan": "0:00:00.001", "vault": "prod", "overlap": "2h" }""", "-WhatIf").MustSucceed();

        Assert.Contains($"secret '{_mark} plan' of vault 'prod'", Assert.Single(Host.Lines), StringComparison.Ordinal);
        Assert.Empty(await WritesAsync());
        Assert.False(File.Exists(Journal));
    }

    [Fact]
    public async Task A_script_in_the_policys_folder_stores()
    {
        Issue($"{_mark} script", "-ExpiresIn 1d");
        await File.WriteAllTextAsync(Path.Combine(Folder, "put it.ps1"), "param($Issued) $global:kept = $Issued.Token; $global:kept", TestContext.Current.CancellationToken);

        await AgeAsync();
        PSObject rotation = Invoke("""{ "name": "MARK*", "olderThan": "0:00:00.001", "saveTo": "put it.ps1" }""").MustSucceed().Single();

        Assert.Equal([rotation.Get<string>("NewId")], await LiveAsync($"{_mark} script"));
    }

    [Theory]
    [InlineData("""{ "nme": "x", "olderThan": "1d", "vault": "prod" }""", "nme")]
    [InlineData("""{ "olderThan": "1d", "vault": "prod" }""", "'name'")]
    [InlineData("""{ "name": "x", "vault": "prod" }""", "olderThan")]
    [InlineData("""{ "name": "x", "olderThan": "1d" }""", "'vault'")]
    [InlineData("""{ "name": "x", "olderThan": "1d", "vault": "prod", "saveTo": "x.ps1" }""", "one place")]
    [InlineData("""{ "name": "x", "olderThan": "30", "vault": "prod" }""", "'30'")]
    [InlineData("""{ "name": "x", "olderThan": "1M", "vault": "prod" }""", "1m")]
    [InlineData("", "no rules")]
    [InlineData("{", "cannot be read")]
    public async Task A_policy_with_a_fault_is_refused_before_anything_is_sent(string rules, string told)
    {
        ErrorRecord error = Assert.Single(Invoke(rules).Errors);

        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(told, error.Exception.Message, StringComparison.Ordinal);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Fact]
    public async Task A_vault_that_is_not_here_ends_it_before_anything_is_sent()
    {
        await Server.ResetAsync();

        File.WriteAllText(PolicyFile, """{ "rotate": [ { "name": "x", "olderThan": "1d", "vault": "nowhere" } ] }""");
        Run run = Run("try { Invoke-MbRotation $policy -JournalPath $journal -ErrorAction Continue } catch { $_.FullyQualifiedErrorId; \"$_\" }", ("policy", PolicyFile), ("journal", Journal));

        Assert.StartsWith("MbInvalidRequest,", run.Output[0].ToString(), StringComparison.Ordinal);
        Assert.Contains("Microsoft.PowerShell.SecretManagement", run.Output[1].ToString(), StringComparison.Ordinal);
        Assert.Empty(await Server.RequestsAsync());
    }
}
