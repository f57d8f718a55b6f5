using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;
using MagicBellJwt.Rotation;

namespace MagicBellJwt.Commands;

/// <summary>Does a schedule's whole work by a policy: finishes what is due or was interrupted, then rotates each project token that a rule says is due.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "MbRotation", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium, HelpUri = HelpPages.Folder + "Invoke-MbRotation.md")]
[OutputType(typeof(TokenRotation))]
public sealed class InvokeMbRotationCommand : RotationCmdlet
{
    private readonly Dictionary<PolicyRule, Rotator> _rotators = [];
    private IssueLimit? _limit;

    /// <summary>The policy's file, JSON; its form is docs/rotation-policy.schema.json.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string Policy { get; set; } = "";

    /// <summary>Waits until the overlaps that this run begins are over, an hour at most, and revokes the old tokens then. Where the wait is stopped, the next run does it.</summary>
    [Parameter]
    [NotBlank]
    public SwitchParameter Wait { get; set; }

    /// <inheritdoc/>
    private protected override void Process()
    {
        PolicyRun run = null!;
        try
        {
            run = Prepare();
        }
        catch (MagicBellException failure)
        {
            // It ends here, so that a scheduler tells a run that could not start from one in which a token failed.
            ThrowTerminatingError(ErrorRecords.Create(failure, null, AdviceFor(failure, null), WhereArgument));
        }

        Try(null, () =>
        {
            Start(null, run.RunAsync);
            if (Wait)
            {
                Finish();
                foreach (Rotator rotator in _rotators.Values)
                {
                    Start(null, rotator.FinishOverlapsAsync);
                }
            }
        });
    }

    // All that can be seen before the first token: the policy, its vaults, the session, the journal.
    private PolicyRun Prepare()
    {
        string path = GetUnresolvedProviderPathFromPSPath(Policy);
        string folder = Path.GetDirectoryName(path)!;
        PolicyFile file = PolicyFile.Read(path);
        PolicyRule[] rules = [.. file.Rules.Select(rule => new PolicyRule(rule, script => Path.Combine(folder, script)))];
        if (rules.Length == 0)
        {
            throw MagicBellException.Invalid($"The policy {path} has no rules of rotation: its member 'rotate' is a list of them.");
        }

        foreach (PolicyRule rule in rules.Where(rule => Wait && rule.Overlap > TimeSpan.Zero))
        {
            CheckWait(rule.Overlap);
        }

        Session session = CurrentSession;
        _limit = new IssuePolicy(path, file).Of(TokenKind.Project) ?? session.IssuePolicy?.Of(TokenKind.Project);
        if (_limit is { Maximum: { } longest } && Array.Find(rules, rule => rule.Lifetime > longest) is { } beyond)
        {
            throw MagicBellException.Invalid($"A rule of the policy {path} gives new tokens {LifetimeText.Write(beyond.Lifetime!.Value)}, and the policy for issuing allows {LifetimeText.Write(longest)} at most. Correct one of them.");
        }

        foreach (string vault in rules.Select(rule => rule.Choice.Vault).OfType<string>().Distinct(StringComparer.OrdinalIgnoreCase))
        {
            new SecretVault(this, Scripts, vault).Check();
        }

        RotationJournal journal = JournalOf(session);
        return new PolicyRun(session, rules, journal, this, rule => RotatorOf(rule, session, journal))
        {
            JournalArgument = JournalArgument,
            IsLeftOut = (rule, token) => IsLeftOut(rule.Choice, token.Id!, token, session),
            FailedAsync = (failure, target) => OfferAsync(() => Report(failure, target)),
        };
    }

    /// <inheritdoc/>
    private protected override string? AdviceFor(MagicBellException failure, object? target) => failure.Error switch
    {
        MagicBellError.CreateOutcomeUnknown => "Call again: the next run looks for the token and names it.",
        MagicBellError.Conflict => "Wait until the other run has ended, then call again.",
        _ => null,
    };

    private Rotator RotatorOf(PolicyRule rule, Session session, RotationJournal journal)
    {
        if (!_rotators.TryGetValue(rule, out Rotator? rotator))
        {
            rotator = new Rotator(session, TokenKind.Project, journal, this, new RotationOptions
            {
                ExpiresIn = rule.Lifetime,
                Limit = _limit,
                Overlap = rule.Overlap,
                Waits = Wait,
                JournalPath = JournalPath,
                JournalVault = JournalVault,
                KeepJournal = KeeperOf(journal),
                IsPreview = IsPreview,
                StoreFor = old => StoreFor(rule.Choice, old, session),
                StoreOf = StoreOf,
                Sessions = Sessions,
            });
            _rotators.Add(rule, rotator);
        }

        return rotator;
    }
}
