using System.Management.Automation;

namespace MagicBellJwt.Commands;

/// <summary>Lists this runspace's sessions; the current one comes last, with a star.</summary>
[Cmdlet(VerbsCommon.Get, "MbSession", HelpUri = HelpPages.Folder + "Get-MbSession.md")]
[OutputType(typeof(Session))]
public sealed class GetMbSessionCommand : CheckedCmdlet
{
    /// <summary>Only sessions with such a name; wildcards are allowed.</summary>
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = "*";

    /// <inheritdoc/>
    private protected override void Process()
    {
        var pattern = WildcardPattern.Get(Name, WildcardOptions.IgnoreCase | WildcardOptions.CultureInvariant);
        foreach (Session session in SessionStore.Current.Sessions)
        {
            if (pattern.IsMatch(session.Name))
            {
                WriteObject(session);
            }
        }
    }
}
