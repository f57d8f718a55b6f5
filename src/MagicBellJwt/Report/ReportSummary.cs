using System;
using System.Collections.Generic;
using System.Linq;

namespace MagicBellJwt;

/// <summary>What a report comes to. Its public properties are the fields of the JSON file's head.</summary>
internal sealed class ReportSummary
{
    internal ReportSummary(IReadOnlyList<ReportEntry> entries, string? project = null)
    {
        Project = project;
        Projects = [.. entries.Select(entry => entry.Project ?? "").Distinct(StringComparer.OrdinalIgnoreCase).OrderBy(name => name, StringComparer.OrdinalIgnoreCase)];
        ByProject = project is not null || Projects.Count < 2 ? null :
        [
            .. entries.GroupBy(entry => entry.Project ?? "", StringComparer.OrdinalIgnoreCase)
                .Select(group => new ReportSummary([.. group], group.Key))
                .OrderByDescending(summary => (summary.High, summary.Medium, summary.Low))
                .ThenBy(summary => summary.Project, StringComparer.OrdinalIgnoreCase),
        ];
        Tokens = entries.Count;
        ProjectTokens = entries.Count(entry => entry.Kind == TokenKind.Project);
        UserTokens = Tokens - ProjectTokens;
        Users = entries.Where(entry => entry.UserId is not null).Select(entry => (entry.Project, entry.UserId)).Distinct().Count();
        High = entries.Count(entry => entry.Severity == TokenSeverity.High);
        Medium = entries.Count(entry => entry.Severity == TokenSeverity.Medium);
        Low = entries.Count(entry => entry.Severity == TokenSeverity.Low);
        Findings = Enum.GetValues(typeof(TokenFinding)).Cast<TokenFinding>().ToDictionary(finding => finding, finding => entries.Count(entry => entry.Findings.Contains(finding)));
    }

    /// <summary>The one project that it is of; null where it is of the whole report.</summary>
    public string? Project { get; }

    public IReadOnlyList<string> Projects { get; }

    /// <summary>The same of each project, the one with the worst findings first, where there are several; null where there is one.</summary>
    public IReadOnlyList<ReportSummary>? ByProject { get; }

    public int Tokens { get; }

    public int ProjectTokens { get; }

    public int UserTokens { get; }

    public int Users { get; }

    public int High { get; }

    public int Medium { get; }

    public int Low { get; }

    public IReadOnlyDictionary<TokenFinding, int> Findings { get; }

    // By their names: the JSON file leaves out what they refuse.
    public bool ShouldSerializeProject() => Project is not null;

    public bool ShouldSerializeProjects() => Project is null;

    public bool ShouldSerializeByProject() => ByProject is not null;
}
