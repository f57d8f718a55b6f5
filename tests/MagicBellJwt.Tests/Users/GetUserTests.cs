using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Users;

/// <summary>Users of a project that has 250: found by what people know of them, and counted in requests.</summary>
public sealed class GetUserTests(GetUserTests.PopulatedServer fixture) : ServerTests<GetUserTests.PopulatedServer>(fixture)
{
    [Fact]
    public async Task All_users_are_listed_with_what_the_API_says_of_them()
    {
        IReadOnlyList<PSObject> users = Run("Get-MbUser").MustSucceed();

        ServerUser[] there = await Server.UsersAsync();
        Assert.All(users, user => Assert.Equal("MagicBellJwt.User", user.TypeNames[0]));
        Assert.Equal(there.Reverse().Select(user => (user.Id, user.Email, user.ExternalId)), users.Select(user => (user.Get<string>("UserId"), user.Get<string?>("Email"), user.Get<string?>("ExternalId")))!);
        Assert.Equal(("First7", "Last7"), users.Where(user => user.Get<string>("Email") == "user7@example.com").Select(user => (user.Get<string>("FirstName"), user.Get<string>("LastName"))).Single());
        Assert.All(users, user => Assert.NotNull(user.Properties["Project"].Value));
        Assert.Equal((there.Length + 99) / 100, (await Server.RequestsAsync()).Length);
    }

    [Theory]
    [InlineData("Get-MbUser user7@example.com")]
    [InlineData("Get-MbUser -Email USER7@Example.COM")]
    [InlineData("Get-MbUser ' user7@example.com '")]
    [InlineData("'user7@example.com' | Get-MbUser")]
    [InlineData("Get-MbUser -ExternalId ext-7")]
    [InlineData("Get-MbUser user7@example.com -ExternalId ext-7")]
    [InlineData("[pscustomobject]@{ Email = 'user7@example.com' } | Get-MbUser")]
    [InlineData("[pscustomobject]@{ Mail = 'user7@example.com'; Name = 'x' } | Get-MbUser")]
    [InlineData("[pscustomobject]@{ 'E-mail' = 'user7@example.com'; external_id = '' } | Get-MbUser")]
    [InlineData("[pscustomobject]@{ UserPrincipalName = 'user7@example.com'; user_id = '' } | Get-MbUser")]
    [InlineData("[pscustomobject]@{ external_id = 'ext-7' } | Get-MbUser")]
    [InlineData("[pscustomobject]@{ ExternalId = 'ext-7'; Email = $null } | Get-MbUser")]
    public async Task One_person_is_found_by_one_request(string script)
    {
        PSObject user = Run(script).MustSucceed().Single();

        Assert.Equal(("user7@example.com", "ext-7"), (user.Get<string>("Email"), user.Get<string>("ExternalId")));
        Assert.Contains("/v2/users?limit=100&query=", Assert.Single(await Server.RequestsAsync()).Target, StringComparison.Ordinal);
    }

