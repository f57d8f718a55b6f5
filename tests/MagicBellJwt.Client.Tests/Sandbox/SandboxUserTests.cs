using System;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox;
using MagicBellJwt.Sandbox.Server;
using Xunit;

namespace MagicBellJwt.Client.Tests.Sandbox;

/// <summary>The list of users, in both of the vendor's dialects.</summary>
public sealed class SandboxUserTests
{
    [Theory]
    [InlineData("", 50)]
    [InlineData("?limit=1", 1)]
    [InlineData("?limit=100", 100)]
    [InlineData("?limit=101", 100)]
    [InlineData("?page[size]=7", 7)]
    public async Task A_page_has_50_users_or_as_many_as_asked_for_and_at_most_100(string query, int expected)
    {
        await using SandboxServer server = await StartAsync(150);
        using var client = new PlainClient(server);

        PlainAnswer page = await client.GetAsync("users" + query);

        Assert.Equal(NewestFirst(server).Take(expected), page.Ids);
    }

    [Theory]
    [InlineData("?limit=0")]
    [InlineData("?starting_after={id}&ending_before={id}")]
    [InlineData("?starting_after=")]
    [InlineData("?starting_after=usr_nobody")]
    [InlineData("?page[before]=usr_nobody")]
    public async Task A_page_that_cannot_be_is_a_422(string query)
    {
        await using SandboxServer server = await StartAsync(3);
        using var client = new PlainClient(server);

        Assert.Equal(422, (await client.GetAsync("users" + query.Replace("{id}", NewestFirst(server)[1], StringComparison.Ordinal))).Status);
    }

    [Theory]
    [InlineData("limit", "starting_after", "ending_before")]
    [InlineData("page[size]", "page[after]", "page[before]")]
    public async Task Links_lead_through_the_users_and_back_in_the_dialect_asked_in_and_keep_the_query(string size, string after, string before)
    {
        await using SandboxServer server = await StartAsync(20);
        using var client = new PlainClient(server);
        string[] meant = [.. server.Api.ListUsers().Where(user => user.Email!.StartsWith("user1", StringComparison.Ordinal)).Select(user => user.Id).Reverse()];
        Assert.Equal(11, meant.Length);

        PlainAnswer first = await client.GetAsync($"users?query=USER1&{size}=4");
        PlainAnswer second = await client.GetAsync(first.Next!);
        PlainAnswer third = await client.GetAsync(second.Next!);

        Assert.Equal(meant, first.Ids.Concat(second.Ids).Concat(third.Ids));
        Assert.Null(first.Previous);
        Assert.Null(third.Next);
        Assert.Equal($"{server.BaseAddress}users?{size}=4&{after}={meant[3]}&query=USER1", first.Next);
        Assert.Equal($"{server.BaseAddress}users?{size}=4&{before}={meant[4]}&query=USER1", second.Previous);
        Assert.Equal(first.Ids, (await client.GetAsync(second.Previous!)).Ids);
        Assert.Equal(second.Ids, (await client.GetAsync(third.Previous!)).Ids);
    }

    [Theory]
    [InlineData(UserQuery.Exact, false, "hana@example.com", "a")]
    [InlineData(UserQuery.Exact, false, "HANA@example.com", "a")]
    [InlineData(UserQuery.Exact, true, "HANA@example.com", "")]
    [InlineData(UserQuery.Exact, true, "42", "b")]
    [InlineData(UserQuery.Prefix, false, "hana", "a")]
    [InlineData(UserQuery.Prefix, false, "ana", "")]
    [InlineData(UserQuery.Part, false, "Ana", "b,a")]
    [InlineData(UserQuery.Part, true, "Ana", "")]
    [InlineData(UserQuery.Part, true, "nobody", "")]
    public async Task A_query_matches_as_the_options_say(UserQuery match, bool mindsCase, string query, string found)
    {
        await using SandboxServer server = await SandboxServer.StartAsync(new SandboxServerOptions { Sandbox = new SandboxOptions { UserQuery = match, UserQueryMindsCase = mindsCase } });
        server.Api.SetUser("a", "hana@example.com", null);
        server.Api.SetUser("b", "susana@example.com", "42");
        using var client = new PlainClient(server);

        Assert.Equal(found, string.Join(',', (await client.GetAsync("users?query=" + Uri.EscapeDataString(query))).Ids));
    }

    [Fact]
    public async Task Who_gets_a_token_is_a_user_and_a_user_can_be_named_anew()
    {
        await using SandboxServer server = await StartAsync(0);
        using var client = new PlainClient(server);
        await client.PostAsync("jwt/user", new { email = "hana@example.com", external_id = "7" });
        await client.PostAsync("jwt/user", new { external_id = "8" });
        await client.PostAsync("jwt/user", new { email = "Hana@example.com" });

        PlainAnswer list = await client.GetAsync("users");
        Assert.Equal([null, "hana@example.com"], list.Json["data"]!.AsArray().Select(user => user!["email"]?.GetValue<string>()));
        Assert.Equal(["8", "7"], list.Json["data"]!.AsArray().Select(user => user!["external_id"]!.GetValue<string>()));

        server.Api.SetUser(list.Ids[1], "hana@elsewhere.example", "7");
        await client.PostAsync("jwt/user", new { email = "hana@example.com" });
        Assert.Equal(3, (await client.GetAsync("users")).Ids.Length);
        Assert.Equal(405, (await client.PostAsync("users", new { email = "hana@example.com" })).Status);
        Assert.Equal(404, (await client.GetAsync("users/" + list.Ids[0])).Status);
    }

    private static string[] NewestFirst(SandboxServer server) => [.. server.Api.ListUsers().Select(user => user.Id).Reverse()];

    private static Task<SandboxServer> StartAsync(int users) => SandboxServer.StartAsync(new SandboxServerOptions { SeedUsers = (users, 0) });
}
