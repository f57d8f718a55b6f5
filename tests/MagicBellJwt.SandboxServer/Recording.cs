using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace MagicBellJwt.Sandbox.Server;

/// <summary>A request as it arrived, without its secret.</summary>
/// <param name="Time">When it had arrived in full, by the sandbox's clock.</param>
/// <param name="ConnectionId">Which connection it came on: the same for requests that shared one.</param>
/// <param name="Method">The method.</param>
/// <param name="Target">Path and query as sent, percent-encoded; the whole address where the client took the server for its proxy.</param>
/// <param name="Headers">
/// The headers, by name in any case. Of a credential only the scheme and the first 12 hex digits of its SHA-256 are kept, which tells two
/// sessions apart: <c>Bearer sha256:1f2e3d4c5b6a</c>.
/// </param>
/// <param name="Body">The body, its first 64 KiB; empty when there was none.</param>
/// <param name="Fault">The fault that hit it, as text; null for none.</param>
public sealed record RecordedRequest(
    DateTimeOffset Time,
    string ConnectionId,
    string Method,
    string Target,
    IReadOnlyDictionary<string, string> Headers,
    string Body,
    string? Fault);

/// <summary>The last requests, oldest first.</summary>
internal sealed class Recording(int kept)
{
    private const int LongestBody = 64 * 1024;

    private readonly Queue<RecordedRequest> _requests = new();

    public IReadOnlyList<RecordedRequest> Requests
    {
        get
        {
            lock (_requests)
            {
                return _requests.ToArray();
            }
        }
    }

    public void Add(HttpContext http, SandboxRequest request, DateTimeOffset time, Fault? fault)
    {
        if (kept == 0)
        {
            return;
        }

        var recorded = new RecordedRequest(
            time,
            http.Connection.Id,
            request.Method,
            http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
            http.Request.Headers.ToDictionary(header => header.Key, header => Redacted(header.Key, header.Value), StringComparer.OrdinalIgnoreCase),
            Encoding.UTF8.GetString(request.Body, 0, Math.Min(request.Body.Length, LongestBody)),
            fault?.ToString());
        lock (_requests)
        {
            _requests.Enqueue(recorded);
            if (_requests.Count > kept)
            {
                _requests.Dequeue();
            }
        }
    }

    public void Clear()
    {
        lock (_requests)
        {
            _requests.Clear();
        }
    }

    private static string Redacted(string name, StringValues value)
    {
        if (name is not (nameof(HeaderNames.Authorization) or "Proxy-Authorization" or nameof(HeaderNames.Cookie)))
        {
            return value.ToString();
        }

        string[] schemeAndSecret = value.ToString().Split(' ', 2);
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(schemeAndSecret[^1]));
        return (schemeAndSecret.Length == 2 ? schemeAndSecret[0] + " " : "") + "sha256:" + Convert.ToHexStringLower(hash)[..12];
    }
}
