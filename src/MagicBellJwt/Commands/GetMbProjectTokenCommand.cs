using System.Management.Automation;

namespace MagicBellJwt.Commands;

/// <summary>Lists the project's tokens, without their values.</summary>
[Cmdlet(VerbsCommon.Get, "MbProjectToken", HelpUri = HelpPages.Folder + "Get-MbProjectToken.md")]
[Alias("Get-MbProjectJwt")]
[OutputType(typeof(ProjectToken))]
public sealed class GetMbProjectTokenCommand : GetTokenCmdlet
{
    /// <inheritdoc/>
    private protected override void Process() => Try(null, () =>
    {
        Session session = CurrentSession;
        List(session.Name, new TokenScope(session, TokenKind.Project));
    });
}
