using System;
using System.IO;

namespace MagicBellJwt.Framework;

/// <summary>Where this program was built.</summary>
internal static class Repository
{
    /// <summary>The root: the folder of MagicBellJwt.sln.</summary>
    internal static string Folder { get; } = Find();

    private static string Find()
    {
        DirectoryInfo? folder = new(AppDomain.CurrentDomain.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "MagicBellJwt.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException("This program runs where it was built: below the folder of MagicBellJwt.sln.");
    }
}
