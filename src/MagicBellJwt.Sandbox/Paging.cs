using System;
using System.Collections.Generic;
using System.Globalization;

namespace MagicBellJwt.Sandbox;

/// <summary>
/// Which page a query asks for, in either of the vendor's dialects: <c>limit</c>, <c>starting_after</c>, <c>ending_before</c> of the live
/// clients and <c>page[size]</c>, <c>page[after]</c>, <c>page[before]</c> of the published OpenAPI document.
/// </summary>
internal sealed class Paging
{
    private const int DefaultSize = 25;
    private const int GreatestSize = 100;

    private static readonly string[] s_liveNames = ["limit", "starting_after", "ending_before"];
    private static readonly string[] s_publishedNames = ["page[size]", "page[after]", "page[before]"];

    private readonly string[] _names;

    private Paging(Dictionary<string, string> query, string[] names)
    {
        _names = names;
        After = query.TryGetValue(_names[1], out string? after) ? after : null;
        Before = query.TryGetValue(_names[2], out string? before) ? before : null;
    }

    /// <summary>How many tokens the page holds at most: a greater number asked for is lowered to 100.</summary>
    public int Size { get; private set; } = DefaultSize;

    public string? After { get; }

    public string? Before { get; }

    /// <summary>Null when the size is not a whole number from 1, or when both ends are given.</summary>
    public static Paging? Read(string query)
    {
        Dictionary<string, string> parameters = Parameters(query);
        var paging = new Paging(parameters, Array.Exists(s_publishedNames, parameters.ContainsKey) ? s_publishedNames : s_liveNames);
        if (parameters.TryGetValue(paging._names[0], out string? text))
        {
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int size) || size < 1)
            {
                return null;
            }

            paging.Size = Math.Min(size, GreatestSize);
        }

        return paging.After is not null && paging.Before is not null ? null : paging;
    }

    /// <summary>The query of another page of the same list, in the dialect it was asked for in.</summary>
    public string Query(SandboxToken? after = null, SandboxToken? before = null) =>
        "?" + _names[0] + "=" + Size.ToString(CultureInfo.InvariantCulture)
        + (after is null ? "" : "&" + _names[1] + "=" + after.Id.ToString("D"))
        + (before is null ? "" : "&" + _names[2] + "=" + before.Id.ToString("D"));

    private static Dictionary<string, string> Parameters(string query)
    {
        var parameters = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string pair in query.TrimStart('?').Split('&'))
        {
            int equals = pair.IndexOf('=');
            if (equals > 0)
            {
                parameters[Decode(pair.Substring(0, equals))] = Decode(pair.Substring(equals + 1));
            }
        }

        return parameters;

        static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
    }
}
