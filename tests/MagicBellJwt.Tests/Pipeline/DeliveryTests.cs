using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Pipeline;

/// <summary>
/// What becomes of new tokens, consumed as scripts do: one that another command has seen is never revoked by the module; where the invocation
/// ends by an error or a stop, every token that it wrote is named; where it ends well, nothing is said.
/// </summary>
public sealed class DeliveryTests(ServerFixture fixture) : ServerTests(fixture)
{
    // With an end, so that no warning of a token that never ends stands between what is looked for.
    private protected override string Preparation => "$global:PSDefaultParameterValues = @{ 'New-Mb*Token:ExpiresIn' = [timespan]'01:00' }";

    private const string Log = "function Log { process { try { $_ } finally { Remove-Item /none-such -ErrorAction Ignore } } }; ";

    [Theory]
    [InlineData("$x = 'a', 'b' | New-MbProjectToken", 2)]
    [InlineData("$x = 'a', 'b' | New-MbProjectToken | Select-Object -First 1", 1)]
    [InlineData(Log + "$x = New-MbProjectToken a | Log | Select-Object -First 1", 1)]
    [InlineData("function Issue { New-MbProjectToken a | Where-Object { $true } }; $x = Issue | Select-Object -First 1", 1)]
    [InlineData("function Issue { New-MbProjectToken a }; $x = Issue | Select-Object -First 1", 1)]
    [InlineData("$x = 'a', 'b' | Select-Object -First 1 | New-MbProjectToken", 1)]
    [InlineData("$x = 'a', 'b' | New-MbProjectToken | Tee-Object -Variable y | Export-Clixml $file; $x = $y", 2)]
    [InlineData("$x = 'a', '' | New-MbProjectToken 2>&1 | Select-Object -Skip 1 -First 1", 0)]
    [InlineData("$x = 'a', 'b' | New-MbProjectToken | Sort-Object Name -Descending", 2)]
    [InlineData("$x = 'a', 'b', 'c' | New-MbProjectToken -OutBuffer 5", 3)]
    [InlineData("$x = foreach ($t in ('a', 'b' | New-MbProjectToken)) { $t }", 2)]
    [InlineData("$x = 'a', '', 'b' | New-MbProjectToken -ErrorAction SilentlyContinue", 2)]
    [InlineData("$p = { New-MbProjectToken a }.GetSteppablePipeline(); $p.Begin($false); $x = $p.Process(); $p.End()", 1)]
    public async Task Where_the_pipeline_ends_well_nothing_is_said_and_nothing_is_revoked(string script, int held)
    {
        string mark = Marked(ref script);

        Run($"$x = $null; {script}", ("file", System.IO.Path.GetTempFileName()));

        Assert.Empty(Host.Lines);
        Assert.All(await IssuedAsync(mark), token => Assert.True(token.Live));
        string[] ids = Held("$x");
        Assert.Equal(held, ids.Length);
        Assert.Empty(ids.Except((await IssuedAsync(mark)).Select(token => token.Id)));
    }

