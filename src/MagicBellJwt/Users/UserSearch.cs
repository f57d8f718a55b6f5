using System;
using System.Collections.Generic;
using System.Linq;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>Collects those who are looked for out of whatever the API lists, by the module's own comparison: how the API's query matches is not documented.</summary>
/// <remarks>
/// Addresses are the same whatever the case of their letters, as mailboxes are, and in nothing else; ids are the same to the letter. Safe for concurrent use.
/// </remarks>
internal sealed class UserSearch
{
    private readonly object _gate = new();
    private readonly Dictionary<string, List<User>> _byId = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<User>> _byEmail = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, List<User>> _byExternalId = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<User>> _byAddressAsExternalId = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, MagicBellException> _refused = new(StringComparer.OrdinalIgnoreCase);
    private readonly IReadOnlyList<UserReference> _wanted;

    internal UserSearch(IReadOnlyList<UserReference> wanted)
    {
        _wanted = wanted;
        foreach (UserReference reference in wanted)
        {
            Want(_byId, reference.UserId);
            Want(_byEmail, reference.Email);
            Want(_byExternalId, reference.ExternalId);
            Want(_byAddressAsExternalId, reference.Email);
        }

        Queries = [.. wanted.Where(reference => reference.Email is not null).Select(reference => reference.Email!).Distinct(StringComparer.OrdinalIgnoreCase)
            .Concat(wanted.Where(reference => reference.Email is null && reference.ExternalId is not null).Select(reference => reference.ExternalId!).Distinct(StringComparer.Ordinal))];
        NeedsList = wanted.Any(reference => reference.Query is null);

        static void Want(Dictionary<string, List<User>> users, string? key)
        {
            if (key is not null && !users.ContainsKey(key))
            {
                users.Add(key, []);
            }
        }
    }

    /// <summary>What the API would be asked, one by one; each person once.</summary>
    internal IReadOnlyList<string> Queries { get; }

    /// <summary>Whether somebody is known by the id in MagicBell only, which no query takes.</summary>
    internal bool NeedsList { get; }

    /// <summary>External ids that were given beside an address, and that no answer has shown yet.</summary>
    internal IReadOnlyList<string> OpenExternalIds =>
        [.. _wanted.Where(reference => reference.Email is not null && reference.ExternalId is { } id && _byExternalId[id].Count == 0).Select(reference => reference.ExternalId!).Distinct(StringComparer.Ordinal)];

    /// <summary>Whether nobody with one of the addresses has been seen.</summary>
    internal bool HasOpenAddress => _byEmail.Any(wanted => wanted.Value.Count == 0 && !_refused.ContainsKey(wanted.Key));

    /// <summary>Takes note of users.</summary>
    internal void Add(IEnumerable<User> users)
    {
        lock (_gate)
        {
            foreach (User user in users)
            {
                Note(_byId, user.UserId, user);
                Note(_byEmail, user.Email, user);
                Note(_byExternalId, user.ExternalId, user);
                Note(_byAddressAsExternalId, user.ExternalId, user);
            }
        }

        static void Note(Dictionary<string, List<User>> wanted, string? key, User user)
        {
            if (key is not null && wanted.TryGetValue(key, out List<User>? found) && !(user.UserId is { } id && found.Any(other => other.UserId == id)))
            {
                found.Add(user);
            }
        }
    }

    /// <summary>Takes note that the API refuses to be asked about this.</summary>
    internal void Refuse(string query, MagicBellException failure)
    {
        lock (_gate)
        {
            _refused[query] = failure;
        }
    }

    /// <summary>Says who it is, or why nobody can say.</summary>
    internal UserMatch Judge(UserReference reference)
    {
        (string What, List<User> Users)[] found =
        [
            .. Found(reference.UserId, "id in MagicBell", _byId),
            .. Found(reference.Email, "e-mail address", _byEmail),
            .. Found(reference.ExternalId, "external id", _byExternalId),
        ];
        List<User> sameText = reference.Email is null ? [] : _byAddressAsExternalId[reference.Email];
        User[] all = [.. found.SelectMany(key => key.Users).Concat(found.Any(key => key.Users.Count > 0) ? sameText : []).Distinct()];
        if (all.Select(user => user.UserId).Distinct(StringComparer.Ordinal).Count() > 1)
        {
            return Fail(MagicBellError.Conflict, $"More than one user is meant by {Describe(found)}: {string.Join(", ", all.Select(Show).Distinct(StringComparer.Ordinal))}. Nothing is guessed: say which by the id in MagicBell, -UserId ID.");
        }

        if (Array.Find(found, key => key.Users.Count == 0) is { What: { } missing })
        {
            return reference.Query is { } query && _refused.TryGetValue(query, out MagicBellException? refused)
                ? new UserMatch(reference, null, refused)
                : Fail(MagicBellError.UserNotFound, $"No user of the project has the {missing}.{(sameText.Count == 0 ? "" : $" It is the external id of {string.Join(", ", sameText.Select(Show))}: -ExternalId.")}");
        }

        return all[0].UserId is null
            ? Fail(MagicBellError.UnexpectedResponse, $"The server lists the user with {Describe(found)} without an id, so tokens of that user cannot be asked for.")
            : new UserMatch(reference, all[0], null);

        UserMatch Fail(MagicBellError error, string what) => new(reference, null, new MagicBellException(error, what));
    }

    private static IEnumerable<(string What, List<User> Users)> Found(string? key, string kind, Dictionary<string, List<User>> users) =>
        key is null ? [] : [($"{kind} '{ScreenText.Of(key)}'", users[key])];

    private static string Describe((string What, List<User> Users)[] keys) => "the " + string.Join(" and the ", keys.Select(key => key.What));

    private static string Show(User user) => user.UserId is { } id ? ScreenText.Of(id) : "one without an id";
}
