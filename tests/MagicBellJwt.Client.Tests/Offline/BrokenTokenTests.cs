using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using Xunit;

namespace MagicBellJwt.Client.Tests.Offline;

/// <summary>Tokens that a program broke over several lines, wrote with escapes, or wrote in base64.</summary>
public sealed class BrokenTokenTests
{
    private const int Chunk = 512 * 1024;

    private static readonly string s_token = TokenText.Sign(TokenText.Hs256, """{"user_email":"hana@example.com","api_key":"pk_1","exp":4102444800,"pad":"0123456789012345678901234567890123456789"}""");

    public static TheoryData<string, string> Broken
    {
        get
        {
            string[] parts = s_token.Split('.');
            return new()
            {
                { "Format-List", "Name        : ci\nToken       : " + Wrap(s_token, 66, "\n              ") + "\nFingerprint : abc\n" },
                { "Format-List, Windows", "\r\nToken : " + Wrap(s_token, 72, "\r\n        ") + "\r\nId    : 1\r\n" },
                { "Format-List in colour", "\u001b[32;1mToken : \u001b[0m" + Wrap(s_token, 72, "\n        ") + "\n\u001b[32;1mId    : \u001b[0m1\n" },
                { "Format-Table, last column", "Name Token\n---- -----\nci   " + Wrap(s_token, 75, "\n     ") + "\nprod x\n" },
                { "Format-Table, padded", "Name Token\n---- -----\nci   " + Wrap(s_token, 75, "  \n     ") + "  \nprod x\n" },
                { "Format-Table, more columns", Table(s_token, "ci") },
                { "Format-Table, a wrapped name beside it", Table(s_token, "a name", "that is", "wrapped") },
                { "Format-Table, foreign letters beside it", Table(s_token, "J\u00fcrgen", "\u00e9t\u00e9") },
                { "console of 80", Wrap("Authorization: Bearer " + s_token, 80, "\n") + "\nnext line" },
                { "mail of 76", Wrap("see " + s_token, 76, "\r\n") + "\r\n\r\nRegards" },
                { "mail that is quoted", "> " + Wrap(s_token, 70, "\n> ") + "\n> Regards" },
                { "quoted-printable", Wrap("see " + s_token, 75, "=\r\n") + "=20\r\n" },
                { "YAML folded", "token: >-\n    " + Wrap(s_token, 40, "\n    ") + "\nother: 1\n" },
                { "YAML quoted", "token: \"" + Wrap(s_token, 60, "\\\n    ") + "\"\n" },
                { "shell", "curl -H 'Bearer " + Wrap(s_token, 60, "\\\n") + "' https://api.example\n" },
                { "PowerShell", "$token = " + Wrap(s_token, 60, "`\n  ") + "\n" },
                { "a line a part", string.Join(".\n", parts) + "\n" },
                { "a line a part, the dot first", string.Join("\n.", parts) + "\n" },
                { "one character a line", "eyJ" + Wrap(s_token[3..], 1, "\n") + "\n" },
                { "JSON", "{\"token\":\"" + Wrap(s_token, 76, "\\n") + "\"}" },
                { "JSON within JSON", "{\\\"token\\\":\\\"" + Wrap(s_token, 76, "\\\\r\\\\n") + "\\\"}" },
            };
        }
    }

