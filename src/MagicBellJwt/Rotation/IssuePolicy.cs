using System;
using System.Management.Automation;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;

namespace MagicBellJwt.Rotation;

/// <summary>How long tokens may live and how they are called, by a policy's file.</summary>
internal sealed class IssuePolicy
{
    private readonly IssueLimit? _project;
    private readonly IssueLimit? _user;

    /// <summary>Reads what a policy says of issuing.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="file">What the file says.</param>
    /// <exception cref="MagicBellException">A length of time cannot be read, or the usual one is beyond the longest.</exception>
    internal IssuePolicy(string path, PolicyFile file)
    {
        Path = path;
        _project = file.Project is null ? null : new IssueLimit(path, TokenKind.Project, file.Project);
        _user = file.User is null ? null : new IssueLimit(path, TokenKind.User, file.User);
    }

    /// <summary>The policy's file.</summary>
    internal string Path { get; }

    /// <summary>What the policy says of a kind of tokens; null for nothing.</summary>
    internal IssueLimit? Of(TokenKind kind) => kind == TokenKind.Project ? _project : _user;
}

/// <summary>How long tokens of one kind may live, and how they are called.</summary>
internal sealed class IssueLimit
{
    private readonly string _path;
    private readonly string _noun;
    private readonly WildcardPattern? _name;

    internal IssueLimit(string path, TokenKind kind, IssueRule rule)
    {
        _path = path;
        _noun = kind == TokenKind.Project ? "project tokens" : "user tokens";
        Maximum = PolicyRule.LengthOf(rule.Maximum);
        Lifetime = PolicyRule.LengthOf(rule.Lifetime) ?? Maximum;
        Name = string.IsNullOrEmpty(rule.Name) ? null : rule.Name;
        _name = Name is null ? null : WildcardPattern.Get(Name, WildcardOptions.IgnoreCase);
        if (Lifetime > Maximum)
        {
            throw MagicBellException.Invalid($"The policy {path} contradicts itself: the 'lifetime' of {_noun}, {rule.Lifetime}, is beyond their 'maximum', {rule.Maximum}.");
        }
    }

    /// <summary>How long a token lives where nothing else is said; null for ever.</summary>
    internal TimeSpan? Lifetime { get; }

    /// <summary>How long a token may live; null for any time.</summary>
    internal TimeSpan? Maximum { get; }

    /// <summary>What a token is called, with wildcards; null for any name.</summary>
    internal string? Name { get; }

    /// <summary>The policy in words: <c>90d, at most 180d, named 'ci *'</c>.</summary>
    internal string Words
    {
        get
        {
            string lifetime = Lifetime is null ? "" : ", unless given " + LifetimeText.Write(Lifetime.Value);
            return $"{_noun} {(Maximum is null ? "live for any time" : "live at most " + LifetimeText.Write(Maximum.Value))}{lifetime}{(Name is null ? "" : $", named '{ScreenText.Of(Name)}'")}";
        }
    }

    /// <summary>Says that the policy gave a token its end.</summary>
    internal string Given => $"No -ExpiresIn was given, so {_noun} live {LifetimeText.Write(Lifetime!.Value)}, as the policy {ScreenText.Of(_path)} says.";

    /// <summary>Whether a token may live so long.</summary>
    internal bool Allows(TimeSpan? lifetime) => Maximum is null || lifetime <= Maximum;

    /// <summary>Whether a token may be called so.</summary>
    internal bool Fits(string? name) => _name is null || (name is not null && _name.IsMatch(name));

    /// <summary>Refuses what the policy does not allow.</summary>
    /// <param name="lifetime">How long the token is to live; null for ever.</param>
    /// <param name="isForced">Whether -Force was given.</param>
    /// <param name="reason">Why it is done; null where nobody says.</param>
    /// <exception cref="MagicBellException">The policy does not allow it, and nobody says with -Force and -Reason that it is to be done all the same.</exception>
    internal void CheckLifetime(TimeSpan? lifetime, bool isForced, string? reason)
    {
        if (!Allows(lifetime))
        {
            string longest = LifetimeText.Write(Maximum!.Value);
            Refuse($"{_noun} live at most {longest}, and this one would live {(lifetime is { } time ? LifetimeText.Write(time) : "for ever")}. Give -ExpiresIn {longest}, or less", isForced, reason);
        }
    }

    /// <inheritdoc cref="CheckLifetime"/>
    /// <param name="name">What the token is to be called; null for no name.</param>
    /// <param name="isForced">Whether -Force was given.</param>
    /// <param name="reason">Why it is done; null where nobody says.</param>
    internal void CheckName(string? name, bool isForced, string? reason)
    {
        if (!Fits(name))
        {
            Refuse($"{_noun} are named '{ScreenText.Of(Name!)}', and this one would be {(name is null ? "without a name" : $"named '{ScreenText.Of(name)}'")}. Give a -Name that fits", isForced, reason);
        }
    }

    private void Refuse(string what, bool isForced, string? reason)
    {
        if (!isForced || string.IsNullOrWhiteSpace(reason))
        {
            throw MagicBellException.Invalid($"By the policy {ScreenText.Of(_path)} {what}. Where it has to be: -Force -Reason 'WHY'.");
        }
    }
}
