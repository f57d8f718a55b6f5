using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>A token of a report, as a file or a row gives it back: what two reports are compared by.</summary>
internal sealed class ReportedToken
{
    private ReportedToken(Func<string, object?> valueOf)
    {
        Severity = Read<TokenSeverity>(nameof(Severity));
        Findings = [.. Items(valueOf(nameof(Findings))).Select(LanguagePrimitives.ConvertTo<TokenFinding>)];
        Kind = Read<TokenKind>(nameof(Kind));
        IsRevoked = Read<TokenStatus>("Status") == TokenStatus.Discarded;
        Id = Text(nameof(Id));
        Name = Text(nameof(Name));
        UserId = Text(nameof(UserId));
        Email = Text(nameof(Email));
        Project = Text(nameof(Project));
        Remedy = Text(nameof(Remedy));

        T Read<T>(string name) => LanguagePrimitives.ConvertTo<T>(valueOf(name) ?? throw MagicBellException.Invalid($"This is no row of a token report: it has no {name}."));

        string? Text(string name) => valueOf(name) is { } value && LanguagePrimitives.ConvertTo<string>(value) is { Length: > 0 } text ? text : null;
    }

    internal TokenSeverity Severity { get; }

    internal IReadOnlyList<TokenFinding> Findings { get; }

    internal TokenKind Kind { get; }

    internal bool IsRevoked { get; }

    internal string? Id { get; }

    internal string? Name { get; }

    internal string? UserId { get; }

    internal string? Email { get; }

    internal string? Project { get; }

    internal string? Remedy { get; }

    /// <summary>Reads the JSON file of a report.</summary>
    /// <exception cref="MagicBellException">It cannot be read, or is something else.</exception>
    internal static IEnumerable<ReportedToken> Read(string path) =>
        JsonInput.ReadObjects(path, "Tokens").Select(members => From(name => members.TryGetValue(name, out object? value) ? value : null));

    /// <summary>Reads a row: of this process, from CLIXML, JSON or CSV.</summary>
    /// <exception cref="MagicBellException">It is something else, or damaged.</exception>
    internal static ReportedToken From(PSObject row) => From(name => row.Properties[name]?.Value);

    private static ReportedToken From(Func<string, object?> valueOf)
    {
        try
        {
            return new ReportedToken(valueOf);
        }
        catch (PSInvalidCastException)
        {
            throw MagicBellException.Invalid("This row of a token report is damaged: a property does not hold what it should.");
        }
    }

    // CSV has them as one text.
    private static IEnumerable<object> Items(object? value) => value is string text
        ? text.Split(',').Select(part => part.Trim()).Where(part => part.Length > 0)
        : (LanguagePrimitives.GetEnumerable(value) ?? (IEnumerable)Array.Empty<object>()).Cast<object>();
}
