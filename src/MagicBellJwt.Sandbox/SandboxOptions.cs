using System;

namespace MagicBellJwt.Sandbox;

/// <summary>How a <see cref="SandboxHandler"/> behaves. Fixed once the sandbox is made.</summary>
public sealed class SandboxOptions
{
    /// <summary>The time that tokens, rate limits and idempotency keys live by. Default: the system's.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>The project's id, the <c>project_id</c> claim of each token. Default: a new one for each sandbox.</summary>
    public string ProjectId { get; init; } = "prj_" + Guid.NewGuid().ToString("N");

    /// <summary>
    /// The project's secret key: its UTF-8 bytes sign every JWT with HS256. Default: a new random one for each sandbox.
    /// Anybody who has it can sign user tokens offline, as the vendor documents.
    /// </summary>
    public string SecretKey { get; init; } = SandboxJwt.NewSecretKey();

    /// <summary>Whether too many requests are answered with 429. Default: true.</summary>
    public bool EnforceRateLimit { get; init; } = true;

    /// <summary>GET requests that a project may send a minute, at least 1. Default: 250, the vendor's documented limit.</summary>
    public int ReadsPerMinute { get; init; } = 250;

    /// <summary>POST and DELETE requests that a project may send a minute, at least 1. Default: 200, the vendor's documented limit.</summary>
    public int WritesPerMinute { get; init; } = 200;

    /// <summary>Which minute the limits speak of. The vendor does not document it. Default: <see cref="RateLimitWindow.Sliding"/>.</summary>
    public RateLimitWindow Window { get; init; } = RateLimitWindow.Sliding;

    /// <summary>
    /// Whether lists carry revoked tokens too, with their <c>discarded_at</c>. The vendor's text says no, its schema maybe. Default: false.
    /// </summary>
    public bool ListDiscarded { get; init; }

    /// <summary>
    /// Whether a cursor whose token was revoked is unknown from then on, so that a page asked for with it is a 422. Default: false, a
    /// cursor keeps its place in the list.
    /// </summary>
    public bool CursorsDieWithTheirToken { get; init; }

    /// <summary>
    /// Whether a POST with an <c>Idempotency-Key</c> seen in the last 24 hours is answered with the first answer again. The vendor
    /// documents it for its API, not for these operations. Default: true.
    /// </summary>
    public bool HonourIdempotencyKeys { get; init; } = true;

    /// <summary>How <c>query</c> matches an email address or an external id of <c>GET /users</c>. The vendor does not document it. Default: <see cref="UserQuery.Part"/>.</summary>
    public UserQuery UserQuery { get; init; } = UserQuery.Part;

    /// <summary>Whether <c>query</c> tells upper from lower case. The vendor does not document it. Default: false.</summary>
    public bool UserQueryMindsCase { get; init; }

    /// <summary>Whether a member without a value is null instead of left out. The vendor's schema lets none of them be null, and servers differ. Default: false.</summary>
    public bool WritesNull { get; init; }

    /// <summary>How many items a page has where the request does not say, at least 1. Default: 25 tokens, the vendor's documented number, and 50 users.</summary>
    public int? DefaultPage { get; init; }
}

/// <summary>How a query for users matches.</summary>
public enum UserQuery
{
    /// <summary>The whole of the address or id is the query.</summary>
    Exact,

    /// <summary>The address or id begins with the query.</summary>
    Prefix,

    /// <summary>The query is anywhere in the address or id.</summary>
    Part,
}

/// <summary>Which minute a rate limit counts.</summary>
public enum RateLimitWindow
{
    /// <summary>The 60 seconds that end now.</summary>
    Sliding,

    /// <summary>The minute of the clock: the count starts anew at each full minute.</summary>
    FixedMinute,
}
