using System;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>Which token somebody means who gave an id, a token, or a row of a file.</summary>
internal sealed class TokenReference
{
    private const string TypePrefix = "MagicBellJwt.";

    // Prefixes that CLIXML and Select-Object add to a type name, in either order.
    private static readonly string[] s_copies = ["Deserialized.", "Selected."];

    private TokenReference(string id) => Id = id;

    internal string Id { get; }

    internal string? Name { get; private set; }

    internal string? UserId { get; private set; }

    /// <summary>The project that the object says it is of; null where it says nothing.</summary>
    internal string? Project { get; private set; }

    /// <summary>The session that listed or issued it; null where it is not from this process, or another session was asked for.</summary>
    internal Session? Session { get; private set; }

    /// <summary>Whether the API once named this id, so that its absence later means that the token is gone.</summary>
    internal bool IsKnown { get; private set; }

    internal bool IsDiscarded { get; private set; }

    internal DateTimeOffset? DiscardedAt { get; private set; }

    /// <summary>Why something is done to it, by the row of a plan; null where none says.</summary>
    internal string? Reason { get; set; }

    /// <summary>The token as a list showed it; null where something else was given.</summary>
    internal ListedToken? Listed { get; private set; }

    /// <summary>A token that was issued here and whose id the create's answer alone says; null for any other. The list is to say it too, before anything is done to that id.</summary>
    internal NewToken? New { get; private set; }

    /// <summary>The session that issued it, where its own claims say its id too: that session does not run on it. Null for any other.</summary>
    internal Session? IssuedIn { get; private set; }

    /// <summary>Reads what was given, and refuses what contradicts the command.</summary>
    /// <param name="item">A UUID, a token, or a row with a column Id or TokenId.</param>
    /// <param name="kind">The kind of token that the command is for.</param>
    /// <param name="asked">The session that was asked for; null for the object's own.</param>
    /// <param name="verb">The command's verb.</param>
    /// <exception cref="MagicBellException">It names no token, or one of the other kind.</exception>
    internal static TokenReference From(PSObject item, TokenKind kind, Session? asked, string verb)
    {
        if (item.BaseObject is string or Guid)
        {
            string text = InputText.Trim(item.BaseObject.ToString()!);
            RequestValidation.CheckTokenId(text);
            return new TokenReference(text);
        }

        var row = new InputRow(item);
        string? typeName = item.TypeNames
            .Select(Original)
            .FirstOrDefault(name => name.StartsWith(TypePrefix, StringComparison.Ordinal));
        TokenKind? said = typeName switch
        {
            TypePrefix + nameof(ProjectToken) => TokenKind.Project,
            TypePrefix + nameof(UserToken) => TokenKind.User,
            _ => KindOf(row),
        };
        if (said is { } other && other != kind)
        {
            throw MagicBellException.Invalid($"This is a {Word(other)} token, and the command is for {Word(kind)} tokens. Use {verb}-Mb{other}Token.");
        }

        // A file, JSON and a hashtable keep the columns of a found token, and not its type.
        if (typeName == TypePrefix + nameof(LeakedToken) || row.Has(Columns.Listed) || row.Has(Columns.Live) || row.Has(Columns.NotTested))
        {
            CheckProved(item.BaseObject as LeakedToken, asked, verb, kind);
        }

        Session? origin = item.BaseObject switch
        {
            ListedToken listed => listed.Session,
            IssuedToken issued => issued.Session,
            StoredToken stored => stored.Session,
            LeakedToken leaked => leaked.ProvedBy,
            _ => null,
        };
        string? own = item.BaseObject switch
        {
            ListedToken listed => listed.Id,
            IssuedToken issued => issued.Id,
            StoredToken stored => stored.Id,
            LeakedToken leaked => leaked.TokenId,
            _ => null,
        };
        string id = IdOf(row);
        if (own is not null && !string.Equals(own, id, StringComparison.OrdinalIgnoreCase))
        {
            // Add-Member -Force hides a property.
            throw MagicBellException.Invalid($"The object is the token {own}, and a member that was added to it says {id}: it does not say which token is meant. Give the id itself: {verb}-Mb{kind}Token ID");
        }

        return new TokenReference(id)
        {
            Name = row.Text(Columns.Name),
            UserId = row.Text(Columns.UserId),
            Project = row.Text(Columns.Project),
            Session = asked is null ? origin : asked,
            IsKnown = typeName is not null,
            IsDiscarded = typeName is not null && row.Text(Columns.DiscardedAt) is not null,
            DiscardedAt = (item.BaseObject as ListedToken)?.DiscardedAt,
            Listed = item.BaseObject as ListedToken,
            IssuedIn = item.BaseObject is IssuedToken { NamesItsId: true } or StoredToken { NamesItsId: true } ? origin : null,
            New = item.BaseObject switch
            {
                IssuedToken { NamesItsId: false } issued => new NewToken(id, issued.Name, issued.CreatedAt, issued.UserId, static _ => false),
                StoredToken { NamesItsId: false } stored => new NewToken(id, stored.Name, stored.CreatedAt, stored.UserId, static _ => false),
                _ => null,
            },
        };
    }

