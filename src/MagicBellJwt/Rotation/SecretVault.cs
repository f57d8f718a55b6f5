using System;
using System.Collections;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Client;
using MagicBellJwt.Commands;

namespace MagicBellJwt.Rotation;

/// <summary>A vault behind Microsoft.PowerShell.SecretManagement, by that module's commands. For the pipeline thread.</summary>
/// <param name="cmdlet">The cmdlet that asks.</param>
/// <param name="scripts">Runs the vault's commands.</param>
/// <param name="vault">The vault's name.</param>
internal sealed class SecretVault(CheckedCmdlet cmdlet, ScriptRunner scripts, string vault)
{
    internal const string Module = "Microsoft.PowerShell.SecretManagement";

    /// <summary>Whether the commands that read a vault are here.</summary>
    internal bool IsInstalled => Find("Get-Secret") is not null;

    /// <summary>Sees that the commands and the vault are there.</summary>
    /// <exception cref="MagicBellException">They are not.</exception>
    internal void Check()
    {
        if (!IsInstalled || Find("Set-Secret") is null)
        {
            throw MagicBellException.Invalid($"A vault needs the module {Module}, which is not installed here: Install-Module {Module}. -SaveTo stores without it.");
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

    /// <summary>What a secret holds; null where there is no such secret. Several objects are no answer.</summary>
    /// <exception cref="CommandFailedException">The vault did not say.</exception>
    internal object? Read(string secret)
    {
        try
        {
            return scripts.Run(Module + @"\Get-Secret", ("Vault", vault), ("Name", secret)) switch
            {
                { Count: 0 } => null,
                { Count: 1 } one => one[0],
                { Count: var count } => throw new CommandFailedException($"Get-Secret gave {count} objects for the secret '{secret}'."),
            };
        }
        catch (CommandFailedException failure) when (failure.IsNotFound || IsMissing(secret))
        {
            return null;
        }
    }

    // Some vaults fail where a secret is missing, and do not say why: the list of names does.
    private bool IsMissing(string secret)
    {
        try
        {
            return Find("Get-SecretInfo") is not null && scripts.Run(Module + @"\Get-SecretInfo", ("Vault", vault), ("Name", secret)).Count == 0;
        }
        catch (CommandFailedException)
        {
            // The vault is closed or broken: it has not said that the secret is missing.
            return false;
        }
    }

    /// <summary>Writes a secret, without metadata: Set-Secret deletes the secret again where the vault takes none.</summary>
    /// <exception cref="CommandFailedException">It failed, and the vault may hold it or not.</exception>
    internal void Write(string secret, object value) => scripts.Run(Module + @"\Set-Secret", ("Vault", vault), ("Name", secret), ("Secret", value));

    /// <summary>Describes a secret, where there is a command for it.</summary>
    /// <exception cref="CommandFailedException">The vault takes no metadata.</exception>
    internal void Describe(string secret, Hashtable metadata)
    {
        if (Find("Set-SecretInfo") is not null)
        {
            scripts.Run(Module + @"\Set-SecretInfo", ("Vault", vault), ("Name", secret), ("Metadata", metadata));
        }
    }

    /// <summary>What is noted beside a secret, by name; null where the vault keeps nothing beside it.</summary>
    /// <exception cref="CommandFailedException">The vault did not say.</exception>
    internal Func<string, string?>? Notes(string secret)
    {
        // The command takes wildcards, and the name may hold some.
        IDictionary? metadata = Find("Get-SecretInfo") is null ? null : scripts.Run(Module + @"\Get-SecretInfo", ("Vault", vault), ("Name", secret))
            .Select(PSObject.AsPSObject)
            .Where(info => info.Properties["Name"]?.Value is string name && name == secret)
            .Select(info => info.Properties["Metadata"]?.Value)
            .Select(value => (value is PSObject wrapped ? wrapped.BaseObject : value) as IDictionary)
            .FirstOrDefault(value => value is not null);
        return metadata is null ? null : name => (metadata[name] is PSObject wrapped ? wrapped.BaseObject : metadata[name]) as string;
    }

    private CommandInfo? Find(string command) => cmdlet.InvokeCommand.GetCommand(Module + "\\" + command, CommandTypes.Cmdlet | CommandTypes.Function);
}
