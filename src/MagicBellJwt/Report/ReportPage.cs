using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

namespace MagicBellJwt;

/// <summary>A report as one page of HTML: no script, no outside address, nothing that is not encoded.</summary>
internal sealed class ReportPage(TextWriter writer, IReadOnlyList<ReportEntry> entries, ReportOrigin origin)
{
    // A longer word may be broken, so that it fits a narrow column; others are not.
    private const int LongestWord = 24;

    // An id in quotes is in one line where the screen is wide enough.
    private const int LongestId = 38;

    private static readonly string s_style = ReadStyle();

    private static readonly (TokenFinding Finding, string Name, string Meaning)[] s_findings =
    [
        (TokenFinding.NeverExpires, "Never expires", "A copy that leaks works for ever. Replace it by a token that ends."),
        (TokenFinding.ExpiresSoon, "Expires soon", "What uses it stops on that day. Rotate it in time."),
        (TokenFinding.OlderThanPolicy, "Older than policy", "It has been in use longer than the policy allows. Rotate it."),
        (TokenFinding.LivesTooLong, "Lives too long", "It ends later than the policy allows. Replace it by one that the policy allows."),
        (TokenFinding.TooManyForUser, "Too many for one user", "The user has more live tokens than the policy allows, and this is one of the oldest."),
        (TokenFinding.DuplicateName, "Duplicate name", "A newer token has the same name. Revoke this one when nothing uses it."),
        (TokenFinding.NameOutsidePolicy, "Name outside the policy", "Its name does not say what the policy asks for. Issue another, and revoke this one."),
        (TokenFinding.Expired, "Expired", "It has expired and cannot be used. Revoke it, so that the list stays readable."),
    ];

    private static readonly (string Name, double Days)[] s_horizons =
    [
        ("Expired", 0), ("Within 7 days", 7), ("Within 30 days", 30), ("Within 90 days", 90), ("Within a year", 365), ("Later", double.MaxValue), ("Never", double.PositiveInfinity),
    ];

    private readonly DateTimeOffset _now = origin.WrittenAt;
    private readonly ReportSummary _summary = new(entries);
    private readonly ExpiryTimeLine _line = new(entries, origin.WrittenAt);

    // The sections refer to each other by a token's place in the report.
    private readonly Dictionary<ReportEntry, int> _places = entries.Select((entry, place) => (entry, place)).ToDictionary(pair => pair.entry, pair => pair.place + 1);

    private int Flagged => _summary.High + _summary.Medium + _summary.Low;

    internal void Write()
    {
        WriteHead();
        WriteSummary();
        WriteTimeLine();
        WriteBySeverity();
        WriteByExpiry();
        WriteByOwner();
        WriteOrigin();
        Write($"""
            </main>
            <footer>
            <p>Made by MagicBellJwt on {Date(_now)} by {Text(origin.WrittenBy)}. Times are in UTC. The page holds no token, loads nothing and runs no script.</p>
            </footer>
            </body>
            </html>

            """);
    }

    private static string ReadStyle()
    {
        using var reader = new StreamReader(typeof(ReportPage).Assembly.GetManifestResourceStream("ReportPage.css")!);
        return reader.ReadToEnd().Replace("\r\n", "\n");
    }

    private static string HashOfStyle()
    {
        using var sha = SHA256.Create();
        return Convert.ToBase64String(sha.ComputeHash(Encoding.UTF8.GetBytes(s_style)));
    }

    private static Html Date(DateTimeOffset time) => Html.Of($"""<time datetime="{time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}">{time.UtcDateTime:d MMM yyyy}</time>""");

