using System;
using System.Linq;
using System.Threading.Tasks;
using Xunit;

namespace MagicBellJwt.Tests.Secrets;

/// <summary>
/// Every cmdlet beside every fault that hits the requests of one method. Its three kinds run beside each other: it is what takes longest.
/// </summary>
public abstract class CanaryFaultTests(CanaryStage stage, string method) : IClassFixture<CanaryStage>
{
    private const int Turns = 3;

    /// <summary>What goes wrong, as the server takes it.</summary>
    internal static readonly string[] Faults =
    [
        "delay ms=20", "delay-after-work ms=20", "reset", "reset-after-work", "cut", "never", "never-after-work", "drip ms=1", "refuse ms=150",
        "400", "401", "403", "404", "409", "418", "422", "429", "500", "502", "503", "504",
        "400 body=html", "401 body=html", "429 body=html", "502 body=html", "503 body=empty", "503 body=truncated", "500-after-work", "503-after-work body=html",
        "429 retry-after=1", "429 retry-after=0", "429 retry-after=-5", "429 retry-after=soon", "429 retry-after=86400", "429 retry-after=date+2", "429 retry-after=date-2", "503 retry-after=1",
        "answer body=json", "answer body=html", "answer body=empty", "answer body=truncated", "answer body=text-for-list", "answer body=number-for-date", "answer body=huge", "answer body=huge-chunked",
        "answer extra-length=10", "answer extra-length=-10", "answer encoding=gzip", "answer encoding=not-gzip", "answer date-skew=7200",
        "200-after-work body=json", "204-after-work", "307 location=https://elsewhere.invalid/v2/jwt/project",
        "answer next=elsewhere", "answer next=self", "answer next=ring", "answer next=relative", "answer next=query", "answer next=fragment", "answer next=missing", "answer next=http://127.0.0.1:1/v2/jwt/project",
        "503 times=2", "reset times=2", "cut times=2", "429 retry-after=1 times=2",
    ];

    public static TheoryData<string> EachFault() => [.. Faults];

    // Every fault meets every method, and every command a third of the faults or more; every pair where everything is tried.
    [Theory]
    [MemberData(nameof(EachFault))]
    public async Task Nothing_secret_comes_out_beside(string fault)
    {
        int turn = Thoroughness.IsAll ? 0 : Array.IndexOf(Faults, fault) % Turns;
        await stage.PrepareAsync();
        await stage.Server.FailAsync($"{method} * {fault}");
        await stage.SearchAsync(
            [.. CanaryTests.Commands.Where(command => command.Methods.Split(' ').Contains(method)).Where((_, at) => Thoroughness.IsAll || at % Turns == turn).Select(command => command.Script)],
            stage.Server.BaseAddress,

            // Back-offs are real time: repeated is what has to be, for what is said about it.
            retries: fault.Contains("times=", StringComparison.Ordinal) ? 3 : 0,
            stops: fault.Contains("86400", StringComparison.Ordinal));
    }
}

public sealed class CanaryReadTests(CanaryStage stage) : CanaryFaultTests(stage, "GET");

public sealed class CanaryCreateTests(CanaryStage stage) : CanaryFaultTests(stage, "POST");

public sealed class CanaryRevocationTests(CanaryStage stage) : CanaryFaultTests(stage, "DELETE");
