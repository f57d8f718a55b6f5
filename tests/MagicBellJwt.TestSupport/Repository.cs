using System;
using System.IO;

namespace MagicBellJwt.TestSupport;

/// <summary>Where things are, seen from the folder of the program that runs: it runs where it was built.</summary>
public static class Repository
{
    /// <summary>The folder of MagicBellJwt.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The folder of the built module.</summary>
    public static string ModuleFolder { get; } = Path.Combine(Root, "out", "MagicBellJwt");

    /// <summary>The manifest of the built module.</summary>
    public static string Manifest { get; } = Path.Combine(ModuleFolder, "MagicBellJwt.psd1");

    /// <summary>A file of another program of the repository, built in the same configuration as this one.</summary>
    /// <param name="project">The project's folder, from the root.</param>
    /// <param name="file">The file's name.</param>
    public static string OutputOf(string project, string file)
    {
        // bin/<configuration>/<framework>, of which .NET Framework's tests have another.
        var framework = new DirectoryInfo(AppDomain.CurrentDomain.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        return Path.Combine(Root, project, "bin", framework.Parent!.Name, "net10.0", file);
    }

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppDomain.CurrentDomain.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "MagicBellJwt.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException("This program runs where it was built: below the folder of MagicBellJwt.sln.");
    }
}
