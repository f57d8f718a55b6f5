using System;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Commands;

/// <summary>What may be revoked, by which of the two commands, and what is refused before anything is sent.</summary>
public sealed class RevokeTests(ServerFixture fixture) : ServerTests(fixture)
{
    // $project and $user were just issued in the session 'here'; $userToken is $user as its list shows it.
    private const string Tokens = """
        $project = New-MbProjectToken ci -ExpiresIn 90d
        $user = New-MbUserToken -Email hana@example.com -Name laptop -ExpiresIn 30d
        $projectToken = Get-MbProjectToken -Id $project.Id
        $userToken = Get-MbUserToken $user.UserId -Id $user.Id
        function ThroughClixml($item) { [Management.Automation.PSSerializer]::Deserialize([Management.Automation.PSSerializer]::Serialize($item)) }
        function Named($item, $type) { $item.PSTypeNames.Insert(0, $type); $item }
        """;

    // The answer alone gave the new token that id, and production was revoked.
    [Theory]
    [InlineData("New-MbProjectToken ci | Remove-MbProjectToken -Force")]
    [InlineData("New-MbProjectToken ci -SaveTo { param($Issued) $Issued.Token } | Remove-MbProjectToken -Force")]
    [InlineData("New-MbProjectToken ci | Update-MbProjectToken -SaveTo { param($Issued) $Issued.Token } -JournalPath $journal")]
    public async Task A_new_token_whose_id_the_list_shows_as_another_is_not_touched(string script)
    {
        const string Production = "0198c0de-0000-7000-8000-0000000000a2";
        await using RawServer server = RawServer.Scripted(request => request.Method switch
        {
            "POST" => Answers.Json(201, $$"""{"token":"opaque-value","token_id":"{{Production}}","created_at":"{{DateTimeOffset.UtcNow:yyyy-MM-dd'T'HH:mm:ss'Z'}}","expires_at":null}"""),
            "GET" => Answers.Json(200, $$"""{"data":[{"id":"{{Production}}","name":"PRODUCTION","created_at":"2026-01-01T00:00:00Z"},{"id":"0198c0de-0000-7000-8000-0000000000a1","name":"own","created_at":"2025-01-01T00:00:00Z"}],"links":{} }"""),
            _ => Answers.Discarded(request),
        });
        using var engine = new PowerShellEngine();
        engine.Run("Connect-MbProject $token -BaseUri $address -SkipConnectionTest", ("token", Secret.Of("opaque")), ("address", server.BaseAddress)).MustSucceed();

        Run run = engine.Run(script, ("journal", System.IO.Path.Combine(System.IO.Path.GetTempPath(), System.IO.Path.GetRandomFileName())));

        Assert.Contains("shows as another token", Assert.Single(run.Errors).Exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Requests, request => request.Method == "DELETE");
    }

