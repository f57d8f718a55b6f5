using System;
using System.Collections.Generic;
using System.Linq;

namespace MagicBellJwt.Benchmarks;

/// <summary>The program's options, read from its arguments.</summary>
internal sealed record CommandLine(IReadOnlyCollection<string> Only, bool Check, bool Save, bool Help)
{
    public static readonly string Usage = $"""
        Usage: dotnet run -c Release --project tests/MagicBellJwt.Benchmarks [-- options]

          --only NAME   measure this figure only; repeatable
          --check       fail where a ratio is a quarter or more above the committed one
          --save        write the ratios into the file that is committed

        Figures: {string.Join(", ", Benchmark.All.Select(benchmark => benchmark.Name))}
        """;

    /// <exception cref="FormatException">The arguments are wrong; the message says which one.</exception>
    public static CommandLine Parse(IReadOnlyList<string> arguments)
    {
        var only = new List<string>();
        bool check = false, save = false, help = false;
        for (int index = 0; index < arguments.Count; index++)
        {
            switch (arguments[index])
            {
                case "--only":
                    string name = ++index < arguments.Count ? arguments[index] : throw new FormatException("--only needs a name.");
                    only.Add(Benchmark.All.Any(benchmark => benchmark.Name == name) ? name : throw new FormatException("There is no figure " + name + "."));
                    break;
                case "--check": check = true; break;
                case "--save": save = true; break;
                case "--help": help = true; break;
                default: throw new FormatException("There is no option " + arguments[index] + ".");
            }
        }

        return new CommandLine(only, check, save, help);
    }
}
