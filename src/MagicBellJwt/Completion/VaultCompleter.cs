using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Rotation;

namespace MagicBellJwt.Completion;

/// <summary>Completes -Vault with the vaults that are registered on this account, where Microsoft.PowerShell.SecretManagement is installed.</summary>
public sealed class VaultCompleter : ValueCompleter
{
    private protected override IEnumerable<(string Text, string ToolTip)> Values(string commandName, string parameterName, IDictionary boundParameters, string typed)
    {
        using PowerShell shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
        return [.. shell.AddCommand(SecretVault.Module + @"\Get-SecretVault").Invoke()
            .Select(vault => (Name: vault.Properties["Name"]?.Value as string, Kind: vault.Properties["ModuleName"]?.Value as string))
            .Where(vault => vault.Name is { Length: > 0 })
            .Select(vault => (vault.Name!, $"{vault.Name}, kept by {vault.Kind}"))];
    }
}
