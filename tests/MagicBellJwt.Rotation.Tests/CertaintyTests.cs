using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Threading.Tasks;
using FsCheck;
using FsCheck.Fluent;
using MagicBellJwt.Client;
using Xunit;

namespace MagicBellJwt.Rotation.Tests;

/// <summary>
/// The promise, held against a model of the server over sequences of faults and kills: whatever happens, the store holds a token that works, no
/// other token is touched, and a token that nobody may hold is named.
/// </summary>
public sealed class CertaintyTests(ITestOutputHelper output)
{
    /// <summary>One night's run, and what happens in it.</summary>
    /// <param name="Request">The number of the request that a fault happens to.</param>
    /// <param name="Fault">The fault.</param>
    /// <param name="Store">What the store does.</param>
    /// <param name="IsResume">Whether the run only finishes what others left.</param>
    /// <param name="HasOverlap">Whether the old token is to stay a while.</param>
    /// <param name="ListDelay">How many lists after a create lack the new token.</param>
    /// <param name="Keep">Of a journal in a vault: the number of the write that fails.</param>
    /// <param name="IsKept">Whether that write was carried out all the same.</param>
    public sealed record Night(int Request, Fault Fault, StoreFault Store, bool IsResume, bool HasOverlap, int ListDelay, int Keep, bool IsKept);

    public enum StoreFault
    {
        None,
        FailsBefore,
        FailsAfter,
        Garbles,
        DiesBefore,
        DiesAfter,
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Whatever_happens_the_store_holds_a_working_token_and_every_other_live_one_is_named(bool isJournalInVault)
    {
        Gen<Night> nights =
            from request in Gen.Choose(0, 9)
            from fault in Gen.Elements(Enum.GetValues<Fault>())
            from store in Gen.Frequency((4, Gen.Constant(StoreFault.None)), (3, Gen.Elements(Enum.GetValues<StoreFault>())))
            from isResume in Gen.Frequency((3, Gen.Constant(false)), (1, Gen.Constant(true)))
            from hasOverlap in Gen.Frequency((3, Gen.Constant(false)), (1, Gen.Constant(true)))
            from listDelay in Gen.Frequency((3, Gen.Constant(0)), (2, Gen.Choose(1, 9)))
            from keep in Gen.Frequency((2, Gen.Constant(-1)), (1, Gen.Choose(0, 8)))
            from isKept in Gen.Elements(true, false)
            select new Night(request, fault, store, isResume, hasOverlap, isJournalInVault ? 0 : listDelay, keep, isKept);
        Gen<(int Hours, Night[] Nights)> histories =
            from hours in Gen.Frequency((1, Gen.Constant(0)), (1, Gen.Choose(-30, 30)))
            from sequence in nights.ListOf()
            select (hours, sequence.Take(5).ToArray());
        int runs = 0;
        Prop.ForAll(histories.ToArbitrary(), history =>
        {
            runs++;
            using var world = new World(TimeSpan.FromHours(history.Hours), isJournalInVault);
            world.RunAsync(history.Nights).GetAwaiter().GetResult();
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(250));
        output.WriteLine($"{runs} sequences of nights.");
    }

    private sealed class World(TimeSpan clockOffset, bool isJournalInVault) : RotatorTestBase(new Api(clockOffset))
    {
        private readonly List<string> _said = [];

        internal async Task RunAsync(Night[] nights)
        {
            Kept = isJournalInVault ? "" : null;
            await IssueToStoreAsync();
            string[] others = [.. Enumerable.Range(0, 3).Select(number => "other " + number)];
            foreach (string other in others)
            {
                await new TokenScope(Session, TokenKind.Project).CreateAsync(new TokenRequest(other, null, null, null), Guid.NewGuid(), false, false, Pipeline.WriteCall);
            }

            foreach (Night night in nights)
            {
                Api.Requests.Clear();
                Api.FailAt(night.Request, night.Fault);
                Api.ListDelay = night.ListDelay;
                Store.OnStore = night.Store == StoreFault.None ? null : (store, value) => Misbehave(store, value, night.Store);
                int kept = 0;
                OnKeep = text =>
                {
                    bool fails = kept++ == night.Keep;
                    Kept = fails && !night.IsKept ? Kept : text;
                    if (fails)
                    {
                        throw new MagicBellException(MagicBellError.RotationFailed, "The journal cannot be written.");
                    }
                };
                await OneRunAsync(() => night.IsResume ? ResumeAsync() : RotateAsync(overlap: night.HasOverlap ? TimeSpan.FromTicks(1) : default));
                Api.Recover();
                See(others, night.ToString());
            }

            // The next runs without faults settle what can be settled.
            Store.OnStore = null;
            OnKeep = null;
            Api.ListDelay = 0;
            for (int run = 0; run < 2; run++)
            {
                await OneRunAsync(() => RotateAsync());
                See(others, "afterwards");
            }

            string[] unnamed = [.. Api.Live("ci").Where(id => id != HeldId() && !_said.Any(text => text.Contains(id, StringComparison.OrdinalIgnoreCase)))];
            Assert.True(unnamed.Length == 0, $"Live, not held and never named: {string.Join(", ", unnamed)}\n{string.Join("\n", _said)}\n{string.Join(" ", Steps)}");
        }

        private StoreResult Misbehave(FakeStore store, string value, StoreFault fault)
        {
            switch (fault)
            {
                case StoreFault.FailsBefore:
                    return new StoreResult(StoreOutcome.InDoubt, "full");
                case StoreFault.FailsAfter:
                    store.Held = value;
                    return new StoreResult(StoreOutcome.InDoubt, "shut");
                case StoreFault.Garbles:
                    return new StoreResult(StoreOutcome.InDoubt, "garbled, and put back");
                case StoreFault.DiesBefore:
                    Api.Kill();
                    return StoreResult.Stored;
                default:
                    store.Held = value;
                    Api.Kill();
                    return StoreResult.Stored;
            }
        }

        private async Task OneRunAsync(Func<Task> run)
        {
            try
            {
                await run();
            }
            catch (Exception failure) when (failure is MagicBellException or KilledException or OperationCanceledException or HttpRequestException)
            {
                _said.Add(failure.Message);
            }

            _said.AddRange(Pipeline.Warnings);
            _said.AddRange(Pipeline.Output.OfType<TokenRotation>().Where(rotation => rotation.OldRevokedAt is null).SelectMany(rotation => new[] { rotation.OldId, rotation.NewId }));

            // Another process is the next one, later than a run may be at a step.
            if (isJournalInVault)
            {
                Pass(TimeSpan.FromMinutes(11));
            }

            Pipeline.Dispose();
            Pipeline = new FakePipeline(Api);
            Session.Disconnect();
            Session = Connect();
        }

        private void See(string[] others, string when)
        {
            Assert.True(Api.Live("ci").Contains(HeldId()), $"{when}: the token in the store is dead. {string.Join(" ", Steps)}\n{string.Join("\n", _said)}");
            Assert.All(others, other => Assert.Single(Api.Live(other)));
        }
    }
}
