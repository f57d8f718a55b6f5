using System;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Reflection;
using System.Reflection.Emit;

namespace MagicBellJwt.Benchmarks;

/// <summary>The modules that the import of ours is compared with, in a folder that is deleted afterwards.</summary>
internal sealed class ModuleFolders : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mb-modules-");

    /// <summary>Makes a module with one cmdlet and no dependencies.</summary>
    /// <returns>Its manifest.</returns>
    public string OneCmdlet()
    {
        string folder = _folder.CreateSubdirectory("OneCmdlet").FullName;
        var assembly = new PersistedAssemblyBuilder(new AssemblyName("OneCmdlet"), typeof(object).Assembly);
        TypeBuilder type = assembly.DefineDynamicModule("OneCmdlet").DefineType("GetNothingCommand", TypeAttributes.Public | TypeAttributes.Sealed, typeof(Cmdlet));
        type.SetCustomAttribute(new CustomAttributeBuilder(typeof(CmdletAttribute).GetConstructor([typeof(string), typeof(string)])!, [VerbsCommon.Get, "Nothing"]));
        type.CreateType();
        assembly.Save(Path.Combine(folder, "OneCmdlet.dll"));
        return Write(folder, "OneCmdlet.psd1", "@{ RootModule = 'OneCmdlet.dll'; ModuleVersion = '1.0.0'; CmdletsToExport = @('Get-Nothing'); FunctionsToExport = @(); AliasesToExport = @(); VariablesToExport = @() }");
    }

    /// <summary>Lays out our module as most are: every assembly beside the manifest, which loads them all.</summary>
    /// <returns>Its manifest.</returns>
    public string Flat()
    {
        string folder = _folder.CreateSubdirectory("MagicBellJwt").FullName;
        string module = Path.GetDirectoryName(Repository.Manifest)!;
        foreach (string file in Directory.GetFiles(module, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        // .NET has the System.* assemblies itself.
        string assemblies = string.Join(", ", Directory.GetFiles(Path.Combine(module, "dependencies"))
            .Select(Path.GetFileName).Where(name => !name!.StartsWith("System.", StringComparison.Ordinal)).Select(name => $"'{name}'"));
        string manifest = File.ReadAllText(Repository.Manifest);
        const string Ours = "@('MagicBellJwt.dll')";
        return manifest.Contains(Ours, StringComparison.Ordinal)
            ? Write(folder, "MagicBellJwt.psd1", manifest.Replace(Ours, $"@({assemblies}, 'MagicBellJwt.dll')", StringComparison.Ordinal))
            : throw new InvalidOperationException("The manifest's RequiredAssemblies are not what they were.");
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static string Write(string folder, string name, string text)
    {
        string path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