    public static TheoryData<string, string> Encoded
    {
        get
        {
            string spaced = TokenText.Sign("""{ "alg": "HS256" }""", "{}");
            return new()
            {
                { "JSON, the first letter", "\\u0065" + s_token[1..] },
                { "JSON, all but two", "\\u0065yJ" + string.Concat(s_token[3..].Select(letter => $"\\u{(int)letter:x4}")) },
                { "JSON, the dots", s_token.Replace(".", "\\u002e", StringComparison.Ordinal) },
                { "JSON within JSON, the dots", s_token.Replace(".", "\\\\u002E", StringComparison.Ordinal) },
                { "JavaScript, the dots", s_token.Replace(".", "\\x2e", StringComparison.Ordinal) },
                { "address, the dots", "?token=" + s_token.Replace(".", "%2E", StringComparison.Ordinal) + "&x" },
                { "address, all but two", "%65yJ" + string.Concat(s_token[3..].Select(letter => $"%{(int)letter:X2}")) + "%26x" },
                { "address twice", s_token.Replace(".", "%252E", StringComparison.Ordinal) },
                { "address, the hyphens", s_token.Replace("-", "%2D", StringComparison.Ordinal).Replace("_", "%5f", StringComparison.Ordinal) + "%2F" },
                { "HTML, the dots", "<td>" + s_token.Replace(".", "&#46;", StringComparison.Ordinal) + "</td>" },
                { "XML, all but two", "&#x65;yJ" + string.Concat(s_token[3..].Select(letter => $"&#x{(int)letter:x};")) },
                { "HTML, all but two", "&#101;yJ" + string.Concat(s_token[3..].Select(letter => $"&#{(int)letter};")) },
                { "quoted-printable, the dots", s_token.Replace(".", "=2E", StringComparison.Ordinal) },
                { "Secret of Kubernetes", "data:\n  token: " + Base64(s_token) + "\n" },
                { "Secret with a line end", "data:\n  token: " + Base64(s_token + "\n") + "\n" },
                { "Basic", "Authorization: Basic " + Base64("me:" + s_token) },
                { "Docker", "{\"auths\":{\"r\":{\"auth\":\"" + Base64("user:" + s_token) + "\"}}}" },
                { "Docker within a Secret", "  .dockerconfigjson: " + Base64("{\"auths\":{\"r\":{\"auth\":\"" + Base64("user:" + s_token) + "\"}}}") },
                { "base64url", TokenText.Encode("\u00ff\u00fe" + s_token) },
                { "HAR", "\"text\": \"" + Base64("{\"\u00e9\":1,\"token\":\"" + s_token + "\"}").Replace("/", "\\/", StringComparison.Ordinal) + "\"" },
                { "base64 with its plus escaped", Base64("\u00fb\u00ef\u00be{\"token\":\"" + s_token + "\"}>>>").Replace("+", "\\u002B", StringComparison.Ordinal) },
                { "base64 of JSON that escapes", Base64("{\"token\":\"" + s_token.Replace(".", "\\u002e", StringComparison.Ordinal) + "\"}") },
                { "base64 in lines of 76", Wrap(Base64("From: a\r\nsee " + s_token + "\r\n"), 76, "\r\n") + "\r\n" },
                { "base64 in lines of 64, indented", "  " + Wrap(Base64(s_token), 64, "\n  ") + "\n" },
                { "EncodedCommand", "pwsh -EncodedCommand " + Convert.ToBase64String(Encoding.Unicode.GetBytes("$t = '" + s_token + "'")) },
                { "a header with spaces", spaced },
                { "a header with a line break", TokenText.Sign("{\n  \"alg\": \"HS256\"\n}", "{}") },
                { "a header with a line break of Windows", TokenText.Sign("{\r\n  \"alg\": \"HS256\"\r\n}", "{}") },
                { "a header with tabs", TokenText.Sign("{\n\t\"alg\": \"HS256\"\n}", "{}") },
                { "a header with a tab", TokenText.Sign("{\t\"alg\": \"HS256\"\n}", "{}") },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Broken))]
    [MemberData(nameof(Encoded))]
    public void Finds_it(string what, string text)
    {
        string expected = what.StartsWith("a header", StringComparison.Ordinal) ? text : s_token;
        foreach (string before in new[] { "", "x", "xy ", "one\ntwo: " })
        {
            bool isMoved = before.Length > 0 && what.StartsWith("Format-Table", StringComparison.Ordinal);
            string whole = (isMoved ? "before\n" : before) + text;

            Assert.Equal([expected], new TokenScanner().ScanText(whole).Select(found => found.Value));
            Assert.Equal([expected], Scan(Encoding.UTF8.GetBytes(whole)).Select(found => found.Value));
            Assert.Equal([expected], Scan(Encoding.Unicode.GetBytes(whole + new string(' ', 100))).Select(found => found.Value));
            Assert.Equal([expected], Scan(Encoding.BigEndianUnicode.GetBytes(whole + new string(' ', 100))).Select(found => found.Value));
        }
    }

    [Theory]
    [MemberData(nameof(Broken))]
    [MemberData(nameof(Encoded))]
    public void Finds_it_across_a_chunk_border(string what, string text)
    {
        string expected = what.StartsWith("a header", StringComparison.Ordinal) ? text : s_token;
        int step = Thoroughness.IsAll ? 1 : 37;
        for (int offset = 0; offset < text.Length + 2; offset += step)
        {
            byte[] whole = Encoding.UTF8.GetBytes(new string('.', Chunk - offset - 1) + "\n" + text + "\n" + s_token);
            Assert.Equal([expected, s_token], Scan(whole).Select(found => found.Value));
        }
    }

    [Fact]
    public void Tells_the_line_and_column_where_it_begins()
    {
        string text = "one\n  " + Wrap(s_token, 50, "\n  ") + "\nauth: " + Base64(s_token) + "\nat \\u0065" + s_token[1..] + "\n" + s_token;
        int lines = (s_token.Length + 49) / 50;

        Assert.Equal(
            [(2, 3), (2 + lines, 7), (3 + lines, 4), (4 + lines, 1)],
            new TokenScanner().ScanText(text).Select(found => (found.Line, found.Column)));
    }

