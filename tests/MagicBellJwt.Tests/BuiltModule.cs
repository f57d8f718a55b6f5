using System;
using System.IO;

namespace MagicBellJwt.Tests;

/// <summary>The folders that the build left: the module, ready for Import-Module, and the programs that stand beside these tests.</summary>
internal static class BuiltModule
{
    /// <summary>The root of the repository.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>The module's folder.</summary>
    public static string Folder { get; } = Path.Combine(Repository, "out", "MagicBellJwt");

    /// <summary>The module's manifest.</summary>
    public static string Manifest { get; } = Path.Combine(Folder, "MagicBellJwt.psd1");

    /// <summary>What is built of another project, with the configuration and framework of these tests.</summary>
    /// <param name="project">The project's folder, from the root.</param>
    /// <param name="file">The file.</param>
    public static string OutputOf(string project, string file)
    {
        var framework = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        return Path.Combine(Repository, project, "bin", framework.Parent!.Name, framework.Name, file);
    }

    private static string FindRepository()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "MagicBellJwt.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException("These tests run where they were built: below the folder of MagicBellJwt.sln.");
    }
}
