using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Net.Http;
using System.Security;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Commands;

public sealed class IssueTests(ServerFixture fixture) : ServerTests(fixture)
{
    [Theory]
    [InlineData("New-MbProjectToken ci -ExpiresIn 1h", ",\"expires_at\":null", "unknown")]
    [InlineData("New-MbUserToken -Email hana@example.com -ExpiresIn 1h", "", "unknown")]
    [InlineData("New-MbProjectToken ci", ",\"expires_at\":null", "never")]
    public async Task An_end_that_was_asked_for_and_is_not_confirmed_is_unknown_and_warned_of(string script, string expiry, string expires)
    {
        const string Id = "0198c0de-0000-7000-8000-000000000001";
        await using var server = RawServer.Scripted(_ => Answers.Json(201, $$"""{"token":"opaque-value","token_id":"{{Id}}","created_at":"2026-01-01T00:00:00Z"{{expiry}}}"""));

        Run run = Run($"$null = Connect-MbProject $token -BaseUri $address -Name silent -SkipConnectionTest; {script}", ("token", Secret.Of("any")), ("address", server.BaseAddress));

        PSObject token = run.MustSucceed().Single();
        Assert.Equal(expires, token.Get<string>("Expires"));
        Assert.Null(token.Properties["ExpiresAt"].Value);
        if (expires == "unknown")
        {
            string warning = Assert.Single(run.Warnings);
            Assert.Contains(Id, warning, StringComparison.Ordinal);
            Assert.Contains("does not confirm the end that was asked for", warning, StringComparison.Ordinal);
        }
        else
        {
            Assert.DoesNotContain(run.Warnings, warning => warning.Contains("not confirm", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_user_token_comes_with_its_value_and_the_user_of_its_claims()
    {
        PSObject token = Run("New-MbUserToken -Email hana@example.com -Name laptop -ExpiresIn 30d").MustSucceed().Single();

        Assert.Equal("MagicBellJwt.IssuedToken", token.TypeNames[0]);
        string value = Secret.Reveal(token.Properties["Token"].Value);
        ServerToken held = Assert.Single(await Server.TokensAsync(), held => held.Id == token.Id());
        Assert.Equal(("user", "laptop", token.Get<string>("UserId"), true), (held.Kind, held.Name, held.UserId, held.Live));
        Assert.Equal(("User", "laptop", token.Id()), (token.Get<string>("Kind"), token.Get<string>("Name"), token.Get<string>("TokenId")));
        Assert.Equal(TimeSpan.FromDays(30), token.Get<DateTimeOffset>("ExpiresAt") - token.Get<DateTimeOffset>("CreatedAt"));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(value)))[..12], token.Get<string>("Fingerprint"));
        Assert.Equal(403, await StatusWithAsync(value));
        Assert.True(((SecureString)PSObject.AsPSObject(token.Properties["Token"].Value).BaseObject).IsReadOnly());
    }

    [Fact]
    public async Task A_create_is_sent_once_with_its_key_and_says_who_sends_it()
    {
        Run("New-MbUserToken -Email once@example.com -ExternalId 'user 7' -Name laptop -ExpiresIn 30d").MustSucceed();

        ServerRequest request = Assert.Single(await Server.RequestsAsync());
        Assert.Equal(("POST", "/v2/jwt/user"), (request.Method, request.Target));
        Assert.Equal("""{"email":"once@example.com","external_id":"user 7","name":"laptop","expiry":2592000}""", request.Body);
        Assert.Equal("application/json; charset=utf-8", request.Headers["Content-Type"]);
        Assert.Equal("application/json", request.Headers["Accept"]);
        Assert.True(Guid.TryParseExact(request.Headers["Idempotency-Key"], "D", out _));
        Assert.StartsWith("Bearer sha256:", request.Headers["Authorization"], StringComparison.Ordinal);
        Assert.Matches(@"^MagicBellJwt/\d+\.\d+\.\d+ PowerShell/7\.\d+\.\d+ \(Core; [^()]+\)$", request.Headers["User-Agent"]);
    }

    [Fact]
    public async Task A_project_token_may_administer()
    {
        PSObject token = Run("New-MbProjectToken -Name 'ci 1' -ExpiresIn 90d").MustSucceed().Single();

        Assert.Equal(("Project", "ci 1", null), (token.Get<string>("Kind"), token.Get<string>("Name"), token.Get<string?>("UserId")));
        Assert.Equal(200, await StatusWithAsync(Secret.Reveal(token.Properties["Token"].Value)));
    }

    [Fact]
    public async Task Plain_text_is_given_to_who_asks_for_it()
    {
        PSObject token = Run("New-MbProjectToken ci -AsPlainText").MustSucceed().Single();

        Assert.Equal(200, await StatusWithAsync(Assert.IsType<string>(token.Properties["Token"].Value)));
    }

    [Theory]
    [InlineData("30d", 2_592_000)]
    [InlineData("'30d'", 2_592_000)]
    [InlineData("30D", 2_592_000)]
    [InlineData("12h", 43_200)]
    [InlineData("90m", 5_400)]
    [InlineData("90s", 90)]
    [InlineData("2w", 1_209_600)]
    [InlineData("'1.00:00:00'", 86_400)]
    [InlineData("00:30:00", 1_800)]
    [InlineData("([TimeSpan]::FromHours(5))", 18_000)]
    [InlineData("([TimeSpan]::FromMilliseconds(1999))", 1)]
    public async Task A_lifetime_is_sent_in_whole_seconds(string lifetime, long seconds)
    {
        Run($"New-MbProjectToken ci -ExpiresIn {lifetime}").MustSucceed();

        Assert.Equal(seconds, Expiry(Assert.Single(await WritesAsync())));
    }

    [Theory]
    [InlineData("30")]
    [InlineData("'30'")]
    [InlineData("2.5")]
    [InlineData("2.5d")]
    [InlineData("-5d")]
    [InlineData("30l")]
    [InlineData("30kb")]
    [InlineData("'30 days'")]
    [InlineData("''")]
    [InlineData("$days")]
    [InlineData("$decimal")]
    [InlineData("999999999w")]
    public async Task A_lifetime_without_a_unit_is_refused(string lifetime)
    {
        Run run = Run($"$decimal = 30d; New-MbProjectToken ci -ExpiresIn {lifetime}", ("days", 30));

        Assert.StartsWith("ParameterArgumentTransformationError,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(run.Output);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Fact]
    public async Task A_token_without_a_lifetime_never_ends()
    {
        PSObject token = Run("New-MbProjectToken ci").MustSucceed().Single();

        Assert.Null(token.Properties["ExpiresAt"].Value);
        Assert.Equal("never", token.Get<string>("Expires"));
        Assert.Null(Expiry(Assert.Single(await WritesAsync())));
    }

    [Theory]
    [InlineData("[DateTimeOffset]::UtcNow.AddHours(3)")]
    [InlineData("[DateTime]::UtcNow.AddHours(3)")]
    [InlineData("[DateTime]::Now.AddHours(3)")]
    [InlineData("[DateTimeOffset]::UtcNow.AddHours(3).ToOffset([TimeSpan]::FromHours(-9.5))")]
    [InlineData("[DateTimeOffset]::UtcNow.AddHours(3).ToString('yyyy-MM-ddTHH:mm:ss.fffZ', [cultureinfo]::InvariantCulture)")]
    public async Task A_moment_is_sent_as_the_seconds_until_then(string moment)
    {
        Run($"New-MbProjectToken ci -ExpiresAt ({moment})").MustSucceed();

        Assert.InRange(Expiry(Assert.Single(await WritesAsync()))!.Value, (3 * 3600) - 60, 3 * 3600);
    }

    // The token ends by the server's clock. This machine's may be hours away from it.
    [Theory]
    [InlineData("New-MbProjectToken ci -ExpiresAt ([DateTimeOffset]::UtcNow.AddHours(100))", 30)]
    [InlineData("New-MbProjectToken ci -ExpiresAt ([DateTimeOffset]::UtcNow.AddHours(100))", -30)]
    [InlineData("[pscustomobject]@{ Name = 'ci'; ExpiresAt = [DateTimeOffset]::UtcNow.AddHours(100) } | New-MbProjectToken", 30)]
    [InlineData("New-MbUserToken -Email hana@example.com -ExpiresAt ([DateTimeOffset]::UtcNow.AddHours(100))", 30)]
    public async Task A_moment_is_reckoned_from_the_servers_clock(string script, int hoursAhead)
    {
        await Server.FailAsync($"GET * answer date-skew={hoursAhead * 3600}");

        Run("$null = Get-MbProjectToken -First 1; " + script).MustSucceed();

        Assert.InRange(Expiry(Assert.Single(await WritesAsync()))!.Value, ((100 - hoursAhead) * 3600) - 60, ((100 - hoursAhead) * 3600) + 1);
    }

    [Theory]
    [InlineData("'31.12.2090'")]
    [InlineData("tomorrow")]
    [InlineData("''")]
    [InlineData("90")]
    public async Task A_moment_that_is_no_date_is_refused(string moment)
    {
        Run run = Run($"New-MbProjectToken ci -ExpiresAt {moment}");

        Assert.IsType<ParameterBindingException>(run.Error.Exception, exactMatch: false);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Theory]
    [InlineData("New-MbProjectToken ci -ExpiresAt ([DateTime]::Now.AddMinutes(-1))", "ci")]
    [InlineData("New-MbProjectToken ci -ExpiresAt ([DateTime]::UtcNow.AddMilliseconds(900))", "ci")]
    [InlineData("New-MbProjectToken ci -ExpiresIn 0d", "ci")]
    [InlineData("New-MbProjectToken ci -ExpiresIn ([TimeSpan]::FromMilliseconds(999))", "ci")]
    [InlineData("New-MbProjectToken ci -ExpiresIn ([TimeSpan]::FromDays(-1))", "ci")]
    [InlineData("New-MbProjectToken ''", "Name")]
    [InlineData("New-MbProjectToken ' '", "Name")]
    [InlineData("New-MbProjectToken ('x' * 256)", null)]
    [InlineData("New-MbProjectToken ('x' + [char]0xD83D)", null)]
    [InlineData("New-MbUserToken", "")]
    [InlineData("New-MbUserToken -Name laptop", "")]
    [InlineData("New-MbUserToken -Email hana", "hana")]
    [InlineData("New-MbUserToken -Email hana@", "hana@")]
    [InlineData("New-MbUserToken -Email '@example.com'", "@example.com")]
    [InlineData("New-MbUserToken -Email 'hana@ex ample.com'", "hana@ex ample.com")]
    [InlineData("New-MbUserToken -Email 'hana@example.com,ben@example.com'", "hana@example.com,ben@example.com")]
    [InlineData("New-MbUserToken -Email ('x' * 250 + '@example.com')", null)]
    [InlineData("New-MbUserToken -ExternalId ('x' * 256)", null)]
    [InlineData("New-MbUserToken -ExternalId \"a`tb\"", "a\tb")]
    [InlineData("New-MbUserToken -Email hana@example.com -Name ''", "hana@example.com")]
    [InlineData("New-MbUserToken -Email hana@example.com -Name ('x' * 256)", "hana@example.com")]
    [InlineData("New-MbUserToken -Email hana@example.com -ExpiresIn 0s", "hana@example.com")]
    public async Task What_cannot_be_issued_is_refused_before_anything_is_sent(string script, string? target)
    {
        Run run = Try(script);

        ErrorRecord error = Assert.Single(run.Errors);
        Assert.Null(run.End);
        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.InvalidArgument, error.CategoryInfo.Category);
        if (target is not null)
        {
            Assert.Equal(target, error.TargetObject);
        }

        Assert.Empty(run.Output);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Theory]
    [InlineData("1..3 | ForEach-Object { New-MbProjectToken -Name \"ci $_\" -ExpiresIn 90d }", "ci 1;ci 2;ci 3")]
    [InlineData("'a', 'b' | New-MbProjectToken -ExpiresIn 90d", "a;b")]
    [InlineData("[pscustomobject]@{ Name = 'a'; Other = 1 }, [pscustomobject]@{ Name = 'b' } | New-MbProjectToken -ExpiresIn 90d", "a;b")]
    [InlineData("1, 2 | New-MbProjectToken", "1;2")]
    [InlineData("New-MbProjectJwt a", "a")]
    public async Task Project_tokens_are_named_by_value_and_by_property(string script, string names)
    {
        IReadOnlyList<PSObject> tokens = Run(script).MustSucceed();

        Assert.Equal(names.Split(';'), tokens.Select(token => token.Get<string>("Name")));
        Assert.Equal(names.Split(';'), (await WritesAsync()).Select(request => Member(request, "name")));
    }

    [Theory]
    [InlineData("'hana@example.com', 'ben@example.com' | New-MbUserToken", "hana@example.com,,;ben@example.com,,")]
    [InlineData("New-MbUserJwt hana@example.com", "hana@example.com,,")]
    [InlineData("New-MbUserToken -ExternalId 7", ",7,")]
    [InlineData("[pscustomobject]@{ Email = 'both@example.com'; ExternalId = 'e1'; Name = 'laptop' } | New-MbUserToken", "both@example.com,e1,laptop")]
    [InlineData("[pscustomobject]@{ Email = ''; ExternalId = 'e2'; Name = '' } | New-MbUserToken", ",e2,")]
    [InlineData("[pscustomobject]@{ Email = 'hana@example.com'; ExternalId = ''; Name = '' }, [pscustomobject]@{ Email = ''; ExternalId = 'e3'; Name = 'phone' } | New-MbUserToken", "hana@example.com,,;,e3,phone")]
    [InlineData("[pscustomobject]@{ Email = $null; ExternalId = 'e4'; Name = $null } | New-MbUserToken", ",e4,")]
    [InlineData("[pscustomobject]@{ ExternalId = 'e5' }, [pscustomobject]@{ Email = 'ben@example.com' } | New-MbUserToken", ",e5,;ben@example.com,,")]
    [InlineData("[pscustomobject]@{ Email = 'hana@example.com'; ExternalId = '' } | New-MbUserToken -Name all", "hana@example.com,,all")]
    [InlineData("[pscustomobject]@{ email = 'hana@example.com'; externalid = ''; Department = 'R&D' } | New-MbUserToken", "hana@example.com,,")]
    public async Task User_tokens_are_issued_for_rows_in_which_an_empty_cell_is_no_value(string script, string users)
    {
        Run(script).MustSucceed();

        Assert.Equal(
            users.Split(';'),
            (await WritesAsync()).Select(request => $"{Member(request, "email")},{Member(request, "external_id")},{Member(request, "name")}"));
    }

    [Fact]
    public async Task A_row_that_names_nobody_is_one_error_and_the_others_are_done()
    {
        Run run = Run("""
            $rows = [pscustomobject]@{ Email = 'hana@example.com'; ExternalId = '' }, [pscustomobject]@{ Email = ''; ExternalId = ''; Department = 'R&D' }, [pscustomobject]@{ Email = ''; ExternalId = 'e1' }
            $rows | New-MbUserToken -ExpiresIn 90d
            """);

        Assert.StartsWith("MbInvalidRequest,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(2, run.Output.Count);
        Assert.Equal(2, (await WritesAsync()).Length);
    }

    [Theory]
    [InlineData("[pscustomobject]@{ Contact = 'hana@example.com' } | New-MbUserToken")]
    [InlineData("[pscustomobject]@{ Title = 'ci' } | New-MbProjectToken")]
    [InlineData("New-MbProjectToken @{ Name = 'ci' }")]
    [InlineData("New-MbUserToken -ExternalId ([pscustomobject]@{ Id = 7 })")]
    public async Task An_object_without_the_property_that_was_meant_is_never_sent_as_text(string script)
    {
        Run run = Run(script);

        Assert.NotNull(run.Error);
        Assert.Empty(run.Output);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Fact]
    public async Task A_key_given_twice_issues_one_token()
    {
        const string Key = "0198c0de-0000-7000-8000-000000000001";
        IReadOnlyList<PSObject> tokens = Run($"1..2 | ForEach-Object {{ New-MbProjectToken ci -IdempotencyKey {Key} }}").MustSucceed();

        Assert.Equal(tokens[0].Id(), tokens[1].Id());
        Assert.All(await WritesAsync(), request => Assert.Equal(Key, request.Headers["Idempotency-Key"]));
    }

    [Fact]
    public async Task A_key_is_for_one_token_a_call()
    {
        Run run = Run("'a', 'b' | New-MbProjectToken -IdempotencyKey ([guid]::NewGuid())");

        Assert.Equal("a", Assert.Single(run.Output).Get<string>("Name"));
        ErrorRecord error = Assert.Single(run.Errors);
        Assert.Equal("b", error.TargetObject);
        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Single(await WritesAsync());
    }

    [Fact]
    public async Task A_create_is_not_repeated_where_its_outcome_is_in_doubt_and_is_where_a_key_was_given()
    {
        await Server.FailAsync("POST * reset-after-work times=2");

        Run lost = Run("New-MbProjectToken lost");
        PSObject found = Run("New-MbProjectToken found -IdempotencyKey ([guid]::NewGuid())").MustSucceed().Single();

        Assert.StartsWith("MbCreateOutcomeUnknown,", Assert.Single(lost.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        ServerRequest[] writes = await WritesAsync();
        Assert.Equal(["lost", "found", "found"], writes.Select(request => Member(request, "name")));
        Assert.Equal(writes[1].Headers["Idempotency-Key"], writes[2].Headers["Idempotency-Key"]);
        Assert.Equal(found.Id(), Assert.Single(await Server.TokensAsync(), token => token.Name == "found").Id);
    }

    [Theory]
    [InlineData("New-MbProjectToken again", "reset-after-work")]
    [InlineData("New-MbProjectToken again", "cut")]
    [InlineData("New-MbUserToken -Email again@example.com -Name again", "reset-after-work")]
    [InlineData("New-MbUserToken -Email again@example.com -Name again", "502-after-work")]
    public async Task A_lost_create_that_is_run_again_with_its_key_gives_its_token_and_mints_no_second(string create, string fault)
    {
        await Server.FailAsync($"POST * {fault} times=1");
        Run lost = Run($"{create}; $key = $Error[0].Exception.IdempotencyKey");
        Assert.StartsWith("MbCreateOutcomeUnknown,", Assert.Single(lost.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        HashSet<string> minted = [.. (await Server.TokensAsync()).Where(token => token.Name == "again" && token.Live).Select(token => token.Id)];

        PSObject token = Run($"{create} -IdempotencyKey $key").MustSucceed().Single();

        Assert.Contains(token.Id(), minted);
        Assert.Equal(minted, [.. (await Server.TokensAsync()).Where(token => token.Name == "again" && token.Live).Select(token => token.Id)]);
        Assert.Single((await WritesAsync()).Select(request => request.Headers["Idempotency-Key"]).Distinct());
        Run($"Remove-Mb{token.Get<string>("Kind")}Token {token.Id()} -Force").MustSucceed();
    }

    [Theory]
    [InlineData("reset")]
    [InlineData("reset-after-work")]
    [InlineData("cut")]
    public async Task Of_1000_creates_each_live_token_was_written_or_is_an_error_of_its_own(string fault)
    {
        await Server.FailAsync($"POST * {fault} every=7");
        string name = "bulk " + fault;

        Run run = Run($"1..1000 | ForEach-Object {{ \"{name} $_\" }} | New-MbProjectToken -ThrottleLimit 8");

        Assert.Null(run.End);
        Assert.All(run.Errors, error => Assert.StartsWith("MbCreateOutcomeUnknown,", error.FullyQualifiedErrorId, StringComparison.Ordinal));
        Assert.Equal(1000, run.Output.Count + run.Errors.Count);
        Assert.Equal(1000 / 7, run.Errors.Count);
        ServerToken[] live = [.. (await Server.TokensAsync()).Where(token => token.Live && token.Name?.StartsWith(name + " ", StringComparison.Ordinal) is true)];
        Assert.Equal(fault == "reset" ? run.Output.Count : 1000, live.Length);
        HashSet<string> written = [.. run.Output.Select(token => token.Id())];
        HashSet<string> doubted = [.. run.Errors.Select(error => (string)error.TargetObject)];
        Assert.All(live, token => Assert.NotEqual(written.Contains(token.Id), doubted.Contains(token.Name!)));
    }

    [Fact]
    public async Task The_user_is_unknown_where_the_token_does_not_tell()
    {
        await using var opaque = RawServer.Scripted(_ => Answers.Json(201, """{"token":"opaque-value","token_id":"0198c0de-0000-7000-8000-000000000002","created_at":"2026-01-01T00:00:00Z","expires_at":null}"""));
        PSObject token = Run(
            "$null = Connect-MbProject $secret -BaseUri $address -SkipConnectionTest; New-MbUserToken -Email hana@example.com",
            ("secret", Secret.Of("any")),
            ("address", opaque.BaseAddress)).MustSucceed().Single();

        Assert.Null(token.Properties["UserId"].Value);
        Assert.Equal("opaque-value", Secret.Reveal(token.Properties["Token"].Value));
    }

    private static long? Expiry(ServerRequest create) =>
        JsonDocument.Parse(create.Body).RootElement.TryGetProperty("expiry", out JsonElement expiry) ? expiry.GetInt64() : null;

    private static string? Member(ServerRequest create, string name) =>
        JsonDocument.Parse(create.Body).RootElement.TryGetProperty(name, out JsonElement member) ? member.GetString() : null;

    /// <summary>What the server says to a bearer: 200 to an administrator, 403 to another token of the project, 401 to anybody else.</summary>
    private async Task<int> StatusWithAsync(string bearer)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, Server.BaseAddress.AbsoluteUri.TrimEnd('/') + "/jwt/project");
        request.Headers.Authorization = new("Bearer", bearer);
        using HttpResponseMessage answer = await client.SendAsync(request);
        return (int)answer.StatusCode;
    }
}
