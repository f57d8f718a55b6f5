using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Reflection;
using System.Security;
using System.Xml.Linq;
using Xunit;

namespace MagicBellJwt.Tests.Conventions;

public sealed class CmdletConventionTests(ShippedAssemblies shipped) : IClassFixture<ShippedAssemblies>
{
    [Fact]
    public void The_manifest_exports_each_cmdlet_and_alias_by_name_and_nothing_else()
    {
        var manifest = shipped.Engine.Run("Test-ModuleManifest $manifest | Out-Null; $data = [scriptblock]::Create([IO.File]::ReadAllText($manifest)).InvokeReturnAsIs(); $data", ("manifest", Repository.Manifest)).MustSucceed().Single().BaseObject as Hashtable;
        var module = (PSModuleInfo)shipped.Engine.Run("Get-Module MagicBellJwt").MustSucceed().Single().BaseObject;
        string[] cmdlets = [.. shipped.Cmdlets.Select(cmdlet => $"{cmdlet.Cmdlet.VerbName}-{cmdlet.Cmdlet.NounName}").Order(StringComparer.Ordinal)];
        string[] aliases = [.. shipped.Cmdlets.SelectMany(cmdlet => cmdlet.Type.GetCustomAttribute<AliasAttribute>()?.AliasNames ?? []).Order(StringComparer.Ordinal)];

        Assert.Equal(cmdlets, Listed("CmdletsToExport"));
        Assert.Equal(cmdlets, module.ExportedCmdlets.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(aliases, Listed("AliasesToExport"));
        Assert.Equal(aliases, module.ExportedAliases.Keys.Order(StringComparer.Ordinal));
        Assert.Empty(Listed("FunctionsToExport"));
        Assert.Empty(Listed("VariablesToExport"));
        Assert.Empty(module.ExportedFunctions);

        string[] Listed(string name) => [.. ((object[])manifest![name]!).Select(item => item.ToString()!).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void The_manifest_says_where_the_module_runs_and_the_assemblies_take_its_version()
    {
        var module = (PSModuleInfo)shipped.Engine.Run("Get-Module MagicBellJwt").MustSucceed().Single().BaseObject;

        Assert.Equal(["Core", "Desktop"], module.CompatiblePSEditions.Order());
        Assert.Equal(new Version(5, 1), module.PowerShellVersion);
        Assert.NotEmpty(module.Tags);
        Assert.NotNull(module.ProjectUri);
        Assert.NotNull(module.LicenseUri);
        Assert.NotEmpty(module.ReleaseNotes);
        Assert.All(shipped.All, assembly => Assert.Equal(module.Version, new Version(assembly.GetName().Version!.ToString(3))));
    }

    [Fact]
    public void Every_cmdlet_with_Token_in_its_name_has_an_alias_with_Jwt()
    {
        foreach ((Type type, CmdletAttribute cmdlet) in shipped.Cmdlets)
        {
            string[] expected = cmdlet.NounName.Contains("Token", StringComparison.Ordinal) ? [$"{cmdlet.VerbName}-{cmdlet.NounName.Replace("Token", "Jwt", StringComparison.Ordinal)}"] : [];
            Assert.Equal(expected, type.GetCustomAttribute<AliasAttribute>()?.AliasNames ?? []);
        }
    }

    [Fact]
    public void Verbs_are_approved_and_nouns_are_ours()
    {
        HashSet<string> approved = [.. new[] { typeof(VerbsCommon), typeof(VerbsCommunications), typeof(VerbsData), typeof(VerbsDiagnostic), typeof(VerbsLifecycle), typeof(VerbsOther), typeof(VerbsSecurity) }
            .SelectMany(verbs => verbs.GetFields()).Select(field => (string)field.GetRawConstantValue()!)];

        Assert.All(shipped.Cmdlets, cmdlet => Assert.Contains(cmdlet.Cmdlet.VerbName, approved));
        Assert.All(shipped.Cmdlets, cmdlet => Assert.StartsWith("Mb", cmdlet.Cmdlet.NounName, StringComparison.Ordinal));
        Assert.All(shipped.Cmdlets, cmdlet => Assert.Equal($"{cmdlet.Cmdlet.VerbName}{cmdlet.Cmdlet.NounName}Command", cmdlet.Type.Name));
    }

    [Fact]
    public void Every_cmdlet_says_what_it_writes() =>
        Assert.All(shipped.Cmdlets, cmdlet => Assert.NotEmpty(cmdlet.Type.GetCustomAttributes<OutputTypeAttribute>().SelectMany(output => output.Type)));

    [Fact]
    public void Whatever_changes_something_can_be_previewed_and_what_revokes_asks()
    {
        foreach ((_, CmdletAttribute cmdlet) in shipped.Cmdlets)
        {
            bool changes = cmdlet.VerbName is "New" or "Remove" or "Update";
            Assert.True(cmdlet.SupportsShouldProcess || !changes, cmdlet.VerbName + "-" + cmdlet.NounName);
            Assert.True(cmdlet.ConfirmImpact == ConfirmImpact.High || cmdlet.VerbName != "Remove", cmdlet.NounName);
            Assert.True(cmdlet.ConfirmImpact == ConfirmImpact.Medium || cmdlet.VerbName != "New", cmdlet.NounName);
        }
    }

    [Fact]
    public void A_secret_on_a_command_line_is_a_SecureString()
    {
        string[] words = ["Token", "Key", "Secret", "Password"];
        var texts = shipped.Cmdlets
            .SelectMany(cmdlet => cmdlet.Type.GetProperties().Where(property => property.IsDefined(typeof(ParameterAttribute))))
            .Where(property => words.Any(word => property.Name.EndsWith(word, StringComparison.Ordinal)))
            .Where(property => property.PropertyType == typeof(string) || property.PropertyType == typeof(string[]));

        // The public key is public; an idempotency key is a Guid.
        Assert.Equal(["ApiKey"], texts.Select(property => property.Name).Distinct());
        Assert.All(
            shipped.Cmdlets.SelectMany(cmdlet => cmdlet.Type.GetProperties()).Where(property => property.PropertyType == typeof(SecureString) && property.IsDefined(typeof(ParameterAttribute))),
            property => Assert.Contains(property.GetCustomAttributes(), attribute => attribute.GetType().Name is "SecretAttribute" or "TokenTextAttribute"));
    }

    [Fact]
    public void What_only_views_show_is_hidden_and_stays_out_of_CLIXML()
    {
        Type[] types = [.. shipped.Module.GetExportedTypes().Where(type => !type.IsAbstract && HiddenOf(type).Any())];

        // Whatever a cmdlet writes may hold foreign text.
        Assert.Equal(
            shipped.Cmdlets.SelectMany(cmdlet => cmdlet.Type.GetCustomAttributes<OutputTypeAttribute>()).SelectMany(output => output.Type).Select(output => output.Type).Where(type => type.Assembly == shipped.Module).Distinct().Select(type => type.Name).Order(),
            types.Select(type => type.Name).Order());
        Assert.All(s_types.Value.Descendants("CodeProperty"), property => Assert.Equal("true", property.Attribute("IsHidden")?.Value));
        Assert.All(types, type => Assert.Equal(
            type.GetProperties().Select(property => property.Name).Except(["Token"]).Order(),
            DeclarationOf(type)!.Descendants("PropertySet").Single(set => set.Element("Name")!.Value == "PropertySerializationSet").Descendants("ReferencedProperties").Elements().Select(name => name.Value).Order()));
    }

    [Fact]
    public void Every_view_names_properties_that_are_there_and_never_the_value()
    {
        XDocument views = XDocument.Load(Path.Combine(Repository.ModuleFolder, "MagicBellJwt.Format.ps1xml"));
        foreach (XElement view in views.Descendants("View").Where(view => view.Descendants("PropertyName").Any()))
        {
            Type type = shipped.Types.Single(type => type.FullName == view.Descendants("TypeName").Single().Value);
            Assert.All(view.Descendants("PropertyName"), name => Assert.True(type.GetProperty(name.Value) is not null || HiddenOf(type).Contains(name.Value), name.Value));
            Assert.DoesNotContain(view.Descendants("PropertyName"), name => name.Value == "Token");
        }

        Assert.Empty(views.Descendants("ScriptBlock"));

        // Whatever a cmdlet writes has a view, so that nothing falls back to all of its properties.
        foreach (Type type in shipped.Cmdlets.SelectMany(cmdlet => cmdlet.Type.GetCustomAttributes<OutputTypeAttribute>()).SelectMany(output => output.Type).Select(output => output.Type).Distinct().Where(type => shipped.All.Contains(type.Assembly)))
        {
            Assert.Contains(views.Descendants("TypeName"), name => name.Value == type.FullName);
        }
    }

    private static readonly Lazy<XDocument> s_types = new(() => XDocument.Load(Path.Combine(Repository.ModuleFolder, "MagicBellJwt.Types.ps1xml")));

    private static XElement? DeclarationOf(Type type) => s_types.Value.Root!.Elements("Type").SingleOrDefault(element => element.Element("Name")!.Value == type.FullName);

    private static IEnumerable<string> HiddenOf(Type? type) => type is null
        ? []
        : HiddenOf(type.BaseType).Concat(DeclarationOf(type)?.Descendants("CodeProperty").Select(property => property.Element("Name")!.Value) ?? []);
}
