using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Text.RegularExpressions;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>A row of a plan, as a file or a variable gives it back: see <see cref="PlannedChange"/>.</summary>
internal sealed class PlanRow
{
    /// <summary>The outcome by which a row is known as a plan's.</summary>
    internal const string Planned = "Planned";

    private const int FaultsShown = 3;
    private const int LongestReason = 500;

    // All of them but Reason, which whoever approves may write, in the order of the checksum.
    private static readonly string[] s_columns =
    [
        Columns.Command, Columns.Project, Columns.Address, Columns.ProjectId, Columns.Kind, Columns.Id, Columns.Name, Columns.UserId, Columns.Email, Columns.CreatedAt,
        Columns.ExpiresAt,
    ];

    private static readonly Regex s_scientific = new(@"^[+-]?\d([.,]\d+)?E[+-]?\d+$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    private readonly InputRow _row;

    private PlanRow(PSObject item, InputRow row)
    {
        Item = item;
        _row = row;
    }

    /// <summary>The object that was given.</summary>
    internal PSObject Item { get; }

    internal string? Id => _row.Text(Columns.Id);

    internal string? UserId => _row.Text(Columns.UserId);

    internal string? Name => _row.Text(Columns.Name);

    /// <summary>Why it is to be done, for the history; null where the row does not say.</summary>
    internal string? Reason => _row.Text(Columns.Reason);

    /// <summary>Reads an object; null where it is no row of a plan. One that lost its outcome, or only its checksum, is a plan's all the same.</summary>
    /// <param name="item">The object.</param>
    /// <param name="number">Which input it is, from 1.</param>
    internal static PlanRow? Read(PSObject item, long number)
    {
        if (item.BaseObject is ListedToken)
        {
            return null;
        }

        var row = new InputRow(item, number);
        return IsPlanned(row) || row.Has(Columns.Checksum) || (row.Has(Columns.Command) && row.Has(Columns.Address)) ? new PlanRow(item, row) : null;
    }

    /// <summary>Refuses a plan as a whole of which a row is not as it was written.</summary>
    /// <exception cref="MagicBellException">A row is not.</exception>
    internal static void Check(IReadOnlyList<PlanRow> rows)
    {
        string[] faults = [.. rows.Select(row => row.Fault is { } fault ? $"{row._row.Place}{(row.Id is { } id ? $" ({ScreenText.Of(id)})" : "")} {fault}." : "").Where(fault => fault.Length > 0)];
        if (faults.Length > 0)
        {
            throw MagicBellException.Invalid(
                $"The plan is damaged, so nothing of it is done: {string.Join(" ", faults.Take(FaultsShown))}{(faults.Length > FaultsShown ? FormattableString.Invariant($" {faults.Length - FaultsShown} more rows are damaged.") : "")} "
                + "A spreadsheet changes long numbers and dates when it reads them: have it read every column as text, and only delete rows.");
        }
    }

    /// <summary>Refuses a row that is for another command, or for another project than the session's.</summary>
    /// <param name="command">The command that was called.</param>
    /// <param name="session">The session to act in.</param>
    /// <exception cref="MagicBellException">It is.</exception>
    internal void Check(string command, Session session)
    {
        if (_row.Text(Columns.Command) is { } planned && planned != command)
        {
            throw MagicBellException.Invalid($"The plan is one for {ScreenText.Of(planned)}, and {command} does something else to the token {Id}.");
        }

        string address = session.BaseAddress.AbsoluteUri;
        if (_row.Text(Columns.Address) != address)
        {
            throw Changed($"the plan is for {_row.Text(Columns.Address)}, and the session '{session.Name}' is connected to {address}");
        }

        if (_row.Text(Columns.ProjectId) is { } id && session.Claims?.Project is { } own && id != own)
        {
            throw Changed($"the plan is for the project {id}, and the session '{session.Name}' is of the project {own}");
        }
    }

    /// <summary>Refuses a row that says something else of the token than the list does now.</summary>
    /// <param name="token">The token of its id, as the list shows it.</param>
    /// <exception cref="MagicBellException">It does.</exception>
    internal void Check(ListedToken token)
    {
        string shown = Text(Shown(token.Name));
        if (Text(Columns.Name, _row) is var name && name != shown)
        {
            throw Changed($"it is named '{shown}' now, and '{name}' in the plan");
        }

        if (TextOf(token.CreatedAt) is var created && Text(Columns.CreatedAt, _row) is var planned && planned != created)
        {
            throw Changed($"the list says that it was issued at {created}, and the plan says {planned}");
        }
    }

    /// <summary>A moment as a plan has it.</summary>
    internal static string Written(DateTimeOffset moment) => TextOf(moment);

    /// <summary>Foreign text as a plan has it; null for none.</summary>
    internal static string? Shown(string? text) => text is null ? null : ReportCsv.Disarm(ScreenText.Of(text));

    /// <summary>The checksum of a row.</summary>
    internal static string ChecksumOf(PlannedChange change) => ChecksumOf(new InputRow(PSObject.AsPSObject(change)));

    // A word before the digits: a spreadsheet would take some of them for a number.
    private static string ChecksumOf(InputRow row) => "plan-" + TokenFingerprint.Of(string.Join("\n", s_columns.Select(column => Text(column, row))));

    private static bool IsPlanned(InputRow row) => string.Equals(row.Text(Columns.Outcome), Planned, StringComparison.OrdinalIgnoreCase);

    private string? Fault
    {
        get
        {
            if (s_columns.Append(Columns.Checksum).Append(Columns.Outcome).FirstOrDefault(column => !_row.Has(column)) is { } missing)
            {
                return $"has no column {missing}";
            }

            if (s_columns.FirstOrDefault(column => _row.Text(column) is { } text && s_scientific.IsMatch(text) && column is Columns.Id or Columns.UserId or Columns.ProjectId) is { } number)
            {
                return $"has '{_row.Text(number)}' in the column {number}, which was a longer text once";
            }

            if (!IsPlanned(_row) || Id is not { } id || !RequestValidation.IsTokenId(id))
            {
                return $"has {(Id is null ? "no Id" : IsPlanned(_row) ? "an Id that is none" : "another Outcome than Planned")}";
            }

            if (Reason is { Length: > LongestReason })
            {
                return FormattableString.Invariant($"has a Reason of more than {LongestReason} characters");
            }

            if (Reason is not null && ScreenText.HoldsToken(Reason))
            {
                return "has a token's value, a secret key or an address with credentials for a Reason";
            }

            return _row.Text(Columns.Checksum) == ChecksumOf(_row) ? null : "is not as it was written: its Checksum is not that of its other columns";
        }
    }

    private MagicBellException Changed(string what) =>
        new(MagicBellError.Conflict, $"The token {Id} changed since the plan was made: {what}. Nothing is done to it: make a new plan of it.");

    // What files may write in another way is read first: a moment with a fraction of a second or as an object, a kind as its number.
    private static string Text(string column, InputRow row) => column switch
    {
        Columns.CreatedAt or Columns.ExpiresAt => row.Moment(column) is { } moment ? TextOf(moment) : row.Text(column) ?? "",
        Columns.Kind => row.Text(column) is { } text && Enum.TryParse(text, ignoreCase: true, out TokenKind kind) ? kind.ToString() : row.Text(column) ?? "",
        _ => Text(row.Text(column)),
    };

    private static string Text(string? text) => InputText.Trim(text ?? "");

    private static string TextOf(DateTimeOffset moment) => moment.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
