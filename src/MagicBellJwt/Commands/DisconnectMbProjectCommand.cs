using System.Management.Automation;
using MagicBellJwt.Completion;

namespace MagicBellJwt.Commands;

/// <summary>Ends sessions and forgets their tokens. What they listed cannot be acted upon any more.</summary>
[Cmdlet(VerbsCommunications.Disconnect, "MbProject", DefaultParameterSetName = "Session", HelpUri = HelpPages.Folder + "Disconnect-MbProject.md")]
[OutputType(typeof(void))]
public sealed class DisconnectMbProjectCommand : CheckedCmdlet
{
    /// <summary>The session to end, or its name; without it, the one that was connected last.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ParameterSetName = "Session")]
    [Session]
    [ArgumentCompleter(typeof(SessionCompleter))]
    [ValidateNotNull]
    public Session? Session { get; set; }

    /// <summary>Ends every session of this runspace.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "All")]
    [NotBlank]
    public SwitchParameter All { get; set; }

    /// <inheritdoc/>
    private protected override void Process()
    {
        SessionStore store = SessionStore.Current;
        Session? before = store.Latest;
        if (All)
        {
            store.Disconnect(store.Sessions);
        }
        else if ((Session ?? store.Latest) is { } session)
        {
            store.Disconnect([session]);
        }

        // The next command would act in a project that nobody named.
        if (store.Latest is { } now && now != before)
        {
            WriteInformation(new HostInformationMessage { Message = $"The current session is now '{ScreenText.Of(now.Name)}' ({now.BaseAddress})." }, ["PSHOST"]);
        }
    }
}
