using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Client.History;
using MagicBellJwt.Client.Rotation;
using Xunit;

namespace MagicBellJwt.Client.Tests.Rotation;

public sealed class RotationJournalTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");

    private string JournalPath => Path.Combine(_folder.FullName, "state", "rotations.jsonl");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void What_was_written_is_read_again()
    {
        DateTimeOffset due = DateTimeOffset.UtcNow.AddHours(2);
        using (RotationJournal journal = RotationJournal.Open(JournalPath))
        {
            RotationEntry entry = journal.Begin("host/project", "user", "old", "näme \"1\"\n", "user 7", Guid.NewGuid(), 3600, "vault", storedByScript: true, TimeSpan.FromMinutes(90), ["before-1", "before-2"]);
            journal.Write(entry, RotationStep.Created, ("new", "fresh"), ("fingerprint", "0123456789ab"));
            journal.Write(entry, RotationStep.Storing, ("secret", "secret"));
            journal.Write(entry, RotationStep.Retiring, ("due", RotationJournal.Time(due)));
            journal.Write(entry, RotationStep.Done, ("revoked", RotationJournal.Time(due)), ("orphans", "a b"));
        }

        using RotationJournal again = RotationJournal.Open(JournalPath);
        RotationEntry read = Assert.Single(again.Entries);
        Assert.Equal(("host/project", "user", "old", "näme \"1\"\n", "user 7"), (read.Project, read.Kind, read.OldId, read.Name, read.UserId));
        Assert.Equal(("fresh", "0123456789ab", "vault", "secret", true), (read.NewId, read.Fingerprint, read.Vault, read.Secret, read.IsStoredByScript));
        Assert.Equal((RotationStep.Done, true, TimeSpan.FromMinutes(90)), (read.Step, read.IsFinished, read.Overlap));
        Assert.Equal(["a", "b"], read.PossibleOrphans);
        Assert.Equal(due, read.DueAt!.Value, TimeSpan.FromMilliseconds(1));
        Assert.Equal(due, read.OldRevokedAt!.Value, TimeSpan.FromMilliseconds(1));
        Assert.Equal(DateTimeOffset.UtcNow, read.BegunAt, TimeSpan.FromMinutes(1));
        Assert.True(read.StepAt >= read.BegunAt);
    }

    [Fact]
    public void A_line_is_in_the_file_before_the_step_is_done()
    {
        using RotationJournal journal = RotationJournal.Open(JournalPath);
        RotationEntry entry = Begin(journal);
        Assert.Single(Peek().Entries);

        journal.Write(entry, RotationStep.Created, ("new", "fresh"));

        Assert.Equal((RotationStep.Created, "fresh"), (Peek().Entries[0].Step, Peek().Entries[0].NewId));
    }

    [Fact]
    public void As_text_it_is_read_again_and_holds_what_a_later_run_has_to_know_alone()
    {
        RotationJournal journal = RotationJournal.OfText("", "prod/journal");
        Assert.Equal("", journal.Text);
        for (int night = 0; night < 5; night++)
        {
            RotationEntry entry = Begin(journal, old: $"token-{night}");
            journal.Write(entry, RotationStep.Created, ("new", $"token-{night + 1}"), ("fingerprint", "0123456789ab"));
            journal.Write(entry, RotationStep.Done);
        }

        RotationEntry last = Assert.Single(RotationJournal.OfText(journal.Text, "prod/journal").Entries);
        Assert.Equal(("token-4", "token-5", RotationStep.Done), (last.OldId, last.NewId, last.Step));

        RotationEntry unfinished = Begin(journal, old: "token-5");
        journal = RotationJournal.OfText(journal.Text, "prod/journal");
        Assert.Equal(["token-4", "token-5"], journal.Entries.Select(entry => entry.OldId));
        Assert.Equal(unfinished.Id, journal.Entries[1].Id);
    }

    [Fact]
    public void As_text_it_is_never_empty_again()
    {
        RotationJournal journal = RotationJournal.OfText("", "prod/journal");
        journal.Write(Begin(journal), RotationStep.Undone);

        Assert.Equal(RotationStep.Undone, Assert.Single(RotationJournal.OfText(journal.Text, "prod/journal").Entries).Step);
    }

    [Fact]
    public void Text_that_is_no_journal_is_refused()
    {
        MagicBellException failure = Assert.Throws<MagicBellException>(() => RotationJournal.OfText("a password", "prod/journal"));

        Assert.Equal(MagicBellError.RotationFailed, failure.Error);
        Assert.Contains("prod/journal", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("password", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_one_waits_for_nobody_and_says_so()
    {
        using (RotationJournal.Open(JournalPath))
        {
            MagicBellException failure = Assert.Throws<MagicBellException>(() => RotationJournal.Open(JournalPath));
            Assert.Equal(MagicBellError.Conflict, failure.Error);
            Assert.Contains("under way", failure.Message, StringComparison.Ordinal);
        }

        RotationJournal.Open(JournalPath).Dispose();
    }

    [Theory]
    [InlineData("{\"rotation\":\"")]
    [InlineData("{\"rotation\":\"5f2b1c1e-0000-4000-8000-000000000001\",\"step\":\"created\",\"time\":\"2026-01-01T00:00:00Z\"}")]
    [InlineData("\0\0\0\0")]
    public void A_last_line_that_a_crash_cut_short_was_never_written(string rest)
    {
        using (RotationJournal journal = RotationJournal.Open(JournalPath))
        {
            Begin(journal);
        }

        File.AppendAllText(JournalPath, rest);

        using (RotationJournal journal = RotationJournal.Open(JournalPath))
        {
            journal.Write(Assert.Single(journal.Entries), RotationStep.Undone);
        }

        Assert.Equal(RotationStep.Undone, Assert.Single(Peek().Entries).Step);
        Assert.Equal(2, File.ReadAllLines(JournalPath).Length);
    }

    [Theory]
    [InlineData("")]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("{\"step\":\"begun\",\"time\":\"2026-01-01T00:00:00Z\"}")]
    [InlineData("{\"rotation\":\"5f2b1c1e-0000-4000-8000-000000000001\",\"step\":\"dancing\",\"time\":\"2026-01-01T00:00:00Z\"}")]
    [InlineData("{\"rotation\":\"5f2b1c1e-0000-4000-8000-000000000001\",\"step\":\"17\",\"time\":\"2026-01-01T00:00:00Z\"}")]
    [InlineData("{\"rotation\":\"5f2b1c1e-0000-4000-8000-000000000001\",\"step\":\"begun\",\"time\":\"yesterday\"}")]
    [InlineData("{\"rotation\":\"5f2b1c1e-0000-4000-8000-000000000001\",\"step\":\"created\",\"time\":\"2026-01-01T00:00:00Z\"}")]
    public void Any_other_line_that_cannot_be_read_is_an_error_and_stays(string line)
    {
        using (RotationJournal journal = RotationJournal.Open(JournalPath))
        {
            Begin(journal);
        }

        File.AppendAllText(JournalPath, line + "\n");
        string before = File.ReadAllText(JournalPath);

        for (int attempt = 0; attempt < 2; attempt++)
        {
            MagicBellException failure = Assert.Throws<MagicBellException>(() => RotationJournal.Open(JournalPath));
            Assert.Equal(MagicBellError.RotationFailed, failure.Error);
            Assert.Contains("Line 2", failure.Message, StringComparison.Ordinal);
        }

        Assert.Equal(before, File.ReadAllText(JournalPath));
    }

    [Fact]
    public void A_long_journal_loses_what_is_finished_and_nothing_else()
    {
        using (RotationJournal journal = RotationJournal.Open(JournalPath))
        {
            for (int count = 0; count < 200; count++)
            {
                journal.Write(Begin(journal, "finished"), RotationStep.Done);
            }

            journal.Write(Begin(journal, "orphaned"), RotationStep.Undone, ("orphans", "lost"));
            journal.Write(Begin(journal, "retiring"), RotationStep.Retiring);
            journal.Write(Begin(journal, "successor"), RotationStep.Done);
        }

        using (RotationJournal journal = RotationJournal.Open(JournalPath))
        {
            Assert.Equal(["orphaned", "retiring", "successor"], journal.Entries.Select(entry => entry.Name));
            journal.Write(journal.Entries[1], RotationStep.Done);
        }

        Assert.Equal(7, File.ReadAllLines(JournalPath).Length);
        Assert.Equal([RotationStep.Undone, RotationStep.Done, RotationStep.Done], Peek().Entries.Select(entry => entry.Step));
        Assert.Equal(["rotations.jsonl", "rotations.jsonl.lock"], Directory.GetFiles(Path.GetDirectoryName(JournalPath)!).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Only_its_owner_can_read_it()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("There the profile's own list of rights is at work.");
            return;
        }

        using RotationJournal journal = RotationJournal.Open(JournalPath);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(JournalPath));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(JournalPath + ".lock"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(JournalPath)!));
    }

    [Fact]
    public void A_look_makes_nothing()
    {
        Assert.Empty(Peek().Entries);
        Assert.Empty(_folder.GetFileSystemInfos());
    }

    [Fact]
    public void A_journal_that_cannot_be_written_says_so()
    {
        Directory.CreateDirectory(JournalPath);

        Assert.Equal(MagicBellError.RotationFailed, Assert.Throws<MagicBellException>(() => RotationJournal.Open(JournalPath)).Error);

        using RotationJournal closed = RotationJournal.Open(JournalPath + "2");
        closed.Dispose();
        Assert.Equal(MagicBellError.RotationFailed, Assert.Throws<MagicBellException>(() => Begin(closed)).Error);
    }

    [Fact]
    public void A_temporary_journal_goes_when_nothing_in_it_is_left_to_do()
    {
        using (RotationJournal journal = RotationJournal.Open(JournalPath, isTemporary: true))
        {
            Begin(journal);
        }

        Assert.True(File.Exists(JournalPath));
        using (RotationJournal journal = RotationJournal.Open(JournalPath, isTemporary: true))
        {
            journal.Write(Assert.Single(journal.Entries), RotationStep.Done);
        }

        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(JournalPath)!));
    }

    [Fact]
    public async Task Lines_of_several_threads_do_not_mix()
    {
        using (RotationJournal journal = RotationJournal.Open(JournalPath))
        {
            await Task.WhenAll(Enumerable.Range(0, 8).Select(number => Task.Run(() =>
            {
                RotationEntry entry = Begin(journal, "thread " + number);
                journal.Write(entry, RotationStep.Created, ("new", "new " + number));
                journal.Write(entry, RotationStep.Done);
            })));
        }

        Assert.All(Peek().Entries, entry => Assert.Equal((RotationStep.Done, entry.Name!.Replace("thread", "new", StringComparison.Ordinal)), (entry.Step, entry.NewId)));
        Assert.Equal(8, Peek().Entries.Count);
    }

    [Theory]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiIxIn0.c2ln")]
    [InlineData("not a journal\n")]
    [InlineData("{\"some\":\"other json\"}\n")]
    [InlineData("{\"some\":\"other json\"")]
    [InlineData("{")]
    [InlineData("\0\0\0\0")]
    [InlineData("{\"rotation\":\"")]
    [InlineData("{\"rotation\":\"of the crops\",\"secret\":\"the only copy\"}")]
    [InlineData("{\"rotation\":\"5f2b1c1e-0000-4000-8000-000000000001\",\"step\":\"created\"")]
    public void A_file_that_is_no_journal_is_left_as_it_is(string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(JournalPath)!);
        File.WriteAllText(JournalPath, text);

        Assert.Equal(MagicBellError.RotationFailed, Assert.Throws<MagicBellException>(() => RotationJournal.Open(JournalPath).Dispose()).Error);

        Assert.Equal(text, File.ReadAllText(JournalPath));
        Assert.False(File.Exists(JournalPath + ".lock"));
    }

    [Fact]
    public void A_folder_a_link_and_a_device_are_no_journals()
    {
        string folder = Path.GetDirectoryName(JournalPath)!;
        Directory.CreateDirectory(folder);
        Assert.Throws<MagicBellException>(() => RotationJournal.Open(folder).Dispose());
        if (OperatingSystem.IsWindows())
        {
            // Making a link needs a privilege there, and there is no /dev.
            return;
        }

        string target = Path.Combine(folder, "target");
        File.WriteAllText(target, "");
        File.CreateSymbolicLink(JournalPath, target);
        Assert.Throws<MagicBellException>(() => RotationJournal.Open(JournalPath).Dispose());
        UnixFileMode before = File.GetUnixFileMode("/dev/null");
        Assert.Throws<MagicBellException>(() => RotationJournal.Open("/dev/null").Dispose());
        Assert.Equal(before, File.GetUnixFileMode("/dev/null"));
        Assert.False(File.Exists("/dev/null.lock"));
    }

    // A pipe that is opened for reading alone waits for a writer, for ever.
    [Fact]
    public async Task A_pipe_is_no_journal_and_is_not_waited_for()
    {
        string folder = Path.GetDirectoryName(JournalPath)!;
        Directory.CreateDirectory(folder);
        if (OperatingSystem.IsWindows())
        {
            // It has no pipes among its files.
            return;
        }

        using Process make = Process.Start("mkfifo", [JournalPath]);
        await make.WaitForExitAsync(TestContext.Current.CancellationToken);

        Task opening = Task.Run(() => Assert.Throws<MagicBellException>(() => RotationJournal.Open(JournalPath).Dispose()), TestContext.Current.CancellationToken);
        Task peeking = Task.Run(() => Assert.Throws<MagicBellException>(() => RotationJournal.Peek(JournalPath)), TestContext.Current.CancellationToken);
        Task reading = Task.Run(() => Assert.Throws<MagicBellException>(() => HistoryEvent.FindUnsettled(JournalPath).ToArray()), TestContext.Current.CancellationToken);
        await Task.WhenAll(opening, peeking, reading).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
    }

    [Fact]
    public void A_journal_that_is_shortened_leaves_the_files_beside_it_alone()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(JournalPath)!);
        File.WriteAllText(JournalPath + ".new", "somebody else's");
        using (RotationJournal journal = RotationJournal.Open(JournalPath))
        {
            for (int number = 0; number < 210; number++)
            {
                RotationEntry entry = journal.Begin("host/project", "project", "old", "ci", null, Guid.NewGuid(), null, null, storedByScript: true, TimeSpan.Zero, []);
                journal.Write(entry, RotationStep.Undone);
            }
        }

        RotationJournal.Open(JournalPath).Dispose();

        Assert.Equal(0, new FileInfo(JournalPath).Length);
        Assert.Equal("somebody else's", File.ReadAllText(JournalPath + ".new"));
        Assert.Equal(["rotations.jsonl", "rotations.jsonl.lock", "rotations.jsonl.new"], Directory.GetFiles(Path.GetDirectoryName(JournalPath)!).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void A_line_of_ours_that_a_crash_cut_short_is_taken_away()
    {
        using (RotationJournal journal = RotationJournal.Open(JournalPath))
        {
            Begin(journal, "old");
        }

        File.AppendAllText(JournalPath, "{\"rotation\":\"0123");

        using RotationJournal again = RotationJournal.Open(JournalPath);
        Assert.Equal("old", Assert.Single(again.Entries).OldId);
    }

    [Fact]
    public void A_first_line_of_ours_that_a_crash_cut_short_is_taken_away()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(JournalPath)!);
        File.WriteAllText(JournalPath, "{\"rotation\":\"5f2b1c1e-0000-4000-8000-000000000001\",\"step\":\"begun\",\"time\":\"2026-");

        using RotationJournal journal = RotationJournal.Open(JournalPath);
        Assert.Empty(journal.Entries);
    }

    [Fact]
    public void A_step_that_an_earlier_version_called_kept_is_read()
    {
        using (RotationJournal journal = RotationJournal.Open(JournalPath))
        {
            journal.Write(Begin(journal, "old"), RotationStep.HandedOver);
        }

        File.WriteAllText(JournalPath, File.ReadAllText(JournalPath).Replace("handedover", "kept", StringComparison.Ordinal));

        RotationEntry entry = Assert.Single(Peek().Entries);
        Assert.Equal((RotationStep.HandedOver, true), (entry.Step, entry.IsFinished));
    }

    [Fact]
    public void Each_project_has_a_file_of_its_own_whose_name_fits()
    {
        string path = RotationJournal.PathOf(new Uri("https://api.magicbell.com/v2"), "prj/../Ä b");

        Assert.Equal("api.magicbell.com_prj-..---b.rotations.jsonl", Path.GetFileName(path));
        Assert.Equal("MagicBellJwt", Path.GetFileName(Path.GetDirectoryName(path)));
        Assert.True(Path.GetFileName(RotationJournal.PathOf(new Uri("https://host"), new string('x', 500))).Length < 200);
    }

    private static RotationEntry Begin(RotationJournal journal, string name = "ci", string old = "old") =>
        journal.Begin("host/project", "project", old, name, null, Guid.NewGuid(), null, null, storedByScript: false, TimeSpan.Zero, []);

    private RotationJournal Peek() => RotationJournal.Peek(JournalPath);
}
