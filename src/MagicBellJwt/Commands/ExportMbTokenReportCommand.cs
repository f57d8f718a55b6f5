using System;
using System.Collections.Generic;
using System.IO;
using System.Management.Automation;
using System.Security;
using System.Text;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;

namespace MagicBellJwt.Commands;

/// <summary>Writes a token report as a page for people, or as CSV or JSON for programs.</summary>
[Cmdlet(VerbsData.Export, "MbTokenReport", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Low, HelpUri = HelpPages.Folder + "Export-MbTokenReport.md")]
[Alias("Export-MbJwtReport")]
[OutputType(typeof(FileInfo))]
public sealed class ExportMbTokenReportCommand : CheckedCmdlet, IDisposable
{
    private readonly List<ReportEntry> _entries = [];
    private string _target = "";
    private AtomicFile? _file;

    /// <summary>The file to write, taken as it is, without wildcards. Its extension says what: <c>.html</c> (or <c>.htm</c>), <c>.csv</c> or <c>.json</c>.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>The rows that Get-MbTokenReport wrote, read back from CLIXML too.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true)]
    [AllowNull]
    [AllowEmptyCollection]
    public PSObject?[]? InputObject { get; set; }

    /// <summary>Overwrites a file that is read-only.</summary>
    [Parameter]
    [NotBlank]
    public SwitchParameter Force { get; set; }

    /// <summary>Does not overwrite a file.</summary>
    [Parameter]
    [NotBlank]
    public SwitchParameter NoClobber { get; set; }

    /// <summary>Writes the file's FileInfo.</summary>
    [Parameter]
    [NotBlank]
    public SwitchParameter PassThru { get; set; }

    /// <summary>Begins the file: whoever waited an hour for the rows must not learn then that it cannot be written.</summary>
    private protected override void Begin()
    {
        _target = SessionState.Path.GetUnresolvedProviderPathFromPSPath(Path, out ProviderInfo provider, out _);
        if (provider.Name != "FileSystem" || Format() is null)
        {
            Fail(MagicBellException.Invalid($"'{Path}' is not the path of a file whose name ends with .html, .csv or .json."), "Give -Path a file name that says the format, such as report.html.");
        }

        if (ShouldProcess(_target, "Write token report"))
        {
            Write(() =>
            {
                var there = new FileInfo(_target);
                if (there.Exists && NoClobber)
                {
                    Fail(new MagicBellException(MagicBellError.Conflict, $"The file '{_target}' exists already, and -NoClobber was given."), "Choose another -Path, or leave out -NoClobber.");
                }

                if (there.Exists && there.IsReadOnly && !Force)
                {
                    throw new UnauthorizedAccessException($"The file '{_target}' is read-only; -Force overwrites it.");
                }

                // A file that takes its place would end a link or a pipe.
                OwnerOnly.RefuseSpecial(_target);
                if (there.Exists)
                {
                    OwnerOnly.OpenToRead(_target).Dispose();
                }

                _file = new AtomicFile(_target);
            });
        }
    }

    /// <inheritdoc/>
    private protected override void Process()
    {
        foreach (PSObject? row in InputObject ?? [])
        {
            try
            {
                _entries.Add(ReportEntry.From(row));
            }
            catch (MagicBellException failure)
            {
                WriteError(ErrorRecords.Create(failure, row, "Give the rows as Get-MbTokenReport writes them: Get-MbTokenReport | Export-MbTokenReport report.html."));
            }
        }
    }

    /// <inheritdoc/>
    private protected override void End()
    {
        if (_file is not { } file)
        {
            return;
        }

        Write(() =>
        {
            string format = Format()!;
            using (var writer = new StreamWriter(file.Stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: format == "csv"), 65536, leaveOpen: true))
            {
                Write(writer, format, DateTimeOffset.UtcNow);
            }

            file.Commit(overwrite: !NoClobber);
        });
        if (PassThru)
        {
            // As Get-Item gives it, with the PSPath that the next command binds by.
            WriteObject(InvokeProvider.Item.Get([_target], force: true, literalPath: true), enumerateCollection: true);
        }
    }

    /// <summary>Leaves no half of a file, however the pipeline ends.</summary>
    public void Dispose() => _file?.Dispose();

    private string? Format() => System.IO.Path.GetExtension(_target).ToLowerInvariant() switch
    {
        ".html" or ".htm" => "html",
        ".csv" => "csv",
        ".json" => "json",
        _ => null,
    };

    private void Write(TextWriter writer, string format, DateTimeOffset now)
    {
        var origin = new ReportOrigin(_entries, now);
        switch (format)
        {
            case "html":
                new ReportPage(writer, _entries, origin).Write();
                break;
            case "csv":
                ReportCsv.Write(writer, _entries, origin);
                break;
            default:
                JsonOutput.Write(writer, new { GeneratedAt = now, Report = origin, Summary = new ReportSummary(_entries), Tokens = _entries });
                break;
        }
    }

    private void Write(Action step)
    {
        try
        {
            step();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or SecurityException or NotSupportedException or ArgumentException)
        {
            var record = new ErrorRecord(failure, "MbReportNotWritten", ErrorCategory.WriteError, _target);
            record.ErrorDetails = new ErrorDetails($"The report could not be written: {failure.Message}") { RecommendedAction = "Check that the folder is there and that you may write to it, then call again; nothing was changed." };
            ThrowTerminatingError(record);
        }
    }

    private void Fail(MagicBellException failure, string advice) => ThrowTerminatingError(ErrorRecords.Create(failure, _target, advice));
}
