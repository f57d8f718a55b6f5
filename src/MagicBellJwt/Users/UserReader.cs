using System.Collections.Generic;
using System.Globalization;
using System.Threading.Tasks;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>The users of a project, or those that a query of the API matches, read page by page. For one reader at a time.</summary>
internal sealed class UserReader(UserPages pages, Session session)
{
    /// <summary>Whether the last page that was read links to another one; true before the first.</summary>
    internal bool HasMore => pages.HasMore;

    /// <summary>Reads the next page.</summary>
    /// <param name="call">How it is stopped.</param>
    /// <returns>Its users; null after the last page.</returns>
    /// <exception cref="MagicBellException">It could not be read; the message says what still works where the server does not list users.</exception>
    internal async Task<IReadOnlyList<User>?> ReadAsync(CallContext call)
    {
        Task<IReadOnlyList<UserRecord>?> reading = pages.ReadAsync(call);
        try
        {
            await ((Task)reading).ConfigureAwait(false);
        }
        catch (MagicBellException failure) when (failure.Error is not (MagicBellError.InvalidRequest or MagicBellError.Unauthorized or MagicBellError.NotConnected))
        {
            throw Explain(failure);
        }

        if (reading.Result is not { } records)
        {
            return null;
        }

        var users = new User[records.Count];
        for (int i = 0; i < users.Length; i++)
        {
            users[i] = new User(records[i], session);
        }

        return users;
    }

    private static MagicBellException Explain(MagicBellException failure)
    {
        bool isMissing = failure.StatusCode is 404 or 405 or 410;
        string what = isMissing ? string.Format(CultureInfo.InvariantCulture, "This server does not list users ({0}).", failure.StatusCode)
            : failure is { Error: MagicBellError.Forbidden, IsCertain: true } ? "The session's token may not list users (403)."
            : failure.Message;

        // Of a 404 to a list: no token is missing.
        return new MagicBellException(
            isMissing ? MagicBellError.UnexpectedResponse : failure.Error,
            what + " So nobody can be found by an e-mail address or an external id; what takes the user's id in MagicBell works without it: -UserId ID.",
            failure);
    }
}
