using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;

namespace MagicBellJwt.Tests.Conventions;

/// <summary>How a parameter is taken in one parameter set.</summary>
internal sealed record ParameterUse(string Set, string Position, bool Required, bool ByValue, bool ByName);

/// <summary>What is said of a parameter. Compared as one line of text, so that a difference shows.</summary>
internal sealed record ParameterFacts(string Name, string Type, string Default, bool Wildcards, IEnumerable<string> Aliases, IEnumerable<ParameterUse> Uses)
{
    public override string ToString() =>
        $"{Name} {Type} default '{Default}' wildcards {Wildcards} aliases [{string.Join(',', Aliases.Order())}] " +
        string.Join(' ', Uses.OrderBy(use => use.Set, StringComparer.Ordinal).Select(use => $"[{use.Set} at {use.Position} required {use.Required} value {use.ByValue} name {use.ByName}]"));
}

/// <summary>A page of docs/en-US, in the markdown that PlatyPS writes and reads.</summary>
internal sealed partial class HelpPage
{
    private readonly string _text;

    private HelpPage(string text) => _text = text;

    /// <summary>The folder of the pages.</summary>
    public static string Folder { get; } = Path.Combine(Repository.Root, "docs", "en-US");

    /// <summary>The names of the cmdlets that have a page.</summary>
    public static IEnumerable<string> Names => Directory.GetFiles(Folder, "*-*.md").Select(file => Path.GetFileNameWithoutExtension(file)!).Order(StringComparer.Ordinal);

    public string HelpUri => HeaderLine().Match(_text).Groups[1].Value;

    public string Synopsis => Section("SYNOPSIS");

    public string Description => Section("DESCRIPTION");

    public string Notes => Section("NOTES");

    /// <summary>The syntax of each set, on one line.</summary>
    public IReadOnlyDictionary<string, string> Syntax => Parts(Section("SYNTAX")).ToDictionary(part => part.Title.Replace(" (Default)", "", StringComparison.Ordinal), part => OneLine(part.Text.Trim('`', '\n')));

    public IEnumerable<string> Aliases => Section("ALIASES").Split('\n').Where(line => line.StartsWith("  ", StringComparison.Ordinal)).Select(line => line.Trim());

    /// <summary>The examples: title, code, and what is said of it.</summary>
    public IReadOnlyList<(string Title, string Code, string Remarks)> Examples =>
        [.. Parts(Section("EXAMPLES")).Select(part => (part.Title, Fence().Match(part.Text).Groups[1].Value, OneLine(Fence().Replace(part.Text, ""))))];

    public IEnumerable<string> Inputs => Parts(Section("INPUTS")).Select(part => part.Title);

    public IEnumerable<string> Outputs => Parts(Section("OUTPUTS")).Select(part => part.Title);

    /// <summary>The related links: text and address.</summary>
    public IReadOnlyList<(string Text, string Address)> Links => [.. Link().Matches(Section("RELATED LINKS")).Select(match => (match.Groups[1].Value, match.Groups[2].Value))];

    /// <summary>The parameters, with what is said of each.</summary>
    public IReadOnlyList<(ParameterFacts Facts, string Description)> Parameters =>
        [.. Parts(Section("PARAMETERS")).Where(part => part.Title[0] == '-').Select(part => (FactsOf(part.Title[1..], Fence().Match(part.Text).Groups[1].Value), OneLine(Fence().Replace(part.Text, ""))))];

    public static HelpPage Of(string name) => new(File.ReadAllText(Path.Combine(Folder, name + ".md")));

    public static string OneLine(string text) => Space().Replace(text, " ").Trim();

    private static ParameterFacts FactsOf(string name, string yaml)
    {
        var uses = new List<ParameterUse>();
        foreach (Match set in Set().Matches(yaml))
        {
            uses.Add(new ParameterUse(set.Groups[1].Value, set.Groups[2].Value, bool.Parse(set.Groups[3].Value), bool.Parse(set.Groups[4].Value), bool.Parse(set.Groups[5].Value)));
        }

        string Value(string key) => Regex.Match(yaml, $"^{key}: (.*)$", RegexOptions.Multiline).Groups[1].Value.Trim('\'');
        return new ParameterFacts(name, Value("Type"), Value("DefaultValue"), bool.Parse(Value("SupportsWildcards")), AliasItem().Matches(yaml).Select(match => match.Groups[1].Value), uses);
    }

    private string Section(string title) => Regex.Match(_text, $"^## {title}\n(.*?)(?=^## |\\z)", RegexOptions.Multiline | RegexOptions.Singleline).Groups[1].Value.Trim('\n');

    private static IEnumerable<(string Title, string Text)> Parts(string section) =>
        Part().Matches(section).Select(match => (match.Groups[1].Value, match.Groups[2].Value.Trim('\n')));

    [GeneratedRegex("^HelpUri: (.*)$", RegexOptions.Multiline)]
    private static partial Regex HeaderLine();

    [GeneratedRegex(@"^### (.*?)\n(.*?)(?=^### |\z)", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Part();

    [GeneratedRegex(@"^```\w+\n(.*?)\n```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"^- \[(.*?)\]\((.*?)\)$", RegexOptions.Multiline)]
    private static partial Regex Link();

    [GeneratedRegex(@"^- Name: (.*)\n  Position: (.*)\n  IsRequired: (.*)\n  ValueFromPipeline: (.*)\n  ValueFromPipelineByPropertyName: (.*)$", RegexOptions.Multiline)]
    private static partial Regex Set();

    [GeneratedRegex(@"^- (?!Name: )(.*)$", RegexOptions.Multiline)]
    private static partial Regex AliasItem();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
