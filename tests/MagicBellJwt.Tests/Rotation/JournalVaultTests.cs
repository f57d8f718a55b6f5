using System;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Rotation;

/// <summary>-JournalVault: the vault keeps what a run has to know of the one before, and no file does.</summary>
public sealed class JournalVaultTests(ServerFixture fixture) : RotationTestBase<ServerFixture>(fixture)
{
    private readonly string _name = Guid.NewGuid().ToString("N");

    private string Text => string.Concat(Run("$secrets.Keys | Where-Object { $_ -like 'prod/MagicBell-rotations-*' } | ForEach-Object { [Net.NetworkCredential]::new('', $secrets[$_]).Password }").MustSucceed());

    private Run Rotate(string options) => Run($"Update-MbProjectToken {_name} -Vault prod -JournalVault prod {options}");

    [Fact]
    public async Task The_next_run_ends_the_overlap_by_what_the_vault_says_and_the_vault_holds_no_token_there()
    {
        (string old, string value) = Issue(_name);
        Run(VaultModule).MustSucceed();

        string first = Rotate("-Overlap 1s").MustSucceed().Single().Get<string>("NewId");

        PSObject pending = Run("Get-MbRotation -JournalVault prod").MustSucceed().Single();
        Assert.Equal((old, first, "Retiring"), (pending.Get<string>("OldId"), pending.Get<string>("NewId"), pending.Get<string>("Step")));
        Assert.StartsWith("prod/MagicBell-rotations-", pending.Get<string>("Journal"), StringComparison.Ordinal);
        Assert.Contains(first, Text, StringComparison.Ordinal);
        foreach (string secret in (string[])[value, SecretIn("prod/" + _name), Server.Token])
        {
            Assert.All(secret.Split('.'), part => Assert.DoesNotContain(part, Text, StringComparison.Ordinal));
        }

        await AgeAsync();
        PSObject rotation = Run("Update-MbProjectToken -Resume -JournalVault prod").MustSucceed().Single();

        Assert.Equal(old, rotation.Get<string>("OldId"));
        Assert.Equal([first], await LiveAsync(_name));
        Assert.Empty(Run("Get-MbRotation -JournalVault prod").MustSucceed());
    }

