using System;
using System.Linq;

namespace MagicBellJwt.Client;

/// <summary>Checks what a caller wants to send, before anything is sent.</summary>
public static class RequestValidation
{
    /// <summary>The longest name, e-mail address and external id (<c>maxLength</c> in the OpenAPI document), in characters.</summary>
    public const int MaximumLength = 255;

    /// <summary>The longest user id and cursor, in UTF-16 units. The API names no limit; .NET Framework's addresses have one.</summary>
    public const int MaximumIdLength = 2048;

    private static readonly string[] s_uuidForms = ["N", "B", "P"];

    /// <summary>Checks a token's name.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="MagicBellException">It is empty, too long or not valid Unicode.</exception>
    public static void CheckName(string name)
    {
        if (string.IsNullOrWhiteSpace(name))
        {
            throw MagicBellException.Invalid("The name is empty. Give the token a name that says where it is used.");
        }

        CheckText(name, "name");
    }

    /// <summary>Checks what identifies a user.</summary>
    /// <param name="email">The e-mail address, or null.</param>
    /// <param name="externalId">The external id, or null.</param>
    /// <exception cref="MagicBellException">Both are missing, or one is empty, too long or malformed.</exception>
    public static void CheckUser(string? email, string? externalId)
    {
        if (email is null && externalId is null)
        {
            throw MagicBellException.Invalid("Neither an e-mail address nor an external id was given. One of them, or both, says whose token it is.");
        }

        if (externalId is not null)
        {
            CheckText(externalId, "external id");
            if (string.IsNullOrWhiteSpace(externalId) || externalId.Any(char.IsControl))
            {
                throw MagicBellException.Invalid("The external id is empty or holds a control character.");
            }

            if (char.IsWhiteSpace(externalId[0]) || char.IsWhiteSpace(externalId[externalId.Length - 1]))
            {
                throw MagicBellException.Invalid("The external id begins or ends with a blank: with and without it are two users. Take the blank away.");
            }
        }

        if (email is not null)
        {
            CheckText(email, "e-mail address");
            int at = email.LastIndexOf('@');
            if (at < 1 || at == email.Length - 1 || email.IndexOf('@') != at || email.Any(character => char.IsControl(character) || char.IsWhiteSpace(character)))
            {
                throw MagicBellException.Invalid("The e-mail address is not one: it should look like hana@example.com.");
            }
        }
    }

    /// <summary>Checks a lifetime.</summary>
    /// <param name="seconds">Whole seconds, or null for no end.</param>
    /// <exception cref="MagicBellException">It is under a second (<c>minimum: 1</c> in the OpenAPI document).</exception>
    public static void CheckLifetime(long? seconds)
    {
        if (seconds < 1)
        {
            throw MagicBellException.Invalid("The token would have ended already. Its lifetime must be a second or more.");
        }
    }

    /// <summary>Checks a user's id, which stands in a path.</summary>
    /// <param name="userId">The id.</param>
    /// <exception cref="MagicBellException">It is empty, too long, holds a control character or would change the path.</exception>
    public static void CheckUserId(string userId)
    {
        if (string.IsNullOrWhiteSpace(userId) || userId.Any(char.IsControl))
        {
            throw MagicBellException.Invalid("The user id is empty or holds a control character.");
        }

        // An address is normalised however they are encoded: "." and ".." would name another path.
        if (userId is "." or "..")
        {
            throw MagicBellException.Invalid($"'{userId}' cannot be a user id.");
        }

        CheckId(userId, "user id");
    }

    /// <summary>Checks a cursor, which stands in a query.</summary>
    /// <param name="cursor">The cursor: a token's or a user's id, or what else the server takes for one.</param>
    /// <exception cref="MagicBellException">It is empty, too long or not valid Unicode.</exception>
    public static void CheckCursor(string cursor)
    {
        if (string.IsNullOrWhiteSpace(cursor))
        {
            throw MagicBellException.Invalid("The id that the list should begin after or before is empty.");
        }

        CheckId(cursor, "id that the list should begin after or before");
    }

