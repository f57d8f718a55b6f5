using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using NJsonSchema;
using Xunit;

namespace MagicBellJwt.Client.Tests.Sandbox;

/// <summary>The vendor's OpenAPI document, and the one of users that was written from its clients, made strict: an answer may carry nothing that they do not name.</summary>
internal static class OpenApiDocument
{
    private const string ErrorSchema = """
        {
          "type": "object", "required": ["errors"], "additionalProperties": false,
          "properties": {
            "errors": {
              "type": "array", "minItems": 1,
              "items": {
                "type": "object", "required": ["code", "message"], "additionalProperties": false,
                "properties": { "code": { "type": "string", "minLength": 1 }, "message": { "type": "string", "minLength": 1 } }
              }
            }
          }
        }
        """;

    private static readonly Lazy<Task<Dictionary<string, JsonSchema>>> s_schemas = new(ReadAsync);

    /// <summary>Holds an answer against the schema of its operation and status; an error against the README's <c>errors[]</c>.</summary>
    public static async Task CheckAsync(string method, string path, int status, string body)
    {
        Dictionary<string, JsonSchema> schemas = await s_schemas.Value;
        string[] segments = path.Split('?')[0].Trim('/').Split('/');
        string key = status >= 400 ? "error" : $"{method} {string.Join('/', segments.Take(2))}{(segments.Length > 2 ? "/{}" : "")} {status}";
        Assert.True(schemas.TryGetValue(key, out JsonSchema? schema), "The document has no " + key);
        Assert.Empty(schema.Validate(body).Select(error => error.ToString()));
    }

    private static async Task<Dictionary<string, JsonSchema>> ReadAsync()
    {
        var schemas = new Dictionary<string, JsonSchema> { ["error"] = await JsonSchema.FromJsonAsync(ErrorSchema) };
        await ReadAsync("openapi-jwt.json", schemas);
        await ReadAsync("openapi-users.json", schemas);
        return schemas;
    }

    private static async Task ReadAsync(string file, Dictionary<string, JsonSchema> schemas)
    {
        string text = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, file));
        JsonObject document = JsonNode.Parse(text.Replace("#/components/schemas/", "#/definitions/", StringComparison.Ordinal))!.AsObject();
        JsonObject definitions = document["components"]!["schemas"]!.AsObject();
        foreach ((_, JsonNode? definition) in definitions)
        {
            definition!.AsObject().Remove("example");
            definition["additionalProperties"] = false;
            foreach ((_, JsonNode? property) in definition["properties"]!.AsObject())
            {
                // OpenAPI 3.0 says it this way, JSON schema that.
                if (property!["nullable"]?.GetValue<bool>() is true && property["type"] is { } type)
                {
                    property["type"] = new JsonArray(type.DeepClone(), "null");
                }
            }
        }

        foreach ((string path, JsonNode? methods) in document["paths"]!.AsObject())
        {
            foreach ((string method, JsonNode? operation) in methods!.AsObject())
            {
                (string status, JsonNode? response) = operation!["responses"]!.AsObject().Single();
                string name = response!["content"]!["application/json"]!["schema"]!["$ref"]!.GetValue<string>().Split('/')[^1];
                JsonObject schema = definitions[name]!.DeepClone().AsObject();
                schema["definitions"] = definitions.DeepClone();
                string template = path.Contains('{', StringComparison.Ordinal) ? path[1..path.IndexOf('{', StringComparison.Ordinal)] + "{}" : path[1..];
                schemas[$"{method.ToUpperInvariant()} {template} {status}"] = await JsonSchema.FromJsonAsync(schema.ToJsonString());
            }
        }
    }
}
