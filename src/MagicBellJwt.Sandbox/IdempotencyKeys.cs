using System;
using System.Collections.Generic;
using System.Linq;

namespace MagicBellJwt.Sandbox;

/// <summary>The first answers to the keys of the last 24 hours, for the vendor documents that an answer is cached that long.</summary>
internal sealed class IdempotencyKeys
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);

    private readonly Dictionary<string, Use> uses = new(StringComparer.Ordinal);
    private readonly Queue<KeyValuePair<DateTimeOffset, string>> oldestFirst = new();

    public Use? Find(string key, DateTimeOffset now)
    {
        while (oldestFirst.Count > 0 && oldestFirst.Peek().Key + Lifetime <= now)
        {
            uses.Remove(oldestFirst.Dequeue().Value);
        }

        return uses.TryGetValue(key, out Use? use) ? use : null;
    }

    public void Add(string key, DateTimeOffset now, Use use)
    {
        uses.Add(key, use);
        oldestFirst.Enqueue(new KeyValuePair<DateTimeOffset, string>(now, key));
    }

    /// <summary>What a key was first used for, and what was answered.</summary>
    public sealed class Use(SandboxRequest request, SandboxAnswer answer)
    {
        private readonly string path = request.Path;
        private readonly byte[] body = request.Body;

        public SandboxAnswer Answer { get; } = answer;

        public bool IsOf(SandboxRequest other) => path == other.Path && body.SequenceEqual(other.Body);
    }
}
