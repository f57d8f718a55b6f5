using System;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;

namespace MagicBellJwt.Framework;

/// <summary>
/// The built module's loader and client on .NET Framework 4.7.2 or on Mono, without PowerShell: what Windows PowerShell 5.1 would run on.
/// Closes with the number of checks that passed and failed.
/// </summary>
internal static class Program
{
    private static int Main()
    {
        var checks = new Checks();
        LoadingChecks.Run(checks);
        if (checks.Failed == 0)
        {
            UseClientAsync(checks).GetAwaiter().GetResult();
        }

        Console.WriteLine($"{checks.Passed} passed, {checks.Failed} failed");
        return checks.Failed == 0 && checks.Passed > 0 ? 0 : 1;
    }

    // A method of its own: nothing of the client may be named before the resolver has been asked for it.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task UseClientAsync(Checks checks)
    {
        await ClientChecks.RunAsync(checks).ConfigureAwait(false);
        LoadingChecks.CheckAfterUse(checks);
    }
}
