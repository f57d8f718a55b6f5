using System;
using System.Collections;
using System.Management.Automation;
using MagicBellJwt.Client;
using MagicBellJwt.Commands;

namespace MagicBellJwt.Rotation;

/// <summary>Stores in a vault behind Microsoft.PowerShell.SecretManagement.</summary>
/// <param name="cmdlet">The cmdlet that stores.</param>
/// <param name="scripts">Runs the vault's commands.</param>
/// <param name="vault">The vault's name.</param>
/// <param name="secretOf">The secret's name, by the new token's id.</param>
internal sealed class VaultStore(CheckedCmdlet cmdlet, ScriptRunner scripts, string vault, Func<string, string> secretOf) : ITokenStore
{
    internal const string Module = "Microsoft.PowerShell.SecretManagement";

    // What the secret held when it was looked at, to be compared right before it is overwritten.
    private object? _before;

    public string? Vault => vault;

    public string? File => null;

    public string? SecretOf(string newId) => secretOf(newId);

    /// <summary>The token that the secret holds.</summary>
    /// <exception cref="MagicBellException">The vault is not there or cannot be read, or holds no text by that name.</exception>
    internal string Value()
    {
        CheckVault();
        try
        {
            return SecretText.Of(Read(secretOf(""))) is { Length: > 0 } text
                ? text
                : throw MagicBellException.Invalid($"The vault '{vault}' has no token in a secret '{secretOf("")}'.");
        }
        catch (CommandFailedException failure)
        {
            throw MagicBellException.Invalid($"The vault '{vault}' cannot be read: {new Redactor().Clean(failure.Message)}");
        }
    }

    public void Prepare(Func<string, bool>? isOld)
    {
        CheckVault();

        // The name of a secret with the new token's id is not known yet; nothing can be there by that name.
        string secret = secretOf("");
        if (secret != secretOf("x"))
        {
            return;
        }

        try
        {
            _before = Read(secret);
        }
        catch (CommandFailedException failure)
        {
            throw new MagicBellException(MagicBellError.RotationFailed, $"The vault '{vault}' cannot be read: {new Redactor().Clean(failure.Message)}");
        }

        if (_before is not null && isOld is null)
        {
            throw MagicBellException.Invalid(
                $"There is a secret '{secret}' in vault '{vault}' already, and it would be lost. Nothing was sent. Give the new token a secret of its own with -SecretName, such as '{{Project}}-{{Name}}', or replace the token that it holds: Update-MbProjectToken, Update-MbUserToken.");
        }

        if (_before is not null && !(SecretText.Of(_before) is { } text && isOld!(text)))
        {
            throw MagicBellException.Invalid(
                $"The secret '{secret}' of vault '{vault}' holds something else than the token that is to be rotated, and would be lost. Nothing was sent. Give the new token a secret of its own: -SecretName '{{Project}}-{{Kind}}-{{Name}}'.");
        }
    }

    public StoreResult Store(IssuedToken issued, string value)
    {
        string secret = secretOf(issued.Id!);
        var redactor = new Redactor(value);
        try
        {
            object? before = Read(secret);
            if (before is null ? _before is not null : _before is null || SecretText.Of(before) is not { } text || SecretText.Of(_before) != text)
            {
                return new StoreResult(StoreOutcome.NotBegun, $"The secret '{secret}' of vault '{vault}' was changed by somebody else meanwhile, so it was not overwritten.");
            }
        }
        catch (CommandFailedException failure)
        {
            return new StoreResult(StoreOutcome.NotBegun, $"The vault '{vault}' cannot be read: {redactor.Clean(failure.Message)}");
        }

        try
        {
            // Without metadata: Set-Secret deletes the secret again where the vault takes none.
            scripts.Run(Module + @"\Set-Secret", ("Vault", vault), ("Name", secret), ("Secret", SecureText.Protect(value)));
            if (!SecretText.IsSame(Read(secret), value))
            {
                return new StoreResult(StoreOutcome.InDoubt, $"The vault '{vault}' gave back another value than it was given for the secret '{secret}'.{PutBack(secret)}");
            }
        }
        catch (CommandFailedException failure)
        {
            return new StoreResult(StoreOutcome.InDoubt, $"The vault '{vault}' failed while it stored the secret '{secret}': {redactor.Clean(failure.Message)}");
        }

        Describe(secret, issued, redactor);
        return StoreResult.Stored;
    }

    public string? Read()
    {
        try
        {
            // A name with the token's own id in it names another secret each time.
            return secretOf("") == secretOf("x") && Find("Get-Secret") is not null ? SecretText.Of(Read(secretOf(""))) : null;
        }
        catch (CommandFailedException failure)
        {
            cmdlet.WriteVerbose($"The vault '{vault}' cannot be read: {new Redactor().Clean(failure.Message)}");
            return null;
        }
    }

    public StoreContent Look(string fingerprint, out string? value)
    {
        value = null;
        try
        {
            if (Find("Get-Secret") is null)
            {
                return StoreContent.Unknown;
            }

            object? held = Read(secretOf(""));
            if (SecretText.Of(held) is not { } text || TokenFingerprint.Of(text) != fingerprint)
            {
                return StoreContent.NotHeld;
            }

            value = text;
            return StoreContent.Held;
        }
        catch (CommandFailedException failure)
        {
            cmdlet.WriteVerbose($"The vault '{vault}' cannot be read: {new Redactor().Clean(failure.Message)}");
            return StoreContent.Unknown;
        }
    }

    private void CheckVault()
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

    // A vault that spoils what it is given: who reads it should at least get the old token, which is live.
    private string PutBack(string secret)
    {
        if (_before is null)
        {
            return "";
        }

        try
        {
            scripts.Run(Module + @"\Set-Secret", ("Vault", vault), ("Name", secret), ("Secret", _before));
            return SecretText.Of(Read(secret)) == SecretText.Of(_before) ? " It holds the old token again." : " The old token could not be put back.";
        }
        catch (CommandFailedException failure)
        {
            return " The old token could not be put back: " + new Redactor(SecretText.Of(_before)).Clean(failure.Message);
        }
    }

    // Null where there is no such secret. Several objects are no answer.
    private object? Read(string secret)
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

    private void Describe(string secret, IssuedToken issued, Redactor redactor)
    {
        if (Find("Set-SecretInfo") is null)
        {
            return;
        }

        var metadata = new Hashtable
        {
            ["MagicBellTokenId"] = issued.Id,
            ["MagicBellTokenKind"] = issued.Kind.ToString(),
            ["MagicBellProject"] = issued.Project,
            ["Fingerprint"] = issued.Fingerprint,
            ["CreatedAt"] = issued.CreatedAt.UtcDateTime,
        };
        if (issued.ExpiresAt is { } end)
        {
            metadata.Add("ExpiresAt", end.UtcDateTime);
        }

        try
        {
            scripts.Run(Module + @"\Set-SecretInfo", ("Vault", vault), ("Name", secret), ("Metadata", metadata));
        }
        catch (CommandFailedException failure)
        {
            cmdlet.WriteVerbose($"The vault '{vault}' took no metadata for the secret '{secret}': {redactor.Clean(failure.Message)}");
        }
    }

    private CommandInfo? Find(string command) => cmdlet.InvokeCommand.GetCommand(Module + "\\" + command, CommandTypes.Cmdlet | CommandTypes.Function);
}
