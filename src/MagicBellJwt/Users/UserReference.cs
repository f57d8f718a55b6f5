using System.Collections.Generic;
using System.Linq;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>Which user somebody means. Of several things that are given all must be one user's.</summary>
/// <param name="UserId">The id in MagicBell; null where it was not given.</param>
/// <param name="Email">The e-mail address; null where it was not given.</param>
/// <param name="ExternalId">The id in the caller's own system; null where it was not given.</param>
internal sealed record UserReference(string? UserId, string? Email, string? ExternalId)
{
    /// <summary>What it is about, for errors: what was given.</summary>
    internal string Target => string.Join(", ", new[] { Email, ExternalId, UserId }.Where(text => text is not null));

    /// <summary>What the API is asked about; null where only the list can tell.</summary>
    internal string? Query => Email ?? ExternalId;

    /// <summary>Reads three parameters of one input.</summary>
    /// <param name="userIds">Ids in MagicBell. What has the form of an e-mail address is one.</param>
    /// <param name="emails">E-mail addresses.</param>
    /// <param name="externalIds">External ids.</param>
    /// <returns>A reference for each person; where nobody was given, one for <see cref="Check"/> to refuse.</returns>
    /// <exception cref="MagicBellException">There are several of one kind, and something of another kind: who is who is not said.</exception>
    internal static IReadOnlyList<UserReference> Read(string[]? userIds, string[]? emails, string[]? externalIds)
    {
        string?[] ids = Clean(userIds);
        string?[] addresses = Clean(emails);
        string?[] others = Clean(externalIds);
        string?[][] given = [.. new[] { ids, addresses, others }.Where(values => values.Any(value => value is not null))];
        if (given.Length > 1 && given.Any(values => values.Length > 1))
        {
            throw MagicBellException.Invalid("Several people were given by one parameter, and another parameter says who as well: give one person, or several by one parameter.");
        }

        return given.Length switch
        {
            0 => [new UserReference(null, null, null)],
            1 when given[0] == ids => [.. ids.Select(id => IsAddress(id) ? new UserReference(null, id, null) : new UserReference(id, null, null))],
            1 when given[0] == addresses => [.. addresses.Select(address => new UserReference(null, address, null))],
            1 => [.. others.Select(other => new UserReference(null, null, other))],
            _ => [new UserReference(ids.FirstOrDefault(), addresses.FirstOrDefault(), others.FirstOrDefault())],
        };
    }

    /// <summary>Refuses what can be nobody, before anything is sent.</summary>
    /// <exception cref="MagicBellException">Nothing was given, or something that is no address or id.</exception>
    internal void Check()
    {
        if (UserId is not null)
        {
            RequestValidation.CheckUserId(UserId);
        }
        else if (Query is null)
        {
            throw MagicBellException.Invalid("Nothing says which user is meant. Give an e-mail address, an external id (-ExternalId) or the user's id in MagicBell (-UserId); of a file, the columns are Email, ExternalId and UserId.");
        }

        if (Query is not null)
        {
            RequestValidation.CheckUser(Email, ExternalId);
        }
    }

    private static string?[] Clean(string[]? values) => [.. (values ?? []).Select(value => string.IsNullOrWhiteSpace(value) ? null : value.Trim())];

    private static bool IsAddress(string? text)
    {
        int at = text?.IndexOf('@') ?? -1;
        return at > 0 && at < text!.Length - 1 && text.IndexOf('@', at + 1) < 0 && text.IndexOf('.', at) > 0;
    }
}

/// <summary>What came of looking for a user.</summary>
/// <param name="Asked">Whom was asked about.</param>
/// <param name="User">The user; null where there is none, or not one.</param>
/// <param name="Failure">Why there is none; null where there is one.</param>
/// <param name="IsRemembered">Whether the session knew it from before, and the API was not asked this time.</param>
internal sealed record UserMatch(UserReference Asked, User? User, MagicBellException? Failure, bool IsRemembered = false);
