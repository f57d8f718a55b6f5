using System;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Completion;

namespace MagicBellJwt.Commands;

/// <summary>Issues tokens. One that the pipeline is not given is revoked again: nobody else could ever hold it.</summary>
public abstract class NewTokenCmdlet : SessionCmdlet
{
    // The Date header, which tells the server's clock, has whole seconds.
    private static readonly TimeSpan s_clockTolerance = TimeSpan.FromSeconds(5);

    private bool _keyUsed;

    /// <summary>How long the token lives: <c>90m</c>, <c>12h</c>, <c>30d</c>, or a TimeSpan of a second or more. Without it and -ExpiresAt it never ends.</summary>
    [Parameter(ParameterSetName = "ExpiresIn")]
    [Lifetime]
    [ArgumentCompleter(typeof(LifetimeCompleter))]
    public virtual TimeSpan? ExpiresIn { get; set; }

    /// <summary>When the token ends, a second or more from now.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "ExpiresAt")]
    [Date]
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary>Gives the token's value as text instead of as a SecureString. What happens to the text is then up to the caller.</summary>
    [Parameter]
    public SwitchParameter AsPlainText { get; set; }

    /// <summary>
    /// The key of the create, for one token a call. Giving it says that the server honours it, so that a create whose answer
    /// was lost is sent again; without it each create gets a key of its own, and a lost answer is an error that names it.
    /// </summary>
    [Parameter]
    public Guid? IdempotencyKey { get; set; }

    /// <summary>How many creates are in flight at a time, 1 to 64; 1 unless given.</summary>
    [Parameter]
    [ValidateRange(1, 64)]
    public int ThrottleLimit { get; set; } = 1;

    private protected override int Concurrency => ThrottleLimit;

    private protected long? Lifetime
    {
        get
        {
            TimeSpan? lifetime = ExpiresAt is { } end ? end - DateTimeOffset.UtcNow : ExpiresIn;
            return lifetime is null ? null : (long)Math.Floor(lifetime.Value.TotalSeconds);
        }
    }

    /// <summary>Asks, issues one token in the background, and sees to it that none is live that nobody was given.</summary>
    /// <param name="scope">Where to issue.</param>
    /// <param name="request">What to issue.</param>
    /// <param name="target">What it is about, for errors.</param>
    /// <param name="description">What it is about, for people.</param>
    private protected void Issue(TokenScope scope, TokenRequest request, string target, string description)
    {
        TokenScope.Check(scope.Kind, request);
        if (IdempotencyKey is not null && _keyUsed)
        {
            throw MagicBellException.Invalid("An idempotency key is for one token: with the same key the server would answer with the first token again.");
        }

        if (new[] { request.Name, request.Email, request.ExternalId }.Any(text => text is not null && (ScreenText.HoldsToken(text) || TokenFingerprint.Of(text) == scope.Session.Fingerprint)))
        {
            throw MagicBellException.Invalid("What names the token is a token's value, or holds one. It would be kept and shown wherever it was sent, so nothing was sent.");
        }

        _keyUsed = true;
        if (!ShouldProcess($"{description} in project '{scope.Session.Name}' ({scope.Session.BaseAddress})", $"Issue {scope.Noun}"))
        {
            return;
        }

        Guid key = IdempotencyKey ?? Guid.NewGuid();
        scope.Session.Completions.Clear();
        Start(target, async () =>
        {
            DateTimeOffset begun = scope.Now;
            IssuedToken issued = await scope.CreateAsync(request, key, IdempotencyKey is not null, AsPlainText, WriteCall).ConfigureAwait(false);
            if (issued.UserId is { } userId)
            {
                scope.Session.Remember(userId);
            }

            if (await DeliverAsync(issued).ConfigureAwait(false) == Delivery.Refused)
            {
                await RevokeUndeliveredAsync(scope, issued, begun, description).ConfigureAwait(false);
            }
        });
    }

    /// <inheritdoc/>
    private protected override string? AdviceFor(MagicBellException failure, object? target) => failure.Error == MagicBellError.CreateOutcomeUnknown
        ? AdviceForOrphan((string)target!, string.Format(CultureInfo.InvariantCulture, "Where-Object CreatedAt -ge '{0:yyyy-MM-dd'T'HH:mm:ss'Z'}'", failure.SentAt!.Value.UtcDateTime.AddMinutes(-1)))
        : null;

    /// <summary>How to look for a token that may exist although its answer was lost. It revokes nothing: others of that name and moment may be held.</summary>
    /// <param name="target">What the create was about: a project token's name, or a user.</param>
    /// <param name="filter">The filter for tokens issued since then, a minute allowed for the clocks.</param>
    private protected abstract string AdviceForOrphan(string target, string filter);

    private async Task RevokeUndeliveredAsync(TokenScope scope, IssuedToken issued, DateTimeOffset begun, string description)
    {
        string told = $"The pipeline ended before it was given {description} ({issued.Id}), so the token";
        string reason = "no list shows it as the new one.";
        try
        {
            var token = new NewToken(issued.Id!, issued.Name, issued.CreatedAt, issued.UserId, _ => issued.CreatedAt < begun - s_clockTolerance);
            if (await scope.RevokeUndeliveredAsync(token, this, UndoCall).ConfigureAwait(false))
            {
                WarnAfterEnd($"{told} was revoked again.");
                return;
            }
        }
        catch (OperationCanceledException)
        {
            reason = "there was no time for it.";
        }
        catch (MagicBellException failure)
        {
            reason = failure.Message;
        }

        WarnAfterEnd($"{told} should be revoked, and may be live: {reason} Remove-Mb{scope.Kind}Token {issued.Id}");
    }
}
