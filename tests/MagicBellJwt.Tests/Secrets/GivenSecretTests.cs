using System;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Secrets;

/// <summary>A token's value or a secret key, given by mistake where something else is asked for: nothing is sent, and it is repeated nowhere.</summary>
public sealed class GivenSecretTests(ServerFixture fixture) : ServerTests(fixture), IDisposable
{
    private static readonly string s_token = TokenText.SignClaims("""{"kind":"project","jti":"0198c0de-0000-7000-8000-0000000000b2"}""");

    private static readonly string[] s_forms = ["whole", "within", "escaped", "key", "password"];

    private static readonly string[] s_scripts =
    [
        "New-MbProjectToken $x",
        "New-MbProjectToken $x -WhatIf",
        "New-MbProjectToken ci -Reason $x",
        "$PSDefaultParameterValues['New-MbProjectToken:Reason'] = $x; try { New-MbProjectToken ci } finally { $PSDefaultParameterValues.Clear() }",
        "New-MbProjectToken ci -Vault $x -SecretName $x",
        "New-MbProjectToken ci -ExpiresIn $x",
        "New-MbProjectToken ci -ExpiresAt $x",
        "New-MbUserToken -Email \"$x@example.com\" -Name ci",
        "New-MbUserToken -ExternalId $x -Name ci",
        "$x | New-MbUserToken -Name ci",
        "[pscustomobject]@{ Email = 'hana@example.com'; Name = $x } | New-MbUserToken",
        "Get-MbProjectToken $x",
        "Get-MbProjectToken -Id $x",
        "Get-MbProjectToken -After $x",
        "Get-MbUserToken $x",
        "$x | Get-MbUserToken",
        "Get-MbUserToken -Email $x",
        "Get-MbUserToken -ExternalId $x",
        "Get-MbUser $x",
        "Get-MbUser -Query $x",
        "Remove-MbProjectToken $x -WhatIf",
        "$x | Remove-MbProjectToken -Force",
        "Remove-MbProjectToken 0198c0de-0000-7000-8000-000000000001 -Reason $x -Force",
        "Update-MbProjectToken $x -SaveTo { } -JournalPath $folder/journal",
        "Update-MbProjectToken ci -SaveTo { } -JournalPath \"$folder/none/$x\"",
        "Undo-MbRotation $x -JournalPath $folder/journal",
        "Get-MbRotation $x -JournalPath $folder/journal",
        "Get-MbSession $x",
        "Select-MbSession $x",
        "Disconnect-MbProject $x",
        "Get-MbProjectToken -Session $x",
        "Connect-MbProject -Sandbox -Name $x -PassThru | Format-List",
        "Connect-MbProject $token -BaseUri \"https://127.0.0.1:1/$x\" -MaximumRetryCount 0",
        "Connect-MbProject $token -BaseUri \"https://$x.example.invalid\" -MaximumRetryCount 0",
        "Connect-MbProject $token -Proxy \"https://$x\" -MaximumRetryCount 0",
        "$env:MAGICBELL_BASE_URL = \"https://127.0.0.1:1/$x\"; try { Connect-MbProject $token -MaximumRetryCount 0 } finally { $env:MAGICBELL_BASE_URL = '' }",
        "$env:MAGICBELL_POLICY = \"$folder/$x\"; try { Connect-MbProject $token -MaximumRetryCount 0 } finally { $env:MAGICBELL_POLICY = '' }",
        "$x | Connect-MbProject",
        "$x, $x | Connect-MbProject -Name piped",
        "[pscustomobject]@{ Token = $x } | Connect-MbProject",
        "[pscustomobject]@{ Name = 'piped'; Token = $x } | Connect-MbProject",
        "Connect-MbProject -TokenFile $x",
        "Connect-MbProject -TokenVariable $x",
        "Connect-MbProject -Vault $x -SecretName $x",
        "Connect-MbProject $token -History $x",
        "Connect-MbProject $token -Policy $x",
        "$x | Get-MbTokenReport",
        "'' | Export-MbTokenReport $x",
        "'' | Export-MbTokenReport \"$folder/none/$x.html\"",
        "$x | Export-MbTokenReport $folder/report.html",
        "Compare-MbTokenReport $x $x",
        "Get-MbTokenHistory -Path \"$folder/$x\"",
        "Test-MbTokenHistory -Path \"$folder/$x\"",
        "Test-MbTokenHistory -Anchor $x",
        "Invoke-MbRotation \"$folder/$x\"",
        "Find-MbLeakedToken $x",
        "Find-MbLeakedToken -LiteralPath $x",
        "New-MbUserToken -Email hana@example.com -ApiKey $x -SecretKey $token",
    ];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");

