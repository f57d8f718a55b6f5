namespace MagicBellJwt.Sandbox;

/// <summary>A request as the sandbox sees it, however it arrived.</summary>
public sealed class SandboxRequest
{
    /// <summary>The method, in capitals.</summary>
    public required string Method { get; init; }

    /// <summary>Scheme and authority that the request was sent to, such as <c>http://127.0.0.1:5005</c>: the links of a page start with it.</summary>
    public required string Origin { get; init; }

    /// <summary>The path as it was sent, percent-encoded, from its first slash.</summary>
    public required string Path { get; init; }

    /// <summary>The query as it was sent, with or without its question mark; empty when there is none.</summary>
    public string Query { get; init; } = "";

    /// <summary>The <c>Authorization</c> header.</summary>
    public string? Authorization { get; init; }

    /// <summary>The <c>Idempotency-Key</c> header.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>The <c>Content-Type</c> header.</summary>
    public string? ContentType { get; init; }

    /// <summary>The body, empty when there is none. The sandbox keeps the array; it must not change any more.</summary>
    public byte[] Body { get; init; } = [];
}
