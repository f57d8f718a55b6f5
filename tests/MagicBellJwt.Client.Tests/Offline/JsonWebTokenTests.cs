using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Reflection;
using System.Text;
using Xunit;

namespace MagicBellJwt.Client.Tests.Offline;

public class JsonWebTokenTests
{
    [Fact]
    public void Says_what_the_claims_of_a_project_token_say()
    {
        JsonWebToken token = Decode("""
            {"jti":"0b0ff0d1-6a67-4b0a-8f6b-7a33b4dd1c11","iat":1700000000,"exp":4102444800,"kind":"project","project_id":"p1"}
            """);

        Assert.False(token.IsUserToken);
        Assert.Equal("0b0ff0d1-6a67-4b0a-8f6b-7a33b4dd1c11", token.Id);
        Assert.Equal("p1", token.Project);
        Assert.Equal("HS256", token.Algorithm);
        Assert.Equal("JWT", token.Header["typ"]);
        Assert.Equal(new DateTimeOffset(2023, 11, 14, 22, 13, 20, TimeSpan.Zero), token.IssuedAt);
        Assert.Equal(new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero), token.ExpiresAt);
        Assert.Null(token.NotBefore);
        Assert.Null(token.UserId);
        Assert.Null(token.Email);
        Assert.Null(token.ExternalId);
        Assert.Null(token.ApiKey);
    }

    [Fact]
    public void Says_what_the_claims_of_a_locally_signed_user_token_say()
    {
        JsonWebToken token = Decode("""{"user_email":"hana@example.com","user_external_id":7,"api_key":"pk_1","exp":1}""");

        Assert.True(token.IsUserToken);
        Assert.Equal("hana@example.com", token.Email);
        Assert.Equal("7", token.ExternalId);
        Assert.Equal("pk_1", token.ApiKey);
        Assert.Equal("pk_1", token.Project);
        Assert.Null(token.Id);
    }

    [Theory]
    [InlineData("""{"kind":"project"}""", false)]
    [InlineData("""{"kind":"user"}""", true)]
    [InlineData("""{"kind":"user","user_id":"u"}""", true)]
    [InlineData("""{"user_id":"u"}""", true)]
    [InlineData("""{"user_email":"a@b"}""", true)]
    [InlineData("""{"user_external_id":"x"}""", true)]
    [InlineData("""{"kind":"project","user_id":"u"}""", null)]
    [InlineData("""{"kind":"Project"}""", null)]
    [InlineData("""{"kind":null,"user_id":"u"}""", null)]
    [InlineData("""{"kind":1}""", null)]
    [InlineData("""{"user_id":""}""", null)]
    [InlineData("""{"project_id":"p"}""", null)]
    [InlineData("{}", null)]
    public void Names_a_kind_only_where_the_claims_agree(string claims, bool? isUserToken) => Assert.Equal(isUserToken, Decode(claims).IsUserToken);

    [Theory]
    [InlineData("""{"project_id":"a","project":"b","api_key":"c"}""", "a")]
    [InlineData("""{"project_id":12,"project":"b"}""", "12")]
    [InlineData("""{"project_id":"","project":"b","api_key":"c"}""", "b")]
    [InlineData("""{"project_id":{"id":1},"api_key":"c"}""", "c")]
    [InlineData("""{"project_id":true}""", null)]
    public void Finds_the_project_in_the_first_claim_that_names_one(string claims, string? project) => Assert.Equal(project, Decode(claims).Project);

    [Theory]
    [InlineData("""{"kind":"project","project_id":"p"}""", """{"project_id":"p"}""", null, null)]
    [InlineData("""{"kind":"project","project":"p"}""", """{"project_id":"p"}""", null, null)]
    [InlineData("""{"project_id":"p","role":"x"}""", """{"project_id":"p"}""", null, null)]
    [InlineData("""{"project_id":"p","iss":"us"}""", """{"project_id":"p","iss":"us"}""", null, null)]
    [InlineData("""{"user_email":"a@b","api_key":"pk_1"}""", """{"api_key":"pk_1"}""", null, null)]
    [InlineData("""{"user_email":"a@b","api_key":"pk_1"}""", """{"project_id":"p"}""", "pk_1", null)]
    [InlineData("""{"user_email":"a@b","api_key":"pk_1"}""", null, "pk_1", null)]
    [InlineData("""{"user_email":"a@b","project_id":"p","api_key":"pk_1"}""", """{"project_id":"p"}""", null, null)]
    [InlineData("""{"user_email":"a@b","api_key":"pk_1","exp":1}""", """{"project_id":"p"}""", null, "-ApiKey")]
    [InlineData("""{"user_email":"a@b","api_key":"pk_1"}""", null, null, "-ApiKey")]
    [InlineData("""{"user_email":"a@b","api_key":"pk_1"}""", """{"api_key":"pk_2"}""", null, "another project")]
    [InlineData("""{"user_email":"a@b","api_key":"pk_1"}""", """{"project_id":"p"}""", "pk_2", "another project")]
    [InlineData("""{"project_id":"p","api_key":"pk_1"}""", """{"project_id":"p"}""", "pk_2", "another project")]
    [InlineData("""{"project_id":"other","api_key":"pk_1"}""", """{"project_id":"p"}""", "pk_1", "another project")]
    [InlineData("""{"kind":"project","project_id":"p"}""", null, null, "does not say which")]
    [InlineData("""{"kind":"project","project_id":"p","iss":"them"}""", """{"project_id":"p"}""", null, "issuer")]
    [InlineData("""{"kind":"project","project_id":"p","aud":["them"]}""", """{"project_id":"p"}""", null, "issuer")]
    [InlineData("""{"project_id":"p","iss":"us"}""", """{"project_id":"p","iss":"them"}""", null, "issuer")]
    [InlineData("""{"user_email":"a@b"}""", """{"project_id":"p"}""", "pk_1", "names no project")]
    [InlineData("{}", """{"project_id":"p"}""", null, "names no project")]
    public void Says_why_it_is_not_a_token_of_this_very_project(string claims, string? own, string? apiKey, string? why)
    {
        string? said = Decode(claims).WhyNotOf(own is null ? null : Decode(own), apiKey);

        Assert.Equal(why is null, said is null);
        Assert.Contains(why ?? "", said ?? "", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0", "1970-01-01T00:00:00.0000000+00:00")]
    [InlineData("-1", "1969-12-31T23:59:59.0000000+00:00")]
    [InlineData("-0.5", "1969-12-31T23:59:59.5000000+00:00")]
    [InlineData("1700000000.25", "2023-11-14T22:13:20.2500000+00:00")]
    [InlineData("1.7e9", "2023-11-14T22:13:20.0000000+00:00")]
    [InlineData("2147483648", "2038-01-19T03:14:08.0000000+00:00")]
    [InlineData("4294967296", "2106-02-07T06:28:16.0000000+00:00")]
    [InlineData("253402300799", "9999-12-31T23:59:59.0000000+00:00")]
    [InlineData("-62135596800", "0001-01-01T00:00:00.0000000+00:00")]
    [InlineData("253402300800", null)]
    [InlineData("253402300800.5", null)]
    [InlineData("-62135596801", null)]
    [InlineData("-62135596800.5", null)]
    [InlineData("9223372036854775807", null)]
    [InlineData("9223372036854775808", null)]
    [InlineData("-1e30", null)]
    [InlineData("1e400", null)]
    [InlineData("-1e400", null)]
    [InlineData("\"1700000000\"", null)]
    [InlineData("true", null)]
    [InlineData("null", null)]
    [InlineData("[1700000000]", null)]
    [InlineData("{}", null)]
    public void Dates_are_safe_for_any_value(string value, string? expected)
    {
        JsonWebToken token = Decode($$"""{"iat":{{value}},"nbf":{{value}},"exp":{{value}}}""");

        Assert.Equal(expected, token.ExpiresAt?.ToString("o", CultureInfo.InvariantCulture));
        Assert.Equal(token.ExpiresAt, token.IssuedAt);
        Assert.Equal(token.ExpiresAt, token.NotBefore);
        Assert.Equal(TimeSpan.Zero, (token.ExpiresAt ?? default).Offset);
    }

    [Fact]
    public void Claims_are_plain_values()
    {
        IReadOnlyDictionary<string, object?> claims = Decode("""
            { "text" : "a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀", "whole" : -12 , "long":9223372036854775807, "big":9223372036854775808, "real":1.5,
              "yes":true,"no":false,"nothing":null, "list":[1,"2",[],{}], "object":{"a":{"b":[null]}}, "":0, "TEXT":"other" }
            """).Claims;

        Assert.Equal("a\"\\/\b\f\n\r\té😀é😀", claims["text"]);
        Assert.Equal(-12L, claims["whole"]);
        Assert.Equal(long.MaxValue, claims["long"]);
        Assert.Equal(9223372036854775808d, claims["big"]);
        Assert.Equal(1.5, claims["real"]);
        Assert.Equal(true, claims["yes"]);
        Assert.Equal(false, claims["no"]);
        Assert.Null(claims["nothing"]);
        Assert.Equal("other", claims["TEXT"]);
        var list = Assert.IsAssignableFrom<IReadOnlyList<object?>>(claims["list"]);
        Assert.Equal([1L, "2"], list.Take(2));
        Assert.Empty(Assert.IsAssignableFrom<IReadOnlyList<object?>>(list[2]));
        Assert.Empty(Assert.IsAssignableFrom<IReadOnlyDictionary<string, object?>>(list[3]));
        var inner = Assert.IsAssignableFrom<IReadOnlyDictionary<string, object?>>(claims["object"]);
        inner = Assert.IsAssignableFrom<IReadOnlyDictionary<string, object?>>(inner["a"]);
        Assert.Equal([null], Assert.IsAssignableFrom<IReadOnlyList<object?>>(inner["b"]));
        Assert.Equal(12, claims.Count);
        Assert.Throws<NotSupportedException>(() => ((IDictionary<string, object?>)claims).Add("more", 1));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"text\"")]
    [InlineData("{")]
    [InlineData("{\"a\"")]
    [InlineData("{\"a\":")]
    [InlineData("{\"a\":1")]
    [InlineData("{\"a\":1,")]
    [InlineData("{\"a\":1,}")]
    [InlineData("{,}")]
    [InlineData("{\"a\":1 \"b\":2}")]
    [InlineData("{\"a\":1}}")]
    [InlineData("{\"a\":1}{}")]
    [InlineData("{\"a\":1} x")]
    [InlineData("{\"a\":1}\0")]
    [InlineData("{\"a\":1}//comment")]
    [InlineData("{/*comment*/\"a\":1}")]
    [InlineData("{'a':1}")]
    [InlineData("{a:1}")]
    [InlineData("{\"a\":'x'}")]
    [InlineData("{\"a\":tru}")]
    [InlineData("{\"a\":True}")]
    [InlineData("{\"a\":nul}")]
    [InlineData("{\"a\":NaN}")]
    [InlineData("{\"a\":Infinity}")]
    [InlineData("{\"a\":undefined}")]
    [InlineData("{\"a\":01}")]
    [InlineData("{\"a\":-01}")]
    [InlineData("{\"a\":0x10}")]
    [InlineData("{\"a\":+1}")]
    [InlineData("{\"a\":.5}")]
    [InlineData("{\"a\":1.}")]
    [InlineData("{\"a\":1e}")]
    [InlineData("{\"a\":1e+}")]
    [InlineData("{\"a\":-}")]
    [InlineData("{\"a\":1_000}")]
    [InlineData("{\"a\":[1,]}")]
    [InlineData("{\"a\":[,1]}")]
    [InlineData("{\"a\":[1}")]
    [InlineData("{\"a\":\"x}")]
    [InlineData("{\"a\":\"\\x41\"}")]
    [InlineData("{\"a\":\"\\u12\"}")]
    [InlineData("{\"a\":\"\\u 12\"}")]
    [InlineData("{\"a\":\"\\u+123\"}")]
    [InlineData("{\"a\":\"\\ud83d\"}")]
    [InlineData("{\"a\":\"\\ude00\\ud83d\"}")]
    [InlineData("{\"a\":\"line\nbreak\"}")]
    [InlineData("{\"a\":\"tab\there\"}")]
    [InlineData("{\"a\":\"nul\0\"}")]
    [InlineData("{\"a\":\"\\\n\"}")]
    [InlineData("\uFEFF{}")]
    [InlineData("{\u00a0}")]
    [InlineData("{\"a\":1,\"a\":1}")]
    [InlineData("{\"a\":1,\"\\u0061\":2}")]
    [InlineData("{\"b\":{\"a\":1,\"a\":2}}")]
    public void Refuses_what_is_not_one_strict_JSON_object(string json)
    {
        Assert.False(JsonWebToken.TryDecode(TokenText.Sign(TokenText.Hs256, json), out JsonWebToken? token));
        Assert.Null(token);
        Assert.False(JsonWebToken.TryDecode(TokenText.Sign(json, "{}"), out token));
        Assert.Null(token);
    }

    [Theory]
    [InlineData(new byte[] { 0x22, 0xC3, 0x22 })]
    [InlineData(new byte[] { 0x22, 0xC0, 0xAF, 0x22 })]
    [InlineData(new byte[] { 0x22, 0xED, 0xA0, 0x80, 0x22 })]
    [InlineData(new byte[] { 0x22, 0xF5, 0x80, 0x80, 0x80, 0x22 })]
    [InlineData(new byte[] { 0x22, 0x00, 0x22 })]
    public void Refuses_bytes_that_are_not_UTF8(byte[] value)
    {
        byte[] claims = [.. "{\"a\":"u8, .. value, .. "}"u8];

        Assert.False(JsonWebToken.TryDecode(TokenText.Sign(Encoding.UTF8.GetBytes(TokenText.Hs256), claims), out _));
    }

    [Theory]
    [InlineData(62, true)]
    [InlineData(63, true)]
    [InlineData(64, false)]
    [InlineData(20_000, false)]
    public void Nests_to_64_levels_and_not_deeper(int innerLevels, bool isRead)
    {
        string claims = "{\"a\":" + new string('[', innerLevels) + new string(']', innerLevels) + "}";

        Assert.Equal(isRead, JsonWebToken.TryDecode(TokenText.Sign(TokenText.Hs256, claims), out _));
    }

    [Fact]
    public void Reads_65536_characters_and_not_one_more()
    {
        string start = TokenText.Encode(TokenText.Hs256) + ".";
        string end = "." + TokenText.Encode(new byte[32]);
        int room = 65_536 - start.Length - end.Length;
        string claims = "{\"a\":\"" + new string('x', room / 4 * 3 + room % 4 * 3 / 4 - 8) + "\"}";
        string longest = start + TokenText.Encode(claims) + end;
        longest += new string('A', 65_536 - longest.Length);

        Assert.Equal(65_536, longest.Length);
        Assert.True(JsonWebToken.TryDecode(longest, out _));
        Assert.False(JsonWebToken.TryDecode(longest + "AAAA", out _));
        Assert.False(JsonWebToken.TryDecode(new string('.', 10_000_000), out _));
    }

    [Theory]
    [InlineData("=", "")]
    [InlineData("==", "")]
    [InlineData(" ", "")]
    [InlineData("\n", "")]
    [InlineData("", " ")]
    [InlineData("", "\r\n")]
    [InlineData("", ".")]
    [InlineData("é", "")]
    [InlineData("\u0141", "")]
    [InlineData("+", "")]
    [InlineData("/", "")]
    [InlineData("%", "")]
    public void Refuses_anything_around_or_in_the_three_parts(string afterPart, string afterToken)
    {
        string[] parts = TokenText.Sign(TokenText.Hs256, """{"a":12}""").Split('.');
        for (int i = 0; i < 3; i++)
        {
            string[] changed = [.. parts];
            changed[i] += afterPart;
            Assert.False(JsonWebToken.TryDecode(string.Join(".", changed) + afterToken, out _));
        }
    }

    [Fact]
    public void Refuses_bits_that_no_byte_takes()
    {
        // 32 bytes are 43 characters: the last one carries two bits that must be zero.
        string token = TokenText.Sign(TokenText.Hs256, "{}");
        const string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        int last = alphabet.IndexOf(token[^1], StringComparison.Ordinal);

        Assert.Equal(0, last % 4);
        Assert.True(JsonWebToken.TryDecode(token, out _));
        for (int i = 1; i < 4; i++)
        {
            Assert.False(JsonWebToken.TryDecode(token[..^1] + alphabet[last + i], out _));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("...")]
    [InlineData("e30.e30")]
    [InlineData("e30..")]
    [InlineData(".e30.")]
    [InlineData("e30.e30.AAAA.AAAA")]
    [InlineData("e30.AAAA.AAAA.AAAA.AAAA")]
    public void Refuses_other_than_three_parts(string text) => Assert.False(JsonWebToken.TryDecode(text, out _));

    [Fact]
    public void Null_is_no_token() => Assert.False(JsonWebToken.TryDecode(null!, out _));

    [Fact]
    public void Reads_an_unsigned_token_and_a_header_without_algorithm()
    {
        Assert.True(JsonWebToken.TryDecode("e30.e30.", out JsonWebToken? token));
        Assert.Null(token!.Algorithm);
        Assert.Null(token.IsUserToken);
    }

    [Fact]
    public void Never_throws_on_random_text()
    {
        var random = new Random(20_250_701);
        const string characters = "eyJ.{}\"\\:,[]0-9abXYZ_+/= \n\0\u00e9\ud83d\ude00";
        for (int i = 0; i < 20_000; i++)
        {
            string part() => new([.. Enumerable.Range(0, random.Next(30)).Select(_ => characters[random.Next(characters.Length)])]);
            JsonWebToken.TryDecode(part(), out _);
            JsonWebToken.TryDecode(TokenText.Encode("{\"a\":" + part()) + "." + TokenText.Encode("{" + part() + "}") + ".", out _);
        }
    }

    [Fact]
    public void Keeps_neither_text_nor_signature()
    {
        string text = TokenText.Sign(TokenText.Hs256, """{"jti":"1","user_id":"u"}""");
        Assert.True(JsonWebToken.TryDecode(text, out JsonWebToken? token));

        var held = new List<string>();
        foreach (FieldInfo field in typeof(JsonWebToken).GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public))
        {
            var values = Assert.IsAssignableFrom<IReadOnlyDictionary<string, object?>>(field.GetValue(token));
            held.AddRange(values.Keys.Concat(values.Values.OfType<string>()));
        }

        Assert.Equal(["HS256", "JWT", "1", "u"], held.Where(value => value is not ("alg" or "typ" or "jti" or "user_id")));
        Assert.DoesNotContain("eyJ", token!.ToString(), StringComparison.Ordinal);
    }

    private static JsonWebToken Decode(string claims)
    {
        Assert.True(JsonWebToken.TryDecode(TokenText.Sign(TokenText.Hs256, claims), out JsonWebToken? token));
        return token!;
    }
}
