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
    private readonly SocketTransportFactory _sockets;
    private readonly ConcurrentDictionary<string, ConnectionContext> _connections = new();
    private readonly CancellationTokenSource _unbound = new();
    private IConnectionListener _listener = null!;
    private Socket? _reserved;
    private TimeSpan _closedFor;

    public ClosablePort()
    {
        var options = new SocketTransportOptions { CreateBoundListenSocket = endpoint => Interlocked.Exchange(ref _reserved, null) ?? SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint) };
        _sockets = new SocketTransportFactory(Options.Create(options), NullLoggerFactory.Instance);
    }

    public EndPoint EndPoint => _listener.EndPoint;

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        _listener = await _sockets.BindAsync(endpoint, cancellationToken);
        return this;
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (await _listener.AcceptAsync(cancellationToken) is { } connection)
            {
                _connections[connection.ConnectionId] = connection;
                connection.ConnectionClosed.Register(() => _connections.TryRemove(connection.ConnectionId, out _));
                return connection;
            }

            if (!_unbound.IsCancellationRequested)
            {
                // Bound and not listening: a port that is free for a while may become that of another program's connection.
                _reserved = await ReserveAsync(_listener.EndPoint);
                await Task.Delay(_closedFor, _unbound.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (_unbound.IsCancellationRequested)
            {
                _reserved?.Dispose();
                return null;
            }

            _listener = await _sockets.BindAsync(_listener.EndPoint, cancellationToken);
        }
    }

    /// <summary>Stops listening, and drops every connection but one.</summary>
    public async Task CloseAsync(TimeSpan duration, string? exceptConnectionId)
    {
        _closedFor = duration;
        await _listener.UnbindAsync();
        foreach ((string id, ConnectionContext connection) in _connections)
        {
            if (id != exceptConnectionId)
            {
                connection.Abort();
            }
        }
    }

    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await _unbound.CancelAsync();
        await _listener.UnbindAsync(cancellationToken);
    }

    public ValueTask DisposeAsync() => _listener.DisposeAsync();

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
