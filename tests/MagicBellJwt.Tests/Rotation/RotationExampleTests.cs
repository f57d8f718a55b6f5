using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Xunit;

namespace MagicBellJwt.Tests.Rotation;

/// <summary>The examples that replace and revoke tokens, as a scheduler runs them: by their exit codes.</summary>
public sealed class RotationExampleTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");

    private string SaveTo => $"-SaveTo {{ param($Issued) $file = '{At("store-")}' + $Issued.Name; [IO.File]::WriteAllText($file, [Net.NetworkCredential]::new('', $Issued.Token).Password); [IO.File]::ReadAllText($file) }} -JournalPath '{At("journal.jsonl")}'";

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("-Name 'seed 1', 'seed 2'", 0, 2)]
    [InlineData("-EndingWithin 0:00:01", 0, 0)]
    [InlineData("-Name 'seed 1', nobody, 'seed 2'", 1, 2)]
    [InlineData("-Name 'seed 1' -TokenFile no-such-file", 2, 0)]
    public async Task A_scheduled_rotation_says_by_its_exit_code_what_came_of_it(string arguments, int code, int stored)
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-project-tokens", "3");

        ShellResult result = await RunAsync(server, "rotate-tokens.ps1", $"{arguments} {SaveTo}");

        Assert.True(result.ExitCode == code, result.Output + result.Error);
        Assert.Equal(stored, _folder.GetFiles("store-*").Length);
        Assert.Equal(4, (await server.TokensAsync()).Count(token => token.Live));
        Assert.DoesNotContain("eyJ", result.Output + result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_incident_is_found_replaced_revoked_and_looked_at_again()
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-project-tokens", "2");
        string project = await IssueAsync(server, "New-MbProjectToken leaked -ExpiresIn 1d");
        string user = await IssueAsync(server, "New-MbUserToken hana@example.com -Name leaked -ExpiresIn 1d");
        Directory.CreateDirectory(At("logs/deep"));
        await File.WriteAllTextAsync(At("logs/app.log"), $"one\nBearer {project}\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(At("logs/deep/old.log"), $"{user} {project}", TestContext.Current.CancellationToken);

        ShellResult preview = await IncidentAsync(server, "-WhatIf");
        Assert.True(preview.ExitCode == 1, preview.Output + preview.Error);
        Assert.Equal(2, (await server.TokensAsync()).Count(token => token.Live && token.Name == "leaked"));

        ShellResult result = await IncidentAsync(server, SaveTo + " -Confirm:$false");
        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        Assert.Contains("0 of 2 tokens are still live", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("eyJ", result.Output + result.Error, StringComparison.Ordinal);
        ServerToken successor = Assert.Single(await server.TokensAsync(), token => token.Live && token.Name == "leaked");
        Assert.Equal("project", successor.Kind);
        Assert.True(File.Exists(At("store-leaked")));
        Assert.True(File.Exists(At("incident.html")));

        await File.WriteAllTextAsync(At("logs/own.log"), server.Token, TestContext.Current.CancellationToken);
        ShellResult own = await IncidentAsync(server, "-Confirm:$false");
        Assert.True(own.ExitCode == 1, own.Output + own.Error);
        Assert.Contains("own.log:1:1", own.Error, StringComparison.Ordinal);
    }

    private string At(string name) => Path.Combine(_folder.FullName, name);

    private static async Task<string> IssueAsync(ServerProcess server, string command)
    {
        ShellResult result = await ShellProcess.RunAsync(["-NonInteractive", "-Command", $"Connect-MbProject; [Console]::Write(({command} -AsPlainText).Token)"], environment: Variables(server));
        return result.Output.Trim();
    }

    private static Dictionary<string, string?> Variables(ServerProcess server) => new()
    {
        ["MAGICBELL_PROJECT_TOKEN"] = server.Token,
        ["MAGICBELL_BASE_URL"] = server.BaseAddress.AbsoluteUri,
    };

    private Task<ShellResult> IncidentAsync(ServerProcess server, string arguments) => RunAsync(server, "incident.ps1", $"'{At("logs")}' -ReportPath '{At("incident.html")}' {arguments}");

    private static Task<ShellResult> RunAsync(ServerProcess server, string example, string arguments) => ShellProcess.RunAsync(
        ["-NonInteractive", "-Command", $"& '{Path.Combine(Repository.Root, "examples", example)}' {arguments}; exit $LASTEXITCODE"],
        environment: Variables(server));
}
