using System;
using System.Threading.Tasks;
using Xunit;

namespace MagicBellJwt.Client.Tests;

internal static class Failing
{
    /// <summary>The failure that a call ends with, which is of this kind.</summary>
    public static async Task<MagicBellException> WithAsync(MagicBellError error, Func<Task> call)
    {
        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(call);
        Assert.True(error == failure.Error, $"{error} expected: {failure}");
        return failure;
    }
}
