using System;
using System.Collections.Generic;
using System.Management.Automation;
using MagicBellJwt.Client;

namespace MagicBellJwt.Commands;

/// <summary>Judges the project's tokens, and those of any number of users: a row a token, with findings and the command that fixes it.</summary>
[Cmdlet(VerbsCommon.Get, "MbTokenReport", HelpUri = HelpPages.Folder + "Get-MbTokenReport.md")]
[Alias("Get-MbJwtReport")]
[OutputType(typeof(TokenReportRow))]
public sealed class GetMbTokenReportCommand : SessionCmdlet
{
    // Collected before the first request: the count makes a remaining time possible, and each user is read once.
    private readonly List<string> _users = [];
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    /// <summary>The ids in MagicBell of the users whose tokens are judged too; one that comes twice is asked about once.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [PlainText(nameof(UserId))]
    [AllowEmptyString]
    [AllowNull]
    [AllowEmptyCollection]
    public string[] UserId { get; set; } = [];

    /// <summary>How long before its end a token is found to expire soon, 0 or more: <c>12h</c>, <c>30d</c>, or a TimeSpan; 30 days unless given.</summary>
    [Parameter]
    [Lifetime]
    public TimeSpan ExpiringWithin { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How old a token may become, a second or more: <c>12h</c>, <c>90d</c>, or a TimeSpan; 90 days unless given.</summary>
    [Parameter]
    [Lifetime]
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromDays(90);

    /// <summary>How many live tokens a user may have, 1 or more; 5 unless given.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int MaxPerUser { get; set; } = 5;

    /// <summary>How many lists are read at a time, 1 to 64; 8 unless given. With 1 they come in order, the project's first.</summary>
    [Parameter]
    [ValidateRange(1, 64)]
    public int ThrottleLimit { get; set; } = 8;

    private protected override int Concurrency => ThrottleLimit;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (string? userId in UserId ?? [null!])
        {
            if (_known.Add(userId ?? ""))
            {
                _users.Add(userId ?? "");
            }
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        Try(null, () =>
        {
            if (ExpiringWithin < TimeSpan.Zero || MaxAge < TimeSpan.FromSeconds(1))
            {
                throw MagicBellException.Invalid("-ExpiringWithin must not be negative, and -MaxAge must be a second or more.");
            }

            var policy = new TokenPolicy(ExpiringWithin, MaxAge, MaxPerUser);
            Session session = CurrentSession;
            Expect(1 + _users.Count, session.Service.ReadsPerMinute);
            Audit(session.Name, policy, session, null);
            foreach (string userId in _users)
            {
                Audit(userId, policy, session, userId);
            }
        });
        Finish();
    }

    private void Audit(string target, TokenPolicy policy, Session session, string? userId) => Start(target, async () =>
    {
        var scope = new TokenScope(session, userId is null ? TokenKind.Project : TokenKind.User, userId);
        List<TokenReportRow> rows = policy.Judge(await scope.ListAsync(ReadCall).ConfigureAwait(false), userId, session, DateTimeOffset.UtcNow);
        await OfferAsync(() => WriteObject(rows, enumerateCollection: true)).ConfigureAwait(false);
    });
}
