namespace MagicBellJwt.Client.Rotation;

/// <summary>How far a rotation has come. The journal has each step before that is done which it announces, or at once after that which it reports.</summary>
public enum RotationStep
{
    /// <summary>About to issue the new token.</summary>
    Begun,

    /// <summary>The create's answer was lost, and a list has shown a token that may be its own.</summary>
    InDoubt,

    /// <summary>The new token was issued; only this process has its value.</summary>
    Created,

    /// <summary>The new token works; only this process has its value.</summary>
    Proved,

    /// <summary>About to hand the value to its store.</summary>
    Storing,

    /// <summary>The store gave the same value back.</summary>
    Stored,

    /// <summary>The old token stays until it is due.</summary>
    Retiring,

    /// <summary>About to revoke the old token.</summary>
    Revoking,

    /// <summary>The old token was revoked.</summary>
    Done,

    /// <summary>About to revoke the new token.</summary>
    Undoing,

    /// <summary>The rotation was given up: the old token stays. The new one was revoked, or no list showed one.</summary>
    Undone,

    /// <summary>The new token was given to the caller, and no store has shown that it is kept: both stay. Journals of earlier versions say <c>kept</c>.</summary>
    HandedOver,
}
