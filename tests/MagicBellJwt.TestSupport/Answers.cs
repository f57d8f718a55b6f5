using System;
using System.Linq;
using System.Text;

namespace MagicBellJwt.TestSupport;

/// <summary>Whole answers, head and body, as text.</summary>
public static class Answers
{
    /// <summary>The answer to a revocation.</summary>
    public static string Discarded(RawRequest request) =>
        Json(200, $$"""{"token_id":"{{request.Target.Split('/')[^1]}}","discarded_at":"2026-01-02T00:00:00Z"}""");

    /// <summary>The answer to a create, with a value that says nothing.</summary>
    public static string Created() =>
        Json(201, $$"""{"token":"opaque-value","token_id":"{{Guid.NewGuid()}}","created_at":"2026-01-01T00:00:00Z","expires_at":null}""");

    /// <summary>An answer in JSON.</summary>
    public static string Json(int status, string body, params string[] headers) => Text(status, "application/json", body, headers);

    /// <summary>An answer of any type.</summary>
    public static string Text(int status, string type, string body, params string[] headers) =>
        RawRequest.Head(status, Encoding.UTF8.GetByteCount(body), [.. headers.Prepend("Content-Type: " + type)]) + body;
}
