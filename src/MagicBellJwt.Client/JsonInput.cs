using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace MagicBellJwt.Client;

/// <summary>Reads JSON that this module wrote.</summary>
public static class JsonInput
{
    /// <summary>Reads the objects of a list that is a member of the document, one at a time: a large file is not held.</summary>
    /// <param name="path">The file.</param>
    /// <param name="member">The member's name.</param>
    /// <returns>The members of each object: texts as they are written, lists of values, null.</returns>
    /// <exception cref="MagicBellException">The file cannot be read, or is no such document. Thrown when the objects are read.</exception>
    public static IEnumerable<IReadOnlyDictionary<string, object?>> ReadObjects(string path, string member)
    {
        using StreamReader file = Try(path, () => new StreamReader(path));
        using var reader = new JsonTextReader(file) { DateParseHandling = DateParseHandling.None };
        bool isList = Try(path, () => reader.Read() && reader.TokenType == JsonToken.StartObject && FindMember(reader, member) && reader.Read() && reader.TokenType == JsonToken.StartArray);
        if (!isList)
        {
            throw MagicBellException.Invalid($"The file '{path}' has no list '{member}'.");
        }

        while (Try(path, () => reader.Read()) && reader.TokenType != JsonToken.EndArray)
        {
            yield return Try(path, () => JObject.Load(reader).Properties().ToDictionary(property => property.Name, property => ValueOf(property.Value), StringComparer.Ordinal));
        }
    }

    // Without the library's own types, which PowerShell takes for something else.
    private static object? ValueOf(JToken token) => token switch
    {
        JValue value => value.Value,
        JArray items => items.Select(ValueOf).ToArray(),
        _ => token.ToString(),
    };

    private static bool FindMember(JsonTextReader reader, string member)
    {
        while (reader.Read() && reader.TokenType == JsonToken.PropertyName)
        {
            if (string.Equals((string?)reader.Value, member, StringComparison.Ordinal))
            {
                return true;
            }

            reader.Skip();
        }

        return false;
    }

    private static T Try<T>(string path, Func<T> step)
    {
        try
        {
            return step();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or JsonException or NotSupportedException or ArgumentException)
        {
            throw MagicBellException.Invalid($"The file '{path}' cannot be read: {failure.Message}");
        }
    }
}
