using System;
using System.Globalization;
using System.Management.Automation;
using System.Text.RegularExpressions;

namespace MagicBellJwt;

/// <summary>Lets a TimeSpan parameter be written as people write it: <c>90m</c>, <c>12h</c>, <c>30d</c>.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
public sealed class LifetimeAttribute : ArgumentTransformationAttribute
{
    private static readonly Regex s_withUnit = new(@"^\s*(\d{1,9})\s*(s|m|h|d|w)\s*$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    /// <summary>Reads a lifetime.</summary>
    /// <param name="engineIntrinsics">Not used.</param>
    /// <param name="inputData">A TimeSpan, or text: a whole number with the unit s, m, h, d or w, or a TimeSpan's own form with colons.</param>
    /// <returns>The TimeSpan.</returns>
    /// <exception cref="ArgumentTransformationMetadataException">It is neither; above all a number without a unit.</exception>
    public override object Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        object? value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        if (value is TimeSpan span)
        {
            return span;
        }

        // PowerShell reads a bare 30d as the decimal 30, but keeps the typed text: converting to a string gives it back.
        string text = LanguagePrimitives.ConvertTo<string>(inputData);
        Match match = s_withUnit.Match(text);
        if (match.Success)
        {
            long count = long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
            long unit = match.Groups[2].Value.ToUpperInvariant() switch
            {
                "S" => TimeSpan.TicksPerSecond,
                "M" => TimeSpan.TicksPerMinute,
                "H" => TimeSpan.TicksPerHour,
                "D" => TimeSpan.TicksPerDay,
                _ => TimeSpan.TicksPerDay * 7,
            };
            return count <= TimeSpan.MaxValue.Ticks / unit
                ? TimeSpan.FromTicks(count * unit)
                : throw new ArgumentTransformationMetadataException($"'{text}' is longer than a TimeSpan can say.");
        }

        // "30" would be read as thirty days: only the form with colons says what it means.
        if (text.IndexOf(':') >= 0 && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out span))
        {
            return span;
        }

        throw new ArgumentTransformationMetadataException(
            $"'{text}' does not say how long. Give a number with its unit, such as 90m, 12h or 30d, or a TimeSpan.");
    }
}
