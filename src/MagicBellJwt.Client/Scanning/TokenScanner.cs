using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace MagicBellJwt.Client;

/// <summary>
/// Finds signed JSON Web Tokens in texts and files of any size, in constant memory: the next chunk is read while this one is searched.
/// It takes UTF-8, every encoding that extends ASCII, and UTF-16 with or without a byte order mark. One search at a time.
/// </summary>
/// <remarks>
/// A token begins with <c>eyJ</c> (base64 of <c>{"</c>), whatever stands before it: quotes, an address, a JSON escape such as <c>\n</c>.
/// It counts where its first two parts decode to JSON objects, the header names an algorithm, and there is a signature: for HS256 the first
/// 43 characters of what follows the second dot, for others all that is base64url. Tokens over 65,536 characters, encrypted ones (five
/// parts), unsigned ones and those broken over several lines are not found.
/// </remarks>
public sealed class TokenScanner
{
    private const int ChunkSize = 512 * 1024;

    // Room in front of each chunk for what the last one left over: at most one token, of two bytes a character.
    private const int CarrySize = 2 * JsonWebToken.MaximumLength;

    // As git does: a file with a NUL in its first 8,000 bytes is binary, unless it is UTF-16.
    private const int SampleSize = 8000;

    private const int Hs256SignatureLength = 43;

    // How often "eyJ" may be repeated right before a token: without a limit a hostile log would take quadratic time.
    private const int MaximumTries = 8;

    private static readonly bool[] s_isTokenCharacter = MakeTokenCharacters();

    private readonly List<FoundToken> _found = [];
    private byte[] _current = [];
    private byte[] _next = [];

    // Bytes a character, and for UTF-16 whether the low byte stands at even or odd places.
    private int _unit;
    private int _lowByte;
    private long _line;
    private long _column;
    private long _textLines;

    /// <summary>Whether the last file or stream was given up because it is binary: a NUL in its first 8,000 bytes, and not UTF-16.</summary>
    public bool WasBinary { get; private set; }

    /// <summary>Searches a text. The lines of several texts are counted on, each text beginning a new line.</summary>
    /// <exception cref="ArgumentNullException">There is no text.</exception>
    public IReadOnlyList<FoundToken> ScanText(string text)
    {
        if (text is null)
        {
            throw new ArgumentNullException(nameof(text));
        }

        _found.Clear();
        _line = _textLines + 1;
        _column = 1;
        _unit = 1;
        if (text.IndexOf("eyJ", StringComparison.Ordinal) >= 0)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            Scan(bytes, 0, bytes.Length, isLast: true);
        }

        for (int i = text.IndexOf('\n'); i >= 0; i = text.IndexOf('\n', i + 1))
        {
            _textLines++;
        }

        if (text.Length == 0 || text[text.Length - 1] != '\n')
        {
            _textLines++;
        }

