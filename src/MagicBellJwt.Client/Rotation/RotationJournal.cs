using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using Newtonsoft.Json;

namespace MagicBellJwt.Client.Rotation;

/// <summary>
/// What rotations have done and are about to do, in a file of JSON lines that survives the process. Each line is on the disk before
/// <see cref="Write"/> returns. The file can be read by its owner only, and holds ids, fingerprints, keys, steps, times and names.
/// </summary>
/// <remarks>Open for one at a time: the operating system takes the lock away from a process that died. Safe for concurrent calls.</remarks>
public sealed class RotationJournal : IDisposable
{
    /// <summary>Longer journals are rewritten without the rotations that are finished.</summary>
    private const int LongestJournal = 400;

    private const string LineStart = "{\"rotation\":\"";
    private const int IdLength = 36;
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    private static readonly UTF8Encoding s_utf8 = new(false);

    private readonly object _gate = new();
    private readonly List<RotationEntry> _entries = [];
    private readonly List<(Guid Rotation, string Line)> _lines = [];
    private readonly FileStream? _lock;
    private readonly bool _isReadOnly;
    private readonly bool _isKeptElsewhere;
    private bool _isTemporary;
    private FileStream? _file;

    private RotationJournal(string path, bool readOnly)
    {
        Path = System.IO.Path.GetFullPath(path);
        _isReadOnly = readOnly;
        if (readOnly)
        {
            ReadWholeLines();
            return;
        }

        // Checked before anything is created beside it: an existing file must be a journal.
        _ = new RotationJournal(path, readOnly: true);
        OwnerOnly.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        _lock = Lock(Path + ".lock");
        try
        {
            Load();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private RotationJournal(string place, string text)
    {
        Path = place;
        _isKeptElsewhere = true;
        Read(s_utf8.GetBytes(text.Length > 0 ? text + "\n" : ""));
    }

    /// <summary>The file; of a journal that is kept elsewhere, its place in words.</summary>
    public string Path { get; }

    /// <summary>The clock that the steps are written by: this machine's unless it is set. The server's is the one that all machines share that have the journal.</summary>
    public Func<DateTimeOffset> Clock { get; set; } = () => DateTimeOffset.UtcNow;

    /// <summary>The rotations, the oldest first.</summary>
    public IReadOnlyList<RotationEntry> Entries
    {
        get
        {
            lock (_gate)
            {
                return _entries.ToArray();
            }
        }
    }

    /// <summary>Opens a journal, and keeps everybody else out of it until it is disposed.</summary>
    /// <param name="path">The file; it and its folder are made where they are missing.</param>
    /// <param name="isTemporary">Whether the file is deleted when it is closed and nothing in it is left to do.</param>
    /// <exception cref="MagicBellException">
    /// <see cref="MagicBellError.Conflict"/>: another rotation has it open. <see cref="MagicBellError.RotationFailed"/>: it cannot be
    /// written, or a line other than a last one cut short cannot be read.
    /// </exception>
    public static RotationJournal Open(string path, bool isTemporary = false) => Guard(path, () => new RotationJournal(path, readOnly: false) { _isTemporary = isTemporary });

    /// <summary>Reads a journal without a lock, and changes nothing, not even a missing file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="MagicBellException">It cannot be read.</exception>
    public static RotationJournal Peek(string path) => Guard(path, () => new RotationJournal(path, readOnly: true));

    /// <summary>Makes a journal of text that is kept in another place than a file. It has no lock, and whoever makes it keeps <see cref="Text"/> after each step.</summary>
    /// <param name="text">What was kept; empty for a new journal.</param>
    /// <param name="place">Where, in words.</param>
    /// <exception cref="MagicBellException">A line of it cannot be read.</exception>
    public static RotationJournal OfText(string text, string place) => new(place, text);

    /// <summary>Of a journal that is kept elsewhere: what is to be kept now, without what no later run has to know.</summary>
    public string Text
    {
        get
        {
            lock (_gate)
            {
                RotationEntry[] needed = Needed();

                // Never empty again: not every vault takes an empty secret.
                var ids = new HashSet<Guid>((needed.Length > 0 ? needed : _entries.Skip(_entries.Count - 1)).Select(entry => entry.Id));
                return string.Join("\n", _lines.Where(line => ids.Contains(line.Rotation)).Select(line => line.Line));
            }
        }
    }

    /// <summary>Where a project's journal is unless somebody says otherwise.</summary>
    /// <param name="address">The API's address: its host counts, and its port where that is not the scheme's own.</param>
    /// <param name="project">The project.</param>
    /// <exception cref="MagicBellException">The platform names no folder for it.</exception>
    public static string PathOf(Uri address, string project)
    {
        string path = PathOf(address.Authority + "_" + project);

        // Earlier versions left out the port.
        string earlier = PathOf(address.Host + "_" + project);
        return !File.Exists(path) && File.Exists(earlier) ? earlier : path;
    }

    /// <summary>Begins a rotation: on the disk when this returns.</summary>
    /// <param name="project">The project: its address's host and its id.</param>
    /// <param name="kind"><c>project</c> or <c>user</c>.</param>
    /// <param name="oldId">The id of the token that is replaced.</param>
    /// <param name="name">The name of both; null for none.</param>
    /// <param name="userId">The user's id; null for a project's token.</param>
    /// <param name="key">The idempotency key of the create.</param>
    /// <param name="lifetime">The new token's lifetime in seconds; null for no end.</param>
    /// <param name="vault">The vault that the new token goes to; null for none.</param>
    /// <param name="storedByScript">Whether a script block stores it.</param>
    /// <param name="overlap">How long the old token stays after the new one is stored; zero for not at all.</param>
    /// <param name="before">The ids of the tokens of that name that the list shows now.</param>
    /// <param name="file">The file that the new token goes to; null for none.</param>
    /// <exception cref="MagicBellException">The journal cannot be written.</exception>
    public RotationEntry Begin(string project, string kind, string oldId, string? name, string? userId, Guid key, long? lifetime, string? vault, bool storedByScript, TimeSpan overlap, IEnumerable<string> before, string? file = null)
    {
        var entry = new RotationEntry(Guid.NewGuid());
        Write(
            entry,
            RotationStep.Begun,
            ("project", project),
            ("kind", kind),
            ("old", oldId),
            ("name", name),
            ("user", userId),
            ("key", key.ToString("D")),
            ("lifetime", lifetime?.ToString(CultureInfo.InvariantCulture)),
            ("vault", vault),
            ("file", file),
            ("script", storedByScript ? "true" : null),
            ("overlap", overlap > TimeSpan.Zero ? overlap.ToString("c", CultureInfo.InvariantCulture) : null),
            ("before", string.Join(" ", before)));
        lock (_gate)
        {
            _entries.Add(entry);
        }

        return entry;
    }

    /// <summary>Takes a rotation to its next step: on the disk when this returns.</summary>
    /// <param name="entry">The rotation.</param>
    /// <param name="step">The step.</param>
    /// <param name="facts">What is known from then on: <c>new</c>, <c>fingerprint</c>, <c>secret</c>, <c>due</c>, <c>revoked</c> (times by <see cref="Time"/>), <c>orphans</c> (ids with spaces between).</param>
    /// <exception cref="MagicBellException">The journal cannot be written.</exception>
    public void Write(RotationEntry entry, RotationStep step, params (string Name, string? Value)[] facts)
    {
        var line = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["rotation"] = entry.Id.ToString("D"),
            ["step"] = NameOf(step),
            ["time"] = Time(Clock()),
        };
        foreach ((string name, string? value) in facts)
        {
            if (value is not null)
            {
                line.Add(name, value);
            }
        }

        string json = JsonConvert.SerializeObject(line);
        byte[] text = s_utf8.GetBytes(json + "\n");
        Guard(Path, () =>
        {
            lock (_gate)
            {
                if (_isKeptElsewhere)
                {
                    _lines.Add((entry.Id, json));
                    Apply(entry, name => line.TryGetValue(name, out string? value) ? value : null);
                    return true;
                }

                FileStream file = _file ?? throw new ObjectDisposedException(nameof(RotationJournal));
                long length = file.Position + text.Length;
                file.Write(text, 0, text.Length);
                file.Flush(flushToDisk: true);
                if (file.Length != length)
                {
                    // A device takes everything and keeps nothing.
                    throw new IOException("It does not keep what is written to it.");
                }

                Apply(entry, name => line.TryGetValue(name, out string? value) ? value : null);
                return true;
            }
        });
    }

    /// <summary>A time as the journal writes it, in UTC.</summary>
    /// <param name="time">The time.</param>
    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);

