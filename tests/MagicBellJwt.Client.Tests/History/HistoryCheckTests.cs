using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Client.History;
using Xunit;

namespace MagicBellJwt.Client.Tests.History;

/// <summary>What a chain proves, and what only an anchor does.</summary>
public sealed class HistoryCheckTests : IAsyncLifetime
{
    private const int Lines = 30;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");
    private string[] _lines = [];

    private string HistoryPath => Path.Combine(_folder.FullName, "history.jsonl");

    public async ValueTask InitializeAsync()
    {
        var file = new HistoryFile(HistoryPath);
        for (int number = 0; number < Lines; number++)
        {
            await file.AppendAsync(DateTimeOffset.UtcNow, [new("op", "DiscardProjectJwt"), new("id", Guid.NewGuid())], isAnnouncement: true, CancellationToken.None);
        }

        _lines = File.ReadAllLines(HistoryPath);
    }

    public ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return default;
    }

    [Fact]
    public void A_whole_one_is_whole_with_each_of_its_hashes_as_the_anchor()
    {
        Assert.True(Check().IsWhole);
        Assert.All(HistoryEvent.Read(HistoryPath, Assert.Fail), recorded => Assert.True(Check(recorded.Last.Hash.ToUpperInvariant()).IsWhole));
        Assert.Equal(HistoryEvent.Read(HistoryPath, Assert.Fail).Last().Last.Hash, Check().LastHash);
        Assert.False(Check(new string('a', 64)).IsWhole);
    }

    // Every byte of a line in the middle, in turn.
    [Fact]
    public void A_flipped_byte_is_seen_wherever_it_is()
    {
        byte[] bytes = File.ReadAllBytes(HistoryPath);
        int start = _lines.Take(10).Sum(line => line.Length + 1);
        for (int at = start; at <= start + _lines[10].Length; at++)
        {
            byte[] changed = [.. bytes];
            changed[at] ^= 1;
            File.WriteAllBytes(HistoryPath, changed);
            Assert.False(Check().IsWhole, $"Byte {at - start} of '{_lines[10]}'.");
        }
    }

    public static TheoryData<string, string> Changes => new()
    {
        { "cut", "Line 11" },
        { "swapped", "Line 11" },
        { "doubled", "Line 12" },
        { "first gone", "Line 1" },
        { "put in", "Line 12" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void A_changed_order_is_seen_and_placed(string change, string place)
    {
        var lines = new List<string>(_lines);
        switch (change)
        {
            case "cut":
                lines.RemoveAt(10);
                break;
            case "swapped":
                (lines[10], lines[11]) = (lines[11], lines[10]);
                break;
            case "doubled":
                lines.Insert(10, lines[10]);
                break;
            case "first gone":
                lines.RemoveAt(0);
                break;
            default:
                lines.Insert(11, lines[10].Replace("DiscardProjectJwt", "CreateProjectJwt", StringComparison.Ordinal));
                break;
        }

        Write(lines);
        HistoryCheck check = Check();
        Assert.False(check.IsWhole);
        Assert.StartsWith(place + " of " + HistoryPath, check.Problems[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_that_are_cut_off_the_end_are_missed_by_the_anchor_alone()
    {
        string anchor = Check().LastHash;
        Write(_lines.SkipLast(10));
        Assert.True(Check().IsWhole);
        HistoryCheck check = Check(anchor);
        Assert.False(check.IsWhole);
        Assert.Contains("cut off", Assert.Single(check.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_history_that_was_written_anew_is_missed_by_the_anchor_alone()
    {
        string anchor = Check().LastHash;
        File.Delete(HistoryPath);
        await new HistoryFile(HistoryPath).AppendAsync(DateTimeOffset.UtcNow, [new("op", "DiscardProjectJwt")], isAnnouncement: true, CancellationToken.None);
        Assert.True(Check().IsWhole);
        Assert.False(Check(anchor).IsWhole);
    }

    [Fact]
    public void An_empty_and_a_missing_one_are_not_whole()
    {
        File.WriteAllText(HistoryPath, "");
        Assert.False(Check().IsWhole);
        File.Delete(HistoryPath);
        Assert.Equal(MagicBellError.HistoryFailed, Assert.Throws<MagicBellException>(() => Check()).Error);
    }

    [Fact]
    public void A_line_without_an_end_is_no_history()
    {
        File.WriteAllText(HistoryPath, new string('x', 3 << 20));
        Assert.Equal(MagicBellError.HistoryFailed, Assert.Throws<MagicBellException>(() => Check()).Error);
    }

    private HistoryCheck Check(string? anchor = null) => HistoryCheck.Run(HistoryPath, anchor, () => false);

    private void Write(IEnumerable<string> lines) => File.WriteAllText(HistoryPath, string.Join('\n', lines) + "\n", new UTF8Encoding(false));
}
