using System;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Text;

/// <summary>What is on the screen, 80 columns wide, when nobody formats anything.</summary>
public sealed class ViewTests(ViewTests.SeededServer fixture) : ServerTests<ViewTests.SeededServer>(fixture)
{
    private const string LongName = "a name of more than sixty characters that no column of any view could hold whole";

    [Theory]
    [InlineData("New-MbProjectToken $long -ExpiresIn 90d", "Id Name Fingerprint Expires")]
    [InlineData("New-MbUserToken -Email hana@example.com -Name $long -ExpiresIn 90d", "Id Name Fingerprint Expires")]
    [InlineData("New-MbProjectToken $long -AsPlainText -ExpiresIn 90d", "Id Name Fingerprint Expires")]
    [InlineData("New-MbProjectToken $long -ExpiresIn 90d -SaveTo { param($Issued) $Issued.Token }", "Id Name Expires StoredIn")]
    [InlineData("Get-MbProjectToken -First 5", "Id Name Status Expires Project")]
    [InlineData("Get-MbUserToken usr_1", "Id User Name Expires")]
    [InlineData("New-MbProjectToken $long -AsPlainText -ExpiresIn 90d | ForEach-Object Token | Find-MbLeakedToken", "Live Listed Whose Fingerprint Expires Where")]
    [InlineData("Get-MbProjectToken -First 3 | Remove-MbProjectToken -Force -PassThru", "Id Outcome DiscardedAt")]
    [InlineData("Get-MbSession", "* Name BaseAddress Fingerprint Expires")]
    public void Each_type_is_a_table_that_fits(string script, string columns)
    {
        string[] lines = Show(script);

        Assert.Equal(columns, string.Join(' ', lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        Assert.All(lines, line => Assert.InRange(line.Length, 1, 80));
        Assert.DoesNotContain(lines, line => line.Contains("eyJ", StringComparison.Ordinal));

        // An id is what one copies: it is never cut.
        int width = columns.StartsWith("Id ", StringComparison.Ordinal) ? 36 : 1;
        Assert.All(lines[2..], line => Assert.DoesNotContain('…', line[..width]));
    }

    [Theory]
    [InlineData("New-MbProjectToken $long -AsPlainText")]
    [InlineData("New-MbUserToken -Email hana@example.com -AsPlainText")]
    [InlineData("New-MbUserToken -Email hana@example.com")]
    public void Among_other_objects_no_value_is_shown(string create)
    {
        Run($"$issued = {create}", ("long", LongName)).MustSucceed();
        string value = Run("$issued.Token").Output.Single().BaseObject is string text ? text : Secret.Reveal(Run("$issued.Token").Output.Single().BaseObject);

        foreach (string script in new[] { "[pscustomobject]@{ A = 1 }, $issued", "$issued, [pscustomobject]@{ A = 1 }, $issued", "1, $issued", "Get-MbSession; $issued" })
        {
            Assert.DoesNotContain(Show(script), line => line.Contains(value[..20], StringComparison.Ordinal) || line.Contains("SecureString", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_name_that_somebody_else_chose_does_not_steer_the_terminal()
    {
        Run("$null = New-MbProjectToken $name", ("name", "\u001B[2Jci\u0007\u202E")).MustSucceed();

        string shown = string.Join('\n', Show("Get-MbProjectToken -First 1 | Format-Table NameView"));

        Assert.Contains("\\u001B[2Jci\\u0007\\u202E", shown, StringComparison.Ordinal);
        Assert.DoesNotContain(shown, character => character is '\u001B' or '\u0007' or '\u202E');
        Assert.Equal("\u001B[2Jci\u0007\u202E", Run("(Get-MbProjectToken -First 1).Name").MustSucceed().Single().ToString());
    }

    [Fact]
    public async Task A_list_item_shows_every_property_but_Token()
    {
        await Server.SeedAsync(userId: "usr_list", userTokens: 1);

        foreach (string script in new[] { "Get-MbProjectToken -First 1", "Get-MbUserToken usr_list", "New-MbUserToken -Email hana@example.com", "New-MbProjectToken list -ExpiresIn 1h -SaveTo { param($Issued) $Issued.Token }", "Get-MbSession" })
        {
            PSObject item = Run($"$item = {script}; $item").MustSucceed()[0];
            string[] shown = [.. Show("$item | Format-List").Where(line => line[0] != ' ').Select(line => line.Split(' ')[0])];

            Assert.DoesNotContain("Token", shown);
            Assert.Equal(item.BaseObject.GetType().GetProperties().Select(property => property.Name).Except(["Token", "Expires"]).Order(), shown.Order());
        }
    }

    [Theory]
    [InlineData("90d", "in 90 days")]
    [InlineData("729d", "in 729 days")]
    [InlineData("36h", "in 36 hours")]
    [InlineData("119m", "in 119 min")]
    [InlineData("119s", "in 11")]
    [InlineData("1000d", "in 3 years")]
    public void An_end_is_said_in_words_that_no_column_cuts(string lifetime, string words)
    {
        Run($"$t = New-MbUserToken -Email hana@example.com -Name $long -ExpiresIn {lifetime}", ("long", LongName)).MustSucceed();

        Assert.Contains(words, Show("$t")[^1], StringComparison.Ordinal);
        Assert.Contains(words, Show("Get-MbUserToken $t.UserId -Id $t.Id")[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_end_that_is_over_is_said_so()
    {
        string list = $$"""
            {"data":[{"id":"0198c0de-0000-7000-8000-000000000001","name":"x","created_at":"2020-01-01T00:00:00Z","expires_at":"{{DateTimeOffset.UtcNow.AddDays(-729):yyyy-MM-ddTHH:mm:ssZ}}"}],"links":{} }
            """;
        await using var server = RawServer.Scripted(_ => Answers.Json(200, list));
        Run("Connect-MbProject $token -BaseUri $address -SkipConnectionTest -Name sandbox", ("token", Secret.Of("opaque")), ("address", server.BaseAddress)).MustSucceed();

        Assert.Equal("0198c0de-0000-7000-8000-000000000001 x           Expired   729 days ago sandbox", Show("Get-MbProjectToken")[^1]);
    }

    [Fact]
    public async Task A_revoked_token_is_said_to_be_where_the_table_has_no_room_for_its_status()
    {
        const string List = """
            {"data":[{"id":"0198c0de-0000-7000-8000-000000000001","name":"x","created_at":"2020-01-01T00:00:00Z","expires_at":"2090-01-01T00:00:00Z","discarded_at":"2020-01-02T00:00:00Z"}],"links":{} }
            """;
        await using var server = RawServer.Scripted(_ => Answers.Json(200, List));
        Run("Connect-MbProject $token -BaseUri $address -SkipConnectionTest -Name sandbox", ("token", Secret.Of("opaque")), ("address", server.BaseAddress)).MustSucceed();

        Assert.EndsWith(" revoked", Show("Get-MbUserToken usr_1")[^1], StringComparison.Ordinal);
    }

    private string[] Show(string script)
    {
        int before = Host.Lines.Count;
        Run($"& {{ $ProgressPreference = 'SilentlyContinue'; {script} }} | Out-Default", ("long", LongName)).MustSucceed();
        return [.. Host.Lines.Skip(before).Select(line => line.TrimEnd()).Where(line => line.Length > 0)];
    }

    public sealed class SeededServer : ServerFixture
    {
        protected override string[] Options => ["--seed-project-tokens", "20", "--seed-user", "usr_1:5"];
    }
}
