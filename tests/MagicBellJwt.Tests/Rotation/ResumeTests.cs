using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Rotation;

/// <summary>What a later run makes of each step that a dead one left in the journal.</summary>
public sealed class ResumeTests(ServerFixture fixture) : RotationTestBase<ServerFixture>(fixture)
{
    private static readonly string[] s_storing = ["begun", "created", "proved", "storing"];
    private static readonly string[] s_revoking = [.. s_storing, "stored", "revoking"];

    [Fact]
    public async Task Begun_without_a_token_stays_open_for_as_long_as_it_may_come_and_a_fresh_one_is_begun()
    {
        (string old, _) = Issue("begun");
        Leave(old, null, null, "begun", ["begun"]);

        Run run = Update("begun -SaveTo { param($Issued) $Issued.Token }");

        PSObject rotation = run.MustSucceed().Single();
        Assert.Equal((old, false), (rotation.Get<string>("OldId"), rotation.Get<bool>("Resumed")));
        Assert.Empty(run.Warnings);
        Assert.Equal([rotation.Get<string>("NewId")], await LiveAsync("begun"));
    }

    [Fact]
    public async Task Begun_with_a_token_reports_the_orphan_once_and_revokes_nothing()
    {
        (string old, _) = Issue("orphaned");
        Leave(old, null, null, "orphaned", ["begun"]);
        (string orphan, _) = Issue("orphaned");

        Run run = Update("-Resume");

        Assert.Empty(run.MustSucceed());
        Assert.Contains($"Remove-MbProjectToken '{orphan}'", Assert.Single(run.Warnings), StringComparison.Ordinal);
        Assert.Equal(new HashSet<string> { old, orphan }, [.. await LiveAsync("orphaned")]);
        Assert.Empty(Update("-Resume").Warnings);
        Assert.Equal(old, Update("orphaned -SaveTo { param($Issued) $Issued.Token }").MustSucceed().Single().Get<string>("OldId"));
    }

    [Theory]
    [InlineData("begun created")]
    [InlineData("begun created proved")]
    [InlineData("begun created proved storing undoing")]
    public async Task A_token_that_nobody_had_is_revoked(string steps)
    {
        (string old, _) = Issue("unheld");
        (string @new, string value) = Issue("unheld");
        Leave(old, @new, value, "unheld", steps.Split(' '));

        Run run = Update("-Resume");

        Assert.Empty(run.MustSucceed());
        Assert.Contains(@new, Assert.Single(run.Warnings), StringComparison.Ordinal);
        Assert.Equal([old], await LiveAsync("unheld"));
        Run("Remove-MbProjectToken $old -Force", ("old", old)).MustSucceed();
    }

    // Created for an address that is another user's: the list of the one does not show it, and that says nothing.
    [Theory]
    [InlineData("begun created")]
    [InlineData("begun created undoing")]
    public async Task A_users_token_that_the_list_does_not_show_is_not_said_to_be_revoked(string steps)
    {
        PSObject old = Run("New-MbUserToken -Email mine@example.com -Name elsewhere -ExpiresIn 1h").MustSucceed().Single();
        PSObject @new = Run("New-MbUserToken -Email theirs@example.com -Name elsewhere -ExpiresIn 1h").MustSucceed().Single();
        Leave(old.Id(), @new.Id(), "value", "elsewhere", steps.Split(' '), ("kind", "user"), ("user", old.Get<string>("UserId")), ("time", Now(-120)));

        Run run = Run("Update-MbUserToken -Resume -JournalPath $journal", ("journal", Journal));

        string warning = Assert.Single(run.Warnings);
        Assert.DoesNotContain("is revoked", warning, StringComparison.Ordinal);
        Assert.Contains($"Remove-MbUserToken '{@new.Id()}'", warning, StringComparison.Ordinal);
        Assert.Empty(new[] { old.Id(), @new.Id() }.Except(await LiveAsync("elsewhere")));
        Assert.Equal("undone", Steps().Last());
    }

    // A server that answered the create with an id of its imagination: the token that it did issue is in the list, under another id.
    [Theory]
    [InlineData("begun created")]
    [InlineData("begun created undoing")]
    public async Task An_id_that_no_list_shows_is_not_the_only_one_that_is_named(string steps)
    {
        (string old, _) = Issue("imagined");
        (string issued, _) = Issue("imagined");
        Leave(old, Guid.NewGuid().ToString("D"), "value", "imagined", steps.Split(' '), ("time", Now(-120)), ("before", old));

        Run run = Update("-Resume");

        string warning = Assert.Single(run.Warnings);
        Assert.Contains($"Remove-MbProjectToken '{issued}'", warning, StringComparison.Ordinal);
        Assert.DoesNotContain($"'{old}'", warning, StringComparison.Ordinal);
        Assert.Empty(new[] { old, issued }.Except(await LiveAsync("imagined")));
        Assert.Equal("undone", Steps().Last());
        Assert.Empty(Update("-Resume").Warnings);
    }

