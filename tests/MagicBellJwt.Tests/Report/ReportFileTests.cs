using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Report;

public sealed class ReportFileTests : IAsyncDisposable
{
    private readonly AuditedProject _project = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");
    private readonly PowerShellEngine _engine;

    public ReportFileTests()
    {
        _project.Add("ci", 1, 100);
        _project.Add("ci", 100, null);
        _project.Add("phone", 1, 20, "u1");
        _engine = _project.Connect();
    }

    public async ValueTask DisposeAsync()
    {
        _engine.Dispose();
        await _project.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("r.html", "<!DOCTYPE html>")]
    [InlineData("r.HTM", "<!DOCTYPE html>")]
    [InlineData("r.json", "{")]
    [InlineData("r.csv", "\uFEFF\"Severity\",\"Findings\",")]
    [InlineData("bericht [1] ü.html", "<!DOCTYPE html>")]
    public void The_extension_says_what_is_written(string name, string begin)
    {
        PSObject file = Export(name, "-PassThru").MustSucceed().Single();

        Assert.Equal(At(name), Assert.IsType<FileInfo>(file.BaseObject).FullName);
        byte[] bytes = File.ReadAllBytes(At(name));
        Assert.Equal(begin, new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes)[..begin.Length]);
        Assert.Equal([name], Files());
        Assert.Empty(Export(name).MustSucceed());
    }

    [Theory]
    [InlineData("link.html")]
    [InlineData("pipe.html")]
    public void A_link_and_a_pipe_are_not_replaced(string name)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "It makes a pipe in the file system.");
        File.WriteAllText(At("precious.txt"), "precious");
        File.CreateSymbolicLink(At("link.html"), At("precious.txt"));
        _engine.Run("mkfifo $pipe", ("pipe", At("pipe.html"))).MustSucceed();

        Run run = Export(name);

        Assert.StartsWith("MbReportNotWritten,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(At("precious.txt")));
        Assert.NotNull(File.ResolveLinkTarget(At("link.html"), returnFinalTarget: false));
        Assert.Equal(["link.html", "pipe.html", "precious.txt"], Files().Order());
    }

    [Theory]
    [InlineData("report", "MbInvalidRequest")]
    [InlineData("report.xlsx", "MbInvalidRequest")]
    [InlineData("Variable:report.html", "MbInvalidRequest")]
    [InlineData("missing/report.html", "MbReportNotWritten")]
    [InlineData("folder.html", "MbReportNotWritten")]
    public void A_place_that_cannot_be_written_to_is_known_before_the_first_token_is_read(string name, string id)
    {
        _folder.CreateSubdirectory("folder.html");
        Run run = _engine.Run("Get-MbTokenReport | Export-MbTokenReport $path", ("path", name.Contains(':', StringComparison.Ordinal) ? name : At(name)));

        Assert.StartsWith(id + ",", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.NotEmpty(run.Error.ErrorDetails.RecommendedAction);
        Assert.Empty(_project.ListsRead);
        Assert.Equal(["folder.html"], Files());
    }

    [Fact]
    public void A_report_replaces_the_last_one_unless_it_must_not()
    {
        File.WriteAllText(At("r.json"), "old");

        Run refused = Export("r.json", "-NoClobber");
        Assert.StartsWith("MbConflict,", refused.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.ResourceExists, refused.Error.CategoryInfo.Category);
        Assert.Equal("old", File.ReadAllText(At("r.json")));

        Export("r.json").MustSucceed();
        Assert.StartsWith("{", File.ReadAllText(At("r.json")), StringComparison.Ordinal);
        Assert.Equal(["r.json"], Files());
    }

    [Fact]
    public void A_read_only_report_is_replaced_by_force_alone_and_stays_read_only()
    {
        File.WriteAllText(At("r.csv"), "old");
        File.SetAttributes(At("r.csv"), FileAttributes.ReadOnly);

        Assert.StartsWith("MbReportNotWritten,", Export("r.csv").Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal("old", File.ReadAllText(At("r.csv")));

        Export("r.csv", "-Force").MustSucceed();
        Assert.NotEqual("old", File.ReadAllText(At("r.csv")));
        Assert.True(new FileInfo(At("r.csv")).IsReadOnly);
        File.SetAttributes(At("r.csv"), FileAttributes.Normal);
    }

    [Fact]
    public void A_report_stays_as_private_as_the_one_it_replaces()
    {
        File.WriteAllText(At("r.csv"), "old");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(At("r.csv"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        Export("r.csv").MustSucceed();

        Assert.NotEqual("old", File.ReadAllText(At("r.csv")));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(At("r.csv")));
        }
    }

    [Theory]
    [InlineData("Get-MbTokenReport | ForEach-Object { throw 'half way' } | Export-MbTokenReport $path")]
    [InlineData("Get-MbTokenReport | Export-MbTokenReport $path -WhatIf")]
    [InlineData("$null = Get-MbTokenReport | Export-MbTokenReport $path -Confirm")]
    public void What_is_not_finished_leaves_the_old_report_and_nothing_else(string script)
    {
        File.WriteAllText(At("r.html"), "old");

        _engine.Run(script, ("path", At("r.html")));

        Assert.Equal("old", File.ReadAllText(At("r.html")));
        Assert.Equal(["r.html"], Files());
    }

    [Fact]
    public void What_is_no_row_is_an_error_and_the_rows_are_written()
    {
        Run run = _engine.Run("$rows = Get-MbTokenReport; 'text', $rows[0], [pscustomobject]@{ Id = 1 }, $rows[1] | Export-MbTokenReport $path", ("path", At("r.json")));

        Assert.Null(run.End);
        Assert.Equal(2, run.Errors.Count);
        Assert.All(run.Errors, error => Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal));
        Assert.Equal(2, Json().GetProperty("Tokens").GetArrayLength());
    }

    [Theory]
    [InlineData("@() | Export-MbTokenReport $path")]
    [InlineData("Export-MbTokenReport $path -InputObject @()")]
    [InlineData("Export-MbTokenReport $path -InputObject $null")]
    public void No_row_is_a_report_too(string script)
    {
        foreach (string name in (string[])["r.html", "r.csv", "r.json"])
        {
            _engine.Run(script, ("path", At(name))).MustSucceed();
        }

        Assert.Equal(0, Json().GetProperty("Tokens").GetArrayLength());
        Assert.Single(File.ReadAllLines(At("r.csv")));
        Assert.Contains("There is nothing to report.", File.ReadAllText(At("r.html")), StringComparison.Ordinal);
        Assert.Contains("it is not known whether there are no tokens, or a filter left none", File.ReadAllText(At("r.html")), StringComparison.Ordinal);
        Assert.Contains("<title>No rows: token report, ", File.ReadAllText(At("r.html")), StringComparison.Ordinal);
        Assert.Matches("<h1>.*No rows.*</h1>", File.ReadAllText(At("r.html")));
    }

    [Fact]
    public void Json_is_read_by_anybody_and_holds_what_a_row_holds()
    {
        string id = _project.Add("\"quoted\" \\ \u2028 😀 \u0001", 100, null);
        Export("r.json").MustSucceed();

        JsonElement report = Json();
        Assert.Equal(4, report.GetProperty("Summary").GetProperty("Tokens").GetInt32());
        Assert.Equal("acme", report.GetProperty("Summary").GetProperty("Projects")[0].GetString());
        Assert.Equal(2, report.GetProperty("Summary").GetProperty("Findings").GetProperty("NeverExpires").GetInt32());
        JsonElement token = report.GetProperty("Tokens").EnumerateArray().Single(token => token.GetProperty("Id").GetString() == id);
        Assert.Equal("\"quoted\" \\ \u2028 😀 \u0001", token.GetProperty("Name").GetString());
        Assert.Equal(["NeverExpires", "OlderThanPolicy"], token.GetProperty("Findings").EnumerateArray().Select(finding => finding.GetString()));
        Assert.Equal("High", token.GetProperty("Severity").GetString());
        Assert.Equal(100, token.GetProperty("AgeDays").GetInt32());
        Assert.Equal(JsonValueKind.Null, token.GetProperty("ExpiresAt").ValueKind);
        Assert.Equal(-100, (token.GetProperty("CreatedAt").GetDateTimeOffset() - DateTimeOffset.UtcNow).TotalDays, 0.1);
        Assert.StartsWith("Update-MbProjectToken -Id ", token.GetProperty("Remedy").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\t=1", "\\u0009=1")]
    [InlineData("\r=1", "\\u000D=1")]
    [InlineData("\n=1", "\\u000A=1")]
    public void What_nobody_sees_stands_in_a_cell_as_an_escape(string text, string shown)
    {
        _project.Add(text, 1, 20);
        Export("r.csv").MustSucceed();

        Assert.Contains(shown, Cells(File.ReadAllText(At("r.csv"))).SelectMany(row => row));
    }

    [Theory]
    [InlineData("=1+1")]
    [InlineData("+1")]
    [InlineData("-1")]
    [InlineData("@SUM(A1)")]
    [InlineData("\uFF1D1")]
    [InlineData("=cmd|' /C calc'!A0\",\"=2")]
    public void No_cell_of_a_csv_file_is_a_formula(string text)
    {
        _project.Add(text, 1, 20);
        Export("r.csv").MustSucceed();

        List<string> cells = [.. Cells(File.ReadAllText(At("r.csv"))).SelectMany(row => row)];
        Assert.Contains("'" + text, cells);
        Assert.DoesNotContain(cells, cell => cell.Length > 0 && "=+-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20".Contains(cell[0], StringComparison.Ordinal));
    }

    [Fact]
    public void Csv_is_the_same_in_every_culture_and_its_rows_can_be_revoked_by()
    {
        _engine.Run(
            "$rows = Get-MbTokenReport u1; $rows | Export-MbTokenReport $path; [Threading.Thread]::CurrentThread.CurrentCulture = 'ar-SA'; $rows | Export-MbTokenReport $arabic",
            ("path", At("r.csv")),
            ("arabic", At("arabic.csv"))).MustSucceed();

        List<string[]> rows = [.. Cells(File.ReadAllText(At("r.csv")))];
        Assert.Equal(rows.Select(OfToken), Cells(File.ReadAllText(At("arabic.csv"))).Select(OfToken));
        Assert.All(rows.Skip(1), row => Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", row[^1]));
        Assert.Equal("Severity,Findings,Kind,Id,Name,UserId,Email,ExternalId,Status,CreatedAt,ExpiresAt,DiscardedAt,LastUsedAt,AgeDays,Project,Remedy,Scope,ListsRead,Policy,JudgedAt,WrittenBy,WrittenAt", string.Join(',', rows[0]));
        Assert.All(rows, row => Assert.Equal(rows[0].Length, row.Length));
        Assert.Contains(rows, row => row[1] == "NeverExpires, OlderThanPolicy, DuplicateName");
        Assert.All(rows.Skip(1), row => Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", row[9]));

        string[] user = rows.Single(row => row[2] == "User");
        Run preview = _engine.Run(
            "[pscustomobject]@{ Kind = $cells[2]; Id = $cells[3]; Name = $cells[4]; UserId = $cells[5]; Project = $cells[14] } | Remove-MbUserToken -WhatIf",
            ("cells", user));
        preview.MustSucceed();
    }

    [Fact]
    public void Rows_that_went_through_clixml_give_the_same_report()
    {
        _engine.Run(
            """
            $rows = Get-MbTokenReport u1
            $rows | Export-MbTokenReport $path
            [Management.Automation.PSSerializer]::Deserialize([Management.Automation.PSSerializer]::Serialize($rows, 3)) | Export-MbTokenReport $other
            """,
            ("path", At("r.csv")),
            ("other", At("other.csv"))).MustSucceed();

        Assert.Equal(Cells(File.ReadAllText(At("r.csv"))).Select(OfToken), Cells(File.ReadAllText(At("other.csv"))).Select(OfToken));
        Assert.All(Cells(File.ReadAllText(At("other.csv"))).Skip(1), row => Assert.StartsWith("It is not known whether rows were left out", row[16], StringComparison.Ordinal));
    }

    [Fact]
    public void A_whole_report_says_what_it_was_judged_by_who_made_it_and_when()
    {
        Export("r.json").MustSucceed();
        Export("r.html").MustSucceed();
        Export("r.csv").MustSucceed();

        JsonElement report = Json().GetProperty("Report");
        string account = HistoryAccount + "@" + Environment.MachineName;
        Assert.Equal((true, false, true, 3, 3), (report.GetProperty("IsWhole").GetBoolean(), report.GetProperty("IsFiltered").GetBoolean(), report.GetProperty("IsEnded").GetBoolean(), report.GetProperty("Tokens").GetInt32(), report.GetProperty("TokensJudged").GetInt32()));
        Assert.EndsWith(account, report.GetProperty("WrittenBy").GetString(), StringComparison.Ordinal);
        Assert.InRange(report.GetProperty("JudgedAt").GetDateTimeOffset(), DateTimeOffset.UtcNow.AddMinutes(-5), report.GetProperty("WrittenAt").GetDateTimeOffset());
        Assert.Equal("acme: expires soon within 30d, project tokens too old after 90d, user tokens after 90d, more than 5 live tokens of a user are too many; no policy file", report.GetProperty("Policy")[0].GetString());
        Assert.Equal("project tokens of acme; user tokens of 1 user", report.GetProperty("ListsRead")[0].GetString());
        Assert.Equal(0, report.GetProperty("NotRead").GetArrayLength());
        string html = File.ReadAllText(At("r.html"));
        Assert.DoesNotContain("Not the whole report", html, StringComparison.Ordinal);
        Assert.All((string[])["<title>acme: token report, ", "project tokens too old after 90d", "All 3 tokens of the lists that were read.", account], text => Assert.Contains(text, html, StringComparison.Ordinal));
        Assert.All(Cells(File.ReadAllText(At("r.csv"))).Skip(1), row => Assert.Equal("All 3 tokens of the lists that were read.", row[16]));
    }

    [Theory]
    [InlineData("Get-MbTokenReport u1 | Where-Object Severity -eq High | Export-MbTokenReport $path", "1 of the 3 tokens that were judged: a filter left out the others.")]
    [InlineData("$rows = Get-MbTokenReport u1; $rows[0], $rows[0], $rows[1] | Export-MbTokenReport $path", "2 of the 3 tokens that were judged: a filter left out the others.")]
    [InlineData("Get-MbTokenReport u1 | Where-Object Severity -ne High | Export-MbTokenReport $path", "2 of the 3 tokens that were judged: a filter left out the others.")]
    [InlineData("Get-MbTokenReport u1 | Select-Object * | Export-MbTokenReport $path", "It is not known whether rows were left out: they come from a file, or were copied on the way.")]
    [InlineData("Get-MbTokenReport u1 -ThrottleLimit 1 | Select-Object -First 1 | Export-MbTokenReport $path", "The run that judged them was ended early, so lists are missing.")]
    [InlineData("Get-MbTokenReport u1, u2 -ErrorAction SilentlyContinue | Export-MbTokenReport $path", "1 was asked for and not read: u2.")]
    public void A_part_is_not_taken_for_the_whole(string script, string told)
    {
        foreach (string name in (string[])["r.html", "r.json", "r.csv"])
        {
            _engine.Run(script, ("path", At(name)));
        }

        Assert.Contains(told, Json().GetProperty("Report").GetProperty("Scope").GetString(), StringComparison.Ordinal);
        Assert.False(Json().GetProperty("Report").GetProperty("IsWhole").GetBoolean());
        string html = File.ReadAllText(At("r.html"));
        Assert.Contains("<b>Not the whole report.</b>", html, StringComparison.Ordinal);
        Assert.Contains(told, html, StringComparison.Ordinal);
        Assert.DoesNotContain("Everything is in order", html, StringComparison.Ordinal);
        Assert.All(Cells(File.ReadAllText(At("r.csv"))).Skip(1), row => Assert.Contains(told, row[16], StringComparison.Ordinal));
    }

    [Fact]
    public void What_was_not_read_is_listed_with_the_reason()
    {
        _engine.Run("Get-MbTokenReport u1, u2 -ErrorAction SilentlyContinue | Export-MbTokenReport $path", ("path", At("r.json")));

        JsonElement gap = Assert.Single(Json().GetProperty("Report").GetProperty("NotRead").EnumerateArray());
        Assert.Equal("u2", gap.GetProperty("Target").GetString());
        Assert.Contains("There is no such user.", gap.GetProperty("Reason").GetString(), StringComparison.Ordinal);
    }

    private static string HistoryAccount => OperatingSystem.IsWindows() ? Environment.UserDomainName + "\\" + Environment.UserName : Environment.UserName;

    // What a row says of its token; the other columns say where the report comes from.
    private static string OfToken(string[] row) => string.Join('|', row.Take(16));

    private static IEnumerable<string[]> Cells(string csv)
    {
        var row = new List<string>();
        var cell = new StringBuilder();
        bool quoted = false;
        for (int index = 0; index < csv.Length; index++)
        {
            char next = csv[index];
            if (quoted && next == '"' && index + 1 < csv.Length && csv[index + 1] == '"')
            {
                cell.Append('"');
                index++;
            }
            else if (next == '"')
            {
                quoted = !quoted;
            }
            else if (quoted)
            {
                cell.Append(next);
            }
            else if (next is ',' or '\n')
            {
                row.Add(cell.ToString());
                cell.Clear();
                if (next == '\n')
                {
                    yield return [.. row];
                    row.Clear();
                }
            }
        }

        Assert.Empty(row);
    }

    private string At(string name) => Path.Combine(_folder.FullName, name);

    private string[] Files() => [.. _folder.EnumerateFileSystemInfos().Select(file => file.Name)];

    private JsonElement Json() => JsonDocument.Parse(File.ReadAllBytes(At("r.json"))).RootElement;

    private Run Export(string name, string options = "") =>
        _engine.Run("Get-MbTokenReport u1 | Export-MbTokenReport $path " + options, ("path", At(name)));
}
