using System;
using System.IO;

namespace MagicBellJwt.Client.History;

/// <summary>Reads the lines of a history one by one, through all its files, in constant memory. A writer may go on meanwhile.</summary>
internal sealed class HistoryLines : IDisposable
{
    // A longer line is none of a history.
    private const int LongestLine = 1 << 20;

    private readonly string _path;
    private byte[] _buffer = new byte[256 << 10];
    private FileStream? _file;
    private int _start;
    private int _end;
    private int _fileNumber;

    /// <summary>Opens the first file.</summary>
    /// <exception cref="MagicBellException">It cannot be read.</exception>
    /// <param name="path">The first file.</param>
    /// <param name="length">How many bytes of the end to read, from the next whole line on; all unless given.</param>
    internal HistoryLines(string path, long length = long.MaxValue)
    {
        _path = path;
        Open(length < long.MaxValue && HistoryFile.NumbersOf(path) is { Length: > 0 } numbers ? numbers[numbers.Length - 1] : 1);
        if (_file!.Length > length)
        {
            _file.Position = _file.Length - length;
            NextInFile();
        }
    }

    /// <summary>The line, from its start at 0.</summary>
    internal byte[] Bytes { get; private set; } = [];

    /// <summary>Its length in <see cref="Bytes"/>, without the line break.</summary>
    internal int Length { get; private set; }

    /// <summary>Its number in its file, from 1.</summary>
    internal long Number { get; private set; }

    /// <summary>The file that it is in.</summary>
    internal string File { get; private set; } = "";

    /// <summary>Whether it ends with a line break: false for what a crash cut short.</summary>
    internal bool IsWhole { get; private set; }

    /// <summary>Goes on to the next line.</summary>
    /// <returns>False after the last one.</returns>
    /// <exception cref="MagicBellException">It cannot be read.</exception>
    internal bool Next()
    {
        try
        {
            while (!NextInFile())
            {
                // One in the middle may have been taken away: the numbers of the lines tell.
                int next = Array.Find(HistoryFile.NumbersOf(_path), number => number > _fileNumber);
                if (next == 0)
                {
                    return false;
                }

                Open(next);
            }

            return true;
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException)
        {
            throw Unreadable(failure);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();

    private void Open(int number)
    {
        _file?.Dispose();
        File = HistoryFile.FileOf(_path, number);
        try
        {
            Rotation.OwnerOnly.RefuseSpecial(File);
            _file = Rotation.OwnerOnly.OpenToRead(File);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw Unreadable(exception);
        }

        _fileNumber = number;
        _start = _end = 0;
        Number = 0;
    }

    private bool NextInFile()
    {
        int searched = _start;
        while (true)
        {
            int at = Array.IndexOf(_buffer, (byte)'\n', searched, _end - searched);
            if (at >= 0)
            {
                Give(at - _start, isWhole: true);
                _start = at + 1;
                return true;
            }

            searched = _end;
            if (!Fill(ref searched))
            {
                if (_end == _start)
                {
                    return false;
                }

                Give(_end - _start, isWhole: false);
                _start = _end;
                return true;
            }
        }
    }

    private bool Fill(ref int searched)
    {
        if (_start > 0)
        {
            Buffer.BlockCopy(_buffer, _start, _buffer, 0, _end - _start);
            searched -= _start;
            _end -= _start;
            _start = 0;
        }

        if (_end == _buffer.Length)
        {
            if (_end >= LongestLine)
            {
                throw new InvalidDataException("It is not a history: a line of it has no end.");
            }

            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        int read = _file!.Read(_buffer, _end, _buffer.Length - _end);
        _end += read;
        return read > 0;
    }

    private void Give(int length, bool isWhole)
    {
        if (Bytes.Length < length)
        {
            Bytes = new byte[Math.Max(length, 1024)];
        }

        Buffer.BlockCopy(_buffer, _start, Bytes, 0, length);
        Length = length;
        IsWhole = isWhole;
        Number++;
    }

    private MagicBellException Unreadable(Exception cause) => new(
        MagicBellError.HistoryFailed,
        System.IO.File.Exists(File) ? $"The history {File} cannot be read: {cause.Message}" : $"There is no history {File}.",
        cause);
}
