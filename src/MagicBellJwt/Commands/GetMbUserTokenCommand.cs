using System.Management.Automation;
using MagicBellJwt.Client;
using MagicBellJwt.Completion;

namespace MagicBellJwt.Commands;

/// <summary>Lists the tokens of users, without their values.</summary>
[Cmdlet(VerbsCommon.Get, "MbUserToken", HelpUri = HelpPages.Folder + "Get-MbUserToken.md")]
[Alias("Get-MbUserJwt")]
[OutputType(typeof(UserToken))]
public sealed class GetMbUserTokenCommand : GetTokenCmdlet
{
    /// <summary>The users' ids in MagicBell. Not their e-mail addresses, nor ids of tokens.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [PlainText(nameof(UserId))]
    [ArgumentCompleter(typeof(UserCompleter))]
    [AllowEmptyString]
    [AllowNull]
    public string[] UserId { get; set; } = [];

    /// <summary>How many users' lists are read at a time, 1 to 64; 8 unless given. With 1 they come in order.</summary>
    [Parameter]
    [ValidateRange(1, 64)]
    public int ThrottleLimit { get; set; } = 8;

    // -First counts over all lists, so they are read in order: a page of a later list may not be needed.
    private protected override int Concurrency => First is null ? ThrottleLimit : 1;

    /// <inheritdoc/>
    private protected override string? AdviceFor(MagicBellException failure, object? target) => failure is { Error: MagicBellError.TokenNotFound, StatusCode: 404 }
        ? "Give the user's id in MagicBell: UserId of a token that was issued for the user, or from the dashboard. An e-mail address or an external id is none."
        : null;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (string? userId in UserId ?? [null!])
        {
            string user = userId ?? "";
            Try(user, () =>
            {
                Session session = CurrentSession;
                RequestValidation.CheckUserId(user);
                session.Remember(user);
                List(user, new TokenScope(session, TokenKind.User, user));
            });
        }
    }
}
