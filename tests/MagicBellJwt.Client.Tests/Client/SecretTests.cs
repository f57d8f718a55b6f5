using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Threading.Tasks;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>A server that repeats the bearer and what it issued wherever it can: nothing that a person reads holds them.</summary>
public class SecretTests
{
    private static readonly string[] s_methods = ["GET", "DELETE", "POST"];

    public static TheoryData<string, string> Echoes() => new MatrixTheoryData<string, string>(
        s_methods,
        [
            "errors 400", "errors 401", "errors 404", "errors 409", "errors 422", "errors 429", "errors 500", "errors 503", "errors 418", "html 200", "html 502", "json 200", "names", "redirect", "header value",
            "header name", "request id", "retry after", "status line", "bad status line", "bad header", "bad chunk", "bad encoding", "content type", "half", "reset", "never", "link", "other origin", "refused",
        ]);

    [Theory]
    [MemberData(nameof(Echoes))]
    public async Task No_failure_and_no_notice_holds_a_token(string method, string echo)
    {
        // One with characters that are written differently in an address, and one like any.
        foreach (string bearer in new[] { "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJiZWFyZXIifQ.YmVhcmVyLWNhbmFyeQ", "canary+bearer/0123456789=?&\"<>" })
        {
            await using var server = new RawServer(request => EchoAsync(request, echo, bearer + " " + Answers.IssuedValue));
            var said = new StringBuilder();
            using (var client = new TestClient(server.BaseAddress, bearer, options => (options.AttemptTimeout, options.MaximumRetryCount) = (TimeSpan.FromSeconds(echo == "never" ? 100 : 15_000), 1)))
            {
                if (echo == "refused")
                {
                    await server.DisposeAsync();
                }

                foreach (Func<Task> call in Calls(client, method, bearer))
                {
                    try
                    {
                        await call();
                    }
                    catch (MagicBellException failure)
                    {
                        Describe(failure, said);
                    }
                }

                foreach (CallNotice notice in client.Notices)
                {
                    said.AppendLine(notice.ToString());
                }
            }

            AssertNothingOf(bearer, said.ToString());
            AssertNothingOf(Answers.IssuedValue, said.ToString());
        }
    }

    [Fact]
    public async Task What_is_issued_is_shown_by_its_id()
    {
        await using var server = new RawServer(Answers.Right);
        using var client = new TestClient(server);
        var token = new CreateProjectToken("ci", 7);
        CreatedToken created = await client.Service.CreateProjectJwtAsync(token, Guid.NewGuid(), false, client.Call);
        string said = string.Join('\n', client.Notices.Select(notice => notice.ToString()).Append(created.ToString()).Append(token.ToString()).Append(client.Service.ToString()));
        AssertNothingOf(Answers.IssuedValue, said);
        AssertNothingOf(TestClient.Bearer, said);
    }

    // What a create issues is known to nobody before its answer, and to the answer's headers too.
    [Theory]
    [InlineData(201, """{"token":"{0}","token_id":"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b","created_at":"2021-01-01T00:00:00Z"}""")]
    [InlineData(201, """{"token":"{0}","token_id":"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b"}""")]
    [InlineData(201, """{"token":"{0}" """)]
    [InlineData(201, """{"data":[{"token":"{0}"}]}""")]
    [InlineData(201, "")]
    [InlineData(500, """{"errors":[{"code":"{0}","message":"issued {0}, then failed"}],"token":"{0}"}""")]
    [InlineData(500, """{"errors":[{"code":"{0}","message":"issued {0}, then failed"}]}""")]
    [InlineData(409, """{"errors":[{"code":"{0}","message":"there is {0}"}]}""")]
    [InlineData(429, """{"errors":[{"code":"{0}","message":"there is {0}"}]}""")]
    public async Task A_new_opaque_token_is_not_shown_where_its_own_answer_repeats_it(int status, string body)
    {
        foreach (string issued in new[] { "mbtok_0123456789abcdefghijABCDEFGHIJ", "0123456789ABCDEF0123456789ABCDEF0123" })
        {
            await using var server = new RawServer(request => request.AnswerAsync(
                request.Method == "GET" ? 200 : status,
                request.Method == "GET" ? Answers.Page : body.Replace("{0}", issued, StringComparison.Ordinal),
                request.Method == "GET" ? [] : ["X-Echo: " + issued, "X-Request-Id: " + issued, "Location: /v2/jwt/project/" + issued, issued + ": x"]));
            using var client = new TestClient(server, options => options.MaximumRetryCount = 1);
            var said = new StringBuilder();
            try
            {
                Assert.Equal(issued, (await client.CreateAsync()).Token);
            }
            catch (MagicBellException failure)
            {
                Describe(failure, said);
            }

            said.AppendLine(string.Join('\n', client.Notices.Select(notice => notice.ToString())));
            Assert.NotEmpty(client.NoticesOf(CallNoticeKind.Headers));
            AssertNothingOf(issued, said.ToString());
        }
    }

