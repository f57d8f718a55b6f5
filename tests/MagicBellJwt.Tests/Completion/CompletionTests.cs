using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Text.Json;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Completion;

/// <summary>What Tab offers, by the engine's own completion.</summary>
public sealed class CompletionTests : IDisposable
{
    private const string Id = "0198c0de-0000-7000-8000-00000000000";

    private readonly PowerShellEngine _engine = new();

    [Theory]
    [InlineData("Get-MbProjectToken -Id ")]
    [InlineData("Get-MbProjectJwt -Id ")]
    [InlineData("MagicBellJwt\\Get-MbProjectToken -Id ")]
    [InlineData("Set-Alias mine Get-MbProjectToken; mine -Id ")]
    [InlineData("Remove-MbProjectToken ")]
    [InlineData("Update-MbProjectToken -Id ")]
    [InlineData("Get-MbProjectToken | Remove-MbProjectToken -Id ")]
    [InlineData("Get-MbProjectToken -Session first -Id ")]
    public async Task Ids_are_those_of_live_tokens_and_say_name_and_end(string line)
    {
        await using RawServer server = Listing(Token(1, "alive"), Token(2, null, "2000-01-01T00:00:00Z"), Token(3, "gone", discarded: true), Token(4, null, null));
        Connect(server);

        IReadOnlyList<CompletionResult> offered = Complete(line);

        Assert.Equal([Id + 1, Id + 4], offered.Select(result => result.CompletionText));
        Assert.Matches("^alive, ends in [0-9]+ years$", offered[0].ToolTip);
        Assert.Equal("(no name), ends never", offered[1].ToolTip);
    }

    [Theory]
    [InlineData("Get-MbUserToken usr_1 -Id ", "usr_1")]
    [InlineData("Get-MbUserToken -UserId usr_1, usr_2 -Id ", "usr_1", "usr_2")]
    [InlineData("Remove-MbUserToken ", "usr_b", "usr_a")]
    [InlineData("Get-MbUserToken usr_x | Remove-MbUserJwt -Id ", "usr_b", "usr_a")]
    [InlineData("Update-MbUserToken -Id ", "usr_b", "usr_a")]
    public async Task Tokens_of_users_are_those_of_the_users_named_or_seen(string line, params string[] users)
    {
        await using var server = RawServer.Scripted(request => Answers.Json(200, List(Token(1, request.Target))));
        Connect(server);
        Run("Get-MbUserToken usr_a, usr_b -ThrottleLimit 1");
        server.Clear();

        Assert.Equal([Id + 1], Complete(line).Select(result => result.CompletionText));
        Assert.Equal(users.Select(user => "/v2/jwt/user/" + user).Order(), server.Requests.Select(request => request.Target.Split('?')[0]).Order());
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("two words")]
    [InlineData("it's")]
    [InlineData("\u2018curly\u2019 \u201cquotes\u201d")]
    [InlineData("\"double\"")]
    [InlineData("$(throw 'run') $HOME `n ${x}")]
    [InlineData("; throw 1 # | & {}")]
    [InlineData("@splat")]
    [InlineData("-Force")]
    [InlineData("[a-z]* ? `[")]
    [InlineData("30d")]
    [InlineData("1e5")]
    [InlineData("\u0645\u0641\u062a\u0627\u062d \ud83d\udd11 e\u0301")]
    public async Task A_name_is_quoted_so_that_it_means_itself_and_nothing_runs(string name)
    {
        await using RawServer server = Listing(Token(1, name), Token(2, "another"));
        Connect(server);

        string wildcard = Complete("Get-MbProjectToken -Name ")[0].CompletionText;
        string exact = Complete("Update-MbProjectToken -Name ")[0].CompletionText;

        Assert.DoesNotMatch("^-", exact);
        Assert.Equal(Id + 1, Run("Get-MbProjectToken -Name " + wildcard).Single().Properties["Id"].Value);
        Assert.Equal(name, Run("& { param([string] $Name) $Name } -Name " + exact).Single().BaseObject);
    }

    [Theory]
    [InlineData("Get-MbProjectToken -Name ci", "ci-main", "'ci one'", "'ci `[2`]'")]
    [InlineData("Get-MbProjectToken CI-", "ci-main")]
    [InlineData("Get-MbProjectToken -Name 'ci o", "'ci one'")]
    [InlineData("Get-MbProjectToken -Name 'ci one'", "'ci one'")]
    [InlineData("Get-MbProjectToken -Name \"ci o", "'ci one'")]
    [InlineData("Get-MbProjectToken -Name 'ci [", "'ci `[2`]'")]
    [InlineData("Get-MbProjectToken -Name 'ci `[", "'ci `[2`]'")]
    [InlineData("Get-MbProjectToken -Name 'it''", "'it''s'")]
    [InlineData("Get-MbProjectToken -Name 'ci one', ci-", "ci-main")]
    [InlineData("Get-MbProjectToken -Name nothing")]
    public async Task What_is_typed_narrows_it_however_it_is_quoted(string line, params string[] texts)
    {
        await using RawServer server = Listing(Token(1, "ci-main"), Token(2, "ci one"), Token(3, "ci [2]"), Token(4, "it's"));
        Connect(server);

        // Where nothing is offered the engine goes on to files, which are no token's name.
        Assert.Equal(texts, Complete(line).Where(result => result.ResultType == CompletionResultType.ParameterValue).Select(result => result.CompletionText));
    }

