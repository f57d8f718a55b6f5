using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Secrets;

/// <summary>
/// Every cmdlet beside every fault, with everything said aloud: neither the bearer nor a token nor a key is in a stream, an error, a
/// view, on the screen, in what a job would send, in a journal or in a report.
/// </summary>
public sealed partial class CanaryTests(CanaryStage stage) : IClassFixture<CanaryStage>
{
    /// <summary>Each command, and the methods of its requests: the fault hits those of one method at a time, so that each step of a command meets it.</summary>
    internal static readonly (string Methods, string Script)[] Commands =
    [
        ("GET", "Connect-MbProject $token -BaseUri $address -Name second -TimeoutSec 1 -MaximumRetryCount $retries -PassThru -Verbose -Debug"),
        ("GET", "Get-MbProjectToken -PageSize 5 -Verbose -Debug"),
        ("GET", "Get-MbUserToken usr_1, usr_2, usr_3 -Verbose -Debug"),
        ("GET", "Get-MbTokenReport usr_1, usr_2 -Checkpoint \"$folder/$(New-Guid).jsonl\" -Verbose -Debug"),
        ("GET", "Get-MbUser hana@example.com, nobody@example.com -Verbose -Debug; Get-MbUser -First 3 -Verbose -Debug"),
        ("GET", "Get-MbUserToken hana@example.com -Verbose -Debug; Get-MbTokenReport -AllUsers -Verbose -Debug"),
        ("GET", "Get-MbTokenReport usr_1 -Verbose -Debug | Export-MbTokenReport $folder/report.html -Force -PassThru -Verbose -Debug"),
        ("GET", "Get-MbTokenReport usr_1 -Verbose -Debug | Export-MbTokenReport $folder/report.json -Force -Verbose -Debug"),
        ("GET", "Get-MbTokenReport usr_1 -Verbose -Debug | Export-MbTokenReport $folder/report.csv -Force -Verbose -Debug"),
        ("GET POST DELETE", "Update-MbProjectToken -Id $project[0] -Session canary -JournalPath $folder/journal.jsonl -SaveTo { param($Issued) $Issued.Token } -Verbose -Debug"),
        ("GET POST DELETE", "Update-MbProjectToken -Id $project[1] -Session canary -JournalPath $folder/vault.jsonl -Vault canaries -Verbose -Debug"),
        ("GET POST DELETE", "Set-Content $folder/policy.json '{ \"rotate\": [ { \"name\": \"nobody*\", \"olderThan\": \"1d\", \"saveTo\": \"keep.ps1\" } ] }'; Set-Content $folder/keep.ps1 'param($Issued) $Issued.Token'; Invoke-MbRotation $folder/policy.json -Session canary -JournalPath $folder/policy.jsonl -Verbose -Debug; Get-MbRotation -Session canary -JournalPath $folder/journal.jsonl ; Undo-MbRotation $project[0] -Session canary -JournalPath $folder/journal.jsonl -Confirm:$false -Verbose -Debug"),
        ("POST", "New-MbProjectToken stored -ExpiresIn 1h -Session canary -Vault canaries -SecretName 'new-{Id}' -Verbose -Debug"),
        ("GET POST DELETE", "Update-MbUserToken -Id $user[0] -Session canary -Email hana@example.com -JournalPath $folder/user.jsonl -SaveTo { param($Issued) [Net.NetworkCredential]::new('', $Issued.Token).Password + 'x' } -Verbose -Debug"),
        ("POST", "1..3 | New-MbProjectToken -Verbose -Debug"),
        ("POST", "New-MbProjectToken ci -IdempotencyKey ([guid]::NewGuid()) -Verbose -Debug"),
        ("POST", "'a@example.com', 'b@example.com' | New-MbUserToken -Name laptop -ExpiresIn 1d -Verbose -Debug"),
        ("DELETE", "$project[2..4] | Remove-MbProjectToken -Session canary -PassThru -Verbose -Debug"),
        ("DELETE", "$project[5].Id | Remove-MbProjectToken -PassThru -Force -Verbose -Debug"),
        ("GET DELETE", "$plan = $project[2..4] | Remove-MbProjectToken -Session canary -WhatIf -PassThru -Verbose -Debug; $plan | Export-Clixml $folder/plan.xml; $plan | ConvertTo-Csv | ConvertFrom-Csv | Remove-MbProjectToken -Session canary -Force -PassThru -Verbose -Debug"),
        ("DELETE", "$user[1..3] | Remove-MbUserToken -Session canary -PassThru -Force -Verbose -Debug"),
        ("GET", "Connect-MbProject $token -BaseUri $address -Name other -SkipConnectionTest -TimeoutSec 1 -MaximumRetryCount $retries; Get-MbProjectToken -Session canary, other -First 3 -Verbose -Debug; Get-MbSession | Get-MbTokenReport -AllUsers -Verbose -Debug; Get-MbUserToken hana@example.com, nobody@example.com -Session * -Verbose -Debug; Disconnect-MbProject other"),
    ];

