using System;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Text;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Commands;

public sealed class ConnectTests(ServerFixture fixture) : ServerTests(fixture)
{
    private const string Page = """{"data":[],"links":{"first":null,"next":null}}""";

    [Fact]
    public async Task Connecting_reads_once_and_shows_what_the_session_runs_on()
    {
        PSObject session = Engine.Connect(Server, "-Name work");

        ServerRequest request = Assert.Single(await Server.RequestsAsync());
        Assert.Equal(("GET", "/v2/jwt/project?limit=1"), (request.Method, request.Target));
        Assert.Equal("MagicBellJwt.Session", session.TypeNames[0]);
        Assert.Equal(("work", Server.BaseAddress, false, true), (session.Get<string>("Name"), session.Get<Uri>("BaseAddress"), session.Get<bool>("IsSandbox"), session.Get<bool>("IsConnected")));
        Assert.Equal(request.Headers["Authorization"]["Bearer sha256:".Length..], session.Get<string>("Fingerprint"));
        Assert.Equal(Assert.Single(await Server.TokensAsync(), token => token.Name == "Sandbox administrator").Id, session.Get<string>("TokenId"));
        Assert.Null(session.Properties["ExpiresAt"].Value);
        Assert.Equal("never", session.Get<string>("Expires"));
        Assert.DoesNotContain(session.Properties, property => property.Value?.ToString()?.Contains(Server.Token, StringComparison.Ordinal) is true);
    }

