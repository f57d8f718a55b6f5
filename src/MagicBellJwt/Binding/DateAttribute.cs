using System;
using System.Globalization;
using System.Management.Automation;

namespace MagicBellJwt;

/// <summary>Reads a moment that is given as text alike on every machine, as PowerShell's own casts do.</summary>
/// <remarks>Left to the engine, a parameter is read by the machine's culture: in Thailand the year 2100 is 1557, and in Saudi Arabia there is no such date.</remarks>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
public sealed class DateAttribute : ArgumentTransformationAttribute
{
    /// <summary>Reads text, and passes on the rest.</summary>
    /// <param name="engineIntrinsics">Not used.</param>
    /// <param name="inputData">A DateTimeOffset, a DateTime, or text such as <c>2030-12-31</c>; local time where the text names no zone.</param>
    /// <returns>A DateTimeOffset for text, else what was given.</returns>
    /// <exception cref="ArgumentTransformationMetadataException">The text is no date.</exception>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        if ((inputData is PSObject wrapped ? wrapped.BaseObject : inputData) is not string text)
        {
            return inputData;
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out DateTimeOffset moment)
            ? moment
            : throw new ArgumentTransformationMetadataException($"'{text}' is no date. Give one such as 2030-12-31, '2030-12-31 18:00' or '2030-12-31T18:00Z', or a DateTime.");
    }
}
