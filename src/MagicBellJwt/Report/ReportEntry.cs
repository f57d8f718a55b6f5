using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>A row of a report as a file shows it. Its public properties are the fields of the JSON file and the columns of the CSV file.</summary>
internal sealed class ReportEntry
{
    private ReportEntry(PSObject row)
    {
        Source = row.BaseObject;
        Run = (Source as TokenReportRow)?.Run;
        Severity = Read<TokenSeverity>(row, nameof(Severity));
        Findings = [.. LanguagePrimitives.GetEnumerable(ValueOf(row, nameof(Findings))).Cast<object>().Select(LanguagePrimitives.ConvertTo<TokenFinding>)];
        Kind = Read<TokenKind>(row, nameof(Kind));
        Id = Read<string?>(row, nameof(Id));
        Name = Read<string?>(row, nameof(Name)) is { } name ? ScreenText.HideTokens(name) : null;
        UserId = Read<string?>(row, nameof(UserId));
        Email = Read<string?>(row, nameof(Email));
        ExternalId = Read<string?>(row, nameof(ExternalId));
        Status = Read<TokenStatus>(row, nameof(Status));
        CreatedAt = ReadTime(row, nameof(CreatedAt)) ?? default;
        ExpiresAt = ReadTime(row, nameof(ExpiresAt));
        DiscardedAt = ReadTime(row, nameof(DiscardedAt));
        LastUsedAt = ReadTime(row, nameof(LastUsedAt));
        AgeDays = (int)Read<TimeSpan>(row, "Age").TotalDays;
        Project = Read<string?>(row, nameof(Project));
        Remedy = Read<string?>(row, nameof(Remedy));
    }

    public TokenSeverity Severity { get; }

    public IReadOnlyList<TokenFinding> Findings { get; }

    public TokenKind Kind { get; }

    public string? Id { get; }

    public string? Name { get; }

    public string? UserId { get; }

    public string? Email { get; }

    public string? ExternalId { get; }

    public TokenStatus Status { get; }

    public DateTimeOffset CreatedAt { get; }

    public DateTimeOffset? ExpiresAt { get; }

    public DateTimeOffset? DiscardedAt { get; }

    public DateTimeOffset? LastUsedAt { get; }

    public int AgeDays { get; }

    public string? Project { get; }

    public string? Remedy { get; }

    /// <summary>The row itself: one that was given twice is one token.</summary>
    internal object Source { get; }

    /// <summary>The run that judged it; null where that is not known.</summary>
    internal ReportRun? Run { get; }

    /// <summary>Reads a row, from this process or from CLIXML, or what Select-Object left of one.</summary>
    /// <exception cref="MagicBellException">It is something else.</exception>
    internal static ReportEntry From(PSObject? row)
    {
        const string TypeName = "MagicBellJwt." + nameof(TokenReportRow);
        try
        {
            return row is not null && row.TypeNames.Any(name => name == TypeName || name.EndsWith("." + TypeName, StringComparison.Ordinal))
                ? new ReportEntry(row)
                : throw MagicBellException.Invalid("This is no row of a token report.");
        }
        catch (PSInvalidCastException)
        {
            throw MagicBellException.Invalid("This row of a token report is damaged: a property does not hold what it should.");
        }
    }

    private static object? ValueOf(PSObject row, string property) =>
        (row.Properties[property] ?? throw MagicBellException.Invalid($"This row of a token report has no {property} any more.")).Value;

    // CLIXML has no DateTimeOffset: it brings the properties of one.
    private static DateTimeOffset? ReadTime(PSObject row, string property) => ValueOf(row, property) switch
    {
        null => null,
        PSObject time when time.Properties["UtcDateTime"]?.Value is DateTime utc => new DateTimeOffset(DateTime.SpecifyKind(utc, DateTimeKind.Utc)),
        var time => LanguagePrimitives.ConvertTo<DateTimeOffset>(time),
    };

    private static T Read<T>(PSObject row, string property) => ValueOf(row, property) is { } value ? LanguagePrimitives.ConvertTo<T>(value) : default!;
}
