using System;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Report;

/// <summary>Compare-MbTokenReport: what became of each token between two reports, in whatever form they were kept.</summary>
public sealed class CompareReportTests : IAsyncDisposable
{
    private readonly AuditedProject _project = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");
    private readonly PowerShellEngine _engine;

    public CompareReportTests()
    {
        _project.Add("gone", 1, 60);
        _project.Add("revoked", 1, 60);
        _project.Add("expires", 1, 60);
        _project.Add("mended", 1, 10);
        _project.Add("same", 1, 60);
        _project.Add("phone", 1, 20, "u1");
        _project.Add("laptop", 1, 60, "u1");
        _project.Add("tablet", 1, 60, "u2");
        _engine = _project.Connect();

        // The later report, as rows of the earlier one that were changed; every form is read from them.
        _engine.Run(
            """
            function Keep($Rows, $Name, $As) {
                switch ($As) {
                    json { $Rows | Export-MbTokenReport "$folder/$Name.json"; , "$folder/$Name.json" }
                    csv { $Rows | Export-MbTokenReport "$folder/$Name.csv"; , @(Import-Csv "$folder/$Name.csv") }
                    clixml { $Rows | Export-Clixml "$folder/$Name.xml"; , @(Import-Clixml "$folder/$Name.xml") }
                }
            }

            $last = Get-MbTokenReport u1, u2
            """,
            ("folder", _folder.FullName)).MustSucceed();
    }

    public async ValueTask DisposeAsync()
    {
        _engine.Dispose();
        await _project.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("json")]
    [InlineData("csv")]
    [InlineData("clixml")]
    public void Each_token_that_differs_is_a_row_that_says_how(string form)
    {
        PSObject[] changes = [.. _engine.Run(
            $$"""
            $kept = Keep $last last {{form}}
            $now = Import-Csv (Keep $last all csv | ForEach-Object { "$folder/all.csv" } | Select-Object -First 1) | Where-Object { $_.Name -ne 'gone' -and $_.UserId -ne 'u2' }
            ($now | Where-Object Name -EQ 'revoked').Status = 'Discarded'
            $row = $now | Where-Object Name -EQ 'expires'; $row.Severity = 'High'; $row.Findings = 'ExpiresSoon, DuplicateName'; $row.Remedy = 'Do it'
            $row = $now | Where-Object Name -EQ 'mended'; $row.Severity = 'None'; $row.Findings = ''; $row.Remedy = ''
            $row = $now | Where-Object Name -EQ 'phone'; $row.Findings = 'OlderThanPolicy'
            $now += [pscustomobject]@{ Severity = 'Low'; Findings = ''; Kind = 'Project'; Status = 'Active'; Id = [guid]::NewGuid(); Name = 'new'; Project = 'acme' }
            Compare-MbTokenReport $kept $now
            """).MustSucceed()];

        Assert.Equal(
            ["expires Worse High None ExpiresSoon,DuplicateName -", "gone Gone  None - -", "mended Better None Medium - ExpiresSoon", "new New Low  - -", "phone Worse Low Low OlderThanPolicy ExpiresSoon", "revoked Gone  None - -", "tablet NotSeen  None - -"],
            changes.Select(change => $"{change.Get<string>("Name")} {change.Get<string>("Change")} {change.Get<string>("Severity")} {change.Get<string>("SeverityBefore")} {Findings(change, "NewFindings")} {Findings(change, "EndedFindings")}").Order(StringComparer.Ordinal));
        Assert.Equal("Do it", changes.Single(change => change.Get<string>("Name") == "expires").Get<string>("Remedy"));
        Assert.Equal(("u2", "User"), changes.Where(change => change.Get<string>("Name") == "tablet").Select(change => (change.Get<string>("UserId"), change.Get<string>("Kind"))).Single());
        Assert.All(changes, change => Assert.Equal("acme", change.Get<string>("Project")));

        static string Findings(PSObject change, string property) => string.Join(',', change.Get<string[]>(property)) is { Length: > 0 } text ? text : "-";
    }

    [Fact]
    public void The_same_report_has_no_changes_whether_it_is_piped_or_read()
    {
        Assert.Empty(_engine.Run("Get-MbTokenReport u1, u2 | Compare-MbTokenReport (Keep $last last json)").MustSucceed());
        Assert.Empty(_engine.Run("Compare-MbTokenReport (Get-Item (Keep $last last json)) $last").MustSucceed());
    }

    [Theory]
    [InlineData("{ \"Tokens\": [ { \"Severity\": \"Low\" ")]
    [InlineData("{ \"Tokens\": [ { \"Id\": \"1\" } ] }")]
    [InlineData("{ \"Tokens\": [ { \"Severity\": \"Extreme\", \"Kind\": \"Project\", \"Status\": \"Active\" } ] }")]
    [InlineData("{ \"Tokens\": [ 1 ] }")]
    [InlineData("{ \"Tokens\": 1 }")]
    [InlineData("{ \"Others\": [] }")]
    [InlineData("[]")]
    [InlineData("")]
    public void Where_a_file_is_damaged_nothing_is_compared(string text)
    {
        string path = Path.Combine(_folder.FullName, "damaged.json");
        File.WriteAllText(path, text);

        Run run = _engine.Run("Compare-MbTokenReport (Keep $last last json) $path", ("path", path));

        Assert.StartsWith("MbInvalidRequest,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(path, run.Error.TargetObject.ToString());
        Assert.Empty(run.Output);
    }

    [Fact]
    public void A_row_that_is_none_is_an_error_and_nothing_is_compared()
    {
        Run run = _engine.Run("Compare-MbTokenReport $last @([pscustomobject]@{ Name = 'x' })");

        Assert.StartsWith("MbInvalidRequest,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }
}
