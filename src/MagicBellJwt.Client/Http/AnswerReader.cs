using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Newtonsoft.Json;

namespace MagicBellJwt.Client;

/// <summary>Reads the API's answers. Whatever a server sends, the result is a value or an <see cref="UnreadableAnswerException"/>.</summary>
/// <remarks>By hand over a <see cref="JsonTextReader"/>: a list of 100,000 tokens spends its time here, not in the network.</remarks>
internal static class AnswerReader
{
    // This encoding skips a byte order mark: RFC 8259 allows it, and an answer with one may hold a token.
    private static readonly Encoding s_utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: true, throwOnInvalidBytes: true);

    // No real answer holds more.
    private const int MaximumTokens = 4;

    // Saves a new string for each property name.
    private static readonly DefaultJsonNameTable s_names = NamesOf(
        "data", "links", "first", "next", "prev", "id", "token_id", "name", "created_at", "expires_at", "discarded_at", "last_used_at", "last_accessed_at", "token");

    internal static TokenPage ReadPage(Answer answer, Redactor redactor) => Read(answer, reader =>
    {
        List<ListedTokenRecord>? tokens = null;
        string? next = null;
        string? previous = null;
        foreach (string property in Properties(reader))
        {
            switch (property)
            {
                case "data":
                    tokens = ReadTokens(reader, redactor);
                    break;
                case "links" when reader.TokenType != JsonToken.Null:
                    foreach (string link in Properties(reader))
                    {
                        switch (link)
                        {
                            case "next":
                                next = ReadText(reader, "links.next");
                                break;
                            case "prev":
                                previous = ReadText(reader, "links.prev");
                                break;
                            default:
                                reader.Skip();
                                break;
                        }
                    }

                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return new TokenPage(
            tokens ?? throw new UnreadableAnswerException("the list has no data"),
            answer.Address,
            ResolveLink(answer.Address, next),
            ResolveLink(answer.Address, previous));
    });

    internal static CreatedToken ReadCreated(Answer answer) => Read(answer, reader =>
    {
        var created = new CreatedToken();
        string? token = null;
        string? id = null;
        DateTimeOffset? createdAt = null;
        foreach (string property in Properties(reader))
        {
            switch (property)
            {
                case "token":
                    token = ReadText(reader, property);
                    break;
                case "token_id":
                case "id":
                    id = ReadText(reader, property) ?? id;
                    break;
                case "created_at":
                    createdAt = ReadTime(reader, property);
                    break;
                case "expires_at":
                    created.ExpiresAt = ReadTime(reader, property);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        created.Token = IsTokenText(token) ? token! : throw new UnreadableAnswerException("the answer has no usable token");
        created.TokenId = id is { Length: > 0 } ? id : throw new UnreadableAnswerException("the answer has no token_id");
        created.CreatedAt = createdAt ?? throw new UnreadableAnswerException("the answer has no created_at");
        return created;
    });

    internal static DiscardedToken ReadDiscarded(Answer answer) => Read(answer, reader =>
    {
        string? id = null;
        DateTimeOffset? discardedAt = null;
        foreach (string property in Properties(reader))
        {
            switch (property)
            {
                case "token_id":
                case "id":
                    id = ReadText(reader, property) ?? id;
                    break;
                case "discarded_at":
                    discardedAt = ReadTime(reader, property);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return new DiscardedToken(
            id ?? throw new UnreadableAnswerException("the answer has no token_id"),
            discardedAt ?? throw new UnreadableAnswerException("the answer has no discarded_at"));
    });

    /// <summary>The <c>errors[]</c> of an answer; null where its body is anything else than the API's own, an object with such an array.</summary>
    internal static IReadOnlyList<ApiError>? ReadErrors(Answer answer, Redactor redactor)
    {
        try
        {
            return Read(answer, reader =>
            {
                List<ApiError>? errors = null;
                foreach (string property in Properties(reader))
                {
                    if (property != "errors" || reader.TokenType != JsonToken.StartArray)
                    {
                        reader.Skip();
                        continue;
                    }

                    errors ??= [];
                    while (reader.Read() && reader.TokenType != JsonToken.EndArray)
                    {
                        string? code = null;
                        string? message = null;
                        foreach (string field in Properties(reader))
                        {
                            switch (field)
                            {
                                case "code" when reader.TokenType == JsonToken.String:
                                    code = redactor.Clean((string)reader.Value!);
                                    break;
                                case "message" when reader.TokenType == JsonToken.String:
                                    message = redactor.Clean((string)reader.Value!);
                                    break;
                                default:
                                    reader.Skip();
                                    break;
                            }
                        }

                        errors.Add(new ApiError(code, message ?? ""));
                    }
                }

                return errors;
            });
        }
        catch (UnreadableAnswerException)
        {
            // A gateway's HTML, or nothing.
            return null;
        }
    }

    /// <summary>What may be tokens in the answer to a create, however broken the answer is. The body is then at its beginning again.</summary>
    internal static IReadOnlyList<string> ReadTokens(Stream body)
    {
        var tokens = new List<string>();
        try
        {
            var reader = new JsonTextReader(new StreamReader(body, s_utf8)) { DateParseHandling = DateParseHandling.None, MaxDepth = 32 };
            string name = "";
            while (tokens.Count < MaximumTokens && reader.Read())
            {
                if (reader.TokenType == JsonToken.PropertyName)
                {
                    name = (string)reader.Value!;
                }
                else if (reader is { TokenType: JsonToken.String, Value: string text } && name.IndexOf("token", StringComparison.OrdinalIgnoreCase) >= 0 && text.Length <= JsonWebToken.MaximumLength && !RequestValidation.IsTokenId(text))
                {
                    tokens.Add(text);
                }
            }
        }
        catch (Exception exception) when (exception is JsonException or DecoderFallbackException or OverflowException or FormatException or ArgumentException)
        {
            // Up to here it could be read.
        }

        body.Position = 0;
        return tokens;
    }

    private static T Read<T>(Answer answer, Func<JsonTextReader, T> read)
    {
        using var reader = new JsonTextReader(new StreamReader(answer.Body, s_utf8, false, (int)Math.Min(answer.Body.Length + 1, 4096)))
        {
            DateParseHandling = DateParseHandling.None,
            ArrayPool = JsonCharacters.Pool,
            PropertyNameTable = s_names,
            MaxDepth = 32,
        };

        try
        {
            if (!reader.Read() || reader.TokenType != JsonToken.StartObject)
            {
                throw new UnreadableAnswerException("it is not a JSON object");
            }

            T result = read(reader);
            return reader.TokenType == JsonToken.EndObject && !reader.Read()
                ? result
                : throw new UnreadableAnswerException("it goes on after its end");
        }
        catch (Exception exception) when (exception is JsonException or DecoderFallbackException or OverflowException or FormatException or ArgumentException)
        {
            // Without the inner exception: its message quotes the answer, and an answer holds the token.
            throw new UnreadableAnswerException("it is not whole, valid JSON");
        }
    }

    private static DefaultJsonNameTable NamesOf(params string[] names)
    {
        var table = new DefaultJsonNameTable();
        foreach (string name in names)
        {
            table.Add(name);
        }

        return table;
    }

    // Gives the name of each property of the object that starts here; the reader is then at its value.
    private static IEnumerable<string> Properties(JsonTextReader reader)
    {
        if (reader.TokenType != JsonToken.StartObject)
        {
            throw new UnreadableAnswerException("it has another type where an object belongs");
        }

        while (reader.Read() && reader.TokenType == JsonToken.PropertyName)
        {
            string name = (string)reader.Value!;
            if (!reader.Read())
            {
                break;
            }

            yield return name;
        }

        if (reader.TokenType != JsonToken.EndObject)
        {
            throw new UnreadableAnswerException("it ends early");
        }
    }

    private static List<ListedTokenRecord> ReadTokens(JsonTextReader reader, Redactor redactor)
    {
        if (reader.TokenType != JsonToken.StartArray)
        {
            throw new UnreadableAnswerException("data is not a list");
        }

        var tokens = new List<ListedTokenRecord>();
        while (reader.Read() && reader.TokenType != JsonToken.EndArray)
        {
            tokens.Add(ReadToken(reader, redactor));
        }

        return tokens;
    }

    private static ListedTokenRecord ReadToken(JsonTextReader reader, Redactor redactor)
    {
        var token = new ListedTokenRecord();
        DateTimeOffset? createdAt = null;
        Dictionary<string, object?>? others = null;
        foreach (string property in Properties(reader))
        {
            switch (property)
            {
                case "id":
                case "token_id":
                    token.Id = ReadText(reader, property) ?? token.Id;
                    break;
                case "name":
                    token.Name = ReadText(reader, property);
                    break;
                case "created_at":
                    createdAt = ReadTime(reader, property);
                    break;
                case "expires_at":
                    token.ExpiresAt = ReadTime(reader, property);
                    break;
                case "discarded_at":
                    token.DiscardedAt = ReadTime(reader, property);
                    break;
                case "last_used_at":
                case "last_accessed_at":
                    token.LastUsedAt = ReadTime(reader, property) ?? token.LastUsedAt;
                    break;
                default:
                    (others ??= new Dictionary<string, object?>(StringComparer.Ordinal))[redactor.Clean(property)] = ReadAny(reader, redactor);
                    break;
            }
        }

        token.CreatedAt = createdAt ?? throw new UnreadableAnswerException("a token of the list has no created_at");
        token.OtherFields = others;
        return token;
    }

    private static string? ReadText(JsonTextReader reader, string property) => reader.TokenType switch
    {
        JsonToken.String => (string)reader.Value!,
        JsonToken.Null => null,
        _ => throw new UnreadableAnswerException(property + " is not text"),
    };

    private static DateTimeOffset? ReadTime(JsonTextReader reader, string property)
    {
        string? text = ReadText(reader, property);
        if (text is null)
        {
            return null;
        }

        return Rfc3339.TryParse(text, out DateTimeOffset time) ? time : throw new UnreadableAnswerException(property + " is not a date and time");
    }

    private static object? ReadAny(JsonTextReader reader, Redactor redactor)
    {
        switch (reader.TokenType)
        {
            case JsonToken.StartObject:
                var fields = new Dictionary<string, object?>(StringComparer.Ordinal);
                foreach (string property in Properties(reader))
                {
                    fields[redactor.Clean(property)] = ReadAny(reader, redactor);
                }

                return fields;
            case JsonToken.StartArray:
                var items = new List<object?>();
                while (reader.Read() && reader.TokenType != JsonToken.EndArray)
                {
                    items.Add(ReadAny(reader, redactor));
                }

                return items;
            case JsonToken.String:
                return redactor.Clean((string)reader.Value!, maximumLength: 4096);
            default:
                return reader.Value;
        }
    }

    // The value will be sent in a header: anything but visible ASCII is no token, and may be an attack.
    private static bool IsTokenText(string? token)
    {
        // A SecureString holds 65,536 characters.
        if (string.IsNullOrEmpty(token) || token!.Length > 65536)
        {
            return false;
        }

        foreach (char character in token)
        {
            if (character is <= ' ' or > '~')
            {
                return false;
            }
        }

        return true;
    }

    private static Uri? ResolveLink(Uri address, string? link)
    {
        if (string.IsNullOrEmpty(link))
        {
            return null;
        }

        return Uri.TryCreate(address, link, out Uri? resolved)
            ? resolved
            : throw new UnreadableAnswerException("its link to another page is not an address");
    }
}

/// <summary>A whole answer: its body and the address it came from.</summary>
internal readonly record struct Answer(Stream Body, Uri Address);

/// <summary>An answer that is not what the API's document says. The message quotes nothing of it.</summary>
internal sealed class UnreadableAnswerException(string message) : Exception(message);