    [Theory]
    [InlineData("Project", "Remove-MbProjectToken $project -Force")]
    [InlineData("Project", "Remove-MbProjectToken $project.Id -Force")]
    [InlineData("Project", "$project.Id | Remove-MbProjectToken -Confirm:$false")]
    [InlineData("Project", "$project | Remove-MbProjectToken -Force")]
    [InlineData("Project", "$projectToken | Remove-MbProjectToken -Force")]
    [InlineData("Project", "[guid]$project.Id | Remove-MbProjectToken -Force")]
    [InlineData("Project", "$project.Id.ToUpperInvariant() | Remove-MbProjectToken -Force")]
    [InlineData("Project", "Remove-MbProjectToken \" $($project.Id)`n\" -Force")]
    [InlineData("Project", "Remove-MbProjectJwt -Id $project.TokenId -Force")]
    [InlineData("Project", "[pscustomobject]@{ Id = $project.Id } | Remove-MbProjectToken -Force")]
    [InlineData("Project", "[pscustomobject]@{ TokenId = $project.Id; Name = 'ci' } | Remove-MbProjectToken -Force")]
    [InlineData("Project", "[pscustomobject]@{ Id = $project.Id; TokenId = $project.Id.ToUpperInvariant() } | Remove-MbProjectToken -Force")]
    [InlineData("Project", "[pscustomobject]@{ Id = $project.Id; Kind = 'project'; UserId = ''; Project = 'HERE' } | Remove-MbProjectToken -Force")]
    [InlineData("Project", "ThroughClixml $project | Remove-MbProjectToken -Force")]
    [InlineData("Project", "ThroughClixml $projectToken | Remove-MbProjectToken -Force")]
    [InlineData("Project", "Get-MbProjectToken ci | Where-Object Id -eq $project.Id | Remove-MbProjectToken -Force")]
    [InlineData("User", "$user | Remove-MbUserToken -Force")]
    [InlineData("User", "$userToken | Remove-MbUserToken -Force")]
    [InlineData("User", "Get-MbUserToken -UserId $user.UserId | Where-Object ExpiresAt -lt ([DateTime]::Now).AddDays(60) | Where-Object Id -eq $user.Id | Remove-MbUserToken -Confirm:$false")]
    [InlineData("User", "[pscustomobject]@{ Id = $user.Id; UserId = $user.UserId } | Remove-MbUserToken -Force")]
    [InlineData("User", "[pscustomobject]@{ Id = $user.Id; Kind = 'User' } | Remove-MbUserJwt -Force")]
    [InlineData("User", "ThroughClixml $user | Remove-MbUserToken -Force")]
    [InlineData("User", "ThroughClixml $userToken | Remove-MbUserToken -Force")]
    [InlineData("User", "Named ([pscustomobject]@{ Id = $user.Id }) 'Selected.MagicBellJwt.UserToken' | Remove-MbUserToken -Force")]
    public async Task The_token_that_is_meant_is_revoked_once(string kind, string script)
    {
        string id = await PrepareAsync($"${kind}.Id");

        PSObject revocation = Run(script + " -PassThru").MustSucceed().Single();

        ServerRequest request = Assert.Single(await WritesAsync());
        Assert.Equal("DELETE", request.Method);
        Assert.Equal($"/v2/jwt/{kind}/{id}", request.Target, ignoreCase: true);
        Assert.False(Assert.Single(await Server.TokensAsync(), token => token.Id == id).Live);
        Assert.Equal(("Revoked", kind, "here"), (revocation.Get<string>("Outcome"), revocation.Get<string>("Kind"), revocation.Get<string>("Project")));
        Assert.Equal(id, revocation.Id(), ignoreCase: true);
        Assert.InRange(revocation.Get<DateTimeOffset>("DiscardedAt"), DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddMinutes(1));
    }