    /// <summary>What an error about an input is about: its id, else its name, else its number. Never the input itself: a row may hold a token's value.</summary>
    /// <param name="item">The input.</param>
    /// <param name="number">Which input it is, from 1.</param>
    internal static string TargetOf(PSObject item, long number)
    {
        var row = new InputRow(item);
        return row.IsText
            ? LanguagePrimitives.ConvertTo<string>(item)
            : row.Text(Columns.Id) ?? row.Text(Columns.TokenId) ?? row.Text(Columns.Name) ?? FormattableString.Invariant($"input {number}");
    }

    // A found token's id is what its claims say, and anybody can write claims: one line in a log would be enough to have any token revoked.
    private static void CheckProved(LeakedToken? leak, Session? asked, string verb, TokenKind kind)
    {
        const string Prove = "Find-MbLeakedToken … -TestLive sends the token itself, and what the project's API takes and lists can be passed on.";
        if (leak is null)
        {
            throw MagicBellException.Invalid($"This is a copy of what Find-MbLeakedToken wrote, and a copy proves nothing. Search again, and pass on what it writes: {Prove}");
        }

        if (leak.ProvedBy is null)
        {
            throw MagicBellException.Invalid(leak switch
            {
                { Live: true, Listed: true } => $"The token {leak.Fingerprint} works, but the list describes the token {leak.TokenId} differently, so it is not known which token this is. Change the project's secret key, or revoke the token by the id that you know: {verb}-Mb{kind}Token ID",
                { Live: true } => $"The token {leak.Fingerprint} works, but is in no list, so the API cannot revoke it: it was signed with the project's secret key. Change that key.",
                { Live: false } => $"The token {leak.Fingerprint} does not work, so nothing needs to be revoked. Its claims name {leak.TokenId}, and anybody can write that.",
                _ => $"That the token {leak.Fingerprint} is {leak.TokenId} is only what its own claims say, and anybody can write those. Prove it: {Prove}",
            });
        }

        if (asked is not null && asked != leak.ProvedBy)
        {
            throw MagicBellException.Invalid($"The token {leak.Fingerprint} was proved in the session '{leak.ProvedBy.Name}', and '{asked.Name}' was asked for. Search again with -Session '{asked.Name}'.");
        }
    }

    private static string Original(string typeName)
    {
        while (s_copies.FirstOrDefault(copy => typeName.StartsWith(copy, StringComparison.Ordinal)) is { } copy)
        {
            typeName = typeName.Substring(copy.Length);
        }

        return typeName;
    }

    private static string IdOf(InputRow row)
    {
        string? id = row.Text(Columns.Id);
        string? tokenId = row.Text(Columns.TokenId);
        if (id is not null && tokenId is not null && !string.Equals(id, tokenId, StringComparison.OrdinalIgnoreCase))
        {
            throw MagicBellException.Invalid("The row has an Id and a TokenId that differ: it does not say which token is meant.");
        }

        id = id ?? tokenId ?? throw MagicBellException.Invalid($"The object has no Id or TokenId, so it names no token.{row.Described}");
        RequestValidation.CheckTokenId(id);
        return id;
    }

    // The kind that a row states: its Kind column, or a user column, which only a user's token has.
    private static TokenKind? KindOf(InputRow row)
    {
        if (row.Text(Columns.Kind) is { } text)
        {
            return Enum.TryParse(text, ignoreCase: true, out TokenKind kind) && Enum.IsDefined(typeof(TokenKind), kind)
                ? kind
                : throw MagicBellException.Invalid("The row's Kind is neither Project nor User.");
        }

        return row.Text(Columns.UserId) is null && row.Text(Columns.Email) is null && row.Text(Columns.ExternalId) is null ? null : TokenKind.User;
    }

    private static string Word(TokenKind kind) => kind == TokenKind.Project ? "project" : "user";
}