    [Theory]
    [InlineData("$x = 'a', 'b', '' | New-MbProjectToken -ErrorAction Stop", 2)]
    [InlineData("$x = 'a', 'b', '' | New-MbProjectToken -ErrorAction Stop -ThrottleLimit 8", 2)]
    [InlineData("$ErrorActionPreference = 'Stop'; $x = 'a', 'b', '' | New-MbProjectToken", 2)]
    [InlineData("foreach ($t in ('a', 'b', '' | New-MbProjectToken -ErrorAction Stop)) { $t }", 2)]
    [InlineData("$x = 'a', 'b' | ForEach-Object { if ($_ -like '* b') { throw 'no' }; $_ } | New-MbProjectToken", 1)]
    [InlineData("$x = foreach ($i in 1) { 'a', 'b' | ForEach-Object { if ($_ -like '* b') { break }; $_ } | New-MbProjectToken }", 1)]
    [InlineData("$x = 'a', 'b' | New-MbProjectToken | ForEach-Object { throw 'no' }", 1)]
    [InlineData("$x = 'a', 'b' | New-MbProjectToken | Sort-Object Name | ForEach-Object { throw 'no' }", 2)]
    [InlineData("$x = 'a', 'b' | New-MbProjectToken | Sort-Object { throw 'no' } -ErrorAction Stop", 2)]
    [InlineData("$x = 'a', 'b', 'c' | New-MbProjectToken -OutBuffer 5 | ForEach-Object { throw 'no' }", 3)]
    [InlineData("$x = 'a', 'b', 'c' | New-MbProjectToken -OutBuffer 1 | ForEach-Object { throw 'no' }", 2)]
    [InlineData("$x = foreach ($i in 1) { 'a', 'b', 'c' | New-MbProjectToken -OutBuffer 5 | ForEach-Object { break } }", 3)]
    [InlineData("'a', 'b' | New-MbProjectToken | Export-Clixml $file -Depth 1 | & { end { throw 'no' } }", 2)]
    [InlineData("'a', 'b' | New-MbProjectToken -OutBuffer 5 | Export-Clixml $file/none.xml", 0)]
    [InlineData("function Issue { New-MbProjectToken a }; $x = Issue | ForEach-Object { throw 'no' }", 1)]
    [InlineData("function Issue { New-MbProjectToken a | Where-Object { $true } }; $x = Issue | ForEach-Object { throw 'no' }", 1)]
    [InlineData("function Late { try { 1 } finally { New-MbProjectToken a } }; $x = Late | ForEach-Object { throw 'no' }", 1)]
    public async Task Where_the_pipeline_ends_by_an_error_each_token_that_was_written_is_named_and_stays_live(string script, int lost)
    {
        string mark = Marked(ref script);

        Run($"try {{ {script} }} catch {{ }}", ("file", System.IO.Path.GetTempFileName()));

        await MustBeNamedAsync(mark, lost);
    }

    [Fact]
    public async Task A_401_in_mid_run_names_what_was_written()
    {
        await Server.FailAsync("POST * 401 skip=2");

        Run("try { $x = 'mid a', 'mid b', 'mid c' | New-MbProjectToken } catch { }");

        await MustBeNamedAsync("mid", 2);
    }

