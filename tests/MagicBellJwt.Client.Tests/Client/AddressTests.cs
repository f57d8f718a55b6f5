using System;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox.Server;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>Where requests go: to the address that was given, and nowhere else.</summary>
public class AddressTests
{
    [Theory]
    [InlineData("http://api.magicbell.com/v2")]
    [InlineData("http://192.0.2.1/v2")]
    [InlineData("http://localhost.example.com/v2")]
    [InlineData("http://127.0.0.1.example.com/v2")]
    [InlineData("ftp://127.0.0.1/v2")]
    [InlineData("file:///v2")]
    [InlineData("ws://localhost/v2")]
    [InlineData("https://user:password@api.magicbell.com/v2")]
    [InlineData("https://api.magicbell.com/v2?a=b")]
    [InlineData("https://api.magicbell.com/v2#a")]
    [InlineData("/v2")]
    public void An_address_that_would_show_the_token_is_refused(string address)
    {
        var options = new JwtServiceOptions { BaseAddress = new Uri(address, address[0] == '/' ? UriKind.Relative : UriKind.Absolute), Token = TestClient.Bearer };
        MagicBellException failure = Assert.Throws<MagicBellException>(() => new JwtService(options));
        Assert.Equal(MagicBellError.InvalidRequest, failure.Error);
        Assert.DoesNotContain("password", failure.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://api.magicbell.com/v2")]
    [InlineData("https://192.0.2.1:8443/")]
    [InlineData("http://127.0.0.1/v2")]
    [InlineData("http://127.9.9.9:5005/v2")]
    [InlineData("http://localhost:5005/v2/")]
    [InlineData("http://[::1]:5005/v2")]
    public void An_address_with_tls_or_on_loopback_is_taken(string address)
    {
        using var service = new JwtService(new JwtServiceOptions { BaseAddress = new Uri(address), Token = TestClient.Bearer });
        Assert.Equal(new Uri(address), service.BaseAddress);
        Assert.Null(service.ClockOffset);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("a b")]
    [InlineData("a\r\nX-Evil: 1")]
    [InlineData("a\0")]
    [InlineData("\u00e9")]
    [InlineData("a\u007f")]
    public void A_token_that_cannot_be_a_bearer_is_refused_and_not_quoted(string token)
    {
        MagicBellException failure = Assert.Throws<MagicBellException>(() => new JwtService(new JwtServiceOptions { Token = token }));
        Assert.Equal(MagicBellError.InvalidRequest, failure.Error);
        Assert.DoesNotContain("Evil", failure.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", 301)]
    [InlineData("GET", 302)]
    [InlineData("GET", 303)]
    [InlineData("GET", 307)]
    [InlineData("GET", 308)]
    [InlineData("POST", 303)]
    [InlineData("POST", 307)]
    [InlineData("DELETE", 308)]
    public async Task No_redirect_is_followed(string method, int status)
    {
        await using var elsewhere = new RawServer(Answers.Right);
        await using var server = new RawServer(request => request.AnswerAsync(status, "", "Location: " + elsewhere.BaseAddress));
        using var client = new TestClient(server, options => options.MaximumRetryCount = 0);

        MagicBellException failure = await Failing.WithAsync(
            method == "POST" ? MagicBellError.CreateOutcomeUnknown : MagicBellError.UnexpectedResponse,
            () => client.SendAsync(method));

        Assert.Contains("redirect", failure.Message, StringComparison.Ordinal);
        Assert.Single(server.Requests);
        Assert.Equal(0, elsewhere.Accepted);
    }

    [Theory]
    [InlineData("...")]
    [InlineData("a/b")]
    [InlineData("/")]
    [InlineData("//")]
    [InlineData("../project")]
    [InlineData("a/../b")]
    [InlineData("%2F")]
    [InlineData("%2e%2e")]
    [InlineData("%")]
    [InlineData("%00")]
    [InlineData("?limit=1")]
    [InlineData("#a")]
    [InlineData("a b")]
    [InlineData(" a ")]
    [InlineData("a+b")]
    [InlineData("a;b=c&d")]
    [InlineData("\\")]
    [InlineData("..\\..")]
    [InlineData("hana@example.com")]
    [InlineData("usr:1|2")]
    [InlineData("مستخدم")]
    [InlineData("ہندی ١٢٣")]
    [InlineData("👩‍👩‍👧‍👦")]
    [InlineData("e\u0301 and \u00e9")]
    [InlineData("\u1100\u1161\u11a8")]
    [InlineData("\u202eabc\u2066")]
    [InlineData("İıßſK")]
    [InlineData("\ufffd\ufeff")]
    [InlineData("00000000-0000-0000-0000-000000000000")]
    public async Task Any_user_id_reaches_its_user_and_no_other(string userId)
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync(
            userTokens: new System.Collections.Generic.Dictionary<string, int> { [userId] = 3, ["other"] = 1, ["a"] = 1, ["b"] = 1, ["project"] = 1, [userId.Normalize() + "x"] = 1 });
        using var client = new TestClient(server);

        // Two pages: the server's own link keeps the id too.
        var tokens = await client.ReadAllAsync(client.Service.FetchUserTokensAsync(userId, new PageRequest(2)));

        Assert.Equal(
            server.Api.ListTokens().Where(token => token.UserId == userId).Select(token => token.Id.ToString("D")).Order(),
            tokens.Select(token => token.Id!).Order());
        Assert.Equal(3, tokens.Count);
        Assert.Equal("/v2/jwt/user/" + Uri.EscapeDataString(userId) + "?limit=2", server.Requests[0].Target);
        Assert.All(server.Requests, request => Assert.StartsWith("/v2/jwt/user/" + Uri.EscapeDataString(userId) + "?", request.Target, StringComparison.Ordinal));
    }
}
