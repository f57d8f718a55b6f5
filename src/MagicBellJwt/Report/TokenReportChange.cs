using System.Collections.Generic;

namespace MagicBellJwt;

/// <summary>What is different of a token between two reports.</summary>
public sealed class TokenReportChange
{
    internal TokenReportChange(TokenChange change, ReportedToken? before, ReportedToken? now, IReadOnlyList<TokenFinding> newFindings, IReadOnlyList<TokenFinding> endedFindings)
    {
        ReportedToken token = (now ?? before)!;
        Change = change;
        SeverityBefore = before?.Severity;
        Severity = now?.Severity;
        NewFindings = newFindings;
        EndedFindings = endedFindings;
        Kind = token.Kind;
        Id = token.Id!;
        Name = token.Name;
        UserId = token.UserId;
        Email = token.Email;
        Project = token.Project;
        Remedy = now?.Remedy;
    }

    /// <summary>What became of it.</summary>
    public TokenChange Change { get; }

    /// <summary>The worst of its findings in the later report; null where that does not show it as one that is not revoked.</summary>
    public TokenSeverity? Severity { get; }

    /// <summary>The worst of its findings in the earlier report; null where that does not show it as one that is not revoked.</summary>
    public TokenSeverity? SeverityBefore { get; }

    /// <summary>Findings of the later report that the earlier one did not have; empty where there are none.</summary>
    public IReadOnlyList<TokenFinding> NewFindings { get; }

    /// <summary>Findings of the earlier report that the later one does not have; empty where there are none.</summary>
    public IReadOnlyList<TokenFinding> EndedFindings { get; }

    /// <summary>Whether it is a project's token or a user's.</summary>
    public TokenKind Kind { get; }

    /// <summary>The token's id.</summary>
    public string Id { get; }

    /// <summary>The token's name; null where it has none.</summary>
    public string? Name { get; }

    /// <summary>The id of the user whose token it is; null for a project token.</summary>
    public string? UserId { get; }

    /// <summary>The user's e-mail address; null for a project token, and where the report does not say.</summary>
    public string? Email { get; }

    /// <summary>The name of the session whose project it is of.</summary>
    public string? Project { get; }

    /// <summary>The command that fixes it, by the later report; null where nothing is to be fixed.</summary>
    public string? Remedy { get; }

    /// <summary>The token's id.</summary>
    /// <returns>The id.</returns>
    public override string ToString() => Id;
}

/// <summary>What became of a token between two reports.</summary>
public enum TokenChange : long
{
    /// <summary>Only the later report shows it: it was issued since, or its list was not in the earlier one.</summary>
    New,

    /// <summary>Its findings are more severe, or as severe and there is one that was not there before.</summary>
    Worse,

    /// <summary>Its findings are less severe, or as severe and there are fewer.</summary>
    Better,

    /// <summary>The later report shows it as revoked, or shows other tokens of its list and not this one.</summary>
    Gone,

    /// <summary>The later report shows no token of its list: all of them are gone, or the list was not read. Look: Get-MbProjectToken, or Get-MbUserToken.</summary>
    NotSeen,
}