    [Theory]
    [InlineData("begun created proved storing")]
    [InlineData("begun created proved storing stored")]
    [InlineData("begun created proved storing stored revoking")]
    public async Task A_token_that_the_vault_holds_takes_over(string steps)
    {
        (string old, _) = Issue("held");
        (string @new, string value) = Issue("held");
        Run(VaultModule + "\n$secrets['prod/held'] = $value", ("value", value)).MustSucceed();
        Leave(old, @new, value, "held", steps.Split(' '), ("vault", "prod"), ("secret", "held"));

        PSObject rotation = Update("held -Vault prod").MustSucceed().Single();

        Assert.Equal((old, @new, true, "prod/held"), (rotation.Get<string>("OldId"), rotation.Get<string>("NewId"), rotation.Get<bool>("Resumed"), rotation.Get<string>("StoredIn")));
        Assert.Equal([@new], await LiveAsync("held"));
        Assert.Equal("done", Steps().Last());
        Run("Remove-MbProjectToken $new -Force", ("new", @new)).MustSucceed();
    }

    [Fact]
    public async Task A_token_that_the_vault_does_not_hold_is_revoked()
    {
        (string old, string oldValue) = Issue("unstored");
        (string @new, string value) = Issue("unstored");
        Run(VaultModule + "\n$secrets['prod/unstored'] = $value", ("value", oldValue)).MustSucceed();
        Leave(old, @new, value, "unstored", s_storing, ("vault", "prod"), ("secret", "unstored"));

        Run run = Update("-Resume");

        Assert.Empty(run.MustSucceed());
        Assert.Contains("does not hold the new token", Assert.Single(run.Warnings), StringComparison.Ordinal);
        Assert.Equal([old], await LiveAsync("unstored"));
    }

    [Fact]
    public async Task A_vault_that_shows_late_what_another_process_wrote_is_asked_again()
    {
        (string old, string oldValue) = Issue("late");
        (string @new, string value) = Issue("late");
        Run(
            """
            $global:asked = 0
            New-Module -Name Microsoft.PowerShell.SecretManagement {
                function Set-Secret { throw 'not needed' }
                function Get-Secret([string] $Vault, [string] $Name) { if ($global:asked++) { $global:new } else { $global:before } }
            } | Import-Module -Global
            """,
            ("before", oldValue), ("new", value)).MustSucceed();
        Leave(old, @new, value, "late", s_storing, ("vault", "prod"), ("secret", "late"), ("time", Now(-8)));

        Assert.Equal(@new, Update("-Resume").MustSucceed().Single().Get<string>("NewId"));

        Assert.Equal([@new], await LiveAsync("late"));
    }

