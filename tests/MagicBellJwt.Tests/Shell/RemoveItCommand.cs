using System.Management.Automation;

namespace MagicBellJwt.Tests.Shell;

/// <summary>A cmdlet that asks before it acts, and says what it did.</summary>
[Cmdlet(VerbsCommon.Remove, "It", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
public sealed class RemoveItCommand : PSCmdlet
{
    /// <summary>Imports the cmdlets of these tests into a shell.</summary>
    public static string Import { get; } = $"Import-Module '{typeof(RemoveItCommand).Assembly.Location}'";

    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    public string It { get; set; } = "";

    protected override void ProcessRecord()
    {
        if (ShouldProcess(It))
        {
            WriteObject($"removed {It}");
        }
    }
}
