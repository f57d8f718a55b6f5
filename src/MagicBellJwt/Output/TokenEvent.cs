using System;
using System.Globalization;
using MagicBellJwt.Client.History;

namespace MagicBellJwt;

/// <summary>One operation that a history has recorded: what was done, by whom, why, and what came of it. Holds no secret.</summary>
public sealed class TokenEvent
{
    internal TokenEvent(HistoryEvent recorded, string path)
    {
        Sequence = recorded.First.Sequence;
        Time = recorded.First.WrittenAt;
        Operation = OperationOf(recorded.First["op"]);
        Outcome = OutcomeOf(recorded);
        Kind = KindOf(recorded.First["op"]);
        Id = recorded["id"];
        NewId = recorded["new"];
        Name = recorded["name"];
        UserId = recorded["user"];
        Email = recorded["email"];
        ExternalId = recorded["externalId"];
        Fingerprint = recorded["fingerprint"];
        Step = Operation == TokenOperation.Rotate ? recorded["outcome"] : null;
        Detail = Operation is TokenOperation.Mend or TokenOperation.Test ? recorded["outcome"] : null;
        HeldBy = recorded.Claim?["heldBy"] ?? (Operation == TokenOperation.Rotate ? recorded["place"] : null);
        Reason = recorded["reason"];
        Error = recorded["error"];
        Project = recorded["project"];
        Address = recorded["address"];
        Account = recorded["account"];
        HostName = recorded["host"];
        ProcessId = int.TryParse(recorded["process"], out int process) ? process : null;
        Module = recorded["module"];
        IdempotencyKey = Guid.TryParse(recorded["key"], out Guid key) ? key : null;
        RequestId = recorded["request"];
        Attempts = int.TryParse(recorded["attempts"], out int attempts) ? attempts : null;
        ClockOffset = double.TryParse(recorded["offset"], NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) ? TimeSpan.FromSeconds(seconds) : null;
        ExpiresAt = recorded.ExpiresAt;
        Hash = recorded.Last.Hash;
        Path = path;
    }

    /// <summary>The number of its first line in the history, from 1.</summary>
    public long Sequence { get; }

    /// <summary>When it was about to be done, by the clock of the machine that did it.</summary>
    public DateTimeOffset Time { get; }

    /// <summary>What was done.</summary>
    public TokenOperation Operation { get; }

    /// <summary>What came of it.</summary>
    public TokenEventOutcome Outcome { get; }

    /// <summary>Whether it was about a project's token or a user's; null where the history does not say.</summary>
    public TokenKind? Kind { get; }

    /// <summary>The token's id, of a rotation the old token's; null where none is known.</summary>
    public string? Id { get; }

    /// <summary>The id of a rotation's new token; null for other operations, and before there is one.</summary>
    public string? NewId { get; }

    /// <summary>The token's name; null where the history does not say.</summary>
    public string? Name { get; }

    /// <summary>The id of the user whose token it is; null for a project's, and where the history does not say.</summary>
    public string? UserId { get; }

    /// <summary>The user's e-mail address; null unless the session recorded personal data.</summary>
    public string? Email { get; }

    /// <summary>The user's id in your own system; null unless the session recorded personal data.</summary>
    public string? ExternalId { get; }

    /// <summary>The first 12 hexadecimal digits of SHA-256 over the token's value; null where it is not known.</summary>
    public string? Fingerprint { get; }

    /// <summary>The step of a rotation, such as <c>Stored</c>; null for other operations.</summary>
    public string? Step { get; }

    /// <summary>What was mended in the history, or what a test of a found token came to, Live, NotLive or Unknown; null for other operations.</summary>
    public string? Detail { get; }

    /// <summary>Who has the token that was issued: <c>the pipeline</c>, <c>vault/secret</c>, a file or <c>-SaveTo</c>; null where that is not recorded.</summary>
    public string? HeldBy { get; }

    /// <summary>Why it was done, as -Reason said; null where no reason was given.</summary>
    public string? Reason { get; }

    /// <summary>The id of the error, such as <c>MbForbidden</c>; null where there was none.</summary>
    public string? Error { get; }

    /// <summary>The name of the session.</summary>
    public string? Project { get; }

    /// <summary>The API's address.</summary>
    public string? Address { get; }

    /// <summary>The account of the operating system that did it.</summary>
    public string? Account { get; }

    /// <summary>The machine.</summary>
    public string? HostName { get; }

    /// <summary>The process.</summary>
    public int? ProcessId { get; }

    /// <summary>The module's version.</summary>
    public string? Module { get; }

    /// <summary>The idempotency key of a create; null for other operations.</summary>
    public Guid? IdempotencyKey { get; }

    /// <summary>The server's id of the last request; null where it sent none.</summary>
    public string? RequestId { get; }

    /// <summary>How often the request was sent; null where that is not recorded.</summary>
    public int? Attempts { get; }

    /// <summary>How far the machine's clock was ahead of the server's; null where that was not known.</summary>
    public TimeSpan? ClockOffset { get; }

