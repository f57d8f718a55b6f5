using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;

namespace MagicBellJwt.Benchmarks;

/// <summary>The figures that were last committed, one line of JSON each.</summary>
internal static class FiguresFile
{
    private const double Regression = 1.25;

    /// <summary>What became worse by a quarter or more, in words.</summary>
    public static IEnumerable<string> Regressions(string file, IEnumerable<Figure> figures)
    {
        Dictionary<string, Figure> committed = Read(file);
        foreach (Figure figure in figures)
        {
            if (committed.TryGetValue(figure.Name, out Figure? before) && figure.Ratio >= before.Ratio * Regression)
            {
                yield return string.Format(CultureInfo.InvariantCulture, "REGRESSION {0}: {1:0.00}, was {2:0.00}", figure.Name, figure.Ratio, before.Ratio);
            }
        }
    }

    /// <summary>Writes figures over those of the same name.</summary>
    public static void Save(string file, IEnumerable<Figure> figures)
    {
        Dictionary<string, Figure> all = Read(file);
        foreach (Figure figure in figures)
        {
            all[figure.Name] = figure;
        }

        // In the order of the list; what this machine cannot measure stays, at the end.
        File.WriteAllLines(file, Benchmark.All.Select(benchmark => benchmark.Name).Union(all.Keys).Select(all.GetValueOrDefault).OfType<Figure>().Select(figure => figure.ToJson()));
    }

    private static Dictionary<string, Figure> Read(string file) =>
        File.Exists(file) ? File.ReadLines(file).Select(Figure.FromJson).ToDictionary(figure => figure.Name) : [];
}
