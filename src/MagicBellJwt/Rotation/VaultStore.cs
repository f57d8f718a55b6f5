using System;
using System.Collections;
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
    private const string TokenIdNote = "MagicBellTokenId";
    private const string ReplacesNote = "MagicBellReplaces";

    private readonly SecretVault _secrets = new(cmdlet, scripts, vault);

    // What the secret held when it was looked at, to be compared right before it is overwritten.
    private object? _before;

    public string? Vault => vault;

    public string? File => null;

    public string? SecretOf(string newId) => secretOf(newId);

    /// <summary>The token that the secret holds.</summary>
    /// <exception cref="MagicBellException">The vault is not there or cannot be read, or holds no text by that name.</exception>
    internal string Value()
    {
        _secrets.Check();
        try
        {
            return SecretText.Of(_secrets.Read(secretOf(""))) is { Length: > 0 } text
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
        _secrets.Check();

        // The name of a secret with the new token's id is not known yet; nothing can be there by that name.
        string secret = secretOf("");
        if (secret != secretOf("x"))
        {
            return;
        }

        try
        {
            _before = _secrets.Read(secret);
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

    public StoreResult Store(IssuedToken issued, string value, string? replaces)
    {
        string secret = secretOf(issued.Id!);
        var redactor = new Redactor(value);
        try
        {
            object? before = _secrets.Read(secret);
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
            _secrets.Write(secret, SecureText.Protect(value));
            if (!SecretText.IsSame(_secrets.Read(secret), value))
            {
                return new StoreResult(StoreOutcome.InDoubt, $"The vault '{vault}' gave back another value than it was given for the secret '{secret}'.{PutBack(secret)}");
            }
        }
        catch (CommandFailedException failure)
        {
            return new StoreResult(StoreOutcome.InDoubt, $"The vault '{vault}' failed while it stored the secret '{secret}': {redactor.Clean(failure.Message)}");
        }

        Describe(secret, issued, replaces, redactor);
        return StoreResult.Stored;
    }

    public string? Read()
    {
        try
        {
            // A name with the token's own id in it names another secret each time.
            return secretOf("") == secretOf("x") && _secrets.IsInstalled ? SecretText.Of(_secrets.Read(secretOf(""))) : null;
        }
        catch (CommandFailedException failure)
        {
            cmdlet.WriteVerbose($"The vault '{vault}' cannot be read: {new Redactor().Clean(failure.Message)}");
            return null;
        }
    }

    public string? ReplacedBy(string heldId)
    {
        string secret = secretOf(heldId);
        try
        {
            // What was noted before the last write, or by hand, may be another token's.
            return _secrets.Notes(secret) is { } notes && TokenScope.IsSameId(notes(TokenIdNote), heldId) ? notes(ReplacesNote) : null;
        }
        catch (CommandFailedException failure)
        {
            throw new MagicBellException(MagicBellError.RotationFailed, $"The vault '{vault}' does not show what is noted beside the secret '{secret}', which may say what it has replaced: {new Redactor().Clean(failure.Message)} Nothing was done.");
        }
    }

    public StoreContent Look(string fingerprint, out string? value)
    {
        value = null;
        try
        {
            if (!_secrets.IsInstalled)
            {
                return StoreContent.Unknown;
            }

            object? held = _secrets.Read(secretOf(""));
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

    // A vault that spoils what it is given: who reads it should at least get the old token, which is live.
    private string PutBack(string secret)
    {
        if (_before is null)
        {
            return "";
        }

        try
        {
            _secrets.Write(secret, _before);
            return SecretText.Of(_secrets.Read(secret)) == SecretText.Of(_before) ? " It holds the old token again." : " The old token was put back, and it does not give that back either.";
        }
        catch (CommandFailedException failure)
        {
            return " The old token could not be put back: " + new Redactor(SecretText.Of(_before)).Clean(failure.Message);
        }
    }

    private void Describe(string secret, IssuedToken issued, string? replaces, Redactor redactor)
    {
        var metadata = new Hashtable
        {
            [TokenIdNote] = issued.Id,
            [ReplacesNote] = replaces ?? "",
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
            _secrets.Describe(secret, metadata);
        }
        catch (CommandFailedException failure)
        {
            cmdlet.WriteVerbose($"The vault '{vault}' took no metadata for the secret '{secret}': {redactor.Clean(failure.Message)}");
        }
    }
}