    /// <summary>What needs no server, or never gets there.</summary>
    private static readonly string[] s_offlineCommands =
    [
        "Get-MbTokenHistory -Path $folder/history.jsonl -Verbose -Debug; Test-MbTokenHistory -Path $folder/history.jsonl -Verbose -Debug",
        "Get-MbSession -Verbose -Debug; Select-MbSession canary -PassThru -Verbose -Debug",
        "Disconnect-MbProject -Verbose -Debug; Get-MbProjectToken -Verbose -Debug",
        "Connect-MbProject $bearerText -BaseUri $address -Verbose -Debug",
        "Connect-MbProject $token -BaseUri https://127.0.0.1:1/v2 -Proxy http://127.0.0.1:1 -ProxyCredential $proxyCredential -MaximumRetryCount 0 -TimeoutSec 1 -Verbose -Debug",
        "Connect-MbProject $token -BaseUri http://elsewhere.invalid/v2 -Verbose -Debug",
        "Connect-MbProject $token -BaseUri $address -ReadsPerMinute 0 -Verbose -Debug",
        "New-MbUserToken -Email hana@example.com -ApiKey pk_1 -SecretKey $key -ExpiresIn 1h -Verbose -Debug",
        "New-MbUserToken -Email hana@example.com -ApiKey pk_1 -SecretKey $keyText -Verbose -Debug",
        "New-MbUserToken -Email nobody -ApiKey pk_1 -SecretKey $key -Verbose -Debug",
        "$token | ConvertFrom-MbToken -Verbose -Debug; $bearerText.Substring(9), $bearerText | ConvertFrom-MbToken -Verbose -Debug",
        "Test-MbToken $signed $key -Verbose -Debug; Test-MbToken $token $key -Verbose -Debug; Test-MbToken $bearerText.Substring(7) $key -Verbose -Debug; Test-MbToken -SecretKey $keyText -Token $signed -Verbose -Debug",
        "'[]' | Set-Content $folder/list.json; Compare-MbTokenReport $folder/list.json $bearerText -Verbose -Debug; Compare-MbTokenReport $folder/none.json @([pscustomobject]@{ Id = $bearerText; Name = $bearerText }) -Verbose -Debug",
        "Find-MbLeakedToken $folder -Recurse -Verbose -Debug; $bearerText | Find-MbLeakedToken -Verbose -Debug; Find-MbLeakedToken $folder/none -Verbose -Debug",
    ];

    [Theory]
    [InlineData("errors 400")]
    [InlineData("errors 401")]
    [InlineData("errors 404")]
    [InlineData("errors 429")]
    [InlineData("errors 503")]
    [InlineData("html 200")]
    [InlineData("html 502")]
    [InlineData("headers 418")]
    [InlineData("half 200")]
    [InlineData("types 200")]
    [InlineData("links 200")]
    [InlineData("names 200")]
    [InlineData("ids 200")]
    public async Task Nothing_secret_comes_out_beside_a_server_that_repeats_it(string echo)
    {
        string secrets = $"{stage.Server.Token} {TokenText.User} {TokenText.Key}";
        await using var server = RawServer.Scripted(_ => Echo(echo, secrets));
        await stage.PrepareAsync();
        await stage.SearchAsync([.. Commands.Select(command => command.Script)], server.BaseAddress, retries: 0);
    }

    [Fact]
    public async Task Nothing_secret_comes_out_where_nothing_goes_wrong()
    {
        await stage.PrepareAsync();
        IReadOnlyList<Run> runs = await stage.SearchAsync([.. Commands.Select(command => command.Script), .. s_offlineCommands], stage.Server.BaseAddress, retries: 0);

        // Everything was said aloud, so that there was something to search.
        Assert.Contains(runs.SelectMany(run => run.Verbose), line => line.StartsWith("POST /v2/jwt/project 201", StringComparison.Ordinal));
        Assert.Contains(runs.SelectMany(run => run.Debug), text => text.Contains("Authorization: [redacted]", StringComparison.Ordinal));
        Assert.NotEmpty(Directory.GetFiles(stage.Folder, "report.*"));
        Assert.NotEmpty(Directory.GetFiles(stage.Folder, "*.jsonl"));
    }

