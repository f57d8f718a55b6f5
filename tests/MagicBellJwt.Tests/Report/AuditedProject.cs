using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;

namespace MagicBellJwt.Tests.Report;

/// <summary>A project whose tokens are as old as a test wants, which no server that issues them can offer.</summary>
internal sealed class AuditedProject : IAsyncDisposable
{
    private const string UserPath = "/v2/jwt/user/";

    private readonly Dictionary<string, List<Dictionary<string, object?>>> _lists = new() { [""] = [] };
    private readonly RawServer _server;

    public AuditedProject() => _server = RawServer.Scripted(Answer);

    public Uri BaseAddress => _server.BaseAddress;

    /// <summary>How often each list was asked for: the project's under the empty text.</summary>
    public IEnumerable<string> ListsRead => _server.Requests.Select(request => ListOf(request.Target));

    /// <summary>Adds a token.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="age">Days since it was issued.</param>
    /// <param name="days">Days until it ends; null for never.</param>
    /// <param name="userId">Whose it is; null for the project's.</param>
    /// <param name="isDiscarded">Whether it was revoked.</param>
    /// <returns>Its id.</returns>
    public string Add(string? name, double age, double? days, string? userId = null, bool isDiscarded = false)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        string id = Guid.NewGuid().ToString();
        if (!_lists.TryGetValue(userId ?? "", out List<Dictionary<string, object?>>? list))
        {
            _lists[userId!] = list = [];
        }

        list.Add(new()
        {
            ["id"] = id,
            ["name"] = name,
            ["created_at"] = now.AddDays(-age),
            ["expires_at"] = days is null ? null : now.AddDays(days.Value),
            ["discarded_at"] = isDiscarded ? now.AddHours(-1) : null,
        });
        return id;
    }

    /// <summary>Makes an engine with a session named <c>acme</c>.</summary>
    public PowerShellEngine Connect(string options = "-ReadsPerMinute 1000000")
    {
        var engine = new PowerShellEngine();
        engine.Run(
            $"Connect-MbProject $secret -BaseUri $address -Name acme -SkipConnectionTest -MaximumRetryCount 0 {options}",
            ("secret", Secret.Of("any")),
            ("address", BaseAddress)).MustSucceed();
        return engine;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static string ListOf(string target)
    {
        string path = target.Split('?')[0];
        return path.StartsWith(UserPath, StringComparison.Ordinal) ? Uri.UnescapeDataString(path[UserPath.Length..]) : "";
    }

    private string Answer(RawRequest request) => _lists.TryGetValue(ListOf(request.Target), out List<Dictionary<string, object?>>? list)
        ? Answers.Json(200, JsonSerializer.Serialize(new { data = list, links = new { next = (string?)null } }))
        : Answers.Json(404, """{"errors":[{"code":"not_found","message":"There is no such user."}]}""");
}
