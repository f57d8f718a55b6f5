using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Client.History;
using Xunit;

namespace MagicBellJwt.Client.Tests.History;

/// <summary>A history is one chain of whole lines, whoever writes it and whatever becomes of the writers.</summary>
public sealed class HistoryFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");

    private string HistoryPath => Path.Combine(_folder.FullName, "state", "history.jsonl");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Lines_are_numbered_and_chained()
    {
        var file = new HistoryFile(HistoryPath);
        for (int number = 1; number <= 3; number++)
        {
            Assert.Equal(number, await AppendAsync(file, "line \"1\"\n☃"));
        }

        Assert.Equal(3, File.ReadAllLines(HistoryPath).Length);
        Assert.True(Check().IsWhole);
        Assert.Equal(3, Check().Lines);
    }

    [Fact]
    public async Task Many_writers_in_one_process_make_one_chain()
    {
        HistoryFile[] files = [.. Enumerable.Range(0, 4).Select(_ => new HistoryFile(HistoryPath))];
        var numbers = new ConcurrentBag<long>();
        await Task.WhenAll(Enumerable.Range(0, 400).Select(async index => numbers.Add(await AppendAsync(files[index % files.Length], "x"))));

        Assert.Equal(Enumerable.Range(1, 400).Select(number => (long)number), numbers.Order());
        Assert.True(Check().IsWhole);
    }

    [Fact]
    public async Task What_waits_is_written_in_one_go()
    {
        // Nobody gets a turn while the lock is held: all of them wait, and are written together after it.
        var file = new HistoryFile(HistoryPath);
        await AppendAsync(file, "first");
        Task<long>[] waiting;
        DateTime before;
        using (new FileStream(HistoryPath + ".lock", FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            waiting = [.. Enumerable.Range(0, 50).Select(_ => AppendAsync(file, "x"))];
            before = File.GetLastWriteTimeUtc(HistoryPath);
            await Task.Delay(50, TestContext.Current.CancellationToken);
            Assert.Equal(before, File.GetLastWriteTimeUtc(HistoryPath));
        }

        await Task.WhenAll(waiting);
        Assert.Equal(51, Check().Lines);
        Assert.True(Check().IsWhole);
    }

    [Fact]
    public async Task Who_is_stopped_while_waiting_writes_nothing()
    {
        var file = new HistoryFile(HistoryPath);
        await AppendAsync(file, "first");
        using var stop = new CancellationTokenSource();
        Task<long> waiting;
        using (new FileStream(HistoryPath + ".lock", FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            waiting = file.AppendAsync(DateTimeOffset.UtcNow, [new("op", "stopped")], isAnnouncement: true, stop.Token);
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        }

        await AppendAsync(file, "second");
        Assert.Equal(2, Check().Lines);
        Assert.DoesNotContain("stopped", await File.ReadAllTextAsync(HistoryPath, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"v\":1,\"se")]
    [InlineData("{\"v\":1,\"seq\":3,\"prev\":\"0\",\"time\":\"2026-01-01T00:00:00Z\"}")]
    [InlineData("\0\0\0\0")]
    public async Task A_half_line_is_mended_by_the_next_writer_and_told(string rest)
    {
        await AppendAsync(new HistoryFile(HistoryPath), "first");
        File.AppendAllText(HistoryPath, rest);
        Assert.False(Check().IsWhole);
        Assert.Contains("cut short", Assert.Single(Check().Problems), StringComparison.Ordinal);

        var told = new List<string>();
        await AppendAsync(new HistoryFile(HistoryPath) { Notify = told.Add }, "second");

        Assert.Contains("cut short", Assert.Single(told), StringComparison.Ordinal);
        Assert.True(Check().IsWhole);
        Assert.Equal(3, Check().Lines);
        Assert.Contains($"{Encoding.UTF8.GetByteCount(rest)} bytes after line 1", File.ReadAllLines(HistoryPath)[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_half_line_of_a_new_history_is_mended_too()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(HistoryPath)!);
        File.WriteAllText(HistoryPath, $"{{\"v\":1,\"seq\":1,\"prev\":\"{new string('0', 64)}\",\"time\":\"20");
        await AppendAsync(new HistoryFile(HistoryPath), "first");
        Assert.True(Check().IsWhole);
        Assert.Equal(2, Check().Lines);
    }

    [Theory]
    [InlineData("these are my notes")]
    [InlineData("a,b\n1,2\n")]
    [InlineData("\0\0\0\0")]
    [InlineData("{")]
    [InlineData("{\"v\":1")]
    [InlineData("{\"v\":1,\"seq\":")]
    [InlineData("{\"v\":1,\"seq\":1,\"prev\":\"")]
    [InlineData("{\"v\":1,\"seq\":1,\"secret\":\"the only copy\"}")]
    [InlineData("{\"v\":1,\"seq\":7,\"prev\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"time\":\"2026-01-01T00:00:00Z\"}")]
    public async Task Another_file_is_not_touched(string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(HistoryPath)!);
        File.WriteAllText(HistoryPath, text);
        await Assert.ThrowsAsync<InvalidDataException>(() => AppendAsync(new HistoryFile(HistoryPath), "x"));
        Assert.Equal(text, File.ReadAllText(HistoryPath));
    }

    [Theory]
    [InlineData("my notes")]
    [InlineData("\0\0 and more")]
    [InlineData("{\"notes\":1}")]
    public async Task What_somebody_else_wrote_after_its_last_line_stays(string rest)
    {
        await AppendAsync(new HistoryFile(HistoryPath), "first");
        File.AppendAllText(HistoryPath, rest);

        await Assert.ThrowsAsync<InvalidDataException>(() => AppendAsync(new HistoryFile(HistoryPath), "second"));

        Assert.EndsWith(rest, File.ReadAllText(HistoryPath), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_goes_on_in_the_next_file_when_one_is_full()
    {
        HistoryFile[] files = [.. Enumerable.Range(0, 3).Select(_ => new HistoryFile(HistoryPath, longestFile: 2000))];
        for (int number = 0; number < 60; number++)
        {
            await AppendAsync(files[number % files.Length], "x");
        }

        Assert.True(File.Exists(HistoryFile.FileOf(HistoryPath, 3)));
        Assert.EndsWith("history.3.jsonl", HistoryFile.FileOf(HistoryPath, 3), StringComparison.Ordinal);
        Assert.True(Check().IsWhole);
        Assert.Equal(60, Check().Lines);

        await AppendAsync(new HistoryFile(HistoryPath, longestFile: 2000), "a later session");
        Assert.True(Check().IsWhole);

        // A file in the middle that is taken away is missed.
        File.Delete(HistoryFile.FileOf(HistoryPath, 2));
        Assert.False(Check().IsWhole);
    }

    [Fact]
    public async Task A_file_that_is_taken_away_is_not_begun_anew()
    {
        var file = new HistoryFile(HistoryPath);
        await AppendAsync(file, "first");
        File.Delete(HistoryPath);
        IOException failure = await Assert.ThrowsAsync<IOException>(() => AppendAsync(file, "second"));
        Assert.Contains("taken away", failure.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(HistoryPath));
    }

    [Fact]
    public async Task A_file_that_was_cut_is_not_gone_on_with()
    {
        var file = new HistoryFile(HistoryPath);
        await AppendAsync(file, "first");
        await AppendAsync(file, "second");
        string[] lines = File.ReadAllLines(HistoryPath);
        File.WriteAllText(HistoryPath, lines[0] + "\n");
        await Assert.ThrowsAsync<IOException>(() => AppendAsync(file, "third"));
    }

    [Fact]
    public async Task A_clock_that_was_set_back_is_told_and_the_order_stays()
    {
        var told = new List<string>();
        var file = new HistoryFile(HistoryPath) { Notify = told.Add };
        await file.AppendAsync(DateTimeOffset.UtcNow, [new("op", "a")], isAnnouncement: true, CancellationToken.None);
        await file.AppendAsync(DateTimeOffset.UtcNow.AddHours(-1), [new("op", "b")], isAnnouncement: true, CancellationToken.None);
        Assert.Contains("clock", Assert.Single(told), StringComparison.Ordinal);
        Assert.True(Check().IsWhole);
        Assert.Equal(["a", "b"], HistoryEvent.Read(HistoryPath, Assert.Fail).Select(recorded => recorded["op"]));
    }

    [Theory]
    [InlineData("/dev/null")]
    [InlineData("/dev/full")]
    public async Task A_device_is_refused(string path)
    {
        Assert.SkipUnless(File.Exists(path), "There is no such device here.");
        await Assert.ThrowsAsync<IOException>(() => AppendAsync(new HistoryFile(path), "x"));
        Assert.False(File.Exists(path + ".lock"));
    }

    [Fact]
    public async Task A_folder_and_a_link_are_refused()
    {
        Directory.CreateDirectory(HistoryPath);
        await Assert.ThrowsAsync<IOException>(() => AppendAsync(new HistoryFile(HistoryPath), "x"));
        string link = Path.Combine(_folder.FullName, "link.jsonl");
        if (!OperatingSystem.IsWindows())
        {
            File.WriteAllText(Path.Combine(_folder.FullName, "elsewhere"), "");
            File.CreateSymbolicLink(link, Path.Combine(_folder.FullName, "elsewhere"));
            await Assert.ThrowsAsync<IOException>(() => AppendAsync(new HistoryFile(link), "x"));
        }
    }

    [Fact]
    public async Task Only_its_owner_can_read_it()
    {
        await AppendAsync(new HistoryFile(HistoryPath), "x");
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(HistoryPath));
        }
    }

    [Fact]
    public async Task A_reader_sees_what_is_written_while_it_reads_and_holds_nobody_up()
    {
        var file = new HistoryFile(HistoryPath);
        await AppendAsync(file, "1");
        using IEnumerator<HistoryEvent> reader = HistoryEvent.Read(HistoryPath, Assert.Fail).GetEnumerator();
        Assert.True(reader.MoveNext());
        await AppendAsync(file, "2");
        Assert.True(reader.MoveNext());
        Assert.False(reader.MoveNext());
    }

    private HistoryCheck Check() => HistoryCheck.Run(HistoryPath, null, () => false);

    private static Task<long> AppendAsync(HistoryFile file, string text) => file.AppendAsync(DateTimeOffset.UtcNow, [new("op", text), new("none", null)], isAnnouncement: true, CancellationToken.None);
}