    /// <summary>When the token that was issued ends; null where it never does, and for other operations.</summary>
    public DateTimeOffset? ExpiresAt { get; }

    /// <summary>The SHA-256 of the operation's last line, 64 hexadecimal digits. Noted elsewhere, it is an anchor for Test-MbTokenHistory.</summary>
    public string Hash { get; }

    /// <summary>The history's first file.</summary>
    public string Path { get; }

    /// <summary>The command that looks what became of it; null where the outcome is known, and where no list can tell: of a token that was signed on a machine, or tried.</summary>
    public string? Look => (Outcome, Kind) switch
    {
        (not (TokenEventOutcome.Unknown or TokenEventOutcome.Unclaimed), _) => null,
        _ when Operation is TokenOperation.Test or TokenOperation.Sign => null,
        (_, TokenKind.User) => $"Get-MbUserToken {UserArgument}{Filter}",
        _ when Id is not null => $"Get-MbProjectToken -Id {CommandText.Quote(Id)}{SessionArgument}",
        _ => $"Get-MbProjectToken{(Name is null ? "" : " -Name " + CommandText.Quote(System.Management.Automation.WildcardPattern.Escape(Name)))}{SessionArgument}{Filter}",
    };

    /// <summary>The token's id.</summary>
    /// <returns>The id; empty where none is known.</returns>
    public override string ToString() => Id ?? "";

    private string UserArgument => (UserId is not null ? "-UserId " + CommandText.Quote(UserId)
        : Email is not null ? "-Email " + CommandText.Quote(Email)
        : ExternalId is not null ? "-ExternalId " + CommandText.Quote(ExternalId)
        : "-AllUsers") + SessionArgument;

    private string SessionArgument => Project is null ? "" : " -Session " + CommandText.Quote(Project);

    private string Filter => Id is not null
        ? $" | Where-Object Id -eq {CommandText.Quote(Id)}"
        : string.Format(CultureInfo.InvariantCulture, " | Where-Object CreatedAt -ge '{0:yyyy-MM-dd'T'HH:mm:ss'Z'}'", (Time - (ClockOffset ?? TimeSpan.Zero)).UtcDateTime.AddMinutes(-1));

    internal static TokenOperation OperationOf(string? name) => name switch
    {
        "CreateProjectJwt" or "CreateUserJwt" => TokenOperation.Issue,
        "DiscardProjectJwt" or "DiscardUserJwt" => TokenOperation.Revoke,
        "RotationStep" => TokenOperation.Rotate,
        "SignUserJwt" => TokenOperation.Sign,
        "TestToken" => TokenOperation.Test,
        HistoryLine.Repair => TokenOperation.Mend,
        _ => TokenOperation.Other,
    };

    private static TokenKind? KindOf(string? name) => name switch
    {
        "CreateProjectJwt" or "DiscardProjectJwt" => TokenKind.Project,
        "CreateUserJwt" or "DiscardUserJwt" or "SignUserJwt" => TokenKind.User,
        _ => null,
    };

    private static TokenEventOutcome OutcomeOf(HistoryEvent recorded) => recorded.Outcome?["outcome"] switch
    {
        null => TokenEventOutcome.Unknown,
        _ when recorded.IsUnclaimed => TokenEventOutcome.Unclaimed,
        TokenHistory.Issued => TokenEventOutcome.Issued,
        TokenHistory.Revoked => TokenEventOutcome.Revoked,
        TokenHistory.AlreadyRevoked => TokenEventOutcome.AlreadyRevoked,
        TokenHistory.Failed => TokenEventOutcome.Failed,
        TokenHistory.Unknown => TokenEventOutcome.Unknown,
        _ => TokenEventOutcome.Done,
    };
}

/// <summary>What was done.</summary>
public enum TokenOperation : long
{
    /// <summary>A token was issued by the API.</summary>
    Issue,

    /// <summary>A token was revoked.</summary>
    Revoke,

    /// <summary>A rotation came to its next step. What it issued and revoked has events of its own.</summary>
    Rotate,

    /// <summary>A user token was signed on this machine with the project's secret key.</summary>
    Sign,

    /// <summary>A token that was found was sent to the API, to see whether it is live.</summary>
    Test,

    /// <summary>The history itself was mended: a line that a crash had cut short was taken out.</summary>
    Mend,

    /// <summary>Something that this version of the module does not know.</summary>
    Other,
}

/// <summary>What came of an operation.</summary>
public enum TokenEventOutcome : long
{
    /// <summary>The token was issued, and a pipeline took it, a store holds it, or it was revoked again.</summary>
    Issued,

    /// <summary>The token was issued, and it is not recorded that anybody took it: it may be live and held by nobody.</summary>
    Unclaimed,

    /// <summary>The API said that the token is revoked.</summary>
    Revoked,

    /// <summary>The list showed that the token was over already.</summary>
    AlreadyRevoked,

    /// <summary>It is certain that nothing was done.</summary>
    Failed,

    /// <summary>Nobody can tell whether it was done.</summary>
    Unknown,

    /// <summary>It was done: a step of a rotation, a test, a repair of the history.</summary>
    Done,
}
