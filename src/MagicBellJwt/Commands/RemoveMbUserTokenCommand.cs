using System.Management.Automation;

namespace MagicBellJwt.Commands;

/// <summary>Revokes tokens of users, at once and for good.</summary>
[Cmdlet(VerbsCommon.Remove, "MbUserToken", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, HelpUri = HelpPages.Folder + "Remove-MbUserToken.md")]
[Alias("Remove-MbUserJwt")]
[OutputType(typeof(Revocation))]
public sealed class RemoveMbUserTokenCommand : RemoveTokenCmdlet
{
    private protected override TokenKind Kind => TokenKind.User;
}
