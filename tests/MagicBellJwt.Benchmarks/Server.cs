using System;
using System.Collections.Generic;

namespace MagicBellJwt.Benchmarks;

/// <summary>A sandbox server in a process of its own: no rate limit, nothing recorded.</summary>
internal sealed class Server : SandboxProcess
{
    private Server(IEnumerable<string> arguments)
        : base(["--no-recording", .. arguments])
    {
    }

    /// <summary>The base address, with a slash at its end.</summary>
    public Uri Address => new(BaseAddress.AbsoluteUri + "/");

    public static Server Start(params IEnumerable<string> arguments) => new(arguments);

    /// <summary>A project with so many tokens, its administrator's among them.</summary>
    public static Server WithProjectTokens(int count) => Start("--seed-project-tokens", Text(count - 1));

    /// <summary>A project with users that have so many tokens each: <c>user-0</c> and on.</summary>
    public static Server WithUserTokens(int users, int count, int latency = 0)
    {
        List<string> arguments = ["--latency", Text(latency)];
        for (int user = 0; user < users; user++)
        {
            arguments.AddRange(["--seed-user", $"user-{Text(user)}:{Text(count)}"]);
        }

        return Start(arguments);
    }

    private static string Text(int number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