    [Fact]
    public void Takes_no_other_text_into_a_token()
    {
        string other = TokenText.Sign("""{"alg":"RS256"}""", "{}");
        string cut = s_token[..^10];
        string missing = new('A', 10);

        // Of an algorithm whose signature has many lengths, what is on the next line is not part of it.
        Assert.Equal([other], new TokenScanner().ScanText(other + "\nnext\n").Select(found => found.Value));
        Assert.Equal([s_token], new TokenScanner().ScanText(s_token + "\nnext\n").Select(found => found.Value));
        Assert.Equal([s_token], new TokenScanner().ScanText(cut + "\n" + s_token).Select(found => found.Value));
        Assert.Equal([s_token], new TokenScanner().ScanText(cut + " " + s_token).Select(found => found.Value));
        foreach (string text in new[]
        {
            cut, cut + "\n", cut + "\nnext line", cut + "\n\n" + missing, cut + " " + missing, cut + "\n" + missing + "x", cut + "\n" + missing[1..], cut + "...\n" + missing,
            cut + "|\n" + missing, cut + " text that goes on\n" + missing + ":", cut + "\n- " + missing, cut + "\\q" + missing, cut + "%zz" + missing, cut + "&lt;" + missing, Base64(cut) + "\n!" + missing,
        })
        {
            Assert.Empty(new TokenScanner().ScanText(text));
            Assert.Empty(Scan(Encoding.UTF8.GetBytes(text)));
        }
    }

    [Fact]
    public void Takes_a_long_signature_over_lines()
    {
        string token = TokenText.Encode("""{"alg":"RS256"}""") + "." + TokenText.Encode("{}") + "." + TokenText.Encode(Enumerable.Range(0, 256).Select(value => (byte)value).ToArray());

        Assert.Equal([token], new TokenScanner().ScanText("Token : " + Wrap(token, 72, "\n        ") + "\nId : 1").Select(found => found.Value));
        Assert.Equal([token], new TokenScanner().ScanText(Base64(token)).Select(found => found.Value));
    }

    [Fact]
    public void A_hostile_text_costs_no_more_than_a_large_one()
    {
        string base64 = Base64("eyJhIjp7");
        string[] texts =
        [
            string.Concat(Enumerable.Repeat("eyJ\n", 250_000)),
            string.Concat(Enumerable.Repeat("eyJ ", 250_000)),
            string.Concat(Enumerable.Repeat("eyJaaaaaaaaaaaaaaaaaaaaa bbb", 40_000)),
            string.Concat(Enumerable.Repeat("eyJhIjp7\n", 100_000)),
            string.Concat(Enumerable.Repeat("eyJhIjp7.\n", 100_000)),
            string.Concat(Enumerable.Repeat(base64, 80_000)),
            string.Concat(Enumerable.Repeat(base64 + "\n", 80_000)),
            string.Concat(Enumerable.Repeat(Base64(base64), 60_000)),
            string.Concat(Enumerable.Repeat("\\u0065yJ", 100_000)),
            string.Concat(Enumerable.Repeat("%65yJ", 100_000)),
            new string('\\', 1_000_000),
            string.Concat(Enumerable.Repeat("%2565yJ", 100_000)),
            string.Concat(Enumerable.Repeat("&#101;yJ", 100_000)),
        ];
        foreach (string text in texts)
        {
            using var tooLong = new CancellationTokenSource(TimeSpan.FromMinutes(1));
            Assert.Equal([s_token], new TokenScanner().ScanStream(new MemoryStream(Encoding.UTF8.GetBytes(text + "! " + s_token)), null, tooLong.Token).Select(found => found.Value));
        }
    }

    private static List<FoundToken> Scan(byte[] bytes) => [.. new TokenScanner().ScanStream(new MemoryStream(bytes), null, CancellationToken.None)];

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string Wrap(string text, int width, string between) =>
        string.Join(between, text.Chunk(width).Select(line => new string(line)));

    // As Format-Table -Wrap writes it, with a column on each side.
    private static string Table(string token, params string[] names)
    {
        var text = new StringBuilder("Name    Token                          Id\n----    -----                          --\n");
        int line = 0;
        foreach (char[] piece in token.Chunk(30))
        {
            text.Append((line < names.Length ? names[line] : "").PadRight(8)).Append(new string(piece).PadRight(31)).Append(line == 0 ? "1234" : "").Append('\n');
            line++;
        }

        return text.Append("next    short                          5678\n").ToString();
    }
}
