using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Completion;

namespace MagicBellJwt.Commands;

/// <summary>Revokes tokens, each after it is known for what it is and ShouldProcess agreed.</summary>
public abstract class RemoveTokenCmdlet : WritingCmdlet
{
    // A file may name a token twice, and a leaked one may have been found in many places.
    private readonly HashSet<(Session, Guid)> _given = [];

    // Tokens that are to be planned, and that no list has shown yet, by id.
    private readonly Dictionary<string, WantedToken> _notListed = new(StringComparer.OrdinalIgnoreCase);
    private int _previewed;
    private bool _expected;
    private volatile bool _isStopped;
    private volatile string? _lastWritten;
    private long _inputs;

    /// <summary>
    /// Ids of tokens, or the tokens themselves: listed, issued, from CLIXML, or rows with a column Id or TokenId. Bound by value
    /// only, so that a token of the other kind, or of another project, is seen for what it is and refused.
    /// </summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(TokenCompleter))]
    [ValidateNotNull]
    public PSObject[] Id { get; set; } = [];

    /// <summary>Writes a Revocation for each token; with -WhatIf a PlannedChange, which a later call takes back and does.</summary>
    [Parameter]
    [NotBlank]
    public SwitchParameter PassThru { get; set; }

    /// <summary>Revokes without asking. -WhatIf still only tells, and -Confirm still asks.</summary>
    [Parameter]
    [NotBlank]
    public SwitchParameter Force { get; set; }

    /// <summary>How many revocations are in flight at a time, 1 to 64; 8 unless given. With 1 they are done in order.</summary>
    [Parameter]
    [ValidateRange(1, 64)]
    public int ThrottleLimit { get; set; } = 8;

    private protected override int Concurrency => ThrottleLimit;

    private protected abstract TokenKind Kind { get; }

    // The engine sets no variable for a cmdlet's own -WhatIf, so the bound parameter is read before the preference variable.
    private bool Asks => !Force
        || MyInvocation.BoundParameters.ContainsKey("Confirm")
        || IsPreview;

    private bool MakesPlan => PassThru && IsPreview;

    /// <inheritdoc/>
    protected override void StopProcessing()
    {
        _isStopped = true;
        base.StopProcessing();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (_isStopped && _lastWritten is { } written)
        {
            // A later command may have been handling it when the stop came, and its output is dropped then.
            WarnAfterEnd($"The pipeline was stopped, but this token had already been revoked: {written}.");
        }

        base.Dispose(disposing);
    }

    /// <inheritdoc/>
    private protected override void Process()
    {
        if (!_expected && !MyInvocation.ExpectingInput)
        {
            Expect(Id.Length);
            _expected = true;
        }

        foreach (PSObject item in Id)
        {
            if (KeepPlanned(item, ++_inputs))
            {
                continue;
            }

            Try(TokenReference.TargetOf(item, _inputs), () =>
            {
                TokenReference token = TokenReference.From(item, Kind, Session, VerbsCommon.Remove);
                Session session = SessionOf(token);
                if (!_given.Add((session, Guid.Parse(token.Id))))
                {
                    WriteVerbose($"The token {token.Id} was given before, so nothing is sent for it this time.");
                    return;
                }

                if (MakesPlan && token.Listed is null)
                {
                    KeepNotListed(token, new TokenScope(session, Kind, token.UserId));
                }
                else
                {
                    Revoke(token, session);
                }
            });
        }
    }

    /// <inheritdoc/>
    private protected override void End()
    {
        DoKept();
        Finish();
        if (_previewed > 1)
        {
            Inform(FormattableString.Invariant($"{_previewed} tokens would be revoked."));
        }

        base.End();
    }

    /// <summary>Does what was kept until all inputs were read, after the lists have shown it: the rows of a plan, and what is to be planned.</summary>
    private protected void DoKept()
    {
        WantedToken[] notListed = [.. _notListed.Values];
        _notListed.Clear();
        LookUp(notListed);
        foreach (WantedToken token in LookUpPlan(Kind, VerbsCommon.Remove, Fail).Concat(notListed))
        {
            bool isFit = Try(token.Token.Id, () => RevokeListed(token));
            if (token.Row is { } row && !(isFit && token.IsLookedUp))
            {
                Fail(row);
            }
        }
    }

