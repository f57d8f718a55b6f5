using System;
using System.Collections.Generic;
using System.Linq;
using Newtonsoft.Json.Linq;

namespace MagicBellJwt.Sandbox;

/// <summary>The body of a create, held against the vendor's schema: what it says, and everything that is wrong with it.</summary>
internal sealed class CreateInput
{
    private const int LongestText = 255;

    private readonly JObject _body;

    /// <exception cref="Newtonsoft.Json.JsonException">The bytes are not a JSON object.</exception>
    /// <exception cref="System.Text.DecoderFallbackException">The bytes are not UTF-8.</exception>
    public CreateInput(byte[] bytes, bool forUser, DateTimeOffset createdAt)
    {
        _body = Json.ReadObject(bytes);
        Name = Text("name");
        ExpiresAt = Expiry(createdAt);
        if (forUser)
        {
            Email = Text("email");
            ExternalId = Text("external_id");
            if (Email is not null && (Email.IndexOf('@') < 1 || Email.EndsWith("@", StringComparison.Ordinal)))
            {
                Errors.Add(("invalid_email", "email is not an address."));
            }

            if (Errors.Count == 0 && Email is null && ExternalId is null)
            {
                Errors.Add(("user_missing", "One of email and external_id is needed."));
            }
        }
        else if (Errors.Count == 0 && Name is null)
        {
            Errors.Add(("name_missing", "name is needed."));
        }
    }

    public List<(string Code, string Message)> Errors { get; } = [];

    public string? Name { get; }

    public string? Email { get; }

    public string? ExternalId { get; }

    public DateTimeOffset? ExpiresAt { get; }

    private string? Text(string member)
    {
        switch (_body[member])
        {
            case null or { Type: JTokenType.Null }:
                return null;
            case JValue { Value: string text } when text.Trim().Length > 0 && Characters(text) <= LongestText:
                return text;
            default:
                Errors.Add(("invalid_" + member, member + " is a text of 1 to 255 characters."));
                return null;
        }

        // As JSON Schema counts them: a pair of surrogates is one character.
        static int Characters(string text) => text.Length - text.Count(char.IsLowSurrogate);
    }

    private DateTimeOffset? Expiry(DateTimeOffset createdAt)
    {
        switch (_body["expiry"])
        {
            case null or { Type: JTokenType.Null }:
                return null;
            case JValue { Value: long seconds } when seconds >= 1 && seconds <= (DateTimeOffset.MaxValue - createdAt).Ticks / TimeSpan.TicksPerSecond:
                return createdAt.AddSeconds(seconds);
            default:
                Errors.Add(("invalid_expiry", "expiry is a whole number of seconds from 1."));
                return null;
        }
    }
}
