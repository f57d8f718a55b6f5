namespace MagicBellJwt.Client.Rotation;

/// <summary>How far a rotation has come. Each is on the disk before what it names is done, or at once after it.</summary>
public enum RotationStep
{
    /// <summary>About to issue the new token.</summary>
    Begun,

    /// <summary>The new token is issued; nobody but this process has its value.</summary>
    Created,

    /// <summary>The new token works; nobody but this process has its value.</summary>
    Proved,

    /// <summary>About to hand the value to its store.</summary>
    Storing,

    /// <summary>The store gave the same value back.</summary>
    Stored,

    /// <summary>The old token ends when it is due.</summary>
    Retiring,

    /// <summary>About to revoke the old token.</summary>
    Revoking,

    /// <summary>The old token is revoked.</summary>
    Done,

    /// <summary>About to revoke the new token.</summary>
    Undoing,

    /// <summary>The new token is gone, or never was; the old one stays.</summary>
    Undone,

    /// <summary>The new token was handed over unproved by any store, and the old one stays.</summary>
    Kept,
}
