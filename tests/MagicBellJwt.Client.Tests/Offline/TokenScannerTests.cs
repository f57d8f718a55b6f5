using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace MagicBellJwt.Client.Tests.Offline;

public sealed class TokenScannerTests : IDisposable
{
    // The scanner's own unit of reading: what these tests must reach across.
    private const int Chunk = 512 * 1024;

    private static readonly string s_token = TokenText.Sign(TokenText.Hs256, """{"user_email":"hana@example.com","api_key":"pk_1","exp":4102444800}""");

    private readonly string _folder = Directory.CreateTempSubdirectory("scanner").FullName;

    public static TheoryData<string> Encodings => ["UTF-8", "UTF-8 with mark", "UTF-16LE", "UTF-16LE with mark", "UTF-16BE", "UTF-16BE with mark"];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("T")]
    [InlineData("'T'")]
    [InlineData("\"T\"")]
    [InlineData("`T`")]
    [InlineData("<T>")]
    [InlineData("Authorization: Bearer T\r\n")]
    [InlineData("https://app.example/?token=T&next=/")]
    [InlineData("https://app.example/T/read")]
    [InlineData("https://app.example/#T.")]
    [InlineData("%22T%22")]
    [InlineData("token%3DT%26x")]
    [InlineData("{\\\"token\\\":\\\"T\\\"}")]
    [InlineData("\\nT\\n")]
    [InlineData("\\u0022T\\u0022")]
    [InlineData("&quot;T&quot;")]
    [InlineData("T,T")]
    [InlineData("T T\tT")]
    [InlineData("TT")]
    [InlineData("T-suffix")]
    [InlineData("prefix_T_suffix")]
    [InlineData("eyJT")]
    [InlineData("eyJ.eyJ.eyJ T")]
    [InlineData("eyJeyJeyJeyJeyJT")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.T")]
    [InlineData("é😀T")]
    public void Finds_a_token_whatever_stands_around_it(string pattern)
    {
        string text = pattern.Replace("T", s_token, StringComparison.Ordinal);
        var expected = new List<(long, long, string)>();
        for (int i = text.IndexOf(s_token, StringComparison.Ordinal); i >= 0; i = text.IndexOf(s_token, i + s_token.Length, StringComparison.Ordinal))
        {
            expected.Add((1, i + 1, s_token));
        }

        Assert.Equal(expected, Places(new TokenScanner().ScanText(text)));
        Assert.Equal(expected, Places(Scan(Encoding.UTF8.GetBytes(text))));
        Assert.Equal(expected, Places(Scan(Encoding.Unicode.GetBytes(text + new string(' ', 100)))));
        Assert.Equal(expected, Places(Scan(Encoding.BigEndianUnicode.GetBytes(text + new string(' ', 100)))));
    }

    [Fact]
    public void Tells_what_the_token_says()
    {
        FoundToken found = Assert.Single(new TokenScanner().ScanText("one\ntwo " + s_token));

        Assert.Equal(2, found.Line);
        Assert.Equal(5, found.Column);
        Assert.Equal(s_token, found.Value);
        Assert.True(found.Token.IsUserToken);
        Assert.Equal("hana@example.com", found.Token.Email);
        Assert.DoesNotContain(s_token, found.ToString()!, StringComparison.Ordinal);
    }

    [Fact]
    public void A_token_behind_parts_that_look_like_one_is_found_too()
    {
        string text = TokenText.Encode("""{"alg":"HS256"}""") + "." + s_token;

        Assert.Contains(s_token, new TokenScanner().ScanText(text).Select(found => found.Value));
    }

    [Fact]
    public void Passes_by_what_is_no_signed_token()
    {
        string[] parts = s_token.Split('.');
        string[] texts =
        [
            "", "eyJ", "J", "eyJ.", "eyJ.eyJ", "eyJ.eyJ.", "ey.J", parts[0], parts[0] + ".", parts[0] + "." + parts[1], parts[0] + "." + parts[1] + ".",
            s_token[..^1],
            parts[0] + "." + parts[1] + "." + new string('A', 42) + "B",
            parts[0] + "." + parts[0][..^1] + "." + parts[2],
            parts[0] + ".eyJ" + new string('A', 30) + "." + parts[2],
            parts[0] + ". " + parts[1] + "." + parts[2],
            "EYJ" + s_token[3..],
            "ey" + s_token[3..],
            TokenText.Encode("""{"alg":"none"}""") + "." + parts[1] + ".",
            TokenText.Sign("""{"typ":"JWT"}""", "{}"),
            TokenText.Encode("""{"alg":"RSA-OAEP","enc":"A256GCM"}""") + ".OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGe.48V1_ALb6US04U3b.5eym8TW_c8SuK0lt.XFBoMYUZodetZdvTiFvSkQ",
            TokenText.Encode("""{"alg":"HS256","x":""" + "\"" + new string('x', 60_000) + "\"}") + "." + parts[1] + "." + parts[2],
        ];
        foreach (string text in texts)
        {
            Assert.Empty(new TokenScanner().ScanText(text));
            Assert.Empty(Scan(Encoding.UTF8.GetBytes(text)));
        }
    }

    [Fact]
    public void Takes_other_algorithms_with_the_whole_signature()
    {
        string signature = TokenText.Encode(RandomNumberGenerator.GetBytes(256));
        string token = TokenText.Encode("""{"alg":"RS256"}""") + "." + TokenText.Encode("{}") + "." + signature;

        Assert.Equal(token, Assert.Single(new TokenScanner().ScanText("<" + token + ">")).Value);
    }

    [Fact]
    public void Counts_the_lines_of_several_texts_on()
    {
        var scanner = new TokenScanner();

        Assert.Empty(scanner.ScanText("line 1"));
        Assert.Empty(scanner.ScanText(""));
        Assert.Equal([(3, 1, s_token), (4, 2, s_token)], Places(scanner.ScanText(s_token + "\n " + s_token + "\n")));
        Assert.Equal([(5, 1, s_token)], Places(scanner.ScanText(s_token + "\n\n")));
        Assert.Equal([(7, 3, s_token)], Places(scanner.ScanText("\u00e9\ud83d" + s_token)));
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Finds_a_token_that_lies_across_a_chunk_border_at_any_place(string encoding)
    {
        string before = new string('x', 99) + "\n";
        int unit = encoding.StartsWith("UTF-16", StringComparison.Ordinal) ? 2 : 1;
        for (int offset = -s_token.Length - 3; offset <= 3; offset++)
        {
            bool isInside = offset > -s_token.Length + 2 && offset < -2;
            if (isInside && !Thoroughness.IsAll && offset % 7 != 0)
            {
                continue;
            }

            int length = Chunk / unit + offset;
            string text = string.Concat(Enumerable.Repeat(before, length / 100)) + new string('é', length % 100);
            text = unit == 1 ? text[..^(length % 100 / 2)] : text;
            text += s_token + "\n" + s_token;

            Assert.Equal([Place(text, 0), Place(text, 1)], Places(Scan(Encode(encoding, text))));
        }
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Finds_each_token_of_random_texts_at_its_place(string encoding)
    {
        var random = new Random(20_260_502);
        for (int round = 0; round < 4; round++)
        {
            var text = new StringBuilder();
            var expected = new List<(long, long, string)>();
            while (text.Length < 3 * Chunk)
            {
                switch (random.Next(8))
                {
                    case 0:
                        string token = TokenText.Sign(TokenText.Hs256, $$"""{"jti":"{{text.Length}}","pad":"{{new string('x', random.Next(300))}}"}""");
                        expected.Add((0, text.Length, token));
                        text.Append(token).Append(random.Next(3) == 0 ? "tail" : "");
                        break;
                    case 1:
                        text.Append(" eyJ").Append("eyJJ.Je"[random.Next(7)], random.Next(5)).Append(' ');
                        break;
                    case 2:
                        text.Append('\n', random.Next(1, 4));
                        break;
                    case 3:
                        text.Append("é😀\u0A0A\u010A\u0A4A€\u4A00"[..random.Next(1, 3)].TrimEnd('\ud83d'));
                        break;
                    case 4:
                        text.Append('J', random.Next(4)).Append("\r\n");
                        break;
                    case 5:
                        text.Append(' ').Append(s_token, 0, random.Next(s_token.Length - 1)).Append(' ');
                        break;
                    default:
                        text.Append('.').Append('z', random.Next(random.Next(50) == 0 ? 200_000 : 2_000)).Append(' ');
                        break;
                }
            }

            string whole = text.ToString();
            Assert.Equal(Lines(whole, expected), Places(Scan(Encode(encoding, whole), random)));
            if (encoding == "UTF-8")
            {
                Assert.Equal(Lines(whole, expected), Places(new TokenScanner().ScanText(whole)));
            }
        }
    }

    [Fact]
    public void Takes_a_token_of_65536_characters_and_none_longer()
    {
        string header = TokenText.Encode(TokenText.Hs256);
        for (int i = 0; i < 5; i++)
        {
            string longest = "";
            for (int pad = 49_000; longest.Length is < 65_533 or > 65_536; pad++)
            {
                longest = TokenText.Sign(TokenText.Hs256, "{\"a\":\"" + new string('x', pad) + "\"}");
            }

            byte[] text = Encode(i % 2 == 0 ? "UTF-8" : "UTF-16BE", new string(' ', i * 60_000 + 200_000) + longest + " " + header + ".eyJ" + new string('A', 70_000) + "." + s_token);
            Assert.Equal([longest, s_token], Scan(text).Select(found => found.Value));
        }
    }

    [Theory]
    [InlineData("00")]
    [InlineData("7F454C4602010100000000000000000003003E00")]
    [InlineData("89504E470D0A1A0A0000000D49484452")]
    [InlineData("53514C69746520666F726D6174203300100001010040202000000001")]
    [InlineData("FF")]
    [InlineData("C3A9")]
    [InlineData("")]
    public void Searches_what_is_binary_as_bytes(string startHex)
    {
        byte[] start = Convert.FromHexString(startHex);
        foreach (int nuls in new[] { 0, 1, 2, 63, 4096, 4097, 600_000 })
        {
            byte[] before = [.. start, .. new byte[nuls]];
            Assert.Equal([s_token], Scan([.. before, .. Encoding.UTF8.GetBytes(s_token), 0, 0]).Select(found => found.Value));
            Assert.Equal([s_token], Scan([.. before, .. Encoding.Unicode.GetBytes("x " + s_token), 0, 0]).Select(found => found.Value));
            Assert.Equal([s_token], Scan([.. before, .. Encoding.UTF8.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes(s_token))), 0, 0]).Select(found => found.Value));
        }
    }

    [Fact]
    public void Finds_UTF_16_that_was_appended_to_other_text()
    {
        byte[] text = [.. Encoding.UTF8.GetBytes(new string('.', 9_001) + "\n"), .. Encoding.Unicode.GetBytes(s_token + "\n"), .. Encoding.UTF8.GetBytes(s_token)];

        Assert.Equal([s_token, s_token], Scan(text).Select(found => found.Value));
    }

    [Fact]
    public void A_NUL_past_the_first_8000_bytes_hides_nothing()
    {
        byte[] text = [.. new byte[8_000].Select(_ => (byte)'.'), 0, .. Encoding.UTF8.GetBytes(s_token), 0];

        Assert.Equal([(1, 8_002, s_token)], Places(Scan(text)));
    }

    [Fact]
    public void Old_encodings_are_read_byte_by_byte()
    {
        byte[] text = [.. Encoding.Latin1.GetBytes("\u00e9t\u00e9\n\u00e9"), .. Encoding.UTF8.GetBytes(s_token), 0xFF, 0xFE];

        Assert.Equal([(2, 2, s_token)], Places(Scan(text)));
    }

    [Fact]
    public void A_hostile_text_costs_no_more_than_a_large_one()
    {
        // Each of these would be searched in the square of its length by a scanner that starts afresh at each eyJ.
        string[] texts =
        [
            string.Concat(Enumerable.Repeat("eyJ", 1_000_000)),
            string.Concat(Enumerable.Repeat("eyJ.", 700_000)),
            string.Concat(Enumerable.Repeat(string.Concat(Enumerable.Repeat("eyJ", 5_000)) + ".eyJ.", 150)),
            string.Concat(Enumerable.Repeat("J", 3_000_000)),
            string.Concat(Enumerable.Repeat("eyJhIjp7", 300_000)) + ".e.e",
        ];
        foreach (string text in texts)
        {
            using var tooLong = new CancellationTokenSource(TimeSpan.FromMinutes(1));
            Assert.Equal([s_token], new TokenScanner().ScanStream(new MemoryStream(Encoding.UTF8.GetBytes(text + " " + s_token)), null, tooLong.Token).Select(found => found.Value));
        }
    }

    [Fact]
    public void Searches_a_file_that_is_being_written_and_says_how_far_it_is()
    {
        string path = Path.Combine(_folder, "live.log");
        using var writer = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        writer.Write(Encode("UTF-8", new string('.', Chunk + 10) + s_token));
        writer.Flush();
        var progress = new List<long>();
        var scanner = new TokenScanner();

        Assert.Single(scanner.ScanFile(path, progress.Add, CancellationToken.None));
        Assert.Equal([Chunk, writer.Length], progress);
        Assert.Single(scanner.ScanFile(path, null, CancellationToken.None));
        Assert.Throws<FileNotFoundException>(() => scanner.ScanFile(path + ".not", null, CancellationToken.None).Any());
        Assert.Throws<UnauthorizedAccessException>(() => scanner.ScanFile(_folder, null, CancellationToken.None).Any());
        Assert.Single(scanner.ScanFile(path, null, CancellationToken.None));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(99, true)]
    [InlineData(100, false)]
    [InlineData(1000, false)]
    public void Unpacks_up_to_a_limit_and_says_so(int limit, bool isCut)
    {
        string path = Path.Combine(_folder, "log.gz");
        byte[] text = Encoding.UTF8.GetBytes(new string('.', 100 - s_token.Length % 100) + s_token);
        using (var packed = new GZipStream(File.Create(path), CompressionLevel.Fastest))
        {
            packed.Write(text);
        }

        int extra = text.Length - 100;
        var scanner = new TokenScanner { UnpackedLimit = limit + extra };

        Assert.Equal(isCut ? [] : [s_token], scanner.ScanFile(path, null, CancellationToken.None).Select(found => found.Value));
        Assert.Equal(isCut ? $"unpacks to more than {limit + extra} bytes: the rest was not searched" : null, scanner.LeftOut);
        File.WriteAllText(path, s_token);
        Assert.Single(scanner.ScanFile(path, null, CancellationToken.None));
        Assert.Null(scanner.LeftOut);
    }

    [Fact]
    public void Memory_stays_the_same_however_long_the_text_is()
    {
        var scanner = new TokenScanner();
        Assert.Empty(scanner.ScanStream(new EndlessText(4 * Chunk), null, CancellationToken.None));
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Empty(scanner.ScanStream(new EndlessText(100 * Chunk), null, CancellationToken.None));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 2_000_000);
    }

    [Fact]
    public async Task A_read_that_hangs_is_left_alone_when_the_search_is_ended()
    {
        using var hang = new HangingStream();
        using var stop = new CancellationTokenSource();
        var scanner = new TokenScanner();
        Task search = Task.Run(() => scanner.ScanStream(hang, null, stop.Token).Count(), TestContext.Current.CancellationToken);
        hang.Entered.Wait(TestContext.Current.CancellationToken);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => search.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        Assert.False(hang.IsClosed);

        // The scanner is of use again at once: the read that comes back meanwhile writes into no buffer of the next search, and its stream is closed.
        using var next = new WaitsForAnother(Encoding.UTF8.GetBytes(s_token), hang);
        Assert.Single(scanner.ScanStream(next, null, CancellationToken.None));
    }

    [Fact]
    public void Whoever_stops_asking_ends_the_search_and_closes_the_file()
    {
        var stream = new EndlessText(100L * Chunk, Encoding.UTF8.GetBytes(s_token + "\n"));

        Assert.Equal(s_token, new TokenScanner().ScanStream(stream, null, CancellationToken.None).First().Value);
        Assert.True(SpinWait.SpinUntil(() => !stream.CanRead, TimeSpan.FromSeconds(30)));
        Assert.True(stream.Position <= 2 * Chunk);
    }

    private static byte[] Encode(string encoding, string text) => encoding switch
    {
        "UTF-8" => Encoding.UTF8.GetBytes(text),
        "UTF-8 with mark" => [.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(text)],
        "UTF-16LE" => Encoding.Unicode.GetBytes(text),
        "UTF-16LE with mark" => [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes(text)],
        "UTF-16BE" => Encoding.BigEndianUnicode.GetBytes(text),
        _ => [.. Encoding.BigEndianUnicode.Preamble, .. Encoding.BigEndianUnicode.GetBytes(text)],
    };

    private static List<FoundToken> Scan(byte[] bytes, Random? shortReads = null)
    {
        var scanner = new TokenScanner();
        List<FoundToken> found = [.. scanner.ScanStream(shortReads is null ? new MemoryStream(bytes) : new ShortReads(bytes, shortReads), null, CancellationToken.None)];
        Assert.Null(scanner.LeftOut);
        return found;
    }

    private static List<(long Line, long Column, string Value)> Places(IEnumerable<FoundToken> found) =>
        [.. found.Select(token => (token.Line, token.Column, token.Value))];

    private static (long Line, long Column, string Value) Place(string text, int number)
    {
        int at = text.IndexOf(s_token, StringComparison.Ordinal);
        at = number == 0 ? at : text.IndexOf(s_token, at + 1, StringComparison.Ordinal);
        return Lines(text, [(0, at, s_token)])[0];
    }

    private static List<(long Line, long Column, string Value)> Lines(string text, List<(long, long Index, string Value)> tokens)
    {
        var places = new List<(long, long, string)>();
        long line = 1;
        int start = 0;
        foreach ((_, long index, string value) in tokens)
        {
            for (int feed = text.IndexOf('\n', start); feed >= 0 && feed < index; feed = text.IndexOf('\n', start))
            {
                line++;
                start = feed + 1;
            }

            places.Add((line, index - start + 1, value));
        }

        return places;
    }

    private sealed class ShortReads(byte[] bytes, Random random) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, random.Next(1, count + 1));
    }

    private sealed class EndlessText(long length, byte[]? line = null) : Stream
    {
        private readonly byte[] _line = line ?? Encoding.UTF8.GetBytes("2026-05-02T10:00:00Z INFO Just another line eyJ\n");
        private bool _isClosed;

        public override bool CanRead => !_isClosed;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position { get; set; }

        public override int Read(byte[] buffer, int offset, int count)
        {
            int read = (int)Math.Min(count, length - Position);
            for (int i = 0; i < read; i++)
            {
                buffer[offset + i] = _line[(Position + i) % _line.Length];
            }

            Position += read;
            return read;
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            _isClosed = true;
            base.Dispose(disposing);
        }
    }

    private sealed class WaitsForAnother(byte[] bytes, HangingStream other) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count)
        {
            int read = base.Read(buffer, offset, count);
            other.Release.Set();
            Assert.True(SpinWait.SpinUntil(() => other.IsClosed, TimeSpan.FromSeconds(30)));
            return read;
        }
    }

    private sealed class HangingStream : MemoryStream
    {
        public ManualResetEventSlim Entered { get; } = new();

        public ManualResetEventSlim Release { get; } = new();

        public bool IsClosed { get; private set; }

        public override int Read(byte[] buffer, int offset, int count)
        {
            Entered.Set();
            Release.Wait();
            buffer.AsSpan(offset, count).Fill((byte)'.');
            return 0;
        }

        protected override void Dispose(bool disposing)
        {
            IsClosed = true;
            base.Dispose(disposing);
        }
    }
}
