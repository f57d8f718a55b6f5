using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Text;

/// <summary>One hostile text, as every name, id and message that somebody else can choose, through everything that is shown.</summary>
public sealed class ForeignTextTests : IDisposable
{
    private const string Injected = "INJECTED";
    // The columns of a table show its beginning.
    private const string Hostile = "t\u001B\u202E\n' (00000000-1111-4111-8111-111111111111) in project 'x'\".\n" + Injected + "\u001B[8m\u0007\u0085\u009B2J\u202E\u2066\u200B\u200F\u2028\uFEFF\u061C";

    private static readonly string s_token = TokenText.SignClaims(JsonSerializer.Serialize(new Dictionary<string, object>
    {
        ["jti"] = Hostile,
        ["user_id"] = Hostile,
        ["user_email"] = Hostile,
        ["user_external_id"] = Hostile,
        ["project_id"] = Hostile,
        ["kind"] = Hostile,
        ["exp"] = 4102444800,
    }));

    private readonly TestHost _host = new();
    private readonly PowerShellEngine _engine;
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public ForeignTextTests() => _engine = new PowerShellEngine(_host);

    public static TheoryData<string> Scripts =>
    [
        "Get-MbSession",
        "Get-MbSession | Format-List",
        "Get-MbProjectToken",
        "Get-MbProjectToken | Format-List",
        "Get-MbProjectToken | Format-Wide",
        "Get-MbProjectToken $hostile.Substring(0, 3) -Verbose",
        "Get-MbUserToken 'usr_1'",
        "Get-MbUserToken 'usr_1' | Format-List",
        "Get-MbUserToken -Email 'hana@example.com' | Format-List",
        "Get-MbUser",
        "Get-MbUser | Format-List",
        "Get-MbUser 'nobody@example.com'",
        "New-MbProjectToken $hostile -ExpiresIn 1d",
        "New-MbProjectToken $hostile -ExpiresIn 1d -Confirm",
        "New-MbProjectToken $hostile -ExpiresIn 1d -WhatIf",
        "New-MbProjectToken $hostile -ExpiresIn 1d | Format-List",
        "New-MbProjectToken $hostile -ExpiresIn 1d -SaveTo { throw $hostile }",
        "New-MbProjectToken $hostile -ExpiresIn 1d -SaveTo { param($Issued) $Issued.Token } | Format-List",
        "New-MbUserToken -Email 'hana@example.com' -Name $hostile -ExpiresIn 1d | Format-List",
        "New-MbUserToken -Email 'hana@example.com' -Name $hostile -ExpiresIn 1d -WhatIf",
        "New-MbUserToken -ExternalId $hostile",
        "Get-MbProjectToken | Remove-MbProjectToken -WhatIf",
        "Get-MbProjectToken | Remove-MbProjectToken -Confirm -PassThru",
        "Get-MbProjectToken | Remove-MbProjectToken -Force -PassThru | Format-List",
        "Remove-MbProjectToken $hostile -Force",
        "Remove-MbUserToken $refused -Force",
        "Get-MbUserToken $hostile",
        "[pscustomobject]@{ Name = $hostile; $hostile = 1; Kind = $hostile } | Remove-MbProjectToken",
        "[pscustomobject]@{ $hostile = 1 } | New-MbUserToken",
        "[pscustomobject]@{ Name = 'x'; \"Expiry$hostile\" = 1 } | New-MbProjectToken -WhatIf",
        "Update-MbProjectToken $hostile -WhatIf",
        "Update-MbProjectToken $hostile -SaveTo { param($Issued) $Issued.Token } -JournalPath \"$folder/journal\" | Format-List",
        "Update-MbProjectToken 'none' -JournalPath $hostile",
        "Get-MbTokenReport 'usr_1'",
        "Get-MbTokenReport 'usr_1' | Format-List",
        "$token | ConvertFrom-MbToken",
        "$token, $hostile | Find-MbLeakedToken",
        "$token | Find-MbLeakedToken | Format-List",
        "$token | Find-MbLeakedToken -TestLive -WhatIf -Verbose",
        "$token | Find-MbLeakedToken -TestLive -Verbose | Remove-MbUserToken",
        "Find-MbLeakedToken \"$folder/none$hostile\"",
        "Find-MbLeakedToken $folder -Recurse -Verbose | Format-List",
        "Get-MbSession -Name \"[$hostile\"",
        "Get-MbProjectToken -Session $hostile.Substring(1)",
        "New-MbProjectToken x -ExpiresIn $hostile",
        "New-MbProjectToken x -ExpiresAt $hostile",
        "Disconnect-MbProject; Get-MbProjectToken",
    ];

