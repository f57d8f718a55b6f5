using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Users;

/// <summary>examples/off-boarding.ps1 with the list of leavers as it comes: 300 lines, 20 of them hostile, each with an outcome of its own.</summary>
public sealed class OffBoardingTests : IDisposable
{
    // The line, and what is to come of it.
    private static readonly (string Email, string ExternalId, string Outcome)[] s_hostile =
    [
        ("", "", "Invalid"),
        ("\"   \"", "\" \"", "Invalid"),
        ("\"not an address\"", "", "Invalid"),
        ("\"=cmd|' /C calc'!A0@example.com\"", "", "Invalid"),
        ("\"x@example.com; Remove-Item ~\"", "", "Invalid"),
        ("user1@example.com", "", "Duplicate"),
        ("USER2@EXAMPLE.COM", "", "Duplicate"),
        ("\" user3@example.com  \"", "", "Duplicate"),
        ("", "ext-4", "Duplicate"),
        ("nobody@example.com", "", "NotFound"),
        ("*@example.com", "", "NotFound"),
        ("", "ext-nobody", "NotFound"),
        ("", "EXT-5", "NotFound"),
        ("twin@example.com", "", "Ambiguous"),
        ("shared@example.com", "", "Ambiguous"),
        ("user6@example.com", "ext-7", "Ambiguous"),
        ("o'brien@example.com", "", "Done"),
        ("j\u00fcrgen.m\u00fcller@example.com", "", "Done"),
        ("J\u00dcRGEN.M\u00dcLLER@example.com", "", "Duplicate"),
        ("\"User281@example.com\"", "", "Done"),
    ];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Each_line_of_the_list_has_an_outcome_and_nobody_else_is_touched()
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-users", "400:2", "--keep-requests", "100000");
        await server.SetUsersAsync(
            new ServerUser("usr_twin1", "Twin@example.com", null),
            new ServerUser("usr_twin2", "twin@example.com", null),
            new ServerUser("usr_shared1", "shared@example.com", null),
            new ServerUser("usr_shared2", null, "shared@example.com"),
            new ServerUser("usr_obrien", "O'Brien@example.com", null),
            new ServerUser("usr_mueller", "j\u00fcrgen.m\u00fcller@example.com", null));
        string[] others = ["usr_twin1", "usr_twin2", "usr_shared1", "usr_shared2"];
        foreach (string user in others.Concat(["usr_obrien", "usr_mueller"]))
        {
            await server.SeedAsync(userId: user, userTokens: 2);
        }

        string[] lines =
        [
            "Email,ExternalId,Name",
            .. Enumerable.Range(1, 280).Select(number => $"user{number}@example.com,,\"Leaver \"\"the boss\"\"\""),
            .. s_hostile.Select(hostile => $"{hostile.Email},{hostile.ExternalId},x"),
        ];
        File.WriteAllLines(PathOf("leavers.csv"), lines);
        await server.ResetAsync();

        ShellResult preview = await RunAsync(server, "-WhatIf", "preview.csv");
        Assert.Equal(1, preview.ExitCode);
        Assert.DoesNotContain(await server.RequestsAsync(), request => request.Method != "GET");
        Assert.Equal(283, Read("preview.csv").Count(row => row.Outcome == "Preview"));
        await server.ResetAsync();

        ShellResult done = await RunAsync(server, "-Confirm:$false", "outcome.csv");

        Assert.Equal(1, done.ExitCode);
        Assert.Contains("566 of 566 tokens revoked, 0 live ones left, 12 of 300 lines need a look.", done.Error, StringComparison.Ordinal);
        (int Line, string Outcome, int Revoked, string Why)[] rows = [.. Read("outcome.csv")];
        Assert.Equal(Enumerable.Range(2, 300), rows.Select(row => row.Line));
        Assert.All(rows[..280], row => Assert.Equal(("Done", 2), (row.Outcome, row.Revoked)));
        Assert.Equal(s_hostile.Select(hostile => hostile.Outcome), rows[280..].Select(row => row.Outcome));
        Assert.All(rows.Where(row => row.Outcome != "Done"), row => Assert.NotEmpty(row.Why));
        Assert.Contains("usr_twin1", rows[293].Why, StringComparison.Ordinal);
        Assert.Contains("usr_twin2", rows[293].Why, StringComparison.Ordinal);

        // One list of users, and no question about each.
        Assert.Equal(5, (await server.RequestsAsync()).Count(request => request.Target.StartsWith("/v2/users", StringComparison.Ordinal)));
        ServerToken[] live = [.. (await server.TokensAsync()).Where(token => token.Live && token.Kind == "user")];
        Assert.Equal((119 * 2) + (others.Length * 2), live.Length);
        Assert.All(others, user => Assert.Equal(2, live.Count(token => token.UserId == user)));
        Assert.True(File.Exists(PathOf("report.html")));