    [Fact]
    public void An_id_in_MagicBell_is_found_in_the_list_and_compared_to_the_letter()
    {
        PSObject user = Run("$id = (Get-MbUser user9@example.com).UserId; Get-MbUser -UserId $id").MustSucceed().Single();

        Assert.Equal("user9@example.com", user.Get<string>("Email"));
        Assert.StartsWith("MbUserNotFound,", Run("Get-MbUser -UserId $id.ToUpperInvariant()").Error.FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Get-MbUser nobody@example.com", "nobody@example.com")]
    [InlineData("Get-MbUser user@example.com", "user@example.com")]
    [InlineData("Get-MbUser -ExternalId ext-", "ext-")]
    [InlineData("Get-MbUser -ExternalId EXT-7", "EXT-7")]
    [InlineData("Get-MbUser -ExternalId user7@example.com", "user7@example.com")]
    [InlineData("Get-MbUser -Email user7@example.com -ExternalId ext-nobody", "user7@example.com, ext-nobody")]
    [InlineData("[pscustomobject]@{ Email = '*@example.com' } | Get-MbUser", "*@example.com")]
    public void Who_is_not_there_is_an_error_with_the_input_as_target(string script, string target)
    {
        Run run = Run(script);

        Assert.Empty(run.Output);
        Assert.StartsWith("MbUserNotFound,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.ObjectNotFound, run.Error.CategoryInfo.Category);
        Assert.Equal(target, run.Error.TargetObject);
        Assert.Contains("Get-MbUser", run.Error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("''", "Email")]
    [InlineData("$null", "Email")]
    [InlineData("-Email @()", "")]
    [InlineData("-UserId $nothing", "UserId")]
    [InlineData("'no address'", "no address")]
    [InlineData("'two@@example.com'", "two@@example.com")]
    [InlineData("-ExternalId \"a`nb\"", "a\nb")]
    [InlineData("a@example.com, b@example.com -ExternalId 7", null)]
    public async Task Who_can_be_nobody_is_refused_before_anything_is_sent(string arguments, string? target)
    {
        ErrorRecord error = Run("Get-MbUser " + arguments).Error;

        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(target, error.TargetObject);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Fact]
    public async Task Two_users_who_may_be_meant_are_refused_with_both_ids()
    {
        await Server.SetUsersAsync(
            new ServerUser("usr_x1", "Twin@example.com", "x1"),
            new ServerUser("usr_x2", "twin@example.com", "x2"),
            new ServerUser("usr_x3", "three@example.com", "x3"),
            new ServerUser("usr_x4", "four@example.com", "Three@example.com"),
            new ServerUser("usr_x5", "five@example.com", "five@example.com"),
            new ServerUser("usr_x6", null, "six@example.com"));

        foreach ((string arguments, string[] ids) in new[]
        {
            ("twin@example.com", new[] { "usr_x1", "usr_x2" }),
            ("three@example.com", ["usr_x3", "usr_x4"]),
            ("four@example.com -ExternalId x3", ["usr_x3", "usr_x4"]),
            ("twin@example.com, three@example.com, four@example.com, three@EXAMPLE.com", ["usr_x1", "usr_x2"]),
        })
        {
            Run run = Run("Get-MbUser " + arguments);
            Assert.All(run.Output, user => Assert.Equal("usr_x4", user.Get<string>("UserId")));
            ErrorRecord error = run.Errors[0];
            Assert.StartsWith("MbConflict,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.StartsWith(arguments.Split(' ', ',')[0], (string)error.TargetObject, StringComparison.Ordinal);
            Assert.All(ids, id => Assert.Contains(id, error.ToString(), StringComparison.Ordinal));
        }

        // The same user by both names is one.
        Assert.Equal("usr_x5", Run("Get-MbUser five@example.com").MustSucceed().Single().Get<string>("UserId"));
        ErrorRecord other = Run("Get-MbUser six@example.com").Error;
        Assert.StartsWith("MbUserNotFound,", other.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("external id of usr_x6", other.ToString(), StringComparison.Ordinal);

        // To look at both is no guess.
        Assert.Equal(2, Run("Get-MbUser -Query twin").MustSucceed().Count);
    }

    [Theory]
    [InlineData("'user24?@example.com'", "user240,user241,user242,user243,user244,user245,user246,user247,user248,user249")]
    [InlineData("-Email 'USER24[01]@*', user7@example.com", "user240,user241,user7")]
    [InlineData("-ExternalId 'ext-10[12]'", "user101,user102")]
    [InlineData("'nobody*'", "")]
    [InlineData("-Query user24 -First 3", "user247,user248,user249")]
    [InlineData("'user*' -First 1", "user250")]
    public void Patterns_and_queries_filter(string arguments, string found)
    {
        IReadOnlyList<PSObject> users = Run($"Get-MbUser {arguments} | Where-Object Email -Match '^user'").MustSucceed();

        Assert.Equal(found, string.Join(',', users.Select(user => user.Get<string>("Email").Split('@')[0]).Order(StringComparer.Ordinal)));
    }

    [Theory]
    [InlineData("Get-MbUser -First 5", "5")]
    [InlineData("Get-MbUser | Select-Object -First 1", "100")]
    [InlineData("Get-MbUser 'user249*' -First 1", "100")]
    [InlineData("Get-MbUser -First 120 -PageSize 60", "60,60")]
    public async Task No_page_more_than_needed_is_read(string script, string sizes)
    {
        // The newest come first, and other tests add a few.
        Run(script).MustSucceed();

        Assert.Equal(sizes, string.Join(',', (await Server.RequestsAsync()).Select(request => System.Web.HttpUtility.ParseQueryString(request.Target.Split('?')[1])["limit"])));
    }

    [Theory]
    [InlineData("GET /v2/users* 404", "MbUnexpectedResponse", "This server does not list users (404).")]
    [InlineData("GET /v2/users* 404 body=html", "MbUnexpectedResponse", "This server does not list users (404).")]
    [InlineData("GET /v2/users* 405", "MbUnexpectedResponse", "This server does not list users (405).")]
    [InlineData("GET /v2/users* 403", "MbForbidden", "The session's token may not list users (403).")]
    [InlineData("GET /v2/users* 403 body=html", "MbForbidden", "gateway")]
    [InlineData("GET /v2/users* 200 body=html", "MbUnexpectedResponse", "instead of JSON")]
    [InlineData("GET /v2/users* 502 body=html", "MbServiceUnavailable", "could not answer")]
    public async Task Where_users_are_not_listed_it_says_so_and_what_works(string fault, string id, string why)
    {
        await Server.FailAsync(fault);
        Engine.Connect(Server, "-MaximumRetryCount 0");

        foreach (string script in new[] { "Get-MbUser a@example.com", "Get-MbUser", "Get-MbUser a@example.com, b@example.com, c@example.com" })
        {
            Run run = Run(script);
            Assert.Empty(run.Output);
            Assert.Equal(script.Split(',').Length, run.Errors.Count);
            Assert.All(run.Errors, error => Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal));
            Assert.All(run.Errors, error => Assert.Contains(why, error.ToString(), StringComparison.Ordinal));
            Assert.All(run.Errors, error => Assert.Contains("-UserId", error.ToString(), StringComparison.Ordinal));
        }

        Run("Get-MbProjectToken").MustSucceed();
    }

    [Fact]
    public async Task An_address_that_the_server_refuses_keeps_nobody_else_from_being_found()
    {
        await Server.FailAsync("GET /v2/users*query=odd* 422");
        Engine.Connect(Server, "-MaximumRetryCount 0");

        // One page would be enough for these: only by single requests is the refusal met.
        Run run = Run("Get-MbUser odd@example.com; Get-MbUser user3@example.com");

        Assert.Equal("user3@example.com", Assert.Single(run.Output).Get<string>("Email"));
        Assert.StartsWith("MbInvalidRequest,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal("odd@example.com", run.Error.TargetObject);
    }

    [Fact]
    public async Task A_stop_ends_it_and_leaves_no_request_behind()
    {
        await Server.FailAsync("GET /v2/users* never");
        foreach (string script in new[] { "Get-MbUser", "Get-MbUser a@example.com", "1..500 | ForEach-Object { \"user$_@example.com\" } | Get-MbUser" })
        {
            int before = (await Server.RequestsAsync()).Length;
            using RunningScript running = Engine.Start(script);
            Assert.True(await Eventually.IsAsync(async () => (await Server.RequestsAsync()).Length > before));

            (Run run, TimeSpan took) = running.Stop();

            Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(15));
            Assert.Empty(run.Errors);
            Assert.Equal(before + 1, (await Server.RequestsAsync()).Length);
        }
    }

    [Fact]
    public async Task What_the_server_sends_cannot_steer_the_terminal()
    {
        await Server.SetUsersAsync(new ServerUser("usr_\u001b[2J", "esc\u001b]0;title\u0007@example.com", "two\nlines"));

        string shown = string.Join("", Run("Get-MbUser -First 1 | Out-String; Get-MbUser -First 1 | Format-List | Out-String; Get-MbUser -First 1 | Format-Wide | Out-String").MustSucceed().Select(text => text.ToString()));

        Assert.DoesNotContain(shown, character => char.IsControl(character) && character is not ('\r' or '\n'));
    }

    public sealed class PopulatedServer : ServerFixture
    {
        protected override string[] Options => ["--seed-users", "250"];
    }
}
