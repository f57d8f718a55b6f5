using System;
using System.Collections.Generic;
using System.Linq;

namespace MagicBellJwt.Sandbox;

/// <summary>The first answers to the keys of the last 24 hours, for the vendor documents that an answer is cached that long.</summary>
internal sealed class IdempotencyKeys
{
    private static readonly TimeSpan s_lifetime = TimeSpan.FromHours(24);

    private readonly Dictionary<string, Use> _uses = new(StringComparer.Ordinal);
    private readonly Queue<KeyValuePair<DateTimeOffset, string>> _oldestFirst = new();

    public Use? Find(string key, DateTimeOffset now)
    {
        while (_oldestFirst.Count > 0 && _oldestFirst.Peek().Key + s_lifetime <= now)
        {
            _uses.Remove(_oldestFirst.Dequeue().Value);
        }

        return _uses.TryGetValue(key, out Use? use) ? use : null;
    }

    public void Add(string key, DateTimeOffset now, Use use)
    {
        _uses.Add(key, use);
        _oldestFirst.Enqueue(new KeyValuePair<DateTimeOffset, string>(now, key));
    }

    /// <summary>What a key was first used for, and what was answered.</summary>
    public sealed class Use(SandboxRequest request, SandboxAnswer answer)
    {
        private readonly string _path = request.Path;
        private readonly byte[] _body = request.Body;

        public SandboxAnswer Answer { get; } = answer;

        public bool IsOf(SandboxRequest other) => _path == other.Path && _body.SequenceEqual(other.Body);
    }
}
