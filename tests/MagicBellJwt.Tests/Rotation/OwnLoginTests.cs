using System;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Rotation;

/// <summary>Rotations that meet the token which the session itself runs on: the next login must find its successor.</summary>
public sealed class OwnLoginTests(ServerFixture fixture) : RotationTestBase<ServerFixture>(fixture)
{
    private const string Login = "Connect-MbProject @login -BaseUri $address -ReadsPerMinute 1000000 -WritesPerMinute 1000000; ";
    private const string RotateAll = "Get-MbProjectToken 'login *' | Update-MbProjectToken -Vault prod -SecretName 'app-{Name}' -JournalPath $journal";

    private string TokenFile => Path.Combine(Folder, "token");

    /// <summary>A token to log in with, and one of an application; then a session on the first.</summary>
    private (string Own, string Other) Prepare(string mark, string login)
    {
        (string own, string value) = Issue($"login {mark}");
        (string other, _) = Issue($"login {mark} app");
        File.WriteAllText(TokenFile, value + "\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(TokenFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        Run(VaultModule).MustSucceed();
        Run("$secrets['prod/admin'] = $value", ("value", Secret.Of(value))).MustSucceed();
        Engine.Run($"$login = {login}; {Login}", ("file", TokenFile), ("value", Secret.Of(value)), ("address", Server.BaseAddress), ("journal", Journal)).MustSucceed();
        return (own, other);
    }

    [Theory]
    [InlineData("@{ TokenFile = $file }", "")]
    [InlineData("@{ TokenFile = $file }", "-Overlap 1h")]
    [InlineData("@{ Vault = 'prod'; SecretName = 'admin' }", "")]
    [InlineData("@{ Vault = 'prod'; SecretName = 'admin' }", "-Overlap 1h")]
    public async Task Its_successor_is_put_where_it_came_from_and_the_next_login_works(string login, string overlap)
    {
        string mark = Guid.NewGuid().ToString("N");
        (string own, string other) = Prepare(mark, login);

        PSObject[] rotations = [.. Run($"{RotateAll.Replace("login *", $"login {mark}*", StringComparison.Ordinal)} {overlap}").MustSucceed()];

        Assert.Equal([own, other], rotations.Select(rotation => rotation.Get<string>("OldId")).OrderBy(id => id == own ? 0 : 1));
        PSObject rotation = rotations.Single(rotation => rotation.Get<string>("OldId") == own);
        string held = login.Contains("File", StringComparison.Ordinal) ? (await File.ReadAllTextAsync(TokenFile, TestContext.Current.CancellationToken)).Trim() : SecretIn("prod/admin");
        Assert.Equal(rotation.Get<string>("NewId"), Claim(held, "jti"));
        Assert.Equal(overlap.Length > 0, (await LiveAsync($"login {mark}")).Contains(own));

        // The second night: a new session on what is there, and the rest of the rotation.
        Run(Login + "Get-MbProjectToken -First 1").MustSucceed();
        Run("Update-MbProjectToken -Resume -JournalPath $journal").MustSucceed();
        Assert.Equal(1, Run("(Get-MbProjectToken -First 1).Count").MustSucceed().Single().BaseObject);
        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(TokenFile) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }

    // The other session lost its token without a word, and the next login found a revoked one.
    [Theory]
    [InlineData("second")]
    [InlineData("bystander")]
    public async Task The_other_sessions_of_the_runspace_that_run_on_it_go_on_too(string acting)
    {
        string mark = Guid.NewGuid().ToString("N");
        (string own, _) = Prepare(mark, "@{ TokenFile = $file }");
        Run(
            "$first = Get-MbSession | Where-Object IsCurrent; Connect-MbProject $value -BaseUri $address -Name second; Connect-MbProject $admin -BaseUri $address -Name bystander",
            ("admin", Server.SecureToken())).MustSucceed();

        PSObject rotation = Run($"Update-MbProjectToken -Id {own} -SaveTo {{ param($Issued) $Issued.Token }} -Session {acting} -JournalPath $journal").MustSucceed().Single();

        Assert.DoesNotContain(own, await LiveAsync($"login {mark}"));
        Assert.Equal(rotation.Get<string>("NewId"), Claim((await File.ReadAllTextAsync(TokenFile, TestContext.Current.CancellationToken)).Trim(), "jti"));
        Assert.Equal(2, Run("Get-MbProjectToken -First 1 -Session $first; Get-MbProjectToken -First 1 -Session second").MustSucceed().Count);
        Assert.Equal(2, Run("$first, (Get-MbSession second) | Where-Object TokenId -eq $id", ("id", rotation.Get<string>("NewId"))).MustSucceed().Count);
    }

    [Theory]
    [InlineData("-Vault prod -SecretName 'app-{Name}'")]
    [InlineData("-SaveTo { param($Issued) $Issued.Token }")]
    public async Task Where_its_place_is_not_known_it_is_left_out_with_the_command_that_rotates_it(string store)
    {
        string mark = Guid.NewGuid().ToString("N");
        (string own, string other) = Prepare(mark, "@{ ProjectToken = $value }");

        Run run = Run($"Get-MbProjectToken 'login {mark}*' | Update-MbProjectToken {store} -JournalPath $journal");

        Assert.Equal([other], run.MustSucceed().Select(rotation => rotation.Get<string>("OldId")));
        string warning = Assert.Single(run.Warnings, text => text.Contains(own, StringComparison.Ordinal));
        string place = store.StartsWith("-Vault", StringComparison.Ordinal) ? "-Vault 'prod' -SecretName 'app-{Name}'" : "-SaveTo $SaveTo";
        Assert.EndsWith($"Update-MbProjectToken -Id '{own}' {place} -JournalPath '{Journal}'", warning, StringComparison.Ordinal);
        Assert.Equal([own], await LiveAsync($"login {mark}"));
    }

    [Fact]
    public async Task A_vault_that_is_seen_to_hold_it_is_its_place()
    {
        string mark = Guid.NewGuid().ToString("N");
        (string own, _) = Prepare(mark, "@{ ProjectToken = $value }");
        Run("$secrets[\"prod/app-$name\"] = $value", ("name", $"login {mark}")).MustSucceed();

        Run run = Run(RotateAll.Replace("login *", $"login {mark}", StringComparison.Ordinal));

        Assert.Equal(own, run.MustSucceed().Single().Get<string>("OldId"));
        Assert.DoesNotContain(own, await LiveAsync($"login {mark}"));
        Assert.Equal(run.Output.Single().Get<string>("NewId"), Claim(SecretIn($"prod/app-login {mark}"), "jti"));
    }

    [Fact]
    public async Task A_file_that_holds_something_else_by_now_is_not_overwritten()
    {
        string mark = Guid.NewGuid().ToString("N");
        (string own, _) = Prepare(mark, "@{ TokenFile = $file }");
        await File.WriteAllTextAsync(TokenFile, "another secret", TestContext.Current.CancellationToken);

        ErrorRecord error = Assert.Single(Run(RotateAll.Replace("login *", $"login {mark}", StringComparison.Ordinal)).Errors);

        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal("another secret", await File.ReadAllTextAsync(TokenFile, TestContext.Current.CancellationToken));
        Assert.Equal([own], await LiveAsync($"login {mark}"));
    }

    [Theory]
    [InlineData("@{ TokenFile = $file; ProjectToken = $value }")]
    [InlineData("@{ TokenFile = $file; Vault = 'prod'; SecretName = 'admin' }")]
    [InlineData("@{ Vault = 'prod' }")]
    [InlineData("@{ SecretName = 'admin' }")]
    [InlineData("@{ TokenFile = '/no/such/file' }")]
    [InlineData("@{ Vault = 'prod'; SecretName = 'no such secret' }")]
    public void A_source_that_is_none_is_refused(string login)
    {
        File.WriteAllText(TokenFile, "any");
        Run(VaultModule).MustSucceed();

        Run run = Try($"$login = {login}; {Login}", ("file", TokenFile), ("value", Secret.Of("any")), ("address", Server.BaseAddress));

        Assert.StartsWith("MbInvalidRequest,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
    }
}
