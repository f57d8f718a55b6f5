using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Completion;
using MagicBellJwt.Rotation;

namespace MagicBellJwt.Commands;

/// <summary>Issues tokens, to the pipeline or into a store. One that surely nobody was given is revoked again.</summary>
public abstract class NewTokenCmdlet : WritingCmdlet
{
    // What a reader writes for bytes that are no character in the encoding that it was told.
    private const char Unreadable = '\uFFFD';
    private const string ReadAgain = "The file is not in UTF-8. Read it with its own encoding, such as Import-Csv -Encoding Latin1 (-Encoding Default in Windows PowerShell).";

    // The Date header, which tells the server's clock, has whole seconds.
    private static readonly TimeSpan s_clockTolerance = TimeSpan.FromSeconds(5);

    // Commands that write objects as text: where a SecureString was, they write a type's name.
    private static readonly string[] s_losesValues = ["Export-Csv", "ConvertTo-Csv", "ConvertTo-Json", "ConvertTo-Html", "Export-Clixml"];

    private readonly ScriptRunner _scripts;
    private readonly HashSet<string> _places = new(StringComparer.OrdinalIgnoreCase);
    private readonly InputRows _rows = new();
    private bool _keyUsed;
    private bool _hasWarnedOfLifetime;
    private bool _hasSaidLifetime;
    private string _where = "";

    private protected NewTokenCmdlet() => _scripts = new ScriptRunner(this);

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
    [NotBlank]
    public SwitchParameter AsPlainText { get; set; }

