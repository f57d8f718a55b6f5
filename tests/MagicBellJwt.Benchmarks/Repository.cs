using System;
using System.IO;

namespace MagicBellJwt.Benchmarks;

/// <summary>Where things are, seen from this program's own folder.</summary>
internal static class Repository
{
    /// <summary>The folder of the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The manifest of the built module.</summary>
    public static string Manifest { get; } = Path.Combine(Root, "out", "MagicBellJwt", "MagicBellJwt.psd1");

    /// <summary>The sandbox server, built in the same configuration as this program.</summary>
    public static string SandboxServer { get; } =
        Path.Combine(Root, "tests", "MagicBellJwt.SandboxServer", Path.GetRelativePath(Path.Combine(Root, "tests", "MagicBellJwt.Benchmarks"), AppContext.BaseDirectory), "MagicBellJwt.SandboxServer.dll");

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "MagicBellJwt.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new DirectoryNotFoundException("This program runs from where it was built, below MagicBellJwt.sln.");
    }
}
