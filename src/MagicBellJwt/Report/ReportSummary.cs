using System;
using System.Collections.Generic;
using System.Linq;

namespace MagicBellJwt;

/// <summary>What a report comes to. Its public properties are the fields of the JSON file's head.</summary>
internal sealed class ReportSummary
{
    internal ReportSummary(IReadOnlyList<ReportEntry> entries)
    {
        Projects = [.. entries.Select(entry => entry.Project ?? "").Distinct(StringComparer.OrdinalIgnoreCase).OrderBy(name => name, StringComparer.OrdinalIgnoreCase)];
        Tokens = entries.Count;
        ProjectTokens = entries.Count(entry => entry.Kind == TokenKind.Project);
        UserTokens = Tokens - ProjectTokens;
        Users = entries.Where(entry => entry.UserId is not null).Select(entry => (entry.Project, entry.UserId)).Distinct().Count();
        High = entries.Count(entry => entry.Severity == TokenSeverity.High);
        Medium = entries.Count(entry => entry.Severity == TokenSeverity.Medium);
        Low = entries.Count(entry => entry.Severity == TokenSeverity.Low);
        Findings = Enum.GetValues(typeof(TokenFinding)).Cast<TokenFinding>().ToDictionary(finding => finding, finding => entries.Count(entry => entry.Findings.Contains(finding)));
    }

    public IReadOnlyList<string> Projects { get; }

    public int Tokens { get; }

    public int ProjectTokens { get; }

    public int UserTokens { get; }

    public int Users { get; }

    public int High { get; }

    public int Medium { get; }

    public int Low { get; }

    public IReadOnlyDictionary<TokenFinding, int> Findings { get; }
}
