using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>The rate limit: never met, and no longer waited for than it needs. Simulated: an hour takes seconds.</summary>
public class PacingTests
{
    public static TheoryData<RateLimitWindow, int> Servers() =>
        new MatrixTheoryData<RateLimitWindow, int>([RateLimitWindow.Sliding, RateLimitWindow.FixedMinute], [8, 16, 64]);

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_thousand_revocations_meet_no_429_in_the_least_time(RateLimitWindow window, int throttle)
    {
        var run = new Run(window);
        run.Sandbox.SeedProjectTokens(1000);
        string[] ids = [.. run.Sandbox.ListTokens().Where(token => token.Name!.StartsWith("seed", StringComparison.Ordinal)).Select(token => token.Id.ToString("D"))];

        await run.EachAsync(throttle, 1000, number => run.Service.DiscardProjectJwtAsync(ids[number], run.Call));

        Assert.All(run.Sandbox.ListTokens().Where(token => token.Name!.StartsWith("seed", StringComparison.Ordinal)), token => Assert.NotNull(token.DiscardedAt));
        run.AssertPace(requests: 1000, TimeSpan.FromSeconds(240));
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_thousand_reads_meet_no_429_in_the_least_time(RateLimitWindow window, int throttle)
    {
        var run = new Run(window);
        await run.EachAsync(throttle, 1000, _ => run.Service.FetchProjectTokensAsync(new PageRequest(1)).ReadAsync(run.Call));
        run.AssertPace(requests: 1000, TimeSpan.FromSeconds(180));
    }

    [Fact]
    public async Task Reads_and_writes_wait_for_their_own_limit()
    {
        var run = new Run(RateLimitWindow.Sliding);
        await run.EachAsync(16, 450, number => number % 9 < 5
            ? run.Service.FetchProjectTokensAsync(new PageRequest(1)).ReadAsync(run.Call)
            : run.Service.CreateProjectJwtAsync(new CreateProjectToken("ci", null), Guid.NewGuid(), false, run.Call));
        run.AssertPace(requests: 450, TimeSpan.Zero);
        Assert.Empty(run.NoticesOf(CallNoticeKind.Wait));
    }

    [Fact]
    public async Task A_burst_below_the_limit_goes_at_full_speed_and_the_next_waits_its_minute()
    {
        var run = new Run(RateLimitWindow.Sliding);
        await run.EachAsync(1, 200, _ => run.Service.CreateProjectJwtAsync(new CreateProjectToken("ci", null), Guid.NewGuid(), false, run.Call));
        Assert.Empty(run.NoticesOf(CallNoticeKind.Wait));
        DateTimeOffset firstAnswer = run.Answered[0];

        await run.EachAsync(1, 1, _ => run.Service.CreateProjectJwtAsync(new CreateProjectToken("ci", null), Guid.NewGuid(), false, run.Call));

        CallNotice wait = Assert.Single(run.NoticesOf(CallNoticeKind.Wait));
        Assert.Equal("the rate limit", wait.Text);
        Assert.InRange(run.Sent[^1] - firstAnswer, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(60.01));
    }

    // Somebody else uses the project too: the server has room for half of what this session was told.
    [Theory]
    [InlineData(8)]
    [InlineData(64)]
    public async Task A_429_all_the_same_makes_the_whole_session_wait_once(int throttle)
    {
        var run = new Run(RateLimitWindow.FixedMinute, writesPerMinute: 100);
        await run.EachAsync(throttle, 150, _ => run.Service.CreateProjectJwtAsync(new CreateProjectToken("ci", null), Guid.NewGuid(), false, run.Call));

        Assert.Equal(150, run.Sandbox.ListTokens().Count(token => token.Name == "ci"));
        Assert.Single(run.NoticesOf(CallNoticeKind.Warning));
        Assert.InRange(run.Refused, 1, throttle);

        // From the first refusal on nobody sent anything until the minute was over.
        DateTimeOffset refused = run.Answers.Where(answer => answer.Status == 429).Min(answer => answer.Time);
        Assert.DoesNotContain(run.Sent, time => time > refused && time < refused.AddSeconds(60 - refused.Second));
    }

    /// <summary>A sandbox whose answers take their time, a client of it, and what passed between them.</summary>
    private sealed class Run
    {
        private readonly SimulatedClock _clock = new();
        private readonly List<CallNotice> _notices = [];
        private readonly Random _random = new(1);
        private readonly DateTimeOffset _begun;

        public Run(RateLimitWindow window, int writesPerMinute = 200)
        {
            _begun = _clock.GetUtcNow();
            Sandbox = new SandboxHandler(new SandboxOptions { Clock = _clock, Window = window, WritesPerMinute = writesPerMinute });
            Service = new JwtService(new JwtServiceOptions
            {
                BaseAddress = Sandbox.BaseAddress,
                Token = Sandbox.AdministratorToken,
                Handler = new SlowHandler(this) { InnerHandler = Sandbox },
                Clock = _clock,
                AttemptTimeout = SimulatedClock.Limit,
            });
            Call = new CallContext(CancellationToken.None, CancellationToken.None, notice =>
            {
                lock (_notices)
                {
                    _notices.Add(notice);
                }
            });
        }

        public SandboxHandler Sandbox { get; }

        public JwtService Service { get; }

        public CallContext Call { get; }

        public List<DateTimeOffset> Sent { get; } = [];

        public List<(DateTimeOffset Time, int Status)> Answers { get; } = [];

        public IReadOnlyList<DateTimeOffset> Answered => [.. Answers.Select(answer => answer.Time)];

        public int Refused => Answers.Count(answer => answer.Status == 429);

        public IReadOnlyList<CallNotice> NoticesOf(CallNoticeKind kind) => [.. _notices.Where(notice => notice.Kind == kind)];

        /// <summary>Does so many things, so many at a time.</summary>
        public Task EachAsync(int throttle, int count, Func<int, Task> work)
        {
            int next = -1;
            return _clock.RunAsync(Enumerable.Repeat<Func<Task>>(
                async () =>
                {
                    for (int number = Interlocked.Increment(ref next); number < count; number = Interlocked.Increment(ref next))
                    {
                        await work(number);
                    }
                },
                throttle));
        }

        public void AssertPace(int requests, TimeSpan least)
        {
            Assert.Equal(requests, Answers.Count);
            Assert.Equal(0, Refused);
            Assert.Empty(NoticesOf(CallNoticeKind.Warning));
            TimeSpan took = Answered.Max() - _begun;
            Assert.True(took >= least, $"it took {took}");
            Assert.True(took <= (least * 1.05) + (least == TimeSpan.Zero ? TimeSpan.FromSeconds(20) : TimeSpan.Zero), $"it took {took}");
        }

        /// <summary>Half of the time passes before the server counts the request, half after; one in forty takes seconds.</summary>
        private sealed class SlowHandler(Run run) : DelegatingHandler
        {
            protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
            {
                TimeSpan there;
                TimeSpan back;
                lock (run.Sent)
                {
                    run.Sent.Add(run._clock.GetUtcNow());
                    there = Latency();
                    back = Latency();
                }

                await Task.Delay(there, run._clock, cancellationToken);
                HttpResponseMessage response = await base.SendAsync(request, cancellationToken);
                await Task.Delay(back, run._clock, cancellationToken);
                lock (run.Sent)
                {
                    run.Answers.Add((run._clock.GetUtcNow(), (int)response.StatusCode));
                }

                return response;
            }

            private TimeSpan Latency() => TimeSpan.FromMilliseconds(run._random.Next(80) == 0 ? run._random.Next(1000, 4000) : run._random.Next(5, 25));
        }
    }
}