    [Fact]
    public async Task Nothing_secret_is_in_the_progress_of_what_takes_long_or_in_the_warnings_of_a_limit()
    {
        await stage.PrepareAsync();
        await stage.Server.FailAsync("* * 429 retry-after=5 skip=1 times=1", "* * delay ms=400");
        IReadOnlyList<Run> runs = await stage.SearchAsync(
            [
                "Get-MbUserToken usr_1, usr_2, usr_3, usr_4 -ThrottleLimit 1 -Verbose -Debug",
                "1..4 | New-MbProjectToken -Verbose -Debug",
                "$user | Remove-MbUserToken -Session canary -ThrottleLimit 1 -Force -Verbose -Debug",
            ],
            stage.Server.BaseAddress,
            retries: 3);
        Assert.All(runs, run => Assert.NotEmpty(run.Progress));
        Assert.Contains(runs.SelectMany(run => run.Progress), record => record.StatusDescription.Contains("waiting", StringComparison.Ordinal));
        Assert.Contains(runs.SelectMany(run => run.Warnings), warning => warning.Contains("429", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_cmdlet_and_every_fault_is_among_them()
    {
        string scripts = string.Join('\n', Commands.Select(command => command.Script).Concat(s_offlineCommands));
        Assert.All(stage.Run("(Get-Command -Module MagicBellJwt -CommandType Cmdlet).Name").MustSucceed(), name => Assert.Contains(name + " ", scripts, StringComparison.Ordinal));

        Assembly server = Assembly.LoadFrom(Repository.OutputOf("tests/MagicBellJwt.SandboxServer", "MagicBellJwt.SandboxServer.dll"));
        string faults = " " + string.Join(" ", CanaryFaultTests.Faults) + " ";
        foreach ((string type, string before) in (ReadOnlySpan<(string, string)>)[("FaultKind", " "), ("FaultBody", " body="), ("FaultEncoding", " encoding=")])
        {
            foreach (string name in Enum.GetNames(server.GetType("MagicBellJwt.Sandbox.Server." + type, throwOnError: true)!))
            {
                Assert.Contains(before + Hump().Replace(name, "$1-$2").ToLowerInvariant() + " ", faults, StringComparison.Ordinal);
            }
        }
    }

    // What is planted is found, wherever it is and in whatever form: otherwise nothing found would mean nothing.
    [Theory]
    [InlineData("$secret")]
    [InlineData("\"before $secret after\"")]
    [InlineData("$secret.Substring(7, 40)")]
    [InlineData("[Convert]::ToHexString([Text.Encoding]::UTF8.GetBytes($secret))")]
    [InlineData("[Convert]::ToHexString([Text.Encoding]::Unicode.GetBytes($secret)).ToLowerInvariant()")]
    [InlineData("[BitConverter]::ToString([Text.Encoding]::UTF8.GetBytes($secret))")]
    [InlineData("[Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($secret))")]
    [InlineData("[Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes('x' + $secret))")]
    [InlineData("[Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes('xy' + $secret))")]
    [InlineData("[Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes($secret))")]
    [InlineData("[Convert]::ToBase64String([byte[]](1) + [Text.Encoding]::Unicode.GetBytes($secret))")]
    [InlineData("[Convert]::ToBase64String([byte[]](1, 2) + [Text.Encoding]::Unicode.GetBytes($secret))")]
    [InlineData("[pscustomobject]@{ A = [pscustomobject]@{ B = $secret } }")]
    [InlineData("$PSCmdlet.WriteVerbose($secret)")]
    [InlineData("$PSCmdlet.WriteDebug($secret)")]
    [InlineData("$PSCmdlet.WriteWarning($secret)")]
    [InlineData("$PSCmdlet.WriteInformation($secret, @('x'))")]
    [InlineData("$PSCmdlet.WriteInformation('x', @($secret))")]
    [InlineData("$PSCmdlet.WriteProgress([Management.Automation.ProgressRecord]::new(1, 'working', \"at $secret\"))")]
    [InlineData("$PSCmdlet.WriteError([Management.Automation.ErrorRecord]::new([Exception]::new($secret), 'x', 0, $null))")]
    [InlineData("$PSCmdlet.WriteError([Management.Automation.ErrorRecord]::new([Exception]::new('x'), 'x', 0, [pscustomobject]@{ A = $secret }))")]
    [InlineData("$e = [Management.Automation.ErrorRecord]::new([Exception]::new('x'), 'x', 0, $null); $e.ErrorDetails = 'x'; $e.ErrorDetails.RecommendedAction = $secret; $PSCmdlet.WriteError($e)")]
    [InlineData("$e = [Exception]::new('inner'); $e.Data['x'] = $secret; throw [Exception]::new('outer', $e)")]
    [InlineData("throw [Exception]::new('1', [Net.Http.HttpRequestException]::new('2', [IO.IOException]::new('3', [Exception]::new($secret))))")]
    [InlineData("try { throw [Exception]::new($secret) } catch { }")]
    [InlineData("$Host.UI.WriteLine($secret)")]
    public async Task What_is_planted_is_found(string script)
    {
        await stage.PrepareAsync();

        Assert.NotEmpty(stage.Search($"& {{ [CmdletBinding()] param() {script} }} -Verbose -Debug", stage.Server.BaseAddress, retries: 0).Search.Places);
    }

    [Fact]
    public async Task What_is_planted_in_a_file_is_found()
    {
        await stage.PrepareAsync();
        File.WriteAllText(Path.Combine(stage.Folder, "journal.jsonl"), $$"""{"a":"{{stage.Server.Token}}"}""");
        Assert.NotEmpty(stage.SearchFiles().Places);
    }

    // Only Windows encrypts one.
    [Theory]
    [InlineData("[Management.Automation.PSSerializer]::Serialize($token)")]
    [InlineData("[pscustomobject]@{ A = $token }")]
    public async Task A_SecureString_that_is_serialised_is_found(string script)
    {
        if (OperatingSystem.IsWindows())
        {
            // Windows serialises it encrypted.
            return;
        }

        await stage.PrepareAsync();
        Assert.NotEmpty(stage.Search(script, stage.Server.BaseAddress, retries: 0).Search.Places);
    }

    private static string Echo(string echo, string secrets)
    {
        int status = int.Parse(echo.Split(' ')[1], null);
        return echo.Split(' ')[0] switch
        {
            "errors" => Answers.Json(
                status,
                $$"""{"errors":[{"code":"{{secrets}}","message":"The token {{secrets}} is bad: {{new string('x', 280)}} {{secrets}}"}],"{{secrets}}":"{{secrets}}"}""",
                "X-Request-Id: " + secrets,
                "Retry-After: " + secrets,
                "WWW-Authenticate: Bearer error=" + secrets),
            "html" => Answers.Text(status, "text/html", $"<html>{secrets}</html>"),
            "headers" => Answers.Json(status, "{}", "X-Echo: " + secrets, "Set-Cookie: a=" + secrets, "Via: " + secrets, "Location: https://elsewhere.invalid/?" + Uri.EscapeDataString(secrets)),
            "half" => $"HTTP/1.1 200 {secrets}\r\nContent-Length: 100000\r\n\r\n{{\"token\":\"{secrets}\"",
            "names" => Answers.Json(status, $$"""{"data":[{{string.Join(",", FormsOf(secrets).Select((form, number) => $$"""{"id":"019b1b1e-7b1b-4b1b-8b1b-{{number:d12}}","created_at":"2021-01-01T00:00:00Z","name":"{{form}}","email":"{{form}}@example.com","external_id":"{{form}}","first_name":"{{form}}","last_name":"{{form}}"}"""))}}],"links":{"next":null} }"""),
            "ids" => Answers.Json(status, $$"""{"data":[{"id":"{{secrets.Split(' ')[0]}}","created_at":"2021-01-01T00:00:00Z","name":"ci"}],"links":{"next":null} }"""),
            "types" => Answers.Json(status, $$"""{"data":"{{secrets}}","token":"{{secrets}}","token_id":"{{secrets}}","created_at":"{{secrets}}","discarded_at":"{{secrets}}","links":{"next":"{{secrets}}"} }"""),
            _ => Answers.Json(status, $$"""{"data":[{"id":"a","created_at":"2021-01-01T00:00:00Z","{{secrets}}":"{{secrets}}"}],"links":{"next":"https://elsewhere.invalid/?{{Uri.EscapeDataString(secrets)}}"} }"""),
        };
    }

    // In what somebody may have named a token or a user. In base64 and hexadecimal only the bearer is known to be a secret.
    private static IEnumerable<string> FormsOf(string secrets)
    {
        byte[] bearer = Encoding.UTF8.GetBytes(secrets.Split(' ')[0]);
        return [secrets, .. secrets.Split(' '), Uri.EscapeDataString(secrets), Convert.ToBase64String(bearer), Convert.ToHexString(bearer)];
    }

    [GeneratedRegex("([a-z])([A-Z])")]
    private static partial Regex Hump();
}
