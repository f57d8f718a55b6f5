using System.Collections.Generic;
using System.Management.Automation;

namespace MagicBellJwt.Commands;

/// <summary>Issues a token with access to the whole project.</summary>
[Cmdlet(VerbsCommon.New, "MbProjectToken", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium, DefaultParameterSetName = "ExpiresIn", HelpUri = HelpPages.Folder + "New-MbProjectToken.md")]
[Alias("New-MbProjectJwt")]
[OutputType(typeof(IssuedToken), typeof(StoredToken))]
public sealed class NewMbProjectTokenCommand : NewTokenCmdlet
{
    /// <summary>The token's name, 1 to 255 characters: say where it is used.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [PlainText(nameof(Name), KeepsBlanks = true)]
    [AllowEmptyString]
    public string Name { get; set; } = "";

    /// <inheritdoc/>
    private protected override void Issue(InputRow? row)
    {
        string name = TextOf(Columns.Name, Name, row) ?? "";
        TryRow(name, row, new Dictionary<string, string?> { [Columns.Name] = name }, () =>
            Issue(new TokenScope(CurrentSession, TokenKind.Project), new TokenRequest(name, null, null, LifetimeOf(row, CurrentSession.Service.ServerNow)), name, $"project token '{name}'"));
    }

    /// <inheritdoc/>
    private protected override string AdviceForOrphan(string target, string filter, string where) =>
        $"Look for it: Get-MbProjectToken -Name {CommandText.Quote(WildcardPattern.Escape(target))}{where} | {filter} # the one that you do not hold: Remove-MbProjectToken ID{where}";
}