    private static Html Text(string? text) => Html.Of($"<bdi dir=\"auto\"{(text?.Split(' ').Any(word => word.Length > LongestWord) == true ? Html.Trust(" class=\"long\"") : Html.Empty)}>{text}</bdi>");

    private static Html Badge(TokenSeverity severity) => Html.Of($"<span class=\"badge {severity}\">{(severity == TokenSeverity.None ? "Clean" : severity.ToString())}</span>");

    private static Html Token(ReportEntry entry) =>
        Html.Of($"{(string.IsNullOrEmpty(entry.Name) ? Html.Of($"<em>unnamed</em>") : Html.Of($"<b>{Text(entry.Name)}</b>"))}<code>{entry.Id}</code>");

    private static string NameOf(TokenFinding finding) => s_findings.First(known => known.Finding == finding).Name;

    private static string Count(int count, string one, string many) => FormattableString.Invariant($"{count:N0} {(count == 1 ? one : many)}");

    private void Write(FormattableString template) => writer.Write(Html.Of(template));

    private void WriteHead()
    {
        // A page has a title, also where there is nothing to name it after.
        string[] names = [.. _summary.Projects.Where(name => name.Length > 0).DefaultIfEmpty(_summary.Tokens == 0 ? "No rows" : "Unnamed project")];
        Html projects = Html.Join(names.Select(Text), ", ");
        string state = _summary.Tokens == 0 ? "There is nothing to report."
            : Flagged == 0 && origin.IsWhole ? "Everything is in order: no token needs attention."
            : Flagged == 0 ? "None of the tokens that are shown needs attention. Others were not looked at here."
            : _summary.High > 0 ? $"{Count(_summary.High, "token needs", "tokens need")} attention now{(Flagged > _summary.High ? FormattableString.Invariant($", {Flagged - _summary.High:N0} more can be planned") : "")}."
            : $"Nothing is urgent. {Count(Flagged, "token", "tokens")} can be tidied up.";
        Write($"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{Html.Trust(HashOfStyle())}'; base-uri 'none'; form-action 'none'">
            <meta name="color-scheme" content="light dark">
            <meta name="generator" content="MagicBellJwt">
            <title>{string.Join(", ", names)}: token report, {_now.UtcDateTime:d MMMM yyyy}</title>
            <style>{Html.Trust(s_style)}</style>
            </head>
            <body>
            <a class="skip" href="#summary">Skip to the summary</a>
            <header>
            <p class="eyebrow">Token report <span>{Date(_now)}</span></p>
            <h1>{projects}</h1>
            <p class="state">{state}</p>
            {(origin.IsWhole ? Html.Empty : Html.Of($"<p class=\"part\"><b>Not the whole report.</b> {origin.Scope}</p>"))}
            <nav aria-label="Sections"><ul>
            <li><a href="#summary">Summary</a></li>
            <li><a href="#time-line">Time line</a></li>
            <li><a href="#by-severity">By severity</a></li>
            <li><a href="#by-expiry">By expiry</a></li>
            <li><a href="#by-owner">By owner</a></li>
            <li><a href="#origin">About this report</a></li>
            </ul></nav>
            </header>
            <main>

            """);
    }

    private void WriteSummary()
    {
        int clean = _summary.Tokens - Flagged;
        Write($"""
            <section id="summary" aria-labelledby="summary-name">
            <h2 id="summary-name">Summary</h2>
            <dl class="figures">
            <div><dt>Tokens</dt><dd>{_summary.Tokens:N0}</dd><dd class="note">{_summary.ProjectTokens:N0} of the project, {_summary.UserTokens:N0} of {Count(_summary.Users, "user", "users")}</dd></div>
            <div class="High"><dt>High</dt><dd>{_summary.High:N0}</dd><dd class="note">act now</dd></div>
            <div class="Medium"><dt>Medium</dt><dd>{_summary.Medium:N0}</dd><dd class="note">plan it</dd></div>
            <div class="Low"><dt>Low</dt><dd>{_summary.Low:N0}</dd><dd class="note">tidy up</dd></div>
            <div class="None"><dt>Clean</dt><dd>{clean:N0}</dd><dd class="note">no finding</dd></div>
            </dl>
            {Share()}
            <table class="findings">
            <caption>What was found, and what it means</caption>
            <thead><tr><th scope="col">Finding</th><th scope="col">What it means</th><th scope="col" class="number">Tokens</th></tr></thead>
            <tbody>
            {Html.Join(s_findings.Select(known => Html.Of($"""<tr{(_summary.Findings[known.Finding] == 0 ? Html.Trust(" class=\"nothing\"") : Html.Empty)}><th scope="row">{known.Name}</th><td>{known.Meaning}</td><td class="number">{_summary.Findings[known.Finding]:N0}</td></tr>""")), "\n")}
            </tbody>
            </table>
            </section>

            """);
    }

    // Hidden from screen readers: the figures above say the same.
    private Html Share()
    {
        double start = 0;
        Html Part(TokenSeverity severity, int count)
        {
            double width = count * 100d / _summary.Tokens;
            start += width;
            return count == 0 ? Html.Empty : Html.Of($"""<rect class="{severity}" x="{start - width:0.###}%" width="{width:0.###}%" height="8"/>""");
        }

        return _summary.Tokens == 0 ? Html.Empty : Html.Of($"""
            <svg class="share" aria-hidden="true" width="100%" height="8" xmlns="http://www.w3.org/2000/svg">{Part(TokenSeverity.High, _summary.High)}{Part(TokenSeverity.Medium, _summary.Medium)}{Part(TokenSeverity.Low, _summary.Low)}{Part(TokenSeverity.None, _summary.Tokens - Flagged)}</svg>
            """);
    }

    private void WriteTimeLine() => Write($"""
        <section id="time-line" aria-labelledby="time-line-name">
        <h2 id="time-line-name">Time line of expiries</h2>
        <dl class="figures small">
        <div><dt>Expired</dt><dd>{_line.Expired:N0}</dd></div>
        <div><dt>Within 30 days</dt><dd>{_line.Within30Days:N0}</dd></div>
        <div><dt>Later than a year</dt><dd>{_line.Later:N0}</dd></div>
        <div><dt>Never</dt><dd>{_line.Never:N0}</dd></div>
        </dl>
        <figure>
        {_line.Draw()}
        <figcaption>Live tokens by the week in which they end, for the next 52 weeks. <span class="key High">High</span> <span class="key Medium">Medium</span> <span class="key Low">Low</span> <span class="key None">Clean</span></figcaption>
        </figure>
        <details>
        <summary>The time line as a table</summary>
        <table class="cards weeks">
        <caption>Tokens by the week in which they end</caption>
        <thead><tr><th scope="col">Week of</th><th scope="col">Tokens</th><th scope="col">High</th><th scope="col">Medium</th><th scope="col">Low</th><th scope="col">No finding</th></tr></thead>
        <tbody>
        {_line.Rows()}</tbody>
        </table>
        </details>
        </section>

        """);

    private void WriteBySeverity()
    {
        Write($"""
            <section id="by-severity" aria-labelledby="by-severity-name">
            <h2 id="by-severity-name">By severity</h2>
            <p class="intro">Each token with a finding, and the command that fixes it. A command that begins with Update- also takes -Vault or -SaveTo, to store the new token before the old one is revoked; where it says EMAIL, put the user’s address.</p>

            """);
        WriteTable(
            "Tokens with findings, the most severe first",
            ["Token", "Owner", "Findings", "Expires", "Remedy"],
            entries.Where(entry => entry.Severity > TokenSeverity.None).OrderByDescending(entry => entry.Severity).ThenBy(EndOf).GroupBy(entry => entry.Severity),
            group => Html.Of($"{Badge(group.Key)}"),
            entry => Html.Of($"""
                <tr id="t{_places[entry]}"><th scope="row">{Token(entry)}</th><td data-label="Owner">{Owner(entry)}</td><td data-label="Findings"><ul>{Html.Join(entry.Findings.Select(finding => Html.Of($"<li>{NameOf(finding)}</li>")))}</ul></td><td data-label="Expires">{Expiry(entry)}</td><td data-label="Remedy">{(entry.Remedy is null ? Html.Of($"<span class=\"muted\">none</span>") : Html.Of($"<code class=\"remedy\" dir=\"ltr\">{Words(entry.Remedy)}</code>"))}</td></tr>

                """),
            "No token has a finding.");
    }

    // A line ends between the words of a command, not at the hyphen of a parameter. Ids and names may be long.
    private static Html Words(string command) => Html.Join(
        command.Split(' ').Select(word => word.IndexOf('-') < 0 || word.Length > LongestId ? Html.Of($"{word}") : Html.Of($"<span{(word.Length > LongestWord ? Html.Trust(" class=\"id\"") : Html.Empty)}>{word}</span>")),
        " ");

    private void WriteByExpiry()
    {
        Write($"""
            <section id="by-expiry" aria-labelledby="by-expiry-name">
            <h2 id="by-expiry-name">By expiry</h2>

            """);
        WriteTable(
            "Tokens that were not revoked, the first to end first",
            ["Token", "Expires", "Owner", "Severity"],
            entries.Where(entry => entry.DiscardedAt is null).OrderBy(EndOf).GroupBy(Horizon),
            group => Html.Of($"{group.Key}"),
            entry => Html.Of($"""
                <tr><th scope="row">{Token(entry)}</th><td data-label="Expires">{Expiry(entry)}</td><td data-label="Owner">{Owner(entry)}</td><td data-label="Severity">{Link(entry)}</td></tr>

                """),
            "There is no token that was not revoked.");
    }

    private void WriteByOwner()
    {
        Write($"""
            <section id="by-owner" aria-labelledby="by-owner-name">
            <h2 id="by-owner-name">By owner</h2>

            """);
        WriteTable(
            "All tokens, the project’s first, then those of each user, the most severe first",
            ["Token", "Status", "Issued", "Expires", "Severity"],
            entries.GroupBy(entry => (entry.Project, entry.UserId)).OrderBy(group => group.Key.Project, StringComparer.OrdinalIgnoreCase).ThenBy(group => group.Key.UserId is not null).ThenByDescending(group => group.Max(entry => entry.Severity)).ThenBy(group => group.Key.UserId, StringComparer.Ordinal)
                .SelectMany(group => group.OrderByDescending(entry => entry.Severity).ThenByDescending(entry => entry.CreatedAt)).GroupBy(entry => (entry.Project, entry.UserId)),
            group => Owner(group.First()),
            entry => Html.Of($"""
                <tr><th scope="row">{Token(entry)}</th><td data-label="Status">{entry.Status}</td><td data-label="Issued">{Date(entry.CreatedAt)} <span class="muted">{RelativeTime.Of(entry.CreatedAt, _now)}</span></td><td data-label="Expires">{Expiry(entry)}</td><td data-label="Severity">{Link(entry)}</td></tr>

                """),
            "There is no token.");
    }

    private void WriteOrigin() => Write($"""
        <section id="origin" aria-labelledby="origin-name">
        <h2 id="origin-name">About this report</h2>
        <dl class="origin">
        <dt>Shows</dt><dd>{origin.Scope}</dd>
        <dt>Lists read</dt><dd>{Lines(origin.ListsRead)}</dd>
        <dt>Not read</dt><dd>{(origin.IsEnded is null ? Lines([]) : origin.NotRead.Count == 0 ? Html.Of($"nothing that was asked for") : Lines(origin.NotRead.Select(gap => $"{ScreenText.Of(gap.Target)}: {ScreenText.Of(gap.Reason)}")))}</dd>
        <dt>Judged by</dt><dd>{Lines(origin.Policy)}</dd>
        <dt>Judged on</dt><dd>{(origin.JudgedAt is { } judged ? Moment(judged) : Lines([]))}</dd>
        <dt>Written</dt><dd>{Moment(origin.WrittenAt)} by {Text(origin.WrittenBy)}</dd>
        </dl>
        </section>

        """);

    private static Html Moment(DateTimeOffset time) => Html.Of($"""<time datetime="{time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}">{time.UtcDateTime:d MMM yyyy, HH:mm} UTC</time>""");

    private static Html Lines(IEnumerable<string> lines) => Html.Join(lines.DefaultIfEmpty("not known").Select(line => Html.Of($"{Text(line)}")), "<br>");

    private void WriteTable<TKey>(string caption, string[] columns, IEnumerable<IGrouping<TKey, ReportEntry>> groups, Func<IGrouping<TKey, ReportEntry>, Html> head, Func<ReportEntry, Html> row, string nothing)
    {
        bool isEmpty = true;
        foreach (IGrouping<TKey, ReportEntry> group in groups)
        {
            if (isEmpty)
            {
                Write($"""
                    <table class="cards">
                    <caption>{caption}</caption>
                    <thead><tr>{Html.Join(columns.Select(column => Html.Of($"<th scope=\"col\">{column}</th>")))}</tr></thead>

                    """);
                isEmpty = false;
            }

            Write($"""
                <tbody>
                <tr class="group"><th scope="rowgroup" colspan="{columns.Length}">{head(group)} <span class="muted">{Count(group.Count(), "token", "tokens")}</span></th></tr>

                """);
            foreach (ReportEntry entry in group)
            {
                writer.Write(row(entry));
            }

            Write($"</tbody>\n");
        }

        Write($"{(isEmpty ? Html.Of($"<p class=\"intro\">{nothing}</p>") : Html.Of($"</table>"))}\n</section>\n");
    }

    private static DateTimeOffset EndOf(ReportEntry entry) => entry.ExpiresAt ?? DateTimeOffset.MaxValue;

    private string Horizon(ReportEntry entry) =>
        s_horizons.First(horizon => entry.ExpiresAt is { } end ? (end - _now).TotalDays <= horizon.Days : double.IsPositiveInfinity(horizon.Days)).Name;

    private Html Expiry(ReportEntry entry) => entry.ExpiresAt is { } end ? Html.Of($"{Date(end)} <span class=\"muted\">{RelativeTime.Of(end, _now)}</span>") : Html.Of($"never");

    private Html Owner(ReportEntry entry)
    {
        Html project = _summary.Projects.Count > 1 ? Html.Of($" <span class=\"muted\">{Text(entry.Project)}</span>") : Html.Empty;
        return Html.Of($"{(entry.UserId is null ? Html.Of($"Project") : Html.Of($"<span class=\"muted\">User</span> {Text(entry.Email ?? entry.ExternalId ?? entry.UserId)}{(entry.Email is null && entry.ExternalId is null ? Html.Empty : Html.Of($" <span class=\"muted\">{Text(entry.UserId)}</span>"))}"))}{project}");
    }

    // From the other sections to the command that fixes it.
    private Html Link(ReportEntry entry) => entry.Severity == TokenSeverity.None ? Badge(entry.Severity) : Html.Of($"<a href=\"#t{_places[entry]}\">{Badge(entry.Severity)}</a>");
}
