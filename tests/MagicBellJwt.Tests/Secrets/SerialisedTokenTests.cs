using System;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Secrets;

/// <summary>Outside Windows PowerShell writes a SecureString as text that anybody can read: a new token's value is never part of what is serialised, however it was copied.</summary>
public sealed class SerialisedTokenTests(ServerFixture fixture) : ServerTests(fixture)
{
    [Theory]
    [InlineData("$t")]
    [InlineData("$t | Select-Object *")]
    [InlineData("$t | Select-Object Id, Token")]
    [InlineData("$t | Select-Object * | Select-Object *")]
    [InlineData("$t | Select-Object Token, @{ n = 'copy'; e = { $_.Token } } | Select-Object *")]
    [InlineData("$t | Select-Object -ExcludeProperty Name")]
    [InlineData("$t | Select-Object -ExpandProperty Token")]
    [InlineData("$t, $t | Select-Object * -Unique")]
    [InlineData("$t.psobject")]
    [InlineData("$t.psobject.Copy()")]
    [InlineData("$t.psobject.Properties")]
    [InlineData("$t.psobject.Properties['Token']")]
    [InlineData("$t.psobject.Members")]
    [InlineData("$t.Token")]
    [InlineData("[pscustomobject]@{ Secret = $t.Token }")]
    [InlineData("@{ Secret = $t.Token; List = @($t.Token, @{ Deep = $t.Token }) }")]
    [InlineData("$h = [ordered]@{}; foreach ($p in $t.psobject.Properties) { $h[$p.Name] = $p.Value }; [pscustomobject]$h")]
    [InlineData("$t | Add-Member -PassThru -NotePropertyName Copy -NotePropertyValue $t.Token")]
    [InlineData("$t | Group-Object Name")]
    [InlineData("$t | ForEach-Object { $_ | Select-Object Id, Token } | Sort-Object Id")]
    [InlineData("$x = $t.Token; Get-Variable x")]
    [InlineData("try { throw [Management.Automation.RuntimeException]::new('x', $null, [Management.Automation.ErrorRecord]::new([Exception]::new('x'), 'x', 'NotSpecified', $t)) } catch { $_ }")]
    public void No_copy_of_a_token_is_serialised_with_its_value(string script)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There the value is encrypted for the user.");
        string file = Path.GetTempFileName();

        Run("$t = New-MbProjectToken serialised; & { " + script + " } | Export-Clixml $file -Depth 8", ("file", file)).MustSucceed();

        string value = Secret.Reveal(Run("$t.Token").MustSucceed().Single());
        string text = File.ReadAllText(file);
        Assert.DoesNotContain(value, text, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToHexString(Encoding.Unicode.GetBytes(value))[..40], text, StringComparison.OrdinalIgnoreCase);
        File.Delete(file);
    }

    // The limit that SECURITY.md and the help name: these are SecureStrings of the script, which the engine writes itself.
    [Theory]
    [InlineData("[securestring] $t.Token")]
    [InlineData("$t.Token.Copy()")]
    [InlineData("[pscredential]::new('u', $t.Token)")]
    public void A_SecureString_that_a_script_makes_of_the_value_is_written_by_the_engine(string script)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There the value is encrypted for the user.");
        string file = Path.GetTempFileName();

        Run("$t = New-MbProjectToken copied; " + script + " | Export-Clixml $file", ("file", file)).MustSucceed();

        string value = Secret.Reveal(Run("$t.Token").MustSucceed().Single());
        Assert.Contains(Convert.ToHexString(Encoding.Unicode.GetBytes(value)), File.ReadAllText(file), StringComparison.OrdinalIgnoreCase);
        File.Delete(file);
    }

    [Theory]
    [InlineData("$t.Token -is [securestring]", "True")]
    [InlineData("$t.Token.GetType().FullName", "System.Security.SecureString")]
    [InlineData("(& { param([securestring] $s) $s } $t.Token).Length -eq $t.Token.Length", "True")]
    [InlineData("$t | ForEach-Object Token | ForEach-Object { [pscredential]::new('u', $_).GetNetworkCredential().Password.Split('.').Count }", "3")]
    [InlineData("[Net.NetworkCredential]::new('', $t.Token).Password.Split('.').Count", "3")]
    [InlineData("($t.Token | ConvertFrom-SecureString -AsPlainText).Split('.').Count", "3")]
    [InlineData("$t.Token | Out-String", "System.Security.SecureString")]
    [InlineData("\"$($t.Token)\"", "System.Security.SecureString")]
    [InlineData("($t | ConvertFrom-MbToken).Id -eq $t.Id", "True")]
    public void Commands_and_methods_take_the_value_as_a_SecureString(string script, string expected) =>
        Assert.Equal(expected, Run("$t = New-MbProjectToken typed; " + script).MustSucceed().Single().ToString().Trim());

    [Fact]
    public async Task The_value_connects()
    {
        Run("$t = New-MbProjectToken connects; Connect-MbProject $t.Token -BaseUri $address -Name again", ("address", Server.BaseAddress)).MustSucceed();

        Assert.Equal("connects", Assert.Single(await Server.TokensAsync(), token => token.Id == Run("(Get-MbSession again).TokenId").MustSucceed().Single().ToString()).Name);
    }
}
