using System;
using System.Collections.Generic;

namespace MagicBellJwt.Sandbox;

/// <summary>What the sandbox answers, for a host to send.</summary>
public sealed class SandboxAnswer
{
    /// <summary>Makes an answer.</summary>
    /// <param name="status">The HTTP status code.</param>
    /// <param name="body">The body's bytes.</param>
    /// <param name="headers">Every header but <c>Content-Length</c>, by its name.</param>
    public SandboxAnswer(int status, ArraySegment<byte> body, IReadOnlyDictionary<string, string> headers)
    {
        Status = status;
        Body = body;
        Headers = headers;
    }

    /// <summary>The HTTP status code.</summary>
    public int Status { get; }

    /// <summary>The body: JSON in UTF-8. It is shared with later replays and must not be written to.</summary>
    public ArraySegment<byte> Body { get; }

    /// <summary>Every header but <c>Content-Length</c>, by its name.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; }
}
