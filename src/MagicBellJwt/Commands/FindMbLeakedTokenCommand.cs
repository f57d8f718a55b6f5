using System;
using System.Collections;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Management.Automation;
using System.Security;
using MagicBellJwt.Client;

namespace MagicBellJwt.Commands;

/// <summary>Searches text, files and folders for tokens that should not be there, and with a session says which are listed, and which are live.</summary>
/// <remarks>
/// Without a session nothing is sent. With one, the lists that what was found may be in are read: the project's, and those of the first users
/// that its claims name.
/// A file that was named is read, however large and whatever it says of its size. One that a folder or a wildcard brought is left out where
/// it is over 16 GiB (disks of virtual machines, dumps) or has no size (empty, a pipe, a device; files of /proc have none and are read). Binary
/// files are searched as bytes, gzip files unpacked. What is left out of a file that was named is a warning; of folders and wildcards a
/// warning at the end counts it, and -Verbose names each. Links to folders are not followed.
/// </remarks>
[Cmdlet(VerbsCommon.Find, "MbLeakedToken", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium, DefaultParameterSetName = "Path", HelpUri = HelpPages.Folder + "Find-MbLeakedToken.md")]
[Alias("Find-MbLeakedJwt")]
[OutputType(typeof(LeakedToken))]
public sealed partial class FindMbLeakedTokenCommand : SessionCmdlet
{
    private const long HugeSize = 16L << 30;
    private const int TextsToLookAt = 100;
    private const int LongestPath = 1024;

    private static readonly char[] s_notInPaths = ['\n', '\r', '\0', '*', '?', '"', '<', '>', '|'];

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_betweenProgress = TimeSpan.FromMilliseconds(250);

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly SortedDictionary<string, int> _leftOut = new(StringComparer.Ordinal);
    private TokenScanner? _scanner;
    private TimeSpan _nextProgress = s_patience;
    private bool _showsProgress;
    private int _files;
    private int _found;
    private long _bytesBefore;
    private int _textsLookedAt;

    /// <summary>Files and folders to search; wildcards are allowed.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Path")]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[]? Path { get; set; }

    /// <summary>Files and folders to search, taken as they are written.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "LiteralPath")]
    [Alias("PSPath")]
    [ValidateNotNullOrEmpty]
    public string[]? LiteralPath { get; set; }

    /// <summary>Text to search, or files and folders as Get-ChildItem gives them.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = "InputObject")]
    [AllowNull]
    [AllowEmptyString]
    public PSObject? InputObject { get; set; }

    /// <summary>Searches the folders within folders too.</summary>
    [Parameter]
    [NotBlank]
    public SwitchParameter Recurse { get; set; }

    /// <inheritdoc/>
    private protected override void Process()
    {
        _scanner ??= new TokenScanner();
        foreach (string path in Path ?? [])
        {
            bool isNamed = !WildcardPattern.ContainsWildcardCharacters(path);
            foreach (string resolved in Resolve(path, isLiteral: false))
            {
                SearchPath(resolved, isNamed);
            }
        }

        foreach (string path in LiteralPath ?? [])
        {
            SearchLiteralPath(path);
        }

        // The searched text may be a secret: as a bound parameter it would be part of each verbose record and error record.
        MyInvocation.BoundParameters.Remove(nameof(InputObject));
        if (InputObject?.BaseObject is FileSystemInfo item)
        {
            SearchPath(item.FullName, isNamed: true);
        }
        else if (InputObject?.BaseObject is not string && InputObject?.Properties["PSPath"]?.Value is string path)
        {
            SearchLiteralPath(path);
        }
        else if (InputObject is not null)
        {
            SearchText(LanguagePrimitives.ConvertTo<string>(InputObject));
        }
    }

    /// <inheritdoc/>
    private protected override void End()
    {
        base.End();
        WarnOfWhatWasNotAsked();
        WarnOfWhatWasLeftOut();
        if (_showsProgress)
        {
            WriteProgress(new ProgressRecord(0, MyInvocation.MyCommand.Name, "done") { RecordType = ProgressRecordType.Completed });
        }
    }

