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

    /// <summary>The examples: where they stand, and their script.</summary>
    public static IEnumerable<TheoryDataRow<string, string>> Examples =>
        Directory.GetFiles(Path.Combine(Repository.Root, "docs/en-US")).Where(file => Path.GetExtension(file) is ".md" or ".txt").Select(file => Path.GetRelativePath(Repository.Root, file)).Order().Prepend("README.md")
            .SelectMany(file => BlocksOf(file).Where(block => block.Contains("Set-Secret", StringComparison.Ordinal) && block.Contains("-Mb", StringComparison.Ordinal)).Select(block => new TheoryDataRow<string, string>(file, block)));

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

    [Fact]
    public void There_are_such_examples() => Assert.InRange(Examples.Count(), 3, int.MaxValue);

    private static IEnumerable<string> BlocksOf(string file)
    {
        string text = File.ReadAllText(Path.Combine(Repository.Root, file)).ReplaceLineEndings("\n");
        return file.EndsWith(".md", StringComparison.Ordinal)
            ? Regex.Matches(text, "```powershell\n(.*?)\n```", RegexOptions.Singleline).Select(block => block.Groups[1].Value)
            : Regex.Matches(text, "(?:^ {8}.*\n)+", RegexOptions.Multiline).Select(block => block.Value);
    }
}
