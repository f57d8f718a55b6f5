using System;
using System.IO;
using System.Management.Automation;
using MagicBellJwt.Client;

namespace MagicBellJwt.Commands;

/// <summary>Compares two token reports: what became new, worse, better, and what is gone.</summary>
[Cmdlet(VerbsData.Compare, "MbTokenReport", HelpUri = HelpPages.Folder + "Compare-MbTokenReport.md")]
[Alias("Compare-MbJwtReport")]
[OutputType(typeof(TokenReportChange))]
public sealed class CompareMbTokenReportCommand : CheckedCmdlet
{
    private readonly ReportComparison _comparison = new();
    private bool _isWrong;
    private long _rows;

    /// <summary>The earlier report: JSON files that Export-MbTokenReport wrote, or rows of Get-MbTokenReport, from CSV or CLIXML too.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public PSObject[] ReferenceReport { get; set; } = [];

    /// <summary>The later report, given in the same ways.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    public PSObject[] DifferenceReport { get; set; } = [];

    /// <inheritdoc/>
    private protected override void Begin() => Read(ReferenceReport, _comparison.AddBefore);

    /// <inheritdoc/>
    private protected override void Process() => Read(DifferenceReport, _comparison.AddNow);

    /// <inheritdoc/>
    private protected override void End()
    {
        // Where a row is missing, what is told of the others would be wrong too.
        if (_isWrong)
        {
            return;
        }

        if (_comparison.WithoutId > 0)
        {
            WriteWarning(FormattableString.Invariant($"{_comparison.WithoutId} rows have no id, so they are not compared."));
        }

        WriteObject(_comparison.Changes(), enumerateCollection: true);
    }

    private void Read(PSObject[] report, Action<ReportedToken> add)
    {
        foreach (PSObject item in report)
        {
            string? path = item.BaseObject is string or FileInfo ? GetUnresolvedProviderPathFromPSPath(item.BaseObject.ToString()) : null;
            try
            {
                if (path is null)
                {
                    _rows++;
                    add(ReportedToken.From(item));
                    continue;
                }

                if (ScreenText.HoldsToken(path))
                {
                    throw MagicBellException.Invalid("This is a token's value, a secret key or an address with credentials, or holds one, where a file is asked for. It would be shown wherever that is, so nothing was done.");
                }

                if (!path.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
                {
                    throw MagicBellException.Invalid($"'{path}' is no JSON file. Of a CSV file give the rows: (Import-Csv last.csv).");
                }

                foreach (ReportedToken token in ReportedToken.Read(path))
                {
                    add(token);
                }
            }
            catch (MagicBellException failure)
            {
                _isWrong = true;
                WriteError(ErrorRecords.Create(failure, path ?? FormattableString.Invariant($"row {_rows}"), "Give the JSON file that Export-MbTokenReport wrote, or the rows as Get-MbTokenReport writes them; nothing was compared."));
            }
        }
    }
}
