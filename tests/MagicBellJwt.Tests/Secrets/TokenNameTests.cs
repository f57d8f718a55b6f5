using System;
using System.IO;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Secrets;

/// <summary>Somebody has named a token by a token's value: it is shown by its fingerprint, on the screen and in reports.</summary>
public sealed class TokenNameTests
{
    [Theory]
    [InlineData("Get-MbProjectToken | Remove-MbProjectToken -WhatIf")]
    [InlineData("Get-MbProjectToken | Update-MbProjectToken -SaveTo { } -JournalPath $file -WhatIf")]
    [InlineData("Get-MbProjectToken | Format-Table; Get-MbProjectToken | Format-List; Get-MbProjectToken | Format-Wide")]
    [InlineData("Get-MbTokenReport | Format-Table; Get-MbTokenReport | Format-List")]
    [InlineData("Get-MbTokenReport | Export-MbTokenReport \"$file.html\"")]
    [InlineData("Get-MbTokenReport | Export-MbTokenReport \"$file.csv\"")]
    [InlineData("Get-MbTokenReport | Export-MbTokenReport \"$file.json\"")]
    public async Task A_name_that_is_a_token_is_shown_by_its_fingerprint(string script)
    {
        string name = TokenText.SignClaims("""{"kind":"project","jti":"0198c0de-0000-7000-8000-0000000000b2"}""");
        await using RawServer server = RawServer.Scripted(_ => Answers.Json(200, $$"""{"data":[{"id":"0198c0de-0000-7000-8000-000000000001","name":"ci {{name}}","created_at":"2020-01-01T00:00:00Z"},{"id":"0198c0de-0000-7000-8000-000000000002","created_at":"2020-01-01T00:00:00Z"}],"links":{} }"""));
        var host = new TestHost();
        using var engine = new PowerShellEngine(host);
        string file = Path.GetTempFileName();
        engine.Run("Connect-MbProject $token -BaseUri $address", ("token", Secret.Of("opaque")), ("address", server.BaseAddress), ("file", file)).MustSucceed();

        Run run = engine.Run($"& {{ {script} }} | Out-String -Width 4000");

        string said = string.Join('\n', run.Output) + string.Join('\n', host.Lines) + string.Join('\n', run.Warnings) + string.Join('\n', run.Errors);
        foreach (string written in Directory.GetFiles(Path.GetDirectoryName(file)!, Path.GetFileName(file) + "*"))
        {
            said += await File.ReadAllTextAsync(written, TestContext.Current.CancellationToken);
            File.Delete(written);
        }

        Assert.Contains(TokenText.Fingerprint(name), said, StringComparison.Ordinal);
        Assert.All(name.Split('.'), part => Assert.DoesNotContain(part, said, StringComparison.Ordinal));
    }
}