    [Fact]
    public async Task Text_of_the_server_cannot_steer_the_terminal()
    {
        await using RawServer server = Listing(Token(1, "\u001b]0;title\u0007\u001b[2J"), Token(2, "two\nlines"), Token(3, "turned\u202etxt"));
        Connect(server);

        IReadOnlyList<CompletionResult> names = Complete("Get-MbProjectToken -Name ");
        IReadOnlyList<CompletionResult> ids = Complete("Get-MbProjectToken -Id ");

        // What nobody sees stands as its number, so that the argument is the name.
        Assert.Equal(
            ["(''+[char]0x001B+'`]0;title'+[char]0x0007+[char]0x001B+'`[2J')", "(''+'two'+[char]0x000A+'lines')", "(''+'turned'+[char]0x202E+'txt')"],
            names.Select(result => result.CompletionText));
        Assert.Equal(3, ids.Count);
        Assert.DoesNotContain(names.Concat(ids), result => (result.CompletionText + result.ListItemText + result.ToolTip).Any(character => char.IsControl(character) || character == '\u202e'));
    }

    [Fact]
    public async Task A_list_is_read_once_until_something_is_issued_or_revoked()
    {
        await using var server = RawServer.Scripted(request => request.Method switch
        {
            "POST" => Answers.Created(),
            "DELETE" => Answers.Discarded(request),
            _ => Answers.Json(200, List(Token(1, "one"))),
        });
        Connect(server);
        int Reads() => server.Requests.Count(request => request.Method == "GET");
        server.Clear();

        _ = Complete("Get-MbProjectToken -Id ");
        _ = Complete("Get-MbProjectToken -Name ");
        Assert.Equal(1, Reads());

        Run("New-MbProjectToken two | Out-Null");
        _ = Complete("Get-MbProjectToken -Id ");
        Assert.Equal(2, Reads());

        Run($"Remove-MbProjectToken {Id}1 -Force -AllowSelfLockout");
        _ = Complete("Get-MbProjectToken -Id ");
        Assert.Equal(3, Reads());
    }