    /// <summary>Closes the file and lets the next one in.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            bool isDeleted = _isTemporary && _file is not null && _entries.All(entry => entry.IsFinished);
            _file?.Dispose();
            _file = null;
            if (isDeleted)
            {
                File.Delete(Path);
            }

            // Windows deletes no file that is open.
            _lock?.Dispose();
            if (isDeleted)
            {
                File.Delete(Path + ".lock");
            }
        }
    }

    private static string PathOf(string name) => StateFolder.FileOf(name, ".rotations.jsonl");

    private static string NameOf(RotationStep step) => step.ToString().ToLowerInvariant();

    private static RotationStep? StepOf(string? name) => name == "kept" ? RotationStep.HandedOver
        : Enum.TryParse(name, ignoreCase: true, out RotationStep step) && NameOf(step) == name ? step
        : null;

    private static T Guard<T>(string path, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException or ObjectDisposedException)
        {
            throw new MagicBellException(MagicBellError.RotationFailed, $"The journal {path} cannot be used: {exception.Message}", exception);
        }
    }

    private static FileStream Lock(string path)
    {
        try
        {
            return OwnerOnly.OpenFile(path, FileShare.None);
        }
        catch (IOException exception) when (exception is not (DirectoryNotFoundException or PathTooLongException) && File.Exists(path))
        {
            throw new MagicBellException(MagicBellError.Conflict, "A rotation of this project is under way: another process or pipeline has the journal open.", exception);
        }
    }

    private void Load()
    {
        int whole = ReadWholeLines();
        if (_lines.Count > LongestJournal)
        {
            whole = Shorten();
        }

        _file = OwnerOnly.OpenFile(Path, FileShare.Read);
        _file.SetLength(whole);
        _file.Position = whole;
        _lines.Clear();
    }

    private int ReadWholeLines()
    {
        byte[] bytes = ReadAll();
        int whole = Read(bytes);

        // Only what is proven to be a journal is changed. A half line after whole ones must be the beginning of one, or the zeros that a file
        // system leaves where a crash came before the data; a file that has no whole line must begin as no other file does.
        return whole == bytes.Length || (whole == 0 ? IsFirstLine(bytes) : BeginsLikeALine(bytes, whole) || bytes.Skip(whole).All(item => item == 0)) ? whole : throw Unreadable(_lines.Count + 1);
    }

    private byte[] ReadAll()
    {
        OwnerOnly.RefuseSpecial(Path);
        if (!File.Exists(Path))
        {
            return [];
        }

        // Another process may write it meanwhile.
        using FileStream file = OwnerOnly.OpenToRead(Path);
        using var bytes = new MemoryStream();
        file.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static bool IsFirstLine(byte[] bytes)
    {
        const string Step = "\",\"step\":\"begun\",\"time\":\"";
        string text = Encoding.ASCII.GetString(bytes, 0, Math.Min(bytes.Length, LineStart.Length + IdLength + Step.Length));
        return text.StartsWith(LineStart, StringComparison.Ordinal)
            && text.EndsWith(Step, StringComparison.Ordinal)
            && text.Length == LineStart.Length + IdLength + Step.Length
            && Guid.TryParseExact(text.Substring(LineStart.Length, IdLength), "D", out _);
    }

    private static bool BeginsLikeALine(byte[] bytes, int start)
    {
        byte[] line = s_utf8.GetBytes(LineStart);
        return Enumerable.Range(0, Math.Min(line.Length, bytes.Length - start)).All(index => bytes[start + index] == line[index]);
    }

    /// <summary>Reads all whole lines.</summary>
    /// <returns>The length of what was read: a last line without its end was cut short by a crash, and nothing came after it.</returns>
    private int Read(byte[] bytes)
    {
        var entries = new Dictionary<Guid, RotationEntry>();
        int start = 0;
        for (int end; (end = Array.IndexOf(bytes, (byte)'\n', start)) >= 0; start = end + 1)
        {
            byte[] line = new byte[end - start];
            Array.Copy(bytes, start, line, 0, line.Length);
            if (!StrictJson.TryReadObject(line, out IReadOnlyDictionary<string, object?>? facts)
                || !Guid.TryParseExact(Fact("rotation"), "D", out Guid id)
                || StepOf(Fact("step")) is not { } step
                || !Rfc3339.TryParse(Fact("time") ?? "", out _)
                || (step == RotationStep.Begun) == entries.ContainsKey(id))
            {
                throw Unreadable(_lines.Count + 1);
            }

            if (step == RotationStep.Begun)
            {
                var begun = new RotationEntry(id);
                entries.Add(id, begun);
                _entries.Add(begun);
            }

            Apply(entries[id], Fact);
            _lines.Add((id, Encoding.UTF8.GetString(line)));

            string? Fact(string name) => facts!.TryGetValue(name, out object? value) ? value as string : null;
        }

        return start;
    }

    private static void Apply(RotationEntry entry, Func<string, string?> fact)
    {
        entry.Step = StepOf(fact("step"))!.Value;
        entry.StepAt = TimeOf("time") ?? entry.StepAt;
        if (entry.Step == RotationStep.Begun)
        {
            entry.BegunAt = entry.StepAt;
        }

        entry.Project = fact("project") ?? entry.Project;
        entry.Kind = fact("kind") ?? entry.Kind;
        entry.OldId = fact("old") ?? entry.OldId;
        entry.Name = fact("name") ?? entry.Name;
        entry.UserId = fact("user") ?? entry.UserId;
        entry.NewId = fact("new") ?? entry.NewId;
        entry.Fingerprint = fact("fingerprint") ?? entry.Fingerprint;
        entry.Vault = fact("vault") ?? entry.Vault;
        entry.File = fact("file") ?? entry.File;
        entry.Secret = fact("secret") ?? entry.Secret;
        entry.IsStoredByScript |= fact("script") is not null;
        entry.Overlap = TimeSpan.TryParseExact(fact("overlap"), "c", CultureInfo.InvariantCulture, out TimeSpan overlap) ? overlap : entry.Overlap;
        entry.DueAt = TimeOf("due") ?? entry.DueAt;
        entry.OldRevokedAt = TimeOf("revoked") ?? entry.OldRevokedAt;
        entry.Before = fact("before")?.Split([' '], StringSplitOptions.RemoveEmptyEntries) ?? entry.Before;
        entry.PossibleOrphans = fact("orphans")?.Split(' ') ?? entry.PossibleOrphans;

        DateTimeOffset? TimeOf(string name) => fact(name) is { } text && Rfc3339.TryParse(text, out DateTimeOffset time) ? time : null;
    }

    /// <summary>What a later run has to know: what is unfinished and who came after it, tokens that may be orphans, and which token each of today's has replaced.</summary>
    private RotationEntry[] Needed()
    {
        int firstUnfinished = _entries.FindIndex(entry => !entry.IsFinished);
        var replaced = new HashSet<string>(_entries.Where(entry => entry.IsCompleted).Select(entry => entry.OldId), StringComparer.OrdinalIgnoreCase);
        return
        [
            .. _entries.Where((entry, index) =>
                entry.PossibleOrphans.Count > 0 || (entry is { IsCompleted: true, NewId: { } newId } && !replaced.Contains(newId)) || (firstUnfinished >= 0 && index >= firstUnfinished)),
        ];
    }

    /// <summary>Rewrites the journal without what no later run has to know.</summary>
    /// <returns>The new length.</returns>
    private int Shorten()
    {
        RotationEntry[] kept = Needed();
        var ids = new HashSet<Guid>(kept.Select(entry => entry.Id));
        byte[] text = s_utf8.GetBytes(string.Concat(_lines.Where(line => ids.Contains(line.Rotation)).Select(line => line.Line + "\n")));

        // By a name that nobody else's file has.
        string unfinished = $"{Path}.{Guid.NewGuid():N}.new";
        try
        {
            using (FileStream file = OwnerOnly.OpenFile(unfinished, FileShare.None))
            {
                file.Write(text, 0, text.Length);
                file.Flush(flushToDisk: true);
            }

            File.Replace(unfinished, Path, null);
        }
        finally
        {
            File.Delete(unfinished);
        }

        _entries.Clear();
        _entries.AddRange(kept);
        return text.Length;
    }

    private MagicBellException Unreadable(int line) => new(
        MagicBellError.RotationFailed,
        string.Format(CultureInfo.InvariantCulture, "Line {0} of the journal {1} cannot be read, so nobody can tell how far its rotations came, or it is not a journal. Correct the line, {2}.", line, Path, _isKeptElsewhere ? "or remove the secret" : "move the file, or name another with -JournalPath"));
}