    private void SearchText(string text)
    {
        WarnWhereItIsAPath(text);
        foreach (FoundToken found in _scanner!.ScanText(text))
        {
            WriteFound(null, found);
        }
    }

    private void SearchLiteralPath(string path)
    {
        foreach (string resolved in Resolve(path, isLiteral: true))
        {
            SearchPath(resolved, isNamed: true);
        }
    }

    private void SearchPath(string path, bool isNamed)
    {
        if (Directory.Exists(path))
        {
            SearchFolder(new DirectoryInfo(path));
        }
        else if (isNamed && !File.Exists(path))
        {
            WriteError(new ErrorRecord(new FileNotFoundException(ScreenText.Of($"There is no '{path}'.")), "MbPathNotFound", ErrorCategory.ObjectNotFound, path));
        }
        else
        {
            SearchFile(path, isNamed);
        }
    }

    private void SearchFolder(DirectoryInfo folder)
    {
        IEnumerable<FileSystemInfo> items = folder.EnumerateFileSystemInfos();
        IEnumerator<FileSystemInfo>? item = null;
        if (!TryRead(() => item = items.GetEnumerator(), folder.FullName))
        {
            return;
        }

        using (item)
        {
            while (MoveNext(item!, folder.FullName))
            {
                switch (item!.Current)
                {
                    case DirectoryInfo inner when Recurse && (inner.Attributes & FileAttributes.ReparsePoint) == 0:
                        SearchFolder(inner);
                        break;
                    case DirectoryInfo inner when Recurse:
                        LeaveOut(inner.FullName, "is a link to a folder", isNamed: false);
                        break;
                    case FileInfo file:
                        SearchFile(file.FullName, isNamed: false);
                        break;
                }
            }
        }
    }

    private void SearchFile(string path, bool isNamed)
    {
        long length = 0;
        var file = new FileInfo(path);
        bool mayLeadNowhere = false;
        if (!TryRead(() => mayLeadNowhere = !isNamed && (file.Attributes & FileAttributes.ReparsePoint) != 0, path)
            || !TryRead(() => length = file.Length, path, mayLeadNowhere))
        {
            return;
        }

        if (!isNamed && length == 0 && !path.StartsWith("/proc/", StringComparison.Ordinal))
        {
            WriteVerbose($"Left out '{path}': it is empty, or no ordinary file.");
            return;
        }

        if (!isNamed && length > HugeSize)
        {
            LeaveOut(path, "is over 16 GiB and was not named itself", isNamed);
            return;
        }

        long searched = 0;
        using IEnumerator<FoundToken> found = _scanner!.ScanFile(path, bytes => ShowProgress(path, searched = bytes, length), StopToken).GetEnumerator();
        while (MoveNext(found, path, mayLeadNowhere))
        {
            WriteFound(path, found.Current);
        }

        _files++;
        _bytesBefore += searched;
        if (_scanner.LeftOut is { } what)
        {
            LeaveOut(path, what, isNamed);
        }
    }

    private void WriteFound(string? path, FoundToken found)
    {
        _found++;
        var leak = new LeakedToken(path, Shorten(path), found);
        LookUp(leak, found);
        WriteObject(leak);
        ThrowIfFatal();
    }

    // In one folder all paths begin alike, and a table has little room.
    private string? Shorten(string? path)
    {
        string folder = SessionState.Path.CurrentFileSystemLocation.ProviderPath.TrimEnd(System.IO.Path.DirectorySeparatorChar) + System.IO.Path.DirectorySeparatorChar;
        return path?.StartsWith(folder, StringComparison.Ordinal) == true ? path.Substring(folder.Length) : path;
    }

    private void LeaveOut(string path, string why, bool isNamed)
    {
        if (isNamed)
        {
            WriteWarning($"Not all of '{path}' was searched: it {why}.");
            return;
        }

        WriteVerbose($"Left out '{path}': it {why}.");
        _leftOut.TryGetValue(why, out int count);
        _leftOut[why] = count + 1;
    }

    private void WarnOfWhatWasLeftOut()
    {
        foreach (KeyValuePair<string, int> left in _leftOut)
        {
            WriteWarning($"Left out: {left.Value} of which each {left.Key}. -Verbose names them.");
        }
    }

