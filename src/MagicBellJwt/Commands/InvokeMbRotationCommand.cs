using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
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

    /// <inheritdoc/>
    private protected override void Process() => Try(null, () =>
    {
        string path = GetUnresolvedProviderPathFromPSPath(Policy);
        string folder = Path.GetDirectoryName(path)!;
        PolicyFile file = PolicyFile.Read(path);
        PolicyRule[] rules = [.. file.Rules.Select(rule => new PolicyRule(rule, script => Path.Combine(folder, script)))];
        if (rules.Length == 0)
        {
            throw MagicBellException.Invalid($"The policy {path} has no rules of rotation: its member 'rotate' is a list of them.");
        }

        Session session = CurrentSession;
        _limit = new IssuePolicy(path, file).Of(TokenKind.Project) ?? session.IssuePolicy?.Of(TokenKind.Project);
        if (_limit is { Maximum: { } longest } && Array.Find(rules, rule => rule.Lifetime > longest) is { } beyond)
        {
            throw MagicBellException.Invalid($"A rule of the policy {path} gives new tokens {LifetimeText.Write(beyond.Lifetime!.Value)}, and the policy for issuing allows {LifetimeText.Write(longest)} at most. Correct one of them.");
        }

        RotationJournal journal = JournalOf(session);
        Start(null, () => RunAsync(rules, session, journal));
    });

    /// <inheritdoc/>
    private protected override string? AdviceFor(MagicBellException failure, object? target) => failure.Error switch
    {
        MagicBellError.CreateOutcomeUnknown => "Call again: the next run looks for the token and names it.",
        MagicBellError.Conflict => "Wait until the other run has ended, then call again.",
        _ => null,
    };

    private async Task RunAsync(PolicyRule[] rules, Session session, RotationJournal journal)
    {
        await RotatorOf(rules[0], session, journal).ResumeAllAsync((entry, failure) => OfferAsync(() => Report(failure, entry.Name ?? entry.OldId))).ConfigureAwait(false);
        var scope = new TokenScope(session, TokenKind.Project);
        IReadOnlyList<ListedToken> tokens = await scope.ListAsync(ReadCall).ConfigureAwait(false);
        foreach (ListedToken token in tokens.Where(token => token.Id is not null && scope.IsLive(token)).OrderBy(token => token.ExpiresAt ?? DateTimeOffset.MaxValue))
        {
            PolicyRule? rule = Array.Find(rules, rule => rule.IsFor(token.Name));
            if (rule is null || !TokenPicker.Meant(scope, tokens, token.Name!, [.. journal.Entries.Where(entry => RotationText.IsOf(entry, session))]).Contains(token))
            {
                continue;
            }

            if (!rule.IsDue(token, scope.Now, out bool isBounded))
            {
                if (isBounded)
                {
                    await ((IPipeline)this).WarnAsync($"The token {token.Id} '{ScreenText.Of(token.Name!)}' is left alone until a third of its life is left: by the rule's 'endingWithin' alone it would be rotated at every run. Give it a longer 'lifetime', or a shorter 'endingWithin'.").ConfigureAwait(false);
                }

                continue;
            }

            await RotateAsync(RotatorOf(rule, session, journal), rule, token, session).ConfigureAwait(false);
        }
    }

    private async Task RotateAsync(Rotator rotator, PolicyRule rule, ListedToken token, Session session)
    {
        try
        {
            if (!await ((IPipeline)this).RunAsync(() => IsLeftOut(rule.Choice, token.Id!, token, session)).ConfigureAwait(false))
            {
                await rotator.RotateByIdAsync(token.Id!, null).ConfigureAwait(false);
            }
        }
        catch (MagicBellException failure) when (!ErrorRecords.Ends(failure))
        {
            // The others are rotated all the same.
            await OfferAsync(() => Report(failure, token.Name)).ConfigureAwait(false);
        }
    }

    private Rotator RotatorOf(PolicyRule rule, Session session, RotationJournal journal)
    {
        if (!_rotators.TryGetValue(rule, out Rotator? rotator))
        {
            rotator = new Rotator(session, TokenKind.Project, journal, this, new RotationOptions
            {
                ExpiresIn = rule.Lifetime,
                Limit = _limit,
                Overlap = rule.Overlap,
                JournalPath = JournalPath,
                IsPreview = IsPreview,
                StoreFor = old => StoreFor(rule.Choice, old, session),
                StoreOf = StoreOf,
            });
            _rotators.Add(rule, rotator);
        }

        return rotator;
    }
}
