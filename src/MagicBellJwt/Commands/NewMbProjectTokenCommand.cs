using System.Management.Automation;
using CodeGeneration = System.Management.Automation.Language.CodeGeneration;

namespace MagicBellJwt.Commands;

/// <summary>Issues a token with access to the whole project.</summary>
[Cmdlet(VerbsCommon.New, "MbProjectToken", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium, DefaultParameterSetName = "ExpiresIn", HelpUri = HelpPages.Folder + "New-MbProjectToken.md")]
[Alias("New-MbProjectJwt")]
[OutputType(typeof(IssuedToken), typeof(StoredToken))]
public sealed class NewMbProjectTokenCommand : NewTokenCmdlet
{
    /// <summary>The token's name, 1 to 255 characters: say where it is used.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [PlainText(nameof(Name))]
    [AllowEmptyString]
    public string Name { get; set; } = "";

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        string name = Name;
        Try(name, () =>
        {
            Issue(new TokenScope(CurrentSession, TokenKind.Project), new TokenRequest(name, null, null, Lifetime), name, $"project token '{name}'");
        });
    }

    /// <inheritdoc/>
    private protected override string AdviceForOrphan(string target, string filter) =>
        $"Look for it: Get-MbProjectToken -Name '{CodeGeneration.EscapeSingleQuotedStringContent(WildcardPattern.Escape(target))}' | {filter} # the one that you do not hold: Remove-MbProjectToken ID";
}
