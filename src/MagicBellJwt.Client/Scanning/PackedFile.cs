using System;
using System.IO;
using System.IO.Compression;
using System.Linq;

namespace MagicBellJwt.Client;

/// <summary>A file as it is searched: what gzip packed is unpacked, up to a limit.</summary>
internal sealed class PackedFile : Stream
{
    // What such a file begins with, and what it is. Only what these store as it is can be found in their bytes.
    private static readonly (byte[] Start, string Kind)[] s_otherKinds =
    [
        ([0x50, 0x4B, 3, 4], "a zip archive"),
        ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "a 7z archive"),
        ([0x52, 0x61, 0x72, 0x21, 0x1A, 7], "a rar archive"),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "packed by xz"),
        ([0x28, 0xB5, 0x2F, 0xFD], "packed by zstd"),
        ([0x42, 0x5A, 0x68], "packed by bzip2"),
        ([0x04, 0x22, 0x4D, 0x18], "packed by lz4"),
    ];

    private readonly GZipStream _unpacked;
    private readonly Action _cut;
    private long _left;

    private PackedFile(Stream file, long limit, Action cut)
    {
        _unpacked = new GZipStream(file, CompressionMode.Decompress);
        _left = limit;
        _cut = cut;
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Opens a file, which others may go on writing, renaming and deleting.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limit">The most bytes to unpack to.</param>
    /// <param name="leftOut">Told what cannot be searched, in words that follow "it".</param>
    public static Stream Open(string path, long limit, Action<string> leftOut)
    {
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1, FileOptions.SequentialScan);
        if (!file.CanSeek)
        {
            return file;
        }

        byte[] start = new byte[6];
        int count = file.Read(start, 0, start.Length);
        file.Seek(0, SeekOrigin.Begin);
        if (count >= 3 && start[0] == 0x1F && start[1] == 0x8B && start[2] == 8)
        {
            return new PackedFile(file, limit, () => leftOut(FormattableString.Invariant($"unpacks to more than {limit} bytes: the rest was not searched")));
        }

        foreach ((byte[] kindStart, string kind) in s_otherKinds)
        {
            if (count >= kindStart.Length && start.Take(kindStart.Length).SequenceEqual(kindStart))
            {
                leftOut($"is {kind}, and what is packed in it was not searched: unpack it first");
            }
        }

        return file;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        if (_left == 0)
        {
            if (_unpacked.ReadByte() >= 0)
            {
                _cut();
            }

            return 0;
        }

        int read = _unpacked.Read(buffer, offset, (int)Math.Min(count, _left));
        _left -= read;
        return read;
    }

    /// <inheritdoc/>
    public override void Flush() => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _unpacked.Dispose();
        base.Dispose(disposing);
    }
}
