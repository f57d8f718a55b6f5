using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Commands;

/// <summary>Lists of a project with 250 seeded tokens and the administrator's own, and of users.</summary>
public sealed class ListTests(ListTests.SeededServer fixture) : ServerTests<ListTests.SeededServer>(fixture)
{
    private const string Unknown = "0198c0de-0000-7000-8000-00000000000b";

    [Fact]
    public async Task A_list_is_whole_newest_first_and_read_in_pages_of_100()
    {
        IReadOnlyList<PSObject> tokens = Run("Get-MbProjectToken").MustSucceed();

        Assert.All(tokens, token => Assert.Equal("MagicBellJwt.ProjectToken", token.TypeNames[0]));
        Assert.Equal((await Server.TokensAsync()).Where(token => token.Kind == "project" && token.Live).Select(token => token.Id).Order(), tokens.Select(token => token.Id()).Order());
        Assert.Equal(tokens.Select(token => token.Get<DateTimeOffset>("CreatedAt")).OrderDescending(), tokens.Select(token => token.Get<DateTimeOffset>("CreatedAt")));
        ServerRequest[] pages = await Server.RequestsAsync();
        Assert.Equal(3, pages.Length);
        Assert.Equal(("GET", "/v2/jwt/project?limit=100"), (pages[0].Method, pages[0].Target));
    }

    [Theory]
    [InlineData("-First 1", 1, "1")]
    [InlineData("-First 5", 5, "5")]
    [InlineData("-First 100", 100, "100")]
    [InlineData("-First 150", 150, "100,100")]
    [InlineData("-First 100 -PageSize 50", 100, "50,50")]
    [InlineData("-First 7 -PageSize 3", 7, "3,3,3")]
    [InlineData("-First 1000", 251, "100,100,100")]
    [InlineData("-First 1 -Name 'seed 250'", 1, "100")]
    [InlineData("-First 3 -Name 'seed 1?'", 3, "100,100,100")]
    [InlineData("| Select-Object -First 1", 1, "100")]
    [InlineData("| Select-Object -First 100", 100, "100")]
    [InlineData("| Select-Object -First 101", 101, "100,100")]
    [InlineData("| ForEach-Object { $_ } | Select-Object -First 2", 2, "100")]
    public async Task No_page_more_than_needed_is_read(string options, int count, string pages)
    {
        IReadOnlyList<PSObject> tokens = Run("Get-MbProjectToken " + options).MustSucceed();

        Assert.Equal(count, tokens.Select(token => token.Id()).Distinct().Count());
        Assert.Equal(count, tokens.Count);
        ServerRequest[] read = await Server.RequestsAsync();
        Assert.Equal(pages, string.Join(',', read.Select(request => System.Web.HttpUtility.ParseQueryString(request.Target.Split('?')[1])["limit"])));
    }

    [Fact]
    public async Task A_page_is_written_before_the_next_is_asked_for()
    {
        await Server.FailAsync("GET * never skip=1");
        using RunningScript listing = Engine.Start("Get-MbProjectToken");

        Assert.True(await Eventually.IsAsync(() => listing.Output.Count == 100));
        Assert.True(await Eventually.IsAsync(async () => (await Server.RequestsAsync()).Length == 2));
        Assert.Equal(100, listing.Stop().Run.Output.Count);
    }

