namespace MagicBellJwt;

/// <summary>
/// What a command would do to a token, written by -WhatIf -PassThru: a row of a plan, which the same command takes back from CSV, JSON or CLIXML and
/// does. Its values are texts that read the same in every culture, and that no spreadsheet takes for formulas.
/// </summary>
public sealed class PlannedChange
{
    internal PlannedChange(string command, ListedToken token, TokenScope list, string? reason)
    {
        Command = command;
        Project = list.Session.Name;
        Address = list.Session.BaseAddress.AbsoluteUri;
        ProjectId = list.Session.Claims?.Project;
        Kind = token.Kind.ToString();
        Id = token.Id!;
        Name = PlanRow.Shown(token.Name);
        UserId = list.UserId;
        Email = PlanRow.Shown(list.Owner?.Email);
        CreatedAt = PlanRow.Written(token.CreatedAt);
        ExpiresAt = token.ExpiresAt is { } end ? PlanRow.Written(end) : null;
        Reason = PlanRow.Shown(reason);
        Checksum = PlanRow.ChecksumOf(this);
    }

    /// <summary>Always <c>Planned</c>: nothing was done.</summary>
    public string Outcome { get; } = PlanRow.Planned;

    /// <summary>The command that would do it, and that takes the row back, such as <c>Remove-MbUserToken</c>.</summary>
    public string Command { get; }

    /// <summary>The name of the session whose project the token is of.</summary>
    public string Project { get; }

    /// <summary>The API's address.</summary>
    public string Address { get; }

    /// <summary>What names the project by the claims of that session's token; null where they name none.</summary>
    public string? ProjectId { get; }

    /// <summary><c>Project</c> or <c>User</c>.</summary>
    public string Kind { get; }

    /// <summary>The token's id.</summary>
    public string Id { get; }

    /// <summary>The token's name, as it is shown; null where it has none.</summary>
    public string? Name { get; }

    /// <summary>The id of the user whose token it is; null for a project's token.</summary>
    public string? UserId { get; }

    /// <summary>That user's e-mail address, as it is shown; null where there is none, or the session has not seen it.</summary>
    public string? Email { get; }

    /// <summary>When it was issued: <c>2026-11-28T14:45:20Z</c>, in UTC.</summary>
    public string CreatedAt { get; }

    /// <summary>When it ends by itself, written as <see cref="CreatedAt"/>; null where it never does.</summary>
    public string? ExpiresAt { get; }

    /// <summary>Why it is to be done, as -Reason said; null where it was not given. Who approves the plan may write it here.</summary>
    public string? Reason { get; }

    /// <summary>Tells whether a value of the row but <see cref="Reason"/> was changed since, as spreadsheets do with long numbers and dates. Anybody can work it out, so it is no signature.</summary>
    public string Checksum { get; }

    /// <summary>The token's id.</summary>
    /// <returns>The id.</returns>
    public override string ToString() => Id;
}