    // Paths as text, such as those that another program lists. Looked at for the first texts only: a text may be one of millions of lines.
    private void WarnWhereItIsAPath(string text)
    {
        if (_textsLookedAt >= TextsToLookAt || text.Length is 0 or > LongestPath || text.IndexOfAny(s_notInPaths) >= 0)
        {
            return;
        }

        _textsLookedAt++;
        string path;
        try
        {
            path = SessionState.Path.GetUnresolvedProviderPathFromPSPath(text, out ProviderInfo provider, out _);
            if (provider.Name != "FileSystem")
            {
                return;
            }
        }
        catch (Exception failure) when (failure is SessionStateException or NotSupportedException or ArgumentException)
        {
            return;
        }

        if (File.Exists(path) || Directory.Exists(path))
        {
            _textsLookedAt = TextsToLookAt;
            WriteWarning($"'{text}' was searched as text, and it is the path of a file or a folder. To search that, give it to -Path, or pipe in what Get-Item or Get-ChildItem gives.");
        }
    }

    // Resolves a path. A wildcard that matches nothing gives nothing; a name that does not exist is an error.
    private string[] Resolve(string path, bool isLiteral)
    {
        try
        {
            ProviderInfo provider;
            string[] paths = isLiteral
                ? [SessionState.Path.GetUnresolvedProviderPathFromPSPath(path, out provider, out _)]
                : [.. SessionState.Path.GetResolvedProviderPathFromPSPath(path, out provider)];
            if (provider.Name == "FileSystem")
            {
                return paths;
            }

            WriteError(ErrorRecords.Create(MagicBellException.Invalid($"'{path}' is not in the file system."), path));
        }
        catch (Exception failure) when (failure is SessionStateException or WildcardPatternException)
        {
            WriteError(new ErrorRecord(failure, "MbPathNotFound", ErrorCategory.ObjectNotFound, path));
        }

        return [];
    }

    // Only reading can fail here. Nothing is written inside, so no exception of the pipeline is caught.
    private bool MoveNext(IEnumerator items, string path, bool mayLeadNowhere = false)
    {
        bool hasMoved = false;
        return TryRead(() => hasMoved = items.MoveNext(), path, mayLeadNowhere) && hasMoved;
    }

    private bool TryRead(Action read, string path, bool mayLeadNowhere = false)
    {
        try
        {
            StopToken.ThrowIfCancellationRequested();
            read();
            return true;
        }
        catch (OperationCanceledException)
        {
            throw new PipelineStoppedException();
        }
        catch (Exception failure) when (mayLeadNowhere && (failure is FileNotFoundException or DirectoryNotFoundException))
        {
            WriteVerbose($"Left out '{path}': it is a link to what is not there.");
            return false;
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException or UnauthorizedAccessException or SecurityException or NotSupportedException or ArgumentException)
        {
            WriteError(new ErrorRecord(failure, "MbFileUnreadable", ErrorCategory.ReadError, path));
            return false;
        }
    }

    private void ShowProgress(string path, long searched, long length)
    {
        if (_clock.Elapsed < _nextProgress)
        {
            return;
        }

        _nextProgress = _clock.Elapsed + s_betweenProgress;
        _showsProgress = true;
        double mebibytes = (_bytesBefore + searched) / (1024.0 * 1024.0);
        double rate = mebibytes / _clock.Elapsed.TotalSeconds;
        WriteProgress(new ProgressRecord(0, MyInvocation.MyCommand.Name, string.Format(
            CultureInfo.InvariantCulture,
            "{0} files and {1:0} MiB searched, {2:0} MiB/s, {3} tokens found",
            _files,
            mebibytes,
            rate,
            _found))
        {
            CurrentOperation = path,
            PercentComplete = length > 0 ? (int)Math.Min(100, 100.0 * searched / length) : -1,
            SecondsRemaining = (int)Math.Min(int.MaxValue, Math.Max(0, length - searched) / (1024.0 * 1024.0) / rate),
        });
    }
}
