using System;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace MagicBellJwt.Sandbox.Server;

/// <summary>Kestrel's one port, which can stop listening for a while: then a client's connect is refused by the operating system itself.</summary>
internal sealed class ClosablePort : IConnectionListenerFactory, IConnectionListener
{
    private readonly SocketTransportFactory sockets;
    private readonly ConcurrentDictionary<string, ConnectionContext> connections = new();
    private readonly CancellationTokenSource unbound = new();
    private IConnectionListener listener = null!;
    private Socket? reserved;
    private TimeSpan closedFor;

    public ClosablePort()
    {
        var options = new SocketTransportOptions { CreateBoundListenSocket = endpoint => Interlocked.Exchange(ref reserved, null) ?? SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint) };
        sockets = new SocketTransportFactory(Options.Create(options), NullLoggerFactory.Instance);
    }

    public EndPoint EndPoint => listener.EndPoint;

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        listener = await sockets.BindAsync(endpoint, cancellationToken);
        return this;
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (await listener.AcceptAsync(cancellationToken) is { } connection)
            {
                connections[connection.ConnectionId] = connection;
                connection.ConnectionClosed.Register(() => connections.TryRemove(connection.ConnectionId, out _));
                return connection;
            }

            if (!unbound.IsCancellationRequested)
            {
                // Bound and not listening: a port that is free for a while may become that of another program's connection.
                reserved = await ReserveAsync(listener.EndPoint);
                await Task.Delay(closedFor, unbound.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (unbound.IsCancellationRequested)
            {
                reserved?.Dispose();
                return null;
            }

            listener = await sockets.BindAsync(listener.EndPoint, cancellationToken);
        }
    }

    /// <summary>Stops listening, and drops every connection but one.</summary>
    public async Task CloseAsync(TimeSpan duration, string? exceptConnectionId)
    {
        closedFor = duration;
        await listener.UnbindAsync();
        foreach ((string id, ConnectionContext connection) in connections)
        {
            if (id != exceptConnectionId)
            {
                connection.Abort();
            }
        }
    }

    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await unbound.CancelAsync();
        await listener.UnbindAsync(cancellationToken);
    }

    public ValueTask DisposeAsync() => listener.DisposeAsync();

    private static async Task<Socket> ReserveAsync(EndPoint endpoint)
    {
        while (true)
        {
            try
            {
                return SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // The socket that listened is closed a moment after it says so.
                await Task.Delay(1);
            }
        }
    }
}
