using System.Management.Automation;
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
    [ArgumentCompleter(typeof(UserCompleter))]
    [ValidateNotNullOrEmpty]
    public string? UserId { get; set; }

    private protected override TokenKind Kind => TokenKind.User;

    private protected override string? GivenUserId => UserId;

    private protected override string? GivenEmail => string.IsNullOrEmpty(Email) ? null : Email;

    private protected override string? GivenExternalId => string.IsNullOrEmpty(ExternalId) ? null : ExternalId;
}