    // No journal at all, a new machine each time: what the vault keeps beside the secret says which older token is over.
    [Fact]
    public async Task Without_a_journal_the_vault_says_beside_the_secret_which_token_was_replaced()
    {
        Run(VaultModule.Replace("} | Import-Module", """
            $global:notes = @{}
            function Set-SecretInfo([string] $Vault, [string] $Name, [hashtable] $Metadata) { $global:notes["$Vault/$Name"] = $Metadata }
            function Get-SecretInfo([string] $Vault, [string] $Name) { if ($global:closed) { throw 'closed' }; foreach ($key in $global:notes.Keys) { [pscustomobject]@{ Name = $key.Substring($Vault.Length + 1); Metadata = $global:notes[$key] } } } } | Import-Module
            """, StringComparison.Ordinal)).MustSucceed();
        string old = Run($"New-MbProjectToken {_name} -ExpiresIn 30d -Vault prod").MustSucceed().Single().Id();
        string Home() => $"-JournalPath '{Path.Combine(Folder, Guid.NewGuid().ToString("N"))}'";

        // Issued and stored by nobody's rotation: whose the older one is, nobody has said.
        await AgeAsync();
        string stranger = Run($"New-MbProjectToken {_name} -ExpiresIn 30d -SaveTo {{ param($Issued) $Issued.Token }}").MustSucceed().Single().Id();
        await AgeAsync();
        Run($"$issued = New-MbProjectToken {_name} -ExpiresIn 30d; Remove-MbProjectToken {old} -Force; $null = $issued").MustSucceed();
        string third = Run("$issued.Id").MustSucceed().Single().ToString();
        Run($"Set-Secret -Vault prod -Name {_name} -Secret $issued.Token; Set-SecretInfo -Vault prod -Name {_name} -Metadata @{{ MagicBellTokenId = '{third}'; MagicBellReplaces = '{old}' }}").MustSucceed();
        await AgeAsync();

        Run refused = Run($"Update-MbProjectToken {_name} -Vault prod -Overlap 1s {Home()}");

        Assert.StartsWith("MbConflict,", refused.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(new[] { stranger, third }.Order(), (await LiveAsync(_name)).Order());

        // A vault that does not say what it has replaced has not said that it has replaced nothing.
        Run("$global:closed = $true").MustSucceed();
        Assert.StartsWith("MbRotationFailed,", Run($"Update-MbProjectToken {_name} -Vault prod -Overlap 1s {Home()}").Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(new[] { stranger, third }.Order(), (await LiveAsync(_name)).Order());
        Run("$global:closed = $false").MustSucceed();

        // The rotation of this one notes which one it replaces, and the next new machine ends that one and no other.
        Run($"Remove-MbProjectToken {stranger} -Force").MustSucceed();
        string fourth = Run($"Update-MbProjectToken {_name} -Vault prod -Overlap 1s {Home()}").MustSucceed().Single().Get<string>("NewId");
        Assert.Equal((fourth, third), (Run($"$notes['prod/{_name}'].MagicBellTokenId").Output.Single().ToString(), Run($"$notes['prod/{_name}'].MagicBellReplaces").Output.Single().ToString()));
        await AgeAsync();

        Run($"Update-MbProjectToken {_name} -Vault prod -Overlap 1s {Home()}").MustSucceed();

        string[] live = await LiveAsync(_name);
        Assert.DoesNotContain(third, live);
        Assert.Contains(fourth, live);
        Assert.Equal(2, live.Length);
    }

    [Fact]
    public async Task A_preview_reads_the_vault_and_writes_nothing_there()
    {
        Issue(_name);
        Run(VaultModule).MustSucceed();
        await Server.ResetAsync();

        Rotate("-WhatIf").MustSucceed();

        Assert.Equal("", Text);
        Assert.Empty(await WritesAsync());
    }

    [Theory]
    [InlineData("Set-Secret", "if ($Name -like 'MagicBell*') { throw 'The vault is locked.' }", "The vault is locked.")]
    [InlineData("Get-Secret", "if ($Name -like 'MagicBell*') { throw 'The vault is locked.' }", "The vault is locked.")]
    [InlineData("Get-Secret", "if ($Name -like 'MagicBell*') { return 'a password' }", "cannot be read")]
    [InlineData("Get-Secret", "if ($Name -like 'MagicBell*') { return 7 }", "holds something else than text")]
    public async Task Where_the_journal_cannot_be_kept_or_read_nothing_is_sent(string command, string fault, string told)
    {
        (string old, _) = Issue(_name);
        Run(VaultModule.Replace($"function {command}(", $"function {command}-Whole(", StringComparison.Ordinal).Replace("} | Import-Module", $$"""
            function {{command}}([string] $Vault, [string] $Name, $Secret) {
                {{fault}}
                if ($Secret) { Set-Secret-Whole $Vault $Name $Secret } else { Get-Secret-Whole $Vault $Name }
            } } | Import-Module
            """, StringComparison.Ordinal)).MustSucceed();
        await Server.ResetAsync();

        ErrorRecord error = Rotate("").Error;

        Assert.StartsWith("MbRotationFailed,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(told, error.Exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("password", error.ToString(), StringComparison.Ordinal);
        Assert.Empty(await WritesAsync());
        Assert.Equal([old], await LiveAsync(_name));
    }

    [Fact]
    public async Task Of_two_runs_at_once_the_one_that_finds_the_journal_changed_stops_and_leaves_nothing_behind()
    {
        (string old, _) = Issue(_name);

        // Another machine writes its own journal while this one is about to keep that the new token is stored.
        Run(VaultModule.Replace("$global:secrets[\"$Vault/$Name\"] = $Secret", """
            $global:secrets["$Vault/$Name"] = $Secret
            if ($Name -like 'MagicBell*' -and ++$global:kept -eq 3) { $global:secrets["$Vault/$Name"] = $global:others }
            """, StringComparison.Ordinal)).MustSucceed();
        Run("$global:kept = 0; $global:others = [Net.NetworkCredential]::new('', '{\"rotation\":\"5f2b1c1e-0000-4000-8000-000000000001\",\"step\":\"begun\",\"time\":\"2026-01-01T00:00:00Z\",\"project\":\"another\"}').SecurePassword").MustSucceed();

        ErrorRecord error = Rotate("").Error;

        Assert.Contains("by another run or by the vault", error.Exception.Message, StringComparison.Ordinal);
        Assert.Contains("it is revoked again", error.Exception.Message, StringComparison.Ordinal);
        Assert.Equal([old], await LiveAsync(_name));
        Assert.Contains("another", Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_run_left_in_the_middle_is_not_touched_while_that_run_may_be_at_work()
    {
        (string old, _) = Issue(_name);
        string here = Path.Combine(Folder, "here");
        Run(VaultModule).MustSucceed();
        using (RunningScript running = Engine.Start(
            $"function global:Wait-Here {{ [IO.File]::WriteAllText($here, ''); while ($true) {{ [Threading.Thread]::Sleep(20) }} }}\nUpdate-MbProjectToken {_name} -JournalVault prod -SaveTo {{ Wait-Here }}",
            ("here", here)))
        {
            Assert.True(await Eventually.IsAsync(() => File.Exists(here)));
            running.Stop();
        }

        string[] live = await LiveAsync(_name);
        Assert.Equal(2, live.Length);

        Run undo = Run($"Undo-MbRotation {old} -JournalVault prod -Confirm:$false");

        Assert.Contains("may still be at work", undo.Error.Exception.Message, StringComparison.Ordinal);
        Assert.Contains("-JournalVault 'prod'", undo.Error.Exception.Message, StringComparison.Ordinal);
        Assert.Contains("may still be at work", Run("Update-MbProjectToken -Resume -JournalVault prod").Error.Exception.Message, StringComparison.Ordinal);
        Assert.Equal(live, await LiveAsync(_name));
    }

    [Theory]
    [InlineData("Update-MbProjectToken x -JournalVault prod -JournalPath j")]
    [InlineData("Get-MbRotation -JournalVault prod -JournalPath j")]
    [InlineData("Update-MbProjectToken x -JournalVault prod")]
    public async Task Two_places_or_a_vault_that_is_not_here_are_refused_before_anything_is_sent(string script)
    {
        await Server.ResetAsync();

        Assert.StartsWith("MbInvalidRequest,", Run("Remove-Module Microsoft.PowerShell.SecretManagement -ErrorAction Ignore; " + script).Error.FullyQualifiedErrorId, StringComparison.Ordinal);

        Assert.Empty(await Server.RequestsAsync());
    }
}
