using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Xml.Linq;
using Xunit;

namespace MagicBellJwt.Tests.Conventions;

/// <summary>A cmdlet, its page, the help XML that is made from the page (build.ps1 -Task Docs), and what Get-Help makes of that, say the same.</summary>
public sealed class HelpTests(ShippedAssemblies shipped) : IClassFixture<ShippedAssemblies>
{
    private static readonly XNamespace s_command = "http://schemas.microsoft.com/maml/dev/command/2004/10";
    private static readonly XNamespace s_maml = "http://schemas.microsoft.com/maml/2004/10";
    private static readonly XNamespace s_dev = "http://schemas.microsoft.com/maml/dev/2004/10";

    private static readonly Lazy<XDocument> s_help = new(() => XDocument.Load(Path.Combine(HelpPage.Folder, "MagicBellJwt.dll-Help.xml")));

    public static TheoryData<string> Pages => [.. HelpPage.Names];

    [Fact]
    public void Each_cmdlet_has_a_page_and_help()
    {
        string[] cmdlets = [.. shipped.Cmdlets.Select(cmdlet => $"{cmdlet.Cmdlet.VerbName}-{cmdlet.Cmdlet.NounName}").Order(StringComparer.Ordinal)];

        Assert.Equal(cmdlets, HelpPage.Names);
        Assert.Equal(cmdlets, s_help.Value.Descendants(s_command + "details").Select(details => details.Element(s_command + "name")!.Value).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void The_page_says_of_each_parameter_what_the_cmdlet_does(string name)
    {
        CmdletInfo cmdlet = CmdletOf(name);
        HelpPage page = HelpPage.Of(name);

        Assert.Equal(FactsOf(cmdlet).Select(facts => facts.ToString()).Order(), page.Parameters.Select(parameter => parameter.Facts.ToString()).Order());
        Assert.Equal(SetsOf(cmdlet).Select(set => $"{set.Name}: {name} {set}".Replace(" [<CommonParameters>]", "", StringComparison.Ordinal)).Order(), page.Syntax.Select(set => $"{set.Key}: {set.Value}").Order());
        Assert.Equal(AliasesOf(name), page.Aliases);
        Assert.Equal(cmdlet.OutputType.Select(output => output.Name).Order(), page.Outputs.Order());
        Assert.Equal(InputsOf(cmdlet), page.Inputs.Order());
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void The_page_reads_well(string name)
    {
        HelpPage page = HelpPage.Of(name);

        Assert.Matches("^[A-Z][a-z]+s .*\\.$", HelpPage.OneLine(page.Synopsis));
        Assert.All([page.Description, page.Notes, .. page.Parameters.Select(parameter => parameter.Description), .. page.Examples.Select(example => example.Remarks)], text => Assert.Matches("^[A-Z-].*[.]$", HelpPage.OneLine(text)));

        // What takes a value says what to type, or what to give or pipe in.
        Assert.All(
            page.Parameters.Where(parameter => parameter.Facts.Type != "System.Management.Automation.SwitchParameter"),
            parameter => Assert.Matches(@"\b([Tt]ype|[Gg]ive|[Pp]ipe in)\b", parameter.Description));
        Assert.True(page.Examples.Count >= 3);
        Assert.All(page.Examples, example => Assert.Matches(@"^Example \d: ([A-Z]\w*)\b", example.Title));
        Assert.All(page.Examples, example => Assert.Contains(name, example.Code, StringComparison.Ordinal));
        Assert.Contains(page.Examples, example => example.Code.Contains(" | ", StringComparison.Ordinal));
        Assert.Equal(("Online page", page.HelpUri), page.Links[0]);
        Assert.All(page.Links.Skip(1), link => Assert.True(File.Exists(Path.Combine(HelpPage.Folder, link.Address)), link.Address));
        Assert.All(page.Links.Skip(1), link => Assert.Equal(link.Text, link.Address.Split('.')[0]));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void The_help_XML_is_made_from_the_page(string name)
    {
        HelpPage page = HelpPage.Of(name);
        XElement help = s_help.Value.Descendants(s_command + "command").Single(command => command.Element(s_command + "details")!.Element(s_command + "name")!.Value == name);
        CmdletInfo cmdlet = CmdletOf(name);

        Assert.Equal(HelpPage.OneLine(page.Synopsis), Text(help.Element(s_command + "details")!.Element(s_maml + "description")));
        Assert.Equal(HelpPage.OneLine(page.Description), Text(help.Element(s_maml + "description")));
        Assert.Equal(HelpPage.OneLine(page.Notes), Text(help.Element(s_maml + "alertSet")));
        Assert.Equal(
            page.Examples.Select(example => $"{example.Title} {example.Code} {example.Remarks}"),
            help.Descendants(s_command + "example").Select(example => $"{example.Element(s_maml + "title")!.Value.Trim('-', ' ')} {example.Element(s_dev + "code")!.Value} {Text(example.Element(s_dev + "remarks"))}"));
        Assert.Equal(
            page.Parameters.Select(parameter => $"{parameter.Facts.Name} {parameter.Facts.Type} '{parameter.Facts.Default}' {parameter.Description}").Order(),
            help.Element(s_command + "parameters")!.Elements().Select(parameter => $"{Name(parameter)} {TypeOf(parameter)} '{parameter.Element(s_dev + "defaultValue")?.Value}' {Text(parameter.Element(s_maml + "description"))}").Order());

        // Each parameter set, as the cmdlet has it.
        IEnumerable<string> expected = SetsOf(cmdlet).Select(set => string.Join('\n', set.Parameters.Where(IsOurs).Select(parameter =>
            $"{parameter.Name} {Plain(parameter.ParameterType)} {(parameter.Position < 0 ? "named" : parameter.Position)} {parameter.IsMandatory} {Input(parameter.ValueFromPipeline, parameter.ValueFromPipelineByPropertyName)} [{string.Join(", ", parameter.Aliases)}] {WildcardsOf(parameter.Attributes)}").Order()));
        IEnumerable<string> actual = help.Descendants(s_command + "syntaxItem").Select(set => string.Join('\n', set.Elements(s_command + "parameter").Select(parameter =>
            $"{Name(parameter)} {TypeOf(parameter)} {parameter.Attribute("position")!.Value} {bool.Parse(parameter.Attribute("required")!.Value)} {parameter.Attribute("pipelineInput")!.Value} [{parameter.Attribute("aliases")!.Value.Replace("none", "", StringComparison.Ordinal)}] {bool.Parse(parameter.Attribute("globbing")!.Value)}").Order()));
        Assert.Equal(expected.Order(), actual.Order());
        Assert.Equal(page.HelpUri, help.Descendants(s_maml + "uri").First().Value);
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Get_Help_shows_it_from_the_built_module(string name)
    {
        HelpPage page = HelpPage.Of(name);
        PSObject help = shipped.Engine.Run($"Get-Help {name} -Full").MustSucceed().Single();

        Assert.Equal(HelpPage.OneLine(page.Synopsis), shipped.Engine.Run($"(Get-Help {name}).Synopsis").MustSucceed().Single().ToString());
        Assert.Equal(page.Examples.Select(example => example.Code), shipped.Engine.Run($"(Get-Help {name} -Examples).examples.example.code").MustSucceed().Select(code => code.ToString()));
        Assert.Equal(page.Parameters.Select(parameter => parameter.Facts.Name).Order(), shipped.Engine.Run($"(Get-Help {name} -Parameter *).name").MustSucceed().Select(parameter => parameter.ToString()).Order());
        Assert.Equal(page.HelpUri, shipped.Engine.Run($"(Get-Command {name}).HelpUri").MustSucceed().Single().ToString());
        Assert.Equal(page.HelpUri, shipped.Engine.Run($"@((Get-Help {name}).relatedLinks.navigationLink.uri)[0]").MustSucceed().Single().ToString());
        Assert.Equal(name, help.Properties["Name"].Value);
        Assert.Equal(name, shipped.Engine.Run($"({name} -?).Name").MustSucceed().Single().ToString());
        Assert.All(AliasesOf(name), alias => Assert.Equal(name, shipped.Engine.Run($"(Get-Help {alias}).Name").MustSucceed().Single().ToString()));
    }

    [Fact]
    public void Get_Help_finds_each_topic()
    {
        string[] topics = [.. Directory.GetFiles(HelpPage.Folder, "about_*.help.txt").Select(file => Path.GetFileName(file).Replace(".help.txt", "", StringComparison.Ordinal))];

        Assert.Contains("about_MagicBellJwt", topics);
        Assert.All(topics, topic => Assert.Matches(@"TOPIC\s+" + topic + @"\s", shipped.Engine.Run($"Get-Help {topic}").MustSucceed().Single().ToString()));
    }

    private static string Text(XElement? element) => HelpPage.OneLine(string.Join(' ', element?.Descendants(s_maml + "para").Select(paragraph => paragraph.Value) ?? []));

    private static string Name(XElement parameter) => parameter.Element(s_maml + "name")!.Value;

    private static string TypeOf(XElement parameter) => parameter.Element(s_dev + "type")!.Element(s_maml + "name")!.Value;

    private static string Input(bool byValue, bool byName) => (byValue, byName) switch
    {
        (true, true) => "true (ByValue, ByPropertyName)",
        (true, false) => "true (ByValue)",
        (false, true) => "true (ByPropertyName)",
        _ => "false",
    };

    private static string Plain(Type type) => (Nullable.GetUnderlyingType(type) ?? type).FullName!;

    private static bool WildcardsOf(IEnumerable<Attribute> attributes) => attributes.OfType<SupportsWildcardsAttribute>().Any();

    private static bool IsOurs(CommandParameterInfo parameter) => !Cmdlet.CommonParameters.Contains(parameter.Name);

    private static ReadOnlyCollection<CommandParameterSetInfo> SetsOf(CmdletInfo cmdlet) => cmdlet.ParameterSets;

    private static string[] InputsOf(CmdletInfo cmdlet)
    {
        string[] types = [.. cmdlet.Parameters.Values
            .Where(parameter => parameter.ParameterSets.Values.Any(set => set.ValueFromPipeline || set.ValueFromPipelineByPropertyName))
            .Select(parameter => Plain(parameter.ParameterType)).Distinct().Order()];
        return types is [] ? ["None"] : types;
    }

    private static IEnumerable<ParameterFacts> FactsOf(CmdletInfo cmdlet)
    {
        object instance = Activator.CreateInstance(cmdlet.ImplementingType)!;
        foreach (ParameterMetadata parameter in cmdlet.Parameters.Values.Where(parameter => !Cmdlet.CommonParameters.Contains(parameter.Name)))
        {
            object? value = cmdlet.ImplementingType.GetProperty(parameter.Name)?.GetValue(instance);
            string text = value switch
            {
                null => parameter.ParameterType == typeof(SwitchParameter) ? "False" : "",
                SwitchParameter on => on.IsPresent.ToString(),
                TimeSpan span => span.ToString("c", CultureInfo.InvariantCulture),
                Array { Length: 0 } => "",
                _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
            };
            yield return new ParameterFacts(
                parameter.Name,
                Plain(parameter.ParameterType),
                text,
                WildcardsOf(parameter.Attributes),
                parameter.Aliases,
                parameter.ParameterSets.Select(set => new ParameterUse(
                    set.Key == ParameterAttribute.AllParameterSets ? "(All)" : set.Key,
                    set.Value.Position < 0 ? "Named" : set.Value.Position.ToString(CultureInfo.InvariantCulture),
                    set.Value.IsMandatory,
                    set.Value.ValueFromPipeline,
                    set.Value.ValueFromPipelineByPropertyName)));
        }
    }

    private CmdletInfo CmdletOf(string name) => (CmdletInfo)shipped.Engine.Run($"Get-Command {name}").MustSucceed().Single().BaseObject;

    private IEnumerable<string> AliasesOf(string name) => shipped.Engine.Run($"(Get-Module MagicBellJwt).ExportedAliases.Values.Where({{ $_.Definition -eq '{name}' }}).Name")
        .MustSucceed().Where(alias => alias is not null).Select(alias => alias.ToString());
}