    // A path is no address: its slashes are made one.
    public static TheoryData<string, string> Cases => [.. s_forms.SelectMany(form => s_scripts.Where(script => form != "password" || !script.Contains("POLICY", StringComparison.Ordinal)).Select(script => (form, script)))];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task It_is_repeated_nowhere_and_nothing_is_sent(string form, string script)
    {
        string given = form switch
        {
            "whole" => s_token,
            "within" => $"x {s_token} y",
            "escaped" => s_token.Replace(".", "%2E", StringComparison.Ordinal),
            "key" => TokenText.Key,
            _ => "https://hana:canary-0123456789@example.invalid",
        };

        Run run = Try(script, ("x", given), ("folder", _folder.FullName), ("token", Secret.Of("opaque-0123456789")));

        string[] secrets = form == "key" ? [TokenText.Key] : form == "password" ? ["canary-0123456789"] : [s_token.Split('.')[1], s_token.Split('.')[2]];
        ErrorRecord[] errors = run.End is null ? [.. run.Errors] : [.. run.Errors, run.End];
        string[] said =
        [
            .. errors.SelectMany(error => new[] { error.ToString(), error.Exception.ToString(), error.TargetObject?.ToString() ?? "", error.CategoryInfo.ToString(), error.ErrorDetails?.ToString() ?? "", error.ErrorDetails?.RecommendedAction ?? "" }),
            .. run.Warnings, .. run.Verbose, .. run.Debug, .. Host.Lines,
            .. run.Output.Select(item => item.ToString()),
            .. Directory.EnumerateFileSystemEntries(_folder.FullName, "*", SearchOption.AllDirectories),
            .. Directory.GetFiles(_folder.FullName).Select(File.ReadAllText),
        ];
        Assert.All(said, text => Assert.All(secrets, secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal)));
        Assert.Empty(await WritesAsync());
        Assert.All(await Server.RequestsAsync(), request => Assert.All(secrets, secret => Assert.DoesNotContain(secret, request.ToString(), StringComparison.Ordinal)));
    }

    [Fact]
    public void A_history_holds_no_secret_whatever_it_is_told()
    {
        string path = Path.Combine(_folder.FullName, "history.jsonl");
        Run(
            "Connect-MbProject $token -BaseUri $address -Name recorded -History $path; $row = New-MbProjectToken ci -Session recorded; $plan = Get-MbProjectToken ci -Session recorded | Remove-MbProjectToken -WhatIf -PassThru; $plan | ForEach-Object { $p = $_ | Select-Object *; $p.Reason = $x; $p } | Remove-MbProjectToken -Force -ErrorAction SilentlyContinue",
            ("token", Server.SecureToken()), ("address", Server.BaseAddress), ("path", path), ("x", s_token));

        Assert.DoesNotContain(s_token.Split('.')[2], File.ReadAllText(path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("New-MbProjectToken ci -Reason $x -Session opaque")]
    [InlineData("Get-MbUserToken $x -Session opaque")]
    [InlineData("Remove-MbProjectToken $x -Session opaque -Force")]
    [InlineData("Get-MbProjectToken -After $x -Session opaque")]
    public async Task A_token_of_a_session_that_looks_like_any_word_is_known_all_the_same(string script)
    {
        const string Value = "opaque-0123456789-abcdefgh";
        Run("Connect-MbProject $token -BaseUri $address -Name opaque -SkipConnectionTest", ("token", Secret.Of(Value)), ("address", Server.BaseAddress)).MustSucceed();

        Run run = Try(script, ("x", Value));

        Assert.StartsWith("MbInvalidRequest", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.DoesNotContain(Value, $"{run.Error.Exception} {run.Error.ErrorDetails} {run.Error.TargetObject} {run.Error.CategoryInfo}", StringComparison.Ordinal);
        Assert.Empty(await Server.RequestsAsync());
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
