using System;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace MagicBellJwt.Client.Tests.Offline;

public class TokenSignatureTests
{
    // RFC 7515 A.1 and RFC 7519 3.1: the same token.
    private const string Rfc = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        + "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";

    private const string RfcSignature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    private const string RfcKey = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==";
    private const long RfcExpiry = 1_300_819_380;

    private static readonly DateTimeOffset s_now = DateTimeOffset.FromUnixTimeSeconds(1_750_000_000);

    [Fact]
    public void Accepts_the_token_of_RFC_7515_A1_and_RFC_7519_3_1()
    {
        byte[] key = Convert.FromBase64String(RfcKey.Replace('-', '+').Replace('_', '/'));
        DateTimeOffset expiry = DateTimeOffset.FromUnixTimeSeconds(RfcExpiry);

        Assert.True(TokenSignature.Verify(Rfc + RfcSignature, key, expiry.AddTicks(-1000), TimeSpan.Zero, out string? reason), reason);
        Assert.Null(reason);
        Assert.False(TokenSignature.Verify(Rfc + RfcSignature, key, expiry, TimeSpan.Zero, out reason));
        Assert.Equal("It has expired (exp).", reason);
        Assert.True(JsonWebToken.TryDecode(Rfc + RfcSignature, out JsonWebToken? token));
        Assert.Equal("joe", token!.Claims["iss"]);
        Assert.Equal(true, token.Claims["http://example.com/is_root"]);
        Assert.Equal(expiry, token.ExpiresAt);
    }

