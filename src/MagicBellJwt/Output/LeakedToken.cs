using System;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>A token that stands where none should, and what it says about itself. The token is not in it.</summary>
public sealed class LeakedToken
{
    private readonly bool _isExpiryUnreadable;

    internal LeakedToken(string? path, string? shownPath, FoundToken found)
    {
        Path = path;
        Place = shownPath is null ? FormattableString.Invariant($"{found.Line}") : FormattableString.Invariant($"{shownPath}:{found.Line}");
        Line = found.Line;
        Column = found.Column;
        Fingerprint = TokenFingerprint.Of(found.Value);
        Kind = KindOf(found.Token);
        TokenId = found.Token.Id;
        UserId = found.Token.UserId;
        Email = Plain(found.Token.Email);
        ExternalId = Plain(found.Token.ExternalId);
        ExpiresAt = found.Token.ExpiresAt;
        _isExpiryUnreadable = found.Token.IsExpiryUnreadable;
    }

    /// <summary>The file; null for text from the pipeline.</summary>
    public string? Path { get; }

    /// <summary>The line, from 1; in text from the pipeline all inputs count on.</summary>
    public long Line { get; }

    /// <summary>The place in the line, from 1, in UTF-16 units as editors count.</summary>
    public long Column { get; }

    /// <summary>The first 12 hexadecimal digits of SHA-256 over the token: to recognise it by, not to check it by.</summary>
    public string Fingerprint { get; }

    /// <summary>Whether its claims are those of a project's or of a user's token, or a read with it told; null where neither does.</summary>
    public TokenKind? Kind { get; internal set; }

    /// <summary>The token's id by its own claims (<c>jti</c>), also called Id; null where it has none.</summary>
    public string? TokenId { get; }

    /// <summary>The name that the list has for its id; null where no list was read, or none has it. Its claims name the id, and anybody can write claims.</summary>
    public string? Name { get; internal set; }

    /// <summary>The user's id by its own claims (<c>user_id</c>); null where it does not say.</summary>
    public string? UserId { get; }

    /// <summary>The user's e-mail address: as the API lists the user in whose list the token is, else by its own claims (<c>user_email</c>); null where neither says.</summary>
    public string? Email { get; internal set; }

    /// <summary>The user's id in your own system, by its own claims (<c>user_external_id</c>); null where it does not say.</summary>
    public string? ExternalId { get; }

    /// <summary>When it ends by its own claims (<c>exp</c>); null where it does not say, or not with a date of the years 1 to 9999.</summary>
    public DateTimeOffset? ExpiresAt { get; }

    /// <summary>When it ends, seen from now and in words: <c>in 12 days</c>, <c>3 hours ago</c>, <c>never</c>; <c>unreadable</c> where the claim <c>exp</c> is no number.</summary>
    public string Expires => _isExpiryUnreadable ? "unreadable" : RelativeTime.Of(ExpiresAt, DateTimeOffset.UtcNow);

    /// <summary>
    /// Whether the list of the project's tokens, or of the user's whom its claims name, has a token of its id. Its claims name the id, and
    /// anybody can write claims: true does not say that this is that token. Null where no list was read.
    /// </summary>
    public bool? Listed { get; internal set; }

    /// <summary>
    /// Whether it can be used: true where the API took it for a read (<c>-TestLive</c>), false where the API refused it, or where by its own
    /// claims it has ended. Null where it was not sent, or the answer did not tell.
    /// </summary>
    public bool? Live { get; internal set; }

    /// <summary>Why <c>-TestLive</c> did not send it; null where it did, or was not asked to.</summary>
    public string? NotTested { get; internal set; }

    /// <summary>The session whose API took it for a read and lists its id as a live token; null where that is not proved.</summary>
    internal Session? ProvedBy { get; set; }

    /// <summary>The file, seen from the current folder, and the line; for text the line alone.</summary>
    internal string Place { get; }

    /// <summary>Where it stands.</summary>
    /// <returns>The path, line and column.</returns>
    public override string ToString() => FormattableString.Invariant($"{Path}:{Line}:{Column}");

    // Anybody can write claims, and these are shown.
    private static string? Plain(string? claim) => claim is null ? null : ScreenText.Of(claim);

    internal static TokenKind? KindOf(JsonWebToken token) => token.IsUserToken switch
    {
        true => TokenKind.User,
        false => TokenKind.Project,
        null => null,
    };
}
