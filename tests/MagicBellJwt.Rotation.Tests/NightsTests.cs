using System;
using System.Collections.Generic;
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

    public static TheoryData<string, double?, int, double, double> Lives
    {
        get
        {
            var data = new TheoryData<string, double?, int, double, double>();
            foreach (string machine in (string[])["token file", "token file, empty home", "vault", "vault, empty home", "two machines"])
            {
                foreach (double? days in (double?[])[1 / 24d, 3, 90, null])
                {
                    // Runs, hours between them, hours of overlap.
                    data.Add(machine, days, 30, 24, 2);
                    data.Add(machine, days, 30, 24, 0);
                    data.Add(machine, days, 12, 168, 2);
                }
            }

            return data;
        }
    }

    /// <summary>What a scheduler sees: 0 for all done, 1 for some that failed, 2 for no login. Where the life is long enough for the schedule it is always 0.</summary>
    [Theory]
    [MemberData(nameof(Lives))]
    public async Task By_a_policy_somebody_holds_a_token_that_works_at_each_hour_or_the_run_fails_and_says_why(string machine, double? days, int runs, double hours, double overlap)
    {
        Store.IsFile = machine.StartsWith("token file", StringComparison.Ordinal);
        IssuedToken first = await new TokenScope(Session, TokenKind.Project).CreateAsync(new TokenRequest("ci", null, null, (long?)(days * 24 * 3600)), Guid.NewGuid(), false, false, new CallContext(CancellationToken.None));
        Store.Held = SecureText.Reveal(first);
        bool isLongEnough = days is null || days * 24 > hours * 1.5;
        var rule = new PolicyRule(
            new RotationRule { Name = "c?", EndingWithin = days is null ? null : hours > 24 ? "14d" : "7d", OlderThan = days is null ? "10d" : null, Vault = "prod", Overlap = overlap == 0 ? null : $"{overlap}h" },
            path => path);
        int rotations = 0;
        for (int run = 0; run < runs; run++)
        {
            for (int hour = 0; hour < hours; hour++)
            {
                Pass(TimeSpan.FromHours(1));
                string[] live = Api.Live("ci");
                Assert.InRange(live.Length, isLongEnough ? 1 : 0, 2);
                Assert.True(!isLongEnough || live.Contains(HeldId()), "What is held works.");
            }

            string before = HeldId();
            int code = await RunPolicyAsync(rule, machine switch { "two machines" => $"{JournalPath}.{run % 2}", "token file, empty home" or "vault, empty home" => $"{JournalPath}.{run}", _ => JournalPath });

            // One that expired before its first run cannot log in with itself; else its name is told, and nothing is issued on a guess.
            Assert.Equal(isLongEnough ? 0 : Store.IsFile ? 2 : 1, code);
            Assert.True(isLongEnough || before == HeldId(), "Nothing is issued for one that has expired.");
            rotations += before == HeldId() ? 0 : 1;
        }

        // Not at every run, and often enough.
        double expected = !isLongEnough ? 0 : runs * hours / 24 / (days is null ? hours > 24 ? 14 : 10 : days == 3 ? 2 : hours > 24 ? 76 : 83);
        Assert.InRange(rotations, (int)expected, (int)Math.Ceiling(expected) + 1);
    }

    private async Task<int> RunPolicyAsync(PolicyRule rule, string path)
    {
        Session? own = Store.IsFile ? Connect(Store.Held) : null;
        Session session = own ?? Session;
        try
        {
            // As Connect-MbProject does.
            await new TokenScope(session, TokenKind.Project).Open(1).ReadAsync(Pipeline.ReadCall);
        }
        catch (MagicBellException)
        {
            own?.Disconnect();
            return 2;
        }

        using RotationJournal journal = RotationJournal.Open(path);
        var failures = new List<MagicBellException>();
        var rotator = new Rotator(session, TokenKind.Project, journal, Pipeline, new RotationOptions { Overlap = rule.Overlap, StoreFor = _ => Store, StoreOf = _ => Store });
        await new PolicyRun(session, [rule], journal, Pipeline, _ => rotator)
        {
            FailedAsync = (failure, _) =>
            {
                failures.Add(failure);
                return Task.CompletedTask;
            },
        }.RunAsync();
        Assert.All(failures, failure => Assert.Contains("expired at", failure.Message, StringComparison.Ordinal));
        own?.Disconnect();
        return failures.Count > 0 ? 1 : 0;
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
