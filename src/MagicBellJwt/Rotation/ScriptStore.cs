using System;
using System.Collections.Generic;
using System.Globalization;
using System.Management.Automation;
using MagicBellJwt.Client;

namespace MagicBellJwt.Rotation;

/// <summary>Stores by a script block of the caller's, which gives the value back as it reads it from its store.</summary>
/// <param name="scripts">Runs the block.</param>
/// <param name="block">The block; null for a rotation that an earlier run began, whose block is not known.</param>
internal sealed class ScriptStore(ScriptRunner scripts, ScriptBlock? block) : ITokenStore
{
    public string? Vault => null;

    public string? File => null;

    public string? SecretOf(string newId) => null;

    public void Prepare(Func<string, bool>? isOld)
    {
        // What the block does is not known before it runs.
    }

    public StoreResult Store(IssuedToken issued, string value, string? replaces)
    {
        IReadOnlyList<object> output;
        try
        {
            output = scripts.Run(block!, issued);
        }
        catch (CommandFailedException failure)
        {
            return new StoreResult(StoreOutcome.InDoubt, "-SaveTo failed: " + new Redactor(value).Clean(failure.Message));
        }

        return output.Count switch
        {
            0 => new StoreResult(StoreOutcome.NotReadBack),
            1 when SecretText.IsSame(output[0], value) => StoreResult.Stored,
            1 => new StoreResult(StoreOutcome.InDoubt, "-SaveTo returned another value than the one it was given."),
            _ => new StoreResult(StoreOutcome.InDoubt, string.Format(CultureInfo.InvariantCulture, "-SaveTo returned {0} objects. It is to return the value as it reads it back, and nothing else.", output.Count)),
        };
    }

    public string? Read() => null;

    public string? ReplacedBy(string heldId) => null;

    public StoreContent Look(string fingerprint, out string? value)
    {
        value = null;
        return StoreContent.Unknown;
    }
}
