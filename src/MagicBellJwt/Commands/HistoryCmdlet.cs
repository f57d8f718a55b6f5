using System;
using System.Management.Automation;
using MagicBellJwt.Client;
using MagicBellJwt.Completion;

namespace MagicBellJwt.Commands;

/// <summary>A cmdlet that reads a history. It needs no session where the file is named.</summary>
public abstract class HistoryCmdlet : CheckedCmdlet
{
    /// <summary>The history's first file. Without it that of the session; without a session, that of the environment variable MAGICBELL_HISTORY.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>The session whose history is meant, or its name; without it, the one that was connected last.</summary>
    [Parameter]
    [Session]
    [ArgumentCompleter(typeof(SessionCompleter))]
    [ValidateNotNull]
    public Session? Session { get; set; }

    /// <summary>The file that is meant.</summary>
    /// <exception cref="MagicBellException">It cannot be told which it is, or the session has none.</exception>
    private protected string HistoryPath()
    {
        Session? session = Session ?? (Path is null ? SessionStore.Current.Latest : null);
        string? path = Path ?? (session is null ? Environment.GetEnvironmentVariable(ConnectMbProjectCommand.HistoryVariable) : session.History?.Path);
        return !string.IsNullOrWhiteSpace(path) ? GetUnresolvedProviderPathFromPSPath(path)
            : session is not null ? throw new MagicBellException(MagicBellError.HistoryFailed, $"The session '{session.Name}' has no history. Connect with one: Connect-MbProject -History PATH.")
            : throw new MagicBellException(MagicBellError.NotConnected, $"It is not known which history is meant. Name it with -Path, or connect first.");
    }

    /// <summary>Runs a step whose failure is an error.</summary>
    private protected void Try(Action step)
    {
        try
        {
            step();
        }
        catch (MagicBellException failure)
        {
            WriteError(ErrorRecords.Create(failure, Path, failure.Error == MagicBellError.HistoryFailed ? "Check the path, and that the file can be read: -Path names a history's first file." : null));
        }
    }
}
