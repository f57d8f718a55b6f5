using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Rotation;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Commands;

/// <summary>New tokens that go into a store: a row only when the store gave the value back, and none is lost on the way.</summary>
public sealed class StoreOnIssueTests(ServerFixture fixture) : RotationTestBase<ServerFixture>(fixture)
{
    /// <summary>A vault whose Set-Secret and Get-Secret are given.</summary>
    private static string VaultThat(string set, string get = "$global:secrets[\"$Vault/$Name\"]") => $$"""
        $global:secrets = @{}; $global:reads = 0
        New-Module -Name Microsoft.PowerShell.SecretManagement {
            function Set-Secret([string] $Vault, [string] $Name, $Secret) { {{set}} }
            function Get-Secret([string] $Vault, [string] $Name) { $global:reads++; {{get}} }
        } | Import-Module -Global

        """;

    [Fact]
    public async Task A_stored_token_is_a_row_without_its_value()
    {
        PSObject row = Run(VaultModule + "\nNew-MbProjectToken 'store ci' -ExpiresIn 90d -Vault prod -SecretName '{Project}-{Name}'").MustSucceed().Single();

        Assert.Equal("MagicBellJwt.StoredToken", row.TypeNames[0]);
        Assert.Equal(Assert.Single(await LiveAsync("store ci")), row.Id());
        string place = row.Get<string>("StoredIn");
        string value = SecretIn(place);
        Assert.Equal($"prod/{row.Get<string>("Project")}-store ci", place);
        Assert.Equal(row.Id(), Claim(value, "jti"));
        Assert.DoesNotContain(value, Run("$row | Format-List * | Out-String; $row | ConvertTo-Json; $row | Export-Csv -Path $file; Get-Content $file", ("row", row), ("file", Path.Combine(Folder, "row.csv"))).MustSucceed().Aggregate("", (all, item) => all + item), StringComparison.Ordinal);
        Run("$row | Remove-MbProjectToken -Force", ("row", row)).MustSucceed();
        Assert.Empty(await LiveAsync("store ci"));
    }

