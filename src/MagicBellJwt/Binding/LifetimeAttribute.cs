using System;
using System.Management.Automation;

namespace MagicBellJwt;

/// <summary>Lets a TimeSpan parameter be written as people write it: <c>90m</c>, <c>12h</c>, <c>30d</c>.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
public sealed class LifetimeAttribute : ArgumentTransformationAttribute
{
    /// <summary>Reads a lifetime.</summary>
    /// <param name="engineIntrinsics">Not used.</param>
    /// <param name="inputData">A TimeSpan, or text: a whole number with the unit s, m, h, d or w, or a TimeSpan's own form with colons.</param>
    /// <returns>The TimeSpan; null for null.</returns>
    /// <exception cref="ArgumentTransformationMetadataException">It is neither; above all a number without a unit.</exception>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        object? value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        if (value is null or TimeSpan)
        {
            return value;
        }

        // PowerShell reads a bare 30d as the decimal 30, but keeps the typed text: converting to a string gives it back.
        // Other objects have text forms too, and some look like a TimeSpan.
        string text = value is IConvertible ? LanguagePrimitives.ConvertTo<string>(inputData) : value.GetType().Name;
        return LifetimeText.Read(text, out TimeSpan span) is { } wrong
            ? throw new ArgumentTransformationMetadataException(wrong)
            : span;
    }
}
