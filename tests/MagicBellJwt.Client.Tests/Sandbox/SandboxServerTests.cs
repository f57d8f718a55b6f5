using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox.Server;
using Xunit;

namespace MagicBellJwt.Client.Tests.Sandbox;

/// <summary>The server in process: where it listens, what it records, and its control address.</summary>
public sealed class SandboxServerTests : IAsyncLifetime
{
    private readonly HttpClient _http = new();
    private SandboxServer _server = null!;
    private PlainClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await SandboxServer.StartAsync(new SandboxServerOptions { KeptRequests = 5 });
        _client = new PlainClient(_server);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        _http.Dispose();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("http://0.0.0.0:0")]
    [InlineData("http://[::]:0")]
    [InlineData("http://192.168.1.1:0")]
    [InlineData("http://example.com:0")]
    [InlineData("https://127.0.0.1:0")]
    [InlineData("http://127.0.0.1:0/base")]
    public async Task It_listens_on_nothing_but_plain_http_on_loopback(string url)
    {
        await Assert.ThrowsAsync<ArgumentException>(() => SandboxServer.StartAsync(new SandboxServerOptions { Url = new Uri(url) }));
    }

    [Theory]
    [InlineData("http://localhost:0", "http://127.0.0.1:")]
    [InlineData("http://127.0.0.2:0", "http://127.0.0.2:")]
    [InlineData("http://[::1]:0", "http://[::1]:")]
    public async Task It_listens_on_any_loopback_address_and_says_which_port_it_has(string url, string expected)
    {
        await using SandboxServer another = await SandboxServer.StartAsync(new SandboxServerOptions { Url = new Uri(url) });
        using var anotherClient = new PlainClient(another);

        Assert.StartsWith(expected, another.BaseAddress.AbsoluteUri, StringComparison.Ordinal);
        Assert.EndsWith("/v2/", another.BaseAddress.AbsoluteUri, StringComparison.Ordinal);
        Assert.NotEqual(0, another.BaseAddress.Port);
        PlainAnswer list = await anotherClient.GetAsync("jwt/project");
        Assert.StartsWith(another.BaseAddress.AbsoluteUri, list.Json["links"]!["first"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Links_start_with_the_authority_that_was_asked()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_server.BaseAddress, "jwt/project"));
        request.Headers.Host = "stand-in.example:8080";
        request.Headers.Add("Authorization", "Bearer " + _server.AdministratorToken);

        using HttpResponseMessage response = await _http.SendAsync(request, TestContext.Current.CancellationToken);

        JsonNode page = JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        Assert.Equal("http://stand-in.example:8080/v2/jwt/project?limit=25", page["links"]!["first"]!.GetValue<string>());
    }

    [Fact]
    public async Task It_serves_a_client_that_takes_it_for_its_proxy_and_records_that()
    {
        using var proxied = new HttpClient(new SocketsHttpHandler { Proxy = new WebProxy(_server.BaseAddress) }) { BaseAddress = new Uri("http://api.invalid/v2/") };
        using var proxiedClient = new PlainClient(proxied, _server.AdministratorToken);

        PlainAnswer list = await proxiedClient.GetAsync("jwt/project?limit=1");

        Assert.Equal("http://api.invalid/v2/jwt/project?limit=1", list.Json["links"]!["first"]!.GetValue<string>());
        Assert.Equal("http://api.invalid/v2/jwt/project?limit=1", _server.Requests.Single().Target);
    }

    [Fact]
    public async Task A_taken_port_is_an_IOException()
    {
        Uri taken = new(_server.BaseAddress.GetLeftPart(UriPartial.Authority));

        await Assert.ThrowsAsync<IOException>(() => SandboxServer.StartAsync(new SandboxServerOptions { Url = taken }));
    }

    [Fact]
    public async Task It_records_what_was_sent_and_when_and_on_which_connection_but_no_secret()
    {
        DateTimeOffset before = DateTimeOffset.UtcNow;
        await _client.PostAsync("jwt/user", new { email = "hana@example.com" }, key: "k1");
        await _client.GetAsync("jwt/user/a%2Fb?page%5Bsize%5D=2&x=a+b");
        await _client.SendAsync("GET", "jwt/project", authorization: "naked-secret");

        IReadOnlyList<RecordedRequest> requests = _server.Requests;
        Assert.Equal(["POST", "GET", "GET"], requests.Select(request => request.Method));
        Assert.Equal(["/v2/jwt/user", "/v2/jwt/user/a%2Fb?page%5Bsize%5D=2&x=a+b", "/v2/jwt/project"], requests.Select(request => request.Target));
        Assert.Equal(["""{"email":"hana@example.com"}""", "", ""], requests.Select(request => request.Body));
        Assert.Equal("k1", requests[0].Headers["idempotency-key"]);
        Assert.Equal("application/json; charset=utf-8", requests[0].Headers["content-type"]);
        Assert.All(requests, request => Assert.InRange(request.Time, before, DateTimeOffset.UtcNow));
        Assert.Single(requests.Select(request => request.ConnectionId).Distinct());
        Assert.Equal("Bearer sha256:" + Fingerprint(_server.AdministratorToken), requests[0].Headers["Authorization"]);
        Assert.Equal("sha256:" + Fingerprint("naked-secret"), requests[2].Headers["Authorization"]);
        Assert.DoesNotContain(requests, request => request.ToString().Contains(_server.AdministratorToken, StringComparison.Ordinal));

        static string Fingerprint(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)))[..12];
    }

    [Fact]
    public async Task It_keeps_the_last_requests_only_and_forgets_them_when_told()
    {
        for (int i = 1; i <= 7; i++)
        {
            await _client.GetAsync("jwt/project?limit=" + i);
        }

        Assert.Equal(["3", "4", "5", "6", "7"], _server.Requests.Select(request => request.Target[^1..]));
        _server.Clear();
        Assert.Empty(_server.Requests);

        await _client.SendAsync("POST", "jwt/project", new string(' ', 70_000) + "{}");
        Assert.Equal(64 * 1024, _server.Requests.Single().Body.Length);
    }

    [Fact]
    public async Task It_keeps_nothing_where_recording_is_off()
    {
        await using SandboxServer silent = await SandboxServer.StartAsync(new SandboxServerOptions { KeptRequests = 0 });
        using var silentClient = new PlainClient(silent);

        await silentClient.GetAsync("jwt/project");

        Assert.Empty(silent.Requests);
    }

    [Fact]
    public async Task With_latency_a_request_arrives_late_and_is_done_even_when_its_client_has_gone()
    {
        await using SandboxServer far = await SandboxServer.StartAsync(new SandboxServerOptions { Latency = TimeSpan.FromMilliseconds(150) });
        using var farClient = new PlainClient(far);
        var watch = Stopwatch.StartNew();
        await farClient.GetAsync("jwt/project");
        Assert.True(watch.ElapsedMilliseconds >= 145);

        using (RawClient hasty = await RawClient.ConnectAsync(far))
        {
            await hasty.SendAsync("POST", "/v2/jwt/project", """{"name":"hasty"}""");
            while (far.Requests.Count < 2)
            {
                await Task.Delay(5, TestContext.Current.CancellationToken);
            }
        }

        while (far.Api.ListTokens().Count < 2)
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task Disposing_it_frees_the_port_and_may_be_done_twice()
    {
        Uri url = new(_server.BaseAddress.GetLeftPart(UriPartial.Authority));
        await _client.GetAsync("jwt/project");

        await _server.DisposeAsync();
        await _server.DisposeAsync();

        await using SandboxServer next = await SandboxServer.StartAsync(new SandboxServerOptions { Url = url });
        Assert.Equal(url.Port, next.BaseAddress.Port);
    }

    [Fact]
    public async Task The_control_address_arms_faults_and_disarms_them()
    {
        Assert.Equal(HttpStatusCode.NoContent, await ControlAsync("POST", "faults", """["GET * 503 times=1", {"kind":"answer","status":502,"times":1}]"""));
        Assert.Equal(HttpStatusCode.NoContent, await ControlAsync("POST", "faults", "\"* * 500\""));
        Assert.Equal(503, await GetStatusAsync());
        Assert.Equal(502, await GetStatusAsync());
        Assert.Equal(500, await GetStatusAsync());
        Assert.Equal(HttpStatusCode.NoContent, await ControlAsync("DELETE", "faults"));
        Assert.Equal(200, await GetStatusAsync());
    }

    [Theory]
    [InlineData("POST", "faults", "", HttpStatusCode.BadRequest)]
    [InlineData("POST", "faults", """["* * 500","* * explode"]""", HttpStatusCode.BadRequest)]
    [InlineData("POST", "faults", "null", HttpStatusCode.BadRequest)]
    [InlineData("POST", "seed", """{"projekt-tokens":1}""", HttpStatusCode.BadRequest)]
    [InlineData("POST", "seed", "null", HttpStatusCode.BadRequest)]
    [InlineData("POST", "seed", """{"project-tokens":-1}""", HttpStatusCode.BadRequest)]
    [InlineData("PUT", "faults", "", HttpStatusCode.NotFound)]
    [InlineData("GET", "", "", HttpStatusCode.NotFound)]
    public async Task The_control_address_refuses_what_it_does_not_understand_and_arms_nothing(string method, string path, string body, HttpStatusCode expected)
    {
        Assert.Equal(expected, await ControlAsync(method, path, body));
        Assert.Equal(200, await GetStatusAsync());
    }

    [Fact]
    public async Task The_control_address_tells_the_requests_without_its_own_and_forgets_them()
    {
        _server.AddFault("GET * 503");
        await GetStatusAsync();
        await ControlAsync("DELETE", "faults");

        JsonNode recorded = (await ControlJsonAsync("requests")).AsArray().Single()!;

        Assert.Equal("GET", recorded["method"]!.GetValue<string>());
        Assert.Equal("/v2/jwt/project", recorded["target"]!.GetValue<string>());
        Assert.StartsWith("Bearer sha256:", recorded["headers"]!["Authorization"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("", recorded["body"]!.GetValue<string>());
        Assert.Equal("GET * answer status=503", recorded["fault"]!.GetValue<string>());
        Assert.Equal(_server.Requests.Single().ConnectionId, recorded["connection-id"]!.GetValue<string>());
        Assert.Equal(_server.Requests.Single().Time, recorded["time"]!.GetValue<DateTimeOffset>());
        await ControlAsync("DELETE", "requests");
        Assert.Empty((await ControlJsonAsync("requests")).AsArray());
    }

    [Fact]
    public async Task The_control_address_seeds_and_tells_which_tokens_are_live_and_no_value()
    {
        await ControlAsync("POST", "seed", """{"project-tokens":2,"user-id":"u1","user-tokens":1}""");
        string revoked = _server.Api.ListTokens()[1].Id.ToString();
        await _client.DeleteAsync("jwt/project/" + revoked);

        JsonArray tokens = (await ControlJsonAsync("tokens")).AsArray();

        Assert.Equal(4, tokens.Count);
        Assert.Equal(["project", "project", "project", "user"], tokens.Select(token => token!["kind"]!.GetValue<string>()));
        Assert.Equal([null, null, null, "u1"], tokens.Select(token => token!["user-id"]?.GetValue<string>()));
        Assert.Equal(["Sandbox administrator", "seed 1", "seed 2", "seed 1"], tokens.Select(token => token!["name"]!.GetValue<string>()));
        Assert.Equal([true, false, true, true], tokens.Select(token => token!["live"]!.GetValue<bool>()));
        Assert.Equal(revoked, tokens[1]!["id"]!.GetValue<string>());
        Assert.DoesNotContain("eyJ", tokens.ToJsonString(), StringComparison.Ordinal);
    }

    private async Task<int> GetStatusAsync() =>
        int.Parse((await RawClient.AskAsync(_server, "GET", "/v2/jwt/project")).StatusLine.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);

    private async Task<HttpStatusCode> ControlAsync(string method, string path, string body = "")
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(_server.BaseAddress, "/_control/" + path)) { Content = new StringContent(body) };
        using HttpResponseMessage response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    private async Task<JsonNode> ControlJsonAsync(string path) =>
        JsonNode.Parse(await _http.GetStringAsync(new Uri(_server.BaseAddress, "/_control/" + path), TestContext.Current.CancellationToken))!;
}
