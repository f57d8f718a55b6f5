using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MagicBellJwt.Benchmarks;

/// <summary>What a comparison came to.</summary>
/// <param name="Name">Which figure.</param>
/// <param name="Ratio">The module's measure by the reference's, the median of all rounds: what slows the machine slows both of a round.</param>
/// <param name="Limit">The most that the ratio should be; null where it is for information.</param>
/// <param name="Unit">Of median, min and max.</param>
/// <param name="Median">The module's own measure, in the middle of all rounds.</param>
/// <param name="Min">The least of the module's own measures.</param>
/// <param name="Max">The greatest of the module's own measures.</param>
/// <param name="Rounds">How many rounds were counted.</param>
internal sealed record Figure(string Name, double Ratio, double? Limit, string Unit, double Median, double Min, double Max, int Rounds)
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Whether the ratio passes the limit: is worse than it.</summary>
    [JsonIgnore]
    public bool PassesLimit => Ratio > Limit;

    /// <summary>The figure in words.</summary>
    [JsonIgnore]
    public string Verdict => string.Format(
        CultureInfo.InvariantCulture,
        "{0,-32} {1,6:0.00}  {2}",
        Name,
        Ratio,
        Limit is null ? "" : PassesLimit ? $"PASSES its limit of {Limit.Value.ToString(CultureInfo.InvariantCulture)}" : $"within {Limit.Value.ToString(CultureInfo.InvariantCulture)}");

    /// <summary>Runs both sides in turn, and compares.</summary>
    /// <param name="name">The figure's name.</param>
    /// <param name="limit">The most that the ratio should be.</param>
    /// <param name="unit">What both sides return.</param>
    /// <param name="warmUps">Rounds that are not counted: code is compiled in them.</param>
    /// <param name="rounds">Rounds that are.</param>
    /// <param name="module">Measures the module.</param>
    /// <param name="reference">Measures what it is compared with.</param>
    public static Figure Compare(string name, double? limit, string unit, int warmUps, int rounds, Func<double> module, Func<double> reference)
    {
        var measured = new List<(double Module, double Reference)>();
        for (int round = -warmUps; round < rounds; round++)
        {
            // Who goes first changes, and neither pays for the other's garbage.
            double first = Measure(round % 2 == 0 ? module : reference);
            double second = Measure(round % 2 == 0 ? reference : module);
            if (round >= 0)
            {
                measured.Add(round % 2 == 0 ? (first, second) : (second, first));
            }
        }

        return Of(name, limit, unit, measured);
    }

    /// <summary>A figure of rounds that were measured already.</summary>
    public static Figure Of(string name, double? limit, string unit, IReadOnlyCollection<(double Module, double Reference)> rounds) => new(
        name,
        Math.Round(MedianOf(rounds.Select(round => round.Module / round.Reference)), 3),
        limit,
        unit,
        Math.Round(MedianOf(rounds.Select(round => round.Module)), 3),
        Math.Round(rounds.Min(round => round.Module), 3),
        Math.Round(rounds.Max(round => round.Module), 3),
        rounds.Count);

    /// <summary>The value in the middle.</summary>
    public static double MedianOf(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>The figure as one line of JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, s_json);

    /// <summary>Reads a line of JSON.</summary>
    public static Figure FromJson(string line) => JsonSerializer.Deserialize<Figure>(line, s_json)!;

    private static double Measure(Func<double> side)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        return side();
    }
}
