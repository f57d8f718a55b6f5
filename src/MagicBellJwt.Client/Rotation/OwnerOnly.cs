using System;
using System.ComponentModel;
using System.IO;
using System.Reflection;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace MagicBellJwt.Client.Rotation;

/// <summary>Files and folders that nobody but their owner can read: by their mode on Unix, on Windows by the profile they are in.</summary>
public static class OwnerOnly
{
    private const int LongestText = 1 << 20;
    private const uint OwnerFile = 0x180; // 0600
    private const uint OwnerFolder = 0x1C0; // 0700

    // By reflection: .NET has them since 7, and PowerShell outside Windows always runs on .NET. Elsewhere others could open a new file for a moment.
    private static readonly Type? s_options = typeof(FileStream).Assembly.GetType("System.IO.FileStreamOptions") is { } options && options.GetProperty("UnixCreateMode") is not null ? options : null;
    private static readonly ConstructorInfo? s_newFile = s_options is null ? null : typeof(FileStream).GetConstructor([typeof(string), s_options]);
    private static readonly MethodInfo? s_newFolder = Array.Find(typeof(Directory).GetMethods(), method => method.Name == nameof(Directory.CreateDirectory) && method.GetParameters() is { Length: 2 } parameters && parameters[1].ParameterType.IsEnum);

    private static readonly bool s_isWindows = RuntimeInformation.IsOSPlatform(OSPlatform.Windows);

    /// <summary>Makes a folder where it is missing; an existing one is left as it is.</summary>
    public static void CreateDirectory(string path)
    {
        if (Directory.Exists(path))
        {
            return;
        }

        if (!s_isWindows && s_newFolder is not null)
        {
            Invoke(() => s_newFolder.Invoke(null, [path, Mode(s_newFolder.GetParameters()[1].ParameterType, OwnerFolder)]));
            return;
        }

        Directory.CreateDirectory(path);
        Restrict(path, OwnerFolder);
    }

    /// <summary>Opens a file to write, made where it is missing.</summary>
    /// <param name="path">The file.</param>
    /// <param name="share">What others may do with it meanwhile.</param>
    /// <exception cref="IOException">Another process has it open.</exception>
    public static FileStream OpenFile(string path, FileShare share)
    {
        if (!s_isWindows && s_newFile is not null)
        {
            return NewFile(path, share);
        }

        bool isNew = !File.Exists(path);

        // Without a buffer: what is written is written whole.
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, share, 1);
        try
        {
            // The mode of a file that was there is its owner's business: it may be a device.
            if (isNew)
            {
                Restrict(path, OwnerFile);
            }

            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Opens a file to read, whoever else has it open.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">It is a pipe or a device, or cannot be read.</exception>
    public static FileStream OpenToRead(string path)
    {
        FileStream file;
        try
        {
            // For both, where it may be: a pipe that is opened for reading alone waits for its writer, and no stop ends that.
            file = Open(FileAccess.ReadWrite);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException || (exception is IOException and not (FileNotFoundException or DirectoryNotFoundException)))
        {
            file = Open(FileAccess.Read);
        }

        if (file.CanSeek)
        {
            return file;
        }

        file.Dispose();
        throw new IOException("It is a pipe or a device.");

        FileStream Open(FileAccess access) => new(path, FileMode.Open, access, FileShare.ReadWrite | FileShare.Delete, 1, FileOptions.SequentialScan);
    }

    /// <summary>The text of a small file, or of a pipe.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">It cannot be read, or is longer than a MiB: a device may have no end.</exception>
    public static string ReadText(string path)
    {
        using var reader = new StreamReader(path);
        char[] text = new char[LongestText + 1];
        int length = 0;
        for (int count; length < text.Length && (count = reader.Read(text, length, text.Length - length)) > 0;)
        {
            length += count;
        }

        return length <= LongestText ? new string(text, 0, length) : throw new IOException("It is longer than a MiB.");
    }

    /// <summary>Refuses what is no file of its own: a folder, a device, a link to elsewhere. A missing file is none of them.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">It is one of them.</exception>
    public static void RefuseSpecial(string path)
    {
        // One question to the system. A missing file has all attributes.
        FileAttributes attributes = new FileInfo(path).Attributes;
        string? what = path.StartsWith("/dev/", StringComparison.Ordinal) && !path.StartsWith("/dev/shm/", StringComparison.Ordinal) ? "It is a device."
            : attributes == (FileAttributes)(-1) ? null
            : (attributes & FileAttributes.ReparsePoint) != 0 ? "It is a link."
            : (attributes & FileAttributes.Directory) != 0 ? "It is a folder."
            : null;
        if (what is not null)
        {
            throw new IOException(what);
        }
    }

    // The mode of a file that was there stays.
    private static FileStream NewFile(string path, FileShare share)
    {
        object options = Activator.CreateInstance(s_options!)!;
        Set("Mode", FileMode.OpenOrCreate);
        Set("Access", FileAccess.ReadWrite);
        Set("Share", share);
        Set("BufferSize", 1);
        Set("UnixCreateMode", Mode(Nullable.GetUnderlyingType(s_options!.GetProperty("UnixCreateMode")!.PropertyType)!, OwnerFile));
        return (FileStream)Invoke(() => s_newFile!.Invoke([path, options]))!;

        void Set(string name, object value) => s_options!.GetProperty(name)!.SetValue(options, value);
    }

    private static object Mode(Type type, uint mode) => Enum.ToObject(type, (int)mode);

    private static object? Invoke(Func<object?> call)
    {
        try
        {
            return call();
        }
        catch (TargetInvocationException failure)
        {
            ExceptionDispatchInfo.Capture(failure.InnerException!).Throw();
            throw;
        }
    }

    private static void Restrict(string path, uint mode)
    {
        if (!s_isWindows && ChangeMode(path, mode) != 0)
        {
            throw new IOException(new Win32Exception(Marshal.GetLastWin32Error()).Message + ": " + path);
        }
    }

    [DllImport("libc", EntryPoint = "chmod", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int ChangeMode(string path, uint mode);
}
