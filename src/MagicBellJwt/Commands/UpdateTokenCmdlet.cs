using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;
using MagicBellJwt.Completion;
using MagicBellJwt.Rotation;

namespace MagicBellJwt.Commands;

/// <summary>Replaces tokens by fresh ones. Binds what is asked for, and hands it to a <see cref="Rotator"/>.</summary>
public abstract class UpdateTokenCmdlet : RotationCmdlet
{
    private readonly Dictionary<Session, Rotator> _rotators = [];
    private long _inputs;
    private string? _reason;
    private int _previewed;
    private (string? Email, string? ExternalId) _owner;

    /// <summary>The names of the tokens, exactly; each must be that of one live token.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Name")]
    [PlainText(KeepsBlanks = true)]
    [ArgumentCompleter(typeof(TokenCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = [];

    /// <summary>
    /// Ids of tokens, or the tokens themselves: listed, issued, from CLIXML, or rows with a column Id or TokenId. Bound by value
    /// only, so that a token of the other kind, or of another project, is seen for what it is and refused.
    /// </summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = "Id")]
    [ArgumentCompleter(typeof(TokenCompleter))]
    [ValidateNotNull]
    public PSObject[] Id { get; set; } = [];

    /// <summary>Finishes what is due and what was interrupted, and begins nothing. Any later run of the same name does so first.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Resume")]
    [NotBlank]
    public SwitchParameter Resume { get; set; }

    /// <summary>How long the new token lives: <c>90m</c>, <c>12h</c>, <c>30d</c>, or a TimeSpan of a second or more. Without it as long as the old one did.</summary>
    [Parameter(ParameterSetName = "Name")]
    [Parameter(ParameterSetName = "Id")]
    [Lifetime]
    [ArgumentCompleter(typeof(LifetimeCompleter))]
    public TimeSpan? ExpiresIn { get; set; }

    /// <summary>The vault that the new token goes to, one of Microsoft.PowerShell.SecretManagement's.</summary>
    [Parameter(ParameterSetName = "Name")]
    [Parameter(ParameterSetName = "Id")]
    [ArgumentCompleter(typeof(VaultCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Vault { get; set; }

    /// <summary>
    /// The secret's name in the vault, <c>{Name}</c> unless given. <c>{Name}</c>, <c>{Project}</c>, <c>{Kind}</c>, <c>{UserId}</c>,
    /// <c>{Email}</c>, <c>{ExternalId}</c> and <c>{Id}</c> (the new token's) stand for the token's own.
    /// </summary>
    [Parameter(ParameterSetName = "Name")]
    [Parameter(ParameterSetName = "Id")]
    [ValidateNotNullOrEmpty]
    public string SecretName { get; set; } = "{Name}";

    /// <summary>
    /// Stores the new token, which it gets as its parameter, and returns the value as it reads it back: a SecureString, or text. Any
    /// error in it, or a program's exit code other than 0, is a failure: both tokens stay then. Where it returns nothing the old token stays too.
    /// </summary>
    [Parameter(ParameterSetName = "Name")]
    [Parameter(ParameterSetName = "Id")]
    [ValidateNotNull]
    public ScriptBlock? SaveTo { get; set; }

    /// <summary>How long the old token stays live beside the new one; without it, it is revoked at once. A later run, or -Resume, revokes it.</summary>
    [Parameter(ParameterSetName = "Name")]
    [Parameter(ParameterSetName = "Id")]
    [Lifetime]
    [ArgumentCompleter(typeof(LifetimeCompleter))]
    public TimeSpan Overlap { get; set; }

    /// <summary>With -WhatIf, writes a PlannedChange for each token that would be replaced, which a later call takes back and does. What was replaced is written without it too.</summary>
    [Parameter(ParameterSetName = "Name")]
    [Parameter(ParameterSetName = "Id")]
    [NotBlank]
    public SwitchParameter PassThru { get; set; }

    /// <summary>Lets the new token live longer than the session's policy says. It takes -Reason.</summary>
    [Parameter(ParameterSetName = "Name")]
    [Parameter(ParameterSetName = "Id")]
    [NotBlank]
    public SwitchParameter Force { get; set; }

    /// <summary>Waits until the overlap is over, an hour at most, and revokes the old token then. Where the wait is stopped, the next run does it.</summary>
    [Parameter(ParameterSetName = "Name")]
    [Parameter(ParameterSetName = "Id")]
    [NotBlank]
    public SwitchParameter Wait { get; set; }

    private protected abstract TokenKind Kind { get; }

    // One rotation at a time.
    private protected override string? WriteReason => Reason ?? _reason;

    /// <summary>Whether the token that is being replaced was given as a list shows it, so that it is known whose it is; not by an id, a row or a name.</summary>
    private protected bool IsListed { get; private set; }

    /// <summary>Finds the id of the user whose tokens are meant, by what the parameters say of this input; null where they say nothing, and for a project's.</summary>
    private protected virtual Task<string?> FindOwnerAsync(Session session) => Task.FromResult<string?>(null);

    /// <summary>Says by what a create names the user of a list; see <see cref="RotationOptions.NameOwnerAsync"/>.</summary>
    private protected virtual Task<(string? Email, string? ExternalId)> NameOwnerAsync(TokenScope scope) => Task.FromResult<(string?, string?)>((null, null));

    /// <summary>The argument that says whose tokens are meant in a command that is suggested; empty for a project's.</summary>
    private protected virtual string OwnerArgument => "";

    private StoreChoice Choice => new(Vault, SecretName, SaveTo);

    /// <inheritdoc/>
    private protected override void Begin()
    {
        base.Begin();
        TellUnsettled();
        string? wrong = this switch
        {
            { Vault: not null, SaveTo: not null } => "-Vault and -SaveTo exclude each other: a token is stored in one place.",
            { Wait.IsPresent: true, Choice.Stores: false } => "-Wait revokes the old token at the end, so the new one must be stored first: give -Vault or -SaveTo.",
            { Overlap.Ticks: < 0 } => "-Overlap is a time from now on: 0 or more.",
            _ => null,
        };
        if (wrong is not null)
        {
            ThrowTerminatingError(ErrorRecords.Create(MagicBellException.Invalid(wrong), null));
        }

        if (Wait)
        {
            try
            {
                CheckWait(Overlap);
            }
            catch (MagicBellException failure)
            {
                ThrowTerminatingError(ErrorRecords.Create(failure, null));
            }
        }
    }

    /// <inheritdoc/>
    private protected override void Process()
    {
        if (Resume)
        {
            Try(null, () =>
            {
                Rotator rotator = RotatorOf(CurrentSession);
                Start(null, () => rotator.ResumeAllAsync((entry, failure) => OfferAsync(() => Report(failure, entry.Name ?? entry.OldId))));
            });
            return;
        }

        foreach (string name in Name)
        {
            Try(name, () =>
            {
                Session session = CurrentSession;
                Rotator rotator = RotatorOf(session);
                IsListed = false;
                Start(name, async () => await rotator.RotateAsync(name, await FindOwnerAsync(session).ConfigureAwait(false)).ConfigureAwait(false));
            });
        }

        foreach (PSObject item in Id)
        {
            if (KeepPlanned(item, ++_inputs))
            {
                continue;
            }

            string target = TokenReference.TargetOf(item, _inputs);
            Try(target, () =>
            {
                TokenReference token = TokenReference.From(item, Kind, Session, VerbsData.Update);
                Replace(token, SessionOf(token), target, isListed: token.Listed is not null);
            });
        }
    }

    /// <inheritdoc/>
    private protected override void End()
    {
        if (IsPlanKept && !Choice.Stores && !IsPreview)
        {
            Try(null, () => throw MagicBellException.Invalid("A plan is done with -Vault or -SaveTo: without a store nobody can tell which of its tokens were replaced, and a run that is repeated would issue others."));
        }
        else
        {
            foreach (WantedToken token in LookUpPlan(Kind, VerbsData.Update, static _ => { }).Where(token => token.IsLookedUp))
            {
                Try(token.Token.Id, () => ReplacePlanned(token));
            }
        }

        Finish();
        if (Wait)
        {
            foreach (Rotator rotator in _rotators.Values)
            {
                Start(null, rotator.FinishOverlapsAsync);
            }

            Finish();
        }

        if (_previewed > 1)
        {
            Inform(FormattableString.Invariant($"{_previewed} tokens would be replaced."));
        }

        base.End();
    }

    private void ReplacePlanned(WantedToken token)
    {
        if (token.Listed is { } listed)
        {
            token.Row!.Check(listed);
        }

        // One that is gone from the list may have been replaced by an earlier run: the journal knows.
        TokenReference reference = token.Listed is null ? token.Token : TokenReference.From(PSObject.AsPSObject(token.Listed), Kind, token.Scope.Session, VerbsData.Update);
        reference.Reason = token.Row!.Reason;
        Replace(reference, token.Scope.Session, reference.Id, isListed: true);
    }

    private void Replace(TokenReference token, Session session, string target, bool isListed)
    {
        if (MyInvocation.ExpectingInput && Kind == TokenKind.Project && IsLeftOut(Choice, token.Id, token.Listed, session))
        {
            return;
        }

        Rotator rotator = RotatorOf(session);
        IsListed = isListed;
        _reason = token.Reason;
        Start(target, async () =>
        {
            string? userId = token.UserId ?? await FindOwnerAsync(session).ConfigureAwait(false);
            var scope = new TokenScope(session, Kind, userId);
            await (token.New is { } issued && scope.CanList ? scope.CheckIsNewAsync(issued, ReadCall) : Task.CompletedTask).ConfigureAwait(false);
            await rotator.RotateByIdAsync(token.Id, userId).ConfigureAwait(false);
        });
    }

    /// <inheritdoc/>
    private protected override string? AdviceFor(MagicBellException failure, object? target) => failure.Error switch
    {
        MagicBellError.CreateOutcomeUnknown => "Call again: the next run looks for the token and names it.",
        MagicBellError.Conflict when failure.InnerException is not null => "Wait until it has ended, then call again.",
        MagicBellError.Conflict => $"Say which one is meant: Get-Mb{Kind}Token{OwnerArgument}{WhereArgument}, then -Id.",
        MagicBellError.SelfLockout => "Connect with the new token, then call again.",
        _ => null,
    };

    private void Preview(TokenScope scope, ListedToken old)
    {
        _previewed++;
        if (PassThru)
        {
            WriteObject(new PlannedChange(MyInvocation.MyCommand.Name, old, scope, Reason));
        }
    }

    // One for each session: it remembers what this run has rotated.
    private Rotator RotatorOf(Session session)
    {
        _ = session.Service;
        if (!_rotators.TryGetValue(session, out Rotator? rotator))
        {
            RotationJournal journal = JournalOf(session);
            rotator = new Rotator(session, Kind, journal, this, new RotationOptions
            {
                ExpiresIn = ExpiresIn,
                Limit = session.IssuePolicy?.Of(Kind),
                IsForced = Force,
                Overlap = Overlap,
                Waits = Wait,
                NameOwnerAsync = async scope => _owner = await NameOwnerAsync(scope).ConfigureAwait(false),
                JournalPath = JournalPath,
                JournalVault = JournalVault,
                KeepJournal = KeeperOf(journal),
                IsPreview = IsPreview,
                PreviewedAsync = (scope, old) => OfferAsync(() => Preview(scope, old)),
                StoreFor = old => StoreFor(Choice, old, session, _owner.Email, _owner.ExternalId),
                StoreOf = StoreOf,
                Sessions = Sessions,
            });
            _rotators.Add(session, rotator);
        }

        return rotator;
    }
}
