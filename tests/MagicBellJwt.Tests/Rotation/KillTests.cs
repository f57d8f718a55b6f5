using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Rotation;

/// <summary>A server that takes its time, so that a process dies while a request is on its way.</summary>
public sealed class SlowServerFixture : ServerFixture
{
    protected override string[] Options => ["--latency", "40"];
}

/// <summary>
/// The promise: a process that is killed at any moment of a rotation leaves a working token in the store, at most one orphan, and a
/// journal from which the next run finishes or undoes the rotation and names the orphan. A process dies at each step for it.
/// </summary>
public sealed class KillTests(SlowServerFixture fixture, ITestOutputHelper output) : RotationTestBase<SlowServerFixture>(fixture)
{
    // Secrets as files, each changed in one move: a store that is half written is the store's own affair.
    private const string Stores = """
        function global:Save-Secret([string] $File, $Secret) {
            [IO.File]::WriteAllText("$File.part", [Net.NetworkCredential]::new('', $Secret).Password)
            [Threading.Thread]::Sleep(15)
            [IO.File]::Move("$File.part", $File, $true)
            [Threading.Thread]::Sleep(15)
        }
        $save = {
            param($Issued)
            Save-Secret "$folder/$($Issued.Name)" $Issued.Token
            [IO.File]::ReadAllText("$folder/$($Issued.Name)")
        }
        New-Module -Name Microsoft.PowerShell.SecretManagement -ArgumentList $folder {
            param($Folder)
            function Set-Secret([string] $Vault, [string] $Name, $Secret) { Save-Secret "$Folder/$Name" $Secret }
            function Get-Secret([string] $Vault, [string] $Name) { if ([IO.File]::Exists("$Folder/$Name")) { [IO.File]::ReadAllText("$Folder/$Name") } }
        } | Import-Module -Global
        """;

    /// <summary>How often a step is aimed at: a process that is killed a moment late dies at the next one, which is seen to the end as well.</summary>
    private const int Attempts = 8;

    [Theory]
    [InlineData("-Vault prod", "begun", "created", "proved", "storing", "stored", "revoking")]
    [InlineData("-SaveTo $save", "created", "storing", "stored")]
    [InlineData("-SaveTo $save -Overlap 1s", "retiring")]
    [InlineData("-SaveTo { throw 'full' }", "storing")]
    public async Task A_rotation_that_is_killed_at_a_step_loses_nothing(string store, params string[] steps)
    {
        Engine.Run(Stores, ("folder", Folder)).MustSucceed();
        var missed = new Queue<string>(steps);
        for (int attempt = 0; missed.TryPeek(out string? step); attempt++)
        {
            Assert.True(attempt < steps.Length + Attempts, $"Never killed at {step}.");
            string last = await KillAndFinishAsync(store, Come(step), TimeSpan.Zero);
            if (last == step)
            {
                missed.Dequeue();
            }
        }
    }

    [Theory]
    [InlineData("-Vault prod", 30)]
    [InlineData("-Vault prod", 75)]
    [InlineData("-SaveTo $save", 120)]
    public async Task A_rotation_that_is_killed_between_two_steps_loses_nothing(string store, int milliseconds)
    {
        Engine.Run(Stores, ("folder", Folder)).MustSucceed();
        await KillAndFinishAsync(store, Come("begun"), TimeSpan.FromMilliseconds(milliseconds));
    }

    [Theory]
    [InlineData("-Vault prod", "created")]
    [InlineData("-SaveTo $save", "stored")]
    public async Task A_run_that_is_killed_while_it_finishes_another_loses_nothing(string store, string step)
    {
        Engine.Run(Stores, ("folder", Folder)).MustSucceed();
        string name = "twice-" + Guid.NewGuid().ToString("N");
        string old = await IssueToStoreAsync(name);
        string last = await KillAsync(Start(name, store), Come(step), TimeSpan.Zero);
        last += ", then " + await KillAsync(Start(name, store), come => come.Length >= 1, TimeSpan.Zero);
        output.WriteLine(store + ": " + last);
        await SeeAsync(name, old, 2, last);
        await FinishAsync(name, old, store, 2, last);
    }

    /// <summary>Kills a rotation, and lets the next one finish it.</summary>
    /// <returns>The step at which it died.</returns>
    private async Task<string> KillAndFinishAsync(string store, Func<string[], bool> isTime, TimeSpan wait)
    {
        string name = "kill-" + Guid.NewGuid().ToString("N");
        string old = await IssueToStoreAsync(name);
        string last = await KillAsync(Start(name, store), isTime, wait);
        output.WriteLine(store + ": " + last);
        await SeeAsync(name, old, 1, last);
        await FinishAsync(name, old, store, 1, last);
        return last;
    }