    [Theory]
    [InlineData("$user | Remove-MbProjectToken -Force", "$user.Id")]
    [InlineData("$userToken | Remove-MbProjectToken -Force", "$user.Id")]
    [InlineData("Remove-MbProjectToken $userToken -Force", "$user.Id")]
    [InlineData("ThroughClixml $user | Remove-MbProjectToken -Force", "$user.Id")]
    [InlineData("ThroughClixml $userToken | Remove-MbProjectToken -Force", "$user.Id")]
    [InlineData("Named ([pscustomobject]@{ Id = $user.Id }) 'Selected.MagicBellJwt.UserToken' | Remove-MbProjectToken -Force", "$user.Id")]
    [InlineData("Named ([pscustomobject]@{ Id = $user.Id }) 'Selected.Deserialized.MagicBellJwt.UserToken' | Remove-MbProjectToken -Force", "$user.Id")]
    [InlineData("[pscustomobject]@{ Id = $project.Id; Kind = 'User' } | Remove-MbProjectToken -Force", "$project.Id")]
    [InlineData("[pscustomobject]@{ Id = $project.Id; UserId = 'usr_1' } | Remove-MbProjectToken -Force", "$project.Id")]
    [InlineData("[pscustomobject]@{ Id = $project.Id; Email = 'hana@example.com' } | Remove-MbProjectToken -Force", "$project.Id")]
    [InlineData("[pscustomobject]@{ Id = $project.Id; Kind = 'Machine' } | Remove-MbProjectToken -Force", "$project.Id")]
    [InlineData("[pscustomobject]@{ Id = $project.Id; Kind = 7 } | Remove-MbProjectToken -Force", "$project.Id")]
    [InlineData("[pscustomobject]@{ Id = $project.Id; Project = 'elsewhere' } | Remove-MbProjectToken -Force", "$project.Id")]
    [InlineData("[pscustomobject]@{ Id = $project.Id; TokenId = $user.Id } | Remove-MbProjectToken -Force", "$project.Id")]
    [InlineData("[pscustomobject]@{ Name = 'ci' } | Remove-MbProjectToken -Force", null)]
    [InlineData("[pscustomobject]@{ Id = '' } | Remove-MbProjectToken -Force", null)]
    [InlineData("[pscustomobject]@{ Id = 'ci' } | Remove-MbProjectToken -Force", "'ci'")]
    [InlineData("$project | Remove-MbUserToken -Force", "$project.Id")]
    [InlineData("$projectToken | Remove-MbUserToken -Force", "$project.Id")]
    [InlineData("ThroughClixml $project | Remove-MbUserToken -Force", "$project.Id")]
    [InlineData("ThroughClixml $projectToken | Remove-MbUserToken -Force", "$project.Id")]
    [InlineData("[pscustomobject]@{ Id = $user.Id; Kind = 'Project' } | Remove-MbUserToken -Force", "$user.Id")]
    [InlineData("Remove-MbUserToken $user.UserId -Force", "$user.UserId")]
    [InlineData("Remove-MbUserToken '' -Force", "'Id'")]
    [InlineData("Remove-MbUserToken 7 -Force", "7")]
    [InlineData("Remove-MbUserToken \"{$($user.Id)}\" -Force", "\"{$($user.Id)}\"")]
    [InlineData("Remove-MbUserToken $user.Id.Replace('-', '') -Force", "$user.Id.Replace('-', '')")]
    [InlineData("@{ Name = $user.Id } | Remove-MbUserToken -Force", null)]
    public async Task What_contradicts_the_command_is_refused_before_anything_is_sent(string script, string? target)
    {
        string asked = await PrepareAsync(target ?? "''");

        Run run = Try(script + " -PassThru");

        ErrorRecord error = Assert.Single(run.Errors);
        Assert.Null(run.End);
        Assert.Empty(run.Output);
        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        if (target is not null)
        {
            Assert.Equal(asked, error.TargetObject.ToString());
        }

        Assert.Empty(await Server.RequestsAsync());
    }

    [Fact]
    public async Task Each_item_is_judged_alone()
    {
        await PrepareAsync("''");

        Run run = Run("$project, 'ci', $user, $projectToken.Id | Remove-MbProjectToken -Force -ThrottleLimit 1 -PassThru");

        // The last one is the first one again.
        Assert.Equal(["MbInvalidRequest", "MbInvalidRequest"], run.Errors.Select(error => error.FullyQualifiedErrorId.Split(',')[0]));
        Assert.Equal(["Revoked"], run.Output.Select(revocation => revocation.Get<string>("Outcome")));
        Assert.Single(await WritesAsync());
    }

    [Fact]
    public async Task Without_PassThru_nothing_is_written()
    {
        await PrepareAsync("''");

        Assert.Empty(Run("$project | Remove-MbProjectToken -Force; $user | Remove-MbUserToken -Force").MustSucceed());
        Assert.Equal(2, (await WritesAsync()).Length);
    }

