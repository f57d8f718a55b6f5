using System;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Input;

/// <summary>One door for text: what is around a token, a key or an id is taken away alike wherever it comes from.</summary>
public sealed class TextTests(ServerFixture fixture) : ServerTests(fixture)
{
    public static TheoryData<string> Around => ["{0}\n", "\uFEFF{0}\r\n", "  {0}\t", "\"{0}\"", "'{0}'\n", "{0}\0"];

    [Theory]
    [MemberData(nameof(Around))]
    [InlineData("Bearer {0}")]
    [InlineData("\"bearer {0}\"\n")]
    public void A_token_is_the_same_with_what_is_around_it(string form)
    {
        string given = string.Format(null, form, Server.Token);

        string connected = Run("(Connect-MbProject $token -BaseUri $address -PassThru).Fingerprint", ("token", Secret.Of(given)), ("address", Server.BaseAddress)).MustSucceed().Single().ToString();
        string decoded = Run("($text | ConvertFrom-MbToken).Fingerprint", ("text", given)).MustSucceed().Single().ToString();
        string decodedSecret = Run("(ConvertFrom-MbToken $secret).Fingerprint", ("secret", Secret.Of(given))).MustSucceed().Single().ToString();
        string found = Run("($text | Find-MbLeakedToken).Fingerprint", ("text", given)).MustSucceed().Single().ToString();

        Assert.All([decoded, decodedSecret, found], fingerprint => Assert.Equal(connected, fingerprint));
    }

    [Theory]
    [MemberData(nameof(Around))]
    public void A_key_signs_and_verifies_the_same_with_what_is_around_it(string form)
    {
        Run run = Run(
            """
            $t = New-MbUserToken -ExternalId 42 -ApiKey pk_test -SecretKey $given -ExpiresIn 1h -AsPlainText
            Test-MbToken $t -SecretKey $key
            Test-MbToken " $($t.Token)`n" -SecretKey $given
            Test-MbToken ('Bearer ' + $t.Token) -SecretKey $given
            """,
            ("key", Secret.Of("sk_test")),
            ("given", Secret.Of(string.Format(null, form, "sk_test"))));

        Assert.All(run.MustSucceed(), isGood => Assert.Equal(true, isGood.BaseObject));
        Assert.Equal(3, run.Output.Count);
    }

    [Theory]
    [MemberData(nameof(Around))]
    public async Task An_id_is_the_same_with_blanks_around_it(string form)
    {
        if (form.AsSpan().ContainsAny('"', '\''))
        {
            // Quotes may be part of a user's id.
            return;
        }

        string userId = string.Format(null, form, "usr_1");
        string id = string.Format(null, form, "0198c0de-0000-7000-8000-000000000001");
        await Server.SeedAsync(userId: "usr_1", userTokens: 1);

        Run("Get-MbUserToken $user", ("user", userId)).MustSucceed();
        Run("$user | Get-MbUserToken", ("user", userId)).MustSucceed();
        Run("[pscustomobject]@{ UserId = $user } | Get-MbUserToken", ("user", userId)).MustSucceed();
        Run("Get-MbTokenReport $user", ("user", userId)).MustSucceed();
        ErrorRecord error = Assert.Single(Run("Get-MbProjectToken -Id $id", ("id", id)).Errors);

        Assert.StartsWith("MbTokenNotFound,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.All((await Server.RequestsAsync()).Where(request => request.Target.Contains("/user/", StringComparison.Ordinal)), request => Assert.StartsWith("/v2/jwt/user/usr_1?", request.Target, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("en-US", "02/04/2090", "2090-02-04")]
    [InlineData("en-GB", "02/04/2090", "2090-04-02")]
    [InlineData("de-DE", "04.02.2090", "2090-02-04")]
    [InlineData("de-DE", "31.01.2090 18:30", "2090-01-31")]
    [InlineData("nl-NL", "04-02-2090", "2090-02-04")]
    [InlineData("fr-FR", "4 février 2090", "2090-02-04")]
    [InlineData("th-TH", "2090-02-04", "2090-02-04")]
    [InlineData("ar-SA", "2090-02-04T12:00Z", "2090-02-04")]
    public void A_date_is_read_as_Get_Date_reads_it(string culture, string text, string expected)
    {
        Run run = Run(
            "[cultureinfo]::CurrentCulture = $culture; (New-MbProjectToken 'date' -ExpiresAt $text).ExpiresAt.AddSeconds(5).ToLocalTime().ToString('yyyy-MM-dd', [cultureinfo]::InvariantCulture); if ($text -notmatch '^\\d{4}-') { (Get-Date $text).ToString('yyyy-MM-dd', [cultureinfo]::InvariantCulture) }",
            ("culture", culture),
            ("text", text));

        Assert.All(run.MustSucceed(), date => Assert.Equal(expected, date.ToString()));
    }

    [Theory]
    [InlineData("de-DE", "04/02/2090")]
    [InlineData("en-US", "04.02.2090")]
    [InlineData("en-US", "04-02-2090")]
    public async Task A_date_that_may_be_two_is_an_error_that_shows_both(string culture, string text)
    {
        ErrorRecord error = Try("[cultureinfo]::CurrentCulture = $culture; New-MbProjectToken 'date' -ExpiresAt $text", ("culture", culture), ("text", text)).Error;

        Assert.Contains("2090-02-04 (the day first)", error.Exception.Message, StringComparison.Ordinal);
        Assert.Contains("2090-04-02 (the month first)", error.Exception.Message, StringComparison.Ordinal);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Fact]
    public async Task One_M_is_neither_a_minute_nor_a_month()
    {
        ErrorRecord error = Try("New-MbProjectToken 'month' -ExpiresIn 1M").Error;

        Assert.Contains("1m for minutes, and 30d for months", error.Exception.Message, StringComparison.Ordinal);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Fact]
    public void A_time_from_now_is_a_date()
    {
        Run("$null = New-MbProjectToken 'near' -ExpiresIn 1d; $null = New-MbProjectToken 'far' -ExpiresIn 100d").MustSucceed();

        string[] names = [.. Run("Get-MbProjectToken -ExpiresBefore 30d").MustSucceed().Select(token => token.Get<string>("Name"))];
        Assert.Contains("near", names);
        Assert.DoesNotContain("far", names);
    }

    [Fact]
    public void The_session_says_where_its_token_came_from()
    {
        Run given = Run("Connect-MbProject $token -BaseUri $address -PassThru -Verbose", ("token", Server.SecureToken()), ("address", Server.BaseAddress));
        Run sandbox = Run("Connect-MbProject -Sandbox -PassThru");

        Assert.Equal("-ProjectToken", given.MustSucceed().Single().Get<string>("TokenSource"));
        Assert.Contains(given.Verbose, line => line.Contains("-ProjectToken", StringComparison.Ordinal));
        Assert.Equal("sandbox", sandbox.MustSucceed().Single().Get<string>("TokenSource"));
    }
}
