using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Xunit;

namespace MagicBellJwt.Tests.Report;

public sealed class ReportExampleTests : IDisposable
{
    private static readonly string s_audit = Path.Combine(Repository.Root, "examples", "weekly-audit.ps1");
    private static readonly string s_offBoarding = Path.Combine(Repository.Root, "examples", "off-boarding.ps1");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task The_audit_tells_a_scheduler_what_it_found()
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-user", "u1:3");
        File.WriteAllLines(At("users.txt"), ["u1", "", "u1"]);

        ShellResult found = await AuditAsync(server.Token, "-UserList", At("users.txt"));
        Assert.Equal((1, ""), (found.ExitCode, found.Error));
        Assert.StartsWith("4 tokens, ", found.Output, StringComparison.Ordinal);
        Assert.StartsWith("<!DOCTYPE html>", File.ReadAllText(At("report.html")), StringComparison.Ordinal);

        File.WriteAllLines(At("more.txt"), ["u1", "nobody"]);
        ShellResult incomplete = await AuditAsync(server.Token, "-UserList", At("more.txt"));
        Assert.Equal(2, incomplete.ExitCode);
        Assert.Contains("1 lists could not be read", incomplete.Error, StringComparison.Ordinal);
        Assert.StartsWith("4 tokens, ", incomplete.Output, StringComparison.Ordinal);

        ShellResult refused = await AuditAsync("no.such.token");
        Assert.Equal((2, ""), (refused.ExitCode, refused.Output));
        Assert.StartsWith("The audit could not run: ", refused.Error, StringComparison.Ordinal);

        async Task<ShellResult> AuditAsync(string token, params string[] options) => await ShellProcess.RunAsync(
            ["-NonInteractive", "-File", s_audit, "-Path", At("report.html"), .. options],
            environment: Variables(server, token));
    }

    [Fact]
    public async Task The_audit_of_a_clean_project_ends_with_zero()
    {
        await using var project = new AuditedProject();
        project.Add("ci", 1, 80);

        ShellResult clean = await ShellProcess.RunAsync(
            ["-NonInteractive", "-File", s_audit, "-Path", At("report.csv")],
            environment: new Dictionary<string, string?> { ["MAGICBELL_PROJECT_TOKEN"] = "any", ["MAGICBELL_BASE_URL"] = project.BaseAddress.AbsoluteUri });

        Assert.Equal((0, ""), (clean.ExitCode, clean.Error));
        Assert.Equal(2, File.ReadAllLines(At("report.csv")).Length);
    }

    [Theory]
    [InlineData("-WhatIf", 0, 0, 5)]
    [InlineData("-Confirm:$false", 0, 5, 0)]
    public async Task Off_boarding_shows_first_and_then_revokes_what_the_leavers_have(string option, int code, int revocations, int left)
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-user", "u1:2", "--seed-user", "u2:3", "--seed-user", "u3:4");
        File.WriteAllLines(At("leavers.csv"), ["UserId,Department", "u1,Sales", "u2,R&D"]);

        ShellResult result = await OffBoardAsync(server, At("leavers.csv"), option);

        Assert.Equal(code, result.ExitCode);
        Assert.Equal(5, result.Lines.Count(line => line.StartsWith("What if: ", StringComparison.Ordinal) && line.Contains("Revoke user token", StringComparison.Ordinal)));
        Assert.Equal(revocations, result.Lines.Count(line => line.Contains(" Revoked ", StringComparison.Ordinal)));
        ServerToken[] tokens = await server.TokensAsync();
        Assert.Equal(left, tokens.Count(token => token.UserId is "u1" or "u2" && token.Live));
        Assert.Equal(4, tokens.Count(token => token.UserId is "u3" && token.Live));
        Assert.Equal(option != "-WhatIf", File.Exists(At("leavers.html")));
    }

    [Fact]
    public async Task Off_boarding_says_when_it_could_not_do_all_or_anything()
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-user", "u1:2");
        File.WriteAllLines(At("leavers.csv"), ["UserId", "u1", "nobody"]);
        File.WriteAllLines(At("wrong.csv"), ["Name", "u1"]);

        Assert.Equal(2, (await OffBoardAsync(server, At("wrong.csv"), "-Confirm:$false")).ExitCode);
        Assert.Equal(2, (await server.TokensAsync()).Count(token => token.UserId == "u1" && token.Live));

        ShellResult partly = await OffBoardAsync(server, At("leavers.csv"), "-Confirm:$false");
        Assert.Equal(1, partly.ExitCode);
        Assert.Contains("2 of 2 tokens revoked, 0 live ones left, 1 users not read.", partly.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(await server.TokensAsync(), token => token.UserId == "u1" && token.Live);
    }

    private static Dictionary<string, string?> Variables(ServerProcess server, string token) => new()
    {
        ["MAGICBELL_PROJECT_TOKEN"] = token,
        ["MAGICBELL_BASE_URL"] = server.BaseAddress.AbsoluteUri,
    };

    private string At(string name) => Path.Combine(_folder.FullName, name);

    private async Task<ShellResult> OffBoardAsync(ServerProcess server, string leavers, string option) => await ShellProcess.RunAsync(
        ["-NonInteractive", "-Command", $"& '{s_offBoarding}' '{leavers}' -ReportPath '{At("leavers.html")}' {option}; exit $LASTEXITCODE"],
        environment: Variables(server, server.Token));
}
