using System.Management.Automation;

namespace MagicBellJwt.Commands;

/// <summary>Replaces project tokens by fresh ones: stored and proved before the old ones end, whatever interrupts it.</summary>
[Cmdlet(VerbsData.Update, "MbProjectToken", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium, DefaultParameterSetName = "Name", HelpUri = HelpPages.Folder + "Update-MbProjectToken.md")]
[Alias("Update-MbProjectJwt")]
[OutputType(typeof(TokenRotation), typeof(IssuedToken), typeof(PlannedChange))]
public sealed class UpdateMbProjectTokenCommand : UpdateTokenCmdlet
{
    private protected override TokenKind Kind => TokenKind.Project;
}
