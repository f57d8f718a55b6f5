using System;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Rotation;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Commands;

/// <summary>A policy says how long new tokens live and how they are called, and the session keeps to it.</summary>
public sealed class PolicyTests(ServerFixture fixture) : RotationTestBase<ServerFixture>(fixture)
{
    private const string Usual = """ "project": { "lifetime": "90d", "maximum": "180d", "name": "ci *" }, "user": { "maximum": "30d" } """;

    private string PolicyFile => Path.Combine(Folder, "policy.json");

    [Theory]
    [InlineData("New-MbProjectToken 'ci plain'", 90)]
    [InlineData("New-MbUserToken hana@example.com -Name phone", 30)]
    [InlineData("[pscustomobject]@{ Name = 'ci row' } | New-MbProjectToken", 90)]
    public async Task A_token_without_an_end_takes_the_policys_and_it_is_said(string command, int days)
    {
        PSObject session = Connect(Usual);
        Assert.Equal(PolicyFile, session.Get<string>("Policy"));

        Run run = Run($"{command} 6> $null -InformationVariable said; $said");

        PSObject issued = run.MustSucceed()[0];
        Assert.Equal(days, (issued.Get<DateTimeOffset>("ExpiresAt") - issued.Get<DateTimeOffset>("CreatedAt")).TotalDays, 0.01);
        Assert.Contains($"{days}d, as the policy {PolicyFile} says", Assert.Single(run.Output.Skip(1)).ToString(), StringComparison.Ordinal);
        Assert.Empty(run.Warnings);
        Assert.Contains(FormattableString.Invariant($"\"expiry\":{days * 86400}"), Assert.Single(await WritesAsync()).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_without_an_end_are_told_once()
    {
        Connect(Usual);

        Run run = Run("'ci a', 'ci b', 'ci c' | New-MbProjectToken -InformationVariable said 6> $null; $said");

        Assert.Equal((3, 1), (run.Output.Count(item => item.BaseObject is not InformationRecord), run.MustSucceed().Count(item => item.BaseObject is InformationRecord)));
        Assert.Equal(3, (await WritesAsync()).Length);
    }

    [Fact]
    public async Task A_token_that_is_given_for_a_name_is_not_repeated_by_the_policys_refusal()
    {
        const string Opaque = "opaque-canary-0123456789abcdef";
        Connect(Usual);
        Run(
            "Connect-MbProject $bearer -BaseUri $address -Name opaque -SkipConnectionTest -Policy $policy",
            ("bearer", Secret.Of(Opaque)),
            ("address", Server.BaseAddress),
            ("policy", PolicyFile)).MustSucceed();

        ErrorRecord error = Run($"New-MbProjectToken '{Opaque}' -Session opaque").Error;

        Assert.Contains("a token's value", error.Exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Opaque, error.Exception.Message, StringComparison.Ordinal);
        Assert.Empty(await WritesAsync());
    }

    [Theory]
    [InlineData("New-MbProjectToken 'ci long' -ExpiresIn 181d", "-ExpiresIn 180d, or less")]
    [InlineData("New-MbProjectToken 'ci long' -ExpiresAt (Get-Date).AddDays(181)", "-ExpiresIn 180d, or less")]
    [InlineData("New-MbProjectToken 'deploy' -ExpiresIn 1d", "'ci *'")]
    [InlineData("New-MbUserToken hana@example.com -ExpiresIn 31d", "-ExpiresIn 30d, or less")]
    [InlineData("[pscustomobject]@{ Email = 'hana@example.com'; ExpiresIn = '31d' } | New-MbUserToken", "-ExpiresIn 30d, or less")]
    [InlineData("New-MbUserToken -ExternalId 1 -ApiKey pk_1 -SecretKey $key -ExpiresIn 31d", "-ExpiresIn 30d, or less")]
    public async Task Beyond_the_policy_takes_Force_and_a_reason(string command, string told)
    {
        Connect(Usual);
        foreach (string options in (string[])["", "-Force", "-Reason 'CHG-1'"])
        {
            Run refused = Run($"{command} {options}", ("key", Secret.Of(new string('k', 40))));

            ErrorRecord error = Assert.Single(refused.Errors);
            Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.Equal(ErrorCategory.InvalidArgument, error.CategoryInfo.Category);
            Assert.Contains(told, error.Exception.Message, StringComparison.Ordinal);
            Assert.Contains("-Force -Reason", error.Exception.Message, StringComparison.Ordinal);
            Assert.Empty(await WritesAsync());
        }

        Assert.Single(Run($"{command} -Force -Reason 'CHG-1'", ("key", Secret.Of(new string('k', 40)))).MustSucceed());
    }

    [Fact]
    public async Task A_rotation_keeps_to_the_policy_too()
    {
        (string endless, _) = Issue("ci endless", "");
        Issue("ci short", "-ExpiresIn 10d");
        Connect(Usual);
        Run(VaultModule).MustSucceed();

        Run run = Update("'ci endless', 'ci short' -Vault prod");

        Assert.Equal(["ci endless", "ci short"], run.MustSucceed().Select(row => row.Get<string>("Name")));
        string[] bodies = [.. (await WritesAsync()).Where(request => request.Method == "POST").Select(request => request.Body)];
        Assert.Contains("\"expiry\":7776000", bodies[0], StringComparison.Ordinal);
        Assert.Contains("\"expiry\":864000", bodies[1], StringComparison.Ordinal);
        Assert.DoesNotContain(endless, await LiveAsync("ci endless"));

        await Server.ResetAsync();
        Assert.Contains("-ExpiresIn 180d, or less", Assert.Single(Update("'ci short' -Vault prod -ExpiresIn 200d").Errors).Exception.Message, StringComparison.Ordinal);
        Assert.Empty(await WritesAsync());
        Update("'ci short' -Vault prod -ExpiresIn 200d -Force -Reason 'CHG-2'").MustSucceed();
    }

    // A name cannot be changed, and a token that is not rotated ends.
    [Fact]
    public async Task A_rotation_keeps_a_name_that_does_not_fit()
    {
        string name = "deploy " + Guid.NewGuid().ToString("N");
        Issue(name, "-ExpiresIn 10d");
        Connect(Usual);
        Run(VaultModule).MustSucceed();

        Update($"'{name}' -Vault prod").MustSucceed();

        Assert.Single(await LiveAsync(name));
    }

    [Theory]
    [InlineData(""" "project": { "lifetime": "200d", "maximum": "180d" } """, "beyond their 'maximum'")]
    [InlineData(""" "project": { "maximum": "180" } """, "'180'")]
    [InlineData(""" "project": { "longest": "180d" } """, "longest")]
    [InlineData("", "has no rules")]
    public async Task A_policy_that_cannot_be_read_makes_no_session(string issue, string told)
    {
        await File.WriteAllTextAsync(PolicyFile, $$"""{ "issue": { {{issue}} } }""", TestContext.Current.CancellationToken);
        await Server.ResetAsync();

        Run run = Run("Connect-MbProject $token -BaseUri $address -Name strict -Policy $policy", ("token", Server.SecureToken()), ("address", Server.BaseAddress), ("policy", PolicyFile));

        ErrorRecord error = Assert.Single(run.Errors);
        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(told, error.Exception.Message, StringComparison.Ordinal);
        Assert.Empty(await Server.RequestsAsync());
        Assert.DoesNotContain(Run("Get-MbSession").Output, session => session.Get<string>("Name") == "strict");
    }

    [Fact]
    public void A_rule_of_rotation_that_the_same_file_does_not_allow_is_refused()
    {
        File.WriteAllText(PolicyFile, """{ "issue": { "project": { "maximum": "30d" } }, "rotate": [ { "name": "ci *", "olderThan": "1d", "lifetime": "60d", "vault": "prod" } ] }""");

        Run run = Run("Invoke-MbRotation $policy -JournalPath $journal", ("policy", PolicyFile), ("journal", Journal));

        Assert.Contains("allows 30d at most", Assert.Single(run.Errors).Exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_policy_without_rules_of_rotation_rotates_nothing_and_says_so()
    {
        Connect(Usual);

        Assert.Contains("'rotate'", Assert.Single(Run("Invoke-MbRotation $policy", ("policy", PolicyFile)).Errors).Exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_audit_judges_by_the_sessions_policy()
    {
        string mark = Guid.NewGuid().ToString("N");
        (string tooLong, _) = Issue($"ci {mark}", "-ExpiresIn 200d");
        (string named, _) = Issue($"deploy {mark}", "-ExpiresIn 90d");
        (string allowed, _) = Issue($"ci {mark} allowed", "-ExpiresIn 180d");
        Connect(Usual);

        var rows = Run("Get-MbTokenReport").MustSucceed().ToDictionary(row => row.Id());

        Assert.Equal(("LivesTooLong", "Medium"), (Findings(rows[tooLong]), rows[tooLong].Get<string>("Severity")));
        Assert.Equal($"Update-MbProjectToken -Id '{tooLong}' -Vault 'VAULT' -ExpiresIn 90d -Session 'strict'", rows[tooLong].Get<string>("Remedy"));
        Assert.Equal(("NameOutsidePolicy", "Low"), (Findings(rows[named]), rows[named].Get<string>("Severity")));
        Assert.EndsWith($"then revoke this one: Remove-MbProjectToken '{named}' -Session 'strict'", rows[named].Get<string>("Remedy"), StringComparison.Ordinal);
        Assert.Equal("", Findings(rows[allowed]));
    }

    [Fact]
    public void The_schema_has_the_members_that_are_read_and_the_example_is_read()
    {
        using var schema = System.Text.Json.JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "docs", "rotation-policy.schema.json")));
        string[] Members(params string[] path) => [.. path.Aggregate(schema.RootElement, (element, name) => element.GetProperty(name)).EnumerateObject().Select(member => member.Name).Order()];

        // Each length of the schema is read, and each name of it; what is unknown is refused.
        Assert.Equal(["lifetime", "maximum", "name"], Members("$defs", "issue", "properties"));
        Assert.Equal(["project", "user"], Members("properties", "issue", "properties"));
        Connect(""" "project": { "lifetime": "90d", "maximum": "180d", "name": "ci *" }, "user": { "lifetime": "1d", "maximum": "30d", "name": "*" } """);
        Assert.NotNull(Run("Connect-MbProject -Sandbox -Name example -PassThru -Policy $policy", ("policy", Path.Combine(Repository.Root, "examples", "rotation-policy.json"))).MustSucceed().Single().Get<string>("Policy"));
    }

    private static string Findings(PSObject row) => string.Join(",", LanguagePrimitives.GetEnumerable(row.Properties["Findings"].Value).Cast<object>());

    private PSObject Connect(string issue)
    {
        File.WriteAllText(PolicyFile, $$"""{ "issue": { {{issue}} } }""");
        PSObject session = Run("Connect-MbProject $token -BaseUri $address -Name strict -Policy $policy -PassThru", ("token", Server.SecureToken()), ("address", Server.BaseAddress), ("policy", PolicyFile)).MustSucceed().Single();
        Server.ResetAsync().GetAwaiter().GetResult();
        return session;
    }
}
