using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Client;

namespace MagicBellJwt.Commands;

/// <summary>Revokes tokens of users, at once and for good.</summary>
[Cmdlet(VerbsCommon.Remove, "MbUserToken", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, HelpUri = HelpPages.Folder + "Remove-MbUserToken.md")]
[Alias("Remove-MbUserJwt")]
[OutputType(typeof(Revocation))]
public sealed class RemoveMbUserTokenCommand : RemoveTokenCmdlet
{
    private protected override TokenKind Kind => TokenKind.User;

    private protected override Task<DiscardedToken> DiscardAsync(JwtService service, TokenReference token, CallContext call) =>
        service.DiscardUserJwtAsync(token.Id, call);
}
