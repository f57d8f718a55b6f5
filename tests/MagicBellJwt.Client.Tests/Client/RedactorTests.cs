using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>Whatever form a secret stands in, no usable part of it is left, and what is no secret stays.</summary>
public class RedactorTests
{
    private const string Signature = "dGhlLXNpZ25hdHVyZS1jYW5hcnktMDEyMzQ1Njc4OQ";
    private const string Jwt = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJiZWFyZXIifQ." + Signature;

    // Opaque ones: plain, with dots, with what an address and HTML escape, and a short one.
    private static readonly string[] s_secrets = [Jwt, "mbtok_0123456789abcdefghijABCDEFGHIJ", "a1.b2.c3.d4.e5.f6", "canary+bearer/0123456789=?&\"<>~", "short-12"];

    public static TheoryData<string, string> Forms() => [.. from secret in s_secrets
        from form in FormsOf(secret)
        from text in new[] { form, "the token " + form + " is bad", "x" + form + "x", form + form, "?token=" + form + "&a=b", "é" + form + "\u0007" }
        select new TheoryDataRow<string, string>(secret, text)];

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_secret_is_found_in_every_form_that_a_server_may_write_it_in(string secret, string text)
    {
        string clean = new Redactor("another").With(secret).Clean(text);

        Assert.Contains("[redacted]", clean, StringComparison.Ordinal);
        Assert.All(PartsOf(secret).SelectMany(FormsOf), part => Assert.DoesNotContain(part, clean, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void The_signature_alone_is_a_secret()
    {
        string clean = new Redactor(Jwt).Clean($"signature {Signature} of {Convert.ToBase64String(Encoding.UTF8.GetBytes("Bearer " + Jwt))}");
        Assert.StartsWith("signature [redacted] of ", clean, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String(Encoding.UTF8.GetBytes(Signature))[4..^4], clean, StringComparison.Ordinal);
    }

    // With anything before it, so in each of the three positions that base64 has, and of several programs' kinds.
    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("ab")]
    [InlineData("user:")]
    public void Base64_of_a_secret_is_one_wherever_it_begins(string before)
    {
        foreach (string secret in s_secrets.Where(secret => secret.Length > 12))
        {
            byte[] bytes = Encoding.UTF8.GetBytes(before + secret + "after");
            string base64 = Convert.ToBase64String(bytes);
            string[] forms = [base64, base64.TrimEnd('=').Replace('+', '-').Replace('/', '_'), string.Join("\r\n", base64.Chunk(76).Select(line => new string(line))), Convert.ToBase64String(Encoding.Unicode.GetBytes(before + secret + "after"))];
            foreach (string form in forms)
            {
                string clean = new Redactor(secret).Clean("Basic " + form);
                foreach (string decoded in clean.Split(' ', '[', ']').Select(Decode))
                {
                    Assert.All(Slices(secret, 8), slice => Assert.DoesNotContain(slice, decoded, StringComparison.Ordinal));
                }
            }
        }
    }

    // Text as long as an answer may be: the end of it is not even looked at, and no secret is cut into a half that is no longer known.
    [Theory]
    [InlineData("x")]
    [InlineData("sk_")]
    [InlineData("eyJ")]
    [InlineData("eyJ.")]
    [InlineData("%2F")]
    [InlineData("\u0007")]
    [InlineData("mbtok_0123456789abcdefghijABCDEFGHIJ")]
    [InlineData("mbtok_0123456789abcdefghijABCDEFGHI")]
    public void The_longest_text_is_cut_before_it_is_searched(string piece)
    {
        string secret = s_secrets[1];
        var redactor = new Redactor(secret);
        for (int before = 250; before < 310; before += 3)
        {
            string text = new string('-', before) + secret + string.Concat(Enumerable.Repeat(piece, 16_000_000 / piece.Length / 20)) + " " + secret;
            string clean = redactor.Clean(text);
            Assert.InRange(clean.Length, 200, 301);
            Assert.All(Slices(secret, 12), slice => Assert.DoesNotContain(slice, clean.Replace(piece, "", StringComparison.Ordinal), StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("Could not find the token 019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b.")]
    [InlineData("task_force, risk_level, desk_1: not secret")]
    [InlineData("a%20b%2Fc&amp;d &#46; ü 😀")]
    [InlineData("100% & more")]
    [InlineData("%")]
    [InlineData("&#")]
    [InlineData("")]
    public void What_is_no_secret_stays(string text) => Assert.Equal(text, new Redactor(Jwt).With(s_secrets[1]).Clean(text));

    [Theory]
    [InlineData("sk_0123 and x", "[redacted] and x")]
    [InlineData("%2Fsk_0123", "%2F[redacted]")]
    [InlineData("see eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJ4In0.abc, eyJx", "see [redacted], [redacted]")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9%2EeyJqdGkiOiJ4In0%2eYWJj!", "[redacted]!")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9&#46;eyJqdGkiOiJ4In0&#x2E;YWJj!", "[redacted]!")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9\\u002eeyJqdGkiOiJ4In0\\u002EYWJj!", "[redacted]!")]
    public void Any_JWT_and_any_secret_key_is_a_secret(string text, string clean) => Assert.Equal(clean, new Redactor().Clean(text));

    [Fact]
    public void No_text_makes_it_fail_or_show_a_secret()
    {
        string[] pieces = [Jwt, Signature, s_secrets[1], s_secrets[1][..20], Uri.EscapeDataString(s_secrets[3]), s_secrets[3], "%", "%2", "%2E", "&#46;", "&#", "&#99999999999;", "&amp;", "\\u00", "\\u002e", "eyJ", "sk_", ".", "a", "\0", "\ud83d", "é"];
        var redactor = new Redactor(Jwt).With(s_secrets[1]).With(s_secrets[3]);
        Prop.ForAll(Gen.Elements(pieces).ArrayOf().ToArbitrary(), some =>
        {
            string clean = redactor.Clean(string.Concat(some));
            Assert.All(new[] { Signature, s_secrets[1], s_secrets[3] }, secret => Assert.DoesNotContain(secret, clean, StringComparison.Ordinal));
            Assert.All(clean, character => Assert.False(char.IsControl(character)));
            Assert.InRange(clean.Length, 0, 301);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000).WithQuietOnSuccess(true));
    }

    // What somebody could use: the whole, and of a JWT its signature.
    private static IEnumerable<string> PartsOf(string secret) => secret.StartsWith("eyJ", StringComparison.Ordinal) ? [secret, Signature] : [secret];

    private static IEnumerable<string> FormsOf(string secret)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(secret);
        return new[]
        {
            secret,
            Uri.EscapeDataString(secret),
            secret.Any(char.IsUpper) ? secret : Uri.EscapeDataString(secret).ToLowerInvariant(),
            secret.Replace(".", "%2E", StringComparison.Ordinal),
            secret.Replace(".", "%2e", StringComparison.Ordinal),
            secret.Replace(".", "&#46;", StringComparison.Ordinal),
            secret.Replace(".", "&#046;", StringComparison.Ordinal),
            secret.Replace(".", "&#x2E;", StringComparison.Ordinal),
            secret.Replace(".", "&period;", StringComparison.Ordinal),
            secret.Replace(".", "\\u002e", StringComparison.Ordinal),
            secret.Replace("/", "\\/", StringComparison.Ordinal),
            WebUtility.HtmlEncode(secret),
            WebUtility.UrlEncode(secret),
            string.Concat(utf8.Select(value => $"%{value:X2}")),
            string.Concat(utf8.Select(value => $"&#{value};")),
            string.Concat(utf8.Select(value => $"\\u{value:x4}")),
            Convert.ToHexString(utf8),
            Convert.ToHexString(utf8).ToLowerInvariant(),
            secret.Replace(".", "%252E", StringComparison.Ordinal),
            secret.Replace(".", "%25252e", StringComparison.Ordinal),
            secret.Replace(".", "&amp;#46;", StringComparison.Ordinal),
            secret.Replace(".", "\\\\u002e", StringComparison.Ordinal),
            secret.Replace(".", "%u002E", StringComparison.Ordinal),
            secret.Replace(".", "&#46", StringComparison.Ordinal),
            secret.Replace(".", "=2E", StringComparison.Ordinal),
            secret.Replace(".", "\\x2e", StringComparison.Ordinal),
            secret.Replace(".", "\\u{2e}", StringComparison.Ordinal),
            secret.Replace(".", "\\056", StringComparison.Ordinal),
            secret.Replace(".", "\\00002e", StringComparison.Ordinal),
            Escaped("%25{0:X2}"),
            Escaped("&amp;#x{0:x};"),
            Escaped("\\x{0:x2}"),
            Escaped("={0:X2}"),
            Escaped("\\{1}"),
            Escaped("\\{0:x} "),
            Escaped("\\{0:x6}"),
            Escaped("{0:x2} "),
            Escaped("{0:X2}:"),
            Escaped("0x{0:x2}, "),
            Escaped("{0},"),
            Escaped("{0:x2}00"),
            Convert.ToHexString(Encoding.BigEndianUnicode.GetBytes(secret)),
            secret.ToUpperInvariant(),
            secret.ToLowerInvariant(),
            string.Concat(secret.Reverse()),
            string.Join(' ', secret.Chunk(7).Select(chunk => new string(chunk))),
            string.Join("=\r\n", secret.Chunk(10).Select(chunk => new string(chunk))),
            string.Join("\\n", secret.Chunk(10).Select(chunk => new string(chunk))),
            string.Join("\", \"", secret.Select(character => character.ToString())),
        }.Distinct();

        string Escaped(string format) => string.Concat(utf8.Select(value => string.Format(CultureInfo.InvariantCulture, format, value, Convert.ToString(value, 8).PadLeft(3, '0'))));
    }

    private static IEnumerable<string> Slices(string text, int length) => Enumerable.Range(0, text.Length - length + 1).Select(start => text.Substring(start, length));

    private static string Decode(string text)
    {
        string whole = text.Replace('-', '+').Replace('_', '/').TrimEnd('=');
        var decoded = new StringBuilder();
        for (int start = 0; start < 4; start++)
        {
            string rest = start < whole.Length ? whole[start..] : "";
            rest = rest[..(rest.Length / 4 * 4)];
            byte[] bytes = new byte[rest.Length];
            _ = Convert.TryFromBase64String(rest, bytes, out int count);
            decoded.Append(Encoding.Latin1.GetString(bytes, 0, count)).Append('\n');
        }

        return decoded.ToString();
    }
}
