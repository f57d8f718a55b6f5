using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace MagicBellJwt.Client;

/// <summary>
/// Finds signed JSON Web Tokens in texts and files of any size, in constant memory: the next chunk is read while this one is searched.
/// It takes UTF-8, every encoding that extends ASCII, and UTF-16, also within binary files. One search at a time.
/// </summary>
/// <remarks>
/// A token begins with <c>eyJ</c> (base64 of <c>{"</c>) or with what a header with a space or a line break begins with, whatever stands before it:
/// quotes, an address, a JSON escape such as <c>\n</c>. It counts where its first two parts decode to JSON objects, the header names an algorithm,
/// and there is a signature: for HS256 the first 43 characters of what follows the second dot, for others all that is base64url.
/// Found as well: a token that was broken over several lines, one with escapes in it, and one in base64, or in base64 twice (<see cref="TextView"/>,
/// <see cref="TokenBeginning"/>). Not found: tokens over 65,536 characters, encrypted ones (five parts), unsigned ones, and those whose first three
/// characters are on two lines, or escapes but for the first one.
/// </remarks>
public sealed class TokenScanner
{
    private const int ChunkSize = 512 * 1024;

    // Room in front of each chunk for what the last one left over: at most one token, of two bytes a character.
    private const int CarrySize = 2 * JsonWebToken.MaximumLength;

    // UTF-16 without a mark is known by the NULs in the first 8,000 bytes.
    private const int SampleSize = 8000;

    private const int Hs256SignatureLength = 43;

    // \\\\u0065 of JSON within JSON within JSON.
    private const int LongestEscape = 9;

    // How often a token may seem to begin within the same header: without a limit a hostile log would take quadratic time.
    private const int MaximumTries = 8;

    // In base64url characters; of RSA with 2048, 3072 and 4096 bits.
    private static readonly int[] s_lengthsOfHs256 = [Hs256SignatureLength];
    private static readonly int[] s_lengthsOfHs384 = [64];
    private static readonly int[] s_lengthsOf64Bytes = [86];
    private static readonly int[] s_lengthsOfEs384 = [128];
    private static readonly int[] s_lengthsOfEs512 = [176];
    private static readonly int[] s_lengthsOfRsa = [342, 512, 683];

    private readonly List<FoundToken> _found = [];
    private readonly List<Candidate> _candidates = [];
    private readonly BufferWindow _bytes = new();
    private readonly Base64Window[] _decoded = [new(), new()];
    private readonly TextView[] _views = [new(), new(), new()];
    private readonly char[] _text = new char[JsonWebToken.MaximumLength];
    private byte[] _current = [];
    private byte[] _next = [];

    // Bytes a character, and for UTF-16 whether the low byte stands at even or odd places.
    private int _unit;
    private int _lowByte;
    private long _line;
    private long _column;
    private long _textLines;

    /// <summary>What was not searched of the last file, in words that follow "it"; null where all was.</summary>
    public string? LeftOut { get; private set; }

    /// <summary>The most bytes that a packed file is unpacked to; 4 GiB unless given.</summary>
    public long UnpackedLimit { get; init; } = 4L << 30;

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
        _lowByte = 0;
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Scan(bytes, 0, bytes.Length, isLast: true);

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

