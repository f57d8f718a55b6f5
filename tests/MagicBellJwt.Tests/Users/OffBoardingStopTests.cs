using System;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Pipeline;
using Xunit;

namespace MagicBellJwt.Tests.Users;

/// <summary>examples/off-boarding.ps1 that is stopped while it revokes. Alone: it sets the process's environment and its standard error.</summary>
[Collection(nameof(SoakTests))]
public sealed class OffBoardingStopTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_stop_says_how_many_are_revoked_and_the_next_run_does_the_rest()
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--seed-users", "60:2", "--keep-requests", "100000");
        string file = Path.Combine(_folder.FullName, "leavers.csv");
        File.WriteAllLines(file, Enumerable.Range(1, 60).Select(number => $"user{number}@example.com").Prepend("Mail"));
        string script = $"& '{Path.Combine(Repository.Root, "examples", "off-boarding.ps1")}' '{file}' -ReportPath '{Path.Combine(_folder.FullName, "report.html")}' -Confirm:$false";
        using var engine = new PowerShellEngine();
        engine.Run("$PSDefaultParameterValues['Connect-MbProject:WritesPerMinute'] = $PSDefaultParameterValues['Connect-MbProject:ReadsPerMinute'] = 1000000").MustSucceed();
        TextWriter before = Console.Error;
        using var error = new StringWriter();
        Environment.SetEnvironmentVariable("MAGICBELL_PROJECT_TOKEN", server.Token);
        Environment.SetEnvironmentVariable("MAGICBELL_BASE_URL", server.BaseAddress.AbsoluteUri);
        Console.SetError(TextWriter.Synchronized(error));
        try
        {
            await server.FailAsync("DELETE /v2/jwt/user/* never skip=40");
            using RunningScript running = engine.Start(script);
            Assert.True(await Eventually.IsAsync(async () => (await server.RequestsAsync()).Any(request => request.Fault is not null)));

            (Run stopped, TimeSpan took) = running.Stop();

            Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(15));
            Assert.Empty(stopped.Output);
            Assert.Contains("The off-boarding was stopped, and 40 tokens are known to be revoked. Run it again", error.ToString(), StringComparison.Ordinal);
            Assert.Equal(80, (await server.TokensAsync()).Count(token => token.Live && token.Kind == "user"));

            await server.ResetAsync();
            error.GetStringBuilder().Clear();
            Run again = engine.Run(script);

            Assert.Equal(60, again.Output.Count);
            Assert.All(again.Output, row => Assert.Contains(row.Get<string>("Outcome"), (string[])["Done", "NoToken"]));
            Assert.Contains("80 of 80 tokens revoked, 0 live ones left, 0 of 60 lines need a look.", error.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain("stopped", error.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain(await server.TokensAsync(), token => token.Live && token.Kind == "user");
        }
        finally
        {
            Console.SetError(before);
            Environment.SetEnvironmentVariable("MAGICBELL_PROJECT_TOKEN", null);
            Environment.SetEnvironmentVariable("MAGICBELL_BASE_URL", null);
        }
    }
}
