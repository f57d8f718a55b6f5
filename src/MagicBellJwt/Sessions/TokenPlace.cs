namespace MagicBellJwt;

/// <summary>Where a session's token is kept, so that its successor can be put there: a file, or a secret of a vault.</summary>
/// <param name="File">The file; null for a vault.</param>
/// <param name="Vault">The vault; null for a file.</param>
/// <param name="Secret">The secret's name; null for a file.</param>
internal sealed record TokenPlace(string? File, string? Vault, string? Secret);
