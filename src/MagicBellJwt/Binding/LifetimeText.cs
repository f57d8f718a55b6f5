using System;
using System.Globalization;
using System.Text.RegularExpressions;

namespace MagicBellJwt;

/// <summary>Reads and writes lengths of time as people write them: <c>90m</c>, <c>12h</c>, <c>30d</c>.</summary>
internal static class LifetimeText
{
    private static readonly Regex s_withUnit = new(@"^(\d{1,9})\s*(s|m|h|d|w)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    /// <summary>Whether a text is a number with a unit of time.</summary>
    internal static bool HasUnit(string text) => s_withUnit.IsMatch(InputText.Trim(text));

    /// <summary>Reads a length of time.</summary>
    /// <param name="text">A whole number with the unit s, m, h, d or w, or a TimeSpan's own form with colons.</param>
    /// <param name="length">The length.</param>
    /// <returns>What is wrong with the text; null where it was read.</returns>
    internal static string? Read(string text, out TimeSpan length)
    {
        length = default;
        text = InputText.Trim(text);
        Match match = s_withUnit.Match(text);
        if (!match.Success)
        {
            // "30" would be read as thirty days: only the form with colons says what it means.
            return text.IndexOf(':') >= 0 && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out length)
                ? null
                : $"'{ScreenText.Of(text)}' does not say how long. Give a number with its unit, such as 90m, 12h or 30d, or a TimeSpan.";
        }

        long count = long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
        string unit = match.Groups[2].Value;
        if (unit == "M")
        {
            return FormattableString.Invariant($"'{text}' may be {count} minutes or {count} months. Write {count}m for minutes, and {count * 30}d for months.");
        }

        long ticks = unit.ToUpperInvariant() switch
        {
            "S" => TimeSpan.TicksPerSecond,
            "M" => TimeSpan.TicksPerMinute,
            "H" => TimeSpan.TicksPerHour,
            "D" => TimeSpan.TicksPerDay,
            _ => TimeSpan.TicksPerDay * 7,
        };
        if (count > TimeSpan.MaxValue.Ticks / ticks)
        {
            return $"'{text}' is longer than a TimeSpan can say.";
        }

        length = TimeSpan.FromTicks(count * ticks);
        return null;
    }

    /// <summary>Writes a length of time in the largest unit that leaves a whole number, as <see cref="Read"/> takes it.</summary>
    internal static string Write(TimeSpan length)
    {
        (long unit, char letter) = length.Ticks % TimeSpan.TicksPerDay == 0 ? (TimeSpan.TicksPerDay, 'd')
            : length.Ticks % TimeSpan.TicksPerHour == 0 ? (TimeSpan.TicksPerHour, 'h')
            : length.Ticks % TimeSpan.TicksPerMinute == 0 ? (TimeSpan.TicksPerMinute, 'm')
            : (TimeSpan.TicksPerSecond, 's');
        return string.Format(CultureInfo.InvariantCulture, "{0}{1}", length.Ticks / unit, letter);
    }
}
