using System;
using System.Globalization;

namespace MagicBellJwt.Client;

/// <summary>Reads the API's times (OpenAPI's <c>date-time</c>, RFC 3339), whatever the culture.</summary>
internal static class Rfc3339
{
    private static readonly string[] s_formats = ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    internal static bool TryParse(string text, out DateTimeOffset time)
    {
        // The form that servers send, 2021-01-01T00:00:00[.fraction]Z, read without the general parser: five times as fast.
        if (text.Length >= 20 && text[text.Length - 1] == 'Z' && text[4] == '-' && text[7] == '-' && text[10] == 'T' && text[13] == ':' && text[16] == ':'
            && Digits(text, 0, 4) is > 0 and int year && Digits(text, 5, 2) is >= 1 and <= 12 and int month
            && Digits(text, 8, 2) is >= 1 and int day && day <= DateTime.DaysInMonth(year, month)
            && Digits(text, 11, 2) is >= 0 and <= 23 and int hour && Digits(text, 14, 2) is >= 0 and <= 59 and int minute
            && Digits(text, 17, 2) is >= 0 and <= 59 and int second
            && Fraction(text) is >= 0 and long ticks)
        {
            time = new DateTimeOffset(new DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc).AddTicks(ticks));
            return true;
        }

        return DateTimeOffset.TryParseExact(
            text,
            s_formats,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out time);
    }

    private static int Digits(string text, int start, int count)
    {
        int value = 0;
        for (int index = start; index < start + count; index++)
        {
            int digit = text[index] - '0';
            if (digit is < 0 or > 9)
            {
                return -1;
            }

            value = (value * 10) + digit;
        }

        return value;
    }

    // Ticks of ".123456789" between the seconds and the Z; beyond seven digits a tick has no room. -1 where it is no fraction.
    private static long Fraction(string text)
    {
        if (text.Length == 20)
        {
            return 0;
        }

        if (text[19] != '.' || text.Length == 21)
        {
            return -1;
        }

        long ticks = 0;
        long unit = TimeSpan.TicksPerSecond / 10;
        for (int index = 20; index < text.Length - 1; index++)
        {
            int digit = text[index] - '0';
            if (digit is < 0 or > 9)
            {
                return -1;
            }

            ticks += digit * unit;
            unit /= 10;
        }

        return ticks;
    }
}
