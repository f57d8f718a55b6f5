using System;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Server;

/// <summary>One server for a class of tests.</summary>
public class ServerFixture : IAsyncLifetime
{
    internal ServerProcess Server { get; private set; } = null!;

    /// <summary>The server's options.</summary>
    protected virtual string[] Options => [];

    public async ValueTask InitializeAsync() => Server = await ServerProcess.StartAsync(Options);

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>Tests in an engine of their own, connected to the server of their class, in which nothing goes wrong and nothing is recorded yet.</summary>
public abstract class ServerTests<TFixture>(TFixture fixture) : IClassFixture<TFixture>, IAsyncLifetime
    where TFixture : ServerFixture
{
    private protected ServerProcess Server => fixture.Server;

    private protected TestHost Host { get; private set; } = null!;

    private protected PowerShellEngine Engine { get; private set; } = null!;

    /// <summary>What the engine runs before each test.</summary>
    private protected virtual string Preparation => "";

    public async ValueTask InitializeAsync()
    {
        await Server.ResetAsync();
        Host = new TestHost();
        Engine = PowerShellEngine.ConnectedTo(Server, Host);
        Run(Preparation).MustSucceed();
        await Server.ResetAsync();
    }

    public ValueTask DisposeAsync()
    {
        Engine.Dispose();

        // xunit calls no Dispose beside a DisposeAsync.
        (this as IDisposable)?.Dispose();
        GC.SuppressFinalize(this);
        return default;
    }

    private protected Run Run(string script, params (string Name, object? Value)[] variables) => Engine.Run(script, variables);

    private protected Run Try(string script, params (string Name, object? Value)[] variables) => Engine.Try(script, variables);

    /// <summary>The requests that change something.</summary>
    private protected async Task<ServerRequest[]> WritesAsync() => [.. (await Server.RequestsAsync()).Where(request => request.Method != "GET")];
}

/// <summary>Tests with a server that has no options.</summary>
public abstract class ServerTests(ServerFixture fixture) : ServerTests<ServerFixture>(fixture);
