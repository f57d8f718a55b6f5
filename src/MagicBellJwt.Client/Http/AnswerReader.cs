using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using Newtonsoft.Json.Serialization;

namespace MagicBellJwt.Client;

/// <summary>Reads the API's answers. Whatever a server sends, the result is a value or an <see cref="UnreadableAnswerException"/>.</summary>
internal static class AnswerReader
{
    // An answer that holds more is made up.
    private const int MaximumTokens = 4;

    private const string NoObject = "it has another type where an object belongs";

    // With its byte order mark, so that one is skipped: RFC 8259 lets a reader do that, and the answer may hold a token.
    private static readonly Encoding s_utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: true, throwOnInvalidBytes: true);

    private static readonly JsonSerializerSettings s_settings = new()
    {
        ContractResolver = new AnswerContracts(),
        DateParseHandling = DateParseHandling.None,
        MetadataPropertyHandling = MetadataPropertyHandling.Ignore,
    };

    internal static ListPage<ListedTokenRecord> ReadTokenPage(Answer answer)
    {
        ListPage<ListedTokenRecord> page = ReadPage<TokenAnswer, ListedTokenRecord>(answer, RecordOf);
        var seen = new Dictionary<string, ListedTokenRecord>(StringComparer.OrdinalIgnoreCase);
        foreach (ListedTokenRecord token in page.Items.Where(token => token.Id is not null))
        {
            if (!seen.TryGetValue(token.Id!, out ListedTokenRecord? other))
            {
                seen.Add(token.Id!, token);
            }
            else if (token.CreatedAt != other.CreatedAt || token.ExpiresAt != other.ExpiresAt || token.DiscardedAt != other.DiscardedAt)
            {
                throw new UnreadableAnswerException("it says two things of one token");
            }
        }

        return page;
    }

    internal static ListPage<UserRecord> ReadUserPage(Answer answer) => ReadPage<UserAnswer, UserRecord>(answer, RecordOf);

    internal static CreatedToken ReadCreated(Answer answer)
    {
        CreateAnswer created = Read<CreateAnswer>(answer);
        string token = IsTokenText(created.Token) ? created.Token! : throw new UnreadableAnswerException("the answer has no usable token");
        string id = IdOf(created.TokenId, created.Id) is { Length: > 0 } text ? text : throw new UnreadableAnswerException("the answer has no token_id");
        if (!RequestValidation.IsTokenId(id))
        {
            throw new UnreadableAnswerException("its token_id is not a UUID");
        }

        // Whether a token's jti is its id is not documented. Where it looks like one, it must be this one.
        if (JsonWebToken.TryDecode(token, out JsonWebToken? claims) && claims!.Id is { } claimed && RequestValidation.IsTokenId(claimed) && !IsSame(claimed, id))
        {
            throw new UnreadableAnswerException("its token names another id as its own (jti) than its token_id");
        }

        return new CreatedToken
        {
            Token = token,
            TokenId = id,
            CreatedAt = created.CreatedAt ?? throw new UnreadableAnswerException("the answer has no created_at"),
            ExpiresAt = created.ExpiresAt,
            Attempts = answer.Attempts,
            RequestId = answer.RequestId,
        };
    }

    internal static DiscardedToken ReadDiscarded(Answer answer)
    {
        DiscardAnswer discarded = Read<DiscardAnswer>(answer);
        return new DiscardedToken(
            IdOf(discarded.TokenId, discarded.Id) ?? throw new UnreadableAnswerException("the answer has no token_id"),
            discarded.DiscardedAt ?? throw new UnreadableAnswerException("the answer has no discarded_at"))
        {
            Attempts = answer.Attempts,
            RequestId = answer.RequestId,
        };
    }

    /// <summary>The <c>errors[]</c> of an answer; null where its body is anything else than the API's own: an object with such an array, each with a message, and a code that is text. Gateways have arrays of that name too.</summary>
    internal static IReadOnlyList<ApiError>? ReadErrors(Answer answer)
    {
        try
        {
            return Read<ErrorAnswer>(answer).Errors is JArray { Count: > 0 } errors && errors.All(error => error is JObject && IsText(error["message"]) && (error["code"] is null or { Type: JTokenType.Null } || IsText(error["code"])))
                ? [.. errors.Select(error => new ApiError(TextOf(error["code"]), TextOf(error["message"]) ?? ""))]
                : null;
        }
        catch (UnreadableAnswerException)
        {
            // A gateway's HTML, or nothing.
            return null;
        }

        static bool IsText(JToken? value) => value is JValue { Value: string };

        string? TextOf(JToken? value) => value is JValue { Value: string text } ? answer.Redactor.Clean(text) : null;
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
                else if (reader is { TokenType: JsonToken.String, Value: string text }
                    && name.IndexOf("token", StringComparison.OrdinalIgnoreCase) >= 0
                    && text.Length <= JsonWebToken.MaximumLength
                    && !RequestValidation.IsTokenId(text))
                {
                    tokens.Add(text);
                }
            }
        }
        catch (Exception exception) when (IsOfJson(exception))
        {
            // Up to here it could be read.
        }

        body.Position = 0;
        return tokens;
    }

    private static ListPage<TRecord> ReadPage<TItem, TRecord>(Answer answer, Func<TItem, Redactor, TRecord> recordOf)
        where TItem : class
    {
        PageAnswer<TItem> page = Read<PageAnswer<TItem>>(answer);
        if (!page.HasData)
        {
            throw new UnreadableAnswerException("the list has no data");
        }

        // Null is what some servers make of an empty list.
        var records = new List<TRecord>(page.Data?.Count ?? 0);
        foreach (TItem? item in page.Data ?? [])
        {
            records.Add(recordOf(item ?? throw new UnreadableAnswerException(NoObject), answer.Redactor));
        }

        return new ListPage<TRecord>(records, answer.Address, ResolveLink(answer.Address, page.Links?.Next), ResolveLink(answer.Address, page.Links?.Previous));
    }

    private static T Read<T>(Answer answer)
    {
        using var reader = new StrictJsonReader(new StreamReader(answer.Body, s_utf8, false, (int)Math.Min(answer.Body.Length + 1, 4096)));
        try
        {
            if (!reader.Read() || reader.TokenType != JsonToken.StartObject)
            {
                throw new UnreadableAnswerException("it is not a JSON object");
            }

            T result = JsonSerializer.Create(s_settings).Deserialize<T>(reader)!;
            return reader.Read() ? throw new UnreadableAnswerException("it goes on after its end") : result;
        }
        catch (JsonSerializationException exception) when (reader.TokenType != JsonToken.None)
        {
            // Without the inner exception, here and below: its message quotes the answer, and an answer holds the token.
            throw new UnreadableAnswerException(exception.Path == "data" ? "data is not a list" : NoObject);
        }
        catch (Exception exception) when (IsOfJson(exception))
        {
            throw new UnreadableAnswerException("it is not whole, valid JSON");
        }
    }

    private static bool IsOfJson(Exception exception) =>
        exception is JsonException or DecoderFallbackException or OverflowException or FormatException or ArgumentException;

    private static ListedTokenRecord RecordOf(TokenAnswer token, Redactor redactor) => new()
    {
        Id = SafeId(IdOf(token.Id, token.TokenId), redactor),
        Name = Named(token.Name, redactor),
        CreatedAt = token.CreatedAt ?? throw new UnreadableAnswerException("a token of the list has no created_at"),
        ExpiresAt = token.ExpiresAt,
        DiscardedAt = token.DiscardedAt,
        LastUsedAt = token.LastUsedAt ?? token.LastAccessedAt,
        OtherFields = token.Others is null ? null : PlainFields(token.Others, redactor),
    };

    private static UserRecord RecordOf(UserAnswer user, Redactor redactor) => new()
    {
        Id = HoldsSecret(user.Id, redactor) ? throw new UnreadableAnswerException("a user of the list has an id that holds a secret") : user.Id,
        Email = Named(user.Email, redactor),
        ExternalId = Named(user.ExternalId, redactor),
        FirstName = Named(user.FirstName, redactor),
        LastName = Named(user.LastName, redactor),
        CustomAttributes = Plain(user.CustomAttributes, redactor),
        CreatedAt = user.CreatedAt,
        UpdatedAt = user.UpdatedAt,
        LastSeenAt = user.LastSeenAt,
        LastNotifiedAt = user.LastNotifiedAt,
        OtherFields = user.Others is null ? null : PlainFields(user.Others, redactor),
    };

    private static Dictionary<string, object?> PlainFields(IEnumerable<KeyValuePair<string, JToken?>> fields, Redactor redactor)
    {
        var plain = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (KeyValuePair<string, JToken?> field in fields)
        {
            plain[redactor.Clean(field.Key)] = Plain(field.Value, redactor);
        }

        return plain;
    }

    private static object? Plain(JToken? value, Redactor redactor) => value switch
    {
        JObject fields => PlainFields(fields, redactor),
        JArray items => items.Select(item => Plain(item, redactor)).ToList(),
        JValue { Value: string text } => redactor.Clean(text, maximumLength: 4096),
        JValue { Value: var plain } => plain,
        _ => null,
    };

    // An id is sent back, so it cannot be shown in another form.
    private static string? SafeId(string? id, Redactor redactor) =>
        id is not null && !RequestValidation.IsPlainId(id) ? throw new UnreadableAnswerException("a token of the list has an id with characters that no id has")
        : HoldsSecret(id, redactor) ? throw new UnreadableAnswerException("a token of the list has an id that holds a secret")
        : id;

    private static string? Named(string? name, Redactor redactor) => name is null ? null : redactor.WithoutSecrets(name);

    private static bool HoldsSecret(string? text, Redactor redactor) => Named(text, redactor) != text;

    // Creates and revocations call it token_id, lists id. Where both are there, they must agree.
    private static string? IdOf(string? id, string? other) =>
        id is null || other is null || IsSame(id, other) ? id ?? other : throw new UnreadableAnswerException("its id and token_id are not the same");

    private static bool IsSame(string id, string other) => string.Equals(id, other, StringComparison.OrdinalIgnoreCase);

    // The value goes into a header one day: anything else than visible ASCII is no token, and may be an attack.
    private static bool IsTokenText(string? token) => token is { Length: <= JsonWebToken.MaximumLength } && RequestValidation.IsBearer(token);

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

    private static string NameOf(JsonReader reader) => reader.Path.Substring(reader.Path.LastIndexOf('.') + 1);

    private sealed class PageAnswer<T>
    {
        [JsonProperty("data")]
        public List<T?>? Data
        {
            get;
            set
            {
                field = value;
                HasData = true;
            }
        }

        [JsonIgnore]
        public bool HasData { get; private set; }

        [JsonProperty("links")]
        public LinksAnswer? Links { get; set; }
    }

    private sealed class LinksAnswer
    {
        [JsonProperty("next")]
        public string? Next { get; set; }

        [JsonProperty("prev")]
        public string? Previous { get; set; }
    }

    private sealed class TokenAnswer
    {
        [JsonProperty("id")]
        public string? Id { get; set; }

        [JsonProperty("token_id")]
        public string? TokenId { get; set; }

        [JsonProperty("name")]
        public string? Name { get; set; }

        [JsonProperty("created_at")]
        public DateTimeOffset? CreatedAt { get; set; }

        [JsonProperty("expires_at")]
        public DateTimeOffset? ExpiresAt { get; set; }

        [JsonProperty("discarded_at")]
        public DateTimeOffset? DiscardedAt { get; set; }

        [JsonProperty("last_used_at")]
        public DateTimeOffset? LastUsedAt { get; set; }

        [JsonProperty("last_accessed_at")]
        public DateTimeOffset? LastAccessedAt { get; set; }

        [JsonExtensionData]
        public Dictionary<string, JToken?>? Others { get; set; }
    }

    private sealed class UserAnswer
    {
        [JsonProperty("id")]
        public string? Id { get; set; }

        [JsonProperty("email")]
        public string? Email { get; set; }

        [JsonProperty("external_id")]
        public string? ExternalId { get; set; }

        [JsonProperty("first_name")]
        public string? FirstName { get; set; }

        [JsonProperty("last_name")]
        public string? LastName { get; set; }

        [JsonProperty(StrictJsonReader.FreeMember)]
        public JToken? CustomAttributes { get; set; }

        [JsonProperty("created_at")]
        public DateTimeOffset? CreatedAt { get; set; }

        [JsonProperty("updated_at")]
        public DateTimeOffset? UpdatedAt { get; set; }

        [JsonProperty("last_seen_at")]
        public DateTimeOffset? LastSeenAt { get; set; }

        [JsonProperty("last_notified_at")]
        public DateTimeOffset? LastNotifiedAt { get; set; }

        [JsonExtensionData]
        public Dictionary<string, JToken?>? Others { get; set; }
    }

    private sealed class CreateAnswer
    {
        [JsonProperty("token")]
        public string? Token { get; set; }

        [JsonProperty("token_id")]
        public string? TokenId { get; set; }

        [JsonProperty("id")]
        public string? Id { get; set; }

        [JsonProperty("created_at")]
        public DateTimeOffset? CreatedAt { get; set; }

        [JsonProperty("expires_at")]
        public DateTimeOffset? ExpiresAt { get; set; }
    }

    private sealed class DiscardAnswer
    {
        [JsonProperty("token_id")]
        public string? TokenId { get; set; }

        [JsonProperty("id")]
        public string? Id { get; set; }

        [JsonProperty("discarded_at")]
        public DateTimeOffset? DiscardedAt { get; set; }
    }

    private sealed class ErrorAnswer
    {
        [JsonProperty("errors")]
        public JToken? Errors { get; set; }
    }

    /// <summary>What the fields of the API are: text and times, each as strict as the document.</summary>
    private sealed class AnswerContracts : DefaultContractResolver
    {
        protected override JsonConverter? ResolveContractConverter(Type objectType) =>
            objectType == typeof(string) ? new TextConverter()
            : objectType == typeof(DateTimeOffset) ? new TimeConverter()
            : base.ResolveContractConverter(objectType);
    }

    private sealed class TextConverter : JsonConverter<string?>
    {
        public override string? ReadJson(JsonReader reader, Type objectType, string? existingValue, bool hasExistingValue, JsonSerializer serializer) => reader.TokenType switch
        {
            JsonToken.String => (string)reader.Value!,
            JsonToken.Null => null,
            _ => throw new UnreadableAnswerException(NameOf(reader) + " is not text"),
        };

        public override void WriteJson(JsonWriter writer, string? value, JsonSerializer serializer) => throw new NotSupportedException();
    }

    private sealed class TimeConverter : JsonConverter<DateTimeOffset?>
    {
        public override DateTimeOffset? ReadJson(JsonReader reader, Type objectType, DateTimeOffset? existingValue, bool hasExistingValue, JsonSerializer serializer) => reader.TokenType switch
        {
            JsonToken.Null => null,
            JsonToken.String when Rfc3339.TryParse((string)reader.Value!, out DateTimeOffset time) => time,
            JsonToken.String => throw new UnreadableAnswerException(NameOf(reader) + " is not a date and time"),
            _ => throw new UnreadableAnswerException(NameOf(reader) + " is not text"),
        };

        public override void WriteJson(JsonWriter writer, DateTimeOffset? value, JsonSerializer serializer) => throw new NotSupportedException();
    }
}

/// <summary>A whole answer.</summary>
/// <param name="Body">Its body.</param>
/// <param name="Address">Where it came from.</param>
/// <param name="Redactor">Hides what it must not show of it.</param>
/// <param name="Attempts">How often the request was sent for it.</param>
/// <param name="RequestId">The server's id of the request; null where it sent none.</param>
internal readonly record struct Answer(Stream Body, Uri Address, Redactor Redactor, int Attempts = 1, string? RequestId = null);

/// <summary>An answer that is not what the API's document says. The message quotes nothing of it.</summary>
internal sealed class UnreadableAnswerException(string message) : Exception(message);
