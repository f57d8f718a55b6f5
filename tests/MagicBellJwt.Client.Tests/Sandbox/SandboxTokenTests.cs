using System;
using System.Buffers.Text;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox;
using MagicBellJwt.Sandbox.Server;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace MagicBellJwt.Client.Tests.Sandbox;

/// <summary>What the sandbox issues, revokes and refuses.</summary>
public sealed class SandboxTokenTests : IAsyncLifetime
{
    private const string SecretKey = "sk_of_this_test";

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 3, 29, 0, 59, 59, TimeSpan.Zero).AddMilliseconds(750));
    private SandboxServer _server = null!;
    private PlainClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await SandboxServer.StartAsync(new SandboxServerOptions
        {
            Sandbox = new SandboxOptions { Clock = _clock, SecretKey = SecretKey, ProjectId = "prj_1", EnforceRateLimit = false },
        });
        _client = new PlainClient(_server);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_project_token_is_a_signed_JWT_that_names_itself_and_ends_when_the_answer_says()
    {
        PlainAnswer answer = await _client.PostAsync("jwt/project", new { name = "ci", expiry = 3600 });

        Assert.Equal(201, answer.Status);
        Assert.Equal("2026-03-29T00:59:59Z", answer.Json["created_at"]!.GetValue<string>());
        Assert.Equal("2026-03-29T01:59:59Z", answer.Json["expires_at"]!.GetValue<string>());
        JsonObject claims = VerifiedClaims(answer.Token);
        Assert.Equal(["jti", "iat", "exp", "kind", "project_id"], claims.Select(claim => claim.Key));
        Assert.Equal(answer.TokenId, claims["jti"]!.GetValue<string>());
        Assert.Equal(DateTimeOffset.Parse("2026-03-29T00:59:59Z", null).ToUnixTimeSeconds(), claims["iat"]!.GetValue<long>());
        Assert.Equal(DateTimeOffset.Parse("2026-03-29T01:59:59Z", null).ToUnixTimeSeconds(), claims["exp"]!.GetValue<long>());
        Assert.Equal("project", claims["kind"]!.GetValue<string>());
        Assert.Equal("prj_1", claims["project_id"]!.GetValue<string>());
        PlainAnswer list = await _client.GetAsync("jwt/project");
        Assert.Equal([answer.TokenId, VerifiedClaims(_server.AdministratorToken)["jti"]!.GetValue<string>()], list.Ids);
        Assert.Equal(["ci", "Sandbox administrator"], list.Names);
        Assert.DoesNotContain(answer.Token, list.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_without_an_expiry_says_none_anywhere()
    {
        PlainAnswer answer = await _client.PostAsync("jwt/project", new { name = "for ever", expiry = (int?)null });

        Assert.Null(answer.Json["expires_at"]);
        Assert.Null(VerifiedClaims(answer.Token)["exp"]);
        Assert.Null((await _client.GetAsync("jwt/project")).Json["data"]![0]!["expires_at"]);
        _clock.Advance(TimeSpan.FromDays(10_000));
        Assert.Equal(200, (await _client.GetAsync("jwt/project")).Status);
    }

    [Fact]
    public async Task A_new_project_token_opens_the_API_until_it_expires_and_is_listed_and_revocable_after()
    {
        PlainAnswer answer = await _client.PostAsync("jwt/project", new { name = "short", expiry = 60 });
        string bearer = "Bearer " + answer.Token;

        Assert.Equal(200, (await _client.SendAsync("GET", "jwt/project", authorization: bearer)).Status);
        _clock.Advance(TimeSpan.FromSeconds(59.2));
        Assert.Equal(200, (await _client.SendAsync("GET", "jwt/project", authorization: bearer)).Status);
        _clock.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(401, (await _client.SendAsync("GET", "jwt/project", authorization: bearer)).Status);
        Assert.Contains(answer.TokenId, (await _client.GetAsync("jwt/project")).Ids);
        Assert.Equal(200, (await _client.DeleteAsync("jwt/project/" + answer.TokenId)).Status);
    }

    [Fact]
    public async Task A_user_is_the_same_by_email_by_external_id_and_by_both()
    {
        PlainAnswer byEmail = await _client.PostAsync("jwt/user", new { email = "hana@example.com", name = "laptop" });
        PlainAnswer byBoth = await _client.PostAsync("jwt/user", new { email = "Hana@Example.com", external_id = "42" });
        PlainAnswer byExternalId = await _client.PostAsync("jwt/user", new { external_id = "42" });
        PlainAnswer another = await _client.PostAsync("jwt/user", new { external_id = "43" });

        string user = UserOf(byEmail);
        Assert.Equal(user, UserOf(byBoth));
        Assert.Equal(user, UserOf(byExternalId));
        Assert.NotEqual(user, UserOf(another));
        Assert.Equal([byExternalId.TokenId, byBoth.TokenId, byEmail.TokenId], (await _client.GetAsync("jwt/user/" + user)).Ids);
        Assert.Equal([another.TokenId], (await _client.GetAsync("jwt/user/" + UserOf(another))).Ids);

        JsonObject claims = VerifiedClaims(byExternalId.Token);
        Assert.Equal(["jti", "iat", "kind", "project_id", "user_id", "user_email", "user_external_id"], claims.Select(claim => claim.Key));
        Assert.Equal("user", claims["kind"]!.GetValue<string>());
        Assert.Equal("hana@example.com", claims["user_email"]!.GetValue<string>());
        Assert.Equal("42", claims["user_external_id"]!.GetValue<string>());
        Assert.Equal(["Sandbox administrator"], (await _client.GetAsync("jwt/project")).Names);
    }

    [Theory]
    [InlineData("one@example.com", "2")]
    [InlineData("one@example.com", "3")]
    [InlineData("three@example.com", "1")]
    public async Task Names_of_two_users_are_a_conflict_and_make_no_token(string email, string externalId)
    {
        await _client.PostAsync("jwt/user", new { email = "one@example.com", external_id = "1" });
        await _client.PostAsync("jwt/user", new { email = "two@example.com", external_id = "2" });

        PlainAnswer answer = await _client.PostAsync("jwt/user", new { email, external_id = externalId });

        Assert.Equal(409, answer.Status);
        Assert.Equal(["user_conflict"], answer.ErrorCodes);
        Assert.Equal(3, _server.Api.ListTokens().Count);
    }

    [Theory]
    [InlineData("jwt/project", "{}", "name_missing")]
    [InlineData("jwt/project", """{"name":null}""", "name_missing")]
    [InlineData("jwt/project", """{"name":""}""", "invalid_name")]
    [InlineData("jwt/project", """{"name":" \t"}""", "invalid_name")]
    [InlineData("jwt/project", """{"name":5}""", "invalid_name")]
    [InlineData("jwt/project", """{"name":["ci"]}""", "invalid_name")]
    [InlineData("jwt/project", """{"name":"ci","expiry":0}""", "invalid_expiry")]
    [InlineData("jwt/project", """{"name":"ci","expiry":-1}""", "invalid_expiry")]
    [InlineData("jwt/project", """{"name":"ci","expiry":1.5}""", "invalid_expiry")]
    [InlineData("jwt/project", """{"name":"ci","expiry":"60"}""", "invalid_expiry")]
    [InlineData("jwt/project", """{"name":"ci","expiry":true}""", "invalid_expiry")]
    [InlineData("jwt/project", """{"name":"ci","expiry":9223372036854775807}""", "invalid_expiry")]
    [InlineData("jwt/project", """{"name":"ci","expiry":92233720368547758070}""", "invalid_expiry")]
    [InlineData("jwt/project", """{"name":"ci","expiry":251627904001}""", "invalid_expiry")]
    [InlineData("jwt/project", """{"name":7,"expiry":0}""", "invalid_name", "invalid_expiry")]
    [InlineData("jwt/user", "{}", "user_missing")]
    [InlineData("jwt/user", """{"name":"laptop","email":null}""", "user_missing")]
    [InlineData("jwt/user", """{"email":""}""", "invalid_email")]
    [InlineData("jwt/user", """{"email":"nobody"}""", "invalid_email")]
    [InlineData("jwt/user", """{"email":"@example.com"}""", "invalid_email")]
    [InlineData("jwt/user", """{"email":"hana@"}""", "invalid_email")]
    [InlineData("jwt/user", """{"external_id":17}""", "invalid_external_id")]
    [InlineData("jwt/user", """{"external_id":"1","name":""}""", "invalid_name")]
    [InlineData("jwt/user", """{"external_id":"1","expiry":0}""", "invalid_expiry")]
    public async Task Invalid_input_is_a_422_that_says_what_and_makes_nothing(string path, string body, params string[] codes)
    {
        PlainAnswer answer = await _client.PostAsync(path, body);

        Assert.Equal(422, answer.Status);
        Assert.Equal(codes, answer.ErrorCodes);
        Assert.Single(_server.Api.ListTokens());
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"name\"")]
    [InlineData("""{"name":"ci"} {}""")]
    [InlineData("""{"name":"ci","name":"cd"}""")]
    [InlineData("name=ci")]
    public async Task A_body_that_is_not_one_JSON_object_is_a_400(string body)
    {
        PlainAnswer answer = await _client.PostAsync("jwt/project", body);

        Assert.Equal(400, answer.Status);
        Assert.Equal(["invalid_json"], answer.ErrorCodes);
    }

    [Fact]
    public async Task Hostile_bytes_are_a_400_and_do_no_harm()
    {
        byte[] notUtf8 = [.. "{\"name\":\""u8, 0xC3, 0x28, .. "\"}"u8];
        string deep = string.Concat(Enumerable.Repeat("{\"name\":", 100_000));

        Assert.Equal(400, (await _client.PostAsync("jwt/project", notUtf8)).Status);
        Assert.Equal(400, (await _client.PostAsync("jwt/project", deep)).Status);
        Assert.Equal(200, (await _client.GetAsync("jwt/project")).Status);
    }

    [Theory]
    [InlineData("a", 255)]
    [InlineData("م", 255)]
    [InlineData("🔑", 255)]
    public async Task Texts_hold_255_characters_and_not_one_more(string character, int longest)
    {
        string text = string.Concat(Enumerable.Repeat(character, longest));

        Assert.Equal(201, (await _client.PostAsync("jwt/project", new { name = text })).Status);
        Assert.Equal(text, (await _client.GetAsync("jwt/project")).Names[0]);
        Assert.Equal(201, (await _client.PostAsync("jwt/user", new { external_id = text })).Status);
        Assert.Equal(["invalid_name"], (await _client.PostAsync("jwt/project", new { name = text + character })).ErrorCodes);
        Assert.Equal(["invalid_external_id"], (await _client.PostAsync("jwt/user", new { external_id = text + character })).ErrorCodes);
        Assert.Equal(["invalid_email"], (await _client.PostAsync("jwt/user", new { email = text + "@example.com" })).ErrorCodes);
    }

    [Theory]
    [InlineData("ci/cd \"quoted\" \\ <b>")]
    [InlineData("مفتاح الخادم")]
    [InlineData("e\u0301 and \u00e9")]
    [InlineData("line\nfeed\u0000\u2028")]
    public async Task A_name_comes_back_as_it_was_given(string name)
    {
        await _client.PostAsync("jwt/project", new { name });

        Assert.Equal(name, (await _client.GetAsync("jwt/project")).Names[0]);
    }

    [Theory]
    [InlineData("project", "user")]
    [InlineData("user", "project")]
    public async Task Revoking_says_when_and_works_once_and_only_under_the_tokens_own_kind(string kind, string otherKind)
    {
        PlainAnswer issued = await _client.PostAsync("jwt/" + kind, new { name = "x", external_id = "1" });
        _clock.Advance(TimeSpan.FromHours(2));

        Assert.Equal(404, (await _client.DeleteAsync($"jwt/{otherKind}/{issued.TokenId}")).Status);
        PlainAnswer revoked = await _client.DeleteAsync($"jwt/{kind}/{issued.TokenId.ToUpperInvariant()}");
        Assert.Equal(200, revoked.Status);
        Assert.Equal(issued.TokenId, revoked.TokenId);
        Assert.Equal("2026-03-29T02:59:59Z", revoked.Json["discarded_at"]!.GetValue<string>());
        PlainAnswer again = await _client.DeleteAsync($"jwt/{kind}/{issued.TokenId}");
        Assert.Equal(404, again.Status);
        Assert.Equal(["not_found"], again.ErrorCodes);
        Assert.DoesNotContain(_server.Api.ListTokens(), token => token.Id == Guid.Parse(issued.TokenId) && token.IsLive(_clock.GetUtcNow()));
    }

    [Theory]
    [InlineData("jwt/project/2a6379c1-9dd6-440f-8057-1f675352544e")]
    [InlineData("jwt/user/2a6379c1-9dd6-440f-8057-1f675352544e")]
    [InlineData("jwt/project/nonsense")]
    [InlineData("jwt/user/%2F%3F%23")]
    public async Task Revoking_what_is_unknown_is_a_404(string path)
    {
        Assert.Equal(404, (await _client.DeleteAsync(path)).Status);
    }

    [Fact]
    public async Task A_user_id_sent_to_the_revocation_of_tokens_is_a_404()
    {
        PlainAnswer issued = await _client.PostAsync("jwt/user", new { external_id = "1" });

        Assert.Equal(404, (await _client.DeleteAsync("jwt/user/" + UserOf(issued))).Status);
    }

    [Fact]
    public async Task A_project_token_may_revoke_itself_and_is_unknown_from_then_on()
    {
        PlainAnswer issued = await _client.PostAsync("jwt/project", new { name = "last act" });

        Assert.Equal(200, (await _client.SendAsync("DELETE", "jwt/project/" + issued.TokenId, authorization: "Bearer " + issued.Token)).Status);
        Assert.Equal(401, (await _client.SendAsync("GET", "jwt/project", authorization: "Bearer " + issued.Token)).Status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Bearer x")]
    [InlineData("Bearer x.y.z")]
    [InlineData("Basic Zm9vOmJhcg==")]
    public async Task A_missing_or_senseless_bearer_is_a_401(string authorization)
    {
        foreach ((string method, string path) in new[] { ("GET", "jwt/project"), ("POST", "jwt/project"), ("DELETE", "jwt/user/1"), ("GET", "jwt/user/1") })
        {
            PlainAnswer answer = await _client.SendAsync(method, path, authorization: authorization);
            Assert.Equal(401, answer.Status);
            Assert.Equal("Bearer", answer.Headers["WWW-Authenticate"]);
        }
    }

    [Fact]
    public async Task A_forged_bearer_is_a_401()
    {
        string id = VerifiedClaims(_server.AdministratorToken)["jti"]!.GetValue<string>();
        string[] parts = _server.AdministratorToken.Split('.');
        string claims = $$"""{"jti":"{{id}}"}""";
        string[] forgeries =
        [
            Signed(claims, key: "sk_of_somebody_else"),
            Base64Url.EncodeToString("{\"alg\":\"none\"}"u8) + "." + parts[1] + ".",
            parts[0] + "." + parts[1] + "." + parts[2][..^1],
            parts[0] + "." + parts[1] + "." + parts[2] + "A",
            Signed("""{"jti":"2a6379c1-9dd6-440f-8057-1f675352544e"}""", SecretKey),
            Signed("""{"jti":null}""", SecretKey),
            Signed("""{"jti":{}}""", SecretKey),
            Signed("not JSON", SecretKey),
            SignedText("!!!.!!!", SecretKey),
        ];

        Assert.Equal(200, (await _client.SendAsync("GET", "jwt/project", authorization: "bearer " + Signed(claims, SecretKey))).Status);
        foreach (string forgery in forgeries)
        {
            Assert.Equal(401, (await _client.SendAsync("GET", "jwt/project", authorization: "Bearer " + forgery)).Status);
        }
    }

    [Fact]
    public async Task A_user_token_is_no_administrator_whether_the_API_or_the_projects_key_made_it()
    {
        PlainAnswer issued = await _client.PostAsync("jwt/user", new { email = "hana@example.com" });
        string offline = Signed($$"""{"user_email":"a@b.c","exp":{{_clock.GetUtcNow().ToUnixTimeSeconds() + 5}}}""", SecretKey);

        Assert.Equal(["forbidden"], (await _client.SendAsync("GET", "jwt/project", authorization: "Bearer " + issued.Token)).ErrorCodes);
        Assert.Equal(403, (await _client.SendAsync("DELETE", "jwt/user/" + issued.TokenId, authorization: "Bearer " + issued.Token)).Status);
        Assert.Equal(403, (await _client.SendAsync("GET", "jwt/project", authorization: "Bearer " + offline)).Status);
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(401, (await _client.SendAsync("GET", "jwt/project", authorization: "Bearer " + offline)).Status);
        await _client.DeleteAsync("jwt/user/" + issued.TokenId);
        Assert.Equal(401, (await _client.SendAsync("GET", "jwt/project", authorization: "Bearer " + issued.Token)).Status);
    }

    [Theory]
    [InlineData("PUT", "jwt/project", "GET, POST")]
    [InlineData("DELETE", "jwt/project", "GET, POST")]
    [InlineData("GET", "jwt/project/2a6379c1-9dd6-440f-8057-1f675352544e", "DELETE")]
    [InlineData("GET", "jwt/user", "POST")]
    [InlineData("POST", "jwt/user/1", "GET, DELETE")]
    [InlineData("PATCH", "jwt/project", "GET, POST")]
    public async Task Another_method_is_a_405_that_names_the_right_ones(string method, string path, string allowed)
    {
        PlainAnswer answer = await _client.SendAsync(method, path);

        Assert.Equal(405, answer.Status);
        Assert.Equal(allowed, answer.Headers["Allow"]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("jwt")]
    [InlineData("jwt/")]
    [InlineData("jwt/project/")]
    [InlineData("jwt/project/a/b")]
    [InlineData("jwt/team")]
    [InlineData("/v1/jwt/project")]
    [InlineData("/V2/jwt/project")]
    public async Task Another_path_is_a_404(string path)
    {
        Assert.Equal(404, (await _client.GetAsync(path)).Status);
    }

    private static string UserOf(PlainAnswer issued) => VerifiedClaims(issued.Token)["user_id"]!.GetValue<string>();

    private static JsonObject VerifiedClaims(string jwt)
    {
        string[] parts = jwt.Split('.');
        Assert.Equal(Signature(parts[0] + "." + parts[1], SecretKey), parts[2]);
        Assert.Equal("""{"alg":"HS256","typ":"JWT"}""", Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[0])));
        return JsonNode.Parse(Base64Url.DecodeFromChars(parts[1]))!.AsObject();
    }

    private static string Signed(string claims, string key) =>
        SignedText(Base64Url.EncodeToString("""{"typ":"JWT","alg":"HS256"}"""u8) + "." + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims)), key);

    private static string SignedText(string text, string key) => text + "." + Signature(text, key);

    private static string Signature(string text, string key) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(text)));
}
