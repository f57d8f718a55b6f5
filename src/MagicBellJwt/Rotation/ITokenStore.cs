using MagicBellJwt.Client;

namespace MagicBellJwt.Rotation;

/// <summary>Where a new token is kept: a vault, a file, or whatever a script block knows. Commands of the caller do the work, so each call is for the pipeline thread.</summary>
internal interface ITokenStore
{
    /// <summary>The vault; null where something else stores.</summary>
    string? Vault { get; }

    /// <summary>The file; null where something else stores.</summary>
    string? File { get; }

    /// <summary>The secret's name in the vault; null where something else stores.</summary>
    /// <param name="newId">The new token's id.</param>
    string? SecretOf(string newId);

    /// <summary>Sees, before anything is sent, that the store is there and that storing overwrites nothing but the old token.</summary>
    /// <param name="isOld">Tells whether a value is the old token's; null where there is none, so that nothing may be overwritten.</param>
    /// <exception cref="MagicBellException">It is not there, cannot be read, or holds something else.</exception>
    void Prepare(System.Func<string, bool>? isOld);

    /// <summary>Stores a token, reads it back and compares.</summary>
    /// <param name="issued">The token.</param>
    /// <param name="value">Its value.</param>
    /// <param name="replaces">The id of the token that it replaces; null where it replaces none.</param>
    /// <returns>What came of it.</returns>
    StoreResult Store(IssuedToken issued, string value, string? replaces);

    /// <summary>The value that the store holds now; null where it holds none, or does not say.</summary>
    string? Read();

    /// <summary>The id of the token that the held one has replaced, as it is noted beside it: empty where it replaced none, null where nothing is noted.</summary>
    /// <param name="heldId">The id of the token that the store holds.</param>
    /// <exception cref="MagicBellException">The store does not say.</exception>
    string? ReplacedBy(string heldId);

    /// <summary>Looks whether the store holds a token.</summary>
    /// <param name="fingerprint">The token's fingerprint.</param>
    /// <param name="value">Its value where it does; else null.</param>
    StoreContent Look(string fingerprint, out string? value);
}

/// <summary>What came of storing a token.</summary>
/// <param name="Outcome">How far it came.</param>
/// <param name="Problem">What went wrong, without a secret; null where nothing did.</param>
internal sealed record StoreResult(StoreOutcome Outcome, string? Problem = null)
{
    internal static StoreResult Stored { get; } = new(StoreOutcome.Stored);
}

/// <summary>How far storing a token came.</summary>
internal enum StoreOutcome
{
    /// <summary>The store gave the same value back.</summary>
    Stored,

    /// <summary>A script block ran to its end and gave nothing back.</summary>
    NotReadBack,

    /// <summary>Nothing was written: writing had not begun.</summary>
    NotBegun,

    /// <summary>It failed after writing had begun: the store may hold the token.</summary>
    InDoubt,
}

/// <summary>What a store says when it is asked for a token.</summary>
internal enum StoreContent
{
    /// <summary>It holds the token.</summary>
    Held,

    /// <summary>It holds another value, or none.</summary>
    NotHeld,

    /// <summary>It does not say.</summary>
    Unknown,
}
