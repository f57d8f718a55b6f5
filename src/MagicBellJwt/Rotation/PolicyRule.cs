using System;
using System.Management.Automation;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;

namespace MagicBellJwt.Rotation;

/// <summary>One rule of a rotation policy.</summary>
internal sealed class PolicyRule
{
    private readonly WildcardPattern _name;
    private readonly TimeSpan? _olderThan;
    private readonly TimeSpan? _endingWithin;

    /// <summary>Reads a rule's lengths of time, its pattern and its script.</summary>
    /// <param name="rule">The rule as it is in the file.</param>
    /// <param name="pathOf">Finds a script by its path in the policy.</param>
    /// <exception cref="MagicBellException">One of them cannot be read.</exception>
    internal PolicyRule(RotationRule rule, Func<string, string> pathOf)
    {
        _name = WildcardPattern.Get(rule.Name, WildcardOptions.IgnoreCase);
        _olderThan = LengthOf(rule.OlderThan);
        _endingWithin = LengthOf(rule.EndingWithin);
        Lifetime = LengthOf(rule.Lifetime);
        Overlap = LengthOf(rule.Overlap) ?? TimeSpan.Zero;
        Choice = new StoreChoice(
            rule.Vault,
            rule.SecretName ?? "{Name}",
            rule.SaveTo is null ? null : ScriptBlock.Create($"param($Issued) & {CommandText.Quote(pathOf(rule.SaveTo))} $Issued"));
    }

    internal StoreChoice Choice { get; }

    internal TimeSpan? Lifetime { get; }

    internal TimeSpan Overlap { get; }

    /// <summary>Whether the rule is for tokens of a name.</summary>
    internal bool IsFor(string? name) => name is not null && _name.IsMatch(name);

    /// <summary>Whether a token is to be rotated now.</summary>
    /// <param name="token">The token.</param>
    /// <param name="now">Now, by the server's clock.</param>
    /// <param name="isBounded">
    /// Whether "ending within" applies, but more than a third of the token's life is left, so that it is not rotated yet. Else a token of three
    /// days under "ending within seven days" would be rotated at every run.
    /// </param>
    internal bool IsDue(ListedToken token, DateTimeOffset now, out bool isBounded)
    {
        isBounded = false;
        if (now - token.CreatedAt > _olderThan)
        {
            return true;
        }

        if (token.ExpiresAt is not { } end || end - now > _endingWithin || _endingWithin is null)
        {
            return false;
        }

        isBounded = end - now > TimeSpan.FromTicks((end - token.CreatedAt).Ticks / 3);
        return !isBounded;
    }

    /// <summary>Reads a length of time of a policy.</summary>
    /// <exception cref="MagicBellException">It is none.</exception>
    internal static TimeSpan? LengthOf(string? text)
    {
        if (text is null)
        {
            return null;
        }

        string? problem = LifetimeText.Read(text, out TimeSpan length);
        return problem is not null ? throw MagicBellException.Invalid("In the policy: " + problem)
            : length <= TimeSpan.Zero ? throw MagicBellException.Invalid($"In the policy: '{ScreenText.Of(text)}' is no time at all.")
            : length;
    }
}