    [Fact]
    public void Without_PassThru_nothing_is_written_and_the_project_gives_its_name()
    {
        Run connecting = Run("Connect-MbProject $token -BaseUri $address", ("token", Server.SecureToken()), ("address", Server.BaseAddress));

        Assert.Empty(connecting.MustSucceed());
        Assert.Empty(connecting.Warnings);
        Assert.StartsWith("prj_", Run("Get-MbSession").MustSucceed()[^1].Get<string>("Name"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SkipConnectionTest_sends_nothing()
    {
        Engine.Connect(Server, "-SkipConnectionTest");

        Assert.Empty(await Server.RequestsAsync());
    }

    [Theory]
    [InlineData(401, "MbUnauthorized", ErrorCategory.AuthenticationError, "does not accept the session's token", true)]
    [InlineData(403, "MbForbidden", ErrorCategory.PermissionDenied, "not an administrator's", false)]
    [InlineData(404, "MbUnexpectedResponse", ErrorCategory.InvalidData, "is not the API (404). The address ends with /v2", false)]
    [InlineData(200, "MbUnexpectedResponse", ErrorCategory.InvalidData, "a web page instead of JSON", false)]
    [InlineData(302, "MbUnexpectedResponse", ErrorCategory.InvalidData, "a redirect, which is not followed", false)]
    public async Task What_is_wrong_is_told_plainly_and_no_session_is_left(int status, string id, ErrorCategory category, string message, bool terminates)
    {
        await using var server = RawServer.Scripted(_ => Answers.Text(status, "text/html", "<html><body>Sign in</body></html>", "Location: https://example.com/sign-in"));
        using var engine = new PowerShellEngine();

        Run run = engine.Try("Connect-MbProject $token -BaseUri $address -Name work -PassThru; 'went on'", ("token", Secret.Of("any")), ("address", server.BaseAddress));

        ErrorRecord error = terminates ? run.End! : Assert.Single(run.Errors);
        Assert.Equal(terminates ? [] : ["went on"], run.Output.Select(item => item.ToString()));
        Assert.Equal(id + ",MagicBellJwt.Commands.ConnectMbProjectCommand", error.FullyQualifiedErrorId);
        Assert.Equal(category, error.CategoryInfo.Category);
        Assert.Equal(server.BaseAddress, error.TargetObject);
        Assert.Contains(message, error.Exception.Message, StringComparison.Ordinal);
        Assert.Single(server.Requests);
        Assert.Empty(engine.Run("Get-MbSession").MustSucceed());
        Assert.StartsWith("MbNotConnected,", engine.Try("Get-MbProjectToken").End!.FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_token_is_not_enough()
    {
        Run run = Run(
            "$user = New-MbUserToken -Email hana@example.com; Connect-MbProject $user.Token -BaseUri $address -MaximumRetryCount 0",
            ("address", Server.BaseAddress));

        Assert.StartsWith("MbForbidden,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Single(await WritesAsync());
    }

    [Fact]
    public async Task An_address_where_nobody_listens_is_told_after_the_retries()
    {
        Uri address;
        await using (var gone = RawServer.Scripted(_ => (string?)null))
        {
            address = gone.BaseAddress;
        }

        Run run = Run("Connect-MbProject $token -BaseUri $address -MaximumRetryCount 1", ("token", Secret.Of("any")), ("address", address));

        ErrorRecord error = Assert.Single(run.Errors);
        Assert.StartsWith("MbConnectionFailed,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.ConnectionError, error.CategoryInfo.Category);
        Assert.Contains(address.Authority, error.Exception.Message, StringComparison.Ordinal);
        Assert.Equal(2, PSObject.AsPSObject(error.Exception).Get<int>("Attempts"));
    }

    [Theory]
    [InlineData("http://sandbox.invalid/v2")]
    [InlineData("ftp://127.0.0.1/v2")]
    [InlineData("v2")]
    [InlineData("https://api.magicbell.com/v2?key=1")]
    [InlineData("https://api.magicbell.com/v2#top")]
    [InlineData("https://name:word@api.magicbell.com/v2")]
    [InlineData("https://name:word@api.magicbell.com:port/v2")]
    [InlineData("https://name:wo@rd:word@127.0.0.1/v2")]
    [InlineData("name:word@127.0.0.1/v2")]
    [InlineData("https://127.0.0.1 word/v2")]
    public void An_address_that_would_give_the_token_away_is_refused(string address)
    {
        Run run = Run("Connect-MbProject $token -BaseUri $address -Name refused", ("token", Secret.Of("any")), ("address", address));

        ErrorRecord error = Assert.Single(run.Errors);
        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.DoesNotContain("word", $"{error} {error.Exception} {error.TargetObject} {error.CategoryInfo} {error.ErrorDetails.RecommendedAction}", StringComparison.Ordinal);
        Assert.Empty(Run("Get-MbSession refused").MustSucceed());
    }

    [Theory]
    [InlineData("-TokenFile /dev/zero")]
    [InlineData("-ProjectToken $token -Policy /dev/zero")]
    public void A_file_without_an_end_is_not_read_to_it(string options)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no such file.");

        Run run = Try("Connect-MbProject -BaseUri http://127.0.0.1:1/v2 " + options, ("token", Secret.Of("opaque")));

        Assert.StartsWith("MbInvalidRequest,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("longer than a MiB", run.Error.Exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-BaseUri $address -Proxy http://name:word@127.0.0.1:1")]
    [InlineData("-BaseUri $address -Proxy 'http://name:word@127.0.0.1:port'")]
    public void A_proxy_takes_no_credentials_in_its_address_and_repeats_none(string options)
    {
        Run run = Run("Connect-MbProject $token -Name refused " + options, ("token", Server.SecureToken()), ("address", Server.BaseAddress));

        ErrorRecord error = Assert.Single(run.Errors);
        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.DoesNotContain("word", $"{error} {error.Exception} {error.TargetObject} {error.CategoryInfo} {error.ErrorDetails.RecommendedAction}", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("$text")]
    [InlineData("\"project $text\"")]
    [InlineData("'opaque-token-of-the-session'", "opaque-token-of-the-session")]
    public void A_session_is_not_named_by_a_tokens_value(string name, string? opaque = null)
    {
        Run run = Run($"Connect-MbProject $token -BaseUri $address -SkipConnectionTest -Name {name}", ("token", opaque is null ? Server.SecureToken() : Secret.Of(opaque)), ("text", Server.Token), ("address", Server.BaseAddress));

        Assert.StartsWith("MbInvalidRequest,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Secret.MustNotBeIn(run, Host, opaque ?? Server.Token);
    }

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData("line\nend")]
    [InlineData("tökén")]
    public void A_token_that_no_header_carries_is_refused(string token)
    {
        Run run = Run("Connect-MbProject $token -BaseUri $address", ("token", Secret.Of(token)), ("address", Server.BaseAddress));

        ErrorRecord error = Assert.Single(run.Errors);
        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.True(token.Length == 0 || !error.ToString().Contains(token, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_token_as_text_is_refused_without_being_repeated()
    {
        Run run = Run("Connect-MbProject 'plain-text-canary' -BaseUri $address", ("address", Server.BaseAddress));

        ErrorRecord error = run.Error;
        Assert.IsType<ParameterBindingException>(error.Exception, exactMatch: false);
        Assert.Contains("SecureString", error.Exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("plain-text-canary", error.Exception.ToString(), StringComparison.Ordinal);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Fact]
    public async Task A_sandbox_is_in_this_process_and_gone_with_its_session()
    {
        PSObject session = Run("Connect-MbProject -Sandbox -PassThru").MustSucceed().Single();
        Assert.Equal(("sandbox", true), (session.Get<string>("Name"), session.Get<bool>("IsSandbox")));
        Assert.Equal(2, Run("$null = New-MbProjectToken ci; Get-MbProjectToken").MustSucceed().Count);

        Assert.Single(Run("Connect-MbProject -Sandbox; Get-MbProjectToken").MustSucceed());
        Assert.Empty(await Server.RequestsAsync());
    }

    [Theory]
    [InlineData("https://api.example.com/v2", true)]
    [InlineData("https://api.magicbell.com.example.com/v2", true)]
    [InlineData("https://api.magicbell.com/v2", false)]
    [InlineData("http://127.0.0.1:1/v2", false)]
    [InlineData("http://localhost:1/v2", false)]
    public void A_host_that_is_not_the_vendors_is_named(string address, bool warned)
    {
        Run run = Run("Connect-MbProject $token -BaseUri $address -SkipConnectionTest", ("token", Secret.Of("any")), ("address", address));

        run.MustSucceed();
        Assert.Equal(warned ? [true] : [], run.Warnings.Select(warning => warning.Contains(new Uri(address).Host, StringComparison.Ordinal) && warning.Contains("not the vendor's", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(3, true)]
    [InlineData(-3, true)]
    [InlineData(8, false)]
    public void A_token_that_ends_within_a_week_is_warned_of(int days, bool warned)
    {
        DateTimeOffset end = DateTimeOffset.UtcNow.AddDays(days);
        Run run = Run("Connect-MbProject $token -BaseUri $address -SkipConnectionTest -PassThru", ("token", Secret.Of(Unsigned($"{{\"exp\":{end.ToUnixTimeSeconds()}}}"))), ("address", Server.BaseAddress));

        Assert.Equal(end.ToUnixTimeSeconds(), run.MustSucceed().Single().Get<DateTimeOffset>("ExpiresAt").ToUnixTimeSeconds());
        Assert.Equal(warned ? [true] : [], run.Warnings.Select(warning => warning.Contains(end.ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture), StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(600, "10 minutes behind")]
    [InlineData(-7200, "120 minutes ahead of")]
    [InlineData(20, null)]
    public async Task A_clock_that_is_off_is_warned_of(int skew, string? warning)
    {
        await Server.FailAsync($"GET * answer date-skew={skew}");

        Run run = Run("Connect-MbProject $token -BaseUri $address", ("token", Server.SecureToken()), ("address", Server.BaseAddress));

        run.MustSucceed();
        Assert.Equal(warning is null ? [] : [true], run.Warnings.Select(text => text.Contains(warning!, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Which_token_the_session_runs_on_is_never_guessed()
    {
        DateTimeOffset issued = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        const string List = """
            {"data":[
              {"id":"0198c0de-0000-7000-8000-00000000000c","name":"mine","created_at":"2026-01-02T03:04:05Z","expires_at":null},
              {"id":"0198c0de-0000-7000-8000-00000000000d","created_at":"2026-01-02T03:04:07Z"}
            ],"links":{}}
            """;
        await using var server = RawServer.Scripted(_ => Answers.Json(200, List));

        PSObject session = Run(
            "Connect-MbProject $token -BaseUri $address -PassThru",
            ("token", Secret.Of(Unsigned($"{{\"iat\":{issued.ToUnixTimeSeconds()}}}"))),
            ("address", server.BaseAddress)).MustSucceed().Single();

        Assert.Null(session.Properties["TokenId"].Value);
        Assert.EndsWith("?limit=1", Assert.Single(server.Requests).Target, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TimeoutSec_ends_an_attempt_and_MaximumRetryCount_says_how_many_there_are()
    {
        await Server.FailAsync("GET * never");

        Run run = Run("Connect-MbProject $token -BaseUri $address -TimeoutSec 1 -MaximumRetryCount 1", ("token", Server.SecureToken()), ("address", Server.BaseAddress));

        ErrorRecord error = Assert.Single(run.Errors);
        Assert.StartsWith("MbTimeout,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.OperationTimeout, error.CategoryInfo.Category);
        Assert.Equal(2, (await Server.RequestsAsync()).Length);
    }

    [Fact]
    public async Task A_proxy_never_sees_a_bearer_outside_tls()
    {
        await using var proxy = RawServer.Scripted(_ => Answers.Json(200, Page));

        Run(
            "Connect-MbProject $token -BaseUri $address -Proxy $proxy -ProxyCredential ([pscredential]::new('name', $token))",
            ("token", Server.SecureToken()),
            ("address", Server.BaseAddress),
            ("proxy", new Uri(proxy.BaseAddress, "/"))).MustSucceed();

        Assert.Empty(proxy.Requests);
        Assert.Single(await Server.RequestsAsync());
    }

    [Fact]
    public async Task Through_a_proxy_only_the_host_is_asked_for()
    {
        await using var proxy = RawServer.Scripted(_ => Answers.Text(407, "text/plain", "no", "Proxy-Authenticate: Basic"));

        Run run = Run(
            "Connect-MbProject $token -BaseUri https://api.example.com/v2 -Proxy $proxy -MaximumRetryCount 0",
            ("token", Secret.Of("bearer-canary")),
            ("proxy", new Uri(proxy.BaseAddress, "/")));

        Assert.StartsWith("MbConnectionFailed,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.All(proxy.Requests, request => Assert.Equal("CONNECT", request.Method));
        Assert.NotEmpty(proxy.Requests);
        Assert.DoesNotContain(proxy.Requests, request => request.Headers.Values.Any(value => value.Contains("bearer-canary", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("-ProxyCredential ([pscredential]::new('name', $token))", "MbInvalidRequest,")]
    [InlineData("-TimeoutSec 0", "ParameterArgumentValidationError,")]
    [InlineData("-MaximumRetryCount 21", "ParameterArgumentValidationError,")]
    [InlineData("-ReadsPerMinute 0", "ParameterArgumentValidationError,")]
    [InlineData("-WritesPerMinute 0", "ParameterArgumentValidationError,")]
    [InlineData("-Sandbox", "AmbiguousParameterSet,")]
    [InlineData("-Name ''", "MbInvalidRequest,")]
    public async Task Parameters_that_make_no_sense_are_refused(string options, string id)
    {
        Run run = Run("Connect-MbProject $token -BaseUri $address " + options, ("token", Server.SecureToken()), ("address", Server.BaseAddress));

        Assert.StartsWith(id, run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Fact]
    public async Task The_pace_of_a_session_is_kept_on_this_side()
    {
        Run("Connect-MbProject $token -BaseUri $address -ReadsPerMinute 3 -Name slow", ("token", Server.SecureToken()), ("address", Server.BaseAddress)).MustSucceed();
        using RunningScript reading = Engine.Start("1..5 | ForEach-Object { $null = Get-MbProjectToken -Session slow; $_ }");

        Assert.True(await Eventually.IsAsync(() => reading.Output.Count == 2));
        await Task.Delay(300, TestContext.Current.CancellationToken);
        Assert.Equal(2, reading.Stop().Run.Output.Count);
        Assert.Equal(3, (await Server.RequestsAsync()).Length);
    }

    // A token as an API may give it: claims without a signature that anybody here checks.
    private static string Unsigned(string claims)
    {
        return $"{Encode("""{"alg":"HS256"}""")}.{Encode(claims)}.{Encode("signature")}";

        static string Encode(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
    }
}
