using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Users;

/// <summary>Tokens of people who are known by an address or an external id: listed, judged, replaced and revoked, and nobody else's.</summary>
public sealed class TokensByEmailTests(TokensByEmailTests.PopulatedServer fixture) : ServerTests<TokensByEmailTests.PopulatedServer>(fixture), IDisposable
{
    private const string Store = "-SaveTo { param($Issued) $Issued.Token }";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");

    [Theory]
    [InlineData("Get-MbUserToken user7@example.com")]
    [InlineData("Get-MbUserToken -UserId USER7@example.com")]
    [InlineData("Get-MbUserToken -Email User7@example.com")]
    [InlineData("Get-MbUserToken -ExternalId ext-7")]
    [InlineData("'user7@example.com' | Get-MbUserToken")]
    [InlineData("[pscustomobject]@{ Email = ' user7@example.com '; UserId = '' } | Get-MbUserToken")]
    [InlineData("[pscustomobject]@{ Mail = 'user7@example.com' } | Get-MbUserToken")]
    [InlineData("[pscustomobject]@{ 'E-mail' = 'user7@example.com' } | Get-MbUserToken")]
    [InlineData("[pscustomobject]@{ UserPrincipalName = 'user7@example.com' } | Get-MbUserToken")]
    [InlineData("[pscustomobject]@{ 'E-Mail Address' = 'USER7@example.com'; Department = 'x' } | Get-MbUserToken")]
    [InlineData("[pscustomobject]@{ User_Email = 'user7@example.com'; Email = ' ' } | Get-MbUserToken")]
    [InlineData("[pscustomobject]@{ external_id = 'ext-7' } | Get-MbUserToken")]
    [InlineData("[pscustomobject]@{ 'External ID' = 'ext-7'; Mail = 'user7@example.com' } | Get-MbUserToken")]
    [InlineData("[pscustomobject]@{ Work = 'user7@example.com' } | Get-MbUserToken -Email { $_.Work }")]
    [InlineData("[pscustomobject]@{ Work = 'user7'; Email = 'user8@example.com' } | Get-MbUserToken -Email { $_.Work + '@example.com' }")]
    [InlineData("'user7@example.com', 'USER7@EXAMPLE.COM', ' user7@example.com' | Get-MbUserToken")]
    [InlineData("Get-MbUser user7@example.com | Get-MbUserToken")]
    [InlineData("[pscustomobject]@{ user_id = (Get-MbUser user7@example.com).UserId } | Get-MbUserToken")]
    public async Task A_person_s_tokens_are_listed_and_name_the_person(string script)
    {
        IReadOnlyList<PSObject> tokens = Run(script).MustSucceed();

        ServerUser user = (await Server.UsersAsync()).Single(user => user.ExternalId == "ext-7");
        Assert.Equal(["seed 2", "seed 1"], tokens.Select(token => token.Get<string>("Name")));
        Assert.All(tokens, token => Assert.Equal((user.Id, "user7@example.com", "ext-7"), (token.Get<string>("UserId"), token.Get<string>("Email"), token.Get<string>("ExternalId"))));
        Assert.Equal(["/v2/users", "/v2/jwt/user/" + user.Id], (await Server.RequestsAsync()).Select(request => request.Target.Split('?')[0]).Distinct());
        Assert.Equal(2, (await Server.RequestsAsync()).Length);
    }

    [Fact]
    public async Task Who_was_found_is_remembered_for_lists_and_asked_about_again_before_anything_is_revoked()
    {
        Run("$first = Get-MbUserToken user8@example.com").MustSucceed();
        await Server.ResetAsync();
        Run("$again = Get-MbUserToken user8@example.com").MustSucceed();
        Assert.Single(await Server.RequestsAsync());

        // The address becomes somebody else's: what was listed by it may not be what was meant.
        ServerUser old = (await Server.UsersAsync()).Single(user => user.Email == "user8@example.com");
        await Server.SetUsersAsync(old with { Email = "former8@example.com" }, new ServerUser("usr_new8", "user8@example.com", null));
        Run refused = Run("$again | Remove-MbUserToken -Force");

        Assert.Equal(2, refused.Errors.Count);
        Assert.All(refused.Errors, error => Assert.StartsWith("MbConflict,", error.FullyQualifiedErrorId, StringComparison.Ordinal));
        Assert.Contains("usr_new8", refused.Errors[0].ToString(), StringComparison.Ordinal);
        Assert.Contains(old.Id, refused.Errors[0].ToString(), StringComparison.Ordinal);
        Assert.Empty(await WritesAsync());

        // What the API itself said of the address when it was listed is revoked as it was shown.
        IReadOnlyList<PSObject> revoked = Run("$first | Remove-MbUserToken -Force -PassThru").MustSucceed();
        Assert.All(revoked, revocation => Assert.Equal((old.Id, "user8@example.com"), (revocation.Get<string>("UserId"), revocation.Get<string>("Email"))));
    }

