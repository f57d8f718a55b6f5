using System;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Http;

namespace MagicBellJwt.Sandbox.Server;

/// <summary>
/// The control address, for tests in another process: <c>/_control/faults</c> (POST, DELETE), <c>/_control/requests</c> (GET, DELETE),
/// <c>/_control/tokens</c> (GET), <c>/_control/users</c> (GET, POST) and <c>/_control/seed</c> (POST). No fault hits it, nothing of it is recorded, no token's value is told.
/// </summary>
internal sealed class Control(SandboxServer server, TimeProvider clock)
{
    public const string Root = "/_control/";

    private static readonly JsonSerializerOptions s_everything = new(Fault.JsonOptions) { DefaultIgnoreCondition = JsonIgnoreCondition.Never };

    public async Task ServeAsync(HttpContext http, SandboxRequest request)
    {
        object? answer = null;
        try
        {
            switch (request.Method + " " + request.Path[Root.Length..])
            {
                case "POST faults":
                    JsonNode? faults = JsonNode.Parse(request.Body);
                    foreach (Fault fault in (faults is JsonArray list ? [.. list] : new[] { faults }).Select(Fault.Parse).ToArray())
                    {
                        server.AddFault(fault);
                    }

                    break;
                case "DELETE faults":
                    server.ClearFaults();
                    break;
                case "GET requests":
                    answer = server.Requests;
                    break;
                case "DELETE requests":
                    server.Clear();
                    break;
                case "GET tokens":
                    DateTimeOffset now = clock.GetUtcNow();
                    answer = server.Api.ListTokens().Select(token => new { token.Id, token.Kind, token.UserId, token.Name, Live = token.IsLive(now) });
                    break;
                case "GET users":
                    answer = server.Api.ListUsers().Select(user => new { user.Id, user.Email, user.ExternalId });
                    break;
                case "POST users":
                    foreach (NamedUser user in JsonSerializer.Deserialize<NamedUser[]>(request.Body, Fault.JsonOptions) ?? throw new FormatException("Users are a list."))
                    {
                        server.Api.SetUser(user.Id, user.Email, user.ExternalId);
                    }

                    break;
                case "POST seed":
                    Seed seed = JsonSerializer.Deserialize<Seed>(request.Body, Fault.JsonOptions) ?? throw new FormatException("A seed is an object.");
                    server.Api.SeedProjectTokens(seed.ProjectTokens);
                    if (seed.UserId is not null)
                    {
                        server.Api.SeedUserTokens(seed.UserId, seed.UserTokens);
                    }

                    break;
                default:
                    http.Response.StatusCode = StatusCodes.Status404NotFound;
                    return;
            }
        }
        catch (Exception exception) when (exception is JsonException or FormatException or ArgumentOutOfRangeException)
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            await http.Response.WriteAsync(exception.Message);
            return;
        }

        if (answer is null)
        {
            http.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        http.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(http.Response.Body, answer, s_everything, http.RequestAborted);
    }

    private sealed record NamedUser(string Id, string? Email, string? ExternalId);

    private sealed record Seed(int ProjectTokens, string? UserId, int UserTokens);
}
