using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Reflection;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox.Server;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>Which token a request carries: the service's own, another one for one read, and a new one from some moment on.</summary>
public class TokenTests
{
    private const string Other = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJvdGhlciJ9.b3RoZXItY2FuYXJ5LXNpZ25hdHVyZQ";

    [Fact]
    public async Task A_probe_is_one_read_with_the_other_token_over_the_same_connection_and_rate_limiter()
    {
        await using var server = new RawServer(Answers.Right);
        using var client = new TestClient(server, options => options.ReadsPerMinute = 3);
        await client.ListAsync();

        await client.Service.ProbeAsync(Other, client.Call);

        await client.ListAsync();
        Assert.Equal(["Bearer " + TestClient.Bearer, "Bearer " + Other, "Bearer " + TestClient.Bearer], server.Requests.Select(request => request.Headers["Authorization"]));
        Assert.Equal("/v2/jwt/project?limit=1", server.Requests[1].Target);
        Assert.Equal(1, server.Accepted);
        Assert.Empty(client.NoticesOf(CallNoticeKind.Wait));
        await client.Service.ProbeAsync(Other, client.Call);
        Assert.NotEmpty(client.NoticesOf(CallNoticeKind.Wait));
    }

    [Theory]
    [InlineData(401, MagicBellError.Unauthorized)]
    [InlineData(403, MagicBellError.Forbidden)]
    public async Task The_refusal_of_another_token_does_not_speak_of_the_sessions(int status, MagicBellError error)
    {
        await using var server = new RawServer(Answers.Error(status));
        using var client = new TestClient(server);

        MagicBellException own = await Failing.WithAsync(error, () => client.ListAsync());
        MagicBellException other = await Failing.WithAsync(error, () => client.Service.ProbeAsync(Other, client.Call));

        Assert.Contains("the session's token", own.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("session", other.Message, StringComparison.Ordinal);
        Assert.Contains(TokenFingerprint.Of(Other), other.Message, StringComparison.Ordinal);
        Assert.True(other.IsCertain);
    }

    [Fact]
    public async Task No_message_of_a_probe_holds_either_token()
    {
        string echo = TestClient.Bearer + " " + Other;
        await using var server = new RawServer(request => request.AnswerAsync(401, $$"""{"errors":[{"code":"{{echo}}","message":"{{echo}}"}]}""", "X-Request-Id: " + echo, "X-Echo: " + echo));
        using var client = new TestClient(server);
        MagicBellException failure = await Failing.WithAsync(MagicBellError.Unauthorized, () => client.Service.ProbeAsync(Other, client.Call));
        string said = failure + failure.RequestId + string.Join('\n', failure.ApiErrors.Select(item => item.ToString())) + string.Join('\n', client.Notices.Select(notice => notice.ToString()));
        Assert.All(echo.Split('.', ' ').Where(part => !TestClient.Bearer.StartsWith(part, StringComparison.Ordinal)), part => Assert.DoesNotContain(part, said, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Requests_that_begin_after_the_change_carry_the_new_token_and_neither_is_shown()
    {
        var arrived = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        int served = 0;
        await using var server = new RawServer(async request =>
        {
            if (Interlocked.Increment(ref served) == 1)
            {
                arrived.SetResult();
                await goOn.Task;
                await Answers.Error(503)(request);
                return;
            }

            await request.AnswerAsync(409, $$"""{"errors":[{"message":"{{TestClient.Bearer}} {{Other}}"}]}""");
        });
        using var client = new TestClient(server);
        Task<MagicBellException> begun = Failing.WithAsync(MagicBellError.Conflict, () => client.ListAsync());
        await arrived.Task;

        client.Service.UseToken(Other);

        MagicBellException after = await Failing.WithAsync(MagicBellError.Conflict, () => client.ListAsync());
        goOn.SetResult();
        await begun;
        Assert.Equal(
            ["Bearer " + TestClient.Bearer, "Bearer " + Other, "Bearer " + TestClient.Bearer],
            server.Requests.Select(request => request.Headers["Authorization"]));
        Assert.DoesNotContain(TestClient.Bearer, after.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Other, after.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a\r\nX: y")]
    public async Task What_cannot_be_a_bearer_is_refused(string token)
    {
        await using var server = new RawServer(Answers.Right);
        using var client = new TestClient(server);
        Assert.Equal(MagicBellError.InvalidRequest, Assert.Throws<MagicBellException>(() => client.Service.UseToken(token)).Error);
        await Failing.WithAsync(MagicBellError.InvalidRequest, () => client.Service.ProbeAsync(token, client.Call));
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_handler_is_disposed_by_the_service_only_where_it_owns_it(bool owns)
    {
        using var handler = new SeenHandler();
        new JwtService(new JwtServiceOptions { Token = TestClient.Bearer, Handler = handler, OwnsHandler = owns }).Dispose();
        Assert.Equal(owns, handler.IsDisposed);
    }

    [Fact]
    public async Task A_disposed_service_has_forgotten_every_token()
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync(projectTokens: 3);
        var client = new TestClient(server);
        TokenPages pages = client.Service.FetchProjectTokensAsync(new PageRequest(1));
        await pages.ReadAsync(client.Call);
        string[] tokens = [server.AdministratorToken, Other];
        client.Service.UseToken(Other);
        Assert.Contains(Other, StringsReachedFrom(pages));

        client.Dispose();

        Assert.All(tokens, token => Assert.DoesNotContain(StringsReachedFrom(pages), text => text.Contains(token, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task The_servers_clock_is_that_of_the_APIs_own_answers()
    {
        var clock = new HurriedClock(1);
        DateTimeOffset date = DateTimeOffset.UtcNow.AddDays(-3);
        await using RawServer server = RawServer.Answering(
            request => request.AnswerAsync(502, "<html/>", "Date: " + date.AddDays(-100).ToString("R")),
            request => request.AnswerAsync(200, Answers.Page, "Date: " + date.ToString("R")));
        using var client = new TestClient(server, options => options.Clock = clock);
        Assert.Null(client.Service.ClockOffset);
        Assert.InRange(client.Service.ServerNow, DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddMinutes(1));

        await client.ListAsync();

        Assert.InRange(client.Service.ServerNow, date.AddMinutes(-1), date.AddMinutes(1));
        Assert.InRange(client.Service.ClockOffset!.Value, TimeSpan.FromDays(2.9), TimeSpan.FromDays(3.1));
    }

    private static HashSet<string> StringsReachedFrom(object root)
    {
        var texts = new HashSet<string>();
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var waiting = new Stack<object?>([root]);
        while (waiting.TryPop(out object? item))
        {
            if (item is null or Pointer or MemberInfo or Assembly or Module or Thread || item.GetType().IsPrimitive || !seen.Add(item))
            {
                continue;
            }

            if (item is string text)
            {
                texts.Add(text);
                continue;
            }

            if (item is Array items && !item.GetType().GetElementType()!.IsPrimitive)
            {
                items.Cast<object?>().ToList().ForEach(waiting.Push);
            }

            for (Type? type = item is Array ? null : item.GetType(); type is not null; type = type.BaseType)
            {
                foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                {
                    if (!field.FieldType.IsPrimitive && !field.FieldType.IsByRefLike && !field.FieldType.IsPointer)
                    {
                        waiting.Push(field.GetValue(item));
                    }
                }
            }
        }

        return texts;
    }

    private sealed class SeenHandler : HttpMessageHandler
    {
        public bool IsDisposed { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }
    }
}
