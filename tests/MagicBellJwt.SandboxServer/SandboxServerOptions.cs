using System;
using System.Collections.Generic;

namespace MagicBellJwt.Sandbox.Server;

/// <summary>How a <see cref="SandboxServer"/> listens, what it starts with and what it goes wrong at.</summary>
public sealed class SandboxServerOptions
{
    /// <summary>The sandbox behind the server.</summary>
    public SandboxOptions Sandbox { get; init; } = new();

    /// <summary>A plain http address on loopback. Default: a free port of 127.0.0.1.</summary>
    public Uri Url { get; init; } = new("http://127.0.0.1:0");

    /// <summary>Where to write the administrator's token before the server listens, readable by nobody but its owner.</summary>
    public string? AdministratorTokenFile { get; init; }

    /// <summary>How long each request takes to arrive. It is handled then, whether or not its client still waits.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>Project tokens to start with, beside the administrator's.</summary>
    public int SeedProjectTokens { get; init; }

    /// <summary>User tokens to start with, by user id.</summary>
    public IReadOnlyDictionary<string, int> SeedUserTokens { get; init; } = new Dictionary<string, int>();

    /// <summary>Users to start with, and how many tokens each of them has.</summary>
    public (int Users, int Tokens) SeedUsers { get; init; }

    /// <summary>What goes wrong, from the start.</summary>
    public IReadOnlyList<Fault> Faults { get; init; } = [];

    /// <summary>How many requests are kept, the last ones; 0 to keep none. Default: 10,000.</summary>
    public int KeptRequests { get; init; } = 10_000;
}