    [Fact]
    public async Task A_bulk_issue_says_whose_each_token_is()
    {
        Run run = Run(VaultModule + """

            @'
            Email,ExternalId
            ana@example.com,17
            ,18
            omar@example.com,17
            '@ | ConvertFrom-Csv | New-MbUserToken -ExpiresIn 90d -Vault prod -SecretName 'user-{ExternalId}' | Select-Object Email, ExternalId, UserId, StoredIn
            """);

        Assert.Equal(["ana@example.com", ""], run.Output.Select(row => row.Get<string?>("Email") ?? ""));
        Assert.Equal(["prod/user-17", "prod/user-18"], run.Output.Select(row => row.Get<string>("StoredIn")));
        Assert.All(run.Output, row => Assert.NotEmpty(row.Get<string>("UserId")));

        // The third row's secret is the first row's: nothing was sent for it.
        Assert.StartsWith("MbInvalidRequest,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(2, (await WritesAsync()).Length);
    }

    [Theory]
    [InlineData("taken", "{Name}", "There is a secret 'taken'")]
    [InlineData("x", "{Nme}", "{Nme}")]
    [InlineData("x", "{UserId}", "{UserId}")]
    [InlineData("x", "{Email}", "{Email}")]
    [InlineData("a*", "{Name}", "wildcards")]
    public async Task What_cannot_be_stored_is_refused_before_anything_is_sent(string name, string secret, string told)
    {
        Run(VaultModule + "\n$secrets['prod/taken'] = 'db-password'").MustSucceed();

        ErrorRecord error = Assert.Single(Run($"New-MbProjectToken -Name '{name}' -ExpiresIn 1h -Vault prod -SecretName '{secret}'").Errors);

        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(told, error.Exception.Message, StringComparison.Ordinal);
        Assert.Equal("db-password", Run("$secrets['prod/taken']").MustSucceed().Single().ToString());
        Assert.Empty(await WritesAsync());
    }

    [Theory]
    [InlineData("-Vault prod -SaveTo { 1 }")]
    [InlineData("-Vault prod -AsPlainText")]
    [InlineData("-SaveTo { 1 } -AsPlainText")]
    [InlineData("-SecretName x")]
    public async Task Options_that_contradict_each_other_are_refused(string options)
    {
        Assert.StartsWith("MbInvalidRequest,", Try("New-MbProjectToken ci " + options).Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(await WritesAsync());
    }

    [Fact]
    public async Task A_store_that_surely_took_nothing_ends_with_no_live_token()
    {
        // It can be read before the create, and not when the value is to be written.
        string vault = VaultThat("throw 'must not be asked'", "if ($global:reads -gt 1) { throw 'The vault is locked.' }");

        ErrorRecord error = Assert.Single(Run(vault + "New-MbProjectToken 'store locked' -ExpiresIn 1h -Vault prod").Errors);

        Assert.StartsWith("MbRotationFailed,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("was revoked again", error.Exception.Message, StringComparison.Ordinal);
        Assert.Empty(await LiveAsync("store locked"));
        Assert.Equal(["POST", "DELETE"], (await WritesAsync()).Select(request => request.Method));
    }

    // Its answer is the first that tells the server's clock, and this machine's may be hours away from it.
    [Theory]
    [InlineData(30)]
    [InlineData(-30)]
    public async Task A_token_that_surely_nobody_has_is_revoked_whatever_this_machines_clock_says(int hoursAhead)
    {
        string id = Guid.NewGuid().ToString("D");
        await using RawServer server = RawServer.Scripted(request =>
        {
            DateTime now = DateTime.UtcNow.AddHours(hoursAhead);
            string created = $"\"created_at\":\"{now.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)}\"";
            string date = "Date: " + now.ToString("R", CultureInfo.InvariantCulture);
            return request.Method switch
            {
                "POST" => Answers.Json(201, $$"""{"token":"opaque-value","token_id":"{{id}}",{{created}},"expires_at":null}""", date),
                "GET" => Answers.Json(200, $$"""{"data":[{"id":"{{id}}","name":"skewed",{{created}}}]}""", date),
                _ => Answers.Discarded(request),
            };
        });
        string vault = VaultThat("throw 'must not be asked'", "if ($global:reads -gt 1) { throw 'The vault is locked.' }");

        Run run = Run(
            vault + "Connect-MbProject $token -BaseUri $address -Name skewed -SkipConnectionTest; New-MbProjectToken skewed -Vault prod -Session skewed",
            ("token", Secret.Of("opaque-token")), ("address", server.BaseAddress));

        Assert.Contains("was revoked again", Assert.Single(run.Errors).Exception.Message, StringComparison.Ordinal);
        Assert.Single(server.Requests, request => request.Method == "DELETE");
    }

    // The second create is answered with the first one's id, and what undid the second revoked the first, which somebody holds.
    [Theory]
    [InlineData("")]
    [InlineData("-IdempotencyKey 0198c0de-0000-7000-8000-0000000000a1")]
    public async Task What_undoes_a_create_touches_no_id_that_an_earlier_create_was_answered_with(string key)
    {
        string id = Guid.NewGuid().ToString("D");
        string created = $"\"created_at\":\"{DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)}\"";
        await using RawServer server = RawServer.Scripted(request => request.Method switch
        {
            "POST" => Answers.Json(201, $$"""{"token":"opaque-value","token_id":"{{id}}",{{created}},"expires_at":null}"""),
            "GET" => Answers.Json(200, $$"""{"data":[{"id":"{{id}}","name":"twice",{{created}}}]}"""),
            _ => Answers.Discarded(request),
        });
        string vault = VaultThat("throw 'must not be asked'", "if ($global:reads -gt 1) { throw 'The vault is locked.' }");
        Run("Connect-MbProject $token -BaseUri $address -Name twice -SkipConnectionTest", ("token", Secret.Of("opaque-token")), ("address", server.BaseAddress)).MustSucceed();

        Run run = Run($"{vault}$held = New-MbProjectToken twice {key} -Session twice; New-MbProjectToken twice -Vault prod {key} -Session twice");

        string message = Assert.Single(run.Errors).Exception.Message;
        Assert.Contains(id, message, StringComparison.Ordinal);
        Assert.Contains("Nothing is done to that id", message, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Requests, request => request.Method == "DELETE");
        Assert.Equal(key.Length == 0, Host.Lines.Any(line => line.Contains("an earlier create was answered with", StringComparison.Ordinal)));
    }

    public static TheoryData<string, string> Doubts => new()
    {
        { VaultThat("throw 'The vault is full.'"), "-Vault prod" },
        { VaultThat("$global:secrets[\"$Vault/$Name\"] = 'garbled'"), "-Vault prod" },
        { "", "-SaveTo { param($Issued) throw 'no' }" },
        { "", "-SaveTo { param($Issued) }" },
        { "", "-SaveTo {}" },
        { "", "-SaveTo { param($Issued) 'another' }" },
        { "", "-SaveTo { param($Issued) $Issued.Token; exit 1 }" },
        { "", "-SaveTo { param($Issued) $Issued.Token.Dispose(); $Issued.Token }" },
        { VaultThat("$global:secrets[\"$Vault/$Name\"] = $Secret", "if ($global:reads -gt 2) { $gone = [securestring]::new(); $gone.Dispose(); $gone }"), "-Vault prod" },
    };

    [Theory]
    [MemberData(nameof(Doubts))]
    public async Task A_store_that_may_have_it_keeps_the_token_live_and_names_it(string vault, string options)
    {
        ErrorRecord error = Assert.Single(Run(vault + $"New-MbProjectToken 'store doubt' -ExpiresIn 1h {options}").Errors);

        string live = Assert.Single(await LiveAsync("store doubt"));
        Assert.StartsWith("MbRotationFailed,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.EndsWith($"Remove-MbProjectToken '{live}'", error.Exception.Message, StringComparison.Ordinal);
        Run(error.Exception.Message[error.Exception.Message.IndexOf("Remove-MbProjectToken", StringComparison.Ordinal)..] + " -Force").MustSucceed();
        Assert.Empty(await LiveAsync("store doubt"));
    }

    [Fact]
    public async Task A_script_that_gives_the_value_back_is_a_store()
    {
        PSObject row = Run("New-MbProjectToken 'store script' -ExpiresIn 1h -SaveTo { param($Issued) $global:kept = $Issued.Token; $global:kept }").MustSucceed().Single();

        Assert.Equal("-SaveTo", row.Get<string>("StoredIn"));
        Assert.Equal(row.Id(), Claim(Secret.Reveal(Run("$kept").MustSucceed().Single()), "jti"));
        Assert.Equal([row.Id()], await LiveAsync("store script"));
    }

    [Fact]
    public async Task What_if_says_where_and_sends_nothing()
    {
        string[] said = Run(VaultModule + "\nNew-MbProjectToken ci -ExpiresIn 1h -Vault prod -SecretName '{Name}-{Id}' -WhatIf").MustSucceed() is { } ? Host.Lines.ToArray() : [];

        Assert.Contains("into secret 'ci-{Id}' of vault 'prod'", Assert.Single(said), StringComparison.Ordinal);
        Assert.Empty(await WritesAsync());
    }

    [Fact]
    public async Task A_stop_while_the_store_works_names_the_token()
    {
        string began = Path.Combine(Folder, "began");
        using RunningScript running = Engine.Start("New-MbProjectToken 'store stopped' -ExpiresIn 1h -SaveTo { param($Issued) Set-Content $began 1; Start-Sleep 60; $Issued.Token }", ("began", began));
        Assert.True(await Eventually.IsAsync(() => Task.FromResult(File.Exists(began))));

        running.Stop();

        string live = Assert.Single(await LiveAsync("store stopped"));
        Assert.EndsWith($"Remove-MbProjectToken '{live}'", Assert.Single(Host.Lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("'a', 'b' | New-MbProjectToken", 1)]
    [InlineData("New-MbUserToken x@example.com", 1)]
    [InlineData("New-MbProjectToken a -ExpiresIn 1h", 0)]
    [InlineData("New-MbProjectToken a -SaveTo { param($Issued) $Issued.Token }", 0)]
    [InlineData("New-MbProjectToken a -WhatIf", 0)]
    public void A_token_without_an_end_that_nothing_stores_is_warned_of_once(string script, int warnings)
    {
        Run run = Run(script);

        run.MustSucceed();
        Assert.Equal(warnings, run.Warnings.Count(text => text.Contains("never ends", StringComparison.Ordinal)));
    }
}
