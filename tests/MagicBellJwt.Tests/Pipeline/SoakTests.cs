using System;
using System.Diagnostics;
using System.Linq;
using System.Net.NetworkInformation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Pipeline;

/// <summary>Long runs leave nothing behind. Measured while nothing else runs.</summary>
/// <remarks>The benchmarks' figure <c>soak</c> does the same for 200,000 operations.</remarks>
[Collection(nameof(SoakTests))]
[CollectionDefinition(nameof(SoakTests), DisableParallelization = true)]
public sealed class SoakTests(SoakTests.UserServer fixture) : ServerTests<SoakTests.UserServer>(fixture)
{
    private const int Rounds = 33;
    private const int WarmUpRounds = 12;

    [Fact]
    public async Task Many_operations_beside_faults_leave_no_handle_no_connection_and_no_memory_behind()
    {
        Engine.Connect(Server, "-Name soak");
        await Server.ResetAsync();
        Work();
        Assert.InRange((await Server.RequestsAsync()).Length, SoakWork.Operations, int.MaxValue);

        await Server.FailAsync(SoakWork.Faults);
        (long Memory, int Handles, int Connections) before = default;
        for (int round = 1; round <= Rounds; round++)
        {
            Work();
            if (round == WarmUpRounds)
            {
                before = Left();
            }
        }

        (long Memory, int Handles, int Connections) after = Left();

        Assert.True((await Server.RequestsAsync()).Select(request => request.Fault).Distinct().Count() > SoakWork.Faults.Length / 2);
        Assert.InRange(after.Connections, 0, before.Connections + 8);
        Assert.InRange(after.Handles, 0, before.Handles + 24);

        // 4,200 operations: 1.6 MiB would be 400 bytes for each.
        Assert.InRange(after.Memory - before.Memory, long.MinValue, 16 * 1024 * 1024 / 10);
    }

    private void Work()
    {
        Run run = Run(SoakWork.Script, ("token", Server.SecureToken()), ("address", Server.BaseAddress));
        Assert.True(run.End is null, run.End?.ToString());
    }

    private (long Memory, int Handles, int Connections) Left()
    {
        long memory = GC.GetTotalMemory(forceFullCollection: true);
        using var self = Process.GetCurrentProcess();
        int connections = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpConnections()
            .Count(connection => connection.RemoteEndPoint.Port == Server.BaseAddress.Port && connection.State == TcpState.Established);
        return (memory, self.HandleCount, connections);
    }

    public sealed class UserServer : ServerFixture
    {
        protected override string[] Options => ["--seed-user", "usr_1:12", "--seed-user", "usr_2:12", "--seed-user", "usr_3:3", "--seed-user", "usr_4:0"];
    }
}