    [Fact]
    public void Decodes_the_unsecured_token_of_RFC_7519_6_1_and_never_accepts_it()
    {
        string unsecured = "eyJhbGciOiJub25lIn0." + Rfc.Split('.')[1] + ".";

        Assert.True(JsonWebToken.TryDecode(unsecured, out JsonWebToken? token));
        Assert.Equal("none", token!.Algorithm);
        Assert.False(Verify(unsecured, out string? reason));
        Assert.Equal("Its header does not name the algorithm HS256.", reason);
        Assert.False(Verify(TokenText.SignParts(unsecured.TrimEnd('.')), out _));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"alg":null}""")]
    [InlineData("""{"alg":"none"}""")]
    [InlineData("""{"alg":"None"}""")]
    [InlineData("""{"alg":""}""")]
    [InlineData("""{"alg":"hs256"}""")]
    [InlineData("""{"alg":"HS256 "}""")]
    [InlineData("""{"alg":["HS256"]}""")]
    [InlineData("""{"alg":"HS384"}""")]
    [InlineData("""{"alg":"HS512"}""")]
    [InlineData("""{"alg":"RS256"}""")]
    [InlineData("""{"alg":"ES256"}""")]
    [InlineData("""{"Alg":"HS256"}""")]
    [InlineData("""{"alg":"none","alg":"HS256"}""")]
    [InlineData("""{"alg":"HS256","alg":"HS256"}""")]
    [InlineData("""{"alg":"HS256","\u0061lg":"none"}""")]
    [InlineData("""{"alg":"HS256","crit":["exp"],"exp":1}""")]
    [InlineData("""{"alg":"HS256","crit":[]}""")]
    [InlineData("""{"alg":"HS256","b64":true}""")]
    [InlineData("""{"alg":"HS256","b64":false,"crit":["b64"]}""")]
    [InlineData("""{"alg":"HS256","enc":"A128GCM"}""")]
    [InlineData("""{"alg":"HS256","zip":"DEF"}""")]
    public void Refuses_a_header_that_says_anything_but_HS256(string header)
    {
        Assert.False(Verify(TokenText.Sign(header, "{}"), out string? reason));
        Assert.NotNull(reason);
    }

    [Theory]
    [InlineData("""{"alg":"HS256"}""")]
    [InlineData("""{"alg":"HS256","typ":"JWT","kid":"1","jku":"https://example.com/keys","jwk":{"kty":"oct","k":"AAAA"}}""")]
    [InlineData("""{ "typ" : "at+jwt" , "\u0061lg" : "\u0048S256" }""")]
    public void A_header_never_brings_its_own_key(string header)
    {
        Assert.True(Verify(TokenText.Sign(header, "{}"), out string? reason), reason);
        Assert.False(Verify(TokenText.Sign(header, "{}", new byte[3]), out _));
    }

    [Fact]
    public void Each_changed_bit_of_the_signature_fails()
    {
        string token = TokenText.Sign(TokenText.Hs256, """{"user_id":"u"}""");
        string signed = token[..token.LastIndexOf('.')];
        byte[] signature = HMACSHA256.HashData(TokenText.KeyBytes, Encoding.ASCII.GetBytes(signed));

        Assert.True(Verify(token, out _));
        for (int bit = 0; bit < 256; bit++)
        {
            byte[] changed = [.. signature];
            changed[bit / 8] ^= (byte)(1 << bit % 8);
            Assert.False(Verify(signed + "." + TokenText.Encode(changed), out string? reason));
            Assert.Equal("Its signature is not that of this secret key.", reason);
        }

        for (int length = 0; length < 32; length++)
        {
            Assert.False(Verify(signed + "." + TokenText.Encode(signature[..length]), out _));
        }

        Assert.False(Verify(signed + "." + TokenText.Encode([.. signature, 0]), out _));
        Assert.False(Verify(signed + "." + Convert.ToBase64String(signature), out _));
    }

    [Theory]
    [InlineData(0, "{}", true)]
    [InlineData(0, """{"exp":1750000001}""", true)]
    [InlineData(0, """{"exp":1750000000}""", false)]
    [InlineData(0, """{"exp":1750000000.5}""", true)]
    [InlineData(0, """{"exp":1749999999.5}""", false)]
    [InlineData(60, """{"exp":1749999941}""", true)]
    [InlineData(60, """{"exp":1749999940}""", false)]
    [InlineData(0, """{"exp":2147483648}""", true)]
    [InlineData(0, """{"exp":4294967296}""", true)]
    [InlineData(0, """{"exp":253402300800}""", true)]
    [InlineData(0, """{"exp":9223372036854775807}""", true)]
    [InlineData(0, """{"exp":1e30}""", true)]
    [InlineData(0, """{"exp":-1}""", false)]
    [InlineData(0, """{"exp":0}""", false)]
    [InlineData(0, """{"exp":1e400}""", false)]
    [InlineData(0, """{"exp":null}""", false)]
    [InlineData(0, """{"exp":"1750000001"}""", false)]
    [InlineData(0, """{"exp":true}""", false)]
    [InlineData(0, """{"nbf":1750000000}""", true)]
    [InlineData(0, """{"nbf":1750000001}""", false)]
    [InlineData(60, """{"nbf":1750000060}""", true)]
    [InlineData(60, """{"nbf":1750000061}""", false)]
    [InlineData(0, """{"nbf":-1e30}""", true)]
    [InlineData(0, """{"nbf":"0"}""", false)]
    [InlineData(0, """{"iat":1750000000}""", true)]
    [InlineData(0, """{"iat":1750000001}""", false)]
    [InlineData(60, """{"iat":1750000060}""", true)]
    [InlineData(60, """{"iat":1750000061}""", false)]
    [InlineData(0, """{"iat":[]}""", false)]
    [InlineData(0, """{"iat":1749999999,"nbf":1749999999,"exp":1750000001}""", true)]
    public void Judges_the_times_with_the_skew_on_each_side(int skewSeconds, string claims, bool isValid)
    {
        bool answer = TokenSignature.Verify(
            TokenText.Sign(TokenText.Hs256, claims), TokenText.KeyBytes, s_now, TimeSpan.FromSeconds(skewSeconds), out string? reason);

        Assert.Equal(isValid, answer);
        Assert.Equal(isValid, reason is null);
    }

    [Fact]
    public void A_skew_of_any_size_overflows_nothing() =>
        Assert.True(TokenSignature.Verify(TokenText.Sign(TokenText.Hs256, """{"exp":1,"nbf":99999999999}"""), TokenText.KeyBytes, DateTimeOffset.MaxValue, TimeSpan.MaxValue, out _));

    [Fact]
    public void The_key_is_neither_kept_nor_changed_and_the_reason_holds_nothing_of_it()
    {
        byte[] key = Encoding.UTF8.GetBytes("sk_canary_canary_canary_canary_canary");
        string token = TokenText.Sign(TokenText.Hs256, "{}", key);

        Assert.True(TokenSignature.Verify(token, key, s_now, TimeSpan.Zero, out _));
        Assert.Equal("sk_canary_canary_canary_canary_canary", Encoding.UTF8.GetString(key));
        string[] wrong = [token + "A", "canary", TokenText.Sign("""{"alg":"canary"}""", "{}", key), TokenText.Sign(TokenText.Hs256, """{"exp":"canary"}""", key), TokenText.Sign(TokenText.Hs256, "{}")];
        foreach (string text in wrong)
        {
            Assert.False(TokenSignature.Verify(text, key, s_now, TimeSpan.Zero, out string? reason));
            Assert.DoesNotContain("canary", reason, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("eyJ", reason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Says_no_to_what_cannot_be_judged()
    {
        Assert.False(Verify(null!, out _));
        Assert.Throws<MagicBellException>(() => TokenSignature.Verify(TokenText.Sign(TokenText.Hs256, "{}", []), [], s_now, TimeSpan.Zero, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => TokenSignature.Verify("e30.e30.", TokenText.KeyBytes, s_now, TimeSpan.FromTicks(-1), out _));
    }

    [Fact]
    public void Constant_time_comparison_sees_every_byte()
    {
        byte[] bytes = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

        Assert.True(ConstantTime.AreEqual(bytes, [.. bytes]));
        Assert.True(ConstantTime.AreEqual([], []));
        Assert.False(ConstantTime.AreEqual(bytes, bytes[..31]));
        for (int i = 0; i < bytes.Length; i++)
        {
            byte[] other = [.. bytes];
            other[i] ^= 0x80;
            Assert.False(ConstantTime.AreEqual(bytes, other));
        }

        Assert.Throws<ArgumentNullException>(() => ConstantTime.AreEqual(null!, bytes));
        Assert.Throws<ArgumentNullException>(() => ConstantTime.AreEqual(bytes, null!));
    }

    private static bool Verify(string token, out string? reason) => TokenSignature.Verify(token, TokenText.KeyBytes, s_now, TimeSpan.Zero, out reason);
}
