using System.Collections.Generic;
using System.Linq;

namespace MagicBellJwt;

/// <summary>
/// The new tokens that an invocation has written, by id and name. Where the invocation ends by an error or a stop, a statement such as
/// <c>$tokens = New-MbProjectToken …</c> has kept none of them, so they are named. For the pipeline thread.
/// </summary>
internal sealed class OutputLedger
{
    private readonly List<Entry> _entries = [];

    /// <summary>Whether nothing was written.</summary>
    internal bool IsEmpty => _entries.Count == 0;

    /// <summary>Remembers a token that is about to be written. Its value is not kept.</summary>
    /// <param name="token">The token; one that was signed on this machine has no id and is not remembered.</param>
    internal void Add(IssuedToken token)
    {
        if (token.Id is { } id)
        {
            _entries.Add(new Entry(id, token.Name, token.UserId, token.Kind));
        }
    }

    /// <summary>Names the tokens, with the command that looks and the one that revokes.</summary>
    /// <param name="session">The session that was asked for; null for the latest.</param>
    /// <param name="only">The ids to name; null for all.</param>
    internal string Describe(Session? session, ICollection<string>? only = null)
    {
        Entry[] entries = [.. _entries.Where(entry => only?.Contains(entry.Id) != false)];
        string kind = entries[0].Kind.ToString();
        string ids = string.Join(",", entries.Select(entry => CommandText.Quote(entry.Id)));
        string where = session is null ? "" : $" -Session {CommandText.Quote(session.Name)}";
        string named = string.Join(", ", entries.Select(entry => entry.Name is null ? entry.Id : $"{entry.Id} '{ScreenText.Of(entry.Name)}'"));
        return $"{(entries.Length == 1 ? $"This {kind.ToLowerInvariant()} token was" : $"These {kind.ToLowerInvariant()} tokens were")} written before: {named}. "
            + $"See what is live: Get-Mb{kind}Token{Users(entries)} -Id {ids}{where} # revoke what nothing holds: Remove-Mb{kind}Token {ids}{where}";
    }

    private static string Users(Entry[] entries)
    {
        if (entries[0].Kind == TokenKind.Project)
        {
            return "";
        }

        // The API's answer to a create does not name the user; the token's own claims may.
        string?[] users = [.. entries.Select(entry => entry.UserId).Distinct()];
        return " -UserId " + (users.Contains(null) ? "USERID" : string.Join(",", users.Select(user => CommandText.Quote(user!))));
    }

    private sealed record Entry(string Id, string? Name, string? UserId, TokenKind Kind);
}