    [Theory]
    [InlineData("'seed 25*'", "seed 25,seed 250")]
    [InlineData("'SEED 250'", "seed 250")]
    [InlineData("'seed 24[89]', 'seed 7'", "seed 248,seed 249,seed 7")]
    [InlineData("-Name 'Sandbox*'", "Sandbox administrator")]
    [InlineData("nothing*", "")]
    [InlineData("nothing", "")]
    public void Names_are_matched_without_case_and_with_wildcards(string names, string found)
    {
        IReadOnlyList<PSObject> tokens = Run("Get-MbProjectToken " + names).MustSucceed();

        Assert.Equal(found, string.Join(',', tokens.Select(token => token.Get<string>("Name")).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void A_name_that_is_not_there_is_said_with_those_that_are_near()
    {
        Run run = Run("Get-MbProjectToken 'sed 250', 'seed 7', 'administrator*', nowhere -Verbose");

        Assert.Single(run.MustSucceed());
        Assert.Equal(
            ["No token is named 'sed 250'. There is 'seed 250'.", "No token is named 'administrator*'. There is 'Sandbox administrator'.", "No token is named 'nowhere'."],
            run.Verbose.Where(line => line.StartsWith("No token is named", StringComparison.Ordinal)));
        Assert.DoesNotContain(Run("Get-MbProjectToken 'seed 250', 'sed 250' -First 1 -Verbose").Verbose, line => line.StartsWith("No token is named", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_name_is_also_taken_as_it_is_written()
    {
        await Server.ResetAsync();
        Run run = Run("$made = New-MbProjectToken '[prod] key' -ExpiresIn 1d; Get-MbProjectToken '[PROD] key'; Get-MbProjectToken '[prod] other'; $made | Remove-MbProjectToken -Force");

        Assert.Equal("[prod] key", Assert.Single(run.MustSucceed()).Get<string>("Name"));
    }

    [Fact]
    public async Task An_id_is_looked_for_no_further_than_it_is_found()
    {
        PSObject first = Run("Get-MbProjectToken -First 1").MustSucceed().Single();
        await Server.ResetAsync();

        PSObject found = Run($"Get-MbProjectToken -Id {first.Id().ToUpperInvariant()}").MustSucceed().Single();

        Assert.Equal(first.Id(), found.Id());
        Assert.Single(await Server.RequestsAsync());
    }

    [Fact]
    public void An_id_that_is_not_there_is_an_error_and_the_others_are_written()
    {
        Run run = Run($"$last = Get-MbProjectToken 'seed 1'; Get-MbProjectToken -Id $last.Id, {Unknown}");

        Assert.Equal("seed 1", Assert.Single(run.Output).Get<string>("Name"));
        ErrorRecord error = Assert.Single(run.Errors);
        Assert.StartsWith("MbTokenNotFound,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.ObjectNotFound, error.CategoryInfo.Category);
        Assert.Equal(Unknown, error.TargetObject);
    }

    [Theory]
    [InlineData("hana@example.com", "MbUserNotFound")]
    [InlineData("hana", "MbTokenNotFound")]
    public void Who_gives_an_unknown_user_is_told_how_users_are_found(string user, string id)
    {
        ErrorRecord error = Assert.Single(Run("Get-MbUserToken " + user).Errors);

        Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(user, error.TargetObject);
        Assert.Contains("Get-MbUser", error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Get-MbProjectToken -Id seed", "seed")]
    [InlineData("Get-MbUserToken ''", "UserId")]
    [InlineData("Get-MbUserToken \"a`nb\"", "a\nb")]
    [InlineData("Get-MbUserToken ..", "..")]
    [InlineData("Get-MbProjectToken -After " + Unknown + " -Before " + Unknown, Unknown)]
    [InlineData("$null | Get-MbUserToken", "")]
    public async Task What_cannot_be_asked_for_is_refused_before_anything_is_sent(string script, string target)
    {
        Run run = Run(script);

        ErrorRecord error = Assert.Single(run.Errors);
        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(target, error.TargetObject);
        Assert.Empty(run.Output);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Theory]
    [InlineData("Get-MbProjectToken -First 0")]
    [InlineData("Get-MbProjectToken -PageSize 101")]
    [InlineData("Get-MbUserToken usr_7 -ThrottleLimit 65")]
    [InlineData("Get-MbUserToken usr_7 -ThrottleLimit 0")]
    public async Task What_cannot_be_bound_is_an_error_of_the_engine(string script)
    {
        Run run = Run(script);

        Assert.IsType<ParameterBindingException>(run.Error.Exception, exactMatch: false);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Theory]
    [InlineData("[pscustomobject]@{ User = 'usr_7' } | Get-MbUserToken")]
    [InlineData("Get-MbUserToken ([pscustomobject]@{ User = 'usr_7' })")]
    [InlineData("Get-MbUserToken -Email ([pscustomobject]@{ User = 'usr_7' })")]
    [InlineData("[pscustomobject]@{ Email = [pscustomobject]@{ Work = 'hana@example.com' } } | Get-MbUserToken")]
    [InlineData("Get-MbUser -ExternalId 'ext-7', ([pscustomobject]@{ User = 'usr_7' })")]
    public async Task A_row_without_the_column_is_an_error_before_anything_is_sent(string script)
    {
        Assert.StartsWith("MbInvalidRequest,", Run(script).Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Fact]
    public void What_ends_before_a_moment_is_found_and_what_never_ends_is_not()
    {
        IReadOnlyList<PSObject> soon = Run("Get-MbProjectToken -ExpiresBefore ([DateTime]::Now.AddDays(45))").MustSucceed();

        // Of the seeded tokens every fourth never ends, and the others do in 30, 60 and 90 days.
        Assert.Equal(63, soon.Count);
        Assert.All(soon, token => Assert.InRange(token.Get<DateTimeOffset>("ExpiresAt"), DateTimeOffset.UtcNow.AddDays(29), DateTimeOffset.UtcNow.AddDays(31)));
        Assert.Equal(188, Run("Get-MbProjectToken -ExpiresBefore ([DateTime]::MaxValue.AddDays(-2))").MustSucceed().Count);
    }

    [Fact]
    public void A_list_begins_after_and_ends_before_a_token()
    {
        string[] all = [.. Run("$all = Get-MbProjectToken; $all").MustSucceed().Select(token => token.Id())];

        Assert.Equal(all[231..], Run("Get-MbProjectToken -After $all[230].Id -PageSize 10").MustSucceed().Select(token => token.Id()));
        Assert.Equal(all[..20].Order(), Run("Get-MbProjectToken -Before $all[20].Id -PageSize 15").MustSucceed().Select(token => token.Id()).Order());
    }

    [Theory]
    [InlineData("Get-MbUserToken usr_7")]
    [InlineData("Get-MbUserJwt -UserId usr_7")]
    [InlineData("'usr_7' | Get-MbUserToken")]
    [InlineData("[pscustomobject]@{ UserId = 'usr_7'; Name = 'x' } | Get-MbUserToken -Name *")]
    [InlineData("Get-MbUserToken usr_7 -First 1 | Get-MbUserToken")]
    public void A_users_tokens_carry_the_user_that_was_asked_about(string script)
    {
        IReadOnlyList<PSObject> tokens = Run(script).MustSucceed();

        Assert.Equal(7, tokens.Count);
        Assert.All(tokens, token => Assert.Equal(("MagicBellJwt.UserToken", "usr_7", "User"), (token.TypeNames[0], token.Get<string>("UserId"), token.Get<string>("Kind"))));
    }

    [Fact]
    public void Many_users_are_listed_and_one_who_is_not_there_is_one_error()
    {
        Run run = Run("'usr_7', 'nobody', 'usr_120' | Get-MbUserToken");

        Assert.Equal([("usr_120", 120), ("usr_7", 7)], run.Output.GroupBy(token => token.Get<string>("UserId")).Select(group => (group.Key, group.Count())).Order());
        ErrorRecord error = Assert.Single(run.Errors);
        Assert.Equal("nobody", error.TargetObject);
        Assert.StartsWith("MbTokenNotFound,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Users_are_listed_in_order_one_at_a_time_where_that_is_asked_for()
    {
        await Server.FailAsync("GET /v2/jwt/user/usr_120* delay ms=100");

        IReadOnlyList<PSObject> tokens = Run("Get-MbUserToken usr_120, usr_7 -ThrottleLimit 1").MustSucceed();

        Assert.Equal([.. Enumerable.Repeat("usr_120", 120), .. Enumerable.Repeat("usr_7", 7)], tokens.Select(token => token.Get<string>("UserId")));
    }

    [Fact]
    public async Task First_counts_over_all_users()
    {
        Assert.Equal(9, Run("Get-MbUserToken usr_7, usr_120, usr_7 -First 9").MustSucceed().Count);
        Assert.Equal(["/v2/jwt/user/usr_7?limit=9", "/v2/jwt/user/usr_120?limit=2"], (await Server.RequestsAsync()).Select(request => request.Target));
    }

    [Fact]
    public async Task A_user_id_is_one_segment_of_the_path_whatever_it_holds()
    {
        const string User = "a/b ?#%2F&+é👩‍🚀..";
        await Server.SeedAsync(userId: User, userTokens: 2);

        IReadOnlyList<PSObject> tokens = Run("Get-MbUserToken $user; $user | Get-MbUserToken -First 1", ("user", User)).MustSucceed();

        Assert.Equal(3, tokens.Count);
        Assert.All(tokens, token => Assert.Equal(User, token.Get<string>("UserId")));
        Assert.Equal("/v2/jwt/user/" + Uri.EscapeDataString(User) + "?limit=100", (await Server.RequestsAsync())[0].Target);
    }

    [Fact]
    public async Task A_token_shows_its_state_and_whatever_else_the_server_says()
    {
        await using var server = RawServer.Scripted(_ => Answers.Json(200, """
            {"data":[
              {"id":"0198c0de-0000-7000-8000-000000000001","name":null,"created_at":"2026-01-02T03:04:05.678Z","expires_at":null,"last_used_at":"2026-02-03T04:05:06+05:30","tags":["a",{"b":1}],"scope":"read"},
              {"token_id":"0198c0de-0000-7000-8000-000000000002","name":"old","created_at":"2020-01-01T00:00:00Z","expires_at":"2020-02-01T00:00:00Z"},
              {"id":"0198c0de-0000-7000-8000-000000000003","name":"revoked","created_at":"2020-01-01T00:00:00Z","expires_at":"2020-02-01T00:00:00Z","discarded_at":"2020-01-15T00:00:00Z"}
            ],"links":{"first":null,"next":null}}
            """));
        IReadOnlyList<PSObject> tokens = Run("$null = Connect-MbProject $secret -BaseUri $address -SkipConnectionTest; Get-MbProjectToken", ("secret", Secret.Of("any")), ("address", server.BaseAddress)).MustSucceed();

        Assert.Equal(["Active", "Expired", "Discarded"], tokens.Select(token => token.Get<string>("Status")));
        Assert.Equal(DateTimeOffset.Parse("2026-01-02T03:04:05.678Z", null), tokens[0].Get<DateTimeOffset>("CreatedAt"));
        Assert.Equal(DateTimeOffset.Parse("2026-02-02T22:35:06Z", null), tokens[0].Get<DateTimeOffset>("LastUsedAt"));
        Assert.Equal("read", tokens[0].Get<IReadOnlyDictionary<string, object?>>("OtherFields")["scope"]);
        Assert.Null(tokens[0].Get<string>("Name"));
        Assert.Equal("0198c0de-0000-7000-8000-000000000002", tokens[1].Id());
        Assert.Null(tokens[1].Properties["OtherFields"].Value);
    }

    [Fact]
    public async Task A_list_whose_links_lead_nowhere_new_ends_in_one_error()
    {
        foreach (string next in new[] { "elsewhere", "self", "ring" })
        {
            await Server.ResetAsync();
            await Server.FailAsync($"GET * answer next={next}");

            Run run = Run("Get-MbProjectToken");

            Assert.StartsWith("MbUnexpectedResponse,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.InRange((await Server.RequestsAsync()).Length, 1, 4);
        }
    }

    [Fact]
    public async Task A_page_with_a_link_to_another_origin_is_given_and_its_link_is_refused()
    {
        await Server.ResetAsync();
        await Server.FailAsync("GET * answer next=elsewhere");

        Assert.Single(Run("Get-MbProjectToken -First 1").MustSucceed());
        Run run = Run("Get-MbProjectToken -PageSize 100");
        Assert.Equal(100, run.Output.Count);
        Assert.StartsWith("MbUnexpectedResponse,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);

        await Server.ResetAsync();
        await Server.FailAsync("GET * answer next=gateway");
        Assert.Equal(251, Run("Get-MbProjectToken").MustSucceed().Count);
    }

    public sealed class SeededServer : ServerFixture
    {
        protected override string[] Options => ["--seed-project-tokens", "250", "--seed-user", "usr_7:7", "--seed-user", "usr_120:120"];
    }
}
