namespace MagicBellJwt;

/// <summary>What a token gives access to.</summary>
public enum TokenKind
{
    /// <summary>The whole project, as an administrator.</summary>
    Project = 1,

    /// <summary>What one user may see and do.</summary>
    User = 2,
}
