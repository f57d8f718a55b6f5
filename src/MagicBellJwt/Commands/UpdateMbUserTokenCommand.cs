using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Completion;

namespace MagicBellJwt.Commands;

/// <summary>Replaces tokens of users by fresh ones of the same user: stored and proved before the old ones end, whatever interrupts it.</summary>
/// <remarks>
/// A list of tokens says nothing of the user but the id, and a create takes an address or an external id. Whichever was not typed, the API is asked for
/// right before; and the user's list proves that the new token is the same user's.
/// </remarks>
[Cmdlet(VerbsData.Update, "MbUserToken", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium, DefaultParameterSetName = "Name", HelpUri = HelpPages.Folder + "Update-MbUserToken.md")]
[Alias("Update-MbUserJwt")]
[OutputType(typeof(TokenRotation), typeof(IssuedToken), typeof(PlannedChange))]
public sealed class UpdateMbUserTokenCommand : UpdateTokenCmdlet
{
    private bool _isOwnerTyped;

    /// <summary>The user's e-mail address. It or -ExternalId, or both, say whose token the new one is.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = "Name")]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = "Id")]
    [Alias("Mail", "E-mail", "UserPrincipalName")]
    [PlainText(MayBeEmpty = true)]
    [ArgumentCompleter(typeof(UserCompleter))]
    [AllowEmptyString]
    [AllowNull]
    public string? Email { get; set; }

    /// <summary>The user's id in your own system.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = "Name")]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = "Id")]
    [Alias("external_id")]
    [PlainText(KeepsBlanks = true, MayBeEmpty = true)]
    [ArgumentCompleter(typeof(UserCompleter))]
    [AllowEmptyString]
    [AllowNull]
    public string? ExternalId { get; set; }

    /// <summary>The user's id in MagicBell, in whose list the token is. Without it the API is asked whose the address or the external id is. Listed tokens carry it.</summary>
    [Parameter(ParameterSetName = "Name")]
    [Parameter(ParameterSetName = "Id")]
    [PlainText]
    [ArgumentCompleter(typeof(UserCompleter))]
    [ValidateNotNullOrEmpty]
    public string? UserId { get; set; }

    private protected override TokenKind Kind => TokenKind.User;

    private protected override string OwnerArgument => this switch
    {
        { UserId: { } id } => " -UserId " + CommandText.Quote(id),
        { Email: { Length: > 0 } email } => " -Email " + CommandText.Quote(email),
        { ExternalId: { Length: > 0 } id } => " -ExternalId " + CommandText.Quote(id),
        _ => " -UserId USERID",
    };

    private UserReference Given => UserReference.Read([], [Email!], [ExternalId!])[0];

    /// <inheritdoc/>
    private protected override void Begin()
    {
        base.Begin();
        _isOwnerTyped = MyInvocation.BoundParameters.ContainsKey(nameof(Email)) || MyInvocation.BoundParameters.ContainsKey(nameof(ExternalId));
    }

    private protected override async Task<string?> FindOwnerAsync(Session session)
    {
        if (UserId is not null)
        {
            return UserId;
        }

        UserReference given = Given;
        return given.Query is not null || ParameterSetName == "Name" ? (await AskAsync(session, given).ConfigureAwait(false)).UserId : null;
    }

    private protected override async Task<(string? Email, string? ExternalId)> NameOwnerAsync(TokenScope scope)
    {
        UserReference given = Given;
        if (given.Query is not null && (!IsListed || _isOwnerTyped))
        {
            return (given.Email, given.ExternalId);
        }

        User user = await AskWhoAsync(scope.Session, scope.UserId!).ConfigureAwait(false);
        return user.Email is null && user.ExternalId is null
            ? throw MagicBellException.Invalid($"The user {user} has neither an e-mail address nor an external id, and a token is issued for one of them.")
            : (user.Email, user.Email is null ? user.ExternalId : null);
    }

    // By what the session knows of the user, which costs one request; by the list where that does not hold any more.
    private async Task<User> AskWhoAsync(Session session, string userId)
    {
        var byId = new UserReference(userId, null, null);
        if (session.Users.Known(userId) is not { } known || (known.Email ?? known.ExternalId) is null)
        {
            return await AskAsync(session, byId).ConfigureAwait(false);
        }

        try
        {
            return await AskAsync(session, new UserReference(userId, known.Email, known.Email is null ? known.ExternalId : null)).ConfigureAwait(false);
        }
        catch (MagicBellException failure) when (failure.Error is MagicBellError.UserNotFound or MagicBellError.Conflict)
        {
            return await AskAsync(session, byId).ConfigureAwait(false);
        }
    }

    private async Task<User> AskAsync(Session session, UserReference reference)
    {
        reference.Check();
        UserMatch match = (await session.Users.FindAsync([reference], isAnew: true, ReadCall, ((IPipeline)this).Verbose).ConfigureAwait(false))[0];
        return match.Failure is { } failure ? throw failure : match.User!;
    }
}
