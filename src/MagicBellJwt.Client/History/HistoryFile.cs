using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Client.Rotation;

namespace MagicBellJwt.Client.History;

/// <summary>
/// Appends lines to a history. Each has its number and the SHA-256 of the line before it, across processes and across the files that a history is
/// closed into. Nothing that was written is changed, but for the half line that a crash left.
/// </summary>
/// <remarks>
/// Safe for concurrent calls, and for several processes: each holds <c>PATH.lock</c> for the moment of a write. What waits meanwhile is written
/// in one go, so that many at a time cost one flush. No handle stays open between two writes.
/// </remarks>
public sealed class HistoryFile
{
    /// <summary>A file of this length, in bytes, is closed, and the history goes on in the next.</summary>
    public const long LongestFile = 64L << 20;

    // A line is a few hundred bytes; what people may say in one is bounded (names, reasons).
    private const int LongestLine = 64 << 10;

    // Clocks of several machines differ by so much, and lines wait for each other.
    private static readonly TimeSpan s_clockTolerance = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan s_longestWait = TimeSpan.FromSeconds(15);
    private static readonly UTF8Encoding s_utf8 = new(false);

    private readonly object _gate = new();
    private readonly long _longestFile;
    private readonly bool _isFlushed;
    private List<Waiting> _waiting = [];
    private bool _isWriting;
    private int _number;
    private Head? _head;

    /// <summary>Names a history; nothing is opened or made.</summary>
    /// <param name="path">Its first file.</param>
    /// <param name="isFlushed">Whether a line that announces something is on the disk when it counts as written, and not only with the operating system.</param>
    /// <param name="longestFile">The length in bytes from which a file is closed.</param>
    public HistoryFile(string path, bool isFlushed = true, long longestFile = LongestFile)
    {
        Path = System.IO.Path.GetFullPath(path);
        _isFlushed = isFlushed;
        _longestFile = longestFile;
    }

    /// <summary>The first file.</summary>
    public string Path { get; }

    /// <summary>Is told, on any thread, what was mended or is odd: a half line, a clock that was set back. Null where nobody listens.</summary>
    public Action<string>? Notify { get; set; }

    /// <summary>The file of a number: the path itself for 1, then <c>name.2.jsonl</c> and so on.</summary>
    /// <param name="path">The first file.</param>
    /// <param name="number">1 or more.</param>
    public static string FileOf(string path, int number) => number == 1
        ? path
        : System.IO.Path.ChangeExtension(path, number.ToString(CultureInfo.InvariantCulture) + System.IO.Path.GetExtension(path));

