using System;
using System.Net;
using System.Net.Http;

namespace MagicBellJwt.Client;

/// <summary>Everything that a <see cref="JwtService"/> needs to know. Read once, when the service is made.</summary>
public sealed class JwtServiceOptions
{
    /// <summary>The vendor's own address, from the <c>servers</c> of its OpenAPI document.</summary>
    public static Uri VendorAddress { get; } = new("https://api.magicbell.com/v2");

    /// <summary>The address that the paths of the operations are added to; https, or http on a loopback address.</summary>
    public Uri BaseAddress { get; set; } = VendorAddress;

    /// <summary>The project JWT that is sent as the bearer.</summary>
    public string Token { get; set; } = "";

    /// <summary>The whole <c>User-Agent</c> header.</summary>
    public string UserAgent { get; set; } = "MagicBellJwt";

    /// <summary>The longest that one attempt may take, from connecting to the last byte, 10 milliseconds to 24 hours; 30 seconds unless set.</summary>
    public TimeSpan AttemptTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a failed attempt is repeated at most, 0 or more; 4 unless set.</summary>
    public int MaximumRetryCount { get; set; } = 4;

    /// <summary>GET requests a minute; 250 unless set, the API's documented limit a project.</summary>
    public int ReadsPerMinute { get; set; } = 250;

    /// <summary>Writing requests a minute; 200 unless set, the API's documented limit a project.</summary>
    public int WritesPerMinute { get; set; } = 200;

    /// <summary>The proxy to use; null for the system's. A plain-http loopback address never goes through one.</summary>
    public IWebProxy? Proxy { get; set; }

    /// <summary>What answers instead of the network, such as a sandbox; null for the network.</summary>
    public HttpMessageHandler? Handler { get; set; }

    /// <summary>Whether the service disposes <see cref="Handler"/>; false unless set: whoever made it disposes it.</summary>
    public bool OwnsHandler { get; set; }

    /// <summary>The clock of every wait, timeout and window.</summary>
    public TimeProvider Clock { get; set; } = TimeProvider.System;
}