        return [.. _found];
    }

    /// <summary>Searches a file, which others may go on writing, renaming and deleting. Nothing is opened before the first item is asked for.</summary>
    /// <param name="path">The file.</param>
    /// <param name="progress">Called on the caller's thread with the bytes searched so far, every half MiB; null for nobody.</param>
    /// <param name="cancellationToken">Ends the search at once, even while the system is busy opening or reading.</param>
    /// <exception cref="IOException">The file cannot be opened or read, and the other exceptions of <see cref="FileStream"/>.</exception>
    /// <exception cref="OperationCanceledException">The search was ended.</exception>
    public IEnumerable<FoundToken> ScanFile(string path, Action<long>? progress, CancellationToken cancellationToken) => Scan(
        () => new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1, FileOptions.SequentialScan),
        progress,
        cancellationToken);

    /// <summary>Searches a stream from where it stands to its end, and closes it.</summary>
    /// <param name="stream">The stream. It is read on another thread.</param>
    /// <param name="progress">As for <see cref="ScanFile"/>.</param>
    /// <param name="cancellationToken">As for <see cref="ScanFile"/>.</param>
    /// <exception cref="OperationCanceledException">The search was ended.</exception>
    public IEnumerable<FoundToken> ScanStream(Stream stream, Action<long>? progress, CancellationToken cancellationToken) =>
        Scan(() => stream, progress, cancellationToken);

    private IEnumerable<FoundToken> Scan(Func<Stream> open, Action<long>? progress, CancellationToken cancellationToken)
    {
        WasBinary = false;
        if (_next.Length == 0)
        {
            _current = new byte[CarrySize + ChunkSize];
            _next = new byte[CarrySize + ChunkSize];
        }

        Stream? stream = null;
        Task<int> reading = ReadAhead(_next);
        try
        {
            int carried = 0;
            int end = CarrySize;
            long searched = 0;
            bool isLast;
            do
            {
                // Not reading.Wait: a read that hangs in the operating system cannot be cancelled, only abandoned.
                Task.WaitAny([reading], cancellationToken);
                cancellationToken.ThrowIfCancellationRequested();
                int count = reading.GetAwaiter().GetResult();
                Buffer.BlockCopy(_current, end - carried, _next, CarrySize - carried, carried);
                (_current, _next) = (_next, _current);
                int start = CarrySize - carried;
                end = CarrySize + count;
                isLast = count < ChunkSize;
                if (!isLast)
                {
                    reading = ReadAhead(_next);
                }

                if (searched == 0 && !TryBegin(ref start, end))
                {
                    WasBinary = true;
                    yield break;
                }

                _found.Clear();
                carried = end - Scan(_current, start, end, isLast);
                foreach (FoundToken found in _found)
                {
                    yield return found;
                }

                searched += count;
                progress?.Invoke(searched);
            }
            while (!isLast);
        }
        finally
        {
            if (!reading.IsCompleted)
            {
                // The abandoned read may still write to this buffer.
                _next = [];
            }

            _ = reading.ContinueWith(_ => stream?.Dispose(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }

        Task<int> ReadAhead(byte[] buffer) => Task.Run(
            () =>
            {
                stream ??= open();
                int filled = 0;
                int read;
                do
                {
                    read = stream.Read(buffer, CarrySize + filled, ChunkSize - filled);
                    filled += read;
                }
                while (read > 0 && filled < ChunkSize);
                return filled;
            },
            CancellationToken.None);
    }

    // Tells the encoding by the first chunk; false for a binary file.
    private bool TryBegin(ref int start, int end)
    {
        _line = 1;
        _column = 1;
        _unit = 1;
        _lowByte = 0;
        byte[] buffer = _current;
        int length = end - start;
        if (length >= 3 && buffer[start] == 0xEF && buffer[start + 1] == 0xBB && buffer[start + 2] == 0xBF)
        {
            start += 3;
            return true;
        }

        int[] nuls = new int[2];
        int sample = Math.Min(length, SampleSize);
        for (int i = start; i < start + sample; i++)
        {
            nuls[i & 1] += buffer[i] == 0 ? 1 : 0;
        }

        bool hasMark = length >= 2 && (buffer[start] ^ buffer[start + 1]) == 1 && Math.Min(buffer[start], buffer[start + 1]) == 0xFE;
        if (!hasMark && nuls[0] + nuls[1] == 0)
        {
            return true;
        }

        // Text in UTF-16 has many characters below 256, with a NUL on one side of each, and hardly any on the other.
        _unit = 2;
        _lowByte = hasMark ? (buffer[start] == 0xFF ? 0 : 1) : nuls[0] < nuls[1] ? 0 : 1;
        start += hasMark ? 2 : 0;
        return hasMark || (nuls[_lowByte] <= nuls[1 - _lowByte] / 8 && nuls[1 - _lowByte] >= sample / 20);
    }

    // Looks for tokens in a part of the buffer, and says from where on the next chunk has to look again.
    private int Scan(byte[] buffer, int start, int end, bool isLast)
    {
        int counted = start;
        int again = Math.Max(start, end - 2 * _unit);
        int tries = 0;
        int headerEnd = 0;
        int at = start;
        while (at < end)
        {
            // Searched by J, the rarest of the three letters in logs and code.
            int rarest = Array.IndexOf(buffer, (byte)'J', at, end - at);
            if (rarest < 0)
            {
                break;
            }

            at = rarest + 1;
            int first = rarest - 2 * _unit;
            if (first < start || !Is(buffer, rarest, 'J', end) || !Is(buffer, rarest - _unit, 'y', end) || !Is(buffer, first, 'e', end))
            {
                continue;
            }

            int limit = Math.Min(end, first + JsonWebToken.MaximumLength * _unit);
            tries = rarest < headerEnd ? tries + 1 : 1;
            headerEnd = rarest < headerEnd ? headerEnd : RunEnd(buffer, rarest, limit);
            int payload = headerEnd + _unit;
            int payloadEnd = tries <= MaximumTries && Is(buffer, headerEnd, '.', limit) ? RunEnd(buffer, payload, limit) : headerEnd;
            int signature = payloadEnd + _unit;
            int signatureEnd = payloadEnd > payload && Is(buffer, payloadEnd, '.', limit) ? RunEnd(buffer, signature, limit) : payloadEnd;
            if (signatureEnd >= end && !isLast && limit == end)
            {
                // It may go on in the next chunk.
                again = first;
                break;
            }

            if (signatureEnd > signature && TryTake(buffer, first, signature, signatureEnd, out string value, out JsonWebToken? token))
            {
                // The search goes on right after it: a text that looks like a token may precede a real one.
                CountTo(buffer, ref counted, first);
                _found.Add(new FoundToken(_line, _column, value, token!));
                again = Math.Max(again, at);
            }
        }

        again = _unit == 2 ? again & ~1 : again;
        CountTo(buffer, ref counted, again);
        return again;
    }

    private bool TryTake(byte[] buffer, int first, int signature, int signatureEnd, out string value, out JsonWebToken? token)
    {
        // What follows an HS256 signature without a gap is not part of it: its length is known.
        int hs256End = signature + Hs256SignatureLength * _unit;
        if (hs256End <= signatureEnd)
        {
            value = Text(buffer, first, hs256End);
            if (JsonWebToken.TryDecode(value, out token) && token!.Algorithm == "HS256")
            {
                return true;
            }
        }

        value = Text(buffer, first, signatureEnd);
        return JsonWebToken.TryDecode(value, out token) && token!.Algorithm is not (null or "HS256");
    }

    private string Text(byte[] buffer, int from, int to)
    {
        char[] text = new char[(to - from) / _unit];
        for (int i = 0; i < text.Length; i++)
        {
            text[i] = (char)buffer[from + i * _unit];
        }

        return new string(text);
    }

    private int RunEnd(byte[] buffer, int from, int limit)
    {
        while (from < limit && s_isTokenCharacter[buffer[from]] && (_unit == 1 || IsWide(buffer, from, limit)))
        {
            from += _unit;
        }

        return from;
    }

    private bool Is(byte[] buffer, int at, char character, int limit) =>
        at < limit && buffer[at] == character && (_unit == 1 || IsWide(buffer, at, limit));

    // Whether the byte is the low one of a UTF-16 character below 256. Chunks begin at even places, in the file and in the buffer.
    private bool IsWide(byte[] buffer, int at, int limit) => (at & 1) == _lowByte && (at ^ 1) < limit && buffer[at ^ 1] == 0;

    private void CountTo(byte[] buffer, ref int counted, int to)
    {
        to = _unit == 2 ? to & ~1 : to;
        while (counted < to)
        {
            int feed = Array.IndexOf(buffer, (byte)'\n', counted, to - counted);
            if (feed < 0)
            {
                break;
            }

            if (Is(buffer, feed, '\n', to))
            {
                _line++;
                _column = 1;
                counted = _unit == 2 ? (feed | 1) + 1 : feed + 1;
            }
            else
            {
                int next = (feed | 1) + 1;
                _column += (next - counted) / 2;
                counted = next;
            }
        }

        if (_unit == 2)
        {
            _column += Math.Max(0, to - counted) / 2;
        }
        else
        {
            for (int i = counted; i < to; i++)
            {
                // Continuation bytes are no character of their own, and four bytes are two UTF-16 units.
                _column += (buffer[i] & 0xC0) != 0x80 ? buffer[i] >= 0xF0 ? 2 : 1 : 0;
            }
        }

        counted = Math.Max(counted, to);
    }

    private static bool[] MakeTokenCharacters()
    {
        var characters = new bool[256];
        foreach (char character in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        {
            characters[character] = true;
        }

        return characters;
    }
}
