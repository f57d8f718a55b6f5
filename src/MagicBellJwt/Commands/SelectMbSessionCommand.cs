using System.Management.Automation;
using MagicBellJwt.Client;
using MagicBellJwt.Completion;

namespace MagicBellJwt.Commands;

/// <summary>Makes a session the current one: the one that commands use without -Session. Sends nothing.</summary>
[Cmdlet(VerbsCommon.Select, "MbSession", HelpUri = HelpPages.Folder + "Select-MbSession.md")]
[OutputType(typeof(Session))]
public sealed class SelectMbSessionCommand : CheckedCmdlet
{
    /// <summary>The session, or its name.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [Session]
    [ArgumentCompleter(typeof(SessionCompleter))]
    [ValidateNotNull]
    public Session? Session { get; set; }

    /// <summary>Writes the session.</summary>
    [Parameter]
    [NotBlank]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    private protected override void Process()
    {
        try
        {
            SessionStore.Current.Select(Session!);
        }
        catch (MagicBellException failure)
        {
            WriteError(ErrorRecords.Create(failure, Session!.Name));
            return;
        }

        if (PassThru)
        {
            WriteObject(Session);
        }
    }
}
