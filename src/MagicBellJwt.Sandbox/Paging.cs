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
    private const int GreatestSize = 100;

    private static readonly string[] s_liveNames = ["limit", "starting_after", "ending_before"];
    private static readonly string[] s_publishedNames = ["page[size]", "page[after]", "page[before]"];

    private readonly string[] _names;

    private Paging(Dictionary<string, string> query, string[] names, int size)
    {
        _names = names;
        Size = size;
        Filter = query.TryGetValue("query", out string? filter) ? filter : null;
        After = query.TryGetValue(_names[1], out string? after) ? after : null;
        Before = query.TryGetValue(_names[2], out string? before) ? before : null;
    }

    /// <summary>How many items the page holds at most: a greater number asked for is lowered to 100.</summary>
    public int Size { get; private set; }

    public string? After { get; }

    public string? Before { get; }

    /// <summary>What the items are to match; null for all. Only the list of users takes it.</summary>
    public string? Filter { get; }

    /// <summary>Null when the size is not a whole number from 1, or when both ends are given.</summary>
    /// <param name="query">The query.</param>
    /// <param name="defaultSize">How many items a page has where the query does not say.</param>
    public static Paging? Read(string query, int defaultSize)
    {
        Dictionary<string, string> parameters = Parameters(query);
        var paging = new Paging(parameters, Array.Exists(s_publishedNames, parameters.ContainsKey) ? s_publishedNames : s_liveNames, defaultSize);
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
    public string Query(string? after = null, string? before = null) =>
        "?" + _names[0] + "=" + Size.ToString(CultureInfo.InvariantCulture) + Part(_names[1], after) + Part(_names[2], before) + Part("query", Filter);

    private static string Part(string name, string? value) => value is null ? "" : "&" + name + "=" + Uri.EscapeDataString(value);

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
