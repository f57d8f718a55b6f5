using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;

namespace MagicBellJwt;

/// <summary>The columns that commands read, and the names that they have in files of the API, of directories and of spreadsheets.</summary>
internal static class Columns
{
    internal const string Id = "Id";
    internal const string TokenId = "TokenId";
    internal const string UserId = "UserId";
    internal const string Email = "Email";
    internal const string ExternalId = "ExternalId";
    internal const string Name = "Name";
    internal const string Kind = "Kind";
    internal const string Project = "Project";
    internal const string ExpiresAt = "ExpiresAt";
    internal const string ExpiresIn = "ExpiresIn";
    internal const string DiscardedAt = "DiscardedAt";

    // Of a found token alone.
    internal const string Listed = "Listed";
    internal const string Live = "Live";
    internal const string NotTested = "NotTested";

    // A plan's.
    internal const string Outcome = "Outcome";
    internal const string Command = "Command";
    internal const string Address = "Address";
    internal const string ProjectId = "ProjectId";
    internal const string CreatedAt = "CreatedAt";
    internal const string Checksum = "Checksum";
    internal const string Reason = "Reason";

    // Of several columns for one thing the first one here that has a value counts. Written without case, blanks, hyphens and underscores.
    private static readonly Dictionary<string, string[]> s_names = new(StringComparer.Ordinal)
    {
        [Id] = ["id"],
        [TokenId] = ["tokenid"],
        [UserId] = ["userid"],
        [Email] = ["email", "useremail", "mail", "emailaddress", "userprincipalname"],
        [ExternalId] = ["externalid", "userexternalid"],
        [Name] = ["name", "tokenname"],
        [Kind] = ["kind"],
        [Project] = ["project"],
        [ExpiresAt] = ["expiresat"],
        [ExpiresIn] = ["expiresin"],
        [DiscardedAt] = ["discardedat"],
        [Listed] = ["listed"],
        [Live] = ["live"],
        [NotTested] = ["nottested"],
        [Outcome] = ["outcome"],
        [Reason] = ["reason"],
        [Command] = ["command"],
        [Address] = ["address"],
        [ProjectId] = ["projectid"],
        [CreatedAt] = ["createdat"],
        [Checksum] = ["checksum"],
    };

    // What may say when a token expires, under a name that says too little to act upon.
    private static readonly Regex s_looksLikeExpiry = new("expir|valid|until|enddate|endsat|lifetime|duration|^ttl|ttl$|^(days|hours)$", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    /// <summary>The columns that say who somebody is.</summary>
    internal static IReadOnlyList<string> OfUsers { get; } = [UserId, Email, ExternalId];

    /// <summary>The names that mean a column, the first choice first, as <see cref="Plain"/> writes them.</summary>
    internal static IReadOnlyList<string> NamesOf(string column) => s_names[column];

    /// <summary>A name without what files write differently: case, blanks, hyphens, underscores, quotes, a byte order mark.</summary>
    internal static string Plain(string name) => new([.. name.Where(char.IsLetterOrDigit).Select(char.ToLowerInvariant)]);

    /// <summary>Whether a name may mean when a token expires, without being a column that is read.</summary>
    internal static bool LooksLikeExpiry(string name) => s_looksLikeExpiry.IsMatch(Plain(name));

    /// <summary>The delimiter of a file that was read with another one, so that it came as one column; null where it was not.</summary>
    internal static char? DelimiterOf(string name)
    {
        foreach (char delimiter in new[] { ';', '\t', '|', ',' })
        {
            string[] parts = name.Split(delimiter);
            if (parts.Length > 1 && parts.Any(part => s_names.Values.Any(names => names.Contains(Plain(part)))))
            {
                return delimiter;
            }
        }

        return null;
    }
}
