using System;
using System.IO;

namespace MagicBellJwt.Tests.Shell;

/// <summary>A folder for the scripts of a test, gone with it.</summary>
internal sealed class ScriptFolder : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("MagicBellJwt");

    public string Path => folder.FullName;

    /// <returns>The full path of the script.</returns>
    public string Write(string name, string script)
    {
        string path = System.IO.Path.Combine(Path, name);
        File.WriteAllText(path, script);
        return path;
    }

    public void Dispose() => folder.Delete(recursive: true);
}
