using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Rotation;

/// <summary>A job that waits for the end of a short overlap.</summary>
public sealed class WaitTests(ServerFixture fixture) : RotationTestBase<ServerFixture>(fixture)
{
    private readonly string _name = "wait " + Guid.NewGuid().ToString("N");

    [Fact]
    public async Task After_the_overlap_the_old_token_is_revoked_by_the_same_call()
    {
        (string old, _) = Issue(_name);
        Run(VaultModule).MustSucceed();

        IReadOnlyList<PSObject> rows = Update($"'{_name}' -Vault prod -Overlap 1s -Wait").MustSucceed();

        Assert.Equal([old, old], rows.Select(row => row.Get<string>("OldId")));
        Assert.Null(rows[0].Properties["OldRevokedAt"].Value);
        Assert.NotNull(rows[1].Properties["OldRevokedAt"].Value);
        Assert.Equal([rows[1].Get<string>("NewId")], await LiveAsync(_name));
        Assert.Equal(["retiring", "revoking", "done"], Steps().TakeLast(3));
    }

    [Fact]
    public async Task A_policys_overlaps_are_waited_for_too()
    {
        Issue(_name);
        Run(VaultModule).MustSucceed();
        string policy = Path.Combine(Folder, "policy.json");
        await File.WriteAllTextAsync(policy, $$"""{ "rotate": [ { "name": "{{_name}}", "olderThan": "0:00:00.001", "vault": "prod", "overlap": "1s" } ] }""", TestContext.Current.CancellationToken);
        await AgeAsync();

        IReadOnlyList<PSObject> rows = Run("Invoke-MbRotation $policy -JournalPath $journal -Wait", ("policy", policy), ("journal", Journal)).MustSucceed();

        Assert.Equal([rows[^1].Get<string>("NewId")], await LiveAsync(_name));

        await File.WriteAllTextAsync(policy, $$"""{ "rotate": [ { "name": "{{_name}}", "olderThan": "0:00:00.001", "vault": "prod", "overlap": "2h" } ] }""", TestContext.Current.CancellationToken);
        Assert.Contains("an hour at most", Assert.Single(Run("Invoke-MbRotation $policy -JournalPath $journal -Wait", ("policy", policy), ("journal", Journal)).Errors).Exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-Vault prod -Overlap 61m", "schedule a later run")]
    [InlineData("-Vault prod", "there is none")]
    [InlineData("-Overlap 1m", "-Vault or -SaveTo")]
    public async Task What_cannot_be_waited_for_is_refused_before_anything_is_sent(string options, string told)
    {
        Issue(_name);
        Run(VaultModule).MustSucceed();
        await Server.ResetAsync();

        ErrorRecord error = Try($"Update-MbProjectToken '{_name}' {options} -Wait -JournalPath $journal", ("journal", Journal)).End!;

        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(told, error.Exception.Message, StringComparison.Ordinal);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Fact]
    public async Task A_stop_in_the_wait_names_what_is_live_and_what_the_next_run_does()
    {
        (string old, _) = Issue(_name);
        Run(VaultModule).MustSucceed();
        using RunningScript running = Engine.Start($"Update-MbProjectToken '{_name}' -Vault prod -Overlap 30m -Wait -JournalPath $journal", ("journal", Journal));
        Assert.True(await Eventually.IsAsync(() => running.Output.Count > 0));

        (_, TimeSpan took) = running.Stop();

        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        string told = Assert.Single(Host.Lines, line => line.Contains("was stopped", StringComparison.Ordinal));
        string[] live = await LiveAsync(_name);
        Assert.Equal((2, true), (live.Length, live.Contains(old)));
        Assert.All(live, id => Assert.Contains(id, told, StringComparison.Ordinal));
        Assert.Contains("Update-MbProjectToken -Resume -JournalPath", told, StringComparison.Ordinal);
        Run("Update-MbProjectToken -Resume -JournalPath $journal", ("journal", Journal)).MustSucceed();
        Assert.Equal("retiring", Steps().Last());
    }
}
