using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace MagicBellJwt.Tests.Conventions;

/// <summary>The built folder, as the Gallery and those who install from it want it.</summary>
public sealed class ModuleFolderTests(ShippedAssemblies shipped) : IClassFixture<ShippedAssemblies>
{
    [Fact]
    public void Each_third_party_assembly_is_named_in_the_notices_with_a_licence_whose_text_is_there()
    {
        string notices = File.ReadAllText(Path.Combine(Repository.ModuleFolder, "THIRD-PARTY-NOTICES.md"));
        Match[] rows = Regex.Matches(notices, @"^\| (?<file>\S+\.dll) \| Copyright \(c\) [^|]+ \| (?<licence>\S+) \|$", RegexOptions.Multiline).ToArray();
        IEnumerable<string> thirdParty = Directory.GetFiles(Path.Combine(Repository.ModuleFolder, "dependencies")).Select(file => Path.GetFileName(file)).Where(file => !file.StartsWith("MagicBellJwt.", StringComparison.Ordinal));

        Assert.Equal(thirdParty.Order(StringComparer.Ordinal), rows.Select(row => row.Groups["file"].Value).Order(StringComparer.Ordinal));
        Assert.All(rows, row => Assert.Matches($@"(?s)\n## {Regex.Escape(row.Groups["licence"].Value)}\n.{{500,}}", notices));
    }

    [Fact]
    public void The_manifest_has_what_the_Gallery_shows()
    {
        var module = (PSModuleInfo)shipped.Engine.Run("Test-ModuleManifest $manifest", ("manifest", Repository.Manifest)).MustSucceed().Single().BaseObject;

        Assert.All(["PSEdition_Desktop", "PSEdition_Core", "Windows", "Linux", "MacOS"], tag => Assert.Contains(tag, module.Tags));
        Assert.All(module.Tags, tag => Assert.DoesNotContain(' ', tag));
        Assert.StartsWith(module.ProjectUri.AbsoluteUri, module.LicenseUri.AbsoluteUri, StringComparison.Ordinal);

        // The icon is the file of that path in the repository.
        string icon = Regex.Match(module.IconUri.AbsolutePath, "/main/(.+)$").Groups[1].Value;
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(Path.Combine(Repository.Root, icon))[..4]);
    }

    [Fact]
    public void The_release_notes_are_the_changelogs_section_for_this_version_or_else_for_the_next()
    {
        var module = (PSModuleInfo)shipped.Engine.Run("Test-ModuleManifest $manifest", ("manifest", Repository.Manifest)).MustSucceed().Single().BaseObject;
        Dictionary<string, string> sections = Regex.Matches(File.ReadAllText(Path.Combine(Repository.Root, "CHANGELOG.md")), @"^## \[(?<name>[^\]]+)\][^\n]*\n(?<text>.*?)(?=^## |\z)", RegexOptions.Multiline | RegexOptions.Singleline)
            .ToDictionary(section => section.Groups["name"].Value, section => section.Groups["text"].Value.Trim());

        Assert.Equal(sections.GetValueOrDefault(module.Version.ToString(), sections["Unreleased"]), module.ReleaseNotes.ReplaceLineEndings("\n"));
    }

    [Fact]
    public void Nothing_in_it_tells_where_it_was_built()
    {
        foreach (string file in Directory.GetFiles(Repository.ModuleFolder, "*", SearchOption.AllDirectories))
        {
            byte[] content = File.ReadAllBytes(file);
            Assert.True(content.AsSpan().IndexOf(Encoding.UTF8.GetBytes(Repository.Root)) < 0, file);
            Assert.True(content.AsSpan().IndexOf(Encoding.Unicode.GetBytes(Repository.Root)) < 0, file);
        }

        foreach (string file in shipped.All.Select(assembly => assembly.Location))
        {
            using var portable = new PEReader(File.OpenRead(file));
            using MetadataReaderProvider symbols = portable.ReadEmbeddedPortablePdbDebugDirectoryData(portable.ReadDebugDirectory().Single(entry => entry.Type == DebugDirectoryEntryType.EmbeddedPortablePdb));
            MetadataReader reader = symbols.GetMetadataReader();
            Assert.All(reader.Documents, document => Assert.StartsWith("/_/src/", reader.GetString(reader.GetDocument(document).Name), StringComparison.Ordinal));
        }
    }
}