    // Ids of requests are for the server's own people, so they stay where they look like ids.
    [Theory]
    [InlineData("019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b")]
    [InlineData("4bf92f3577b34da6a3ce929d0e0e4736")]
    [InlineData("req-17")]
    public async Task An_id_of_a_create_in_doubt_is_told(string id)
    {
        await using var server = new RawServer(Answers.Error(500, "X-Request-Id: " + id));
        using var client = new TestClient(server);
        MagicBellException failure = await Failing.WithAsync(MagicBellError.CreateOutcomeUnknown, () => client.CreateAsync());
        Assert.Equal(id, failure.RequestId);
        Assert.Equal("The message.", failure.ApiErrors[0].Message);
    }

    private static IEnumerable<Func<Task>> Calls(TestClient client, string method, string bearer)
    {
        switch (method)
        {
            case "GET":
                yield return async () =>
                {
                    TokenPages pages = client.Service.FetchProjectTokensAsync(new PageRequest(1));
                    for (int page = 0; page < 3 && await pages.ReadAsync(client.Call) is not null; page++)
                    {
                    }
                };
                yield return () => client.Service.FetchUserTokensAsync(bearer, new PageRequest(After: Answers.IssuedValue)).ReadAsync(client.Call);
                break;
            case "DELETE":
                yield return () => client.DiscardAsync(Answers.Id);
                yield return () => client.Service.DiscardUserJwtAsync(Answers.Id, client.Call);
                yield return () => client.DiscardAsync(bearer);
                break;
            default:
                yield return () => client.CreateAsync(bearer);
                yield return () => client.CreateAsync(Answers.IssuedValue, trust: true);
                yield return () => client.Service.CreateUserJwtAsync(new CreateUserToken(null, bearer, Answers.IssuedValue, null), Guid.NewGuid(), false, client.Call);
                break;
        }
    }

    private static void Describe(MagicBellException failure, StringBuilder said)
    {
        said.AppendLine(failure.ToString());
        said.AppendLine(failure.RequestId);
        foreach (ApiError error in failure.ApiErrors)
        {
            said.AppendLine(error.ToString());
        }

        for (Exception? exception = failure; exception is not null; exception = exception.InnerException)
        {
            said.AppendLine(exception.Message);
            foreach (object? item in exception.Data.Keys.Cast<object>().Concat(exception.Data.Values.Cast<object>()))
            {
                said.AppendLine(item?.ToString());
            }
        }
    }

