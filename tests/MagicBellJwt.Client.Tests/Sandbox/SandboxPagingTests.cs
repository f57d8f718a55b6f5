using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox;
using MagicBellJwt.Sandbox.Server;
using Xunit;

namespace MagicBellJwt.Client.Tests.Sandbox;

/// <summary>Lists in pages, in both of the vendor's dialects.</summary>
public sealed class SandboxPagingTests
{
    private static readonly string[] s_liveNames = ["limit", "starting_after", "ending_before"];
    private static readonly string[] s_publishedNames = ["page[size]", "page[after]", "page[before]"];

    [Theory]
    [InlineData("", 25)]
    [InlineData("?limit=1", 1)]
    [InlineData("?limit=99", 99)]
    [InlineData("?limit=100", 100)]
    [InlineData("?limit=101", 100)]
    [InlineData("?limit=2147483647", 100)]
    [InlineData("?page[size]=7", 7)]
    [InlineData("?page%5Bsize%5D=7", 7)]
    [InlineData("?unknown=1&limit=7&other", 7)]
    public async Task A_page_has_25_tokens_or_as_many_as_asked_for_and_at_most_100(string query, int expected)
    {
        await using SandboxServer server = await StartAsync(projectTokens: 150);
        using var client = new PlainClient(server);

        PlainAnswer page = await client.GetAsync("jwt/project" + query);

        Assert.Equal(200, page.Status);
        Assert.Equal(NewestFirst(server.Api).Take(expected), page.Ids);
    }

    [Theory]
    [InlineData("?limit=0")]
    [InlineData("?limit=-1")]
    [InlineData("?limit=")]
    [InlineData("?limit=x")]
    [InlineData("?limit=1.5")]
    [InlineData("?limit=99999999999")]
    [InlineData("?page[size]=0")]
    [InlineData("?starting_after={id}&ending_before={id}")]
    [InlineData("?page[after]={id}&page[before]={id}")]
    [InlineData("?starting_after=")]
    [InlineData("?starting_after=x")]
    [InlineData("?ending_before=2a6379c1-9dd6-440f-8057-1f675352544e")]
    [InlineData("?page[after]={another}")]
    public async Task A_page_that_cannot_be_is_a_422(string query)
    {
        await using SandboxServer server = await StartAsync(projectTokens: 3, userTokens: 1);
        using var client = new PlainClient(server);
        string another = server.Api.ListTokens().Single(token => token.Kind == "user").Id.ToString();
        string id = NewestFirst(server.Api)[1];

        PlainAnswer answer = await client.GetAsync("jwt/project" + query.Replace("{id}", id, StringComparison.Ordinal).Replace("{another}", another, StringComparison.Ordinal));

        Assert.Equal(422, answer.Status);
    }

    [Theory]
    [InlineData(false, "jwt/project", 8)]
    [InlineData(true, "jwt/project", 8)]
    [InlineData(false, "jwt/user/a%2Fb%20%C3%BC", 7)]
    [InlineData(true, "jwt/user/a%2Fb%20%C3%BC", 7)]
    public async Task Links_lead_through_the_list_and_back_in_the_dialect_asked_in(bool published, string path, int count)
    {
        await using SandboxServer server = await StartAsync(projectTokens: 7, userTokens: 7);
        using var client = new PlainClient(server);
        string[] names = published ? s_publishedNames : s_liveNames;
        string address = server.BaseAddress + path;
        string[] all = NewestFirst(server.Api, path.Contains("user", StringComparison.Ordinal) ? "a/b ü" : null);
        Assert.Equal(count, all.Length);

        PlainAnswer first = await client.GetAsync($"{path}?{names[0]}=3");
        PlainAnswer second = await client.GetAsync(first.Next!);
        PlainAnswer third = await client.GetAsync(second.Next!);

        Assert.Equal(all[..3], first.Ids);
        Assert.Equal(all[3..6], second.Ids);
        Assert.Equal(all[6..], third.Ids);
        Assert.Null(first.Previous);
        Assert.Null(third.Next);
        Assert.Equal($"{address}?{names[0]}=3&{names[1]}={all[2]}", first.Next);
        Assert.Equal($"{address}?{names[0]}=3&{names[2]}={all[3]}", second.Previous);
        Assert.All([first, second, third], page => Assert.Equal($"{address}?{names[0]}=3", page.Json["links"]!["first"]!.GetValue<string>()));
        Assert.Equal(second.Ids, (await client.GetAsync(third.Previous!)).Ids);
        Assert.Equal(first.Ids, (await client.GetAsync(second.Previous!)).Ids);
    }

