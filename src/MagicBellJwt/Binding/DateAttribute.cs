using System;
using System.Management.Automation;

namespace MagicBellJwt;

/// <summary>Reads a moment that is given as text: ISO 8601 alike on every machine, and the rest as Get-Date reads it.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
public sealed class DateAttribute : ArgumentTransformationAttribute
{
    /// <summary>Reads text, and passes on the rest.</summary>
    /// <param name="engineIntrinsics">Not used.</param>
    /// <param name="inputData">A DateTimeOffset, a DateTime, text such as <c>2030-12-31</c> (local time where it names no zone), or a time from now such as <c>30d</c>.</param>
    /// <returns>A DateTimeOffset for text, else what was given.</returns>
    /// <exception cref="ArgumentTransformationMetadataException">The text is no date, or may be two.</exception>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        object? value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        if (value is DateTime or DateTimeOffset or not IConvertible)
        {
            return inputData;
        }

        // PowerShell reads a bare 30d as the decimal 30, but keeps the typed text: converting to a string gives it back.
        return Read(LanguagePrimitives.ConvertTo<string>(inputData), out DateTimeOffset moment) is { } wrong
            ? throw new ArgumentTransformationMetadataException(wrong)
            : moment;
    }

    /// <summary>Reads a date, or a time from now.</summary>
    /// <returns>What is wrong with the text; null where it was read.</returns>
    internal static string? Read(string text, out DateTimeOffset moment)
    {
        if (!LifetimeText.HasUnit(text))
        {
            return DateText.Read(text, out moment);
        }

        moment = default;
        if (LifetimeText.Read(text, out TimeSpan fromNow) is { } wrong)
        {
            return wrong;
        }

        DateTimeOffset now = DateTimeOffset.Now;
        if (fromNow > DateTimeOffset.MaxValue - now)
        {
            return $"'{text}' from now is after the year 9999.";
        }

        moment = now + fromNow;
        return null;
    }
}
