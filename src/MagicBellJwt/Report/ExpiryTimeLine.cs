using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace MagicBellJwt;

/// <summary>When live tokens end, week by week for a year: drawn in SVG, and as a table that says the same.</summary>
/// <remarks>Widths are in per cent and text in pixels, so that it fits a telephone without shrinking the text.</remarks>
internal sealed class ExpiryTimeLine
{
    private const int Weeks = 52;
    private const double Tallest = 148;

    private static readonly TokenSeverity[] s_severities = [TokenSeverity.High, TokenSeverity.Medium, TokenSeverity.Low, TokenSeverity.None];

    private readonly DateTimeOffset _start;
    private readonly int[][] _weeks = [.. Enumerable.Range(0, Weeks).Select(_ => new int[s_severities.Length])];

    internal ExpiryTimeLine(IEnumerable<ReportEntry> entries, DateTimeOffset now)
    {
        _start = now;
        foreach (ReportEntry entry in entries.Where(entry => entry.DiscardedAt is null))
        {
            if (entry.ExpiresAt is not { } end)
            {
                Never++;
            }
            else if (end <= now)
            {
                Expired++;
            }
            else if ((end - now).TotalDays is var days && days >= Weeks * 7)
            {
                Later++;
            }
            else
            {
                _weeks[(int)(days / 7)][Array.IndexOf(s_severities, entry.Severity)]++;
                Within30Days += days <= 30 ? 1 : 0;
            }
        }
    }

    internal int Expired { get; }

    internal int Within30Days { get; }

    internal int Later { get; }

    internal int Never { get; }

    // The line that the bars stand on, below the tallest and its number.
    private double Ground => 36 + Math.Round(_weeks.Max(week => week.Sum()) * Unit());

    private int Ending => _weeks.Sum(week => week.Sum());

    internal Html Draw() => Html.Of($"""
        <svg class="line" role="img" aria-labelledby="line-name" aria-describedby="line-text" width="100%" height="{Ground + 32}" xmlns="http://www.w3.org/2000/svg">
        <title id="line-name">Tokens that end within the next 52 weeks</title>
        <desc id="line-text">{Describe()}</desc>
        {Scale()}{Months()}{Html.Join(_weeks.Select(Bar), "\n")}
        <line class="ground" x1="0" x2="100%" y1="{Ground}" y2="{Ground}"/>
        </svg>

        """);

    /// <summary>The weeks in which a token ends, as rows of a table.</summary>
    internal Html Rows() => Html.Join(_weeks.Select((week, index) => week.Sum() == 0 ? Html.Empty : Html.Of($"""
        <tr><th scope="row">{StartOf(index):d MMM yyyy}</th><td data-label="Tokens">{week.Sum():N0}</td>{Html.Join(week.Select((count, place) => Html.Of($"<td data-label=\"{Name(place)}\">{count:N0}</td>")))}</tr>

        """)));

    private static string Name(int place) => s_severities[place] == TokenSeverity.None ? "No finding" : s_severities[place].ToString();

    private string Describe()
    {
        int busiest = Array.FindIndex(_weeks, week => week.Sum() == _weeks.Max(other => other.Sum()));
        return FormattableString.Invariant($"Tokens that end within 52 weeks: {Ending:N0}, within 30 days: {Within30Days:N0}, later: {Later:N0}, never: {Never:N0}. Expired already: {Expired:N0}.")
            + (Ending == 0 ? "" : FormattableString.Invariant($" The busiest week begins on {StartOf(busiest):d MMMM yyyy}, with {_weeks[busiest].Sum():N0}. The table below says the same."));
    }

    private DateTimeOffset StartOf(int week) => _start.AddDays(week * 7);

    private double Unit() => Math.Min(22, Tallest / Math.Max(1, _weeks.Max(week => week.Sum())));

    private Html Scale()
    {
        int most = _weeks.Max(week => week.Sum());
        double top = Ground - (most * Unit());
        return most == 0 ? Html.Empty : Html.Of($"""
            <line class="scale" x1="0" x2="100%" y1="{top:0.#}" y2="{top:0.#}"/><text class="count" x="100%" y="{top - 7:0.#}" text-anchor="end">{most:N0} {(most == 1 ? "token" : "tokens")} a week</text>

            """);
    }

    private Html Months()
    {
        var first = new DateTimeOffset(_start.UtcDateTime.Year, _start.UtcDateTime.Month, 1, 0, 0, 0, TimeSpan.Zero);
        return Html.Join(Enumerable.Range(1, 12).Select(month =>
        {
            DateTimeOffset time = first.AddMonths(month);
            double place = (time - _start).TotalDays / (Weeks * 7) * 100;
            string name = time.ToString(time.Month == 1 ? "yyyy" : "MMM", CultureInfo.InvariantCulture);
            return place > 97 || place < 1 ? Html.Empty : Html.Of($"""
                <line class="{(time.Month == 1 ? "year" : "month")}" x1="{place:0.##}%" x2="{place:0.##}%" y1="{Ground}" y2="{Ground + 7}"/><text class="{(time.Month % 3 == 1 ? "tick" : "tick minor")}{(time.Month == 1 ? " year" : "")}" x="{place:0.##}%" y="{Ground + 22}">{name}</text>

                """);
        }));
    }

    private Html Bar(int[] week, int index)
    {
        if (week.Sum() == 0)
        {
            return Html.Empty;
        }

        var parts = new List<Html>();
        double floor = Ground;
        for (int place = 0; place < week.Length; place++)
        {
            if (week[place] > 0)
            {
                // Two pixels are the least that can be seen; a gap of one parts what is stacked.
                double height = Math.Max(2, week[place] * Unit());
                floor -= height;
                parts.Add(Html.Of($"""<rect class="{s_severities[place]}" x="{(index + 0.16) * 100 / Weeks:0.##}%" y="{floor:0.#}" width="{0.68 * 100 / Weeks:0.##}%" height="{Math.Max(1.5, height - 1):0.#}" rx="1.5"/>"""));
            }
        }

        string counts = string.Join(", ", week.Select((count, place) => (count, place)).Where(part => part.count > 0).Select(part => FormattableString.Invariant($"{part.count:N0} {Name(part.place).ToLowerInvariant()}")));
        return Html.Of($"<g><title>Week of {StartOf(index):d MMMM yyyy}: {counts}</title>{Html.Join(parts)}</g>");
    }
}
