using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;
using Xunit;

namespace MagicBellJwt.Tests.Loading;

/// <summary>What the shipped assemblies refer to, read from the files: nothing is loaded.</summary>
public sealed class AssemblyReferenceTests : IDisposable
{
    private static readonly string[] s_http = ["System.Net.Http.HttpClient", "System.Net.Http.HttpClientHandler", "System.Net.Http.HttpMessageInvoker", "System.Net.WebRequest"];

    private readonly List<PEReader> _files = [];
    private readonly MetadataReader[] _shipped;
    private readonly Dictionary<string, Version> _versions;

    public AssemblyReferenceTests()
    {
        _shipped = [.. Directory.GetFiles(Repository.ModuleFolder, "*.dll", SearchOption.AllDirectories).Select(Open)];
        _versions = _shipped.Select(reader => reader.GetAssemblyDefinition()).ToDictionary(assembly => assembly.GetAssemblyName().Name!, assembly => assembly.Version);
    }

    [Fact]
    public void The_versions_that_the_resolver_bridges_are_those_of_the_architecture_page()
    {
        string[] bridged = [.. References()
            .Where(reference => _versions.TryGetValue(reference.Name, out Version? shipped) && shipped != reference.Version)
            .Select(reference => $"| {reference.Asks} | {reference.Name} | {reference.Version} | {_versions[reference.Name]} |")];
        string[] documented = [.. File.ReadLines(Path.Combine(Repository.Root, "docs", "architecture.md")).Where(line => Regex.IsMatch(line, @"^\| .* \| [\d.]+ \| [\d.]+ \|$"))];

        Assert.Equal(bridged.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void No_assembly_asks_for_more_than_is_shipped_or_for_anything_that_Windows_PowerShell_lacks()
    {
        foreach ((string asks, string name, Version version) in References())
        {
            if (_versions.TryGetValue(name, out Version? shipped))
            {
                Assert.True(shipped >= version, $"{asks} asks for {name} {version}, and {shipped} is shipped.");
            }
            else
            {
                Assert.Contains((name, version), new[] { ("netstandard", new Version(2, 0, 0, 0)), ("System.Management.Automation", new Version(3, 0, 0, 0)) });
            }
        }
    }

    [Fact]
    public void Every_type_and_member_referred_to_is_there_in_NET_Framework_4_7_2_and_PowerShell_5_1()
    {
        // Two of the files are native code.
        string[] framework = [.. Directory.GetFiles(Metadata("NetFrameworkReferences"), "*.dll").Where(file => !file.EndsWith("Wrapper.dll", StringComparison.Ordinal) && !file.EndsWith("Thunk.dll", StringComparison.Ordinal))];
        var types = new TypeIndex([.. framework.Concat(Directory.GetFiles(Metadata("PowerShellStandard"), "*.dll")).Select(Open), .. _shipped]);

        string[] missing = [.. _shipped.SelectMany(reader => types.MissingFrom(reader).Select(item => reader.GetAssemblyDefinition().GetAssemblyName().Name + ": " + item))];

        Assert.Empty(missing);
        Assert.True(types.Checked > 1000, $"{types.Checked} references are too few to be all of them.");
    }

    [Fact]
    public void Nothing_but_the_client_can_reach_a_network_and_nothing_starts_a_program()
    {
        // All of System.Net that opens a connection or asks a name server; the client's HTTP is its one transport.
        (string Assembly, string Type)[] reaching = [.. from reader in _shipped
                                                        from handle in reader.TypeReferences
                                                        let type = reader.GetTypeReference(handle)
                                                        let name = reader.GetString(type.Namespace) + "." + reader.GetString(type.Name)
                                                        where Regex.IsMatch(name, @"^System\.Net\.(Sockets|Mail|WebSockets|NetworkInformation)\.(?!Socket(Exception|Error)$)|^System\.Net\.(\w*Web(Client|Request)|Dns|ServicePoint\w*|HttpListener)$|^System\.Net\.Http\.Http(Client|ClientHandler|MessageInvoker)$|^System\.IO\.Pipes\.|^System\.Diagnostics\.ProcessStartInfo$|^System\.ServiceModel\.")
                                                        select (reader.GetString(reader.GetAssemblyDefinition().Name), name)];

        Assert.Equal(["MagicBellJwt.Client"], reaching.Select(reference => reference.Assembly).Distinct());
        Assert.All(reaching, reference => Assert.Contains(reference.Type, s_http));
    }

    public void Dispose() => _files.ForEach(file => file.Dispose());

    private static string Metadata(string key) => typeof(AssemblyReferenceTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == key).Value!;

    private IEnumerable<(string Asks, string Name, Version Version)> References() =>
        from reader in _shipped
        from handle in reader.AssemblyReferences
        let reference = reader.GetAssemblyReference(handle)
        select (reader.GetAssemblyDefinition().GetAssemblyName().Name!, reader.GetString(reference.Name), reference.Version);

    private MetadataReader Open(string file)
    {
        var portable = new PEReader(File.OpenRead(file));
        _files.Add(portable);
        return portable.GetMetadataReader();
    }
}
