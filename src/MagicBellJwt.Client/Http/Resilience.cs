using System;
using System.Threading;
using System.Threading.Tasks;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace MagicBellJwt.Client;

/// <summary>Repetition and the limit of an attempt. The only place that names Polly.</summary>
internal sealed class Resilience
{
    private static readonly TimeSpan s_firstDelay = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_longestDelay = TimeSpan.FromSeconds(30);

    // The documented limit is for a minute: a server that asks for more than five minutes is broken, or not the API.
    private static readonly TimeSpan s_longestAskedWait = TimeSpan.FromMinutes(5);

    private static readonly ResiliencePropertyKey<CallContext> s_call = new("call");

    private readonly ResiliencePipeline _repeat;
    private readonly ResiliencePipeline _limit;
    private readonly TimeSpan _attemptTimeout;

    internal Resilience(JwtServiceOptions options)
    {
        _repeat = options.MaximumRetryCount == 0
            ? ResiliencePipeline.Empty
            : new ResiliencePipelineBuilder { TimeProvider = options.Clock }
                .AddRetry(new RetryStrategyOptions
                {
                    ShouldHandle = static arguments => new ValueTask<bool>(arguments.Outcome.Exception is MagicBellException { MayRepeat: true }),
                    MaxRetryAttempts = options.MaximumRetryCount,
                    BackoffType = DelayBackoffType.Exponential,
                    Delay = s_firstDelay,
                    MaxDelay = s_longestDelay,
                    UseJitter = true,

                    // After a 429 the session's own pause is the wait; a 503 may say when to come back.
                    DelayGenerator = static arguments => new ValueTask<TimeSpan?>(arguments.Outcome.Exception switch
                    {
                        MagicBellException { StatusCode: 429 } => TimeSpan.Zero,
                        MagicBellException { RetryAfter: { } asked } when asked > TimeSpan.Zero => asked < s_longestAskedWait ? asked : s_longestAskedWait,
                        _ => null,
                    }),
                    OnRetry = static arguments =>
                    {
                        if (arguments.Context.Properties.TryGetValue(s_call, out CallContext? call) && arguments.RetryDelay > TimeSpan.Zero)
                        {
                            call.Notify?.Invoke(new CallNotice(CallNoticeKind.Wait, "the next attempt", arguments.RetryDelay));
                        }

                        return default;
                    },
                })
                .Build();
        _attemptTimeout = options.AttemptTimeout;
        _limit = new ResiliencePipelineBuilder { TimeProvider = options.Clock }
            .AddTimeout(new TimeoutStrategyOptions { Timeout = options.AttemptTimeout })
            .Build();
    }

    /// <summary>Repeats an attempt for as long as its failure allows it.</summary>
    internal async Task<T> RepeatAsync<T>(Func<Task<T>> attempt, CallContext call)
    {
        ResilienceContext context = ResilienceContextPool.Shared.Get(continueOnCapturedContext: false, call.Stop);
        context.Properties.Set(s_call, call);
        try
        {
            return await _repeat.ExecuteAsync(static async (_, run) => await run().ConfigureAwait(false), context, attempt).ConfigureAwait(false);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    /// <summary>Ends an attempt that takes too long.</summary>
    /// <exception cref="AttemptTimeoutException">It took too long.</exception>
    internal async Task<T> LimitAsync<T>(Func<CancellationToken, Task<T>> attempt, CancellationToken abandon)
    {
        try
        {
            return await _limit.ExecuteAsync(static async (run, cancellation) => await run(cancellation).ConfigureAwait(false), attempt, abandon).ConfigureAwait(false);
        }
        catch (TimeoutRejectedException)
        {
            throw new AttemptTimeoutException(_attemptTimeout);
        }
    }

    /// <summary>How long a session waits after a 429.</summary>
    /// <param name="asked">What the server asked for; where that is nothing, zero, negative or nonsense, the wait grows with the attempts.</param>
    /// <param name="attempts">Attempts so far, 1 or more.</param>
    /// <param name="capped">Whether the server asked for more than this.</param>
    internal static TimeSpan RateLimitWait(TimeSpan? asked, int attempts, out bool capped)
    {
        TimeSpan wait = asked > TimeSpan.Zero ? asked.Value : TimeSpan.FromTicks(s_firstDelay.Ticks << Math.Min(attempts, 6));
        capped = wait > s_longestAskedWait;
        return capped ? s_longestAskedWait : wait;
    }
}

/// <summary>An attempt took longer than it may.</summary>
internal sealed class AttemptTimeoutException(TimeSpan limit) : Exception
{
    internal TimeSpan Limit { get; } = limit;
}