    [Fact]
    public async Task A_slow_server_holds_nobody_up_and_its_answer_is_there_the_next_time()
    {
        // Half a minute is for ever to somebody at a prompt, and a test that waits for it ends all the same.
        var answer = new TaskCompletionSource();
        await using var server = RawServer.Scripted(async _ =>
        {
            await Task.WhenAny(answer.Task, Task.Delay(TimeSpan.FromSeconds(30)));
            return Answers.Json(200, List(Token(1, "late")));
        });
        Run("Connect-MbProject $token -BaseUri $address -Name first -SkipConnectionTest", ("token", Secret.Of("opaque")), ("address", server.BaseAddress));

        // It came back although the server has not answered yet.
        Assert.DoesNotContain(Complete("Get-MbProjectToken -Id "), result => result.CompletionText.StartsWith(Id, StringComparison.Ordinal));

        answer.SetResult();
        Assert.True(await Eventually.IsAsync(() => Complete("Get-MbProjectToken -Id ").Any(result => result.CompletionText == Id + 1)));
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"data\":[null")]
    [InlineData(null)]
    public async Task A_server_that_fails_makes_no_error(string? answer)
    {
        await using var server = RawServer.Scripted(_ => answer);
        Run("Connect-MbProject $token -BaseUri $address -SkipConnectionTest -MaximumRetryCount 0", ("token", Secret.Of("opaque")), ("address", server.BaseAddress));

        AssertNothingIsOffered();
    }

    [Fact]
    public async Task A_server_that_is_not_there_makes_no_error()
    {
        await using (RawServer server = Listing(Token(1, "one")))
        {
            Run("Connect-MbProject $token -BaseUri $address -SkipConnectionTest", ("token", Secret.Of("opaque")), ("address", server.BaseAddress));
        }

        AssertNothingIsOffered();
    }

    [Fact]
    public void Without_a_session_or_after_its_end_there_is_no_error()
    {
        AssertNothingIsOffered();
        Run("Connect-MbProject -Sandbox; Disconnect-MbProject");
        AssertNothingIsOffered();
        Assert.Empty(OwnValues("Get-MbUserToken -UserId "));
        Assert.Empty(OwnValues("Get-MbProjectToken -Session "));
        Assert.Empty(OwnValues("Get-MbProjectToken -Session nobody -Id "));
    }

    [Fact]
    public void Users_are_those_of_this_session_the_last_one_first()
    {
        Run("Connect-MbProject -Sandbox -Name other; $other = New-MbUserToken -Email other@example.com; Connect-MbProject -Sandbox -Name mine");
        Run("$hana = New-MbUserToken -Email hana@example.com; $omar = New-MbUserToken -Email omar@example.com");
        string[] users = [.. Run("$omar.UserId, $hana.UserId").Select(user => user.ToString())];

        Assert.Equal(users, OwnValues("Get-MbUserToken "));
        Assert.Equal(users, OwnValues("Get-MbUserToken -UserId usr_"));
        Assert.Equal(users, OwnValues("Update-MbUserToken -UserId "));
        Assert.Equal(Run("$other.UserId").Select(user => user.ToString()), OwnValues("Get-MbUserToken -Session other -UserId "));
    }

    [Fact]
    public void Sessions_are_offered_by_name_and_say_where_they_go()
    {
        Run("Connect-MbProject -Sandbox -Name prod; Connect-MbProject -Sandbox -Name \"it's a test\"");

        Assert.Equal(["prod", "'it''s a test'"], OwnValues("Get-MbProjectToken -Session "));
        Assert.Equal(["'it''s a test'"], OwnValues("Disconnect-MbProject it"));
        Assert.Matches("^prod, https://sandbox.invalid/v2/?, token [0-9a-f]{12}$", Complete("Get-MbUserToken -Session prod")[0].ToolTip);
        Assert.Equal("it's a test", Run("(Get-MbProjectToken -Session 'it''s a test').Project").Single().ToString());
    }

    [Theory]
    [InlineData("New-MbUserToken -ExpiresIn ")]
    [InlineData("New-MbProjectToken ci -ExpiresIn ")]
    [InlineData("Update-MbProjectToken ci -Overlap ")]
    public void Lifetimes_are_common_ones(string line) => Assert.Equal(["1h", "12h", "1d", "7d", "30d", "90d", "365d"], OwnValues(line));

    [Theory]
    [InlineData("one", "one")]
    [InlineData("$one", "one")]
    [InlineData("(Get-MbSession one)", "two")]
    [InlineData("$unknown", "two")]
    public void Tokens_are_those_of_the_session_that_is_named_where_that_can_be_known(string argument, string session)
    {
        Run("Connect-MbProject -Sandbox -Name one; $one = Get-MbSession one; New-MbProjectToken one | Out-Null");
        Run("Connect-MbProject -Sandbox -Name two; New-MbProjectToken two | Out-Null");

        // A command is not run to complete a line.
        Assert.Contains(session, OwnValues($"Get-MbProjectToken -Session {argument} -Name "));
        Assert.DoesNotContain(session == "one" ? "two" : "one", OwnValues($"Get-MbProjectToken -Session {argument} -Name "));
    }

    [Fact]
    public void The_function_that_the_prompt_calls_gives_the_same()
    {
        Run("Connect-MbProject -Sandbox -Name prod");

        Assert.Equal("prod", Run("(TabExpansion2 'Get-MbProjectToken -Session p' 29).CompletionMatches[0].CompletionText").Single().ToString());
    }

    public void Dispose() => _engine.Dispose();

    private static RawServer Listing(params object[] tokens) => RawServer.Scripted(_ => Answers.Json(200, List(tokens)));

    private static string List(params object[] tokens) => JsonSerializer.Serialize(new { data = tokens, links = new { } });

    private static object Token(int number, string? name, string? expires = "2190-01-01T00:00:00Z", bool discarded = false) => new
    {
        id = Id + number,
        name,
        created_at = "2020-01-01T00:00:00Z",
        expires_at = expires,
        discarded_at = discarded ? "2020-01-02T00:00:00Z" : null,
    };

    private void Connect(RawServer server) =>
        Run("Connect-MbProject $token -BaseUri $address -Name first", ("token", Secret.Of("opaque")), ("address", server.BaseAddress));

    private IReadOnlyList<PSObject> Run(string script, params (string Name, object? Value)[] variables) => _engine.Run(script, variables).MustSucceed();

    // As at a prompt: what a busy machine did not offer within the second is there at the next press of the key.
    private IReadOnlyList<CompletionResult> Complete(string line)
    {
        IReadOnlyList<CompletionResult> offered = [];
        for (int press = 0; press < 3 && offered.Count == 0; press++)
        {
            offered = CompleteOnce(line);
        }

        return offered;
    }

    private IReadOnlyList<CompletionResult> CompleteOnce(string line) =>
        [.. Run("$Error.Clear(); [System.Management.Automation.CommandCompletion]::CompleteInput($line, $line.Length, $null).CompletionMatches; if ($Error) { throw $Error[0] }", ("line", line))
            .Select(result => (CompletionResult)result.BaseObject)];

    private string[] OwnValues(string line) =>
        [.. Complete(line).Where(result => result.ResultType == CompletionResultType.ParameterValue).Select(result => result.CompletionText)];

    private void AssertNothingIsOffered()
    {
        foreach (string line in new[] { "Get-MbProjectToken -Id ", "Get-MbProjectToken -Name ", "Get-MbUserToken usr_1 -Id ", "Remove-MbUserToken ", "Remove-MbProjectToken " })
        {
            Assert.Empty(OwnValues(line));
        }
    }
}
