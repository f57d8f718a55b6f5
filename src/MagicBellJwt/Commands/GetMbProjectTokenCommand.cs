using System.Management.Automation;

namespace MagicBellJwt.Commands;

/// <summary>Lists the project's tokens, without their values.</summary>
[Cmdlet(VerbsCommon.Get, "MbProjectToken", HelpUri = HelpPages.Folder + "Get-MbProjectToken.md")]
[Alias("Get-MbProjectJwt")]
[OutputType(typeof(ProjectToken))]
public sealed class GetMbProjectTokenCommand : GetTokenCmdlet
{
    /// <inheritdoc/>
    private protected override void Input() => Try(null, () =>
    {
        foreach (Lane lane in Lanes)
        {
            lane.Waiting.Enqueue(() => List(lane.Session.Name, lane, new TokenScope(lane.Session, TokenKind.Project)));
        }

        Drain();
    });
}
