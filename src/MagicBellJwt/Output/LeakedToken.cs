using System;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>A token that stands where none should, and what it says about itself. The token is not in it.</summary>
public sealed class LeakedToken
{
    internal LeakedToken(string? path, FoundToken found)
    {
        Path = path;
        Line = found.Line;
        Column = found.Column;
        Fingerprint = TokenFingerprint.Of(found.Value);
        Kind = KindOf(found.Token);
        TokenId = found.Token.Id;
        UserId = found.Token.UserId;
        ExpiresAt = found.Token.ExpiresAt;
    }

    /// <summary>The file; null for text from the pipeline.</summary>
    public string? Path { get; }

    /// <summary>The line, from 1; in text from the pipeline all inputs count on.</summary>
    public long Line { get; }

    /// <summary>The place in the line, from 1, in UTF-16 units as editors count.</summary>
    public long Column { get; }

    /// <summary>The first 12 hexadecimal digits of SHA-256 over the token: to recognise it by, not to check it by.</summary>
    public string Fingerprint { get; }

    /// <summary>Whether its claims are those of a project's or of a user's token, or the API knows it as one; null where neither tells.</summary>
    public TokenKind? Kind { get; internal set; }

    /// <summary>The token's id by its own claims (<c>jti</c>), also called Id; null where it has none.</summary>
    public string? TokenId { get; }

    /// <summary>The user's id by its own claims (<c>user_id</c>); null where it does not say.</summary>
    public string? UserId { get; }

    /// <summary>When it ends by its own claims (<c>exp</c>); null where it does not say, or not with a date of the years 1 to 9999.</summary>
    public DateTimeOffset? ExpiresAt { get; }

    /// <summary>When it ends, seen from now and in words: <c>in 12 days</c>, <c>3 hours ago</c>, <c>never</c>.</summary>
    public string Expires => RelativeTime.Of(ExpiresAt, DateTimeOffset.UtcNow);

    /// <summary>
    /// Whether it can be used: by its id in the list of tokens, which its claims name and anybody can write, or by a read with it
    /// (<c>-TestLive</c>). Null where that was not looked up, or could not be told.
    /// </summary>
    public bool? Live { get; internal set; }

    /// <summary>The session whose API lists its id; null where none does.</summary>
    internal Session? ListedBy { get; set; }

    /// <summary>Where it stands.</summary>
    /// <returns>The path, line and column.</returns>
    public override string ToString() => FormattableString.Invariant($"{Path}:{Line}:{Column}");

    internal static TokenKind? KindOf(JsonWebToken token) => token.IsUserToken switch
    {
        true => TokenKind.User,
        false => TokenKind.Project,
        null => null,
    };
}
