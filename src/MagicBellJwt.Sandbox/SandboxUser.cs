using System;
using System.Collections.Generic;

namespace MagicBellJwt.Sandbox;

/// <summary>A user of the project, known by an opaque id, and by an email address, an external id or both.</summary>
internal sealed class SandboxUser(string id, TokenList tokens)
{
    public string Id { get; } = id;

    public TokenList Tokens { get; } = tokens;

    public string? Email { get; set; }

    public string? ExternalId { get; set; }
}

/// <summary>The users of a project. Either name finds a user, and a name once learned stays theirs.</summary>
internal sealed class UserDirectory(bool listDiscarded)
{
    private readonly Dictionary<string, SandboxUser> _byId = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SandboxUser> _byEmail = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, SandboxUser> _byExternalId = new(StringComparer.Ordinal);

    public IEnumerable<SandboxUser> All => _byId.Values;

    public SandboxUser? Find(string id) => _byId.TryGetValue(id, out SandboxUser? user) ? user : null;

    public SandboxUser FindOrAdd(string id)
    {
        if (Find(id) is not { } user)
        {
            user = new SandboxUser(id, new TokenList(listDiscarded));
            _byId.Add(id, user);
        }

        return user;
    }

    /// <summary>The user of these names, made on first sight; null when the two names are of two users.</summary>
    public SandboxUser? Identify(string? email, string? externalId)
    {
        SandboxUser? ofEmail = email is not null && _byEmail.TryGetValue(email, out SandboxUser? a) ? a : null;
        SandboxUser? ofExternalId = externalId is not null && _byExternalId.TryGetValue(externalId, out SandboxUser? b) ? b : null;
        SandboxUser user = ofEmail ?? ofExternalId ?? FindOrAdd("usr_" + Guid.NewGuid().ToString("N"));
        bool isAnother = (ofExternalId ?? user) != user
            || !string.Equals(user.Email ?? email, email ?? user.Email, StringComparison.OrdinalIgnoreCase)
            || (user.ExternalId ?? externalId) != (externalId ?? user.ExternalId);
        if (isAnother)
        {
            return null;
        }

        if (email is not null)
        {
            user.Email ??= email;
            _byEmail[email] = user;
        }

        if (externalId is not null)
        {
            user.ExternalId ??= externalId;
            _byExternalId[externalId] = user;
        }

        return user;
    }
}
