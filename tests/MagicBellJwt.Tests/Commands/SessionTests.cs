using System;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Commands;

/// <summary>Sessions with two projects, each on a server of its own.</summary>
public sealed class SessionTests(SessionTests.TwoServers servers) : IClassFixture<SessionTests.TwoServers>, IAsyncLifetime
{
    private readonly PowerShellEngine _engine = new();

    public async ValueTask InitializeAsync()
    {
        _engine.Connect(servers.A, "-Name a");
        _engine.Connect(servers.B, "-Name b");
        _engine.Run("$a = Get-MbSession a; $b = Get-MbSession b").MustSucceed();
        await servers.A.ResetAsync();
        await servers.B.ResetAsync();
    }

    public ValueTask DisposeAsync()
    {
        _engine.Dispose();
        return default;
    }

    [Theory]
    [InlineData("-Session $a", "a")]
    [InlineData("-Session a", "a")]
    [InlineData("-Session A", "a")]
    [InlineData("-Session $b", "b")]
    [InlineData("", "b")]
    public async Task Every_cmdlet_acts_where_it_is_told_and_else_in_the_last_session(string option, string project)
    {
        _engine.Run($$"""
            $p = New-MbProjectToken ci {{option}}
            $u = New-MbUserToken -Email hana@example.com {{option}}
            $null = Get-MbProjectToken {{option}}; $null = Get-MbUserToken $u.UserId {{option}}
            Remove-MbProjectToken $p.Id -Force {{option}}; Remove-MbUserToken $u.Id -Force {{option}}
            """).MustSucceed();

        Assert.Equal(project == "a" ? 6 : 0, (await servers.A.RequestsAsync()).Length);
        Assert.Equal(project == "b" ? 6 : 0, (await servers.B.RequestsAsync()).Length);
    }

    [Theory]
    [InlineData("New-MbProjectToken ci -Session a")]
    [InlineData("New-MbUserToken -Email hana@example.com -Session a")]
    [InlineData("(New-MbProjectToken ci -Session a | ForEach-Object { Get-MbProjectToken -Id $_.Id -Session a })")]
    [InlineData("(New-MbUserToken -Email hana@example.com -Session a | ForEach-Object { Get-MbUserToken $_.UserId -Id $_.Id -Session a })")]
    public async Task A_token_is_revoked_where_it_came_from_whatever_was_connected_since(string token)
    {
        PSObject revocation = _engine.Run($"$t = {token}; $t | & \"Remove-Mb$($t.Kind)Token\" -Force -PassThru").MustSucceed().Single();

        Assert.Equal(("Revoked", "a"), (revocation.Get<string>("Outcome"), revocation.Get<string>("Project")));
        Assert.Empty(await servers.B.RequestsAsync());
        Assert.False(Assert.Single(await servers.A.TokensAsync(), held => held.Id == revocation.Id()).Live);
    }

    [Theory]
    [InlineData("$t | Remove-MbProjectToken -Force -Session b")]
    [InlineData("$t | Remove-MbProjectToken -Force -Session $b")]
    [InlineData("ThroughClixml $t | Remove-MbProjectToken -Force")]
    [InlineData("ThroughClixml $t | Remove-MbProjectToken -Force -Session b")]
    [InlineData("[pscustomobject]@{ Id = $t.Id; Project = 'a' } | Remove-MbProjectToken -Force")]
    public async Task A_token_of_another_project_is_refused_before_anything_is_sent(string script)
    {
        _engine.Run("""
            function ThroughClixml($item) { [Management.Automation.PSSerializer]::Deserialize([Management.Automation.PSSerializer]::Serialize($item)) }
            $t = New-MbProjectToken ci -Session a
            """).MustSucceed();
        await servers.A.ResetAsync();

        ErrorRecord error = Assert.Single(_engine.Run(script).Errors);

        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("'a'", error.Exception.Message, StringComparison.Ordinal);
        Assert.Contains("'b'", error.Exception.Message, StringComparison.Ordinal);
        Assert.Empty(await servers.A.RequestsAsync());
        Assert.Empty(await servers.B.RequestsAsync());
    }

