using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox.Server;
using Xunit;

namespace MagicBellJwt.Client.Tests.Sandbox;

/// <summary>Nothing but an HttpClient, which holds each answer against the vendor's document.</summary>
internal sealed class PlainClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly string _bearer;

    public PlainClient(SandboxServer server)
        : this(new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = server.BaseAddress }, server.AdministratorToken)
    {
    }

    public PlainClient(HttpClient http, string bearer)
    {
        _http = http;
        _bearer = bearer;
    }

    public Task<PlainAnswer> GetAsync(string path) => SendAsync("GET", path);

    public Task<PlainAnswer> PostAsync(string path, object body, string? key = null) => SendAsync("POST", path, body, key: key);

    public Task<PlainAnswer> DeleteAsync(string path) => SendAsync("DELETE", path);

    /// <summary>Sends a request; <paramref name="body"/> as it stands where it is text or bytes, as JSON where it is something else.</summary>
    public async Task<PlainAnswer> SendAsync(string method, string path, object? body = null, string? key = null, string? authorization = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.TryAddWithoutValidation("Authorization", authorization ?? "Bearer " + _bearer);
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        if (body is not null)
        {
            byte[] bytes = body switch
            {
                byte[] raw => raw,
                string text => Encoding.UTF8.GetBytes(text),
                _ => System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(body),
            };
            request.Content = new ByteArrayContent(bytes);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json", "utf-8");
        }

        using HttpResponseMessage response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        string answer = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var headers = response.Headers.Concat(response.Content.Headers).ToDictionary(header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase);
        Assert.Equal("application/json; charset=utf-8", headers["Content-Type"]);
        Assert.True(Guid.TryParse(headers["X-Request-Id"], out _));
        string local = new Uri(_http.BaseAddress!, path).AbsolutePath;
        await OpenApiDocument.CheckAsync(method, local.Replace("/v2", "", StringComparison.Ordinal), (int)response.StatusCode, answer);
        return new PlainAnswer((int)response.StatusCode, answer, headers);
    }

    public void Dispose() => _http.Dispose();
}

internal sealed record PlainAnswer(int Status, string Text, IReadOnlyDictionary<string, string> Headers)
{
    private readonly Lazy<JsonNode> _json = new(() => JsonNode.Parse(Text)!);

    public JsonNode Json => _json.Value;

    public string[] Ids => [.. Json["data"]!.AsArray().Select(token => token!["id"]!.GetValue<string>())];

    public string[] Names => [.. Json["data"]!.AsArray().Select(token => token!["name"]!.GetValue<string>())];

    public string? Next => Json["links"]!["next"]?.GetValue<string>();

    public string? Previous => Json["links"]!["prev"]?.GetValue<string>();

    public string[] ErrorCodes => [.. Json["errors"]!.AsArray().Select(error => error!["code"]!.GetValue<string>())];

    public string Token => Json["token"]!.GetValue<string>();

    public string TokenId => Json["token_id"]!.GetValue<string>();
}
