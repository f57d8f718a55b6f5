using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox;
using Microsoft.Extensions.Time.Testing;

namespace MagicBellJwt.Rotation.Tests;

/// <summary>What happens to a request.</summary>
public enum Fault
{
    /// <summary>It is sent and never arrives.</summary>
    Lost,

    /// <summary>It is done, and its answer never comes.</summary>
    AnswerLost,

    /// <summary>A gateway answers with a page, and nothing is done.</summary>
    GatewayPage404,

    /// <summary>A gateway says 502 after the work.</summary>
    GatewayAfterWork,

    /// <summary>The API refuses it in its own JSON.</summary>
    Forbidden,

    /// <summary>The process dies before it is sent.</summary>
    KillBefore,

    /// <summary>The process dies after it was done.</summary>
    KillAfter,
}

/// <summary>The process is dead: nothing it does reaches anything any more.</summary>
internal sealed class KilledException : Exception;

/// <summary>The sandbox behind a network on which faults happen.</summary>
internal sealed class Api : HttpMessageHandler
{
    private readonly HttpMessageInvoker _sandbox;
    private readonly List<(Func<HttpRequestMessage, bool> Matches, Fault Fault)> _faults = [];
    private string? _late;
    private int _listsToCome;

    /// <summary>Makes a project.</summary>
    /// <param name="clockOffset">How far the server's clock is ahead of this machine's.</param>
    internal Api(TimeSpan clockOffset = default)
    {
        Clock = new FakeTimeProvider(DateTimeOffset.UtcNow + clockOffset);
        Sandbox = new SandboxHandler(new SandboxOptions { EnforceRateLimit = false, Clock = Clock });
        _sandbox = new HttpMessageInvoker(Sandbox);
    }

    internal SandboxHandler Sandbox { get; }

    /// <summary>The server's clock.</summary>
    internal FakeTimeProvider Clock { get; }

    /// <summary>How many lists after a create lack the new token.</summary>
    internal int ListDelay { get; set; }

    /// <summary>The requests, as method and path.</summary>
    internal List<string> Requests { get; } = [];

    internal bool IsKilled { get; private set; }

    /// <summary>What else dies with the process.</summary>
    internal Action? OnKill { get; set; }

    /// <summary>Alters an answer's body; null leaves it.</summary>
    internal Func<HttpRequestMessage, string, string?>? Alter { get; set; }

    /// <summary>Has a fault happen to the next request that matches.</summary>
    internal void Fail(string method, Fault fault, int skip = 0, string path = "")
    {
        int left = skip;
        _faults.Add((request => request.Method.Method == method && request.RequestUri!.AbsolutePath.Contains(path, StringComparison.Ordinal) && left-- == 0, fault));
    }

    /// <summary>Has a fault happen to a request by its number, from 0.</summary>
    internal void FailAt(int number, Fault fault) => _faults.Add((_ => Requests.Count - 1 == number, fault));

    internal void Kill()
    {
        IsKilled = true;
        OnKill?.Invoke();
    }

    internal void Recover()
    {
        _faults.Clear();
        IsKilled = false;
    }

    /// <summary>The ids of the live tokens of a name, as the server knows them.</summary>
    internal string[] Live(string name) =>
        [.. Sandbox.ListTokens().Where(token => token.Name == name && token.DiscardedAt is null && !(token.ExpiresAt <= Clock.GetUtcNow())).Select(token => token.Id.ToString("D"))];

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (IsKilled)
        {
            throw new KilledException();
        }

        lock (Requests)
        {
            Requests.Add($"{request.Method} {request.RequestUri!.PathAndQuery}");
        }

        Fault? fault = null;
        foreach ((Func<HttpRequestMessage, bool> matches, Fault candidate) in _faults.ToArray())
        {
            if (matches(request))
            {
                fault = candidate;
                break;
            }
        }

        switch (fault)
        {
            case Fault.Lost:
                await SendBodyAsync(request, cancellationToken);
                throw new HttpRequestException("lost");
            case Fault.KillBefore:
                Kill();
                throw new KilledException();
            case Fault.GatewayPage404:
                return Page(404);
            case Fault.Forbidden:
                return new HttpResponseMessage(HttpStatusCode.Forbidden) { Content = new StringContent("""{"errors":[{"code":"forbidden","message":"No."}]}""", Encoding.UTF8, "application/json") };
        }

        HashSet<string> before = [.. Sandbox.ListTokens().Select(token => token.Id.ToString("D"))];
        HttpResponseMessage response = await _sandbox.SendAsync(request, cancellationToken);
        response.Headers.Date = Clock.GetUtcNow();
        await DelayListAsync(request, response, before, cancellationToken);
        if (Alter is { } alter && response.IsSuccessStatusCode && alter(request, await response.Content.ReadAsStringAsync(cancellationToken)) is { } altered)
        {
            response.Content = new StringContent(altered, Encoding.UTF8, "application/json");
        }

        switch (fault)
        {
            case Fault.AnswerLost:
                await SendBodyAsync(request, cancellationToken);
                throw new HttpRequestException("reset");
            case Fault.GatewayAfterWork:
                return Page(502);
            case Fault.KillAfter:
                Kill();
                throw new KilledException();
            default:
                return response;
        }
    }

    private async Task DelayListAsync(HttpRequestMessage request, HttpResponseMessage response, HashSet<string> before, CancellationToken cancellationToken)
    {
        if (request.Method == HttpMethod.Post && ListDelay > 0)
        {
            _late = Sandbox.ListTokens().Select(token => token.Id.ToString("D")).FirstOrDefault(id => !before.Contains(id));
            _listsToCome = ListDelay;
        }
        else if (request.Method == HttpMethod.Get && response.IsSuccessStatusCode && _listsToCome-- > 0)
        {
            JsonNode list = JsonNode.Parse(await response.Content.ReadAsStringAsync(cancellationToken))!;
            var data = (JsonArray)list["data"]!;
            foreach (JsonNode? late in data.Where(item => (string?)item!["id"] == _late).ToArray())
            {
                data.Remove(late);
            }

            response.Content = new StringContent(list.ToJsonString(), Encoding.UTF8, "application/json");
        }
    }

    // A request whose body was not asked for has not left this machine.
    private static Task SendBodyAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        request.Content?.CopyToAsync(System.IO.Stream.Null, cancellationToken) ?? Task.CompletedTask;

    private static HttpResponseMessage Page(int status) => new((HttpStatusCode)status) { Content = new StringContent("<html>gateway</html>", Encoding.UTF8, "text/html") };
}
