using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox;
using MagicBellJwt.Sandbox.Server;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>Lists: read when asked, followed to their end and no further.</summary>
public class ListTests
{
    [Theory]
    [InlineData("{0}/v2/jwt/project?page=2")]
    [InlineData("/v2/jwt/project?page=2")]
    [InlineData("project?page=2")]
    [InlineData("?page=2")]
    [InlineData("?page=2#fragment")]
    [InlineData("{0}/v2/elsewhere?page=2#a")]
    public async Task The_next_page_is_found_by_any_form_of_link(string link)
    {
        await using var server = new RawServer(request => request.Target.EndsWith("page=2", StringComparison.Ordinal)
            ? request.AnswerAsync(200, Page("b"))
            : request.AnswerAsync(200, Page("a", string.Format(CultureInfo.InvariantCulture, link, Origin(request)))));
        using var client = new TestClient(server);

        List<ListedTokenRecord> tokens = await client.ReadAllAsync(client.Service.FetchProjectTokensAsync(new PageRequest(1)));

        Assert.Equal(["a", "b"], tokens.Select(token => token.Id));
        Assert.Equal(2, server.Requests.Count);
        Assert.Equal("/v2/jwt/project?limit=1", server.Requests[0].Target);
        Assert.EndsWith("?page=2", server.Requests[1].Target, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"data":[{"id":"a","created_at":"2021-01-01T00:00:00Z"}],"links":{"next":null}}""")]
    [InlineData("""{"data":[{"id":"a","created_at":"2021-01-01T00:00:00Z"}],"links":{"next":""}}""")]
    [InlineData("""{"data":[{"id":"a","created_at":"2021-01-01T00:00:00Z"}],"links":{}}""")]
    [InlineData("""{"data":[{"id":"a","created_at":"2021-01-01T00:00:00Z"}],"links":null}""")]
    [InlineData("""{"data":[{"id":"a","created_at":"2021-01-01T00:00:00Z"}]}""")]
    public async Task A_list_ends_where_no_link_leads_on(string page)
    {
        await using var server = new RawServer(request => request.AnswerAsync(200, page));
        using var client = new TestClient(server);
        TokenPages pages = client.Service.FetchProjectTokensAsync(new PageRequest());
        Assert.Single((await pages.ReadAsync(client.Call))!);
        Assert.Null(await pages.ReadAsync(client.Call));
        Assert.Null(await pages.ReadAsync(client.Call));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task An_empty_list_is_no_page()
    {
        await using var server = new RawServer(request => request.AnswerAsync(200, """{"data":[],"links":{"next":null}}"""));
        using var client = new TestClient(server);
        Assert.Null(await client.ListAsync());
    }

    [Theory]
    [InlineData("https://elsewhere.invalid/v2/jwt/user/1?page=2", "another origin")]
    [InlineData("//elsewhere.invalid/v2/jwt/project/2?page=2", "another origin")]
    [InlineData("https://127.0.0.1/?page=2", "another origin")]
    [InlineData("http://127.0.0.1:1/v2/jwt/projects?page=2", "another origin")]
    [InlineData("ftp://elsewhere.invalid/v2/jwt/project?page=2", "another origin")]
    [InlineData("file:///v2/jwt/project?page=2", "another origin")]
    [InlineData("file:///etc/passwd", "another origin")]
    [InlineData("https://elsewhere.invalid/v2/jwt/project?limit=1", "read before")]
    [InlineData("javascript:alert(1)", "another origin")]
    [InlineData("?limit=1", "read before")]
    [InlineData("#again", "read before")]
    [InlineData("http://[", "")]
    public async Task A_link_that_must_not_be_followed_is_not(string link, string why)
    {
        await using var server = new RawServer(request => request.AnswerAsync(200, Page("a", link)));
        using var client = new TestClient(server, options => options.MaximumRetryCount = 0);

        MagicBellException failure = await Failing.WithAsync(
            MagicBellError.UnexpectedResponse,
            () => client.ReadAllAsync(client.Service.FetchProjectTokensAsync(new PageRequest(1))));

        Assert.Contains(why, failure.Message, StringComparison.Ordinal);
        Assert.Equal(200, failure.StatusCode);
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData("https://elsewhere.invalid/v2/jwt/user/1?page=2")]
    [InlineData("?limit=1")]
    public async Task The_page_with_a_link_that_is_refused_is_given_first(string link)
    {
        await using var server = new RawServer(request => request.AnswerAsync(200, Page("a", link)));
        using var client = new TestClient(server);
        TokenPages pages = client.Service.FetchProjectTokensAsync(new PageRequest(1));

        Assert.Equal("a", Assert.Single((await pages.ReadAsync(client.Call))!).Id);
        Assert.True(pages.HasMore);
        await Failing.WithAsync(MagicBellError.UnexpectedResponse, () => pages.ReadAsync(client.Call));
        await Failing.WithAsync(MagicBellError.UnexpectedResponse, () => pages.ReadAsync(client.Call));
        Assert.Single(server.Requests);
    }

    // A gateway in front of the API, or a stand-in for it, may pass on the API's own links.
    [Theory]
    [InlineData("https://elsewhere.invalid/v2/jwt/project?page=2&a=%2F%26")]
    [InlineData("//elsewhere.invalid/v2/jwt/project?page=2&a=%2F%26")]
    [InlineData("http://elsewhere.invalid:1/gateway/v2/jwt/project?page=2&a=%2F%26#fragment")]
    [InlineData("https://elsewhere.invalid/jwt/project?page=2&a=%2F%26")]
    public async Task A_link_to_this_list_at_another_address_is_asked_for_at_the_sessions_own(string link)
    {
        await using var server = new RawServer(request => request.AnswerAsync(200, request.Target.Contains("page=2", StringComparison.Ordinal) ? Page("b") : Page("a", link)));
        using var client = new TestClient(server);

        List<ListedTokenRecord> tokens = await client.ReadAllAsync(client.Service.FetchProjectTokensAsync(new PageRequest(1)));

        Assert.Equal(["a", "b"], tokens.Select(token => token.Id));
        Assert.Equal("/v2/jwt/project?page=2&a=%2F%26", server.Requests[1].Target);
    }

    [Fact]
    public async Task A_ring_of_three_pages_is_noticed_before_it_closes()
    {
        await using var server = new RawServer(request =>
        {
            int page = request.Target.Contains("ring=", StringComparison.Ordinal) ? request.Target[^1] - '0' : 0;
            return request.AnswerAsync(200, Page(Names(page), page == 2 ? "/v2/jwt/project" : "?ring=" + (page + 1).ToString(CultureInfo.InvariantCulture)));
        });
        using var client = new TestClient(server);
        await Failing.WithAsync(MagicBellError.UnexpectedResponse, () => client.ReadAllAsync(client.Service.FetchProjectTokensAsync(new PageRequest())));
        Assert.Equal(3, server.Requests.Count);
    }

    [Fact]
    public async Task Empty_pages_with_a_link_are_followed_and_not_for_ever()
    {
        int page = 0;
        int filled = 0;
        await using var server = new RawServer(request => ++page == filled
            ? request.AnswerAsync(200, Page("a"))
            : request.AnswerAsync(200, $$$"""{"data":{{{(page % 2 == 0 ? "[]" : "null")}}},"links":{"next":"?page={{{page}}}"}}"""));
        using var client = new TestClient(server);

        filled = 20;
        Assert.Equal(["a"], (await client.ReadAllAsync(client.Service.FetchProjectTokensAsync(new PageRequest()))).Select(token => token.Id));
        Assert.Equal(20, server.Requests.Count);
        page = 0;
        filled = 0;
        await Failing.WithAsync(MagicBellError.UnexpectedResponse, () => client.ListAsync());
        Assert.InRange(server.Requests.Count, 30, 100);
    }

    [Fact]
    public async Task Data_that_is_null_is_an_empty_page()
    {
        await using var server = new RawServer(request => request.AnswerAsync(200, """{"data":null,"links":{"next":null}}"""));
        using var client = new TestClient(server);
        Assert.Null(await client.ListAsync());
    }

    // A server that makes up a new link for each page, and begins again after one, two or seven of them.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public async Task Pages_that_repeat_themselves_under_new_links_end_the_list(int period)
    {
        int page = -1;
        await using var server = new RawServer(request =>
        {
            page++;
            return request.AnswerAsync(200, Page(Names(page % period), "?page=" + page.ToString(CultureInfo.InvariantCulture)));
        });
        using var client = new TestClient(server);
        var pages = client.Service.FetchProjectTokensAsync(new PageRequest());
        var read = new List<string?>();

        MagicBellException failure = await Failing.WithAsync(MagicBellError.UnexpectedResponse, async () =>
        {
            while (await pages.ReadAsync(client.Call) is { } tokens)
            {
                read.AddRange(tokens.Select(token => token.Id));
                Assert.True(server.Requests.Count < 100, "the list never ends");
            }
        });

        Assert.Contains("read before", failure.Message, StringComparison.Ordinal);
        Assert.Equal(period, read.Count);
    }

    [Fact]
    public async Task Pages_of_tokens_without_an_id_are_told_apart_by_what_they_have()
    {
        int page = 0;
        await using var server = new RawServer(request =>
        {
            page++;
            return request.AnswerAsync(200, $$"""
                {"links":{"next":{{(page < 3 ? $"\"?page={page}\"" : "null")}} },"data":[{"name":"n{{page}}","created_at":"2021-01-01T00:00:00Z"}]}
                """);
        });
        using var client = new TestClient(server);
        Assert.Equal(["n1", "n2", "n3"], (await client.ReadAllAsync(client.Service.FetchProjectTokensAsync(new PageRequest()))).Select(token => token.Name));
    }

    [Fact]
    public async Task No_page_is_read_before_it_is_asked_for()
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync(projectTokens: 30);
        using var client = new TestClient(server);
        TokenPages pages = client.Service.FetchProjectTokensAsync(new PageRequest(10));
        Assert.Empty(server.Requests);
        for (int read = 1; read <= 3; read++)
        {
            Assert.Equal(10, (await pages.ReadAsync(client.Call))!.Count);
            Assert.Equal(read, server.Requests.Count);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    [InlineData(1000)]
    public async Task Every_token_is_listed_once_whatever_the_size_of_a_page(int? size)
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync(projectTokens: 120, userTokens: new Dictionary<string, int> { ["u"] = 53 });
        using var client = new TestClient(server);
        List<ListedTokenRecord> projectTokens = await client.ReadAllAsync(client.Service.FetchProjectTokensAsync(new PageRequest(size)));
        List<ListedTokenRecord> userTokens = await client.ReadAllAsync(client.Service.FetchUserTokensAsync("u", new PageRequest(size)));
        Assert.Equal((121, 53), (projectTokens.Select(token => token.Id).Distinct().Count(), userTokens.Select(token => token.Id).Distinct().Count()));
        Assert.Equal((121, 53), (projectTokens.Count, userTokens.Count));
        Assert.Equal(["seed 120", "seed 119"], projectTokens.Take(2).Select(token => token.Name));
    }

    [Fact]
    public async Task A_list_begins_after_a_token_and_is_read_backwards_before_one()
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync(userTokens: new Dictionary<string, int> { ["u"] = 10 });
        using var client = new TestClient(server);
        List<ListedTokenRecord> all = await client.ReadAllAsync(client.Service.FetchUserTokensAsync("u", new PageRequest()));

        List<ListedTokenRecord> after = await client.ReadAllAsync(client.Service.FetchUserTokensAsync("u", new PageRequest(2, After: all[4].Id)));
        List<ListedTokenRecord> before = await client.ReadAllAsync(client.Service.FetchUserTokensAsync("u", new PageRequest(2, Before: all[5].Id)));

        Assert.Equal(all.Skip(5).Select(token => token.Id), after.Select(token => token.Id));
        Assert.Equal([all[3].Id, all[4].Id, all[1].Id, all[2].Id, all[0].Id], before.Select(token => token.Id));
    }

    [Theory]
    [InlineData(1, "all")]
    [InlineData(10, "all")]
    [InlineData(10, "the last of each page")]
    [InlineData(10, "every third")]
    [InlineData(10, "one")]
    public async Task Cursors_that_die_with_their_token_lose_and_repeat_nothing(int size, string revoked)
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync(
            sandbox: new SandboxOptions { EnforceRateLimit = false, CursorsDieWithTheirToken = true },
            userTokens: new Dictionary<string, int> { ["u"] = 103 });
        using var client = new TestClient(server);
        TokenPages pages = client.Service.FetchUserTokensAsync("u", new PageRequest(size));
        var visited = new List<string>();
        while (await pages.ReadAsync(client.Call) is { } page)
        {
            foreach (ListedTokenRecord token in page)
            {
                visited.Add(token.Id!);
                if (revoked switch
                {
                    "all" => true,
                    "the last of each page" => token == page[^1],
                    "every third" => visited.Count % 3 == 0,
                    _ => visited.Count == 50,
                })
                {
                    await client.Service.DiscardUserJwtAsync(token.Id!, client.Call);
                }
            }
        }

        string[] all = [.. server.Api.ListTokens().Where(token => token.Kind == "user").Select(token => token.Id.ToString("D"))];
        Assert.Equal(103, all.Length);
        Assert.Equal(all.Order(StringComparer.Ordinal), visited.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Tokens_issued_while_a_list_is_read_do_not_disturb_it()
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync(
            sandbox: new SandboxOptions { EnforceRateLimit = false, CursorsDieWithTheirToken = true });
        using var client = new TestClient(server);
        server.Api.SeedUserTokens("u", 40);
        string[] before = [.. server.Api.ListTokens().Where(token => token.Kind == "user").Select(token => token.Id.ToString("D"))];
        TokenPages pages = client.Service.FetchUserTokensAsync("u", new PageRequest(10));
        var visited = new List<string>();
        while (await pages.ReadAsync(client.Call) is { } page)
        {
            visited.AddRange(page.Select(token => token.Id!));
            server.Api.SeedUserTokens("u", 3);
            await client.Service.DiscardUserJwtAsync(page[^1].Id!, client.Call);
        }

        Assert.Equal(visited.Count, visited.Distinct().Count());
        Assert.Empty(before.Except(visited));
    }

    [Fact]
    public async Task A_cursor_that_was_never_good_is_the_callers_error()
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync(projectTokens: 5);
        using var client = new TestClient(server);
        MagicBellException failure = await Failing.WithAsync(
            MagicBellError.InvalidRequest,
            () => client.ReadAllAsync(client.Service.FetchProjectTokensAsync(new PageRequest(After: Guid.NewGuid().ToString("D")))));
        Assert.Equal("invalid_cursor", Assert.Single(failure.ApiErrors).Code);
        Assert.Single(server.Requests);
    }

    private static string Origin(RawRequest request) => "http://" + request.Headers["Host"];

    private static string Names(int page) => "t" + page.ToString(CultureInfo.InvariantCulture);

    private static string Page(string id, string? next = null) =>
        $$"""{"links":{"next":{{(next is null ? "null" : $"\"{next}\"")}} },"data":[{"id":"{{id}}","created_at":"2021-01-01T00:00:00Z"}]}""";
}