    /// <summary>The numbers of the files that there are, in order.</summary>
    /// <param name="path">The first file.</param>
    internal static int[] NumbersOf(string path)
    {
        string folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        string name = System.IO.Path.GetFileNameWithoutExtension(path);
        string extension = System.IO.Path.GetExtension(path);
        return !Directory.Exists(folder) ? [] :
        [
            .. Directory.GetFiles(folder, name + "*" + extension)
                .Select(file => System.IO.Path.GetFileNameWithoutExtension(file) is var found && found == name ? 1
                    : int.TryParse(found.Substring(Math.Min(name.Length + 1, found.Length)), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && file.EndsWith(FileOf(name + extension, number), StringComparison.Ordinal) ? number
                    : 0)
                .Where(number => number > 0)
                .OrderBy(number => number),
        ];
    }

    /// <summary>Appends a line. It is written when the task ends.</summary>
    /// <param name="time">When, by this machine's clock.</param>
    /// <param name="facts">What it says, in order. A null is left out.</param>
    /// <param name="isAnnouncement">
    /// Whether nothing is to be done before it is on the disk. Other lines are given to the operating system: they survive the end of the process, and
    /// where a power cut takes one, its announcement says that the outcome is not known.
    /// </param>
    /// <param name="stop">Ends the wait for its turn. A line whose turn has come is written.</param>
    /// <returns>Its number, from 1.</returns>
    /// <exception cref="IOException">It could not be written: <see cref="UnauthorizedAccessException"/>, <see cref="InvalidDataException"/> too.</exception>
    /// <exception cref="OperationCanceledException">It was stopped, and is not written.</exception>
    public async Task<long> AppendAsync(DateTimeOffset time, IEnumerable<KeyValuePair<string, object?>> facts, bool isAnnouncement, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        var waiting = new Waiting(time, HistoryLine.Compose(time, facts), isAnnouncement);
        bool leads;
        lock (_gate)
        {
            _waiting.Add(waiting);
            leads = !_isWriting;
            _isWriting = true;
        }

        if (leads)
        {
            // On a thread of its own: the caller's may be the pipeline's, and a write may wait for other processes.
            _ = Task.Run(WriteWaiting, CancellationToken.None);
        }

        using (stop.Register(waiting.Cancel))
        {
            return await waiting.Written.Task.ConfigureAwait(false);
        }
    }

    private void WriteWaiting()
    {
        while (true)
        {
            List<Waiting> batch;
            lock (_gate)
            {
                batch = _waiting;
                if (batch.Count == 0)
                {
                    _isWriting = false;
                    return;
                }

                _waiting = [];
            }

            try
            {
                // Told when the files are closed and the lock is free again: what the callers do next may need them.
                foreach ((Waiting line, long number) in Write(batch))
                {
                    line.Written.TrySetResult(number);
                }
            }
            catch (Exception failure)
            {
                // Each caller hears it. A file that was taken away stays away: no new one is begun in its place.
                batch.ForEach(line => line.Written.TrySetException(failure));
            }
        }
    }

    private (Waiting Line, long Number)[] Write(List<Waiting> batch)
    {
        if (_head is null)
        {
            // Before anything is made beside it.
            OwnerOnly.RefuseSpecial(Path);
            OwnerOnly.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        }

        using FileStream? turn = Lock(batch);
        Waiting[] taken = [.. batch.Where(line => line.Take())];
        if (turn is null || taken.Length == 0)
        {
            return [];
        }

        using FileStream file = Open(out Head head);
        var text = new StringBuilder();
        var numbers = new long[taken.Length];
        for (int index = 0; index < taken.Length; index++)
        {
            TellOfClock(head.Time, taken[index].Time);
            Add(text, ref head, taken[index].Time, taken[index].Facts);
            numbers[index] = head.Sequence;
        }

        byte[] bytes = s_utf8.GetBytes(text.ToString());
        long before = file.Length;
        try
        {
            file.Position = before;
            file.Write(bytes, 0, bytes.Length);
            file.Flush(_isFlushed && Array.Exists(taken, line => line.IsAnnouncement));
            if (file.Length != before + bytes.Length)
            {
                // A device takes everything and keeps nothing.
                throw new IOException("It does not keep what is written to it.");
            }
        }
        catch (IOException)
        {
            Shorten(file, before);
            throw;
        }

        _head = head with { Length = file.Length };
        return [.. taken.Select((line, index) => (line, numbers[index]))];
    }

    // The numbers tell the order, whatever the clock says. That it went back is worth a word: the times of what follows are no evidence.
    private void TellOfClock(DateTimeOffset last, DateTimeOffset now)
    {
        if (last - now > s_clockTolerance)
        {
            Notify?.Invoke($"This machine's clock is behind the last line of the history {Path}, {HistoryLine.Time(last)}: it was set back, or another machine's is ahead. The line is recorded all the same, with the time as it is.");
        }
    }

    private static void Add(StringBuilder text, ref Head head, DateTimeOffset time, string facts)
    {
        string line = HistoryLine.Chain(head.Sequence + 1, head.Hash, facts);
        text.Append(line).Append('\n');
        head = new Head(head.Sequence + 1, HistoryLine.HashOf(s_utf8.GetBytes(line)), time, 0);
    }

    // What was half written says nothing, and the next writer would have to mend it.
    private static void Shorten(FileStream file, long length)
    {
        try
        {
            file.SetLength(length);
        }
        catch (IOException)
        {
            // The disk does not even take that. The next writer mends it.
        }
    }

    // Null where everybody who waits has been stopped.
    private FileStream? Lock(List<Waiting> batch)
    {
        DateTime end = DateTime.UtcNow + s_longestWait;
        for (int wait = 1; ; wait = Math.Min(wait * 2, 16))
        {
            if (batch.All(line => line.Written.Task.IsCompleted))
            {
                return null;
            }

            try
            {
                return OwnerOnly.OpenFile(Path + ".lock", FileShare.None);
            }
            catch (IOException exception) when (exception is not (DirectoryNotFoundException or PathTooLongException) && File.Exists(Path + ".lock") && DateTime.UtcNow < end)
            {
                Thread.Sleep(wait);
            }
        }
    }

    // The file to go on in, and the last line of the history.
    private FileStream Open(out Head head)
    {
        if (_number == 0)
        {
            _number = NumbersOf(Path) is { Length: > 0 } numbers ? numbers[numbers.Length - 1] : 1;
        }

        while (File.Exists(FileOf(Path, _number + 1)))
        {
            _number++;
            _head = _head is null ? null : _head with { Length = -1 };
        }

        string path = FileOf(Path, _number);
        OwnerOnly.RefuseSpecial(path);
        if (_head is not null && (new FileInfo(path) is var now) && !(now.Exists && now.Length >= _head.Length))
        {
            throw new IOException("It was taken away or cut since this session wrote to it. Look for it, and connect again.");
        }

        FileStream file = OwnerOnly.OpenFile(path, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            head = _head is { } known && known.Length == file.Length ? known : ReadHead(file);
            if (file.Length < _longestFile)
            {
                return file;
            }

            file.Dispose();
            _number++;
            _head = head with { Length = 0 };
            return OwnerOnly.OpenFile(FileOf(Path, _number), FileShare.ReadWrite | FileShare.Delete);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private Head ReadHead(FileStream file)
    {
        byte[] tail = ReadTail(file, LongestLine * 2);
        int end = Array.LastIndexOf(tail, (byte)'\n');
        int half = tail.Length - (end + 1);
        Head head = end >= 0 ? HeadOf(tail, end)
            : file.Length > tail.Length ? throw new InvalidDataException("It is not a history: it has no lines.")
            : HeadBefore();
        if (half > 0)
        {
            byte[] rest = new byte[half];
            Array.Copy(tail, end + 1, rest, 0, half);
            if (!HistoryLine.IsRestOfOne(rest, head.Sequence + 1, head.Hash, isAfterLines: end >= 0))
            {
                // Only what is proven to be a history's is taken out.
                throw new InvalidDataException(end < 0
                    ? "It is not a history: it does not begin like one. Name another file, or move this one away."
                    : "What stands after its last line is no line that a crash cut short, so nothing is added after it. Look at it, and take it away.");
            }

            file.SetLength(file.Length - half);
            file.Position = file.Length;
            var text = new StringBuilder();
            string what = string.Format(CultureInfo.InvariantCulture, "A line that was cut short, by a crash or a full disk, was taken out: {0} bytes after line {1}.", half, head.Sequence);
            DateTimeOffset now = DateTimeOffset.UtcNow;
            Add(text, ref head, now, HistoryLine.Compose(now, [new("op", HistoryLine.Repair), new("phase", "outcome"), new("outcome", what)]));
            byte[] bytes = s_utf8.GetBytes(text.ToString());
            file.Write(bytes, 0, bytes.Length);
            Notify?.Invoke($"The history {file.Name} was mended. {what}");
        }

        return head;
    }

    // For a file that is new: the last line of the one before it.
    private Head HeadBefore()
    {
        if (_number == 1)
        {
            return new Head(0, HistoryLine.NoHash, default, 0);
        }

        using var before = new FileStream(FileOf(Path, _number - 1), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        byte[] tail = ReadTail(before, LongestLine * 2);
        return tail.Length > 0 && tail[tail.Length - 1] == '\n' ? HeadOf(tail, tail.Length - 1) : throw new InvalidDataException($"The file before it, {before.Name}, does not end with a whole line.");
    }

    private static Head HeadOf(byte[] tail, int end)
    {
        int start = end == 0 ? 0 : Array.LastIndexOf(tail, (byte)'\n', end - 1) + 1;
        byte[] line = new byte[end - start];
        Array.Copy(tail, start, line, 0, line.Length);
        return HistoryLine.TryRead(line, line.Length, out HistoryLine? last)
            ? new Head(last!.Sequence, last.Hash, last.WrittenAt, 0)
            : throw new InvalidDataException("Its last line is not one of a history, so nothing is added after it. Test-MbTokenHistory -Verbose says what is wrong.");
    }

    private static byte[] ReadTail(FileStream file, int most)
    {
        byte[] tail = new byte[Math.Min(file.Length, most)];
        file.Position = file.Length - tail.Length;
        for (int read = 0; read < tail.Length;)
        {
            int count = file.Read(tail, read, tail.Length - read);
            read += count > 0 ? count : throw new EndOfStreamException();
        }

        return tail;
    }

    // The last line of the history, and the length of its file with it.
    private sealed record Head(long Sequence, string Hash, DateTimeOffset Time, long Length);

    private sealed class Waiting(DateTimeOffset time, string facts, bool isAnnouncement)
    {
        private int _state;

        public DateTimeOffset Time { get; } = time;

        public string Facts { get; } = facts;

        public bool IsAnnouncement { get; } = isAnnouncement;

        public TaskCompletionSource<long> Written { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool Take() => Interlocked.CompareExchange(ref _state, 1, 0) == 0;

        public void Cancel()
        {
            if (Interlocked.CompareExchange(ref _state, 2, 0) == 0)
            {
                Written.TrySetCanceled();
            }
        }
    }
}