    [Fact]
    public async Task A_vault_that_cannot_be_read_decides_nothing()
    {
        (string old, _) = Issue("closed");
        (string @new, string value) = Issue("closed");
        Run("New-Module -Name Microsoft.PowerShell.SecretManagement { function Get-Secret { throw 'closed' }; function Set-Secret { throw 'closed' } } | Import-Module -Global").MustSucceed();
        Leave(old, @new, value, "closed", s_storing, ("vault", "prod"), ("secret", "closed"));

        Run run = Update("closed -Vault prod");

        Assert.StartsWith("MbRotationFailed,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(new HashSet<string> { old, @new }, [.. await LiveAsync("closed")]);
        Assert.Equal("storing", Steps().Last());
    }

    [Fact]
    public async Task Errors_that_nobody_wants_to_see_are_errors_all_the_same()
    {
        (string old, _) = Issue("quiet");
        (string @new, string value) = Issue("quiet");
        Run(
            """
            New-Module -Name Microsoft.PowerShell.SecretManagement {
                $closed = [Management.Automation.ErrorRecord]::new([Exception]::new('closed'), 'x', 'InvalidOperation', $null)
                function Get-Secret { [CmdletBinding()] param([string] $Vault, [string] $Name) $PSCmdlet.WriteError($closed) }
                function Set-Secret { [CmdletBinding()] param([string] $Vault, [string] $Name, $Secret) $PSCmdlet.WriteError($closed) }
                function Get-SecretInfo { [CmdletBinding()] param([string] $Vault, [string] $Name) $PSCmdlet.WriteError($closed) }
            } | Import-Module -Global
            $global:ErrorActionPreference = 'SilentlyContinue'
            """).MustSucceed();
        Leave(old, @new, value, "quiet", s_storing, ("vault", "prod"), ("secret", "quiet"));

        Update("quiet -Vault prod");

        Assert.Equal(new HashSet<string> { old, @new }, [.. await LiveAsync("quiet")]);
        Assert.Equal("storing", Steps().Last());
    }

    [Fact]
    public async Task While_the_new_token_cannot_be_revoked_nothing_fresh_is_begun()
    {
        (string old, _) = Issue("unrevoked");
        (string @new, string value) = Issue("unrevoked");
        Leave(old, @new, value, "unrevoked", ["begun", "created"]);
        await Server.FailAsync("DELETE * 403 times=1");

        Run run = Update("unrevoked -SaveTo { param($Issued) $Issued.Token }");

        Assert.StartsWith("MbRotationFailed,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(new HashSet<string> { old, @new }, [.. await LiveAsync("unrevoked")]);
        Assert.Single(Update("unrevoked -SaveTo { param($Issued) $Issued.Token }").MustSucceed());
        Assert.Single(await LiveAsync("unrevoked"));
    }

    [Fact]
    public async Task A_token_that_a_script_may_have_stored_stays_until_a_fresh_one_is_stored()
    {
        (string old, _) = Issue("uncertain");
        (string @new, string value) = Issue("uncertain");
        Leave(old, @new, value, "uncertain", s_storing, ("script", "true"));

        Assert.Contains("-SaveTo", Assert.Single(Update("-Resume").Warnings), StringComparison.Ordinal);
        Assert.Equal(new HashSet<string> { old, @new }, [.. await LiveAsync("uncertain")]);
        Assert.Single(Update("uncertain -SaveTo { throw 'not now' }").Errors);
        Assert.ProperSuperset(new HashSet<string> { old, @new }, (HashSet<string>)[.. await LiveAsync("uncertain")]);

        PSObject rotation = Update("uncertain -SaveTo { param($Issued) $Issued.Token }").MustSucceed().Single();
        Assert.Equal([rotation.Get<string>("NewId")], await LiveAsync("uncertain"));
        Assert.Empty(Update("-Resume").Warnings);
    }

    [Fact]
    public async Task A_script_that_stored_is_taken_at_its_word()
    {
        (string old, _) = Issue("scripted");
        (string @new, string value) = Issue("scripted");
        Leave(old, @new, value, "scripted", [.. s_storing, "stored"], ("script", "true"));

        PSObject rotation = Update("scripted -SaveTo { throw 'not needed' }").MustSucceed().Single();

        Assert.Equal((old, @new, true), (rotation.Get<string>("OldId"), rotation.Get<string>("NewId"), rotation.Get<bool>("Resumed")));
        Assert.Equal([@new], await LiveAsync("scripted"));
    }

    [Fact]
    public async Task An_old_token_that_is_gone_already_is_no_failure()
    {
        (string old, _) = Issue("gone");
        (string @new, string value) = Issue("gone");
        Run("Remove-MbProjectToken $old -Force", ("old", old)).MustSucceed();
        Leave(old, @new, value, "gone", s_revoking, ("script", "true"));

        PSObject rotation = Update($"-Id {old}").MustSucceed().Single();

        Assert.NotNull(rotation.Properties["OldRevokedAt"].Value);
        Assert.Equal([@new], await LiveAsync("gone"));
    }

    [Fact]
    public async Task A_new_token_that_was_revoked_meanwhile_keeps_the_old_one()
    {
        (string old, _) = Issue("meanwhile");
        (string @new, string value) = Issue("meanwhile");
        Run("Remove-MbProjectToken $new -Force", ("new", @new)).MustSucceed();
        Leave(old, @new, value, "meanwhile", s_revoking, ("script", "true"), ("time", Now(-600)));

        Run run = Update("-Resume");

        Assert.Empty(run.MustSucceed());
        Assert.Contains("not live any more", Assert.Single(run.Warnings), StringComparison.Ordinal);
        Assert.Equal([old], await LiveAsync("meanwhile"));
    }

    [Fact]
    public async Task A_token_that_was_itself_rotated_since_still_lets_the_first_one_end()
    {
        (string a, _) = Issue("chain");
        string b = Update("chain -Overlap 1h -SaveTo { param($Issued) $Issued.Token }").MustSucceed().Single().Get<string>("NewId");
        string c = Update("chain -SaveTo { param($Issued) $Issued.Token }").MustSucceed().Single().Get<string>("NewId");
        Assert.Equal(new HashSet<string> { a, c }, [.. await LiveAsync("chain")]);
        string journal = await File.ReadAllTextAsync(Journal, TestContext.Current.CancellationToken);
        string due = journal.Split("\"due\":\"")[1].Split('"')[0];
        await File.WriteAllTextAsync(Journal, journal.Replace(due, Now(-1), StringComparison.Ordinal), TestContext.Current.CancellationToken);

        PSObject rotation = Update("-Resume").MustSucceed().Single();

        Assert.Equal((a, b), (rotation.Get<string>("OldId"), rotation.Get<string>("NewId")));
        Assert.Equal([c], await LiveAsync("chain"));
    }

    [Fact]
    public async Task A_session_that_runs_on_the_old_token_does_not_end_itself()
    {
        (string old, string oldValue) = Issue("mine");
        (string @new, string value) = Issue("mine");
        Run("Connect-MbProject -ProjectToken $own -BaseUri $address -Name mine", ("own", Secret.Of(oldValue)), ("address", Server.BaseAddress)).MustSucceed();
        Leave(old, @new, value, "mine", s_revoking, ("script", "true"));

        Assert.StartsWith("MbSelfLockout,", Assert.Single(Update("-Resume").Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(old, await LiveAsync("mine"));

        Run("Connect-MbProject -ProjectToken $own -BaseUri $address -Name mine", ("own", Secret.Of(value)), ("address", Server.BaseAddress)).MustSucceed();
        Update("-Resume").MustSucceed();
        Assert.Equal([@new], await LiveAsync("mine"));
    }

    [Fact]
    public async Task A_session_that_runs_on_the_old_token_goes_on_with_the_vaults()
    {
        (string old, string oldValue) = Issue("mine too");
        (string @new, string value) = Issue("mine too");
        Run(VaultModule + "\n$secrets['prod/mine too'] = $value", ("value", value)).MustSucceed();
        Run("Connect-MbProject -ProjectToken $own -BaseUri $address -Name mine2", ("own", Secret.Of(oldValue)), ("address", Server.BaseAddress)).MustSucceed();
        Leave(old, @new, value, "mine too", s_revoking, ("vault", "prod"), ("secret", "mine too"));

        Update("-Resume").MustSucceed();

        Assert.Equal([@new], await LiveAsync("mine too"));
        Assert.Equal(@new, Run("Get-MbProjectToken -First 1 | ForEach-Object { }; (Get-MbSession mine2).TokenId").MustSucceed().Single().ToString());
    }

    [Fact]
    public async Task WhatIf_tells_what_would_be_finished_and_leaves_it()
    {
        (string old, _) = Issue("whatif");
        (string @new, string value) = Issue("whatif");
        Leave(old, @new, value, "whatif", ["begun", "created"]);
        string before = await File.ReadAllTextAsync(Journal, TestContext.Current.CancellationToken);

        Assert.Empty(Update("-Resume -WhatIf").MustSucceed());

        Assert.Contains("'whatif'", string.Join(" ", Host.Lines), StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllTextAsync(Journal, TestContext.Current.CancellationToken));
        Assert.Equal(2, (await LiveAsync("whatif")).Length);
    }

    [Fact]
    public async Task Another_project_in_the_same_journal_is_left_alone()
    {
        (string old, _) = Issue("foreign");
        (string @new, string value) = Issue("foreign");
        Leave(old, @new, value, "foreign", ["begun", "created"], ("project", "elsewhere.example/prj_2"));

        Assert.Empty(Update("-Resume").MustSucceed());

        Assert.Equal(2, (await LiveAsync("foreign")).Length);
    }

    [Fact]
    public void With_nothing_to_resume_nothing_happens() => Assert.Empty(Update("-Resume").MustSucceed());

    /// <summary>Writes the journal that a run leaves which dies after its last step.</summary>
    private void Leave(string old, string? @new, string? value, string name, string[] steps, params (string Name, string Value)[] facts)
    {
        string rotation = Guid.NewGuid().ToString("D");
        Dictionary<string, string> given = facts.ToDictionary(fact => fact.Name, fact => fact.Value);
        Directory.CreateDirectory(Path.GetDirectoryName(Journal)!);
        File.AppendAllLines(Journal, steps.Select(step =>
        {
            var line = new Dictionary<string, string?> { ["rotation"] = rotation, ["step"] = step, ["time"] = given.GetValueOrDefault("time", Now(-30)) };
            if (step == "begun")
            {
                line["project"] = given.GetValueOrDefault("project", "127.0.0.1/" + Claim(Server.Token, "project_id"));
                line["kind"] = given.GetValueOrDefault("kind", "project");
                line["user"] = given.GetValueOrDefault("user");
                line["old"] = old;
                line["name"] = name;
                line["key"] = Guid.NewGuid().ToString("D");
                line["vault"] = given.GetValueOrDefault("vault");
                line["script"] = given.GetValueOrDefault("script");
                line["before"] = given.GetValueOrDefault("before");
            }
            else if (step == "created")
            {
                line["new"] = @new;
                line["fingerprint"] = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(value!)))[..12];
            }
            else if (step == "storing")
            {
                line["secret"] = given.GetValueOrDefault("secret");
            }

            return JsonSerializer.Serialize(line.Where(fact => fact.Value is not null).ToDictionary());
        }));
    }

    private static string Now(int seconds) => DateTimeOffset.UtcNow.AddSeconds(seconds).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
