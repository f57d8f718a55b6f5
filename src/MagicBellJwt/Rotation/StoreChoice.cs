using System.Management.Automation;

namespace MagicBellJwt.Rotation;

/// <summary>Where new tokens are to go, as a caller or a policy says it.</summary>
/// <param name="Vault">The vault; null for none.</param>
/// <param name="SecretName">The secret's name in it, with parts.</param>
/// <param name="SaveTo">The script block that stores; null for none.</param>
internal sealed record StoreChoice(string? Vault, string SecretName, ScriptBlock? SaveTo)
{
    /// <summary>Whether anything stores.</summary>
    internal bool Stores => Vault is not null || SaveTo is not null;
}
