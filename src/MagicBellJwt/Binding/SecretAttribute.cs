using System;
using System.Management.Automation;
using System.Security;

namespace MagicBellJwt;

/// <summary>Lets a SecureString parameter refuse plain text without repeating it, as the engine's own message would.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
public sealed class SecretAttribute : ArgumentTransformationAttribute
{
    /// <summary>Passes on a SecureString.</summary>
    /// <param name="engineIntrinsics">Not used.</param>
    /// <param name="inputData">What was given.</param>
    /// <returns>The SecureString.</returns>
    /// <exception cref="ArgumentTransformationMetadataException">It is anything else; the message does not say what.</exception>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        object? value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return value is SecureString or null
            ? value
            : throw new ArgumentTransformationMetadataException(
                "A secret is taken as a SecureString only, such as from Get-Secret or Read-Host -AsSecureString: what is typed as text stays in the history.");
    }
}
