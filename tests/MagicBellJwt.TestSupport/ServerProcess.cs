using System;
using System.Collections.Generic;
using System.Net.Http;
using System.Net.Http.Json;
using System.Text.Json;
using System.Threading.Tasks;

namespace MagicBellJwt.TestSupport;

/// <summary>A request as the server recorded it.</summary>
public sealed record ServerRequest(DateTimeOffset Time, string ConnectionId, string Method, string Target, Dictionary<string, string> Headers, string Body, string? Fault);

/// <summary>A token as the server holds it.</summary>
public sealed record ServerToken(string Id, string Kind, string? UserId, string? Name, bool Live);

/// <summary>A user as the server holds them.</summary>
public sealed record ServerUser(string Id, string? Email, string? ExternalId);

/// <summary>A sandbox server whose records are read as objects.</summary>
public sealed class ServerProcess : SandboxProcess, IAsyncDisposable
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.KebabCaseLower };

    private ServerProcess(IEnumerable<string> options)
        : base(options)
    {
    }

    /// <inheritdoc cref="SandboxProcess(IEnumerable{string})"/>
    public static Task<ServerProcess> StartAsync(params string[] options) => Task.Run(() => new ServerProcess(options));

    /// <summary>The requests since the last reset, oldest first.</summary>
    public async Task<ServerRequest[]> RequestsAsync() => JsonSerializer.Deserialize<ServerRequest[]>(await ListAsync("requests"), s_json)!;

    /// <summary>Every token, the administrator's too.</summary>
    public async Task<ServerToken[]> TokensAsync() => JsonSerializer.Deserialize<ServerToken[]>(await ListAsync("tokens"), s_json)!;

    /// <summary>Adds tokens named <c>seed 1</c> and on.</summary>
    public async Task SeedAsync(int projectTokens = 0, string? userId = null, int userTokens = 0)
    {
        using HttpResponseMessage answer = await Control.PostAsJsonAsync("seed", new Dictionary<string, object?>
        {
            ["project-tokens"] = projectTokens,
            ["user-id"] = userId,
            ["user-tokens"] = userTokens,
        });
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Every user, the oldest first.</summary>
    public async Task<ServerUser[]> UsersAsync() => JsonSerializer.Deserialize<ServerUser[]>(await ListAsync("users"), s_json)!;

    /// <summary>Adds users, or names those anew who are there.</summary>
    public async Task SetUsersAsync(params ServerUser[] users)
    {
        using HttpResponseMessage answer = await Control.PostAsJsonAsync("users", users, s_json);
        answer.EnsureSuccessStatusCode();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await Task.Run(Dispose);
}
