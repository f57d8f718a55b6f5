using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;

namespace MagicBellJwt;

/// <summary>The rows that a command is given, one after another: counts them, and says what is odd about all of them once.</summary>
internal sealed class InputRows
{
    private readonly HashSet<string> _warnedOf = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, string> _places = new(StringComparer.Ordinal);
    private long _count;

    /// <summary>The next input as a row; null where the pipeline gave none.</summary>
    internal InputRow? Next(PSObject? item)
    {
        _count++;
        return item is null ? null : new InputRow(item, _count);
    }

    /// <summary>Columns of a file that may mean an expiry and are not read, each once.</summary>
    /// <param name="row">The row.</param>
    /// <param name="isGiven">Whether a parameter is on the command line: where one says the expiry, no column does.</param>
    internal IEnumerable<string> LookAlikesOf(InputRow row, Func<string, bool> isGiven)
    {
        string[] expiries = [Columns.ExpiresAt, Columns.ExpiresIn];
        return !row.IsRow || expiries.Any(row.Has) || expiries.Any(isGiven)
            ? []
            : [.. row.Names.Where(name => Columns.LooksLikeExpiry(name) && _warnedOf.Add(name)).Select(ScreenText.Of)];
    }

    /// <summary>The place of an earlier row of a file that says the same: of whom, what name, until when. Null where none does.</summary>
    internal string? SameBefore(InputRow row)
    {
        if (!row.IsRow)
        {
            return null;
        }

        string said = string.Join("\n", [row.Text(Columns.Email)?.ToLowerInvariant(), row.Text(Columns.ExternalId), row.Text(Columns.Name), row.Text(Columns.ExpiresAt), row.Text(Columns.ExpiresIn)]);
        if (said.Trim().Length == 0)
        {
            return null;
        }

        if (_places.TryGetValue(said, out string? place))
        {
            return place;
        }

        _places.Add(said, row.Place);
        return null;
    }
}
