namespace MagicBellJwt;

/// <summary>What a token gives access to.</summary>
/// <remarks>64 bits wide, as each enum of the module: ConvertTo-Json of every edition writes these by their names, and all others by their numbers.</remarks>
public enum TokenKind : long
{
    /// <summary>The whole project, as an administrator.</summary>
    Project = 1,

    /// <summary>What one user may see and do.</summary>
    User = 2,
}