    /// <summary>Checks what users are looked for by.</summary>
    /// <param name="query">The text.</param>
    /// <exception cref="MagicBellException">It is empty, too long or not valid Unicode.</exception>
    public static void CheckQuery(string query)
    {
        if (string.IsNullOrWhiteSpace(query))
        {
            throw MagicBellException.Invalid("The text that users are to match is empty.");
        }

        CheckId(query, "text that users are to match");
    }

    /// <summary>Checks a token's id.</summary>
    /// <param name="tokenId">The id.</param>
    /// <exception cref="MagicBellException">It is not a UUID, as both id fields of the OpenAPI document are.</exception>
    public static void CheckTokenId(string tokenId)
    {
        if (!IsTokenId(tokenId))
        {
            throw MagicBellException.Invalid("The token id is not a UUID like 019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b. A user id or a name is no token id.");
        }
    }

    /// <summary>Tells whether a text of a list can be an id: letters, digits and a few marks, nothing that hides or steers.</summary>
    /// <param name="text">The text.</param>
    public static bool IsPlainId(string text) =>
        text.Length <= 255 && text.All(static character => character is (>= '0' and <= '9') or (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or '-' or '_' or '.' or ':');

    /// <summary>Tells whether a text has the form of a token's id.</summary>
    /// <param name="text">The text.</param>
    /// <returns>True for a UUID with hyphens and nothing around it.</returns>
    public static bool IsTokenId(string text)
    {
        // Not by Guid alone, which takes "0x9b1b1e-..." and a sign for hexadecimal digits.
        return text.Length == 36
            && Guid.TryParseExact(text, "D", out _)
            && text.All(static character => character is '-' or (>= '0' and <= '9') or (>= 'a' and <= 'f') or (>= 'A' and <= 'F'));
    }

    /// <summary>A UUID in the form of a token's id, from any form in which UUIDs are written: in braces, without hyphens, as <c>urn:uuid:</c>.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The UUID; null where the text is none.</returns>
    internal static string? UuidOf(string text)
    {
        const string Urn = "urn:uuid:";
        string bare = text.Trim();
        bare = bare.StartsWith(Urn, StringComparison.OrdinalIgnoreCase) ? bare.Substring(Urn.Length) : bare;
        return IsTokenId(bare) ? bare
            : s_uuidForms.Any(form => Guid.TryParseExact(bare, form, out _)) ? Guid.Parse(bare).ToString("D")
            : null;
    }

    /// <summary>Tells whether a text can be sent as a bearer.</summary>
    /// <param name="token">The text.</param>
    /// <returns>True where it is not empty and has visible ASCII characters only.</returns>
    public static bool IsBearer(string token) => token.Length > 0 && token.All(character => character is > ' ' and <= '~');

    private static void CheckText(string text, string what)
    {
        CheckSendable(text, what);

        // As JSON Schema counts them: a pair of surrogates is one character.
        int characters = text.Length - text.Count(char.IsLowSurrogate);
        if (characters > MaximumLength)
        {
            throw MagicBellException.Invalid($"The {what} has {characters} characters; the API takes at most {MaximumLength}.");
        }
    }

    private static void CheckId(string text, string what)
    {
        if (text.Length > MaximumIdLength)
        {
            throw MagicBellException.Invalid($"The {what} has {text.Length} characters; at most {MaximumIdLength} can be sent.");
        }

        CheckSendable(text, what);
    }

    private static void CheckSendable(string text, string what)
    {
        if (JsonWebToken.TryDecode(text, out _))
        {
            throw MagicBellException.Invalid($"The {what} is a token's value. It would be kept and shown wherever it was sent, so nothing was sent.");
        }

        for (int index = 0; index < text.Length; index++)
        {
            if (char.IsHighSurrogate(text[index]) && index + 1 < text.Length && char.IsLowSurrogate(text[index + 1]))
            {
                index++;
            }
            else if (char.IsSurrogate(text[index]))
            {
                throw MagicBellException.Invalid($"The {what} holds half a character (a lone surrogate), which cannot be sent.");
            }
        }
    }
}
