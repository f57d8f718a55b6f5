using System;
using System.Collections.Concurrent;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Client.Rotation;
using Xunit;

namespace MagicBellJwt.Client.Tests.Rotation;

/// <summary>Files and folders of the owner alone.</summary>
public sealed class OwnerOnlyTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");

    [Fact]
    public async Task Nobody_else_can_open_a_file_or_a_folder_at_any_moment()
    {
        if (OperatingSystem.IsWindows())
        {
            // Windows has no file modes.
            return;
        }

        // Whoever opened a file in time would read what is written to it later.
        const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        var open = new ConcurrentDictionary<UnixFileMode, bool>();
        bool ended = false;
        Task watching = Task.Run(() =>
        {
            while (!Volatile.Read(ref ended))
            {
                foreach (string path in Directory.EnumerateFileSystemEntries(_folder.FullName))
                {
                    if (!OperatingSystem.IsWindows() && File.GetUnixFileMode(path) is var mode && (mode & Others) != 0)
                    {
                        open.TryAdd(mode, true);
                    }
                }
            }
        }, TestContext.Current.CancellationToken);

        for (int number = 0; number < 500; number++)
        {
            OwnerOnly.OpenFile(Path.Combine(_folder.FullName, "file" + number), FileShare.None).Dispose();
            OwnerOnly.CreateDirectory(Path.Combine(_folder.FullName, "folder" + number));
        }

        Volatile.Write(ref ended, true);
        await watching;
        Assert.Empty(open.Keys);
    }

    [Fact]
    public void A_file_that_was_there_keeps_its_mode()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        string path = Path.Combine(_folder.FullName, "there");
        File.WriteAllText(path, "text");
        File.SetUnixFileMode(path, (UnixFileMode)0b110_100_100);

        OwnerOnly.OpenFile(path, FileShare.None).Dispose();

        Assert.Equal((UnixFileMode)0b110_100_100, File.GetUnixFileMode(path));
        Assert.Equal("text", File.ReadAllText(path));
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
