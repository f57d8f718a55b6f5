using System;
using System.Globalization;

namespace MagicBellJwt;

/// <summary>A time as people say it, seen from another.</summary>
internal static class RelativeTime
{
    internal static string Of(DateTimeOffset? time, DateTimeOffset now)
    {
        if (time is not { } end)
        {
            return "never";
        }

        TimeSpan distance = (end - now).Duration();
        (double count, string unit) = distance switch
        {
            { TotalDays: >= 730 } => (Math.Round(distance.TotalDays / 365.25), "years"),
            { TotalDays: >= 2 } => (Math.Round(distance.TotalDays), "days"),
            { TotalHours: >= 2 } => (Math.Round(distance.TotalHours), "hours"),
            { TotalMinutes: >= 2 } => (Math.Round(distance.TotalMinutes), "min"),
            _ => (Math.Round(distance.TotalSeconds), "s"),
        };
        return string.Format(CultureInfo.InvariantCulture, end > now ? "in {0} {1}" : "{0} {1} ago", count, unit);
    }
}
