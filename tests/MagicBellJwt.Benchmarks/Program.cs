using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using MagicBellJwt.Benchmarks;

if (args is [ChildProcess.Argument, .. string[] task])
{
    return ChildProcess.Run(task);
}

CommandLine options;
try
{
    options = CommandLine.Parse(args);
}
catch (FormatException exception)
{
    Console.Error.WriteLine(exception.Message);
    Console.Error.WriteLine(CommandLine.Usage);
    return 2;
}

if (options.Help)
{
    Console.WriteLine(CommandLine.Usage);
    return 0;
}

var figures = new List<Figure>();
foreach (Benchmark benchmark in Benchmark.All.Where(benchmark => options.Only.Count == 0 || options.Only.Contains(benchmark.Name)))
{
    Figure figure = benchmark.Measure();
    Console.WriteLine(figure.ToJson());
    figures.Add(figure);
}

Console.WriteLine();
foreach (Figure figure in figures)
{
    Console.WriteLine(figure.Verdict);
}

string file = Path.Combine(Repository.Root, "tests", "MagicBellJwt.Benchmarks", "figures.jsonl");
bool regressed = false;
if (options.Check)
{
    foreach (string regression in FiguresFile.Regressions(file, figures))
    {
        Console.WriteLine(regression);
        regressed = true;
    }
}

if (options.Save)
{
    FiguresFile.Save(file, figures);
}

return regressed ? 1 : 0;
