using System.IO;
using Newtonsoft.Json;
using Newtonsoft.Json.Converters;

namespace MagicBellJwt.Client;

/// <summary>Writes JSON files for other programs.</summary>
public static class JsonOutput
{
    /// <summary>Writes a value: its public properties under their own names, enumerations by name, times as ISO 8601.</summary>
    /// <param name="writer">Where to; it stays open.</param>
    /// <param name="value">The value.</param>
    public static void Write(TextWriter writer, object value)
    {
        var serializer = JsonSerializer.Create(new JsonSerializerSettings { Formatting = Formatting.Indented, Converters = { new StringEnumConverter() } });
        using var json = new JsonTextWriter(writer) { CloseOutput = false };
        serializer.Serialize(json, value);
    }
}
