using System;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>Measured while nothing else runs.</summary>
[Collection(nameof(MemoryTests))]
[CollectionDefinition(nameof(MemoryTests), DisableParallelization = true)]
public class MemoryTests
{
    [Fact]
    public async Task A_million_tokens_take_no_more_memory_than_ten_thousand()
    {
        var sandbox = new SandboxHandler(new SandboxOptions { EnforceRateLimit = false });
        sandbox.SeedProjectTokens(1_000_000);
        using var service = new JwtService(new JwtServiceOptions
        {
            BaseAddress = sandbox.BaseAddress,
            Token = sandbox.AdministratorToken,
            Handler = sandbox,
            ReadsPerMinute = int.MaxValue,
        });
        var call = new CallContext(TestContext.Current.CancellationToken);
        TokenPages pages = service.FetchProjectTokensAsync(new PageRequest(100));
        long count = 0;
        long early = 0;
        long late = 0;
        while (await pages.ReadAsync(call) is { } page)
        {
            count += page.Count;
            if (count is 20_000 or 1_000_000)
            {
                (early, late) = (late, GC.GetTotalMemory(forceFullCollection: true));
            }
        }

        Assert.Equal(1_000_001, count);

        // Two numbers a page are kept, and as many slots as requests a minute: 100 KiB would be a byte in ten tokens.
        Assert.InRange(late - early, long.MinValue, 4 * 1024 * 1024);
    }
}
