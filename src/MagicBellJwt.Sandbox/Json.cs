using System;
using System.IO;
using System.Text;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace MagicBellJwt.Sandbox;

/// <summary>JSON straight to and from UTF-8 bytes.</summary>
internal static class Json
{
    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly UTF8Encoding s_lenientUtf8 = new(encoderShouldEmitUTF8Identifier: false);

    public static ArraySegment<byte> Write(Action<JsonWriter> write)
    {
        var bytes = new MemoryStream(512);
        var json = new JsonTextWriter(new StreamWriter(bytes, s_lenientUtf8));
        write(json);
        json.Flush();
        return new ArraySegment<byte>(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    /// <summary>Reads one object and nothing after it; dates stay text.</summary>
    /// <exception cref="JsonException">The bytes are something else.</exception>
    /// <exception cref="DecoderFallbackException">The bytes are not UTF-8.</exception>
    public static JObject ReadObject(byte[] bytes)
    {
        using var json = new JsonTextReader(new StringReader(s_utf8.GetString(bytes))) { DateParseHandling = DateParseHandling.None };
        JObject value = JObject.Load(json, new JsonLoadSettings { DuplicatePropertyNameHandling = DuplicatePropertyNameHandling.Error });
        while (json.Read())
        {
            if (json.TokenType != JsonToken.Comment)
            {
                throw new JsonReaderException("There is text after the object.");
            }
        }

        return value;
    }

    public static void WriteMember(this JsonWriter json, string name, string? value)
    {
        json.WritePropertyName(name);
        json.WriteValue(value);
    }

    public static void WriteMember(this JsonWriter json, string name, long value)
    {
        json.WritePropertyName(name);
        json.WriteValue(value);
    }

    /// <summary>A claim that may have no value: it is left out then.</summary>
    public static void WriteMemberIfAny(this JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteMember(name, value);
        }
    }

    /// <summary>A member of an answer that may have no value: it is null then, or left out.</summary>
    public static void WriteNullable(this JsonWriter json, bool writesNull, string name, string? value)
    {
        if (value is not null || writesNull)
        {
            json.WriteMember(name, value);
        }
    }

    /// <inheritdoc cref="WriteNullable(JsonWriter, bool, string, string?)"/>
    public static void WriteNullable(this JsonWriter json, bool writesNull, string name, DateTimeOffset? value)
    {
        if (value is not null || writesNull)
        {
            json.WritePropertyName(name);
            json.WriteValue(value?.UtcDateTime);
        }
    }
}
