using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Completion;

/// <summary>What Tab offers for -Vault, by the engine's own completion.</summary>
public sealed class VaultCompletionTests : IDisposable
{
    private const string Vaults = """
        New-Module -Name Microsoft.PowerShell.SecretManagement {
            function Get-SecretVault { foreach ($name in 'prod', 'prod two', 'test', '') { [pscustomobject]@{ Name = $name; ModuleName = 'Store' } } }
        } | Import-Module -Global
        """;

    private readonly PowerShellEngine _engine = new();

    public void Dispose() => _engine.Dispose();

    [Theory]
    [InlineData("Update-MbProjectToken ci -Vault ", "prod|'prod two'|test")]
    [InlineData("Update-MbProjectToken ci -Vault PR", "prod|'prod two'")]
    [InlineData("Update-MbUserToken -Id x -Vault 't", "test")]
    [InlineData("Update-MbProjectJwt ci -Vault t", "test")]
    public void The_vaults_of_this_account_are_offered(string line, string offers)
    {
        _engine.Run(Vaults).MustSucceed();

        PSObject[] offered = [.. Complete(line)];

        Assert.Equal(offers.Split('|'), offered.Select(offer => offer.Get<string>("CompletionText")));
        Assert.All(offered, offer => Assert.EndsWith(", kept by Store", offer.Get<string>("ToolTip"), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("")]
    [InlineData("New-Module -Name Microsoft.PowerShell.SecretManagement { function Get-SecretVault { throw 'broken' } } | Import-Module -Global")]
    public void Where_there_are_none_nothing_is_offered_and_nothing_fails(string vaults)
    {
        _engine.Run(vaults).MustSucceed();

        Assert.Empty(Complete("Update-MbProjectToken ci -Vault no-such-"));
    }

    private IReadOnlyList<PSObject> Complete(string line) =>
        _engine.Run("(TabExpansion2 $line $line.Length).CompletionMatches", ("line", line)).MustSucceed();
}