    /// <summary>Asks, and revokes in the background.</summary>
    private protected virtual void Revoke(TokenReference token, Session session)
    {
        var scope = new TokenScope(session, Kind, token.UserId, token.Listed?.Found);
        if (token.IsDiscarded)
        {
            if (PassThru)
            {
                WriteObject(new Revocation(token.Id, RevocationOutcome.AlreadyRevoked, token.DiscardedAt, scope) { Name = token.Name });
            }

            return;
        }

        string description = $"token {token.Id}{(token.Name is null ? "" : $" '{token.Name}'")}{(token.UserId is null ? "" : $" of user {User.Describe(token.UserId, scope.Owner)}")} in project '{session.Name}' ({session.BaseAddress})";
        if (Asks && !ShouldProcess(description, $"Revoke {Kind.ToString().ToLowerInvariant()} token"))
        {
            _previewed += IsPreview ? 1 : 0;
            if (MakesPlan)
            {
                WriteObject(new PlannedChange(MyInvocation.MyCommand.Name, token.Listed!, scope, Reason));
            }

            return;
        }

        Send(token, scope, description);
    }

    // A plan has what a list says of a token. An id alone says too little to be looked at again before it is revoked.
    private void KeepNotListed(TokenReference token, TokenScope scope)
    {
        if (!scope.CanList)
        {
            throw MagicBellException.Invalid($"An id alone does not say in whose list the token {token.Id} is, so it cannot be planned. Give the listed token: Get-MbUserToken USERID -Id {token.Id}{CommandText.SessionArgument(scope.Session)} | Remove-MbUserToken -WhatIf -PassThru");
        }

        _notListed[token.Id] = new WantedToken(token, scope, row: null);
    }

    private void RevokeListed(WantedToken token)
    {
        if (token.Listed is { } listed)
        {
            token.Row?.Check(listed);
            TokenReference reference = TokenReference.From(PSObject.AsPSObject(listed), Kind, token.Scope.Session, VerbsCommon.Remove);
            reference.Reason = token.Row?.Reason;
            Revoke(reference, token.Scope.Session);
        }
        else if (token.IsLookedUp && token.Row is null)
        {
            throw new MagicBellException(MagicBellError.TokenNotFound, $"No token with the id {token.Token.Id} is in the list.");
        }
        else if (token.IsLookedUp && PassThru)
        {
            WriteObject(new Revocation(token.Token.Id, RevocationOutcome.AlreadyRevoked, null, token.Scope) { Name = token.Token.Name });
        }
    }

    // Who keeps the rows has one for each row of the plan. The error is told already.
    private void Fail(PlanRow row)
    {
        if (PassThru)
        {
            WriteObject(new Revocation(row.Id!, RevocationOutcome.Failed, null, new TokenScope(CurrentSession, Kind, row.UserId)) { Name = row.Name });
        }
    }

    private void Send(TokenReference token, TokenScope scope, string description)
    {
        scope.Session.Completions.Clear();
        Start(token.Id, async () =>
        {
            Revocation revocation;
            try
            {
                await (token.New is { } issued && scope.CanList ? scope.CheckIsNewAsync(issued, ReadCall) : Task.CompletedTask).ConfigureAwait(false);
                revocation = await scope.RevokeAsync(token.Id, token.IsKnown, WriteCall with { Reason = Reason ?? token.Reason }, token.Name).ConfigureAwait(false);
                revocation.Name = token.Name;
            }
            catch (MagicBellException failure) when (PassThru)
            {
                // Who keeps the rows has one for each token. The error follows.
                await OfferAsync(new Revocation(token.Id, failure.OutcomeUnknown ? RevocationOutcome.Unknown : RevocationOutcome.Failed, null, scope) { Name = token.Name }).ConfigureAwait(false);
                throw;
            }

            bool isTold = PassThru
                ? await OfferAsync(revocation).ConfigureAwait(false) == Delivery.Written
                : await OfferAsync(static () => { }).ConfigureAwait(false);

            // A pipeline that is being stopped drops what was written to it.
            if (isTold && PassThru)
            {
                _lastWritten = description;
            }

            if (!isTold || Stopping)
            {
                WarnAfterEnd($"The pipeline was stopped, but this token had already been revoked: {description}.");
            }
        });
    }
}
