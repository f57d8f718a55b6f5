using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Newtonsoft.Json;
using Newtonsoft.Json.Serialization;

namespace MagicBellJwt.Client.Rotation;

/// <summary>A file that says how tokens are issued, and which are rotated: docs/rotation-policy.schema.json.</summary>
public sealed class PolicyFile
{
    // A member that nobody knows is a typing error, and would leave tokens unrotated without a word.
    private static readonly JsonSerializerSettings s_settings = new()
    {
        MissingMemberHandling = MissingMemberHandling.Error,
        DateParseHandling = DateParseHandling.None,
        MetadataPropertyHandling = MetadataPropertyHandling.Ignore,
        ContractResolver = new DefaultContractResolver { NamingStrategy = new CamelCaseNamingStrategy() },
    };

    private PolicyFile(Document document)
    {
        Rules = [.. (document.Rotate ?? []).Select(rule => rule!)];
        Project = document.Issue?.Project;
        User = document.Issue?.User;
    }

    /// <summary>The rules of rotation, in their order: of those whose name matches a token the first counts. Empty where the policy has none.</summary>
    public IReadOnlyList<RotationRule> Rules { get; }

    /// <summary>What the policy says of project tokens; null for nothing.</summary>
    public IssueRule? Project { get; }

    /// <summary>What the policy says of user tokens; null for nothing.</summary>
    public IssueRule? User { get; }

    /// <summary>Reads a policy.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The policy.</returns>
    /// <exception cref="MagicBellException">It cannot be read, is no policy, or a rule is incomplete.</exception>
    public static PolicyFile Read(string path)
    {
        Document? document;
        try
        {
            using var reader = new JsonTextReader(new StringReader(OwnerOnly.ReadText(path)));
            document = JsonSerializer.Create(s_settings).Deserialize<Document>(reader);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or JsonException)
        {
            throw MagicBellException.Invalid($"The policy {path} cannot be read: {failure.Message}");
        }

        if (document is null or { Rotate: null or { Count: 0 }, Issue: null or { Project: null, User: null } })
        {
            throw MagicBellException.Invalid($"The policy {path} has no rules: its member 'rotate' is a list of them, and 'issue' says how long tokens live.");
        }

        List<RotationRule?> rules = document.Rotate ?? [];
        for (int index = 0; index < rules.Count; index++)
        {
            if (ProblemOf(rules[index]) is { } problem)
            {
                throw MagicBellException.Invalid(FormattableString.Invariant($"Rule {index + 1} of the policy {path} {problem}"));
            }
        }

        return new PolicyFile(document);
    }

    private static string? ProblemOf(RotationRule? rule) => rule switch
    {
        null => "is empty.",
        { Name: null or "" } => "has no 'name': the token's name, or a pattern such as ci*.",
        { OlderThan: null, EndingWithin: null } => "does not say when: give 'olderThan' or 'endingWithin', such as 60d.",
        { Vault: null, SaveTo: null } => "does not say where the new token goes: give 'vault' or 'saveTo'.",
        { Vault: not null, SaveTo: not null } => "has both 'vault' and 'saveTo': a token is stored in one place.",
        { Vault: null, SecretName: not null } => "has a 'secretName' without a 'vault'.",
        _ => null,
    };

    private sealed class Document
    {
        [JsonProperty("$schema")]
        public string? Schema { get; set; }

        public List<RotationRule?>? Rotate { get; set; }

        public IssueRules? Issue { get; set; }
    }

    private sealed class IssueRules
    {
        public IssueRule? Project { get; set; }

        public IssueRule? User { get; set; }
    }
}

/// <summary>What a policy says of the tokens of one kind, as it is written in the file. Lengths of time are text such as <c>90d</c>.</summary>
public sealed class IssueRule
{
    /// <summary>How long a token lives where nothing else is said; null for <see cref="Maximum"/>.</summary>
    public string? Lifetime { get; set; }

    /// <summary>How long a token may live at most; null for any time.</summary>
    public string? Maximum { get; set; }

    /// <summary>What a token is called: a pattern such as <c>*-ci</c>; null for any name.</summary>
    public string? Name { get; set; }
}

/// <summary>One rule of a policy, as it is written in the file. Lengths of time are text such as <c>30d</c>.</summary>
public sealed class RotationRule
{
    /// <summary>The token's name, with wildcards.</summary>
    public string? Name { get; set; }

    /// <summary>The age from which on a token is rotated; null for any.</summary>
    public string? OlderThan { get; set; }

    /// <summary>The time before its end from which on a token is rotated; null for any.</summary>
    public string? EndingWithin { get; set; }

    /// <summary>How long the new token lives; null for as long as the old one did.</summary>
    public string? Lifetime { get; set; }

    /// <summary>The vault that the new token goes to; null where a script stores it.</summary>
    public string? Vault { get; set; }

    /// <summary>The secret's name in the vault, with parts such as <c>{Name}</c>; null for <c>{Name}</c>.</summary>
    public string? SecretName { get; set; }

    /// <summary>The path of a script that stores the new token and returns the value as it reads it back; null for a vault.</summary>
    public string? SaveTo { get; set; }

    /// <summary>How long the old token stays beside the new one; null for not at all.</summary>
    public string? Overlap { get; set; }
}
