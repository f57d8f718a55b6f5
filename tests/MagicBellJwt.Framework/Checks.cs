using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;

namespace MagicBellJwt.Framework;

/// <summary>Runs checks one after the other, says how each ended, and counts.</summary>
internal sealed class Checks
{
    internal int Passed { get; private set; }

    internal int Failed { get; private set; }

    internal void Run(string name, Action check) => RunAsync(name, () =>
    {
        check();
        return Task.CompletedTask;
    }).GetAwaiter().GetResult();

    internal async Task RunAsync(string name, Func<Task> check)
    {
        try
        {
            await check().ConfigureAwait(false);
            Passed++;
            Console.WriteLine("passed  " + name);
        }
        catch (Exception exception)
        {
            Failed++;
            Console.WriteLine("FAILED  " + name + Environment.NewLine + exception);
        }
    }

    internal static void True(bool condition, string what)
    {
        if (!condition)
        {
            throw new InvalidOperationException("Not so: " + what);
        }
    }

    internal static void Equal<T>(T expected, T actual) => True(EqualityComparer<T>.Default.Equals(expected, actual), $"expected {expected}, got {actual}");

    internal static void Same(IEnumerable<string> expected, IEnumerable<string> actual) =>
        Equal(string.Join(", ", expected.OrderBy(item => item, StringComparer.Ordinal)), string.Join(", ", actual.OrderBy(item => item, StringComparer.Ordinal)));
}
