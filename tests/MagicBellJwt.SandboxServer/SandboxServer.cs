using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace MagicBellJwt.Sandbox.Server;

/// <summary>The sandbox behind HTTP/1.1 on loopback, for any client.</summary>
public sealed class SandboxServer : IAsyncDisposable
{
    private readonly SandboxServerOptions _options;
    private readonly WebApplication _application;
    private readonly Recording _recording;
    private readonly FaultList _faults = new();
    private readonly ClosablePort _port = new();
    private readonly Control _control;
    private readonly CancellationTokenSource _stopping = new();

    private SandboxServer(SandboxServerOptions options)
    {
        if (!CanListenOn(options.Url))
        {
            throw new ArgumentException("The sandbox listens on plain http on loopback only.", nameof(options));
        }

        _options = options;
        Api = new SandboxHandler(options.Sandbox);
        _recording = new Recording(options.KeptRequests);
        _control = new Control(this, options.Sandbox.Clock);
        foreach (Fault fault in options.Faults)
        {
            _faults.Add(fault);
        }

        // The empty builder reads no environment, no settings file and no command line: nothing but the options decides where to listen.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;

            // On a busy machine these would be faults that nobody asked for.
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            IPAddress address = IPAddress.TryParse(options.Url.DnsSafeHost, out IPAddress? literal) ? literal : IPAddress.Loopback;
            kestrel.Listen(address, options.Url.Port, endpoint => endpoint.Protocols = HttpProtocols.Http1);
        });
        builder.Services.AddSingleton<IConnectionListenerFactory>(_port);
        _application = builder.Build();
        _application.Run(ServeAsync);
    }

    /// <summary>The base address to give to a client, such as <c>http://127.0.0.1:5005/v2/</c>.</summary>
    public Uri BaseAddress { get; private set; } = null!;

    /// <summary>The JWT of the project token that the project starts with.</summary>
    public string AdministratorToken => Api.AdministratorToken;

    /// <summary>The sandbox behind the server.</summary>
    public SandboxHandler Api { get; }

    /// <summary>The last requests, oldest first; those of the control address are not among them.</summary>
    public IReadOnlyList<RecordedRequest> Requests => _recording.Requests;

    /// <summary>Starts a server, which listens when the task ends.</summary>
    /// <param name="options">How; null for the defaults.</param>
    /// <returns>The server, for the caller to dispose.</returns>
    /// <exception cref="ArgumentException">The address is not plain http on loopback.</exception>
    /// <exception cref="IOException">The port is taken, or the administrator's token cannot be written.</exception>
    public static async Task<SandboxServer> StartAsync(SandboxServerOptions? options = null)
    {
        var server = new SandboxServer(options ?? new SandboxServerOptions());
        try
        {
            await server.ListenAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether the server would listen on an address: plain http, loopback, and nothing after the port.</summary>
    /// <param name="url">The address.</param>
    /// <returns>False for anything that another machine could reach.</returns>
    public static bool CanListenOn(Uri url) => url.Scheme == Uri.UriSchemeHttp && url.IsLoopback && url.PathAndQuery == "/";

    /// <summary>Arms a fault, behind those that are armed already.</summary>
    /// <param name="fault">The fault.</param>
    /// <exception cref="FormatException">The fault contradicts itself.</exception>
    public void AddFault(Fault fault) => _faults.Add(fault);

    /// <summary>Arms a fault, behind those that are armed already.</summary>
    /// <param name="fault">The fault as text; see <see cref="Fault"/>.</param>
    /// <exception cref="FormatException">The text is not a fault.</exception>
    public void AddFault(string fault) => _faults.Add(Fault.Parse(fault));

    /// <summary>Disarms every fault.</summary>
    public void ClearFaults() => _faults.Clear();

    /// <summary>Drops every connection and refuses new ones for a while, from now on.</summary>
    /// <param name="duration">How long.</param>
    /// <returns>A task that ends when the port is closed.</returns>
    public Task RefuseConnectionsAsync(TimeSpan duration) => _port.CloseAsync(duration, exceptConnectionId: null);

    /// <summary>Forgets the recorded requests.</summary>
    public void Clear() => _recording.Clear();

    /// <summary>Stops listening and drops every connection.</summary>
    /// <returns>A task that ends when the port is free.</returns>
    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
        {
            return;
        }

        await _stopping.CancelAsync();
        using var grace = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _application.StopAsync(grace.Token);
        await _application.DisposeAsync();
        _stopping.Dispose();
    }

    private static async Task<SandboxRequest> ReadAsync(HttpContext http)
    {
        var body = new MemoryStream((int)(http.Request.ContentLength ?? 0));
        await http.Request.Body.CopyToAsync(body, http.RequestAborted);

        // The raw target: the decoded path would not tell %2F from a slash.
        string target = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        string origin = http.Request.Scheme + "://" + http.Request.Host.Value;
        if (!target.StartsWith('/') && Uri.TryCreate(target, UriKind.Absolute, out Uri? proxied))
        {
            // The absolute form, of a client that takes the server for its proxy (RFC 9112, 3.2.2).
            origin = proxied.GetLeftPart(UriPartial.Authority);
            target = proxied.PathAndQuery;
        }

        int query = target.IndexOf('?', StringComparison.Ordinal) is var mark and >= 0 ? mark : target.Length;
        return new SandboxRequest
        {
            Method = http.Request.Method,
            Origin = origin,
            Path = target[..query],
            Query = target[query..],
            Authorization = http.Request.Headers.Authorization,
            ContentType = http.Request.ContentType,
            IdempotencyKey = http.Request.Headers["Idempotency-Key"],
            Body = body.ToArray(),
        };
    }

    private async Task ListenAsync()
    {
        Api.SeedProjectTokens(_options.SeedProjectTokens);
        Api.SeedUsers(_options.SeedUsers.Users, _options.SeedUsers.Tokens);
        foreach ((string userId, int count) in _options.SeedUserTokens)
        {
            Api.SeedUserTokens(userId, count);
        }

        if (_options.AdministratorTokenFile is { } file)
        {
            AdministratorTokenFile.Write(file, AdministratorToken);
        }

        await _application.StartAsync();
        BaseAddress = new Uri(_application.Urls.Single() + "/v2/");
    }

    private async Task ServeAsync(HttpContext http)
    {
        SandboxRequest request = await ReadAsync(http);
        if (request.Path.StartsWith(Control.Root, StringComparison.Ordinal))
        {
            await _control.ServeAsync(http, request);
            return;
        }

        Fault? fault = _faults.Next(request);
        _recording.Add(http, request, _options.Sandbox.Clock.GetUtcNow(), fault);
        try
        {
            if (_options.Latency > TimeSpan.Zero)
            {
                await Task.Delay(_options.Latency, _stopping.Token);
            }

            await ServeAsync(http, request, fault);
        }
        catch (OperationCanceledException)
        {
            // The client has gone or the server stops: either way there is nobody to answer.
            http.Abort();
        }
    }

    private async Task ServeAsync(HttpContext http, SandboxRequest request, Fault? fault)
    {
        var wire = new Wire(http, _stopping.Token);
        var time = TimeSpan.FromMilliseconds(fault?.Ms ?? 0);
        SandboxAnswer? done = fault is { AfterWork: true } ? Api.Answer(request) : null;
        SandboxAnswer Work() => done ?? Api.Answer(request);
        switch (fault?.Kind)
        {
            case null:
                await wire.SendAsync(Work());
                break;
            case FaultKind.Delay:
                await Task.Delay(time, _stopping.Token);
                await wire.SendAsync(Work());
                break;
            case FaultKind.Reset:
                wire.Reset();
                break;
            case FaultKind.Cut:
                SandboxAnswer whole = Work();
                await wire.SendRawAsync(whole, toldLength: whole.Body.Count, sentBody: whole.Body.Count / 2);
                wire.Reset();
                break;
            case FaultKind.Never:
                await wire.NeverAnswerAsync();
                break;
            case FaultKind.Drip:
                await wire.DripAsync(Work(), time);
                break;
            case FaultKind.Refuse:
                await _port.CloseAsync(time, exceptConnectionId: http.Connection.Id);
                http.Response.Headers.Connection = "close";
                await wire.SendAsync(Work());
                break;
            case FaultKind.Answer:
                SandboxAnswer altered = AlteredAnswer.Of(fault, fault.Status is null ? Work() : done, request, _options.Sandbox.Clock.GetUtcNow());
                if (fault.ExtraLength == 0)
                {
                    await wire.SendAsync(altered, tellLength: fault.Body != FaultBody.HugeChunked);
                }
                else
                {
                    await wire.SendRawAsync(altered, toldLength: altered.Body.Count + fault.ExtraLength, sentBody: altered.Body.Count);
                    await wire.CloseAsync();
                }

                break;
        }
    }
}
