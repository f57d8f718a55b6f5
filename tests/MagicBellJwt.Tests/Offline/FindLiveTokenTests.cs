using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Offline;

/// <summary>Which of the tokens that were found are live, and what is sent to find out.</summary>
public sealed class FindLiveTokenTests(ServerFixture fixture) : ServerTests(fixture), IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("leaks").FullName;

    private string Log => Path.Combine(_folder, "app.log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Without_TestLive_a_token_is_listed_at_most_and_nothing_is_sent_with_it()
    {
        string project = Issue("New-MbProjectToken leaked -ExpiresIn 30d");
        string user = Issue("New-MbUserToken -Email leaked@example.com -ExpiresIn 30d");
        Write(project, user, project, TokenText.SignClaims("""{"kind":"project","jti":"0198c0de-0000-7000-8000-0000000000b2"}"""));
        await Server.ResetAsync();

        Run run = Find("-Verbose -Debug");

        Assert.Equal([("Project", true), ("User", true), ("Project", true), ("Project", false)], run.MustSucceed().Select(leak => (leak.Get<string>("Kind"), leak.Get<bool>("Listed"))));
        Assert.All(run.Output, leak => Assert.Null(leak.Properties["Live"].Value));
        Secret.MustNotBeIn(run, Host, project, user, project.Split('.')[2], user.Split('.')[2]);
        ServerRequest[] requests = await Server.RequestsAsync();
        Assert.All(requests, request => Assert.Equal("GET", request.Method));
        Assert.Equal(2, requests.Select(request => request.Target.Split('?')[0]).Distinct().Count());
        Assert.Equal([Bearer(Server.Token)], Bearers(requests));
    }

    [Fact]
    public async Task What_is_proved_live_can_be_revoked_straight_away_and_nothing_else_is()
    {
        string[] names = ["incident 1", "incident 2"];
        string[] leaked = [.. names.Select(name => Issue($"New-MbProjectToken '{name}'"))];
        Issue("New-MbProjectToken 'incident kept'");
        Write(leaked[0], leaked[1], leaked[0], Server.Token, TokenText.User);

        Run run = Run("Find-MbLeakedToken -Path $folder -Recurse -TestLive | Where-Object Live | Remove-MbProjectToken -Force -PassThru", ("folder", _folder));

        Assert.Equal(["Revoked", "Revoked"], run.Output.Select(revocation => revocation.Get<string>("Outcome")));
        Assert.StartsWith("MbSelfLockout,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        ServerToken[] tokens = await Server.TokensAsync();
        Assert.All(names, name => Assert.DoesNotContain(tokens, token => token.Name == name && token.Live));
        Assert.Contains(tokens, token => token.Name == "incident kept" && token.Live);
    }

    // One line in a log and a known id were enough to have production revoked.
    [Theory]
    [InlineData("", "")]
    [InlineData("-TestLive", "")]
    [InlineData("", "| Where-Object Listed")]
    [InlineData("-TestLive", "| Where-Object Listed")]
    [InlineData("-TestLive", "| Where-Object { $_.Live -or $_.Listed }")]
    [InlineData("-TestLive", "| Select-Object *")]
    [InlineData("", "| Select-Object TokenId, Kind, Live")]
    [InlineData("-TestLive", "| ForEach-Object { [Management.Automation.PSSerializer]::Deserialize([Management.Automation.PSSerializer]::Serialize($_)) }")]
    [InlineData("", "| ConvertTo-Csv | ConvertFrom-Csv | ForEach-Object { $_.Live = 'True'; $_ }")]
    [InlineData("-TestLive", "| ConvertTo-Json | ConvertFrom-Json | ForEach-Object { $_.Live = $true; $_ }")]
    [InlineData("", "| ForEach-Object { $h = @{}; foreach ($p in $_.psobject.Properties) { $h[$p.Name] = $p.Value }; [pscustomobject]$h }")]
    [InlineData("", "| ForEach-Object { [pscustomobject]@{ Id = $_.TokenId; Live = $true } }")]
    public async Task A_forged_line_revokes_nothing_and_is_told_how_it_could_be_proved(string options, string filter)
    {
        PSObject production = Run("New-MbProjectToken PRODUCTION").MustSucceed().Single();
        Write(
            TokenText.SignClaims($$"""{"kind":"project","project_id":"{{ProjectId()}}","jti":"{{production.Id()}}"}"""),
            Unsigned($$"""{"kind":"project","project_id":"{{ProjectId()}}","jti":"{{production.Id()}}"}"""),
            TokenText.SignClaims($$"""{"jti":"{{production.Id()}}"}"""));

        foreach (string command in new[] { "Remove-MbProjectToken -Force", "Remove-MbProjectToken -Force -Session (Get-MbSession)", "Update-MbProjectToken -SaveTo { param($Issued) $Issued.Token } -JournalPath $journal" })
        {
            Run run = Run($"Find-MbLeakedToken $path {options} {filter} | {command}", ("path", Log), ("journal", Path.Combine(_folder, "journal")));

            Assert.NotEmpty(run.Errors);
            Assert.All(run.Errors, error => Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal));
            Assert.All(run.Errors, error => Assert.True(error.Exception.Message.Contains("-TestLive", StringComparison.Ordinal) || error.Exception.Message.Contains("does not work", StringComparison.Ordinal), error.Exception.Message));
        }

        Assert.True(Assert.Single(await Server.TokensAsync(), token => token.Id == production.Id()).Live);
        Assert.All(Find(options).MustSucceed(), leak => Assert.True(leak.Get<bool>("Listed")));
        Assert.DoesNotContain(Find(options).MustSucceed(), leak => leak.Get<bool>("Live"));
        Run("Get-MbProjectToken PRODUCTION | Remove-MbProjectToken -Force").MustSucceed();
    }

    [Theory]
    [InlineData("Find-MbLeakedToken $path -TestLive | Add-Member -NotePropertyName TokenId -NotePropertyValue $production -Force -PassThru")]
    [InlineData("Get-MbProjectToken decoy | Add-Member -NotePropertyName Id -NotePropertyValue $production -Force -PassThru")]
    [InlineData("Get-MbProjectToken decoy | Add-Member -MemberType ScriptProperty -Name Id -Value { $production } -Force -PassThru")]
    [InlineData("New-MbProjectToken decoy | Add-Member -NotePropertyName Id -NotePropertyValue $production -Force -PassThru")]
    public async Task A_member_that_was_added_to_a_token_does_not_make_another_of_it(string script)
    {
        PSObject production = Run("New-MbProjectToken PRODUCTION").MustSucceed().Single();
        Write(Issue("New-MbProjectToken decoy"));

        Run run = Run($"$global:production = '{production.Id()}'; {script} | Remove-MbProjectToken -Force", ("path", Log));

        Assert.StartsWith("MbInvalidRequest,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(await Server.TokensAsync(), token => token.Id == production.Id() && token.Live);
        Run("Get-MbProjectToken PRODUCTION, decoy | Remove-MbProjectToken -Force").MustSucceed();
    }

    [Fact]
    public async Task What_one_session_proved_is_not_revoked_in_another()
    {
        Write(Issue("New-MbProjectToken proved"));
        Run("$other = Connect-MbProject -Sandbox -Name other -PassThru; $here = Get-MbSession | Where-Object Name -ne other").MustSucceed();

        Run run = Run("Find-MbLeakedToken $path -TestLive -Session $here | Remove-MbProjectToken -Force -Session $other", ("path", Log));

        Assert.Contains("was proved in the session", Assert.Single(run.Errors).Exception.Message, StringComparison.Ordinal);
        Assert.Contains(await Server.TokensAsync(), token => token.Name == "proved" && token.Live);
    }

    [Fact]
    public void A_live_token_that_no_list_names_cannot_be_revoked_and_the_error_says_what_to_do()
    {
        string user = Issue("New-MbUserToken -Email unlisted@example.com -Name unlisted");
        Write(user);
        Run("Get-MbUserToken (ConvertFrom-MbToken $user).UserId | Out-Null", ("user", user)).MustSucceed();

        Run run = Run("Find-MbLeakedToken $path -TestLive -UserLimit 0 | ForEach-Object { $_.GetType().GetProperty('Listed').SetValue($_, $false); $_.GetType().GetProperty('ProvedBy', [Reflection.BindingFlags]'Instance,NonPublic').SetValue($_, $null); $_ } | Remove-MbUserToken -Force", ("path", Log));

        Assert.Contains("signed with the project's secret key", Assert.Single(run.Errors).Exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_live_user_token_is_not_revoked_as_a_project_token()
    {
        Write(Issue("New-MbUserToken -Email other@example.com -Name 'of a user'"));

        Run run = Run("Find-MbLeakedToken $path -TestLive | Remove-MbProjectToken -Force", ("path", Log));

        Assert.Contains("Remove-MbUserToken", Assert.Single(run.Errors).Exception.Message, StringComparison.Ordinal);
        Run("Find-MbLeakedToken $path -TestLive | Remove-MbUserToken -Force", ("path", Log)).MustSucceed();
        Assert.DoesNotContain(await Server.TokensAsync(), token => token.Name == "of a user" && token.Live);
    }

    [Fact]
    public async Task A_users_token_says_whose_it_is_by_address_and_its_users_list_alone_is_read()
    {
        PSObject issued = Run("New-MbUserToken -Email whose@example.com -Name whose -AsPlainText").MustSucceed().Single();
        Write(
            issued.Get<string>("Token"),
            TokenText.SignClaims($$"""{"kind":"user","project_id":"{{ProjectId()}}","jti":"{{issued.Id()}}","user_email":"Whose@example.com"}"""),
            TokenText.SignClaims($$"""{"kind":"user","project_id":"{{ProjectId()}}","jti":"{{issued.Id()}}","user_email":"nobody@example.com"}"""));
        await Server.ResetAsync();

        IReadOnlyList<PSObject> leaks = Find("").MustSucceed();

        Assert.Equal([true, true, false], leaks.Select(leak => leak.Get<bool>("Listed")));
        Assert.Equal(["whose@example.com", "whose@example.com", "nobody@example.com"], leaks.Select(leak => leak.Get<string>("Email")));
        string list = "/v2/jwt/user/" + issued.Get<string>("UserId");
        Assert.All(await Server.RequestsAsync(), request => Assert.True(request.Target.StartsWith(list, StringComparison.Ordinal) || request.Target.StartsWith("/v2/users?", StringComparison.Ordinal), request.Target));
        Assert.Single(await Server.RequestsAsync(), request => request.Target.StartsWith(list, StringComparison.Ordinal));
    }

    // Each forged line names another user, and made a request.
    [Theory]
    [InlineData("", 25)]
    [InlineData("-UserLimit 3", 3)]
    [InlineData("-UserLimit 0", 0)]
    [InlineData("-TestLive -UserLimit 3", 3)]
    public async Task The_users_that_claims_name_are_looked_up_to_a_limit_and_that_is_said(string options, int limit)
    {
        Write([.. Enumerable.Range(0, 60).Select(number => TokenText.SignClaims($$"""{"kind":"user","user_id":"usr_forged_{{number}}","jti":"{{Guid.NewGuid()}}"}"""))]);
        await Server.ResetAsync();

        Run run = Find(options);

        Assert.Equal(60, run.MustSucceed().Count);
        Assert.Equal(limit, (await Server.RequestsAsync()).Select(request => request.Target.Split('?')[0]).Distinct().Count());
        Assert.Equal(60 - limit, run.Output.Count(leak => leak.Properties["Listed"].Value is null));
        Assert.Contains(run.Warnings, warning => warning.Contains($"-UserLimit {limit}", StringComparison.Ordinal) && warning.Contains($"{60 - limit} of them", StringComparison.Ordinal));
    }

    // Nobody has these addresses, and each was asked for.
    [Theory]
    [InlineData("user_email", "nobody-{0}@example.com")]
    [InlineData("user_external_id", "nobody-{0}")]
    public async Task Users_that_nobody_is_count_too(string claim, string pattern)
    {
        Write([.. Enumerable.Range(0, 60).Select(number => TokenText.SignClaims($$"""{"kind":"user","{{claim}}":"{{pattern.Replace("{0}", $"{number}", StringComparison.Ordinal)}}","jti":"{{Guid.NewGuid()}}"}"""))]);
        await Server.ResetAsync();

        Run run = Find("-UserLimit 3");

        Assert.Equal(60, run.MustSucceed().Count);
        Assert.Equal(3, (await Server.RequestsAsync()).Where(request => request.Target.Contains("query=nobody", StringComparison.Ordinal)).Select(request => request.Target).Distinct().Count());
        Assert.Contains(run.Warnings, warning => warning.Contains("-UserLimit 3", StringComparison.Ordinal) && warning.Contains("57 of them", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_user_of_a_proved_token_is_looked_up_beyond_the_limit()
    {
        Write(TokenText.SignClaims($$"""{"kind":"user","user_id":"usr_forged","jti":"{{Guid.NewGuid()}}"}"""), Issue("New-MbUserToken -Email beyond@example.com -Name beyond"));

        Run run = Run("Find-MbLeakedToken $path -TestLive -UserLimit 1 | Where-Object Live | Remove-MbUserToken -Force", ("path", Log));

        run.MustSucceed();
        Assert.DoesNotContain(await Server.TokensAsync(), token => token.Name == "beyond" && token.Live);
    }

    [Fact]
    public async Task What_no_list_names_is_told_by_one_read_with_it_when_that_was_asked_for()
    {
        string revoked = Issue("New-MbProjectToken gone");
        Run("Get-MbProjectToken gone | Remove-MbProjectToken -Force").MustSucceed();
        string signed = Issue("New-MbUserToken -Email signed@example.com -ApiKey pk_1 -SecretKey $key -ExpiresIn 1h", ("key", Secret.Of(TokenText.Key)));
        Write(revoked, signed, revoked);

        Assert.All(Find("").MustSucceed(), leak => Assert.Null(leak.Properties["Live"].Value));

        await Server.ResetAsync();
        Assert.All(Find("-TestLive -WhatIf -ApiKey pk_1").MustSucceed(), leak => Assert.Null(leak.Properties["Live"].Value));
        Assert.Equal([Bearer(Server.Token)], Bearers(await Server.RequestsAsync()));
        Assert.Contains($"Send to {Server.BaseAddress}", string.Join("\n", Host.Lines), StringComparison.Ordinal);

        await Server.ResetAsync();
        Run run = Find("-TestLive -Verbose -Debug -ApiKey pk_1");
        Assert.Equal([false, false, false], run.MustSucceed().Select(leak => leak.Properties["Live"].Value));
        ServerRequest[] requests = await Server.RequestsAsync();
        Assert.Equal(new[] { Bearer(revoked), Bearer(signed) }.Order(), requests.Select(request => request.Headers["Authorization"]).Where(bearer => bearer != Bearer(Server.Token)).Order());
        Assert.All(requests, request => Assert.Equal("GET", request.Method));
        Secret.MustNotBeIn(run, Host, revoked, signed, revoked.Split('.')[2], signed.Split('.')[2]);
    }

    [Fact]
    public async Task A_token_that_the_server_takes_is_live_though_no_list_names_it()
    {
        string user = Issue("New-MbUserToken -Email hidden@example.com -ExpiresIn 30d");
        string project = Issue("New-MbProjectToken hidden -ExpiresIn 30d");
        Write(user, project);
        await Server.FailAsync("GET /v2/jwt/user/* 404", "GET *limit=100 403");

        Run run = Find("-TestLive");

        Assert.Single(run.Errors);
        Assert.Equal([("User", true), ("Project", true)], run.Output.Select(leak => (leak.Get<string>("Kind"), leak.Get<bool>("Live"))));
    }

    [Theory]
    [InlineData("""{"iss":"https://securetoken.google.com/x","aud":"x","user_id":"usr_1","email":"a@example.com","exp":4102444800}""")]
    [InlineData("""{"kind":"project","project_id":"somebody_elses","jti":"0198c0de-0000-7000-8000-0000000000b1"}""")]
    [InlineData("""{"user_email":"a@example.com","api_key":"pk_1","role":"admin"}""")]
    [InlineData("""{"user_email":"a@example.com","api_key":"other"}""")]
    [InlineData("""{"user_email":"a@example.com","api_key":"pk_1","iss":"them"}""")]
    [InlineData("""{"user_email":"a@example.com","api_key":"pk_other"}""")]
    [InlineData("""{"sub":"1234567890","name":"John Doe","iat":1516239022}""")]
    [InlineData("""{"project_id":"OWN","project":"somebody_elses"}""")]
    [InlineData("""{"project_id":["OWN"],"project":"OWN"}""")]
    [InlineData("""{"project_id":{"id":"somebody_elses"},"api_key":"pk_mine"}""")]
    [InlineData("""{"project_id":"OWN","api_key":["pk_other"]}""")]
    [InlineData("""{"project_id":true,"api_key":"pk_mine"}""")]
    [InlineData("""{"project_id":"","api_key":"pk_mine"}""")]
    public async Task A_strangers_token_is_never_sent_anywhere(string claims)
    {
        string token = TokenText.SignClaims(claims.Replace("OWN", ProjectId(), StringComparison.Ordinal));
        Write(token);
        await Server.ResetAsync();

        Run run = Find("-TestLive -Verbose -ApiKey pk_mine");

        PSObject leak = Assert.Single(run.MustSucceed());
        Assert.Null(leak.Properties["Live"].Value);
        Assert.Contains(leak.Get<string>("NotTested"), Assert.Single(run.Warnings), StringComparison.Ordinal);
        Assert.Contains(run.Verbose, line => line.StartsWith("Not tested: ", StringComparison.Ordinal));
        Assert.DoesNotContain(Bearer(token), Bearers(await Server.RequestsAsync()));
    }

    [Fact]
    public async Task A_token_that_names_its_project_by_the_public_key_is_sent_only_where_the_caller_gives_that_key()
    {
        string token = TokenText.SignClaims("""{"user_email":"a@example.com","api_key":"pk_1"}""");
        Write(token);

        Assert.Contains("-ApiKey", Assert.Single(Find("-TestLive").Warnings), StringComparison.Ordinal);
        Assert.DoesNotContain(Bearer(token), Bearers(await Server.RequestsAsync()));

        Run run = Find("-TestLive -ApiKey pk_1");
        Assert.Equal(false, Assert.Single(run.MustSucceed()).Properties["Live"].Value);
        Assert.Empty(run.Warnings);
        Assert.Contains(Bearer(token), Bearers(await Server.RequestsAsync()));
    }

    [Fact]
    public void A_secret_key_for_ApiKey_is_refused_and_not_repeated()
    {
        Run run = Try("Find-MbLeakedToken $path -TestLive -ApiKey $key", ("path", Log), ("key", TokenText.Key));

        Assert.StartsWith("MbInvalidRequest,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Secret.MustNotBeIn(run, Host, TokenText.Key);
    }

    [Fact]
    public async Task A_made_up_token_with_a_real_ones_id_is_not_that_one()
    {
        PSObject real = Run("New-MbProjectToken real -ExpiresIn 30d").MustSucceed().Single();
        Write(TokenText.SignClaims($$"""{"kind":"project","project_id":"p1","jti":"{{real.Id()}}","exp":4102444800}"""), TokenText.SignClaims($$"""{"kind":"project","project_id":"p1","jti":"{{real.Id()}}"}"""));

        Assert.All(Find("").MustSucceed(), leak => Assert.Null(leak.Properties["Live"].Value));

        // Nor does a failed try to revoke such a one pass for done.
        Write(TokenText.SignClaims("""{"kind":"project","jti":"0198c0de-0000-7000-8000-0000000000b2"}"""));
        Run run = Run("Find-MbLeakedToken $path | Remove-MbProjectToken -Force -PassThru", ("path", Log));
        Assert.StartsWith("MbInvalidRequest,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(run.Output);
        Assert.Contains(await Server.TokensAsync(), token => token.Name == "real" && token.Live);
    }

    [Fact]
    public async Task What_has_ended_by_its_own_word_is_not_sent()
    {
        Write(TokenText.SignClaims("""{"user_email":"a@example.com","api_key":"pk_1","exp":1500000000}"""));
        await Server.ResetAsync();

        Run run = Find("-TestLive");

        Assert.Equal(false, Assert.Single(run.MustSucceed()).Properties["Live"].Value);
        Assert.Empty(run.Warnings);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Fact]
    public async Task A_list_that_cannot_be_read_is_an_error_once_and_the_places_are_told()
    {
        string token = Issue("New-MbProjectToken unread");
        Write(token, token);
        await Server.FailAsync("GET * 403");

        Run run = Find("");

        Assert.StartsWith("MbForbidden,MagicBellJwt.Commands.FindMbLeakedTokenCommand", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(2, run.Output.Count);
        Assert.All(run.Output, leak => Assert.Null(leak.Properties["Live"].Value));
    }

    [Fact]
    public async Task A_session_that_is_over_ends_the_search_after_the_place_is_told()
    {
        Write(Issue("New-MbProjectToken over"));
        await Server.FailAsync("GET * 401");

        Run run = Try("$places = Find-MbLeakedToken $path", ("path", Log));
        Assert.StartsWith("MbUnauthorized,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);

        Assert.Single(Run("& { Find-MbLeakedToken $path } 2>$null", ("path", Log)).Output);
    }

    [Fact]
    public async Task Without_a_session_nothing_is_sent()
    {
        string token = Issue("New-MbProjectToken offline");
        Write(token);
        using var offline = new PowerShellEngine();
        await Server.ResetAsync();

        Assert.Null(Assert.Single(offline.Run("Find-MbLeakedToken $path", ("path", Log)).MustSucceed()).Properties["Live"].Value);
        Assert.StartsWith("MbNotConnected,", offline.Try("Find-MbLeakedToken $path -TestLive", ("path", Log)).Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(await Server.RequestsAsync());
    }

    private string ProjectId() => Run("(ConvertFrom-MbToken $token).Project", ("token", Server.SecureToken())).MustSucceed().Single().ToString();

    private static string Unsigned(string claims) => TokenText.SignClaims(claims, """{"alg":"none"}""")[..^43] + "AA";

    private static string Bearer(string token) => "Bearer sha256:" + TokenText.Fingerprint(token);

    private static IEnumerable<string> Bearers(ServerRequest[] requests) => requests.Select(request => request.Headers["Authorization"]).Distinct();

    private Run Find(string options) => Run("Find-MbLeakedToken $path " + options, ("path", Log));

    private void Write(params string[] tokens) => File.WriteAllLines(Log, tokens.Select((token, number) => $"{number} Authorization: Bearer {token}"));

    private string Issue(string command, params (string Name, object? Value)[] variables) => Run(command + " -AsPlainText", variables).MustSucceed().Single().Get<string>("Token");
}