    [Theory]
    [InlineData("ThroughClixml $t | Remove-MbProjectToken -Force -Session a")]
    [InlineData("[pscustomobject]@{ Id = $t.Id; Project = 'A' } | Remove-MbProjectToken -Force -Session a")]
    [InlineData("$t | Remove-MbProjectToken -Force -Session a")]
    [InlineData("$t.Id | Remove-MbProjectToken -Force -Session $a")]
    public async Task A_token_of_the_session_that_is_named_is_revoked_there(string script)
    {
        string id = _engine.Run("""
            function ThroughClixml($item) { [Management.Automation.PSSerializer]::Deserialize([Management.Automation.PSSerializer]::Serialize($item)) }
            $t = New-MbProjectToken ci -Session a; $t.Id
            """).MustSucceed().Single().ToString();

        _engine.Run(script).MustSucceed();

        Assert.False(Assert.Single(await servers.A.TokensAsync(), held => held.Id == id).Live);
        Assert.Empty(await servers.B.RequestsAsync());
    }

    [Theory]
    [InlineData("Disconnect-MbProject a")]
    [InlineData("Disconnect-MbProject $a")]
    [InlineData("$a | Disconnect-MbProject")]
    [InlineData("Disconnect-MbProject -All")]
    public async Task What_a_disconnected_session_listed_can_be_acted_upon_nowhere(string disconnect)
    {
        _engine.Run("$t = New-MbProjectToken ci -Session a; $listed = Get-MbProjectToken -First 1 -Session a").MustSucceed();
        await servers.A.ResetAsync();

        _engine.Run(disconnect).MustSucceed();

        foreach (string script in new[] { "$t | Remove-MbProjectToken -Force", "$listed | Remove-MbProjectToken -Force", "$t | Remove-MbProjectToken -WhatIf", "Get-MbProjectToken -Session $a", "New-MbProjectToken ci -Session $a" })
        {
            ErrorRecord error = _engine.Try(script).End!;
            Assert.StartsWith("MbNotConnected,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.Equal(ErrorCategory.ConnectionError, error.CategoryInfo.Category);
            Assert.Contains("'a' was disconnected", error.Exception.Message, StringComparison.Ordinal);
        }

        Assert.Equal(disconnect.Contains("-All", StringComparison.Ordinal) ? [] : ["b"], _engine.Run("Get-MbSession").MustSucceed().Select(session => session.Get<string>("Name")));
        Assert.Equal([false], _engine.Run("$a").Output.Select(session => session.Get<bool>("IsConnected")));
        Assert.Empty(await servers.A.RequestsAsync());
        Assert.Empty(await servers.B.RequestsAsync());
    }

    [Fact]
    public async Task Without_a_name_the_last_session_is_disconnected_and_the_one_before_is_in_use_again()
    {
        _engine.Run("Disconnect-MbProject; $null = Get-MbProjectToken").MustSucceed();

        Assert.Single(await servers.A.RequestsAsync());
        Assert.Empty(await servers.B.RequestsAsync());

        _engine.Run("Disconnect-MbProject; Disconnect-MbProject").MustSucceed();
        ErrorRecord error = _engine.Try("Get-MbProjectToken").End!;
        Assert.StartsWith("MbNotConnected,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("Connect-MbProject", error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_that_takes_over_a_name_leaves_the_tokens_of_the_other_where_they_are()
    {
        _engine.Run("$t = New-MbProjectToken ci -Session a").MustSucceed();
        _engine.Connect(servers.B, "-Name A");
        await servers.B.ResetAsync();

        _engine.Run("$t | Remove-MbProjectToken -Force").MustSucceed();

        Assert.Empty(await servers.B.RequestsAsync());
        Assert.Equal(["b", "A"], _engine.Run("Get-MbSession").MustSucceed().Select(session => session.Get<string>("Name")));
        _engine.Run("$t = New-MbProjectToken ci -Session $a; Disconnect-MbProject a").MustSucceed();
        Assert.StartsWith("MbNotConnected,", _engine.Try("$t | Remove-MbProjectToken -Force").End!.FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public void Sessions_are_found_by_name_and_wildcard_and_a_name_nobody_has_is_an_error()
    {
        Assert.Equal(["a", "b"], _engine.Run("Get-MbSession").MustSucceed().Select(session => session.Get<string>("Name")));
        Assert.Equal(["b"], _engine.Run("Get-MbSession [b-z]*").MustSucceed().Select(session => session.Get<string>("Name")));
        Assert.Empty(_engine.Run("Get-MbSession c*").MustSucceed());
        ErrorRecord error = _engine.Try("Get-MbProjectToken -Session c").End!;
        Assert.Contains("no session named 'c'", error.Exception.Message, StringComparison.Ordinal);
        Assert.IsType<ParameterBindingException>(_engine.Try("Disconnect-MbProject c").End!.Exception, exactMatch: false);
    }

    [Fact]
    public async Task Two_runspaces_work_in_two_projects_at_once()
    {
        using var first = new PowerShellEngine();
        using var second = new PowerShellEngine();
        first.Connect(servers.A, "-Name same");
        second.Connect(servers.B, "-Name same");
        Assert.Equal(["same"], first.Run("Get-MbSession").MustSucceed().Select(session => session.Get<string>("Name")));
        const string Work = "1..40 | ForEach-Object { $t = New-MbProjectToken \"$mine $_\"; $t.Id; $t | Remove-MbProjectToken -Force }; (New-MbProjectToken \"$mine stays\").Id";

        using RunningScript inA = first.Start(Work, ("mine", "for a"));
        using RunningScript inB = second.Start(Work, ("mine", "for b"));
        string[] ofA = [.. inA.Wait().MustSucceed().Select(id => id.ToString())];
        string[] ofB = [.. inB.Wait().MustSucceed().Select(id => id.ToString())];

        await AllThereAsync(servers.A, ofA, "for a");
        await AllThereAsync(servers.B, ofB, "for b");

        static async Task AllThereAsync(ServerProcess server, string[] ids, string mine)
        {
            ServerToken[] held = await server.TokensAsync();
            Assert.Equal(ids.Order(), held.Where(token => IsOf(token, mine)).Select(token => token.Id).Order());
            Assert.Equal([ids[^1]], held.Where(token => token.Live && IsOf(token, mine)).Select(token => token.Id));
            Assert.DoesNotContain(held, token => IsOf(token, mine == "for a" ? "for b" : "for a"));
        }

        static bool IsOf(ServerToken token, string mine) => token.Name?.StartsWith(mine, StringComparison.Ordinal) is true;
    }

    [Fact]
    public void A_session_ends_with_its_runspace()
    {
        PSObject session;
        using (var engine = new PowerShellEngine())
        {
            session = engine.Connect(servers.A, "-Name brief");
            Assert.True(session.Get<bool>("IsConnected"));
        }

        Assert.False(session.Get<bool>("IsConnected"));
        Assert.Empty(_engine.Run("Get-MbSession brief").MustSucceed());
    }

    [Fact]
    public void A_session_that_another_runspace_ended_shows_as_ended_and_is_not_the_default()
    {
        using var other = new PowerShellEngine();
        other.Run("Disconnect-MbProject $session", ("session", _engine.Run("$b").MustSucceed().Single())).MustSucceed();

        Assert.Equal([true, false], _engine.Run("(Get-MbSession).IsConnected").MustSucceed().Select(isConnected => (bool)isConnected.BaseObject));
        Assert.Equal("a", _engine.Run("(New-MbProjectToken ci).Project").MustSucceed().Single().BaseObject);
        Assert.StartsWith("MbNotConnected,", _engine.Try("Get-MbProjectToken -Session b").End!.FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public void A_copy_of_a_session_in_a_job_is_told_to_connect_there()
    {
        Run run = _engine.Try("$copy = [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($b)); Get-MbProjectToken -Session $copy");

        Assert.Contains("Connect inside the job", run.End!.Exception.Message, StringComparison.Ordinal);
    }

    public sealed class TwoServers : IAsyncLifetime
    {
        internal ServerProcess A { get; private set; } = null!;

        internal ServerProcess B { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            A = await ServerProcess.StartAsync();
            B = await ServerProcess.StartAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await A.DisposeAsync();
            await B.DisposeAsync();
        }
    }
}
