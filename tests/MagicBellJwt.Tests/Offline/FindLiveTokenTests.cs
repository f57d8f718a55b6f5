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
    public async Task A_token_that_is_listed_is_live_and_nothing_is_sent_with_it()
    {
        string project = Issue("New-MbProjectToken leaked -ExpiresIn 30d");
        string user = Issue("New-MbUserToken -Email leaked@example.com -ExpiresIn 30d");
        Write(project, user, project);
        await Server.ResetAsync();

        Run run = Find("-Verbose -Debug");

        Assert.Equal([("Project", true), ("User", true), ("Project", true)], run.MustSucceed().Select(leak => (leak.Get<string>("Kind"), leak.Get<bool>("Live"))));
        Secret.MustNotBeIn(run, Host, project, user, project.Split('.')[2], user.Split('.')[2]);
        ServerRequest[] requests = await Server.RequestsAsync();
        Assert.All(requests, request => Assert.Equal("GET", request.Method));
        Assert.Equal(2, requests.Select(request => request.Target.Split('?')[0]).Distinct().Count());
        Assert.Equal([Bearer(Server.Token)], Bearers(requests));
    }

    [Fact]
    public async Task What_is_live_can_be_revoked_straight_away_and_nothing_else_is()
    {
        string[] names = ["incident 1", "incident 2"];
        string[] leaked = [.. names.Select(name => Issue($"New-MbProjectToken '{name}'"))];
        Issue("New-MbProjectToken 'incident kept'");
        Write(leaked[0], leaked[1], leaked[0], Server.Token, TokenText.User);

        Run run = Run("Find-MbLeakedToken -Path $folder -Recurse | Where-Object { $_.Live } | Remove-MbProjectToken -Force -PassThru", ("folder", _folder));

        Assert.Equal(["Revoked", "Revoked"], run.Output.Select(revocation => revocation.Get<string>("Outcome")));
        Assert.StartsWith("MbSelfLockout,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        ServerToken[] tokens = await Server.TokensAsync();
        Assert.All(names, name => Assert.DoesNotContain(tokens, token => token.Name == name && token.Live));
        Assert.Contains(tokens, token => token.Name == "incident kept" && token.Live);
    }

    [Fact]
    public async Task A_live_user_token_is_not_revoked_as_a_project_token()
    {
        Write(Issue("New-MbUserToken -Email other@example.com -Name 'of a user'"));

        Run run = Run("Find-MbLeakedToken $path | Remove-MbProjectToken -Force", ("path", Log));

        Assert.Contains("Remove-MbUserToken", Assert.Single(run.Errors).Exception.Message, StringComparison.Ordinal);
        Run("Find-MbLeakedToken $path | Remove-MbUserToken -Force", ("path", Log)).MustSucceed();
        Assert.DoesNotContain(await Server.TokensAsync(), token => token.Name == "of a user" && token.Live);
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
        Assert.All(Find("-TestLive -WhatIf").MustSucceed(), leak => Assert.Null(leak.Properties["Live"].Value));
        Assert.Equal([Bearer(Server.Token)], Bearers(await Server.RequestsAsync()));
        Assert.Contains($"Send to {Server.BaseAddress}", string.Join("\n", Host.Lines), StringComparison.Ordinal);

        await Server.ResetAsync();
        Run run = Find("-TestLive -Verbose -Debug");
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
    [InlineData("""{"sub":"1234567890","name":"John Doe","iat":1516239022}""")]
    public async Task A_strangers_token_is_never_sent_anywhere(string claims)
    {
        string token = TokenText.SignClaims(claims);
        Write(token);
        await Server.ResetAsync();

        Run run = Find("-TestLive -Verbose");

        Assert.Null(Assert.Single(run.MustSucceed()).Properties["Live"].Value);
        Assert.Contains(run.Verbose, line => line.StartsWith("Not tested: ", StringComparison.Ordinal));
        Assert.DoesNotContain(Bearer(token), Bearers(await Server.RequestsAsync()));
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
        Assert.StartsWith("MbTokenNotFound,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(run.Output);
        Assert.Contains(await Server.TokensAsync(), token => token.Name == "real" && token.Live);
    }

    [Fact]
    public async Task What_has_ended_by_its_own_word_is_not_sent()
    {
        Write(TokenText.SignClaims("""{"user_email":"a@example.com","api_key":"pk_1","exp":1500000000}"""));
        await Server.ResetAsync();

        Assert.Equal(false, Assert.Single(Find("-TestLive").MustSucceed()).Properties["Live"].Value);
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

    private static string Bearer(string token) => "Bearer sha256:" + TokenText.Fingerprint(token);

    private static IEnumerable<string> Bearers(ServerRequest[] requests) => requests.Select(request => request.Headers["Authorization"]).Distinct();

    private Run Find(string options) => Run("Find-MbLeakedToken $path " + options, ("path", Log));

    private void Write(params string[] tokens) => File.WriteAllLines(Log, tokens.Select((token, number) => $"{number} Authorization: Bearer {token}"));

    private string Issue(string command, params (string Name, object? Value)[] variables) => Run(command + " -AsPlainText", variables).MustSucceed().Single().Get<string>("Token");
}