    [Fact]
    public async Task A_page_before_a_token_holds_the_ones_next_to_it()
    {
        await using SandboxServer server = await StartAsync(projectTokens: 9);
        using var client = new PlainClient(server);
        string[] all = NewestFirst(server.Api);

        Assert.Equal(all[5..8], (await client.GetAsync($"jwt/project?limit=3&ending_before={all[8]}")).Ids);
        Assert.Equal(all[..2], (await client.GetAsync($"jwt/project?limit=3&ending_before={all[2]}")).Ids);
        PlainAnswer beforeTheNewest = await client.GetAsync($"jwt/project?ending_before={all[0]}");
        Assert.Empty(beforeTheNewest.Ids);
        Assert.Null(beforeTheNewest.Next);
        PlainAnswer afterTheOldest = await client.GetAsync($"jwt/project?starting_after={all[^1]}");
        Assert.Empty(afterTheOldest.Ids);
        Assert.Null(afterTheOldest.Previous);
    }

    [Fact]
    public async Task A_user_without_tokens_left_has_an_empty_list_and_an_unknown_user_has_none()
    {
        await using SandboxServer server = await StartAsync(userTokens: 1);
        using var client = new PlainClient(server);
        string id = NewestFirst(server.Api, "a/b ü").Single();

        Assert.Equal(200, (await client.DeleteAsync("jwt/user/" + id)).Status);
        Assert.Empty((await client.GetAsync("jwt/user/a%2Fb%20%C3%BC")).Ids);
        Assert.Equal(404, (await client.GetAsync("jwt/user/a/b%20%C3%BC")).Status);
        Assert.Equal(404, (await client.GetAsync("jwt/user/nobody")).Status);
    }

