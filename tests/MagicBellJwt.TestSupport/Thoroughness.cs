using System;

namespace MagicBellJwt.TestSupport;

/// <summary>
/// How much of what is alike is tried. With MAGICBELL_TESTS=all, as in ci.yml: every pair, every place, every generated answer. Else a part that
/// takes minutes off a run and still meets each of them beside something.
/// </summary>
public static class Thoroughness
{
    /// <summary>Whether everything is tried.</summary>
    public static bool IsAll { get; } = Environment.GetEnvironmentVariable("MAGICBELL_TESTS") == "all";

    /// <summary>A number of tries.</summary>
    public static int Tries(int all, int usual) => IsAll ? all : usual;
}
