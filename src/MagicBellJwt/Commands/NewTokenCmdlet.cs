using System;
using System.Globalization;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Completion;

namespace MagicBellJwt.Commands;

/// <summary>Issues tokens. One that the pipeline is not given is revoked again: nobody else could ever hold it.</summary>
public abstract class NewTokenCmdlet : SessionCmdlet
{
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

    /// <summary>Asks, issues one token in the background, and sees to it that somebody holds it.</summary>
    /// <param name="session">The session to issue in.</param>
    /// <param name="kind">What kind of token.</param>
    /// <param name="name">Its name, or null.</param>
    /// <param name="target">What it is about, for errors.</param>
    /// <param name="description">What it is about, for people.</param>
    /// <param name="create">The operation.</param>
    private protected void Issue(
        Session session,
        TokenKind kind,
        string? name,
        string target,
        string description,
        Func<JwtService, Guid, bool, CallContext, Task<CreatedToken>> create)
    {
        if (IdempotencyKey is not null && _keyUsed)
        {
            throw new MagicBellException(
                MagicBellError.InvalidRequest,
                "An idempotency key is for one token: with the same key the server would answer with the first token again.");
        }

        _keyUsed = true;
        if (!ShouldProcess($"{description} in project '{session.Name}' ({session.BaseAddress})", $"Issue {kind.ToString().ToLowerInvariant()} token"))
        {
            return;
        }

        JwtService service = session.Service;
        Guid key = IdempotencyKey ?? Guid.NewGuid();
        session.Completions.Clear();
        Start(target, async () =>
        {
            Task<CreatedToken> creating = create(service, key, IdempotencyKey is not null, WriteCall);
            await ((Task)creating).ConfigureAwait(false);
            var issued = new IssuedToken(creating.Result, kind, name, AsPlainText, session);
            if (issued.UserId is { } userId)
            {
                session.Remember(userId);
            }

            if (await DeliverAsync(issued).ConfigureAwait(false) == Delivery.Refused)
            {
                await RevokeUndeliveredAsync(service, kind, creating.Result.TokenId, description).ConfigureAwait(false);
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

    private async Task RevokeUndeliveredAsync(JwtService service, TokenKind kind, string id, string description)
    {
        string told = $"The pipeline ended before it was given {description} ({id}), so the token";
        try
        {
            await ((Task)(kind == TokenKind.Project
                ? service.DiscardProjectJwtAsync(id, UndoCall)
                : service.DiscardUserJwtAsync(id, UndoCall))).ConfigureAwait(false);
            WarnAfterEnd($"{told} was revoked again.");
        }
        catch (Exception failure) when (failure is MagicBellException or OperationCanceledException)
        {
            WarnAfterEnd($"{told} should be revoked, which could not be done in time: Remove-Mb{kind}Token {id}");
        }
    }
}
