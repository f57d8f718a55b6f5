using System;
using System.Management.Automation;

namespace MagicBellJwt;

/// <summary>Lets a switch or a number refuse $null and blank text: PowerShell takes <c>-Force:$null</c> for <c>-Force</c>, and a blank for 0.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
public sealed class NotBlankAttribute : ArgumentTransformationAttribute
{
    /// <summary>Passes on what is not blank.</summary>
    /// <param name="engineIntrinsics">Not used.</param>
    /// <param name="inputData">What was given.</param>
    /// <returns>The same.</returns>
    /// <exception cref="ArgumentTransformationMetadataException">It is null, or a blank text.</exception>
    public override object Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        inputData is null || ((inputData is PSObject wrapped ? wrapped.BaseObject : inputData) is string text && InputText.Trim(text).Length == 0)
            ? throw new ArgumentTransformationMetadataException("It was given $null or a blank. A misspelt variable is $null; leave the parameter out where nothing is meant.")
            : inputData;
}