        // Again, with the lines that were good: nothing is left to do.
        File.WriteAllLines(PathOf("leavers.csv"), lines[..281]);
        ShellResult again = await RunAsync(server, "-Confirm:$false", "again.csv");
        Assert.Equal(0, again.ExitCode);
        Assert.All(Read("again.csv"), row => Assert.Equal("NoToken", row.Outcome));
    }

    // One file after another in one process: to start it takes longer than all of them.
    [Fact]
    public async Task The_file_may_have_any_of_the_columns()
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-users", "8:1");
        string sixth = (await server.UsersAsync()).Single(user => user.ExternalId == "ext-6").Id;
        (string Column, string Value, int ExitCode, int Left)[] files =
        [
            ("Mail", "user1@example.com", 0, 7),
            ("E-mail", "user2@example.com", 0, 6),
            ("UserPrincipalName", "User3@example.com", 0, 5),
            ("external_id", "ext-4", 0, 4),
            ("UserId", "user5@example.com", 0, 3),
            ("user_id", sixth, 0, 2),
            ("Name", "Hana", 2, 2),
        ];
        foreach ((string column, string value, _, _) in files)
        {
            File.WriteAllLines(PathOf(column + ".csv"), ["Number," + column, "7," + value]);
        }

        ShellResult result = await ShellAsync(server, $$"""
            foreach ($column in '{{string.Join("', '", files.Select(file => file.Column))}}') {
                & $script "$folder/$column.csv" -ReportPath "$folder/$column.html" -Confirm:$false | Out-Null
                $left = (Invoke-RestMethod '{{new Uri(server.BaseAddress, "/_control/tokens")}}') | Where-Object { $_.live -and $_.kind -eq 'user' }
                "outcome: $column $LASTEXITCODE $(@($left).Count)"
            }
            """);

        Assert.Equal(files.Select(file => $"outcome: {file.Column} {file.ExitCode} {file.Left}"), result.Lines.Where(line => line.StartsWith("outcome: ", StringComparison.Ordinal)));
        string[] others = [.. (await server.UsersAsync()).Where(user => user.ExternalId is "ext-7" or "ext-8").Select(user => user.Id)];
        Assert.Equal(others.Order(), (await server.TokensAsync()).Where(token => token.Live && token.Kind == "user").Select(token => token.UserId!).Order());
    }

    [Fact]
    public async Task Where_users_are_not_listed_every_line_says_so_and_ids_work()
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-users", "3:1", "--fault", "GET /v2/users* 403");
        ServerUser user = (await server.UsersAsync())[0];
        File.WriteAllLines(PathOf("leavers.csv"), ["UserId,Email", $"{user.Id},", ",user2@example.com", ",user3@example.com"]);

        ShellResult result = await RunAsync(server, "-Confirm:$false", "outcome.csv");

        Assert.Equal(1, result.ExitCode);
        Assert.Equal(["Done", "NotRead", "NotRead"], Read("outcome.csv").Select(row => row.Outcome));
        Assert.All(Read("outcome.csv").Skip(1), row => Assert.Contains("-UserId", row.Why, StringComparison.Ordinal));
    }

    private string PathOf(string file) => Path.Combine(_folder.FullName, file);

    private Task<ShellResult> RunAsync(ServerProcess server, string options, string outcome) =>
        ShellAsync(server, $"& $script \"$folder/leavers.csv\" -ReportPath \"$folder/report.html\" {options} | Export-Csv \"$folder/{outcome}\"; exit $LASTEXITCODE");

    private Task<ShellResult> ShellAsync(ServerProcess server, string command) => ShellProcess.RunAsync(
        [
            "-NonInteractive",
            "-Command",
            $"$script = '{Path.Combine(Repository.Root, "examples", "off-boarding.ps1")}'; $folder = '{_folder.FullName}'; $PSDefaultParameterValues['Connect-MbProject:WritesPerMinute'] = $PSDefaultParameterValues['Connect-MbProject:ReadsPerMinute'] = 1000000\n{command}",
        ],
        environment: new Dictionary<string, string?> { ["MAGICBELL_PROJECT_TOKEN"] = server.Token, ["MAGICBELL_BASE_URL"] = server.BaseAddress.AbsoluteUri });

    private IEnumerable<(int Line, string Outcome, int Revoked, string Why)> Read(string outcome)
    {
        using var engine = new PowerShellEngine();
        return [.. engine.Run($"Import-Csv '{PathOf(outcome)}'").MustSucceed().Select(row => (row.Get<int>("Line"), row.Get<string>("Outcome"), row.Get<int>("Revoked"), row.Get<string>("Why")))];
    }
}
