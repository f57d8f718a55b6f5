using System;
using System.Linq;
using System.Runtime.InteropServices;

namespace MagicBellJwt.Client.Rotation;

/// <summary>The folder where the platform keeps a program's state.</summary>
internal static class StateFolder
{
    /// <exception cref="MagicBellException">The environment names neither it nor a home.</exception>
    public static string Path => System.IO.Path.Combine(Root(), "MagicBellJwt");

    /// <summary>A file in it, under a name of which every file system takes each character.</summary>
    /// <exception cref="MagicBellException">The environment names neither it nor a home.</exception>
    public static string FileOf(string name, string extension)
    {
        string safe = new([.. name.Select(character => char.IsLetterOrDigit(character) && character < 128 || character is '.' or '-' or '_' ? char.ToLowerInvariant(character) : '-')]);
        return System.IO.Path.Combine(Path, safe.Substring(0, Math.Min(safe.Length, 120)) + extension);
    }

    private static string Root()
    {
        if (RuntimeInformation.IsOSPlatform(OSPlatform.Windows))
        {
            return NotEmpty(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData));
        }

        if (RuntimeInformation.IsOSPlatform(OSPlatform.OSX))
        {
            return System.IO.Path.Combine(Home(), "Library", "Application Support");
        }

        // The XDG Base Directory Specification says to ignore a relative path.
        string? state = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        return state is not null && System.IO.Path.IsPathRooted(state) ? state : System.IO.Path.Combine(Home(), ".local", "state");
    }

    private static string Home() => NotEmpty(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile));

    private static string NotEmpty(string folder) => folder.Length > 0
        ? folder
        : throw MagicBellException.Invalid("This account has no home folder to keep a journal or a history in. Say where with -JournalPath, or with Connect-MbProject -History.");
}
