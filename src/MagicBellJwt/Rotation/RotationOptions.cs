using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using MagicBellJwt.Client.Rotation;

namespace MagicBellJwt.Rotation;

/// <summary>What the caller wants of a rotation.</summary>
internal sealed class RotationOptions
{
    /// <summary>How long the new token lives; null for as long as the old one did.</summary>
    internal TimeSpan? ExpiresIn { get; init; }

    /// <summary>What the policy says of the new token; null for nothing.</summary>
    internal IssueLimit? Limit { get; init; }

    /// <summary>Whether the new token may live longer than the policy says; it wants a reason.</summary>
    internal bool IsForced { get; init; }

    /// <summary>How long the old token stays beside the new one; zero for not at all.</summary>
    internal TimeSpan Overlap { get; init; }

    /// <summary>Whether this run waits for the end of the overlaps that it begins.</summary>
    internal bool Waits { get; init; }

    /// <summary>Says by what a create names the user of a list, an e-mail address or an external id; asked right before each rotation begins. For a project's list by nothing.</summary>
    internal Func<TokenScope, Task<(string? Email, string? ExternalId)>> NameOwnerAsync { get; init; } = _ => Task.FromResult<(string?, string?)>((null, null));

    /// <summary>The journal that the caller named; null for the project's own.</summary>
    internal string? JournalPath { get; init; }

    /// <summary>The vault that keeps the journal; null for a file.</summary>
    internal string? JournalVault { get; init; }

    /// <summary>Keeps the journal in its vault; asked after each step, on the pipeline thread. Null for a file, which has each step by itself.</summary>
    internal Action? KeepJournal { get; init; }

    /// <summary>Whether this run only tells what it would do.</summary>
    internal bool IsPreview { get; init; }

    /// <summary>Is told of each rotation that would begin, and does not since this run only tells.</summary>
    internal Func<TokenScope, ListedToken, Task> PreviewedAsync { get; init; } = (_, _) => Task.CompletedTask;

    /// <summary>Makes the store for the successor of a token; null where the new token is to go down the pipeline.</summary>
    internal Func<ListedToken, ITokenStore?> StoreFor { get; init; } = _ => null;

    /// <summary>Makes the store that an earlier run's rotation goes to; null where its token went down the pipeline.</summary>
    internal Func<RotationEntry, ITokenStore?> StoreOf { get; init; } = _ => null;

    /// <summary>The sessions of the runspace: another one may run on a token that is replaced, or on the one that replaces it.</summary>
    internal IReadOnlyList<Session> Sessions { get; init; } = [];
}
