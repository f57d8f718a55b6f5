using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;
using Xunit;

namespace MagicBellJwt.Rotation.Tests;

/// <summary>A schedule that runs for a month, and for twelve weeks, on machines of each kind.</summary>
public sealed class NightsTests : RotatorTestBase
{
    public static TheoryData<string, int, double, double> Schedules => new()
    {
        // Runs, hours between them, hours of overlap.
        { "one machine", 30, 24, 2 },
        { "one machine", 30, 24, 0 },
        { "one machine", 12, 168, 1 },
        { "new each time", 30, 24, 2 },
        { "new each time", 30, 24, 0 },
        { "new each time", 12, 168, 1 },
        { "two machines in turn", 30, 24, 2 },
        { "two machines in turn", 12, 168, 1 },
        { "one machine, a slow overlap", 30, 24, 36 },
    };

    [Theory]
    [MemberData(nameof(Schedules))]
    public async Task At_each_moment_the_store_holds_a_token_that_works_and_no_more_than_two_are_live(string machines, int runs, double hours, double overlap)
    {
        IssuedToken first = await new TokenScope(Session, TokenKind.Project).CreateAsync(new TokenRequest("ci", null, null, 400 * 24 * 3600), Guid.NewGuid(), false, false, new CallContext(CancellationToken.None));
        Store.Held = SecureText.Reveal(first);
        for (int run = 0; run < runs; run++)
        {
            Pass(TimeSpan.FromHours(hours));
            string before = HeldId();
            string journal = machines switch
            {
                "two machines in turn" => $"{JournalPath}.{run % 2}",
                "new each time" => $"{JournalPath}.{run}",
                _ => JournalPath,
            };

            await RunAsync(journal, TimeSpan.FromHours(overlap));

            Assert.NotEqual(before, HeldId());
            string[] live = Api.Live("ci");
            Assert.Contains(HeldId(), live);
            Assert.InRange(live.Length, 1, overlap > hours ? 3 : 2);
            Assert.True(overlap == 0 || live.Contains(before), "The overlap begins.");
        }
    }

    private void Pass(TimeSpan time)
    {
        Api.Clock.Advance(time);
        MachineClock.Advance(time);
    }

    private async Task RunAsync(string path, TimeSpan overlap)
    {
        using RotationJournal journal = RotationJournal.Open(path);
        await new Rotator(Session, TokenKind.Project, journal, Pipeline, new RotationOptions
        {
            Overlap = overlap,
            StoreFor = _ => Store,
            StoreOf = _ => Store,
        }).RotateAsync("ci", null);
    }
}
