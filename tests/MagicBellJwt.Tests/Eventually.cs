using System;
using System.Threading.Tasks;

namespace MagicBellJwt.Tests;

/// <summary>Waits for something that another thread or process brings about.</summary>
internal static class Eventually
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    /// <summary>Asks until the answer is yes.</summary>
    /// <returns>False where it was no for far longer than it should be.</returns>
    public static async Task<bool> IsAsync(Func<Task<bool>> condition)
    {
        long started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(started) > s_limit)
            {
                return false;
            }

            await Task.Delay(5);
        }

        return true;
    }

    /// <inheritdoc cref="IsAsync(Func{Task{bool}})"/>
    public static Task<bool> IsAsync(Func<bool> condition) => IsAsync(() => Task.FromResult(condition()));
}
