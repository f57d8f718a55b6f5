using System;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Completion;

namespace MagicBellJwt.Commands;

/// <summary>Replaces tokens of users by fresh ones of the same user: stored and proved before the old ones end, whatever interrupts it.</summary>
/// <remarks>No answer of the API says whose a token is by e-mail address or external id, so the caller does, and the user's list proves it.</remarks>
[Cmdlet(VerbsData.Update, "MbUserToken", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium, DefaultParameterSetName = "Name", HelpUri = HelpPages.Folder + "Update-MbUserToken.md")]
[Alias("Update-MbUserJwt")]
[OutputType(typeof(TokenRotation), typeof(IssuedToken))]
public sealed class UpdateMbUserTokenCommand : UpdateTokenCmdlet
{
    /// <summary>The user's e-mail address. It or -ExternalId, or both, say whose token the new one is.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = "Name")]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = "Id")]
    [PlainText]
    [AllowEmptyString]
    [AllowNull]
    public string? Email { get; set; }

    /// <summary>The user's id in your own system.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = "Name")]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = "Id")]
    [PlainText]
    [AllowEmptyString]
    [AllowNull]
    public string? ExternalId { get; set; }

    /// <summary>The user's id in MagicBell, in whose list the token is. Listed tokens carry it.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Name")]
    [Parameter(ParameterSetName = "Id")]
    [PlainText]
    [ArgumentCompleter(typeof(UserIdCompleter))]
    [ValidateNotNullOrEmpty]
    public string? UserId { get; set; }

    private protected override TokenKind Kind => TokenKind.User;

    private protected override string? GivenUserId => UserId;

    private protected override TokenPages List(JwtService service, string? userId, PageRequest page) =>
        service.FetchUserTokensAsync(userId ?? throw MagicBellException.Invalid("An id alone does not say in whose list the token is. Give the user's id with -UserId, or the listed token."), page);

    private protected override ListedToken Wrap(ListedTokenRecord record, Session session, string? userId) => new UserToken(record, session, userId!);

    private protected override void Check(string? name, long? lifetime)
    {
        RequestValidation.CheckUser(ValueOf(Email), ValueOf(ExternalId));
        RequestValidation.CheckLifetime(lifetime);
        if (name is not null)
        {
            RequestValidation.CheckName(name);
        }
    }

    private protected override Task<CreatedToken> CreateAsync(JwtService service, string? name, long? lifetime, Guid key, CallContext call) =>
        service.CreateUserJwtAsync(new CreateUserToken(ValueOf(Email), ValueOf(ExternalId), name, lifetime), key, trustIdempotency: false, call);

    private protected override Task<DiscardedToken> DiscardAsync(JwtService service, string id, CallContext call) => service.DiscardUserJwtAsync(id, call);

    private protected override void Prove(Session session, string? userId, string id, string value)
    {
        if (Find(session, userId, token => string.Equals(token.Id, id, StringComparison.OrdinalIgnoreCase)) is null)
        {
            throw new MagicBellException(MagicBellError.RotationFailed, $"The new token {id} is not in the list of user {userId}: -Email or -ExternalId says another user.");
        }

        // A user's token may not administer; one that does not work is not even asked what it may.
        try
        {
            ReadWith(session, value);
        }
        catch (MagicBellException failure) when (failure is { Error: MagicBellError.Forbidden, IsCertain: true })
        {
            return;
        }
        catch (MagicBellException failure)
        {
            throw new MagicBellException(MagicBellError.RotationFailed, $"The new token {id} did not prove to work: {failure.Message}", failure);
        }

        throw new MagicBellException(MagicBellError.RotationFailed, $"The new token {id} may administer the project, so it is no user's.");
    }

    private static string? ValueOf(string? column) => string.IsNullOrEmpty(column) ? null : column;
}