    private static Func<string[], bool> Come(string step) => lines => lines.Any(line => line.Contains($"\"step\":\"{step}\"", StringComparison.Ordinal));

    private async Task<string> IssueToStoreAsync(string name)
    {
        (string id, string value) = Issue(name);
        await File.WriteAllTextAsync(Path.Combine(Folder, name), value, TestContext.Current.CancellationToken);
        return id;
    }

    /// <summary>Sees that the store holds a working token, and that no more tokens than were killed for can be without a holder.</summary>
    private async Task SeeAsync(string name, string old, int kills, string last)
    {
        // A request that was on its way arrives all the same.
        await Task.Delay(100, TestContext.Current.CancellationToken);
        string held = await HeldAsync(name);
        string[] live = await LiveAsync(name);
        Assert.True(live.Contains(held), $"Killed at '{last}': the token in the store is dead.");
        Assert.True(live.Except([old, held]).Count() <= kills, $"Killed at '{last}': {live.Length} tokens are live.");
    }

    private async Task FinishAsync(string name, string old, string store, int kills, string last)
    {
        Run run = Update($"{name} {(store.Contains("throw", StringComparison.Ordinal) ? "-SaveTo $save" : store)}");
        run.MustSucceed();
        string warnings = string.Join("\n", run.Warnings);
        if (store.Contains("-Overlap", StringComparison.Ordinal))
        {
            // The server's clock says when an overlap is over, to the second.
            await Eventually.IsAsync(async () =>
            {
                Update("-Resume").MustSucceed();
                string[] left = [await HeldAsync(name), .. (await LiveAsync(name)).Where(id => id != old && warnings.Contains(id, StringComparison.Ordinal))];
                return !(await LiveAsync(name)).Except(left).Any();
            });
        }

        string held = await HeldAsync(name);
        string[] live = await LiveAsync(name);
        string what = $"Killed at '{last}' and finished: {live.Length} tokens are live. {warnings}";
        Assert.True(live.Contains(held), what);
        Assert.False(live.Contains(old), what);
        Assert.True(live.Length <= 1 + kills, what);

        // What a run said that was killed a moment later is still in the journal.
        string said = kills == 1 ? warnings : warnings + string.Join("\n", Lines().Where(line => line.Contains("\"orphans\"", StringComparison.Ordinal)));
        Assert.All(live.Except([held]), orphan => Assert.Contains(orphan, said, StringComparison.Ordinal));
        Assert.Empty(Update("-Resume").MustSucceed());
    }

    /// <summary>Starts a process that rotates a token.</summary>
    private Process Start(string name, string store)
    {
        string script = Path.Combine(Folder, "rotate.ps1");
        string text = $$"""
            param($name, $folder, $journal)
            {{Stores}}
            Connect-MbProject
            Update-MbProjectToken $name {{store}} -JournalPath $journal
            """;
        File.WriteAllText(script, text);
        return Process.Start(ShellProcess.StartInfo(
            ["-NonInteractive", "-File", script, name, Folder, Journal],
            new Dictionary<string, string?> { ["MAGICBELL_PROJECT_TOKEN"] = Server.Token, ["MAGICBELL_BASE_URL"] = Server.BaseAddress.AbsoluteUri }))!;
    }

    /// <summary>Kills a process some time after the journal has what is waited for.</summary>
    /// <param name="process">The process.</param>
    /// <param name="isTime">Told by the lines that it has written.</param>
    /// <param name="wait">How long after that.</param>
    /// <returns>The last step that is in the journal.</returns>
    private async Task<string> KillAsync(Process process, Func<string[], bool> isTime, TimeSpan wait)
    {
        using (process)
        {
            int before = Lines().Length;
            var clock = Stopwatch.StartNew();
            while (!process.HasExited && clock.Elapsed < ShellProcess.Limit && !isTime([.. Lines().Skip(before)]))
            {
                Thread.Sleep(1);
            }

            await Task.Delay(wait, TestContext.Current.CancellationToken);
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            string[] lines = [.. Lines().Skip(before)];
            Assert.True(lines.Length > 0, "The rotation was not begun.");
            return lines[^1].Split("\"step\":\"")[1].Split('"')[0];
        }
    }

    private async Task<string> HeldAsync(string name) => Claim(await File.ReadAllTextAsync(Path.Combine(Folder, name), TestContext.Current.CancellationToken), "jti");

    // Whole lines only, as the next run reads them.
    private string[] Lines()
    {
        if (!File.Exists(Journal))
        {
            return [];
        }

        using var reader = new StreamReader(new FileStream(Journal, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete), Encoding.UTF8);
        return reader.ReadToEnd().Split('\n')[..^1];
    }
}
