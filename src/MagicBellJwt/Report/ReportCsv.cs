using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;

namespace MagicBellJwt;

/// <summary>A report as CSV (RFC 4180), the same in every culture, that no spreadsheet takes for formulas.</summary>
internal static class ReportCsv
{
    private static readonly (string Name, Func<ReportEntry, object?> Value)[] s_ofToken =
    [
        (nameof(ReportEntry.Severity), entry => entry.Severity),
        (nameof(ReportEntry.Findings), entry => string.Join(", ", entry.Findings)),
        (nameof(ReportEntry.Kind), entry => entry.Kind),
        (nameof(ReportEntry.Id), entry => entry.Id),
        (nameof(ReportEntry.Name), entry => entry.Name),
        (nameof(ReportEntry.UserId), entry => entry.UserId),
        (nameof(ReportEntry.Email), entry => entry.Email),
        (nameof(ReportEntry.ExternalId), entry => entry.ExternalId),
        (nameof(ReportEntry.Status), entry => entry.Status),
        (nameof(ReportEntry.CreatedAt), entry => entry.CreatedAt),
        (nameof(ReportEntry.ExpiresAt), entry => entry.ExpiresAt),
        (nameof(ReportEntry.DiscardedAt), entry => entry.DiscardedAt),
        (nameof(ReportEntry.LastUsedAt), entry => entry.LastUsedAt),
        (nameof(ReportEntry.AgeDays), entry => entry.AgeDays),
        (nameof(ReportEntry.Project), entry => entry.Project),
        (nameof(ReportEntry.Remedy), entry => entry.Remedy),
    ];

    // A file of rows has no head: each row says where it comes from.
    private static readonly (string Name, Func<ReportOrigin, object?> Value)[] s_ofReport =
    [
        (nameof(ReportOrigin.Scope), origin => origin.Scope),
        (nameof(ReportOrigin.ListsRead), origin => string.Join("; ", origin.ListsRead)),
        (nameof(ReportOrigin.Policy), origin => string.Join("; ", origin.Policy)),
        (nameof(ReportOrigin.JudgedAt), origin => origin.JudgedAt),
        (nameof(ReportOrigin.WrittenBy), origin => origin.WrittenBy),
        (nameof(ReportOrigin.WrittenAt), origin => origin.WrittenAt),
    ];

    internal static void Write(TextWriter writer, IEnumerable<ReportEntry> entries, ReportOrigin origin)
    {
        string[] report = [.. s_ofReport.Select(column => TextOf(column.Value(origin)))];
        WriteLine(writer, s_ofToken.Select(column => column.Name).Concat(s_ofReport.Select(column => column.Name)));
        foreach (ReportEntry entry in entries)
        {
            WriteLine(writer, s_ofToken.Select(column => TextOf(column.Value(entry))).Concat(report));
        }
    }

    private static void WriteLine(TextWriter writer, IEnumerable<string> fields) =>
        writer.Write(string.Join(",", fields.Select(field => $"\"{field.Replace("\"", "\"\"")}\"")) + "\r\n");

    private static string TextOf(object? value) => value switch
    {
        null => "",
        DateTimeOffset time => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        string text => Disarm(ScreenText.Of(text)),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    /// <summary>Text that no spreadsheet takes for a formula: with an apostrophe before what begins one (OWASP, CSV injection), in its full-width form too.</summary>
    internal static string Disarm(string text) =>
        text.Length > 0 && text[0] is '=' or '+' or '-' or '@' or '\t' or '\r' or '\n' or '\uFF1D' or '\uFF0B' or '\uFF0D' or '\uFF20' ? "'" + text : text;
}