    /// <summary>The vault that the new token goes to, one of Microsoft.PowerShell.SecretManagement's. What is written then has no value.</summary>
    [Parameter(ParameterSetName = "ExpiresIn")]
    [Parameter(ParameterSetName = "ExpiresAt")]
    [ArgumentCompleter(typeof(VaultCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Vault { get; set; }

    /// <summary>
    /// The secret's name in the vault, <c>{Name}</c> unless given. <c>{Name}</c>, <c>{Project}</c>, <c>{Kind}</c>, <c>{Email}</c>,
    /// <c>{ExternalId}</c> and <c>{Id}</c> stand for the token's own. A secret that is there already is never overwritten.
    /// </summary>
    [Parameter(ParameterSetName = "ExpiresIn")]
    [Parameter(ParameterSetName = "ExpiresAt")]
    [ValidateNotNullOrEmpty]
    public string SecretName { get; set; } = "{Name}";

    /// <summary>
    /// Stores the new token, which it gets as its parameter, and returns the value as it reads it back: a SecureString, or text. Any
    /// error in it, or a program's exit code other than 0, is a failure, and the token is named.
    /// </summary>
    [Parameter(ParameterSetName = "ExpiresIn")]
    [Parameter(ParameterSetName = "ExpiresAt")]
    [ValidateNotNull]
    public ScriptBlock? SaveTo { get; set; }

    /// <summary>Issues what the session's policy does not allow: a longer life, or another name. It takes -Reason.</summary>
    [Parameter]
    [NotBlank]
    public SwitchParameter Force { get; set; }

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

    /// <summary>A row of a file, or another object, whose columns say what the command line does not: also ExpiresAt and ExpiresIn.</summary>
    [Parameter(ValueFromPipeline = true)]
    [AllowNull]
    [AllowEmptyString]
    public PSObject? InputObject { get; set; }

    private protected override int Concurrency => ThrottleLimit;

    /// <inheritdoc/>
    private protected override void Begin()
    {
        base.Begin();
        TellUnsettled();
        string? wrong = this switch
        {
            { Vault: not null, SaveTo: not null } => "-Vault and -SaveTo exclude each other: a token is stored in one place.",
            { AsPlainText.IsPresent: true } when Stores => "-AsPlainText is for a token that is written: with -Vault or -SaveTo nothing shows the value.",
            _ when Vault is null && MyInvocation.BoundParameters.ContainsKey(nameof(SecretName)) => "-SecretName names a secret of a vault: give -Vault too.",
            _ => null,
        };
        if (wrong is not null)
        {
            ThrowTerminatingError(ErrorRecords.Create(MagicBellException.Invalid(wrong), null));
        }

        string[] later = Stores || AsPlainText ? [] : [.. PipelineRecord.NamesAfter(CommandRuntime)];
        if (later.FirstOrDefault(s_losesValues.Contains) is { } writer && !later.Contains("Tee-Object"))
        {
            WriteWarning($"{writer} does not keep the value of a SecureString, so the tokens' values are lost there. Store them: -Vault or -SaveTo. Or give -AsPlainText, and keep what {writer} writes where nobody else reads it.");
        }
    }

    /// <inheritdoc/>
    private protected sealed override void Process()
    {
        // A row may hold a token's value: as a bound parameter it would be part of each record.
        InputRow? row = _rows.Next(InputObject);
        MyInvocation.BoundParameters.Remove(nameof(InputObject));
        if (row is null)
        {
            Issue(null);
        }
        else if (row.IsBlank)
        {
            WriteWarning(FormattableString.Invariant($"{row.Place} is blank, and was left out."));
        }
        else
        {
            foreach (string name in _rows.LookAlikesOf(row, IsGiven))
            {
                WriteWarning($"The column '{name}' is not read. Where it says when a token expires, rename it to ExpiresAt (a date) or ExpiresIn (such as 90d).");
            }

            if (_rows.SameBefore(row) is { } before)
            {
                WriteWarning($"{row.Place} says the same as {before.ToLowerInvariant()}, and was left out.");
                return;
            }

            Issue(row);
        }
    }

    /// <summary>Issues the token of one input.</summary>
    /// <param name="row">The input; null where everything is on the command line.</param>
    private protected abstract void Issue(InputRow? row);

    /// <summary>The text of a column: by a parameter, else by the row under any of its names. Null where both are empty.</summary>
    private protected string? TextOf(string column, string? bound, InputRow? row) =>
        IsGiven(column) || row is null || !string.IsNullOrEmpty(bound) ? bound is { Length: > 0 } ? bound : null : row.Text(column);

    /// <summary>Runs a step for one input; what is wrong with a row is said with its number and its columns.</summary>
    /// <param name="target">What an error is about; the row's number where this is empty.</param>
    /// <param name="row">The input; null where everything is on the command line.</param>
    /// <param name="said">What is known of the token, by column.</param>
    /// <param name="step">The step.</param>
    private protected void TryRow(string? target, InputRow? row, IReadOnlyDictionary<string, string?> said, Action step) => TryRow(target, row, () =>
    {
        // What the pipeline gives must say something: else each input would issue the same token again.
        if (row is not null && said.All(pair => pair.Value is null || IsOnCommandLine(pair.Key)))
        {
            throw MagicBellException.Invalid($"The input says nothing that the command line does not: it has no value for {string.Join(" or ", said.Keys.Where(column => !IsOnCommandLine(column)).DefaultIfEmpty("anything else"))}.");
        }

        step();
    });

    /// <summary>How long the token is to live, in whole seconds; null for ever.</summary>
    /// <param name="row">The input; null where everything is on the command line.</param>
    /// <param name="now">The time now: the server's where that counts from there.</param>
    /// <exception cref="MagicBellException">The row's column is empty, or cannot be read.</exception>
    private protected long? LifetimeOf(InputRow? row, DateTimeOffset now)
    {
        TimeSpan? lifetime = ExpiresAt is { } end ? end - now
            : ExpiresIn is not null || row is null ? ExpiresIn
            : row.Lifetime(now);
        return lifetime is null ? null : (long)Math.Floor(lifetime.Value.TotalSeconds);
    }

    /// <summary>Holds a token against the session's policy, which gives it an end where nobody else does.</summary>
    /// <param name="request">The token.</param>
    /// <param name="limit">What the policy says; null for nothing.</param>
    /// <returns>The token to ask for.</returns>
    /// <exception cref="MagicBellException">The policy does not allow it, and -Force and -Reason were not given.</exception>
    private protected TokenRequest ByPolicy(TokenRequest request, IssueLimit? limit)
    {
        if (limit is null)
        {
            return request;
        }

        limit.CheckName(request.Name, Force, Reason);
        if (request.Lifetime is { } seconds)
        {
            limit.CheckLifetime(TimeSpan.FromSeconds(seconds), Force, Reason);
            return request;
        }

        if (limit.Lifetime is not { } usual)
        {
            return request;
        }

        if (!_hasSaidLifetime)
        {
            _hasSaidLifetime = true;
            Inform(limit.Given);
        }

        return request with { Lifetime = (long)usual.TotalSeconds };
    }

    /// <inheritdoc/>
    protected override void StopProcessing()
    {
        base.StopProcessing();
        _scripts.Stop();
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
            throw MagicBellException.Invalid("What names the token is a token's value, a secret key or an address with credentials, or holds one. It would be kept and shown wherever it was sent, so nothing was sent.");
        }

        request = ByPolicy(request, scope.Session.IssuePolicy?.Of(scope.Kind));
        if (IsMisread(request.Email) || IsMisread(request.ExternalId))
        {
            throw MagicBellException.Invalid($"A character of the user's address or id could not be read (it shows as {Unreadable}), so it names nobody. {ReadAgain}");
        }

        if (IsMisread(request.Name))
        {
            WriteWarning($"A character of the name '{request.Name}' could not be read (it shows as {Unreadable}), and a token keeps its name. {ReadAgain}");
        }

        _keyUsed = true;
        ITokenStore? store = StoreFor(scope, request);
        string place = store switch
        {
            null => "",
            { Vault: { } vault } => $", into secret '{ScreenText.Of(store.SecretOf("{Id}")!)}' of vault '{ScreenText.Of(vault)}'",
            _ => ", into -SaveTo",
        };
        if (!ShouldProcess($"{description} in project '{scope.Session.Name}' ({scope.Session.BaseAddress}){place}", $"Issue {scope.Noun}"))
        {
            return;
        }

        WarnOfLifetime(request, store);
        Guid key = IdempotencyKey ?? Guid.NewGuid();
        scope.Session.Completions.Clear();

        // Found here: an answer that is lost is told on another thread.
        _where = CommandText.SessionArgument(scope.Session);
        Start(target, async () =>
        {
            DateTimeOffset begun = DateTimeOffset.UtcNow;
            IssuedToken issued = await scope.CreateAsync(request, key, IdempotencyKey is not null, AsPlainText, WriteCall).ConfigureAwait(false);
            if (issued.WasIssuedBefore && IdempotencyKey is null)
            {
                WarnAfterEnd($"The server gave {description} the id {issued.Id}, which an earlier create was answered with: it is not known which of the two has it.");
            }

            if (issued.UserId is { } userId)
            {
                scope.Session.Remember(userId);
            }

            if (store is not null)
            {
                await StoreAsync(scope, store, issued, begun).ConfigureAwait(false);
            }
            else
            {
                switch (await DeliverAsync(issued).ConfigureAwait(false))
                {
                    case Delivery.Written:
                        await scope.ClaimAsync(issued.Id, issued.Fingerprint, "the pipeline", WriteCall).ConfigureAwait(false);
                        break;
                    case Delivery.Refused:
                        WarnAfterEnd($"The pipeline ended before it was given {description}. {await RevokeUndeliveredAsync(scope, issued, begun, UndoCall).ConfigureAwait(false)}");
                        break;
                }
            }
        });
    }

    /// <summary>Warns once of a token that never ends and that nothing stores.</summary>
    private protected void WarnOfLifetime(TokenRequest request, object? store)
    {
        if (request.Lifetime is null && store is null && !_hasWarnedOfLifetime)
        {
            _hasWarnedOfLifetime = true;
            WriteWarning("Without -ExpiresIn or -ExpiresAt the token never ends, and its value is in the output alone. Store it, or give an end, such as -ExpiresIn 90d.");
        }
    }

    /// <inheritdoc/>
    private protected override string? AdviceFor(MagicBellException failure, object? target) => failure.Error == MagicBellError.CreateOutcomeUnknown
        ? AdviceForOrphan((string)target!, string.Format(CultureInfo.InvariantCulture, "Where-Object CreatedAt -ge '{0:yyyy-MM-dd'T'HH:mm:ss'Z'}'", failure.SentAt!.Value.UtcDateTime.AddMinutes(-1)), _where)
        : failure.Error == MagicBellError.RotationFailed ? "Do what the message says, then call again. Where the vault is locked: Unlock-SecretStore, or what its own module has for it."
        : null;

    /// <summary>How to look for a token that may exist although its answer was lost. It revokes nothing: others of that name and moment may be held.</summary>
    /// <param name="target">What the create was about: a project token's name, or a user.</param>
    /// <param name="filter">The filter for tokens issued since then, a minute allowed for the clocks.</param>
    /// <param name="where">The argument that names the session; empty for the current one.</param>
    private protected abstract string AdviceForOrphan(string target, string filter, string where);

    private static bool IsMisread(string? text) => text?.IndexOf(Unreadable) >= 0;

    private bool Stores => Vault is not null || SaveTo is not null;

    // Sees, before anything is sent, that the store is there and that nothing is overwritten.
    private ITokenStore? StoreFor(TokenScope scope, TokenRequest request)
    {
        if (!Stores)
        {
            return null;
        }

        if (Vault is null)
        {
            return new ScriptStore(_scripts, SaveTo);
        }

        var store = new VaultStore(this, _scripts, Vault, newId => Rotation.SecretName.Fill(SecretName, new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["Name"] = request.Name,
            ["Project"] = scope.Session.Name,
            ["Kind"] = scope.Kind.ToString(),
            ["Email"] = request.Email,
            ["ExternalId"] = request.ExternalId,
            ["Id"] = newId.Length > 0 ? newId : "{Id}",
        }));
        string secret = store.SecretOf("{Id}")!;
        if (secret == store.SecretOf("x") && !_places.Add(secret))
        {
            throw MagicBellException.Invalid($"Another token of this run goes to the secret '{ScreenText.Of(secret)}' of vault '{ScreenText.Of(Vault)}' too. Tell the tokens apart with -SecretName.");
        }

        store.Prepare(isOld: null);
        return store;
    }

    // A store that surely took nothing: the token is revoked again. One that may have it: the token stays, and is named.
    private async Task StoreAsync(TokenScope scope, ITokenStore store, IssuedToken issued, DateTimeOffset begun)
    {
        string secret = store.SecretOf(issued.Id!) ?? "";
        string place = store.Vault is { } vault ? $"{vault}/{secret}" : "-SaveTo";
        bool hasBegun = false;
        StoreResult result;
        try
        {
            result = await ((IPipeline)this).RunAsync(() =>
            {
                hasBegun = true;
                return store.Store(issued, SecureText.Reveal(issued), replaces: null);
            }).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            WarnAfterEnd(hasBegun
                ? "The pipeline ended while the new token was being stored. " + InDoubt()
                : "The pipeline ended before the new token was stored. " + await RevokeUndeliveredAsync(scope, issued, begun, UndoCall).ConfigureAwait(false));
            throw;
        }

        switch (result.Outcome)
        {
            case StoreOutcome.Stored:
                await scope.ClaimAsync(issued.Id, issued.Fingerprint, place, WriteCall).ConfigureAwait(false);
                if (await OfferAsync(new StoredToken(issued, place)).ConfigureAwait(false) == Delivery.Refused)
                {
                    WarnAfterEnd($"The {scope.Noun} {issued.Id} is issued and stored in {ScreenText.Of(place)}: the pipeline ended before it was told.");
                }

                break;
            case StoreOutcome.NotBegun:
                throw new MagicBellException(MagicBellError.RotationFailed, $"{result.Problem} {await RevokeUndeliveredAsync(scope, issued, begun, WriteCall).ConfigureAwait(false)}");
            default:
                throw new MagicBellException(MagicBellError.RotationFailed, $"{result.Problem ?? "-SaveTo returned nothing. It is to return the value as it reads it back."} {InDoubt()}");
        }

        string InDoubt() => $"It cannot be told whether {ScreenText.Of(place)} holds the new {scope.Noun} {issued.Id} (fingerprint {issued.Fingerprint}), so it stays live. "
            + $"Look there. Where it is not: {CommandText.Remove(scope.Kind, scope.Session, issued.Id!)}";
    }

    /// <summary>Revokes a token that surely nobody was given.</summary>
    /// <returns>What came of it, for people.</returns>
    private async Task<string> RevokeUndeliveredAsync(TokenScope scope, IssuedToken issued, DateTimeOffset begun, CallContext call)
    {
        string reason = "no list shows it as the new one.";
        try
        {
            // Only the answer may have told the server's clock.
            DateTimeOffset since = begun + (scope.Now - DateTimeOffset.UtcNow) - s_clockTolerance;
            var token = new NewToken(issued.Id!, issued.Name, issued.CreatedAt, issued.UserId, _ => issued.WasIssuedBefore || issued.CreatedAt < since);
            if (await scope.RevokeUndeliveredAsync(token, this, call).ConfigureAwait(false))
            {
                return $"Nobody had the new {scope.Noun} {issued.Id}: it was revoked again.";
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

        return $"Nobody has the new {scope.Noun} {issued.Id}, so it should be revoked, and it may be live: {reason} {CommandText.Remove(scope.Kind, scope.Session, issued.Id!)}";
    }
}
