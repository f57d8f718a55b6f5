using System;
using System.Management.Automation;

namespace MagicBellJwt;

/// <summary>Lets an address parameter refuse what is no address without repeating it, as the engine's own message would: it may hold a password.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
public sealed class AddressAttribute : ArgumentTransformationAttribute
{
    /// <summary>Makes an address of a text.</summary>
    /// <param name="engineIntrinsics">Not used.</param>
    /// <param name="inputData">A Uri, or a text.</param>
    /// <returns>The address; where it is none, an empty one that is refused later.</returns>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        object? value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return value is null or Uri
            ? value
            : Uri.TryCreate(value as string, UriKind.RelativeOrAbsolute, out Uri? address) ? address : new Uri("", UriKind.Relative);
    }
}
