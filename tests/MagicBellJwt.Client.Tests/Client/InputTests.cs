using System;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox.Server;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>Input that the API would refuse, or would take for something else, is refused before anything is sent.</summary>
public class InputTests
{
    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("\t\r\n")]
    [InlineData("\u3000")]
    [InlineData("256 characters")]
    [InlineData("{D800}")]
    [InlineData("a{DC00}b")]
    [InlineData("{DC00}{D800}")]
    public async Task A_name_that_cannot_be_one(string name)
    {
        string text = Text(name);
        await RefusesAsync(service => service.CreateProjectJwtAsync(new CreateProjectToken(text, null), Guid.NewGuid(), false, new CallContext(default)));
        await RefusesAsync(service => service.CreateUserJwtAsync(new CreateUserToken("hana@example.com", null, text, null), Guid.NewGuid(), false, new CallContext(default)));
    }

    [Theory]
    [InlineData(0L)]
    [InlineData(-1L)]
    [InlineData(long.MinValue)]
    public async Task A_lifetime_that_is_over(long seconds)
    {
        await RefusesAsync(service => service.CreateProjectJwtAsync(new CreateProjectToken("ci", seconds), Guid.NewGuid(), false, new CallContext(default)));
        await RefusesAsync(service => service.CreateUserJwtAsync(new CreateUserToken("hana@example.com", null, null, seconds), Guid.NewGuid(), false, new CallContext(default)));
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("", null)]
    [InlineData("", "u-7")]
    [InlineData("hana", null)]
    [InlineData("@example.com", null)]
    [InlineData("hana@", null)]
    [InlineData("a@b@c", null)]
    [InlineData("ha na@example.com", null)]
    [InlineData("hana@example.com\n", null)]
    [InlineData("hana\u00a0@example.com", null)]
    [InlineData("{D800}@example.com", null)]
    [InlineData("256 characters", null)]
    [InlineData(null, "")]
    [InlineData(null, " ")]
    [InlineData("hana@example.com", "")]
    [InlineData(null, "a\u0000b")]
    [InlineData(null, "a\u0085b")]
    [InlineData(null, "{D800}")]
    [InlineData(null, "256 characters")]
    public Task A_user_that_is_not_named(string? email, string? externalId) => RefusesAsync(service => service.CreateUserJwtAsync(
        new CreateUserToken(
            email == "256 characters" ? Text(email)[12..] + "@example.com" : email is null ? null : Text(email),
            externalId is null ? null : Text(externalId),
            null,
            null),
        Guid.NewGuid(),
        false,
        new CallContext(default)));

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("ci")]
    [InlineData("usr_0123456789abcdef0123456789abcdef")]
    [InlineData("019b1b1e7b1b4b1b8b1b1b1b1b1b1b1b")]
    [InlineData("{019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b}")]
    [InlineData(" 019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b")]
    [InlineData("019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b ")]
    [InlineData("019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b/..")]
    [InlineData("019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1g")]
    [InlineData("٠١٩b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b")]
    [InlineData("019b1b1e-7b1b-4b1b-8b1b-+b1b1b1b1b1b")]
    [InlineData("0x9b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b")]
    public async Task A_token_id_that_is_no_uuid(string id)
    {
        await RefusesAsync(service => service.DiscardProjectJwtAsync(id, new CallContext(default)));
        await RefusesAsync(service => service.DiscardUserJwtAsync(id, new CallContext(default)));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a\u0000")]
    [InlineData("a\nb")]
    [InlineData("\u009f")]
    [InlineData("{D800}")]
    [InlineData("2049 characters")]
    public Task A_user_id_that_cannot_stand_in_a_path(string userId) => RefusesAsync(service =>
        service.FetchUserTokensAsync(Text(userId), new PageRequest()).ReadAsync(new CallContext(default)));

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("{D800}")]
    [InlineData("2049 characters")]
    public async Task A_cursor_that_cannot_stand_in_a_query(string cursor)
    {
        string text = Text(cursor);
        await RefusesAsync(service => service.FetchProjectTokensAsync(new PageRequest(After: text)).ReadAsync(new CallContext(default)));
        await RefusesAsync(service => service.FetchUserTokensAsync("u", new PageRequest(Before: text)).ReadAsync(new CallContext(default)));
    }

    // As the OpenAPI document's maxLength counts: characters, not UTF-16 units.
    [Theory]
    [InlineData("n")]
    [InlineData("255 emoji")]
    [InlineData("  a  ")]
    [InlineData("a\u0001b")]
    [InlineData("عربي e\u0301 🇯🇴 \u202eabc")]
    public async Task A_name_that_the_api_takes_arrives_as_it_is(string name)
    {
        string text = Text(name);
        await using SandboxServer server = await TestClient.StartSandboxAsync();
        using var client = new TestClient(server);
        CreatedToken token = await client.CreateAsync(text);
        Assert.Equal(text, (await client.ReadAllAsync(client.Service.FetchProjectTokensAsync(new PageRequest()))).Single(listed => listed.Id == token.TokenId).Name);
    }

    // What an attribute cannot say: long texts, and halves of characters.
    private static string Text(string description) => description switch
    {
        "255 emoji" => string.Concat(Enumerable.Repeat("😀", 255)),
        "256 characters" => new string('x', 256),
        "2049 characters" => new string('x', 2049),
        _ => description.Replace("{D800}", "\ud800", StringComparison.Ordinal).Replace("{DC00}", "\udc00", StringComparison.Ordinal),
    };

    private static async Task RefusesAsync(Func<JwtService, Task> call)
    {
        await using var server = new RawServer(Answers.Right);
        using var client = new TestClient(server);
        MagicBellException failure = await Failing.WithAsync(MagicBellError.InvalidRequest, () => call(client.Service));
        Assert.Equal((null, 0, false), (failure.StatusCode, failure.Attempts, failure.OutcomeUnknown));
        Assert.Equal(0, server.Accepted);
    }
}
