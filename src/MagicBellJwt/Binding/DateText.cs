using System;
using System.Globalization;
using System.Text.RegularExpressions;

namespace MagicBellJwt;

/// <summary>Reads moments that are written as text.</summary>
internal static class DateText
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(1);
    private static readonly Regex s_iso = new(@"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,7})?)?( ?(Z|[+-]\d{2}:?(\d{2})?))?)?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, s_limit);
    private static readonly Regex s_numbers = new(@"^(\d{1,2})\s*([./-])\s*(\d{1,2})\s*[./-]\s*(\d{4}|\d{2})(?!\d)", RegexOptions.CultureInvariant, s_limit);

    /// <summary>Reads ISO 8601 that a program wrote, in UTC where it names no zone; null where it is something else.</summary>
    internal static DateTimeOffset? ReadUtc(string text) =>
        s_iso.IsMatch(InputText.Trim(text)) && DateTimeOffset.TryParse(InputText.Trim(text), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset moment) ? moment : null;

    /// <summary>Reads a moment: by ISO 8601, the same on every machine, else as Get-Date reads it, by the culture of the session.</summary>
    /// <param name="text">The text; local time where it names no zone.</param>
    /// <param name="moment">The moment.</param>
    /// <returns>What is wrong with the text; null where it was read.</returns>
    internal static string? Read(string text, out DateTimeOffset moment)
    {
        text = InputText.Trim(text);
        if (s_iso.IsMatch(text) && DateTimeOffset.TryParse(text.Replace(',', '.'), CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out moment))
        {
            return null;
        }

        CultureInfo culture = CultureInfo.CurrentCulture;
        if (!DateTimeOffset.TryParse(text, culture, DateTimeStyles.AssumeLocal, out moment))
        {
            return $"'{ScreenText.Of(text)}' is no date for the culture {(culture.Name.Length == 0 ? "invariant" : culture.Name)}. Write it as 2030-12-31 or 2030-12-31T18:00Z, which is the same on every machine, or give a DateTime.";
        }

        // With the separator of the culture it is the culture's own form. With another one it was written somewhere else, day first or month first.
        Match numbers = s_numbers.Match(text);
        if (numbers.Success && numbers.Groups[2].Value != culture.DateTimeFormat.DateSeparator.Trim())
        {
            int first = int.Parse(numbers.Groups[1].Value, CultureInfo.InvariantCulture);
            int second = int.Parse(numbers.Groups[3].Value, CultureInfo.InvariantCulture);
            string year = numbers.Groups[4].Value;
            if (first is >= 1 and <= 12 && second is >= 1 and <= 12 && first != second)
            {
                year = year.Length == 2 ? "20" + year : year;
                return FormattableString.Invariant($"'{ScreenText.Of(text)}' may be {year}-{second:00}-{first:00} (the day first) or {year}-{first:00}-{second:00} (the month first). Write the one that you mean in that form.");
            }
        }

        return null;
    }
}
