using System;
using System.Collections.Generic;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>A token as Get-MbTokenReport judges it. Remove- and Update- take it like a listed token.</summary>
public sealed class TokenReportRow : ListedToken
{
    internal TokenReportRow(ListedTokenRecord record, TokenScope list, DateTimeOffset now)
        : base(record, list.Session, list)
    {
        UserId = list.UserId;
        Age = now - record.CreatedAt;
    }

    /// <summary>The run that judged it; null after CLIXML, where nobody can say what else that run judged.</summary>
    internal ReportRun? Run { get; set; }

    /// <inheritdoc/>
    public override TokenKind Kind => UserId is null ? TokenKind.Project : TokenKind.User;

    /// <summary>The id of the user whose token it is; null for a project token.</summary>
    public string? UserId { get; }

    /// <summary>The user's e-mail address; null for a project token, where there is none, and where the session has not seen it.</summary>
    public string? Email => Owner?.Email;

    /// <summary>The user's id in your own system; null as for <see cref="Email"/>.</summary>
    public string? ExternalId => Owner?.ExternalId;

    /// <summary>How old it was when the report was made; never negative but for a clock that is behind the server's.</summary>
    public TimeSpan Age { get; }

    /// <summary>The worst of its findings.</summary>
    public TokenSeverity Severity { get; internal set; }

    /// <summary>What the policy objects to; empty where it does not.</summary>
    public IReadOnlyList<TokenFinding> Findings { get; internal set; } = [];

    /// <summary>
    /// The command that fixes it; null where nothing is to be fixed, or the server sent no id. An Update- command wants <c>-Vault</c> or
    /// <c>-SaveTo</c> too, to store the new token and revoke this one; where it says EMAIL, put the user's address, which this session has not seen.
    /// </summary>
    public string? Remedy { get; internal set; }
}

/// <summary>What a policy may object to in a token that is listed.</summary>
public enum TokenFinding : long
{
    /// <summary>It has no end: a copy that leaks works for ever.</summary>
    NeverExpires,

    /// <summary>It ends within <c>-ExpiringWithin</c>, and what uses it stops then.</summary>
    ExpiresSoon,

    /// <summary>Its time is over, and it is still listed.</summary>
    Expired,

    /// <summary>It was issued longer ago than <c>-MaxAge</c>, or than the session's policy lets a token live.</summary>
    OlderThanPolicy,

    /// <summary>A newer live token of the same list has the same name.</summary>
    DuplicateName,

    /// <summary>The user has more live tokens than <c>-MaxPerUser</c>, and this is one of the oldest, which are too many.</summary>
    TooManyForUser,

    /// <summary>It has an end, and its whole life is longer than the session's policy allows.</summary>
    LivesTooLong,

    /// <summary>Its name does not fit the session's policy.</summary>
    NameOutsidePolicy,
}

/// <summary>How much a finding matters.</summary>
public enum TokenSeverity : long
{
    /// <summary>There is no finding.</summary>
    None,

    /// <summary>Tidy up at leisure.</summary>
    Low,

    /// <summary>Plan it.</summary>
    Medium,

    /// <summary>Act now.</summary>
    High,
}
