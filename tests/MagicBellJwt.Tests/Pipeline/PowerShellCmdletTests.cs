using System;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Pipeline;

/// <summary>The module beside PowerShell's own cmdlets: rows of files in, JSON and views out, jobs around it.</summary>
public sealed class PowerShellCmdletTests(ServerFixture fixture) : ServerTests(fixture), IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Rows_of_a_file_become_tokens_and_rows_of_another_are_revoked()
    {
        string users = Path.Combine(_folder.FullName, "users.csv");
        string issued = Path.Combine(_folder.FullName, "issued.csv");
        await File.WriteAllTextAsync(users, "Email,Name,Department\nhana@example.com,\"csv, one\",\"R&D\"\nomar@example.com,csv two,Sales\n", TestContext.Current.CancellationToken);

        Run("Import-Csv $users | New-MbUserToken -ExpiresIn 1d | Select-Object Id, Name, UserId | Export-Csv $issued; Remove-Item $users", ("users", users), ("issued", issued)).MustSucceed();

        Assert.False(File.Exists(users));
        ServerToken[] tokens = [.. (await Server.TokensAsync()).Where(token => token.Name?.StartsWith("csv", StringComparison.Ordinal) is true)];
        Assert.Equal(["csv two", "csv, one"], tokens.Select(token => token.Name).Order(StringComparer.Ordinal));
        Assert.All(tokens, token => Assert.True(token.Live));

        Run("Import-Csv $issued | Remove-MbUserToken -Force", ("issued", issued)).MustSucceed();

        Assert.DoesNotContain(await Server.TokensAsync(), token => token.Live && tokens.Any(issued => issued.Id == token.Id));
    }

    [Theory]
    [InlineData("ConvertTo-Json -Depth 5")]
    [InlineData("Format-List | Out-String")]
    [InlineData("Format-Table -Property * | Out-String -Width 2000")]
    [InlineData("ConvertTo-Csv")]
    [InlineData("Out-String")]
    public void What_PowerShell_makes_of_an_issued_token_has_no_value(string command)
    {
        Run("$t = New-MbProjectToken ci").MustSucceed();
        string value = Secret.Reveal(Run("$t.Token").Output.Single().BaseObject);

        string text = string.Join('\n', Run("$t | " + command).MustSucceed());

        Assert.Contains("ci", text, StringComparison.Ordinal);
        Assert.DoesNotContain(value[..20], text, StringComparison.Ordinal);
        Assert.DoesNotContain(value[^20..], text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_thread_job_has_its_own_session()
    {
        await using ServerProcess other = await ServerProcess.StartAsync();
        PSObject[] seen = [.. Run(
            """
            Import-Module $threadJob
            $jobs = foreach ($project in @{ Address = $here; Token = $hereToken; Name = 'here' }, @{ Address = $there; Token = $thereToken; Name = 'there' }) {
                Start-ThreadJob -ArgumentList $manifest, $project {
                    param($Manifest, $Project)
                    Import-Module $Manifest
                    Connect-MbProject $Project.Token -BaseUri $Project.Address -Name $Project.Name
                    $null = New-MbProjectToken "by $($Project.Name)"
                    Get-MbProjectToken 'by *' | Select-Object Name, Project
                    (Get-MbSession).Name
                }
            }
            $jobs | Receive-Job -Wait -AutoRemoveJob
            (Get-MbSession).Name
            """,
            ("threadJob", Path.Combine(ShellProcess.PwshModules, "Microsoft.PowerShell.ThreadJob")),
            ("manifest", Repository.Manifest),
            ("here", Server.BaseAddress),
            ("hereToken", Server.SecureToken()),
            ("there", other.BaseAddress),
            ("thereToken", other.SecureToken())).MustSucceed()];

        Assert.Equal(["by here|here", "by there|there"], seen.Where(item => item.Properties["Project"] is not null).Select(item => $"{item.Get<string>("Name")}|{item.Get<string>("Project")}").Order(StringComparer.Ordinal));
        Assert.Equal(["here", "there"], seen.Where(item => item.BaseObject is string).Select(item => item.ToString()).SkipLast(1).Order(StringComparer.Ordinal));
        Assert.Single(await other.TokensAsync(), token => token.Name == "by there");
        Assert.DoesNotContain(await Server.TokensAsync(), token => token.Name == "by there");
    }
}
