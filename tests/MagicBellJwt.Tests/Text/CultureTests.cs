using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Text.Json;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Text;

/// <summary>Names in any script, and machines in any culture: the same is sent, matched and said.</summary>
public sealed class CultureTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private ServerProcess Server => fixture.Server;

    [Theory]
    [InlineData("حديقة الزهور")]
    [InlineData("👩‍🚀 🏳️‍🌈 𝒜")]
    [InlineData("e\u0301 — é — ñ\u0303")]
    [InlineData("שלום \u202Eevil\u202C")]
    [InlineData("日本語 ﾊﾝｶｸ ＺＥＮ")]
    [InlineData("quotes \" ' ` \\ / <&> \u2028")]
    [InlineData("İstanbul ISPARTA ışık")]
    public async Task A_name_comes_back_as_it_went(string name)
    {
        await Server.ResetAsync();
        using var engine = PowerShellEngine.ConnectedTo(Server);

        PSObject issued = engine.Run("New-MbProjectToken $name -ExpiresIn 1d", ("name", name)).MustSucceed().Single();
        PSObject listed = engine.Run("Get-MbProjectToken -Id $id", ("id", issued.Id())).MustSucceed().Single();
        PSObject found = engine.Run("Get-MbProjectToken ([WildcardPattern]::Escape($name))", ("name", name)).MustSucceed().Single();

        Assert.Equal(name, issued.Get<string>("Name"), StringComparer.Ordinal);
        Assert.Equal(name, listed.Get<string>("Name"), StringComparer.Ordinal);
        Assert.Equal(issued.Id(), found.Id());
        Assert.Equal(name, Assert.Single(await Server.TokensAsync(), token => token.Id == issued.Id()).Name, StringComparer.Ordinal);
        engine.Run("$id | Remove-MbProjectToken -Force").MustSucceed();
    }

    [Theory]
    [InlineData("tr-TR")]
    [InlineData("fi-FI")]
    [InlineData("ar-SA")]
    [InlineData("th-TH")]
    [InlineData("de-DE")]
    public async Task The_same_is_sent_and_read_in_every_culture(string culture)
    {
        await Server.ResetAsync();
        using var engine = PowerShellEngine.ConnectedTo(Server);
        engine.Run("[cultureinfo]::CurrentCulture = [cultureinfo]::CurrentUICulture = $culture", ("culture", culture)).MustSucceed();
        DateTimeOffset before = DateTimeOffset.UtcNow.AddSeconds(-1);

        // The culture is the pipeline's: the calendar of ar-SA and th-TH is not the Gregorian one.
        Assert.Equal(culture, engine.Run("[cultureinfo]::CurrentCulture.Name").MustSucceed().Single().ToString());
        PSObject issued = engine.Run("New-MbProjectToken INFO -ExpiresIn 30d").MustSucceed().Single();
        PSObject listed = engine.Run("Get-MbProjectToken info | Where-Object Id -eq $id", ("id", issued.Id())).MustSucceed().Single();
        PSObject found = engine.Run("Get-MbProjectToken -ExpiresBefore '2100-01-31' -Id $id.ToUpper()", ("id", issued.Id())).MustSucceed().Single();
        PSObject later = engine.Run("New-MbProjectToken LATER -ExpiresAt '2090-12-31T12:00:00+02:00'").MustSucceed().Single();
        PSObject revoked = engine.Run("[pscustomobject]@{ id = $id; kind = 'PROJECT' } | Remove-MbProjectToken -Force -PassThru", ("id", issued.Id())).MustSucceed().Single();

        Assert.Equal(issued.Id(), found.Id());
        Assert.InRange(issued.Get<DateTimeOffset>("CreatedAt"), before.AddSeconds(-1), DateTimeOffset.UtcNow);
        Assert.Equal(TimeSpan.FromDays(30), listed.Get<DateTimeOffset>("ExpiresAt") - listed.Get<DateTimeOffset>("CreatedAt"));
        Assert.InRange(later.Get<DateTimeOffset>("ExpiresAt"), new DateTimeOffset(2090, 12, 31, 9, 59, 58, TimeSpan.Zero), new DateTimeOffset(2090, 12, 31, 10, 0, 2, TimeSpan.Zero));
        Assert.Equal("in 30 days", listed.Get<string>("Expires"));
        Assert.InRange(revoked.Get<DateTimeOffset>("DiscardedAt"), before, DateTimeOffset.UtcNow);
        ServerRequest create = (await Server.RequestsAsync())[1];
        Assert.Equal("""{"name":"INFO","expiry":2592000}""", create.Body);
    }

    [Theory]
    [InlineData("tr-TR")]
    [InlineData("ar-SA")]
    [InlineData("th-TH")]
    public async Task Messages_and_advice_are_in_no_culture(string culture)
    {
        await Server.ResetAsync();
        using var engine = PowerShellEngine.ConnectedTo(Server);
        engine.Run("[cultureinfo]::CurrentCulture = [cultureinfo]::CurrentUICulture = $culture", ("culture", culture)).MustSucceed();
        await Server.FailAsync("POST * reset-after-work times=1");

        ErrorRecord error = Assert.Single(engine.Run($"New-MbProjectToken 'LOST I {culture}'").Errors);

        string moment = DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:", CultureInfo.InvariantCulture);
        Assert.StartsWith("MbCreateOutcomeUnknown,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(moment[..11], error.Exception.Message, StringComparison.Ordinal);
        string[] orphans = [.. (await Server.TokensAsync()).Where(token => token.Name == $"LOST I {culture}").Select(token => token.Id)];
        Assert.Contains(Assert.Single(engine.Run(error.ErrorDetails.RecommendedAction["Look for it: ".Length..]).MustSucceed()).Get<string>("Id"), orphans);
    }

    // One zone after another in one process: to start it takes longer than all of them.
    [Fact]
    public async Task A_lifetime_is_as_long_and_a_moment_the_same_on_either_side_of_a_change_of_the_clock()
    {
        if (OperatingSystem.IsWindows())
        {
            // No variable changes the time zone of a process there.
            return;
        }

        await Server.ResetAsync();
        string[] zones = ["Asia/Kolkata", "America/Miquelon", "Australia/Lord_Howe", "Pacific/Kiritimati"];

        // Noon there, half a year from now: where the clock changes at all, it has changed by then.
        DateTime noon = DateTime.SpecifyKind(DateTime.UtcNow.Date.AddDays(183).AddHours(12), DateTimeKind.Unspecified);
        string text = noon.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

        ShellResult result = await ShellProcess.RunAsync(
            ["-NonInteractive", "-Command", $$"""
            $ErrorActionPreference = 'Stop'
            Connect-MbProject
            foreach ($zone in '{{string.Join("', '", zones)}}') {
                $env:TZ = $zone
                [TimeZoneInfo]::ClearCachedData()
                'zone ' + [TimeZoneInfo]::Local.Id
                $t = New-MbProjectToken "in $zone" -ExpiresIn 183d
                'lifetime ' + ($t.ExpiresAt - $t.CreatedAt).TotalSeconds
                $t = New-MbProjectToken "until $zone" -ExpiresAt '{{text}}'
                'until ' + $t.ExpiresAt.ToUnixTimeSeconds()
                $t = New-MbProjectToken "until $zone" -ExpiresAt ([DateTime]::new({{noon.Year}}, {{noon.Month}}, {{noon.Day}}, 12, 0, 0))
                'until ' + $t.ExpiresAt.ToUnixTimeSeconds()
                'before ' + @(Get-MbProjectToken "until $zone" -ExpiresBefore '{{text}}:30').Count + @(Get-MbProjectToken "until $zone" -ExpiresBefore '{{noon.AddMinutes(-1).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)}}').Count
            }
            """],
            environment: new Dictionary<string, string?>
            {
                ["MAGICBELL_PROJECT_TOKEN"] = Server.Token,
                ["MAGICBELL_BASE_URL"] = Server.BaseAddress.AbsoluteUri,
            });

        Assert.True(result.ExitCode == 0, result.Error);
        ServerRequest[] lifetimes = [.. (await Server.RequestsAsync()).Where(request => request.Body.Contains("\"in ", StringComparison.Ordinal))];
        Assert.Equal(zones.Length, lifetimes.Length);
        Assert.All(lifetimes, request => Assert.Equal(15_811_200, JsonDocument.Parse(request.Body).RootElement.GetProperty("expiry").GetInt64()));
        Assert.Equal(zones.Length * 5, result.Lines.Length);
        foreach ((string zone, string[] lines) in zones.Zip(result.Lines.Chunk(5)))
        {
            Assert.Equal(("zone " + zone, "lifetime 15811200", "before 20"), (lines[0], lines[1], lines[4]));

            // Whole seconds are sent, and the server counts them from its own clock.
            long expected = new DateTimeOffset(noon, TimeZoneInfo.FindSystemTimeZoneById(zone).GetUtcOffset(noon)).ToUnixTimeSeconds();
            Assert.All(lines[2..4], line => Assert.InRange(long.Parse(line["until ".Length..], CultureInfo.InvariantCulture), expected - 2, expected + 2));
        }
    }
}
