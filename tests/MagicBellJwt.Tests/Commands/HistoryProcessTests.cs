using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Rotation;
using Xunit;

namespace MagicBellJwt.Tests.Commands;

/// <summary>A history that several processes write, and that processes which are killed leave behind.</summary>
public sealed class HistoryProcessTests(SlowServerFixture fixture, ITestOutputHelper output) : RotationTestBase<SlowServerFixture>(fixture)
{
    private const string Work = """
        param($folder, $history, $journal)
        Connect-MbProject -Name recorded -History $history
        foreach ($round in 1..100) {
            $t = 1..3 | ForEach-Object { New-MbProjectToken "killed-$PID-$round-$_" -ExpiresIn 1d }
            Update-MbProjectToken -Id $t[0] -SaveTo { param($Issued) [IO.File]::WriteAllText("$folder/$($Issued.Id)", ''); $Issued.Token } -JournalPath $journal
            $t[1], $t[2] | Remove-MbProjectToken -Force
        }
        """;

    private string HistoryPath => Path.Combine(Folder, "history.jsonl");

    [Fact]
    public async Task Whoever_is_killed_leaves_no_token_that_the_history_does_not_name()
    {
        var random = new Random(20261128);
        int kills = Thoroughness.IsAll ? 200 : 6;
        for (int kill = 0; kill < kills; kill++)
        {
            string journal = Path.Combine(Folder, $"rotations-{kill}.jsonl");
            await KillAsync(journal, TimeSpan.FromMilliseconds(random.Next(0, 1500)));
            ServerToken[] live = [.. (await Server.TokensAsync()).Where(token => token.Live && token.Name?.StartsWith("killed-", StringComparison.Ordinal) == true)];
            PSObject[] events = [.. Run("Get-MbTokenHistory -Path $history -WarningAction Ignore", ("history", HistoryPath)).MustSucceed()];
            foreach (ServerToken token in live)
            {
                PSObject? named = events.FirstOrDefault(item => item.Id() == token.Id && Outcome(item) is "Issued" or "Unclaimed")
                    ?? events.FirstOrDefault(item => Outcome(item) == "Unknown" && item.Get<string?>("Name") == token.Name);
                Assert.True(named is not null, $"Kill {kill}: {token.Id} '{token.Name}' is live, and the history does not name it.");
            }

            output.WriteLine($"Kill {kill}: {live.Length} live, {events.Count(item => Outcome(item) is "Unknown" or "Unclaimed")} to look at.");
        }

        // The next writer mends what the last one left, and the chain is whole.
        Run run = Run("Connect-MbProject $token -BaseUri $address -Name recorded -History $history; New-MbProjectToken after -ExpiresIn 1d; Test-MbTokenHistory", ("token", Server.SecureToken()), ("address", Server.BaseAddress), ("history", HistoryPath));
        Assert.True((bool)run.Output[^1].BaseObject);

        // What it left is told of once. Each command that looks runs as it is, and finds no more than the list has.
        foreach (PSObject item in Run("Get-MbTokenHistory -Outcome Unknown, Unclaimed").MustSucceed().Where(item => item.Get<string?>("Look") is not null))
        {
            Run(item.Get<string>("Look") + " -ErrorAction SilentlyContinue");
        }
    }

    [Fact]
    public async Task Processes_that_write_at_the_same_time_make_one_chain()
    {
        int processes = Thoroughness.IsAll ? 8 : 3;
        int writes = Thoroughness.IsAll ? 500 : 40;
        const string Script = """
            param($history, [int] $writes)
            Connect-MbProject -Sandbox -History $history
            1..$writes | New-MbProjectToken -ExpiresIn 1d -ThrottleLimit 4 | Out-Null
            """;
        string file = Path.Combine(Folder, "write.ps1");
        File.WriteAllText(file, Script);
        ShellResult[] results = await Task.WhenAll(Enumerable.Range(0, processes).Select(_ => ShellProcess.RunAsync(["-NonInteractive", "-File", file, HistoryPath, writes.ToString(System.Globalization.CultureInfo.InvariantCulture)])));

        Assert.All(results, result => Assert.True(result is { ExitCode: 0, Error: "" }, result.Error + result.Output));
        Assert.True((bool)Run("Test-MbTokenHistory -Path $history", ("history", HistoryPath)).MustSucceed().Single().BaseObject);
        IGrouping<int, PSObject>[] writers = [.. Run("Get-MbTokenHistory -Path $history -Outcome Issued", ("history", HistoryPath)).MustSucceed().GroupBy(item => item.Get<int>("ProcessId"))];
        Assert.Equal(processes, writers.Length);
        Assert.All(writers, writer => Assert.Equal(writes, writer.Count()));
    }

    // After the first token, so that there is something to lose; then at any moment.
    private async Task KillAsync(string journal, TimeSpan wait)
    {
        string file = Path.Combine(Folder, "work.ps1");
        await File.WriteAllTextAsync(file, Work, TestContext.Current.CancellationToken);
        long before = File.Exists(HistoryPath) ? new FileInfo(HistoryPath).Length : 0;
        using Process process = Process.Start(ShellProcess.StartInfo(
            ["-NonInteractive", "-File", file, Folder, HistoryPath, journal],
            new Dictionary<string, string?> { ["MAGICBELL_PROJECT_TOKEN"] = Server.Token, ["MAGICBELL_BASE_URL"] = Server.BaseAddress.AbsoluteUri }))!;
        var clock = Stopwatch.StartNew();
        while (!process.HasExited && clock.Elapsed < ShellProcess.Limit && !(File.Exists(HistoryPath) && new FileInfo(HistoryPath).Length > before + 300))
        {
            Thread.Sleep(2);
        }

        Assert.False(process.HasExited, "It ended by itself.");
        await Task.Delay(wait, TestContext.Current.CancellationToken);
        process.Kill();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        // A request that was on its way arrives all the same.
        await Task.Delay(150, TestContext.Current.CancellationToken);
    }

    private static string Outcome(PSObject item) => item.Get<object>("Outcome").ToString()!;
}
