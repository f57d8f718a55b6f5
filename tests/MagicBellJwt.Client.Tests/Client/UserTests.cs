using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox;
using MagicBellJwt.Sandbox.Server;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>The list of users: each field, its pages, and what a query makes of it.</summary>
public class UserTests
{
    [Fact]
    public async Task Users_are_asked_for_in_the_live_dialect()
    {
        await using var server = new RawServer(request => request.AnswerAsync(200, """{"data":[{"id":"u"}]}"""));
        using var client = new TestClient(server);

        await client.Service.ListUsersAsync(new PageRequest()).ReadAsync(client.Call);
        await client.Service.ListUsersAsync(new PageRequest(100, After: "a b/c")).ReadAsync(client.Call);
        await client.Service.ListUsersAsync(new PageRequest(Before: "x"), "hana+test@b\u00fccher.example & more").ReadAsync(client.Call);

        Assert.Equal(
            ["/v2/users", "/v2/users?limit=100&starting_after=a%20b%2Fc", "/v2/users?ending_before=x&query=hana%2Btest%40b%C3%BCcher.example%20%26%20more"],
            server.Requests.Select(request => request.Target));
        Assert.All(server.Requests, request => Assert.Equal("GET", request.Method));
    }

    [Fact]
    public async Task Every_field_is_read()
    {
        UserRecord user = await ReadAsync("""
            {"id":"usr_1","email":"hana@example.com","external_id":"42","first_name":"Hana","last_name":"M\u00fcller","created_at":"2021-01-01T00:00:00Z",
             "updated_at":"2021-01-02T00:00:00+01:00","last_seen_at":"2021-01-03T00:00:00.5Z","last_notified_at":"2021-01-04T00:00:00Z",
             "custom_attributes":{"plan":"gold","Plan":["silver",1,true,null],"address":{"city":"Bern","City":"Basel"}},"phone":"0"}
            """);

        Assert.Equal(("usr_1", "hana@example.com", "42", "Hana", "M\u00fcller"), (user.Id, user.Email, user.ExternalId, user.FirstName, user.LastName));
        Assert.Equal(new DateTimeOffset(2021, 1, 1, 0, 0, 0, TimeSpan.Zero), user.CreatedAt);
        Assert.Equal(new DateTimeOffset(2021, 1, 1, 23, 0, 0, TimeSpan.Zero), user.UpdatedAt);
        Assert.Equal(new DateTimeOffset(2021, 1, 3, 0, 0, 0, 500, TimeSpan.Zero), user.LastSeenAt);
        Assert.Equal(new DateTimeOffset(2021, 1, 4, 0, 0, 0, TimeSpan.Zero), user.LastNotifiedAt);

        // The caller's own names, whatever their case.
        var attributes = Assert.IsType<IReadOnlyDictionary<string, object?>>(user.CustomAttributes, exactMatch: false);
        Assert.Equal("gold", attributes["plan"]);
        Assert.Equal(["silver", 1L, true, null], Assert.IsType<IEnumerable<object?>>(attributes["Plan"], exactMatch: false));
        Assert.Equal(["city", "City"], Assert.IsType<IReadOnlyDictionary<string, object?>>(attributes["address"], exactMatch: false).Keys);
        Assert.Equal("0", Assert.Single(user.OtherFields!).Value);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"id":null,"email":null,"external_id":null,"first_name":null,"last_name":null,"custom_attributes":null,"created_at":null,"updated_at":null,"last_seen_at":null,"last_notified_at":null}""")]
    public async Task Every_field_may_be_null_or_missing(string json)
    {
        UserRecord user = await ReadAsync(json);

        Assert.All(typeof(UserRecord).GetProperties(), property => Assert.Null(property.GetValue(user)));
    }

    [Theory]
    [InlineData("""{"id":7}""")]
    [InlineData("""{"email":["a@example.com"]}""")]
    [InlineData("""{"email":"a@example.com","Email":"b@example.com"}""")]
    [InlineData("""{"custom_attributes":{"a":1,"a":2}}""")]
    [InlineData("""{"custom_attributes":{},"id":"a","ID":"b"}""")]
    [InlineData("""{"custom_attributes":null,"nested":{"a":1,"A":2}}""")]
    [InlineData("""{"created_at":"yesterday"}""")]
    [InlineData("null")]
    [InlineData("[]")]
    public async Task What_is_no_user_is_no_answer(string json) =>
        await Failing.WithAsync(MagicBellError.UnexpectedResponse, () => ReadAsync(json));

    [Fact]
    public async Task A_token_in_what_others_keep_with_a_user_is_not_shown()
    {
        UserRecord user = await ReadAsync($$$"""{"id":"u","custom_attributes":{"note":"see {{{TestClient.Bearer}}}"},"more":"{{{TestClient.Bearer}}}"}""");

        Assert.DoesNotContain(TestClient.Bearer, ((IReadOnlyDictionary<string, object?>)user.CustomAttributes!)["note"]!.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(TestClient.Bearer, user.OtherFields!["more"]!.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, 5)]
    [InlineData(1, 233)]
    [InlineData(7, 34)]
    [InlineData(100, 3)]
    [InlineData(1000, 3)]
    public async Task Every_user_is_listed_once_whatever_the_size_of_a_page(int? size, int requests)
    {
        await using SandboxServer server = await StartAsync(233);
        using var client = new TestClient(server);

        List<UserRecord> users = await ReadAllAsync(client, client.Service.ListUsersAsync(new PageRequest(size)));

        Assert.Equal(server.Api.ListUsers().Select(user => user.Id).Reverse(), users.Select(user => user.Id));
        Assert.Equal(requests, server.Requests.Count);
    }

    [Fact]
    public async Task A_query_is_followed_through_its_pages_and_no_page_is_read_before_it_is_asked_for()
    {
        await using SandboxServer server = await StartAsync(60);
        using var client = new TestClient(server);
        UserPages pages = client.Service.ListUsersAsync(new PageRequest(5), "user1");

        Assert.Equal(["user19@example.com", "user18@example.com", "user17@example.com", "user16@example.com", "user15@example.com"], (await pages.ReadAsync(client.Call))!.Select(user => user.Email));
        Assert.Single(server.Requests);
        Assert.Equal(6, (await ReadAllAsync(client, pages)).Count);
        Assert.Equal(3, server.Requests.Count);
        Assert.All(server.Requests, request => Assert.Contains("query=user1", request.Target, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_user_who_is_deleted_while_the_list_is_read_takes_nobody_along()
    {
        bool isDeleted = false;
        await using var server = new RawServer(request =>
        {
            if (!request.Target.Contains("after=", StringComparison.Ordinal))
            {
                return request.AnswerAsync(200, isDeleted ? Page("?after=a", "a", "c") : Page("?after=b", "a", "b"));
            }

            bool isFirst = !isDeleted;
            isDeleted = true;
            return isFirst
                ? request.AnswerAsync(422, """{"errors":[{"message":"The cursor is not of this list."}]}""", "Content-Type: application/json")
                : request.AnswerAsync(200, Page(null, "c", "d"));
        });
        using var client = new TestClient(server);

        List<UserRecord> users = await ReadAllAsync(client, client.Service.ListUsersAsync(new PageRequest(2)));

        Assert.Equal(["a", "b", "c", "d"], users.Select(user => user.Id));

        static string Page(string? next, params string[] ids) => $$"""
            {"links":{"next":{{(next is null ? "null" : $"\"{next}\"")}} },"data":[{{string.Join(',', ids.Select(id => $$"""{"id":"{{id}}","created_at":"2021-01-{{30 - id[0] + 'a'}}T00:00:00Z"}"""))}}]}
            """;
    }

    [Theory]
    [InlineData("404", MagicBellError.TokenNotFound, 404)]
    [InlineData("403", MagicBellError.Forbidden, 403)]
    [InlineData("404 body=html", MagicBellError.UnexpectedResponse, 404)]
    [InlineData("200 body=html", MagicBellError.UnexpectedResponse, 200)]
    [InlineData("429", MagicBellError.RateLimited, 429)]
    [InlineData("502 body=html", MagicBellError.ServiceUnavailable, 502)]
    public async Task A_server_that_does_not_list_users_says_so(string fault, MagicBellError error, int status)
    {
        await using SandboxServer server = await StartAsync(1);
        server.AddFault("GET /v2/users* " + fault);
        using var client = new TestClient(server, options => options.MaximumRetryCount = 0);

        MagicBellException failure = await Failing.WithAsync(error, () => client.Service.ListUsersAsync(new PageRequest(), "hana@example.com").ReadAsync(client.Call));

        Assert.Equal(status, failure.StatusCode);
        Assert.Contains("list the users that match 'hana@example.com'", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("half a character")]
    [InlineData(TestClient.Bearer)]
    public void A_query_that_cannot_be_asked_is_refused_before_anything_is_sent(string query)
    {
        using var client = new TestClient(new Uri("http://127.0.0.1:1/v2"));

        // A lone surrogate cannot stand in the data of a test.
        Assert.Equal(MagicBellError.InvalidRequest, Assert.Throws<MagicBellException>(() => client.Service.ListUsersAsync(new PageRequest(), query == "half a character" ? "\ud800" : query)).Error);
    }

    [Fact]
    public async Task A_stop_ends_it_in_flight()
    {
        await using SandboxServer server = await StartAsync(1);
        server.AddFault("GET /v2/users* never");
        using var client = new TestClient(server);
        using var stop = new CancellationTokenSource();
        Task reading = client.Service.ListUsersAsync(new PageRequest()).ReadAsync(client.CallWith(stop.Token));
        while (server.Requests.Count == 0)
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    private static async Task<UserRecord> ReadAsync(string json)
    {
        await using var server = new RawServer(request => request.AnswerAsync(200, $$"""{"data":[{{json}}]}"""));
        using var client = new TestClient(server, options => options.MaximumRetryCount = 0);
        return Assert.Single((await client.Service.ListUsersAsync(new PageRequest()).ReadAsync(client.Call))!);
    }

    private static async Task<List<UserRecord>> ReadAllAsync(TestClient client, UserPages pages)
    {
        var users = new List<UserRecord>();
        while (await pages.ReadAsync(client.Call) is { } page)
        {
            users.AddRange(page);
        }

        return users;
    }

    private static Task<SandboxServer> StartAsync(int users) => SandboxServer.StartAsync(new SandboxServerOptions
    {
        Sandbox = new SandboxOptions { EnforceRateLimit = false },
        SeedUsers = (users, 0),
    });
}