    [Theory]
    [InlineData(false, 200)]
    [InlineData(true, 422)]
    public async Task A_cursor_keeps_its_place_when_its_token_is_revoked_unless_cursors_die(bool cursorsDie, int expected)
    {
        await using SandboxServer server = await StartAsync(projectTokens: 9, options: new SandboxOptions { CursorsDieWithTheirToken = cursorsDie, EnforceRateLimit = false });
        using var client = new PlainClient(server);
        string[] all = NewestFirst(server.Api);
        foreach (string id in all[2..5])
        {
            await client.DeleteAsync("jwt/project/" + id);
        }

        PlainAnswer after = await client.GetAsync($"jwt/project?limit=2&starting_after={all[3]}");
        PlainAnswer before = await client.GetAsync($"jwt/project?limit=2&ending_before={all[3]}");

        Assert.Equal(expected, after.Status);
        Assert.Equal(expected, before.Status);
        if (!cursorsDie)
        {
            Assert.Equal(all[5..7], after.Ids);
            Assert.Equal(all[..2], before.Ids);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Revoked_tokens_are_listed_with_their_moment_only_where_the_option_says(bool listDiscarded)
    {
        await using SandboxServer server = await StartAsync(projectTokens: 2, options: new SandboxOptions { ListDiscarded = listDiscarded });
        using var client = new PlainClient(server);
        string[] all = NewestFirst(server.Api);
        string discardedAt = (await client.DeleteAsync("jwt/project/" + all[1])).Json["discarded_at"]!.GetValue<string>();

        PlainAnswer list = await client.GetAsync("jwt/project");

        Assert.Equal(listDiscarded ? all : [all[0], all[2]], list.Ids);
        Assert.Equal(listDiscarded ? [null, discardedAt, null] : [null, null], list.Json["data"]!.AsArray().Select(token => token!["discarded_at"]?.GetValue<string>()));
    }

    /// <summary>Any order of creating, revoking and reading pages shows the same list as a plain filter over all tokens would.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Pages_are_right_after_any_revocations(int seed)
    {
        var random = new Random(seed);
        using var sandbox = new SandboxHandler(new SandboxOptions { EnforceRateLimit = false });
        sandbox.SeedProjectTokens(200);
        List<SandboxToken> newestFirst = [.. sandbox.ListTokens().Reverse()];
        for (int round = 0; round < 300; round++)
        {
            for (int revocations = random.Next(3); revocations > 0; revocations--)
            {
                // The oldest stays: it is the administrator's.
                Ask(sandbox, "DELETE", "/v2/jwt/project/" + newestFirst[random.Next(newestFirst.Count - 1)].Id);
            }

            int cursor = random.Next(newestFirst.Count);
            int size = random.Next(1, 12);
            SandboxToken[] older = [.. newestFirst.Skip(cursor + 1).Where(token => token.DiscardedAt is null)];
            SandboxToken[] newer = [.. newestFirst.Take(cursor).Where(token => token.DiscardedAt is null)];

            PlainAnswer after = Ask(sandbox, "GET", "/v2/jwt/project", $"?limit={size}&starting_after={newestFirst[cursor].Id}");
            PlainAnswer before = Ask(sandbox, "GET", "/v2/jwt/project", $"?limit={size}&ending_before={newestFirst[cursor].Id}");

            Assert.Equal(older.Take(size).Select(token => token.Id.ToString()), after.Ids);
            Assert.Equal(newer.TakeLast(size).Select(token => token.Id.ToString()), before.Ids);
            Assert.Equal(older.Length > size, after.Next is not null);
            Assert.Equal(after.Ids.Length > 0 && newestFirst.TakeWhile(token => token.Id.ToString() != after.Ids[0]).Any(token => token.DiscardedAt is null), after.Previous is not null);
            Assert.Equal(newer.Length > size, before.Previous is not null);
            Assert.Equal(before.Ids.Length > 0, before.Next is not null);
            if (random.Next(3) == 0)
            {
                sandbox.SeedProjectTokens(1);
                newestFirst = [.. sandbox.ListTokens().Reverse()];
            }
        }
    }

    [Fact]
    public void Seeded_ids_are_the_same_in_each_sandbox_and_never_twice_in_one()
    {
        using var one = new SandboxHandler();
        using var another = new SandboxHandler();
        foreach (SandboxHandler sandbox in new[] { one, another })
        {
            sandbox.SeedProjectTokens(100_000);
            sandbox.SeedUserTokens("u1", 1_000);
            sandbox.SeedUserTokens("u2", 1_000);
            sandbox.SeedUserTokens("u1", 1_000);
        }

        Guid[] ids = [.. one.ListTokens().Where(token => token.Name!.StartsWith("seed", StringComparison.Ordinal)).Select(token => token.Id)];
        Assert.Equal(103_000, ids.Distinct().Count());
        Assert.Equal(ids.Order(), another.ListTokens().Where(token => token.Name!.StartsWith("seed", StringComparison.Ordinal)).Select(token => token.Id).Order());
        Assert.All(ids, id => Assert.Equal(4, id.Version));
        Assert.Equal(2_000, one.ListTokens().Count(token => token.UserId == "u1"));
    }

    [Fact]
    public void A_long_list_is_read_page_by_page_each_once_while_some_are_revoked()
    {
        using var sandbox = new SandboxHandler(new SandboxOptions { EnforceRateLimit = false });
        sandbox.SeedProjectTokens(200_000);
        var seen = new HashSet<string>();
        string? query = "?limit=100";
        while (query is not null)
        {
            PlainAnswer page = Ask(sandbox, "GET", "/v2/jwt/project", query);
            Assert.All(page.Ids, id => Assert.True(seen.Add(id)));
            if (seen.Count <= 50_000)
            {
                foreach (string id in page.Ids)
                {
                    Ask(sandbox, "DELETE", "/v2/jwt/project/" + id);
                }
            }

            query = page.Next is { } next ? new Uri(next).Query : null;
        }

        Assert.Equal(200_001, seen.Count);
        Assert.Equal(50_000, sandbox.ListTokens().Count(token => token.DiscardedAt is not null));
    }

    [Fact]
    public void What_the_vendor_leaves_open_is_an_option()
    {
        var plain = new SandboxHandler(new SandboxOptions());
        var other = new SandboxHandler(new SandboxOptions { WritesNull = true, DefaultPage = 50 });
        plain.SeedProjectTokens(60);
        other.SeedProjectTokens(60);

        Assert.DoesNotContain("null", Ask(plain, "GET", "/v2/jwt/project", "?limit=60").Json["data"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Contains("\"expires_at\":null,\"discarded_at\":null", Ask(other, "GET", "/v2/jwt/project", "?limit=60").Json["data"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal((25, 50), (Ask(plain, "GET", "/v2/jwt/project").Ids.Length, Ask(other, "GET", "/v2/jwt/project").Ids.Length));
    }

    [Fact]
    public void HEAD_and_OPTIONS_count_as_reads()
    {
        var sandbox = new SandboxHandler(new SandboxOptions { ReadsPerMinute = 3 });

        string[] methods = ["HEAD", "OPTIONS", "GET", "HEAD", "GET"];
        Assert.Equal([405, 405, 200, 429, 429], methods.Select(method => Ask(sandbox, method, "/v2/jwt/project").Status));
    }

    [Theory]
    [InlineData(null, 415)]
    [InlineData("text/plain", 415)]
    [InlineData("application/x-www-form-urlencoded", 415)]
    [InlineData("application/json", 201)]
    [InlineData("Application/JSON; charset=utf-8", 201)]
    public void A_body_that_is_not_said_to_be_JSON_is_a_415(string? type, int status)
    {
        var sandbox = new SandboxHandler(new SandboxOptions());

        Assert.Equal(status, Ask(sandbox, "POST", "/v2/jwt/project", type: type).Status);
        Assert.Equal(status == 201 ? 2 : 1, sandbox.ListTokens().Count);
    }

    private static PlainAnswer Ask(SandboxHandler sandbox, string method, string path, string query = "", string? type = null)
    {
        SandboxAnswer answer = sandbox.Answer(new SandboxRequest
        {
            ContentType = type,
            Body = method == "POST" ? "{\"name\":\"ci\"}"u8.ToArray() : [],
            Method = method,
            Origin = "https://sandbox.invalid",
            Path = path,
            Query = query,
            Authorization = "Bearer " + sandbox.AdministratorToken,
        });
        return new PlainAnswer(answer.Status, System.Text.Encoding.UTF8.GetString(answer.Body), answer.Headers);
    }

    private static string[] NewestFirst(SandboxHandler sandbox, string? userId = null) =>
        [.. sandbox.ListTokens().Where(token => token.UserId == userId).Select(token => token.Id.ToString()).Reverse()];

    private static Task<SandboxServer> StartAsync(int projectTokens = 0, int userTokens = 0, SandboxOptions? options = null) => SandboxServer.StartAsync(new SandboxServerOptions
    {
        Sandbox = options ?? new SandboxOptions(),
        SeedProjectTokens = projectTokens,
        SeedUserTokens = new Dictionary<string, int> { ["a/b ü"] = userTokens },
    });
}
