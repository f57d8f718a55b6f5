using System;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Rotation;

/// <summary>What is under way, and giving it up.</summary>
public sealed class PendingRotationTests(ServerFixture fixture) : RotationTestBase<ServerFixture>(fixture)
{
    [Fact]
    public async Task What_waits_for_its_time_is_shown_with_what_comes_next_and_nothing_is_sent()
    {
        (string old, _) = Issue("pending");
        Update("pending -SaveTo { param($Issued) $Issued.Token } -Overlap 1h").MustSucceed();
        await Server.ResetAsync();

        PSObject pending = Run("Get-MbRotation PEND* -JournalPath $journal", ("journal", Journal)).MustSucceed().Single();

        Assert.Equal(("pending", old, "Retiring", "-SaveTo"), (pending.Get<string>("Name"), pending.Get<string>("OldId"), pending.Get<string>("Step"), pending.Get<string>("StoredIn")));
        Assert.False(pending.Get<bool>("IsOverdue"));
        Assert.InRange(pending.Get<DateTimeOffset>("DueAt"), DateTimeOffset.UtcNow.AddMinutes(55), DateTimeOffset.UtcNow.AddMinutes(65));
        Assert.StartsWith("Nothing before", pending.Get<string>("NextRun"), StringComparison.Ordinal);
        Assert.Empty(Run("Get-MbRotation other* -JournalPath $journal", ("journal", Journal)).MustSucceed());
        Assert.Empty(await Server.RequestsAsync());
        Assert.Contains("stays until", Assert.Single(Update("-Resume").Information).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_finished_one_is_not_under_way()
    {
        Issue("finished");
        Update("finished -SaveTo { param($Issued) $Issued.Token }").MustSucceed();

        Assert.Empty(Run("Get-MbRotation -JournalPath $journal", ("journal", Journal)).MustSucceed());
        Assert.Single(await LiveAsync("finished"));
    }

    [Fact]
    public async Task One_that_a_locked_vault_interrupted_is_given_up_after_a_question()
    {
        (string old, _) = Issue("given up");
        const string Locked = """
            New-Module -Name Microsoft.PowerShell.SecretManagement {
                function Set-Secret([string] $Vault, [string] $Name, $Secret) { throw 'The vault is locked.' }
                function Get-Secret([string] $Vault, [string] $Name) { }
            } | Import-Module -Global

            """;
        Assert.Single(Run(Locked + "Update-MbProjectToken 'given up' -Vault prod -JournalPath $journal", ("journal", Journal)).Errors);
        Assert.Equal(2, (await LiveAsync("given up")).Length);

        Run("Get-MbRotation -JournalPath $journal | Undo-MbRotation -JournalPath $journal -WhatIf").MustSucceed();
        Assert.Equal(2, (await LiveAsync("given up")).Length);
        Run run = Run("Get-MbRotation -JournalPath $journal | Undo-MbRotation -JournalPath $journal -Confirm:$false");

        run.MustSucceed();
        Assert.Contains(old, Assert.Single(run.Warnings), StringComparison.Ordinal);
        Assert.Equal([old], await LiveAsync("given up"));
        Assert.Empty(Run("Get-MbRotation -JournalPath $journal").MustSucceed());
    }

    [Theory]
    [InlineData("00000000-0000-4000-8000-000000000001", "MbTokenNotFound,")]
    [InlineData("ci", "MbInvalidRequest,")]
    public async Task An_id_of_no_rotation_is_an_error(string id, string error)
    {
        Assert.StartsWith(error, Assert.Single(Run($"Undo-MbRotation {id} -JournalPath $journal -Confirm:$false", ("journal", Journal)).Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(await WritesAsync());
    }
}
