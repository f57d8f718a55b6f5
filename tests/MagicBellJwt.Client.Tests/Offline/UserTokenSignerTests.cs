using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using Xunit;

namespace MagicBellJwt.Client.Tests.Offline;

public class UserTokenSignerTests
{
    private static readonly byte[] s_key = Encoding.UTF8.GetBytes("sk_0123456789abcdef0123456789abcdef01234567");
    private static readonly DateTimeOffset s_end = new(2045, 6, 7, 10, 9, 10, 999, TimeSpan.FromHours(2));

    [Fact]
    public void Signs_exactly_the_documented_claims()
    {
        using var signer = new UserTokenSigner("pk_1", s_key);
        string token = signer.Sign("hana@example.com", "u-7", s_end);

        // The same bytes by hand, so that header, order and spelling are held too.
        Assert.Equal(
            TokenText.Sign(TokenText.Hs256, """{"user_email":"hana@example.com","user_external_id":"u-7","api_key":"pk_1","exp":2380435750}""", s_key),
            token);
        Assert.True(TokenSignature.Verify(token, s_key, s_end.AddSeconds(-2), TimeSpan.Zero, out string? reason), reason);
        Assert.True(JsonWebToken.TryDecode(token, out JsonWebToken? read));
        Assert.True(read!.IsUserToken);
        Assert.Equal(2_380_435_750L, read.Claims["exp"]);
        Assert.Equal(new DateTimeOffset(2045, 6, 7, 8, 9, 10, TimeSpan.Zero), read.ExpiresAt);
    }

    [Theory]
    [InlineData("a@b.example", null, "user_email")]
    [InlineData("a@b.example", "", "user_email")]
    [InlineData(null, "7", "user_external_id")]
    [InlineData("", "7", "user_external_id")]
    public void Leaves_out_what_is_not_given(string? email, string? externalId, string given)
    {
        using var signer = new UserTokenSigner("pk_1", s_key);

        Assert.True(JsonWebToken.TryDecode(signer.Sign(email, externalId, null), out JsonWebToken? read));
        Assert.Equal([given, "api_key"], read!.Claims.Keys);
    }

