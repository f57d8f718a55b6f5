using System.Collections;
using System.Management.Automation;
using System.Security;
using MagicBellJwt.Client;

namespace MagicBellJwt.Rotation;

/// <summary>Vaults behind Microsoft.PowerShell.SecretManagement, where that is installed.</summary>
internal sealed class SecretVault(PSCmdlet cmdlet, ScriptRunner scripts)
{
    internal const string Module = "Microsoft.PowerShell.SecretManagement";

    /// <summary>Sees that the commands and the vault are there, before anything is sent.</summary>
    /// <exception cref="MagicBellException">They are not.</exception>
    internal void Check(string vault)
    {
        if (Find("Get-Secret") is null || Find("Set-Secret") is null)
        {
            throw MagicBellException.Invalid($"-Vault needs the module {Module}, which is not installed here: Install-Module {Module}. -SaveTo stores without it.");
        }

        try
        {
            if (Find("Get-SecretVault") is not null && scripts.Run(Module + @"\Get-SecretVault", ("Name", vault)).Count == 0)
            {
                throw MagicBellException.Invalid($"There is no vault '{vault}' on this account: Get-SecretVault lists them.");
            }
        }
        catch (CommandFailedException failure)
        {
            throw MagicBellException.Invalid($"There is no vault '{vault}' on this account: {new Redactor().Clean(failure.Message)}");
        }
    }

    /// <summary>What a secret holds; null where there is none.</summary>
    /// <exception cref="CommandFailedException">The vault does not tell.</exception>
    internal object? Read(string vault, string name)
    {
        try
        {
            return Single(scripts.Run(Module + @"\Get-Secret", ("Vault", vault), ("Name", name)));
        }
        catch (CommandFailedException failure) when (failure.IsNotFound || !IsListed(vault, name))
        {
            return null;
        }
    }

    /// <summary>Sets a secret. Without metadata: Set-Secret deletes the secret again where the vault takes none.</summary>
    /// <exception cref="CommandFailedException">The vault does not take it.</exception>
    internal void Write(string vault, string name, object secret) =>
        scripts.Run(Module + @"\Set-Secret", ("Vault", vault), ("Name", name), ("Secret", secret));

    /// <summary>Tells the vault what the secret is, where it has room for that.</summary>
    /// <exception cref="CommandFailedException">It has not.</exception>
    internal void Describe(string vault, string name, Hashtable metadata)
    {
        if (Find("Set-SecretInfo") is not null)
        {
            scripts.Run(Module + @"\Set-SecretInfo", ("Vault", vault), ("Name", name), ("Metadata", metadata));
        }
    }

    /// <summary>A secret as text; null where it is none.</summary>
    internal static string? TextOf(object? secret) => secret is SecureString secure ? SecureText.Reveal(secure) : secret as string;

    private static object? Single(System.Collections.Generic.IReadOnlyList<object> output) => output.Count == 1 ? output[0] : null;

    // Some vaults fail where a secret is missing, and do not say why: the list of names does.
    private bool IsListed(string vault, string name)
    {
        try
        {
            return Find("Get-SecretInfo") is null || scripts.Run(Module + @"\Get-SecretInfo", ("Vault", vault), ("Name", name)).Count > 0;
        }
        catch (CommandFailedException)
        {
            // The vault is closed or broken: it has not said that the secret is missing.
            return true;
        }
    }

    private CommandInfo? Find(string command) => cmdlet.InvokeCommand.GetCommand(Module + "\\" + command, CommandTypes.Cmdlet | CommandTypes.Function);
}
