namespace MagicBellJwt.Client;

/// <summary>What went wrong. The name with <c>Mb</c> before it is the stable id of the PowerShell error.</summary>
public enum MagicBellError
{
    /// <summary>The input is wrong: 400, 422, or refused here before anything was sent.</summary>
    InvalidRequest,

    /// <summary>401: the bearer is missing, wrong, expired or revoked.</summary>
    Unauthorized,

    /// <summary>403: the bearer is good, but not an administrator's.</summary>
    Forbidden,

    /// <summary>404: no token of this kind has that id in this project.</summary>
    TokenNotFound,

    /// <summary>No user of the project has the address or the id that was asked for.</summary>
    UserNotFound,

    /// <summary>409: the server holds something that contradicts the request.</summary>
    Conflict,

    /// <summary>429, still after the last retry.</summary>
    RateLimited,

    /// <summary>5xx, still after the last retry.</summary>
    ServiceUnavailable,

    /// <summary>No connection: refused, unknown host, TLS, proxy. Nothing was sent.</summary>
    ConnectionFailed,

    /// <summary>No answer in time.</summary>
    Timeout,

    /// <summary>A create whose answer was lost: a token may exist that nobody holds.</summary>
    CreateOutcomeUnknown,

    /// <summary>The answer is not what the API's document says.</summary>
    UnexpectedResponse,

    /// <summary>There is no session, or it was disconnected.</summary>
    NotConnected,

    /// <summary>The revocation would end the session's own token, or the last live one.</summary>
    SelfLockout,

    /// <summary>A question was to be asked before a change, and nobody can answer it here. The change was not made.</summary>
    ConfirmationRequired,

    /// <summary>A rotation came to no end: its journal, its store or the new token failed. The old token was not revoked, or it says that it may have been.</summary>
    RotationFailed,

    /// <summary>What was to be recorded could not be, so nothing was sent; or a history cannot be read.</summary>
    HistoryFailed,
}
