using System;
using System.Management.Automation;
using MagicBellJwt.Client;
using MagicBellJwt.Client.History;

namespace MagicBellJwt.Commands;

/// <summary>Says whether a history is whole: true or false, and with -Verbose why. Sends nothing.</summary>
[Cmdlet(VerbsDiagnostic.Test, "MbTokenHistory", HelpUri = HelpPages.Folder + "Test-MbTokenHistory.md")]
[Alias("Test-MbJwtHistory")]
[OutputType(typeof(bool))]
public sealed class TestMbTokenHistoryCommand : HistoryCmdlet
{
    /// <summary>The hash of a line that was noted elsewhere: the property Hash of an event, 64 hexadecimal digits. Without it lines that were cut off the end are not missed.</summary>
    [Parameter(Position = 0)]
    [PlainText]
    [ValidateNotNullOrEmpty]
    public string? Anchor { get; set; }

    /// <inheritdoc/>
    private protected override void Process() => Try(() =>
    {
        if (Anchor is not null && !HistoryCheck.IsHash(Anchor))
        {
            throw MagicBellException.Invalid("-Anchor takes 64 hexadecimal digits, as the property Hash of an event has them: (Get-MbTokenHistory -Last 1).Hash");
        }

        HistoryCheck check;
        try
        {
            check = HistoryCheck.Run(HistoryPath(), Anchor, () => Stopping);
        }
        catch (OperationCanceledException)
        {
            throw new PipelineStoppedException();
        }

        foreach (string problem in check.Problems)
        {
            WriteVerbose(problem);
        }

        WriteVerbose(FormattableString.Invariant($"{check.Lines} lines were read. The hash of the last one is {check.LastHash}: noted where nobody can change it, it is an anchor."));
        WriteObject(check.IsWhole);
    });
}
