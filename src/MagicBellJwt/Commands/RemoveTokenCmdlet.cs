using System;
using System.Collections.Generic;
using System.Management.Automation;
using MagicBellJwt.Client;
using MagicBellJwt.Completion;

namespace MagicBellJwt.Commands;

/// <summary>Revokes tokens, each after it is known for what it is and ShouldProcess agreed.</summary>
public abstract class RemoveTokenCmdlet : SessionCmdlet
{
    // One token may have leaked to many places.
    private readonly HashSet<string> _leaked = new(StringComparer.OrdinalIgnoreCase);
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

    /// <summary>Writes a Revocation for each token.</summary>
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
        || LanguagePrimitives.IsTrue(MyInvocation.BoundParameters.TryGetValue("WhatIf", out object? whatIf) ? whatIf : GetVariableValue("WhatIfPreference"));

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
            Try(TokenReference.TargetOf(item, ++_inputs), () =>
            {
                TokenReference token = TokenReference.From(item, Kind, Session, VerbsCommon.Remove);
                if (item.BaseObject is not LeakedToken || _leaked.Add(token.Id))
                {
                    Revoke(token, SessionOf(token));
                }
            });
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
            return;
        }

        Send(token, scope, description);
    }

    private void Send(TokenReference token, TokenScope scope, string description)
    {
        scope.Session.Completions.Clear();
        Start(token.Id, async () =>
        {
            Revocation revocation;
            try
            {
                revocation = await scope.RevokeAsync(token.Id, token.IsKnown, WriteCall).ConfigureAwait(false);
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