    // Whatever it does with the token: it has it.
    [Theory]
    [InlineData("New-MbProjectToken a | ForEach-Object { $global:t = $_; throw 'no' }")]
    [InlineData("foreach ($i in 1) { New-MbProjectToken a | ForEach-Object { $global:t = $_; break } }")]
    [InlineData("foreach ($i in 1) { New-MbProjectToken a | ForEach-Object { $global:t = $_; continue } }")]
    [InlineData("New-MbProjectToken a -OutVariable global:t | ForEach-Object { throw 'no' }")]
    [InlineData("'a', 'b' | New-MbProjectToken -ThrottleLimit 8 | ForEach-Object { $global:t = $_; throw 'no' }")]
    [InlineData("function Keep { process { $global:t = $_; try { $_ } finally { Remove-Item /none-such -ErrorAction Ignore } } }; New-MbProjectToken a | Keep | ForEach-Object { throw 'no' }")]
    public async Task A_token_that_another_command_has_is_never_revoked(string script)
    {
        string mark = Marked(ref script);

        Run($"try {{ {script} }} catch {{ }}");

        string id = Assert.Single(Held("$t"));
        Assert.True(Assert.Single(await IssuedAsync(mark), token => token.Id == id).Live);
        Assert.Contains(id, Assert.Single(Host.Lines, line => !line.Contains("was revoked again", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_a_command_has_when_it_is_stopped_stays_and_is_named()
    {
        using var reached = new ManualResetEventSlim();
        using RunningScript running = Engine.Start("$x = New-MbProjectToken 'stopped a' | ForEach-Object { $global:t = $_; $null = 1..3 | Select-Object -First 1; $reached.Set(); while ($true) { [Threading.Thread]::Sleep(5) } }", ("reached", reached));
        Assert.True(reached.Wait(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));

        running.Stop();

        await MustBeNamedAsync("stopped", 1);
    }

    [Fact]
    public async Task A_stop_of_an_assignment_names_what_was_written()
    {
        await Server.FailAsync("POST * never skip=2");
        using RunningScript running = Engine.Start("$x = 'ctrl a', 'ctrl b', 'ctrl c' | New-MbProjectToken");
        Assert.True(await Eventually.IsAsync(async () => (await WritesAsync()).Length >= 3));

        running.Stop();

        string told = Assert.Single(Host.Lines, line => line.Contains("written before", StringComparison.Ordinal));
        foreach (ServerToken token in (await IssuedAsync("ctrl")).Where(token => token.Name != "ctrl c"))
        {
            Assert.True(token.Live);
            Assert.Contains(token.Id, told, StringComparison.Ordinal);
        }
    }

    // As Start-ThreadJob runs a script, and Stop-Job ends it: in a runspace whose host has no screen.
    [Fact]
    public async Task A_job_that_is_stopped_names_what_was_written_in_its_warnings()
    {
        await Server.FailAsync("POST * never skip=2");
        Run(
            """
            $job = [powershell]::Create().AddScript('param($manifest, $session) Import-Module $manifest; $x = "job a", "job b", "job c" | New-MbProjectToken -Session $session')
            $null = $job.AddArgument($manifest).AddArgument((Get-MbSession))
            $running = $job.BeginInvoke()
            """,
            ("manifest", Repository.Manifest)).MustSucceed();
        Assert.True(await Eventually.IsAsync(async () => (await WritesAsync()).Length >= 3));

        string told = Assert.Single(
            Run("$job.Stop(); $job.Streams.Warning | ForEach-Object { $_.Message }; $job.Dispose()").MustSucceed(),
            line => line.ToString().Contains("written before", StringComparison.Ordinal)).ToString();

        Assert.All((await IssuedAsync("job")).Where(token => token.Name != "job c"), token => Assert.Contains(token.Id, told, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_arrives_after_enough_was_taken_is_revoked_again_and_said()
    {
        await Server.FailAsync("POST * delay ms=200 skip=1");

        Run("$x = 'enough a', 'enough b' | New-MbProjectToken -ThrottleLimit 8 | Select-Object -First 1").MustSucceed();

        ServerToken live = Assert.Single(await IssuedAsync("enough"), token => token.Live);
        Assert.Equal(live.Id, Assert.Single(Held("$x")));

        // On a busy machine it takes so long that progress is shown too.
        string[] warnings = [.. Host.Lines.Where(line => line.StartsWith("WARNING: ", StringComparison.Ordinal))];
        Assert.All((await IssuedAsync("enough")).Where(token => !token.Live), token => Assert.Contains(token.Id, Assert.Single(warnings), StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_an_output_buffer_still_holds_when_enough_was_taken_is_named()
    {
        Run("$x = 'buffer a', 'buffer b', 'buffer c' | New-MbProjectToken -OutBuffer 1 | Select-Object -First 1").MustSucceed();

        string told = Assert.Single(Host.Lines);
        ServerToken[] issued = await IssuedAsync("buffer");
        Assert.Equal(["buffer a", "buffer b"], issued.Select(token => token.Name).Order());
        Assert.Contains(issued.Single(token => token.Name == "buffer b").Id, told, StringComparison.Ordinal);
        Assert.DoesNotContain(Assert.Single(Held("$x")), told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_commands_that_are_named_find_and_revoke_the_tokens()
    {
        Run("try { $x = 'say a', 'say b', '' | New-MbProjectToken -ErrorAction Stop -Session (Get-MbSession) } catch { }; try { $x = [pscustomobject]@{ Email = 'say@example.com'; Name = 'say c' }, [pscustomobject]@{ Email = ''; Department = 'R&D' } | New-MbUserToken -ErrorAction Stop } catch { }");
        Assert.Equal(2, Host.Lines.Count);

        foreach (string line in Host.Lines)
        {
            string[] commands = line[(line.IndexOf("Get-Mb", StringComparison.Ordinal))..].Split(" # revoke what nothing holds: ");
            int found = Run(commands[0]).MustSucceed().Count;
            Assert.Equal(found, Run(commands[1] + " -Force -PassThru").MustSucceed().Count);
        }

        Assert.Equal(["say a", "say b", "say c"], (await IssuedAsync("say")).Where(token => !token.Live).Select(token => token.Name).Order());
    }

    [Fact]
    public async Task A_rotation_without_a_store_that_ends_by_an_error_names_the_new_token()
    {
        Run("$null = New-MbProjectToken 'rotated'; try { $x = Update-MbProjectToken rotated, none -JournalPath $journal -ErrorAction Stop } catch { }", ("journal", System.IO.Path.GetTempFileName() + ".journal"));

        string told = Assert.Single(Host.Lines, line => line.Contains("written before", StringComparison.Ordinal));
        Assert.Equal(2, (await IssuedAsync("rotated")).Count(token => token.Live));
        Assert.Single(await IssuedAsync("rotated"), token => told.Contains(token.Id, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_screen_that_fails_does_not_keep_the_command_from_ending()
    {
        Host.WarningFailure = new InvalidOperationException("The screen is gone.");

        Run("try { $x = 'screen a', '' | New-MbUserToken -Name 'screen b' -ApiKey pk_1 -SecretKey $key -ErrorAction Stop } catch { }; try { $x = 'screen a', '' | New-MbProjectToken -ErrorAction Stop } catch { }", ("key", Secret.Of("0123456789abcdef0123456789abcdef")));
        Host.WarningFailure = null;

        // Nothing of it is left open: the session works on, and nothing is said twice.
        Run("$y = New-MbProjectToken 'screen c'").MustSucceed();
        Assert.Empty(Host.Lines);
        Assert.All(await IssuedAsync("screen"), token => Assert.True(token.Live));
    }

    private string[] Held(string variable) => [.. Run($"{variable} | Where-Object {{ $_.Id }} | ForEach-Object {{ $_.Id }}").MustSucceed().Select(id => id.ToString())];

    private async Task<ServerToken[]> IssuedAsync(string mark) => [.. (await Server.TokensAsync()).Where(token => token.Name?.StartsWith(mark, StringComparison.Ordinal) == true)];

    private async Task MustBeNamedAsync(string mark, int count)
    {
        ServerToken[] issued = await IssuedAsync(mark);
        string told = string.Join('\n', Host.Lines);
        if (count == 0)
        {
            Assert.Empty(issued);
            return;
        }

        Assert.InRange(issued.Length, count, int.MaxValue);
        Assert.All(issued.Where(token => token.Live), token => Assert.Contains(token.Id, told, StringComparison.Ordinal));
        Assert.Equal(count, issued.Count(token => token.Live && told.Contains(token.Id, StringComparison.Ordinal)));
        Assert.Contains("Get-MbProjectToken -Id ", told, StringComparison.Ordinal);
        Assert.Contains("Remove-MbProjectToken ", told, StringComparison.Ordinal);
    }

    // Names of its own for each case: the server is shared.
    private static string Marked(ref string script)
    {
        string mark = Guid.NewGuid().ToString("N")[..8];
        foreach (string name in new[] { "a", "b", "c" })
        {
            script = script.Replace($"'{name}'", $"'{mark} {name}'", StringComparison.Ordinal).Replace($"Token {name}", $"Token '{mark} {name}'", StringComparison.Ordinal);
        }

        return mark;
    }
}
