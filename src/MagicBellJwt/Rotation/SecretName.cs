using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Text.RegularExpressions;
using MagicBellJwt.Client;

namespace MagicBellJwt.Rotation;

/// <summary>A secret's name in a vault, with parts in braces that stand for a token's own.</summary>
internal static class SecretName
{
    /// <summary>Puts a token's own in the place of the parts.</summary>
    /// <param name="template">The name as it was given to -SecretName.</param>
    /// <param name="parts">The parts that are known, and what each stands for.</param>
    /// <exception cref="MagicBellException">A part is not known, or the token has none of it, or the whole cannot be a secret's name.</exception>
    internal static string Fill(string template, IReadOnlyDictionary<string, string?> parts)
    {
        // In one pass: a token's name may hold braces too.
        string name = Regex.Replace(template, @"\{([A-Za-z]*)\}", part =>
        {
            if (!parts.TryGetValue(part.Groups[1].Value, out string? value))
            {
                throw MagicBellException.Invalid($"-SecretName knows no {ScreenText.Of(part.Value)} here. It knows {string.Join(", ", parts.Keys.Select(key => "{" + key + "}"))}.");
            }

            return string.IsNullOrWhiteSpace(value)
                ? throw MagicBellException.Invalid($"The token has nothing for the {part.Value} of -SecretName. Give a name that tells the tokens apart, such as -SecretName '{{Project}}-{{Id}}'.")
                : value!;
        });
        return string.IsNullOrWhiteSpace(name) || WildcardPattern.ContainsWildcardCharacters(name)
            ? throw MagicBellException.Invalid($"'{ScreenText.Of(name)}' cannot be a secret's name: it is empty or has wildcards. Give another with -SecretName.")
            : name;
    }
}