    /// <summary>
    /// Searches a file, which others may go on writing, renaming and deleting. Nothing is opened before the first item is asked for. One that
    /// gzip packed is unpacked meanwhile, and its lines are those of what was packed.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="progress">Called on the caller's thread with the bytes searched so far, every half MiB; null for nobody.</param>
    /// <param name="cancellationToken">Ends the search at once, even while the system is busy opening or reading.</param>
    /// <exception cref="IOException">The file cannot be opened or read, and the other exceptions of <see cref="FileStream"/>.</exception>
    /// <exception cref="OperationCanceledException">The search was ended.</exception>
    public IEnumerable<FoundToken> ScanFile(string path, Action<long>? progress, CancellationToken cancellationToken) => Scan(
        () => PackedFile.Open(path, UnpackedLimit, what => LeftOut = what),
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
        LeftOut = null;
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

                if (searched == 0)
                {
                    start += Begin(start, end);
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

    // Tells the encoding by the first chunk, and how long its mark is.
    private int Begin(int start, int end)
    {
        _line = 1;
        _column = 1;
        _unit = 1;
        _lowByte = 0;
        byte[] buffer = _current;
        int length = end - start;
        if (length >= 3 && buffer[start] == 0xEF && buffer[start + 1] == 0xBB && buffer[start + 2] == 0xBF)
        {
            return 3;
        }

        int[] nuls = new int[2];
        int sample = Math.Min(length, SampleSize);
        for (int i = start; i < start + sample; i++)
        {
            nuls[i & 1] += buffer[i] == 0 ? 1 : 0;
        }

        // Text in UTF-16 has many characters below 256, with a NUL on one side of each, and hardly any on the other.
        bool hasMark = length >= 2 && (buffer[start] ^ buffer[start + 1]) == 1 && Math.Min(buffer[start], buffer[start + 1]) == 0xFE;
        int lowByte = hasMark ? (buffer[start] == 0xFF ? 0 : 1) : nuls[0] < nuls[1] ? 0 : 1;
        if (hasMark || (nuls[lowByte] <= nuls[1 - lowByte] / 8 && nuls[1 - lowByte] >= Math.Max(1, sample / 20)))
        {
            _unit = 2;
            _lowByte = lowByte;
        }

        return hasMark ? 2 : 0;
    }

    // Looks for tokens in a part of the buffer, and says from where on the next chunk has to look again.
    private int Scan(byte[] buffer, int start, int end, bool isLast)
    {
        int counted = start;
        long columnOfStart = _column;
        int again = Math.Max(start, end - 2 * TokenBeginning.MaximumLength);
        var direct = default(Tries);
        var joined = default(Tries);
        FindCandidates(buffer, start, end);
        foreach (Candidate candidate in _candidates)
        {
            int limit = Math.Min(end, candidate.First + CarrySize);
            string? value = null;
            JsonWebToken? token = null;
            bool isCut = false;
            bool mayDiffer = true;
            if (joined.May(candidate.First))
            {
                _bytes.Open(buffer, start, limit);
                value = Read(candidate, joins: true, columnOfStart, ref joined, out token);
                mayDiffer = _views[0].HasChanged;
                isCut = _bytes.WasAskedPastEnd;
            }

            if (value is null && mayDiffer && candidate.IsPlain && direct.May(candidate.First))
            {
                _bytes.Open(buffer, start, limit);
                value = Read(candidate, joins: false, columnOfStart, ref direct, out token);
                isCut |= _bytes.WasAskedPastEnd;
            }

            if (isCut && limit == end && !isLast)
            {
                // It may go on in the next chunk.
                again = candidate.First;
                break;
            }

            if (value is not null)
            {
                // The search goes on right after its beginning: a text that looks like a token may precede a real one.
                CountTo(buffer, ref counted, candidate.First);
                _found.Add(new FoundToken(_line, _column, value, token!));
                again = Math.Max(again, candidate.First + 1);
            }
        }

        again = _unit == 2 ? again & ~1 : again;
        CountTo(buffer, ref counted, again);
        return again;
    }

    // Of each text one pair of bytes is at an even distance from its start and one at an odd one, so every second place is enough.
    private void FindCandidates(byte[] buffer, int start, int end)
    {
        _candidates.Clear();
        _bytes.Open(buffer, start, end);
        byte[] kinds = TokenBeginning.PairKinds;
        int at = start;

        // Eight bytes at a time: twice as fast as byte by byte, and nearly always none is of a text.
        for (; at + sizeof(ulong) <= end; at += sizeof(ulong))
        {
            ulong bytes = BitConverter.ToUInt64(buffer, at);
            if ((kinds[(ushort)bytes] | kinds[(ushort)(bytes >> 16)] | kinds[(ushort)(bytes >> 32)] | kinds[(ushort)(bytes >> 48)]) != 0)
            {
                AddPairs(buffer, at, at + sizeof(ulong), start, end);
            }
        }

        AddPairs(buffer, at, end - 1, start, end);
        if (_candidates.Count > 1)
        {
            _candidates.Sort(static (left, right) => left.First.CompareTo(right.First));
        }
    }

    private void AddPairs(byte[] buffer, int from, int to, int start, int end)
    {
        for (int at = from; at < to; at += 2)
        {
            foreach (BeginningPair pair in TokenBeginning.PairsOfKind[TokenBeginning.PairKinds[BitConverter.ToUInt16(buffer, at)]])
            {
                int other = at + pair.OffsetOfOther;
                if (other >= start && other < end && buffer[other] == pair.Other)
                {
                    AddWhereItStands(pair, buffer, at, start, end);
                }
            }
        }
    }

    private void AddWhereItStands(BeginningPair pair, byte[] buffer, int at, int start, int end)
    {
        // In UTF-16 each letter has a NUL beside it. Text of UTF-16 may follow other text, as where a shell appended to a file.
        TokenBeginning beginning = pair.Beginning;
        int stride = pair.Stride;
        string text = beginning.Text;
        int first = at - pair.Offset;
        if (first - beginning.Before * stride < start || first + (text.Length - 1) * stride >= end)
        {
            return;
        }

        for (int i = 0; i < text.Length; i++)
        {
            int place = first + i * stride;
            if (buffer[place] != text[i] || (stride == 2 && i > 0 && buffer[place - 1] != 0))
            {
                return;
            }
        }

        if (stride == 2 && _unit == 2 && (first & 1) != _lowByte)
        {
            return;
        }

        first = beginning.IsEscaped ? EscapeBefore(first + stride, stride, start) : first - beginning.Before * stride;
        if (first >= 0)
        {
            _candidates.Add(new Candidate(first, stride, beginning));
        }
    }

    // Where the escape begins that ends at a place and stands for a token's first letter; -1 where there is none.
    private int EscapeBefore(int end, int stride, int start)
    {
        TextView view = _views[0];
        for (int at = end - 3 * stride; at >= start && at >= end - LongestEscape * stride; at -= stride)
        {
            view.Open(_bytes, at, stride, _lowByte == 1, joins: true, 0);
            if (view.Escaped(at, out int next) == 'e' && next == end)
            {
                return at;
            }
        }

        return -1;
    }

    // The token that a candidate begins; null where it begins none.
    private string? Read(Candidate candidate, bool joins, long columnOfStart, ref Tries tries, out JsonWebToken? token)
    {
        token = null;
        TextView view = _views[0];
        view.Open(_bytes, candidate.First, candidate.Stride, candidate.Stride == 2 && _lowByte == 1, joins, columnOfStart);
        int[] skippedBits = candidate.Beginning.SkippedBits;
        for (int i = 0; i < skippedBits.Length; i++)
        {
            bool isWide = candidate.Beginning.IsWide && i == skippedBits.Length - 1;
            _decoded[i].Open(view, skippedBits[i]);
            view = _views[i + 1];
            view.Open(_decoded[i], 0, isWide ? 2 : 1, isBigEndian: false, joins: true, 0);
        }

        int length = 0;
        bool hasHeader = TryReadPart(view, ref length);
        tries.Ended(_views[0].Place);
        if (!hasHeader || !TryReadPart(view, ref length) || Algorithm() is not { } algorithm || !TryReadSignature(view, algorithm, ref length))
        {
            return null;
        }

        string value = new(_text, 0, length);
        return JsonWebToken.TryDecode(value, out token) ? value : null;
    }

    // What is before the next dot, and the dot.
    private bool TryReadPart(TextView view, ref int length)
    {
        int start = length;
        view.ReadRun(_text, ref length);
        int character;
        while (TextView.IsOfToken(character = view.Read()) && length < _text.Length)
        {
            _text[length++] = (char)character;
            view.ReadRun(_text, ref length);
        }

        if (character != '.' || length == start || length == _text.Length)
        {
            return false;
        }

        _text[length++] = '.';
        return true;
    }

    // Of the header that was read.
    private string? Algorithm()
    {
        string header = new(_text, 0, Array.IndexOf(_text, '.'));
        return Base64Url.TryDecode(header, 0, header.Length, out byte[] bytes)
            && StrictJson.TryReadObject(bytes, out IReadOnlyDictionary<string, object?>? members)
            && members!.TryGetValue("alg", out object? algorithm)
                ? algorithm as string
                : null;
    }

    private bool TryReadSignature(TextView view, string algorithm, ref int length)
    {
        int start = length;
        int[] lengths = SignatureLengths(algorithm);
        bool isHs256 = algorithm == "HS256";
        while (true)
        {
            // What follows an HS256 signature without a gap is not part of it: its length is known. A token that was broken over lines has to end where a signature does.
            int read = length - start;
            if (Array.IndexOf(lengths, read) >= 0 && ((isHs256 && !view.HasJoined) || Ends(view)))
            {
                return true;
            }

            if ((isHs256 && read >= Hs256SignatureLength) || length == _text.Length)
            {
                return !isHs256 && !view.HasJoined && !TextView.IsOfToken(view.Peek());
            }

            int character = view.Read();
            if (!TextView.IsOfToken(character))
            {
                return !isHs256 && !view.HasJoined && read > 0;
            }

            _text[length++] = (char)character;
        }
    }

    // What is broken over lines may also be a token that was cut off, and then another text: that seldom ends right there.
    private static bool Ends(TextView view)
    {
        int next = view.Peek();
        return !TextView.IsOfToken(next) && !(view.HasJoined && (next is ':' or '.' or '/' or '+' or '@'));
    }

    private static int[] SignatureLengths(string algorithm) => algorithm switch
    {
        "HS256" => s_lengthsOfHs256,
        "HS384" => s_lengthsOfHs384,
        "HS512" or "ES256" or "EdDSA" => s_lengthsOf64Bytes,
        "ES384" => s_lengthsOfEs384,
        "ES512" => s_lengthsOfEs512,
        "RS256" or "RS384" or "RS512" or "PS256" or "PS384" or "PS512" => s_lengthsOfRsa,
        _ => [],
    };

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

    /// <summary>Where a token may begin.</summary>
    /// <param name="First">The first byte of it, or of its base64.</param>
    /// <param name="Stride">The bytes of a character.</param>
    /// <param name="Beginning">What stands there.</param>
    private readonly record struct Candidate(int First, int Stride, TokenBeginning Beginning)
    {
        /// <summary>Whether the token stands there as it is.</summary>
        public bool IsPlain => Beginning.SkippedBits.Length == 0 && !Beginning.IsEscaped;
    }

    /// <summary>How often a token was looked for within the same header.</summary>
    private struct Tries
    {
        private int _end;
        private int _count;

        public bool May(int first)
        {
            _count = first < _end ? _count + 1 : 1;
            return _count <= MaximumTries;
        }

        public void Ended(int end) => _end = Math.Max(_end, end);
    }
}