    [Theory]
    [MemberData(nameof(Scripts))]
    public async Task Nothing_that_is_shown_steers_the_terminal_or_hides(string script)
    {
        await using RawServer server = RawServer.Scripted(Answer);
        File.WriteAllText(Path.Combine(_folder, "plain.log"), s_token);
        if (!OperatingSystem.IsWindows())
        {
            File.WriteAllText(Path.Combine(_folder, Hostile.Replace("/", "", StringComparison.Ordinal)), s_token);
        }

        _host.Choose = (_, _) => 0;
        _engine.Run(
            "Connect-MbProject $token -BaseUri $address -SkipConnectionTest -MaximumRetryCount 0",
            ("token", Secret.Of(s_token)),
            ("address", server.BaseAddress),
            ("hostile", Hostile),
            ("refused", "0198c0de-0000-7000-8000-00000000dead"),
            ("folder", _folder)).MustSucceed();
        foreach (string view in new[] { "ConciseView", "NormalView", "CategoryView" })
        {
            Run run = _engine.Run($"$token = $text; $ErrorView = '{view}'; & {{ {script} }} *>&1 | Out-Default", ("text", s_token));
            if (run.End is { } end)
            {
                // What the host would print of it.
                _engine.Run("$end | Out-Default", ("end", end)).MustSucceed();
            }
        }

        string[] shown = [.. _host.Lines.Concat(_host.Questions).Concat(_engine.Run("$Error | ForEach-Object { $_.ErrorDetails.RecommendedAction }").Output.Select(text => text?.ToString() ?? ""))];
        Assert.NotEmpty(shown);
        Assert.All(shown, line => Assert.DoesNotContain(line, character => IsHostile(character)));

        // A line break of the text would be missing here; one of the view, which wraps, is not.
        string[] parts = string.Concat(shown.Select(line => line.Trim())).Split(Injected);
        Assert.All(parts[..^1], before => Assert.False(before.EndsWith("\".", StringComparison.Ordinal), before));
    }

    [Theory]
    [InlineData("html")]
    [InlineData("csv")]
    public async Task Nothing_in_a_file_hides(string extension)
    {
        await using RawServer server = RawServer.Scripted(Answer);
        string path = Path.Combine(_folder, "report." + extension);

        _engine.Run(
            "Connect-MbProject $token -BaseUri $address -SkipConnectionTest; Get-MbTokenReport 'usr_1' | Export-MbTokenReport $path",
            ("token", Secret.Of(s_token)),
            ("address", server.BaseAddress),
            ("path", path)).MustSucceed();

        string text = File.ReadAllText(path);
        Assert.Contains(Injected, text, StringComparison.Ordinal);
        Assert.DoesNotContain(text.Replace("\r\n", "\n", StringComparison.Ordinal).TrimStart('\uFEFF'), character => IsHostile(character));
        Assert.DoesNotContain("\n" + Injected, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_confirmed_shows_the_id_first()
    {
        await using RawServer server = RawServer.Scripted(Answer);
        _host.Choose = (_, _) => 0;

        _engine.Run(
            "Connect-MbProject $token -BaseUri $address -SkipConnectionTest; Get-MbProjectToken -First 1 | Remove-MbProjectToken",
            ("token", Secret.Of(s_token)),
            ("address", server.BaseAddress));

        string question = Assert.Single(_host.Questions);
        Assert.InRange(question.IndexOf("0198c0de-0000-7000-8000-000000000001", StringComparison.Ordinal), 0, question.IndexOf("'t\\u001B", StringComparison.Ordinal));
    }

    public void Dispose()
    {
        _engine.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static bool IsHostile(char character) => (char.IsControl(character) && character != '\n') || Hostile.Where(each => each > '\u007F').Contains(character);

    private static string? Answer(RawRequest request)
    {
        string path = request.Target.Split('?')[0];
        string error = JsonSerializer.Serialize(new { errors = new[] { new { code = Hostile, message = Hostile } } });
        return request.Method switch
        {
            "POST" => Answers.Json(201, JsonSerializer.Serialize(new { token = TokenText.SignClaims(JsonSerializer.Serialize(new { user_id = Hostile, project_id = Hostile, user_email = Hostile })), token_id = Guid.NewGuid(), created_at = DateTimeOffset.UtcNow, expires_at = DateTimeOffset.UtcNow.AddDays(1) })),
            "DELETE" when path.EndsWith("dead", StringComparison.Ordinal) => Answers.Json(403, error),
            "DELETE" => Answers.Discarded(request),
            _ when path.EndsWith("/users", StringComparison.Ordinal) => Answers.Json(200, JsonSerializer.Serialize(new { data = new[] { new { id = "usr_1", email = "hana@example.com", external_id = Hostile, first_name = Hostile, last_name = Hostile } }, links = new { } })),
            _ when path.EndsWith("/usr_1", StringComparison.Ordinal) || path.EndsWith("/project", StringComparison.Ordinal) => Answers.Json(200, JsonSerializer.Serialize(new
            {
                data = new[]
                {
                    new { id = "0198c0de-0000-7000-8000-000000000001", name = Hostile, created_at = DateTimeOffset.UtcNow.AddDays(-200), note = Hostile },
                    new { id = "0198c0de-0000-7000-8000-000000000002", name = "plain", created_at = DateTimeOffset.UtcNow.AddDays(-200), note = Hostile },
                },
                links = new { },
            })),
            _ => Answers.Json(404, error),
        };
    }
}
