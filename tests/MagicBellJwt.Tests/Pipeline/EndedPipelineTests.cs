using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Pipeline;

/// <summary>
/// Pipelines that end early at random moments, beside a server that loses an answer now and then: each live token was written or named,
/// and so was each revocation that was done.
/// </summary>
public abstract class EndedPipelineTests(EndedPipelineTests.SlowServer fixture) : ServerTests<EndedPipelineTests.SlowServer>(fixture)
{
    protected const int Pipelines = 20;
    protected const int Items = 10;

    private readonly Random _random = new();

    /// <summary>How a pipeline ends.</summary>
    public enum Ending
    {
        Stop,
        StopBehindSlowCommand,
        SelectFirst,
        DownstreamError,
        ErrorActionStop,
    }

    /// <summary>Runs a command for ten items in such a pipeline.</summary>
    /// <returns>What was written, and everything that was said: errors, and lines on the screen.</returns>
    private protected async Task<(IReadOnlyList<PSObject> Written, string Said)> EndAsync(Ending end, string method, string command, int throttleLimit)
    {
        int moment = _random.Next(1, Items);
        int lines = Host.Lines.Count;
        command += $" -ThrottleLimit {throttleLimit}";
        await Server.FailAsync($"{method} * reset-after-work skip={_random.Next(Items)} times=1");
        if (end == Ending.ErrorActionStop)
        {
            await Server.FailAsync($"{method} * 422 skip={moment} times=1");
        }

        using RunningScript running = Engine.Start(end switch
        {
            Ending.SelectFirst => $"{command} | Select-Object -First {moment}",
            Ending.DownstreamError => $"$n = 0; {command} | ForEach-Object {{ if (++$n -gt {moment}) {{ throw 'downstream' }}; $_ }}",
            Ending.ErrorActionStop => command + " -ErrorAction Stop",
            Ending.StopBehindSlowCommand => command + " | ForEach-Object { [Threading.Thread]::Sleep(5); $_ }",
            _ => command,
        });
        Run run;
        if (end is Ending.Stop or Ending.StopBehindSlowCommand)
        {
            await Task.Delay(_random.Next(Items * SlowServer.Latency / throttleLimit * 2), TestContext.Current.CancellationToken);
            run = running.Stop().Run;
        }
        else
        {
            run = running.Wait();
        }

        return (run.Output, string.Join('\n', [.. Host.Lines.Skip(lines), .. run.Errors.Append(run.End).OfType<ErrorRecord>().Select(error => $"{error.TargetObject} {error.Exception.Message}")]));
    }

    public sealed class SlowServer : ServerFixture
    {
        public const int Latency = 15;

        protected override string[] Options => ["--latency", "15"];
    }
}

public sealed class EndedCreateTests(EndedPipelineTests.SlowServer fixture) : EndedPipelineTests(fixture)
{
    [Theory]
    [InlineData(Ending.Stop)]
    [InlineData(Ending.StopBehindSlowCommand)]
    [InlineData(Ending.SelectFirst)]
    [InlineData(Ending.DownstreamError)]
    [InlineData(Ending.ErrorActionStop)]
    public async Task Of_200_creates_each_live_token_was_written_or_named(Ending end)
    {
        int written = 0;
        for (int pipeline = 0; pipeline < Pipelines; pipeline++)
        {
            await Server.ResetAsync();
            string names = $"{end} {pipeline:00}";

            (IReadOnlyList<PSObject> output, string said) = await EndAsync(end, "POST", $"0..{Items - 1} | ForEach-Object {{ \"{names} item $_\" }} | New-MbProjectToken", pipeline % 2 == 0 ? 1 : 8);

            ServerToken[] tokens = [.. (await Server.TokensAsync()).Where(token => token.Name!.StartsWith(names, StringComparison.Ordinal))];
            string[] ids = [.. output.Select(token => token.Id())];
            written += ids.Length;

            // What another command has seen is never revoked.
            Assert.All(ids, id => Assert.True(Assert.Single(tokens, token => token.Id == id).Live, $"{id} was written and revoked. Said: {said}"));
            Assert.All(tokens.Where(token => token.Live), token => Assert.True(
                ids.Contains(token.Id) || said.Contains($"'{token.Name}'", StringComparison.Ordinal),
                $"{token.Name} ({token.Id}) is live, and nobody was told. Said: {said}"));
            Assert.DoesNotContain(tokens, token => token.Live && said.Contains($"{token.Id}: it was revoked again", StringComparison.Ordinal));
        }

        Assert.InRange(written, 1, (Pipelines * Items) - 1);
    }
}

public sealed class EndedRevocationTests(EndedPipelineTests.SlowServer fixture) : EndedPipelineTests(fixture)
{
    [Theory]
    [InlineData(Ending.Stop)]
    [InlineData(Ending.StopBehindSlowCommand)]
    [InlineData(Ending.SelectFirst)]
    [InlineData(Ending.DownstreamError)]
    [InlineData(Ending.ErrorActionStop)]
    public async Task Of_200_revocations_each_that_was_done_was_written_or_named(Ending end)
    {
        string user = "usr_" + end;
        await Server.SeedAsync(userId: user, userTokens: Pipelines * Items);
        Run($"$all = Get-MbUserToken {user}").MustSucceed();
        HashSet<string> open = [.. (await Server.TokensAsync()).Where(token => token.UserId == user).Select(token => token.Id)];
        Assert.Equal(Pipelines * Items, open.Count);
        int written = 0;
        for (int pipeline = 0; pipeline < Pipelines; pipeline++)
        {
            await Server.ResetAsync();

            (IReadOnlyList<PSObject> output, string said) = await EndAsync(end, "DELETE", $"$all[{pipeline * Items}..{(pipeline * Items) + Items - 1}] | Remove-MbUserToken -Force -PassThru", pipeline % 2 == 0 ? 1 : 8);

            string[] ids = [.. output.Select(revocation => revocation.Id())];
            written += ids.Length;
            HashSet<string> live = [.. (await Server.TokensAsync()).Where(token => token.UserId == user && token.Live).Select(token => token.Id)];
            Assert.DoesNotContain(output.Where(revocation => revocation.Get<string>("Outcome") is not ("Failed" or "Unknown")), revocation => live.Contains(revocation.Id()));
            Assert.All(open.Except(live), id => Assert.True(
                ids.Contains(id) || said.Contains(id, StringComparison.Ordinal),
                $"{id} was revoked, and nobody was told. Said: {said}"));
            open = live;
        }

        Assert.InRange(written, 1, (Pipelines * Items) - 1);
    }
}