    [Fact]
    public async Task A_token_that_nobody_knows_is_not_found()
    {
        const string Unknown = "0198c0de-0000-7000-8000-00000000000a";

        ErrorRecord error = Assert.Single(Run($"Remove-MbProjectToken {Unknown} -Force").Errors);

        Assert.StartsWith("MbTokenNotFound,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(Unknown, error.TargetObject.ToString());
        Assert.Single(await WritesAsync());
    }

    [Theory]
    [InlineData("$project", true)]
    [InlineData("$projectToken", true)]
    [InlineData("(ThroughClixml $projectToken)", true)]
    [InlineData("$project.Id", false)]
    [InlineData("([pscustomobject]@{ Id = $project.Id })", false)]
    public async Task After_a_lost_answer_a_404_means_revoked_where_the_id_is_known_to_exist(string token, bool known)
    {
        string id = await PrepareAsync("$project.Id");
        await Server.FailAsync("DELETE * reset-after-work times=1");

        Run run = Run($"Remove-MbProjectToken {token} -Force -PassThru");

        Assert.Equal(2, (await WritesAsync()).Length);
        Assert.False(Assert.Single(await Server.TokensAsync(), held => held.Id == id).Live);
        if (known)
        {
            PSObject revocation = run.MustSucceed().Single();
            Assert.Equal("AlreadyRevoked", revocation.Get<string>("Outcome"));
            Assert.Null(revocation.Properties["DiscardedAt"].Value);
        }
        else
        {
            ErrorRecord error = Assert.Single(run.Errors);
            Assert.StartsWith("MbTokenNotFound,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.Contains("answer was lost", error.Exception.Message, StringComparison.Ordinal);
        }
    }

    private async Task<string> PrepareAsync(string expression)
    {
        Engine.Connect(Server, "-Name here");
        string text = Run($"{Tokens}\n{expression}").MustSucceed().Single().ToString();
        await Server.ResetAsync();
        return text;
    }
}

/// <summary>Revocation where lists show revoked tokens too.</summary>
public sealed class RevokeDiscardedTests(RevokeDiscardedTests.ListingServer fixture) : ServerTests<RevokeDiscardedTests.ListingServer>(fixture)
{
    [Theory]
    [InlineData("$listed")]
    [InlineData("([Management.Automation.PSSerializer]::Deserialize([Management.Automation.PSSerializer]::Serialize($listed)))")]
    public async Task What_the_list_shows_as_revoked_is_not_revoked_again(string token)
    {
        Run("$id = (New-MbProjectToken old).Id; Remove-MbProjectToken $id -Force; $listed = Get-MbProjectToken -Id $id").MustSucceed();
        await Server.ResetAsync();

        PSObject revocation = Run($"{token} | Remove-MbProjectToken -PassThru").MustSucceed().Single();
        Assert.Equal("AlreadyRevoked", revocation.Get<string>("Outcome"));
        Assert.Empty(Run($"{token} | Remove-MbProjectToken").MustSucceed());
        Assert.Empty(await Server.RequestsAsync());
        Assert.Empty(Host.Questions);
    }

    public sealed class ListingServer : ServerFixture
    {
        protected override string[] Options => ["--list-discarded"];
    }
}

/// <summary>Revocation where a revoked token's cursor is forgotten, so that the list cannot be read on from it.</summary>
public sealed class RevokeWhileListingTests(RevokeWhileListingTests.ForgetfulServer fixture) : ServerTests<RevokeWhileListingTests.ForgetfulServer>(fixture)
{
    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task A_list_that_is_revoked_while_it_is_read_is_visited_once_each(int throttleLimit)
    {
        string user = "usr_list_" + throttleLimit;
        await Server.SeedAsync(userId: user, userTokens: 130);

        Run run = Run($"Get-MbUserToken {user} -PageSize 20 | Remove-MbUserToken -Force -PassThru -ThrottleLimit {throttleLimit}");

        Assert.Equal(130, run.MustSucceed().Select(revocation => revocation.Id()).Distinct().Count());
        Assert.All(run.Output, revocation => Assert.Equal("Revoked", revocation.Get<string>("Outcome")));
        Assert.Equal(130, (await WritesAsync()).Length);
    }

    public sealed class ForgetfulServer : ServerFixture
    {
        protected override string[] Options => ["--cursors-die"];
    }
}