    [Fact]
    public void Any_text_comes_back_as_it_was_under_any_culture()
    {
        string text = string.Concat(Enumerable.Range(0, 0x3000).Where(i => i is < 0xD800 or > 0xDFFF).Select(i => (char)i)) + "\"\\/😀\uFFFD\uFFFE";
        CultureInfo before = CultureInfo.CurrentCulture;
        using var signer = new UserTokenSigner("pk_1", s_key);
        try
        {
            foreach (string culture in new[] { "tr-TR", "fi-FI", "ar-SA" })
            {
                CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo(culture);
                string token = signer.Sign(text, "i\u0307I", s_end);
                Assert.True(TokenSignature.Verify(token, s_key, s_end.AddDays(-1), TimeSpan.Zero, out string? reason), reason);
                Assert.True(JsonWebToken.TryDecode(token, out JsonWebToken? read));
                Assert.Equal(text, read!.Email);
                Assert.Equal("i\u0307I", read.ExternalId);
                Assert.Equal("pk_1", read.ApiKey);
                Assert.Equal(2_380_435_750L, read.Claims["exp"]);
            }
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void Refuses_what_names_nobody_or_is_no_text()
    {
        using var signer = new UserTokenSigner("pk_1", s_key);

        Assert.Throws<ArgumentException>(() => signer.Sign(null, null, s_end));
        Assert.Throws<ArgumentException>(() => signer.Sign("", "", s_end));
        Assert.ThrowsAny<ArgumentException>(() => signer.Sign("a\ud83d@b", null, s_end));
    }

    // The public key stands readable in each token, and whoever knows the secret key signs any.
    [Theory]
    [InlineData("")]
    [InlineData("pk_")]
    [InlineData("sk_canary0123456789")]
    [InlineData(" sk_canary0123456789")]
    [InlineData("SK_canary0123456789")]
    [InlineData("PK_canary0123456789")]
    [InlineData("canary0123456789")]
    [InlineData("pk_sk_canary0123456789")]
    [InlineData("pk_1 sk_canary0123456789")]
    [InlineData("pk_1\nsk_canary0123456789")]
    [InlineData("pk_\"canary0123456789")]
    [InlineData("pk_1.canary0123456789")]
    [InlineData("pk_SK_canary0123456789")]
    [InlineData("pk_live_sk_canary0123456789")]
    [InlineData("pk_live-sk_canary0123456789")]
    [InlineData("pk_0123456789abcdef0123456789abcdef01234567")]
    [InlineData("pk_live_0123456789abcdef0123456789abcdef01234567_1")]
    public void Refuses_what_is_no_public_key_without_repeating_it(string apiKey)
    {
        MagicBellException failure = Assert.Throws<MagicBellException>(() => new UserTokenSigner(apiKey, s_key));
        Assert.Equal(MagicBellError.InvalidRequest, failure.Error);
        Assert.DoesNotContain("canary", failure.ToString(), StringComparison.Ordinal);
    }

    // Anybody knows a public key, and could sign tokens with it.
    public static TheoryData<string> NoSecretKeys() =>
    [
        "",
        "pk_canary0123456789",
        " pk_canary0123456789",
        "\uFEFFpk_canary0123456789",
        "PK_canary0123456789",
        System.Security.Cryptography.RSA.Create(1024).ExportSubjectPublicKeyInfoPem(),
        System.Security.Cryptography.RSA.Create(1024).ExportRSAPublicKeyPem(),
        "\r\n" + System.Security.Cryptography.ECDsa.Create().ExportSubjectPublicKeyInfoPem(),
        "-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----",
        "---- BEGIN SSH2 PUBLIC KEY ----\ncanary",
        "ssh-rsa canary0123456789",
        "ecdsa-sha2-nistp256 canary0123456789",
        "{\"kty\":\"RSA\",\"n\":\"canary\",\"e\":\"AQAB\"}",
        "\"pk_canary0123456789\"",
        "'pk_canary0123456789'",
        " \uFEFF pk_canary0123456789",
        "\u00A0pk_canary0123456789",
        "\u200Bpk_canary0123456789",
        "\fpk_canary0123456789",
        "sk-ssh-ed25519@openssh.com canary0123456789",
        "sk-ecdsa-sha2-nistp256@openssh.com canary0123456789",
        "<RSAKeyValue><Modulus>canary</Modulus></RSAKeyValue>",
        Convert.ToBase64String(System.Security.Cryptography.RSA.Create(2048).ExportSubjectPublicKeyInfo()),
        Convert.ToBase64String(System.Security.Cryptography.RSA.Create(1024).ExportRSAPublicKey(), Base64FormattingOptions.InsertLineBreaks) + "\n",
        Convert.ToBase64String(System.Security.Cryptography.ECDsa.Create().ExportSubjectPublicKeyInfo()).TrimEnd('='),
    ];

    [Theory]
    [MemberData(nameof(NoSecretKeys))]
    public void Refuses_what_is_no_secret_key_without_repeating_it(string secretKey)
    {
        byte[] key = Encoding.UTF8.GetBytes(secretKey);
        MagicBellException[] failures =
        [
            Assert.Throws<MagicBellException>(() => new UserTokenSigner("pk_1", key)),
            Assert.Throws<MagicBellException>(() => TokenSignature.Verify("a.b.c", key, DateTimeOffset.UtcNow, TimeSpan.Zero, out _)),
        ];
        Assert.All(failures, failure => Assert.Equal(MagicBellError.InvalidRequest, failure.Error));
        Assert.All(failures, failure => Assert.DoesNotContain("canary", failure.ToString(), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("sk_0123456789")]
    [InlineData("a key without a prefix")]
    [InlineData("ask_pk_1")]
    [InlineData("k")]
    [InlineData("sk_live-2_A")]
    [InlineData("MIIBIjANBgkqhkiG9w0BAQEFAAOC")]
    [InlineData("MAsCAQA")]
    [InlineData("\u00e9\ud83d\ude00")]
    public void Takes_any_other_secret_key(string secretKey)
    {
        byte[] key = Encoding.UTF8.GetBytes(secretKey);
        using var signer = new UserTokenSigner("pk_live-1_A", key);
        Assert.True(TokenSignature.Verify(signer.Sign("hana@example.com", null, null), key, DateTimeOffset.UtcNow, TimeSpan.Zero, out _));
    }

    [Fact]
    public void Signs_nothing_once_its_key_is_wiped_and_leaves_the_callers_key_alone()
    {
        byte[] key = [.. s_key];
        var signer = new UserTokenSigner("pk_1", key);
        signer.Dispose();

        Assert.Throws<ObjectDisposedException>(() => signer.Sign("a@b.example", null, s_end));
        Assert.Equal(s_key, key);
    }

    [Fact]
    public void Signs_a_hundred_thousand_different_tokens_with_one_signer()
    {
        using var signer = new UserTokenSigner("pk_1", s_key);
        var signatures = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < 100_000; i++)
        {
            string token = signer.Sign(null, i.ToString(CultureInfo.InvariantCulture), s_end);
            signatures.Add(token[^43..]);
            if (i % 1000 == 0)
            {
                Assert.True(TokenSignature.Verify(token, s_key, s_end.AddDays(-1), TimeSpan.Zero, out string? reason), reason);
            }
        }

        Assert.Equal(100_000, signatures.Count);
    }
}
