using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Commands;

/// <summary>Each documented example that stores a new token, beside a vault that is locked: the value is not lost.</summary>
public sealed class StoreExampleTests(ServerFixture fixture) : ServerTests(fixture)
{
    private const string LockedVault = "function Set-Secret { [CmdletBinding()] param($Vault, $Name, [Parameter(ValueFromPipeline)] $Secret) process { $global:asked++; $PSCmdlet.ThrowTerminatingError([Management.Automation.ErrorRecord]::new([Exception]::new('The vault is locked.'), 'Locked', 'PermissionDenied', $null)) } }; $asked = 0; ";

    private const string VaultThatTakesNothing = """
        New-Module -Name Microsoft.PowerShell.SecretManagement {
            function Get-Secret($Vault, $Name) { }
            function Set-Secret($Vault, $Name, $Secret) { throw 'The vault is locked.' }
        } | Import-Module -Global
        function Import-Csv { [pscustomobject]@{ Email = 'hana@example.com'; ExternalId = '41' }, [pscustomobject]@{ Email = ''; ExternalId = '42' } }
        function Export-Csv { }

        """;

    /// <summary>The examples that store by another command: where they stand, and their script.</summary>
    public static IEnumerable<TheoryDataRow<string, string>> Examples =>
        All.Where(row => row.Data.Item2.Contains("Set-Secret", StringComparison.Ordinal) && row.Data.Item2.Contains("-Mb", StringComparison.Ordinal));

    /// <summary>The examples that issue into a vault.</summary>
    public static IEnumerable<TheoryDataRow<string, string>> VaultExamples =>
        All.Where(row => Regex.IsMatch(row.Data.Item2, "New-Mb.*-Vault"));

    private static IEnumerable<TheoryDataRow<string, string>> All =>
        Directory.GetFiles(Path.Combine(Repository.Root, "docs/en-US")).Where(file => Path.GetExtension(file) is ".md" or ".txt").Select(file => Path.GetRelativePath(Repository.Root, file)).Order().Prepend("README.md")
            .SelectMany(file => BlocksOf(file).Select(block => new TheoryDataRow<string, string>(file, block)));

    [Theory]
    [MemberData(nameof(Examples))]
    public async Task A_store_that_fails_loses_no_token(string file, string script)
    {
        if (script.Contains("Update-Mb", StringComparison.Ordinal))
        {
            Run("$null = New-MbProjectToken 'ci main'").MustSucceed();
        }

        string[] before = [.. (await Server.TokensAsync()).Where(token => token.Live).Select(token => token.Id)];

        Run run = Run(LockedVault + script);

        Assert.NotEqual("0", Run("$asked").MustSucceed().Single().ToString());
        Assert.NotEmpty(run.Errors);
        string[] live = [.. (await Server.TokensAsync()).Where(token => token.Live).Select(token => token.Id)];
        Assert.True(before.All(live.Contains), file);
        if (script.Contains("New-MbProjectToken", StringComparison.Ordinal))
        {
            Assert.Contains(Run("$t.Id").MustSucceed().Single().ToString(), live.Except(before));
            Assert.Equal(3, Secret.Reveal(Run("$t.Token").MustSucceed().Single()).Split('.').Length);
        }

        Run("Get-MbProjectToken 'ci *' | Remove-MbProjectToken -Force").MustSucceed();
    }

    [Theory]
    [MemberData(nameof(VaultExamples))]
    public async Task A_vault_that_fails_leaves_no_token_that_is_not_named(string file, string script)
    {
        string[] before = [.. (await Server.TokensAsync()).Where(token => token.Live).Select(token => token.Id)];

        Run run = Run(VaultThatTakesNothing + string.Join('\n', script.Split('\n').Where(line => !line.StartsWith("$t ", StringComparison.Ordinal))));

        string said = string.Join('\n', run.Errors.Select(error => error.Exception.Message));
        string[] live = [.. (await Server.TokensAsync()).Where(token => token.Live).Select(token => token.Id).Except(before)];
        Assert.NotEmpty(live);
        Assert.All(live, id => Assert.Matches($"Remove-Mb(Project|User)Token '{id}'", said));
        Assert.True(run.Output.Count == 0, file);
    }

    [Fact]
    public void There_are_such_examples()
    {
        Assert.InRange(Examples.Count(), 2, int.MaxValue);
        Assert.InRange(VaultExamples.Count(), 4, int.MaxValue);
    }

    private static IEnumerable<string> BlocksOf(string file)
    {
        string text = File.ReadAllText(Path.Combine(Repository.Root, file)).ReplaceLineEndings("\n");
        return file.EndsWith(".md", StringComparison.Ordinal)
            ? Regex.Matches(text, "```powershell\n(.*?)\n```", RegexOptions.Singleline).Select(block => block.Groups[1].Value)
            : Regex.Matches(text, "(?:^ {8}.*\n)+", RegexOptions.Multiline).Select(block => block.Value);
    }
}