    private static void AssertNothingOf(string secret, string said)
    {
        // Half of it would be too much already.
        foreach (string part in new[] { secret, secret[..(secret.Length / 2)], secret[(secret.Length / 2)..] })
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(part);
            byte[] utf16 = Encoding.Unicode.GetBytes(part);
            string base64 = Convert.ToBase64String(utf8).TrimEnd('=');
            foreach (string form in new[] { part, Uri.EscapeDataString(part), base64[..^2], Convert.ToHexString(utf8), Convert.ToHexString(utf16), Convert.ToBase64String(utf16).TrimEnd('=')[..^2] })
            {
                Assert.DoesNotContain(form, said, StringComparison.OrdinalIgnoreCase);
            }
        }
    }

    private static async Task EchoAsync(RawRequest request, string echo, string secrets)
    {
        string quoted = secrets.Replace("\"", "\\\"", StringComparison.Ordinal);
        string headerName = secrets.Split(' ')[1].Replace('.', '-');
        string[] words = echo.Split(' ');
        switch (words[0])
        {
            case "errors":
                int status = int.Parse(words[1], CultureInfo.InvariantCulture);
                await request.AnswerAsync(
                    status,
                    $$"""{"errors":[{"code":"{{quoted}}","message":"The token {{quoted}} is bad: {{new string('x', 280)}} {{quoted}}"}],"{{quoted}}":"{{quoted}}"}""",
                    "Content-Type: application/json",
                    "X-Request-Id: " + secrets,
                    "WWW-Authenticate: Bearer error=" + secrets);
                break;
            case "html":
                await request.AnswerAsync(int.Parse(words[1], CultureInfo.InvariantCulture), $"<html>{secrets}</html>", "Content-Type: text/html");
                break;
            case "json":
                await request.AnswerAsync(200, $$"""{"data":"{{quoted}}","token":"{{quoted}}","token_id":"{{quoted}}","created_at":"{{quoted}}","discarded_at":"{{quoted}}","links":{"next":"{{quoted}}"} }""");
                break;
            case "names":
                await request.AnswerAsync(200, $$"""{"data":[{"id":"{{quoted}}","name":"{{quoted}}","{{quoted}}":"{{quoted}}","created_at":"2021-01-01T00:00:00Z"}],"links":{"next":"?{{Uri.EscapeDataString(secrets)}}"} }""");
                break;
            case "redirect":
                await request.AnswerAsync(302, "", "Location: https://elsewhere.invalid/?" + Uri.EscapeDataString(secrets));
                break;
            case "request":
                await request.AnswerAsync(503, "", "X-Request-Id: " + secrets);
                break;
            case "retry":
                await request.AnswerAsync(429, "", "Retry-After: " + secrets, "Date: " + secrets);
                break;
            case "header" when words[1] == "name":
                await request.AnswerAsync(404, "", headerName + ": x");
                break;
            case "header":
                await request.AnswerAsync(404, "", "X-Echo: " + secrets, "Set-Cookie: a=" + secrets, "Via: " + secrets);
                break;
            case "status":
                await request.SendAsync($"HTTP/1.1 404 {secrets}\r\nContent-Length: 0\r\n\r\n");
                break;
            case "bad":
                await request.SendAsync(words[1] switch
                {
                    "status" => $"HTTP/1.1 {secrets}\r\n\r\n",
                    "header" => $"HTTP/1.1 200 OK\r\n{secrets}\r\n\r\n",
                    "chunk" => $"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{secrets}\r\n{secrets}\r\n",
                    _ => $"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {Encoding.UTF8.GetByteCount(secrets)}\r\n\r\n{secrets}",
                });
                request.Close();
                break;
            case "content":
                await request.AnswerAsync(200, "", "Content-Type: text/" + secrets, "Content-Language: " + secrets);
                break;
            case "half":
                await request.SendAsync(RawRequest.Head(200, 10_000) + "{\"token\":\"" + quoted);
                request.Close();
                break;
            case "reset":
                await request.SendAsync("HTTP/1.1 200 " + secrets);
                request.Reset();
                break;
            case "never":
                await request.SendAsync("HTTP/1.1 200 " + secrets);
                await request.UntilClosedAsync();
                break;
            case "link":
                await request.AnswerAsync(200, $$"""{"links":{"next":"/v2/jwt/project?{{Uri.EscapeDataString(secrets)}}"},"data":[{"id":"a","created_at":"2021-01-01T00:00:00Z"}]}""");
                break;
            case "other":
                await request.AnswerAsync(200, $$"""{"links":{"next":"https://{{headerName}}.invalid/{{Uri.EscapeDataString(secrets)}}"},"data":[{"id":"a","created_at":"2021-01-01T00:00:00Z"}]}""");
                break;
        }
    }
}
