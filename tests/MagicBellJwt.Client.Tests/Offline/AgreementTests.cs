using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Tasks;
using JsonWebTokenHandler = Microsoft.IdentityModel.JsonWebTokens.JsonWebTokenHandler;
using Microsoft.IdentityModel.Tokens;
using Xunit;

namespace MagicBellJwt.Client.Tests.Offline;

/// <summary>A second opinion: Microsoft.IdentityModel.JsonWebTokens judges the same generated tokens.</summary>
public class AgreementTests
{
    private static readonly TimeSpan s_skew = TimeSpan.FromMinutes(2);

    private static readonly DateTimeOffset s_now = DateTimeOffset.UtcNow;

    private readonly Random _random = new(20_260_401);

    // Each takes a header and claims (JSON) and gives a token. "Stricter" are those that the other library lets pass, each by intent;
    // it also takes padding, ordinary base64 and trailing bits.
    private readonly Dictionary<string, Func<string, string, string>> _mutations;

    public AgreementTests() => _mutations = new(StringComparer.Ordinal)
    {
        ["none"] = (header, claims) => TokenText.Sign(header, claims),
        ["wrong key"] = (header, claims) => TokenText.Sign(header, claims, SHA256.HashData([(byte)_random.Next(256)])),
        ["one character"] = (header, claims) => Change(TokenText.Sign(header, claims), current => current == 'A' ? 'B' : 'A'),
        ["one odd character"] = (header, claims) => Change(TokenText.Sign(header, claims), _ => "=+/ .\n\té%"[_random.Next(9)]),
        ["case"] = (header, claims) => SwapCase(TokenText.Sign(header, claims)),
        ["cut"] = (header, claims) => Cut(TokenText.Sign(header, claims)),
        ["longer"] = (header, claims) => TokenText.Sign(header, claims) + new string('A', _random.Next(1, 5)),
        ["padded"] = (header, claims) => TokenText.Sign(header, claims) + "=",
        ["trailing bits"] = (header, claims) => TrailingBits(TokenText.Sign(header, claims)),
        ["ordinary base64"] = (header, claims) => TokenText.Sign(header, claims).Replace('-', '+').Replace('_', '/'),
        ["space around"] = (header, claims) => _random.Next(2) == 0 ? " " + TokenText.Sign(header, claims) : TokenText.Sign(header, claims) + "\n",
        ["parts"] = (header, claims) => Rearrange(TokenText.Sign(header, claims).Split('.')),
        ["unsigned"] = (header, claims) => TokenText.Encode(header) + "." + TokenText.Encode(claims) + ".",
        ["algorithm none"] = (_, claims) => TokenText.Encode("""{"alg":"none"}""") + "." + TokenText.Encode(claims) + ".",
        ["algorithm"] = (header, claims) => TokenText.Sign(header.Replace("HS256", Pick("none", "hs256", "HS384", "HS512", "RS256", "ES256", "PS256", "dir", "", "HS256 "), StringComparison.Ordinal), claims),
        ["real HS512"] = (header, claims) => Hs512(header.Replace("HS256", "HS512", StringComparison.Ordinal), claims),
        ["no algorithm"] = (_, claims) => TokenText.Sign("""{"typ":"JWT"}""", claims),
        ["stricter: JSON"] = (header, claims) => TokenText.Sign(header, "{" + Pick("a:1", "'a':1", "\"a\":01", "\"a\":1,", "\"a\":NaN", "\"a\":1}}", "\"a\":\"\\x\"", "\"a\":tru", "\"a\" 1", "\"a\":[", "/**/") + "}"),
        ["stricter: payload that is no object"] = (header, _) => TokenText.Sign(header, Pick("[]", "null", "1", "\"x\"", "", " ", "{", "\uFEFF{}")),
        ["UTF-8"] = (header, _) => TokenText.Sign(Encoding.UTF8.GetBytes(header), [.. "{\"a\":\""u8, .. Pick<byte[]>([0xC3], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xFF]), .. "\"}"u8]),
        ["expired"] = (header, _) => TokenText.Sign(header, Claim("exp", -_random.Next(300, 1_000_000))),
        ["within the skew"] = (header, _) => TokenText.Sign(header, Pick(Claim("exp", -30), Claim("nbf", 30))),
        ["not yet"] = (header, _) => TokenText.Sign(header, Claim("nbf", _random.Next(300, 1_000_000))),
        ["far expiry"] = (header, _) => TokenText.Sign(header, "{\"exp\":" + Pick("2147483648", "4294967296", "32503680000", "253402300799", "4102444800.5", "4.1e9") + "}"),
        ["past expiry"] = (header, _) => TokenText.Sign(header, "{\"exp\":" + Pick("1", "-0.5", "1e3", "1700000000.5") + "}"),
        ["two dates"] = (header, _) => TokenText.Sign(header, Claim("exp", 5_000, ",\"nbf\":" + Seconds(-5_000))),
        ["stricter: issued in the future"] = (header, _) => TokenText.Sign(header, Claim("iat", _random.Next(300, 1_000_000))),
        ["stricter: a date that is no number"] = (header, _) => TokenText.Sign(header, "{\"" + Pick("exp", "nbf", "iat") + "\":" + Pick("\"1\"", "\"4102444800\"", "null", "true", "[]", "{}", "1e400") + "}"),
        ["stricter: critical header"] = (header, claims) => TokenText.Sign(header[..^1] + Pick(",\"crit\":[\"x\"],\"x\":1}", ",\"b64\":true}", ",\"zip\":\"DEF\"}", ",\"enc\":\"A128GCM\"}"), claims),
        ["stricter: repeated name"] = (header, claims) => _random.Next(2) == 0
            ? TokenText.Sign(header[..^1] + ",\"alg\":\"HS256\"}", claims)
            : TokenText.Sign(header, "{\"exp\":1,\"exp\":4102444800}"),
    };

    [Fact]
    public async Task Ten_thousand_generated_tokens_and_mutations_of_them()
    {
        var handler = new JsonWebTokenHandler();
        var parameters = new TokenValidationParameters
        {
            ValidateAudience = false,
            ValidateIssuer = false,
            RequireExpirationTime = false,
            ValidAlgorithms = ["HS256"],
            IssuerSigningKey = new SymmetricSecurityKey(TokenText.KeyBytes),
            ClockSkew = s_skew,
        };
        string[] names = [.. _mutations.Keys];
        var accepted = new Dictionary<string, int>(StringComparer.Ordinal);
        var refused = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < 10_000; i++)
        {
            string name = names[i % names.Length];
            string header = Header();
            string claims = Claims();
            string token = _mutations[name](header, claims);
            bool theirs = (await handler.ValidateTokenAsync(token, parameters)).IsValid;
            bool ours = TokenSignature.Verify(token, TokenText.KeyBytes, s_now, s_skew, out string? reason);

            string because = $"{name}, token {i}: theirs {theirs}, ours {ours} ({reason}), header {header}, claims {claims}";
            bool isStricter = name.StartsWith("stricter", StringComparison.Ordinal) || !IsStrictBase64Url(token);
            Assert.True(isStricter ? !ours : ours == theirs, because);
            Dictionary<string, int> tally = ours ? accepted : refused;
            tally[name] = tally.GetValueOrDefault(name) + 1;
            if (theirs)
            {
                AssertSameClaims(new Microsoft.IdentityModel.JsonWebTokens.JsonWebToken(token), token);
            }
        }

        // Both answers were given, and a mutation did what its name says.
        foreach (string name in new[] { "none", "within the skew", "far expiry", "two dates" })
        {
            Assert.False(refused.ContainsKey(name), name);
        }

        Assert.DoesNotContain(names, name => !refused.ContainsKey(name) && !accepted.ContainsKey(name));
        Assert.True(accepted.Values.Sum() > 1_000);
        Assert.True(refused.Values.Sum() > 5_000);
    }

    [Fact]
    public async Task What_the_signer_signs_the_other_library_accepts()
    {
        byte[] key = Encoding.UTF8.GetBytes("sk_0123456789abcdef0123456789abcdef01234567");
        using var signer = new UserTokenSigner("pk_1", key);
        var parameters = new TokenValidationParameters
        {
            ValidateAudience = false,
            ValidateIssuer = false,
            ValidAlgorithms = ["HS256"],
            IssuerSigningKey = new SymmetricSecurityKey(key),
        };
        for (int i = 0; i < 1_000; i++)
        {
            string email = Text() + "@example.com";
            DateTimeOffset end = DateTimeOffset.UtcNow.AddHours(_random.Next(1, 1_000_000));
            string token = signer.Sign(email, Text() + "x", end);
            TokenValidationResult result = await new JsonWebTokenHandler().ValidateTokenAsync(token, parameters);

            Assert.True(result.IsValid, result.Exception?.Message);
            Assert.Equal(email, result.Claims["user_email"]);
            Assert.Equal(end.ToUnixTimeSeconds(), Convert.ToInt64(result.Claims["exp"], CultureInfo.InvariantCulture));
        }
    }

    private static void AssertSameClaims(Microsoft.IdentityModel.JsonWebTokens.JsonWebToken theirs, string token)
    {
        if (!JsonWebToken.TryDecode(token, out JsonWebToken? ours))
        {
            return;
        }

        Assert.Equal(theirs.Alg, ours!.Algorithm);
        foreach (string name in new[] { "user_email", "user_external_id", "jti" })
        {
            theirs.TryGetPayloadValue(name, out string? value);
            ours.Claims.TryGetValue(name, out object? own);
            Assert.Equal(value, own);
        }

        if (ours.ExpiresAt is { } end)
        {
            Assert.True((theirs.ValidTo - end.UtcDateTime).Duration() < TimeSpan.FromSeconds(1));
        }
    }

    private static bool IsStrictBase64Url(string token) => token.Split('.').All(part =>
    {
        string padded = part.Replace('-', '+').Replace('_', '/') + new string('=', (4 - part.Length % 4) % 4);
        return Convert.TryFromBase64String(padded, new byte[padded.Length], out _) && TokenText.Encode(Convert.FromBase64String(padded)) == part;
    });

    private static string Seconds(int fromNow) => s_now.AddSeconds(fromNow).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);

    private static string Claim(string name, int fromNow, string more = "") => "{\"" + name + "\":" + Seconds(fromNow) + more + "}";

    private string Header() => Pick(TokenText.Hs256, """{"alg":"HS256"}""", """{"typ":"JWT","alg":"HS256","kid":"a"}""", "{ \"alg\" : \"HS256\" }");

    private string Claims()
    {
        var claims = new List<string>();
        if (_random.Next(2) == 0)
        {
            claims.Add("\"exp\":" + Seconds(_random.Next(600, 100_000_000)));
        }

        if (_random.Next(2) == 0)
        {
            claims.Add("\"iat\":" + Seconds(-_random.Next(600, 1_000_000)) + Pick("", ".5"));
        }

        if (_random.Next(2) == 0)
        {
            claims.Add("\"nbf\":" + Seconds(-_random.Next(600, 1_000_000)));
        }

        if (_random.Next(2) == 0)
        {
            claims.Add("\"user_email\":" + System.Text.Json.JsonSerializer.Serialize(Text()));
        }

        if (_random.Next(2) == 0)
        {
            claims.Add("\"user_external_id\":" + Newtonsoft.Json.JsonConvert.ToString(Text()));
        }

        if (_random.Next(2) == 0)
        {
            claims.Add(Pick("\"a\":[1,2,{\"b\":null}]", "\"b\":1.5e-3", "\"c\":{\"d\":{}}", "\"jti\":\"x\"", "\"big\":123456789012345678901234567890"));
        }

        return "{" + string.Join(Pick(",", " , ", ",\n"), claims) + "}";
    }

    private string Text()
    {
        const string characters = "abcXYZ019 \"\\/<>&'+\u00e9\u0131\u0130\u0627\u05d0\n\t\u2028\u20ac";
        var text = new StringBuilder();
        for (int i = _random.Next(1, 20); i > 0; i--)
        {
            text.Append(_random.Next(10) == 0 ? "😀" : characters[_random.Next(characters.Length)].ToString());
        }

        return text.ToString();
    }

    private T Pick<T>(params T[] values) => values[_random.Next(values.Length)];

    private string Change(string token, Func<char, char> next)
    {
        int at = _random.Next(token.Length);
        return token[..at] + next(token[at]) + token[(at + 1)..];
    }

    private string SwapCase(string token)
    {
        int at;
        do
        {
            at = _random.Next(token.Length);
        }
        while (!char.IsAsciiLetter(token[at]));

        return token[..at] + (char)(token[at] ^ 0x20) + token[(at + 1)..];
    }

    private string Cut(string token) => _random.Next(2) == 0 ? token[_random.Next(1, token.Length)..] : token[..^_random.Next(1, token.Length)];

    private string TrailingBits(string token)
    {
        const string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        return token[..^1] + alphabet[alphabet.IndexOf(token[^1], StringComparison.Ordinal) + _random.Next(1, 4)];
    }

    private string Rearrange(string[] parts) => Pick(
        $"{parts[1]}.{parts[0]}.{parts[2]}",
        $"{parts[0]}.{parts[1]}",
        $"{parts[0]}.{parts[1]}.{parts[2]}.",
        $"{parts[0]}.{parts[1]}.{parts[2]}.{parts[2]}",
        $"{parts[0]}..{parts[2]}",
        $".{parts[1]}.{parts[2]}",
        $"{parts[0]}.{parts[1]}.{parts[2]}.{parts[1]}.{parts[2]}");

    private static string Hs512(string header, string claims)
    {
        string signed = TokenText.Encode(header) + "." + TokenText.Encode(claims);
        return signed + "." + TokenText.Encode(HMACSHA512.HashData(TokenText.KeyBytes, Encoding.ASCII.GetBytes(signed)));
    }
}
