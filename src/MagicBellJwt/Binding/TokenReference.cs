using System;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>Which token somebody means who gave an id, a token, or a row of a file.</summary>
internal sealed class TokenReference
{
    private const string TypePrefix = "MagicBellJwt.";

    // What CLIXML and Select-Object put before the name of a type, in either order.
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
            string id = item.BaseObject.ToString()!.Trim();
            RequestValidation.CheckTokenId(id);
            return new TokenReference(id);
        }

        string? typeName = item.TypeNames
            .Select(Original)
            .FirstOrDefault(name => name.StartsWith(TypePrefix, StringComparison.Ordinal));
        TokenKind? said = typeName switch
        {
            TypePrefix + nameof(ProjectToken) => TokenKind.Project,
            TypePrefix + nameof(UserToken) => TokenKind.User,
            _ => KindOf(item),
        };
        if (said is { } other && other != kind)
        {
            throw MagicBellException.Invalid($"This is a {Word(other)} token, and the command is for {Word(kind)} tokens. Use {verb}-Mb{other}Token.");
        }

        Session? origin = item.BaseObject switch
        {
            ListedToken listed => listed.Session,
            IssuedToken issued => issued.Session,
            LeakedToken leaked => leaked.ListedBy,
            _ => null,
        };
        return new TokenReference(IdOf(item))
        {
            Name = Text(item, "Name"),
            UserId = Text(item, "UserId"),
            Project = Text(item, "Project"),
            Session = asked is null ? origin : asked,
            // What a leaked token says of its id is its own word, until the API lists it.
            IsKnown = typeName is not (null or TypePrefix + nameof(LeakedToken)) || item.BaseObject is LeakedToken { ListedBy: not null },
            IsDiscarded = typeName is not null && Text(item, "DiscardedAt") is not null,
            DiscardedAt = (item.BaseObject as ListedToken)?.DiscardedAt,
        };
    }

    /// <summary>What an error about an input is about: its id where it has one.</summary>
    internal static object TargetOf(PSObject item) => item.BaseObject is string ? item : item.Properties["Id"]?.Value ?? item.Properties["TokenId"]?.Value ?? item;

    private static string Original(string typeName)
    {
        while (s_copies.FirstOrDefault(copy => typeName.StartsWith(copy, StringComparison.Ordinal)) is { } copy)
        {
            typeName = typeName.Substring(copy.Length);
        }

        return typeName;
    }

    private static string IdOf(PSObject item)
    {
        string? id = Text(item, "Id");
        string? tokenId = Text(item, "TokenId");
        if (id is not null && tokenId is not null && !string.Equals(id, tokenId, StringComparison.OrdinalIgnoreCase))
        {
            throw MagicBellException.Invalid("The row has an Id and a TokenId that differ: it does not say which token is meant.");
        }

        id = id ?? tokenId ?? throw MagicBellException.Invalid("The object has no Id or TokenId, so it names no token.");
        RequestValidation.CheckTokenId(id);
        return id;
    }

    // What a row of a file says of itself: its Kind, else a user that only a user's token has.
    private static TokenKind? KindOf(PSObject item)
    {
        if (Text(item, "Kind") is { } text)
        {
            return Enum.TryParse(text, ignoreCase: true, out TokenKind kind) && Enum.IsDefined(typeof(TokenKind), kind)
                ? kind
                : throw MagicBellException.Invalid("The row's Kind is neither Project nor User.");
        }

        return Text(item, "UserId") is null && Text(item, "Email") is null && Text(item, "ExternalId") is null ? null : TokenKind.User;
    }

    private static string? Text(PSObject item, string property)
    {
        object? value = item.Properties[property]?.Value;
        string text = value is null ? "" : LanguagePrimitives.ConvertTo<string>(value).Trim();
        return text.Length == 0 ? null : text;
    }

    private static string Word(TokenKind kind) => kind == TokenKind.Project ? "project" : "user";
}
