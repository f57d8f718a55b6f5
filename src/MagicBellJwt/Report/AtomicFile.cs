using System;
using System.IO;
using System.Reflection;
using MagicBellJwt.Client.Rotation;

namespace MagicBellJwt;

/// <summary>A file that appears under its name when it is whole, or not at all.</summary>
internal sealed class AtomicFile : IDisposable
{
    private readonly string _path;
    private readonly string _temporary;
    private bool _isDone;

    /// <summary>Begins the file, beside the one it is to replace: a place that cannot be written to is known at once.</summary>
    /// <param name="path">The file to replace.</param>
    /// <param name="isSecret">Whether nobody but the owner may read it before it has the permissions of the file that it replaces.</param>
    internal AtomicFile(string path, bool isSecret = false)
    {
        _path = path;
        _temporary = Path.Combine(Path.GetDirectoryName(path)!, $".{Guid.NewGuid():N}.tmp");
        Stream = isSecret ? OwnerOnly.OpenFile(_temporary, FileShare.None) : new FileStream(_temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None);
    }

    internal FileStream Stream { get; }

    /// <summary>Puts the file in its place.</summary>
    /// <param name="overwrite">Whether it may replace another.</param>
    internal void Commit(bool overwrite)
    {
        Stream.Flush(flushToDisk: true);
        Stream.Dispose();
        if (!overwrite || !File.Exists(_path))
        {
            File.Move(_temporary, _path);
        }
        else
        {
            // Replace keeps the permissions of the old file on Windows; elsewhere they are copied.
            bool isReadOnly = (File.GetAttributes(_path) & FileAttributes.ReadOnly) != 0;
            CopyMode();
            SetReadOnly(false, isReadOnly);
            File.Replace(_temporary, _path, null);
            SetReadOnly(true, isReadOnly);
        }

        _isDone = true;
    }

    /// <summary>Leaves nothing behind of a file that was not put in its place.</summary>
    public void Dispose()
    {
        Stream.Dispose();
        if (!_isDone)
        {
            File.Delete(_temporary);
        }
    }

    private void SetReadOnly(bool value, bool applies)
    {
        if (applies)
        {
            new FileInfo(_path).IsReadOnly = value;
        }
    }

    // By reflection: .NET has it since 7, and PowerShell outside Windows always runs on .NET.
    private void CopyMode()
    {
        if (Path.DirectorySeparatorChar == '/' && typeof(File).GetMethod("GetUnixFileMode", [typeof(string)]) is { } get)
        {
            MethodInfo set = typeof(File).GetMethod("SetUnixFileMode", [typeof(string), get.ReturnType])!;
            set.Invoke(null, [_temporary, get.Invoke(null, [_path])]);
        }
    }
}
