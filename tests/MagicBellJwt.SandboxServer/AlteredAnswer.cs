using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace MagicBellJwt.Sandbox.Server;

/// <summary>The answer that a fault makes of the right one.</summary>
internal static class AlteredAnswer
{
    private const int Padding = 64 * 1024 * 1024;

    private static readonly byte[] s_errorInJson = """{"errors":[{"code":"fault","message":"Something went wrong."}]}"""u8.ToArray();
    private static readonly byte[] s_errorInHtml = "<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"u8.ToArray();

    /// <summary>The altered answer; without an answer to alter, one made from the fault alone.</summary>
    public static SandboxAnswer Of(Fault fault, SandboxAnswer? answer, SandboxRequest request, DateTimeOffset now)
    {
        Dictionary<string, string> headers = answer is null
            ? new(StringComparer.OrdinalIgnoreCase) { ["Content-Type"] = "application/json" }
            : new(answer.Headers, StringComparer.OrdinalIgnoreCase);
        headers["Date"] = HttpDate(now.AddSeconds(fault.DateSkew));
        if (fault.RetryAfter is { } retryAfter)
        {
            headers["Retry-After"] = retryAfter.StartsWith("date", StringComparison.Ordinal)
                ? HttpDate(now.AddSeconds(int.Parse(retryAfter.AsSpan("date".Length), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture)))
                : retryAfter;
        }

        if (fault.Location is { } location)
        {
            headers["Location"] = location;
        }

        byte[] right = answer?.Body.ToArray() ?? s_errorInJson;
        FaultBody? form = fault.Body ?? fault.Status switch
        {
            null => null,
            >= 400 => FaultBody.Json,
            _ => FaultBody.Empty,
        };
        byte[] body = form switch
        {
            null => fault.Next is null ? right : WithNext(right, fault.Next, request),
            FaultBody.Json => s_errorInJson,
            FaultBody.Html => s_errorInHtml,
            FaultBody.Empty => [],
            FaultBody.Truncated => right[..(right.Length / 2)],
            FaultBody.TextForList => WithTextForList(right),
            FaultBody.NumberForDate => WithNumberForDate(right),
            _ => AfterPadding(right),
        };
        if (form == FaultBody.Html)
        {
            headers["Content-Type"] = "text/html";
        }
        else if (form == FaultBody.Empty)
        {
            headers.Remove("Content-Type");
        }

        if (fault.Encoding is not null)
        {
            headers["Content-Encoding"] = "gzip";
        }

        return new SandboxAnswer(fault.Status ?? answer!.Status, fault.Encoding == FaultEncoding.Gzip ? Compressed(body) : body, headers);
    }

    private static string HttpDate(DateTimeOffset moment) => moment.ToString("R", CultureInfo.InvariantCulture);

    private static byte[] WithNext(byte[] page, string next, SandboxRequest request)
    {
        JsonObject json = JsonNode.Parse(page)!.AsObject();
        if (json["links"] is not JsonObject links)
        {
            return page;
        }

        string first = links["first"]!.GetValue<string>();
        string? right = links["next"]?.GetValue<string>();
        links["next"] = next switch
        {
            "elsewhere" => "https://elsewhere.invalid/other" + new Uri(right ?? first).Query,
            "gateway" => right is null ? null : "https://gateway.invalid/prefix" + new Uri(right).PathAndQuery,
            "self" => request.Origin + request.Path + request.Query,
            "ring" when right is null || request.Query.Contains("ring=2", StringComparison.Ordinal) => first,
            "ring" => right + (request.Query.Contains("ring=1", StringComparison.Ordinal) ? "&ring=2" : "&ring=1"),
            "relative" => right is null ? null : new Uri(right).PathAndQuery,
            "query" => right is null ? null : new Uri(right).Query,
            "fragment" => right is null ? null : right + "#fragment",
            _ => next,
        };
        if (next == "missing")
        {
            links.Remove("next");
        }

        return Encoding.UTF8.GetBytes(json.ToJsonString());
    }

    private static byte[] WithTextForList(byte[] right)
    {
        JsonNode json = JsonNode.Parse(right)!;
        if (json["data"] is null)
        {
            return "\"text\""u8.ToArray();
        }

        json["data"] = "text";
        return Encoding.UTF8.GetBytes(json.ToJsonString());
    }

    private static byte[] WithNumberForDate(byte[] right) =>
        Encoding.UTF8.GetBytes(Regex.Replace(Encoding.UTF8.GetString(right), "(\"[a-z]+_at\":)\"[^\"]*\"", "${1}1234567890"));

    private static byte[] AfterPadding(byte[] right)
    {
        byte[] padded = new byte[Padding + right.Length];
        padded.AsSpan(0, Padding).Fill((byte)' ');
        right.CopyTo(padded, Padding);
        return padded;
    }

    private static byte[] Compressed(byte[] body)
    {
        var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest))
        {
            gzip.Write(body);
        }

        return compressed.ToArray();
    }
}