    [Fact]
    public async Task A_confirmation_names_the_person_beside_the_id()
    {
        ServerUser user = (await Server.UsersAsync()).Single(user => user.Email == "user9@example.com");

        Run("Get-MbUserToken user9@example.com | Remove-MbUserToken -WhatIf; Update-MbUserToken 'seed 1' -Email user9@example.com -ExpiresIn 1d -WhatIf").MustSucceed();

        string said = string.Join("\n", Host.Lines);
        Assert.Equal(3, said.Split($"of user {user.Id} (user9@example.com)").Length - 1);
        Assert.Empty(await WritesAsync());
    }

    [Fact]
    public async Task A_report_names_the_people_it_was_asked_about_and_judges_each_once()
    {
        Run("$rows = [pscustomobject]@{ Email = 'user10@example.com' }, [pscustomobject]@{ ExternalId = 'ext-11' }, [pscustomobject]@{ Email = 'USER10@example.com' }, [pscustomobject]@{ Email = 'nobody@example.com' } | Get-MbTokenReport -ExpiringWithin 100d -ErrorVariable missing -ErrorAction SilentlyContinue").MustSucceed();
        IReadOnlyList<PSObject> rows = Run("$rows | Where-Object Kind -EQ User").MustSucceed();

        Assert.Equal(["user10@example.com", "user10@example.com", "user11@example.com", "user11@example.com"], rows.Select(row => row.Get<string>("Email")).Order());
        Assert.Equal("nobody@example.com", Run("$missing[0].TargetObject").MustSucceed().Single().ToString());
        Assert.StartsWith("Update-MbUserToken -Id ", rows[0].Get<string>("Remedy"), StringComparison.Ordinal);
        Assert.Contains($"-Email '{rows[0].Get<string>("Email")}'", rows[0].Get<string>("Remedy"), StringComparison.Ordinal);
        Assert.Equal(2, (await Server.RequestsAsync()).Count(request => request.Target.StartsWith("/v2/jwt/user/", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("Update-MbUserToken 'seed 1' -Email user20@example.com", 20)]
    [InlineData("Update-MbUserToken -Name 'seed 1' -ExternalId ext-21", 21)]
    [InlineData("Update-MbUserToken 'seed 1' -UserId (Get-MbUser user22@example.com).UserId", 22)]
    [InlineData("Get-MbUserToken user23@example.com 'seed 1' | Update-MbUserToken", 23)]
    [InlineData("Get-MbUserToken (Get-MbUser user24@example.com).UserId 'seed 1' | Update-MbUserToken", 24)]
    [InlineData("[pscustomobject]@{ Id = (Get-MbUserToken user25@example.com 'seed 1').Id; Mail = 'user25@example.com' } | Update-MbUserToken", 25)]
    [InlineData("Update-MbUserToken -Id (Get-MbUserToken user26@example.com 'seed 1').Id -Email user26@example.com", 26)]
    public async Task A_token_is_replaced_by_what_is_known_of_the_person(string script, int number)
    {
        ServerUser user = (await Server.UsersAsync()).Single(user => user.ExternalId == $"ext-{number}");

        PSObject rotation = Run($"{script} {Store} -JournalPath {Journal()}").MustSucceed().Single();

        Assert.Equal(user.Id, rotation.Get<string>("UserId"));
        ServerToken[] live = [.. (await Server.TokensAsync()).Where(token => token.UserId == user.Id && token.Live)];
        Assert.Equal(["seed 1", "seed 2"], live.Select(token => token.Name).Order());
        Assert.Contains(rotation.Get<string>("NewId"), live.Select(token => token.Id));
        ServerRequest create = (await WritesAsync())[0];
        Assert.Contains(number == 21 ? "ext-21" : $"user{number}@example.com", create.Body, StringComparison.Ordinal);

        // Asked in this very command, before the create.
        Assert.Contains((await Server.RequestsAsync()).TakeWhile(request => request.Method == "GET"), request => request.Target.StartsWith("/v2/users", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Tokens_of_several_people_are_replaced_each_for_its_own()
    {
        IReadOnlyList<PSObject> rotations = Run($"Get-MbUserToken user30@example.com, user31@example.com 'seed 2' | Update-MbUserToken {Store} -JournalPath {Journal()}").MustSucceed();
        IReadOnlyList<PSObject> rows = Run($"30, 31 | ForEach-Object {{ [pscustomobject]@{{ Id = (Get-MbUserToken \"user$_@example.com\" 'seed 1').Id; Email = \"user$_@example.com\" }} }} | Update-MbUserToken {Store} -JournalPath {Journal()}").MustSucceed();

        Assert.Equal(2, rotations.Select(rotation => rotation.Get<string>("UserId")).Distinct().Count());
        Assert.Equal(2, rows.Select(rotation => rotation.Get<string>("UserId")).Distinct().Count());
        Assert.Equal(
            ["user30@example.com", "user30@example.com", "user31@example.com", "user31@example.com"],
            (await WritesAsync()).Where(request => request.Method == "POST").Select(request => System.Text.Json.JsonDocument.Parse(request.Body).RootElement.GetProperty("email").GetString()).Order());
    }

    [Fact]
    public async Task A_rotation_trusts_no_memory()
    {
        Run("$token = Get-MbUserToken user33@example.com 'seed 1'").MustSucceed();
        ServerUser old = (await Server.UsersAsync()).Single(user => user.Email == "user33@example.com");
        await Server.SetUsersAsync(old with { Email = "married33@example.com" }, new ServerUser("usr_new33", "user33@example.com", null));
        await Server.ResetAsync();

        // The token is still the same user's, who is called otherwise now.
        PSObject rotation = Run($"$token | Update-MbUserToken {Store} -JournalPath {Journal()}").MustSucceed().Single();
        Assert.Equal(old.Id, rotation.Get<string>("UserId"));
        Assert.Contains("married33@example.com", (await WritesAsync())[0].Body, StringComparison.Ordinal);

        // By the address it is the other one, who has no such token.
        ErrorRecord error = Run($"Update-MbUserToken 'seed 2' -Email user33@example.com {Store} -JournalPath {Journal()}").Error;
        Assert.StartsWith("MbTokenNotFound,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Update-MbUserToken laptop", "MbInvalidRequest", "Nothing says which user")]
    [InlineData("Update-MbUserToken laptop -Email ''", "MbInvalidRequest", "Nothing says which user")]
    [InlineData("Update-MbUserToken laptop -Email nobody@example.com", "MbUserNotFound", "nobody@example.com")]
    [InlineData("Update-MbUserToken -Id 0198c0de-0000-7000-8000-00000000000b", "MbInvalidRequest", "-Email")]
    [InlineData("Get-MbUserToken", "MbInvalidRequest", "Nothing says which user")]
    [InlineData("Get-MbUserToken -Email @()", "MbInvalidRequest", "Nothing says which user")]
    [InlineData("Get-MbUserToken -Email $null", "MbInvalidRequest", "-Email was given $null")]
    [InlineData("[pscustomobject]@{ Name = 'Hana' } | Get-MbUserToken", "MbInvalidRequest", "Nothing says which user")]
    [InlineData("[pscustomobject]@{ Email = ''; UserId = ''; ExternalId = ' '; Name = 'Hana' } | Get-MbUserToken", "MbInvalidRequest", "Row 1: Nothing says which user")]
    [InlineData("[pscustomobject]@{ Name = 'Hana' } | Get-MbUser", "MbInvalidRequest", "Its columns are Name.")]
    [InlineData("[pscustomobject]@{ 'Name;Email' = 'Hana;user7@example.com' } | Get-MbUserToken", "MbInvalidRequest", "Import-Csv -Delimiter ';'")]
    [InlineData("'' | Get-MbUserToken", "MbInvalidRequest", "Nothing says which user")]
    [InlineData("[pscustomobject]@{ Work = ''; Email = 'user8@example.com' } | Get-MbUserToken -Email { $_.Work }", "MbInvalidRequest", "Nothing says which user")]
    [InlineData("[pscustomobject]@{ Work = ''; Mail = 'user8@example.com' } | Get-MbUser -Email { $_.Work }", "MbInvalidRequest", "Nothing says which user")]
    [InlineData("'user7@example.com' | Get-MbUserToken user8@example.com", "MbInvalidRequest", "says nobody whom the command line does not")]
    [InlineData("[pscustomobject]@{ Email = 'user7@example.com' } | Get-MbUserToken -Email user8@example.com", "MbInvalidRequest", "says nobody whom the command line does not")]
    [InlineData("[pscustomobject]@{ Name = 'Hana' } | Get-MbUser -ExternalId ext-8", "MbInvalidRequest", "says nobody whom the command line does not")]
    [InlineData("Get-MbTokenReport -Email $null -ErrorAction Stop", "MbInvalidRequest", "-Email was given $null")]
    public async Task Who_nobody_can_tell_is_refused(string script, string id, string words)
    {
        ErrorRecord error = Run(script.StartsWith("Update", StringComparison.Ordinal) ? $"{script} {Store} -JournalPath {Journal()}" : script).Error;

        Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(words, error.ToString(), StringComparison.Ordinal);
        Assert.Empty(await WritesAsync());
    }

    [Theory]
    [InlineData("Get-MbUser")]
    [InlineData("Get-MbUserToken")]
    [InlineData("Get-MbTokenReport")]
    public void A_blank_row_is_left_out_with_its_number_and_the_others_are_read(string command)
    {
        Run run = Run($"[pscustomobject]@{{ Name = 'Hana'; Mail = 'user17@example.com' }}, [pscustomobject]@{{ Name = ''; Mail = ' ' }}, [pscustomobject]@{{ Name = ''; Mail = 'user18@example.com' }} | {command}");

        run.MustSucceed();
        Assert.Equal(["user17@example.com", "user18@example.com"], run.Output.Select(item => item.Get<string>("Email")).OfType<string>().Distinct().Order(StringComparer.Ordinal));
        Assert.Contains("Row 2 is blank, and was left out.", run.Warnings.Select(warning => warning.ToString()));
    }

    [Fact]
    public async Task Where_users_are_not_listed_ids_work_as_before_and_the_rest_says_so()
    {
        string id = (await Server.UsersAsync()).Single(user => user.Email == "user40@example.com").Id;
        await Server.FailAsync("GET /v2/users* 404");

        Assert.Equal(2, Run($"Get-MbUserToken {id}").MustSucceed().Count);
        Assert.Equal(2, Run($"Get-MbTokenReport {id} | Where-Object Kind -EQ User").MustSucceed().Count);
        Assert.Single(Run($"Update-MbUserToken 'seed 1' -UserId {id} -Email user40@example.com {Store} -JournalPath {Journal()}").MustSucceed());
        Assert.Single(Run($"Get-MbUserToken {id} 'seed 2' | Update-MbUserToken -Email user40@example.com {Store} -JournalPath {Journal()}").MustSucceed());
        Assert.Equal(2, Run($"Get-MbUserToken {id} | Remove-MbUserToken -Force -PassThru").MustSucceed().Count);
        Assert.DoesNotContain(await Server.RequestsAsync(), request => request.Target.StartsWith("/v2/users", StringComparison.Ordinal));

        foreach (string script in new[] { "Get-MbUserToken user40@example.com", "Get-MbTokenReport -Email user40@example.com -ErrorAction Stop", $"Update-MbUserToken x -Email user40@example.com {Store} -JournalPath {Journal()}" })
        {
            ErrorRecord error = Run(script).Error;
            Assert.StartsWith("MbUnexpectedResponse,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.Contains("This server does not list users (404).", error.ToString(), StringComparison.Ordinal);
            Assert.Contains("-UserId", error.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_issued_token_says_for_whom_it_was_asked()
    {
        PSObject token = Run("New-MbUserToken User41@example.com -ExternalId ext-41").MustSucceed().Single();

        Assert.Equal(("User41@example.com", "ext-41"), (token.Get<string>("Email"), token.Get<string>("ExternalId")));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string Journal() => $"'{Path.Combine(_folder.FullName, Guid.NewGuid().ToString("N"))}'";

    public sealed class PopulatedServer : ServerFixture
    {
        protected override string[] Options => ["--seed-users", "50:2"];
    }
}
