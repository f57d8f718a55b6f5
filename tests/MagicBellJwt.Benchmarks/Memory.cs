using System;

namespace MagicBellJwt.Benchmarks;

/// <summary>What this process keeps.</summary>
public static class Memory
{
    /// <summary>MiB that are alive after everything that can be collected was.</summary>
    public static double Live()
    {
        for (int round = 0; round < 3; round++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        return GC.GetTotalMemory(forceFullCollection: true) / (1024.0 * 1024);
    }
}
