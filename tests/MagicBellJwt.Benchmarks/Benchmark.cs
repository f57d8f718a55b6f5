using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;
using System.Threading.Tasks;

namespace MagicBellJwt.Benchmarks;

/// <summary>One figure, and how it is measured.</summary>
/// <param name="Name">What it is called on the command line.</param>
/// <param name="Limit">The most that the ratio should be; null where it is for information.</param>
/// <param name="Compare">Measures it.</param>
internal sealed record Benchmark(string Name, double? Limit, Func<string, double?, Figure> Compare)
{
    public static IReadOnlyList<Benchmark> All { get; } =
    [
        new("list-into-variable", 2.5, ListIntoVariable),
        new("list-through-where", 5, ListThroughWhere),
        new("first-object", 2, FirstObject),
        new("memory-of-a-million", 1.15, MemoryOfAMillion),
        new("peak-of-a-million", null, PeakOfAMillion),
        new("revoke-at-latency", 1.05, RevokeAtLatency),
        new("revoke-cpu", 2, RevokeCpu),
        new("create-cpu", 2.5, CreateCpu),
        new("users-resolve", 1.5, (name, limit) => UsersResolve(name, limit, latency: 0)),
        new("users-resolve-at-latency", 1.5, (name, limit) => UsersResolve(name, limit, latency: 10)),
        new("report-all-users", 1.5, (name, limit) => ReportAllUsers(name, limit, latency: 0)),
        new("report-all-users-at-latency", 1.5, (name, limit) => ReportAllUsers(name, limit, latency: 10)),
        new("history-of-revocations", 1.05, HistoryOfRevocations),
        new("history-of-creates", 1.1, HistoryOfCreates),
        new("history-test", 0.5, HistoryTest),
        new("history-events", null, HistoryEvents),
        new("find-in-log", 4, FindInLog),
        new("import", 1.3, Import),
        new("import-and-first-call", 1.4, ImportAndFirstCall),
        new("time-a-call", 1.1, TimeACall),
        new("soak", 1.1, Soak),
        .. PowerShellLoops.IsPossible
            ? (Benchmark[])
            [
                new("list-by-invoke-restmethod", null, PowerShellLoops.List),
                new("create-by-invoke-restmethod", null, PowerShellLoops.Create),
                new("revoke-by-invoke-restmethod", null, PowerShellLoops.RevokeInTurn),
                new("revoke-by-foreach-parallel", null, PowerShellLoops.RevokeInParallel),
            ]
            : [],
    ];

    public Figure Measure() => Compare(Name, Limit);

    private static Figure ListIntoVariable(string name, double? limit)
    {
        using Server server = Server.WithProjectTokens(100_000);
        using Engine engine = Engine.WithModule(server);
        using var client = new HandWritten(server);
        return Figure.Compare(
            name,
            limit,
            "ms",
            warmUps: 2,
            rounds: 9,
            () => WallOf(() => Expect(100_000, (int)engine.Measure("$tokens = Get-MbProjectToken; [double]$tokens.Count"))),
            () => WallOf(() => Expect(100_000, Wait(client.ListAsync("jwt/project")).Count)));
    }

    private static Figure ListThroughWhere(string name, double? limit)
    {
        using Server server = Server.WithProjectTokens(100_000);
        using Engine engine = Engine.WithModule(server);
        using var client = new HandWritten(server);
        return Figure.Compare(
            name,
            limit,
            "ms",
            warmUps: 2,
            rounds: 9,
            () => WallOf(() => Expect(1, engine.Run("Get-MbProjectToken | Where-Object { $_.Name -eq 'seed 777' }").Count)),
            () => WallOf(() => Expect(1, Wait(CountAsync(client.StreamAsync("jwt/project"), token => token.Name == "seed 777")))));

        static async Task<int> CountAsync(IAsyncEnumerable<HandWritten.Token> tokens, Func<HandWritten.Token, bool> isWanted)
        {
            int count = 0;
            await foreach (HandWritten.Token token in tokens)
            {
                count += isWanted(token) ? 1 : 0;
            }

            return count;
        }
    }

    private static Figure FirstObject(string name, double? limit)
    {
        const int Repeats = 25;
        using Server server = Server.WithProjectTokens(100_000);
        using Engine engine = Engine.WithModule(server);
        using var client = new HandWritten(server);
        return Figure.Compare(
            name,
            limit,
            "ms",
            warmUps: 4,
            rounds: 15,
            () => Figure.MedianOf(engine.Run(
                """
                param($repeats)
                foreach ($repeat in 1..$repeats) {
                    $start = [Diagnostics.Stopwatch]::GetTimestamp()
                    do { Get-MbProjectToken | ForEach-Object { [Diagnostics.Stopwatch]::GetElapsedTime($start).TotalMilliseconds; break } } while ($false)
                }
                """,
                Repeats).Select(time => (double)time.BaseObject)),
            () => Figure.MedianOf(Enumerable.Range(0, Repeats).Select(_ => WallOf(() => Expect(100, Wait(client.FirstPageAsync("jwt/project")).Data.Count)))));
    }

    // What is alive at the last object of a list, after a full collection: what the module keeps.
    private static Figure MemoryOfAMillion(string name, double? limit) => OfAMillion(name, limit, ChildProcess.LiveAtTheEndOfListing);

    // The peak of the working set: what the collector lets pile up, which differs from machine to machine.
    private static Figure PeakOfAMillion(string name, double? limit) => OfAMillion(name, limit, ChildProcess.PeakOfListing);

    private static Figure OfAMillion(string name, double? limit, Func<Server, int, double> measure)
    {
        const int Million = 1_000_000;
        const int Thousands = 10_000;
        using Server million = Server.WithProjectTokens(Million);
        using Server thousands = Server.WithProjectTokens(Thousands);
        return Figure.Compare(name, limit, "MiB", warmUps: 0, rounds: 3, () => measure(million, Million), () => measure(thousands, Thousands));
    }

    private static Figure RevokeAtLatency(string name, double? limit) => Revoke(name, limit, warmUps: 1, rounds: 7, latency: 50, WallOf);

    private static Figure RevokeCpu(string name, double? limit) => Revoke(name, limit, warmUps: 4, rounds: 15, latency: 0, CpuOf);

    private static Figure Revoke(string name, double? limit, int warmUps, int rounds, int latency, Func<Action, double> measure)
    {
        const int Count = 1000;
        using Server server = Server.WithUserTokens(users: 2 * (warmUps + rounds), Count, latency);
        using Engine engine = Engine.WithModule(server);
        using var client = new HandWritten(server);
        int user = 0;
        return Figure.Compare(
            name,
            limit,
            "ms",
            warmUps,
            rounds,
            () => Measure(ids => Expect(Count, (int)engine.Measure("param($ids) $revoked = $ids | Remove-MbUserToken -Force -PassThru -ThrottleLimit 16; [double]$revoked.Count", [ids]))),
            () => Measure(ids => Wait(client.RevokeAsync(ids, 16))));

        double Measure(Action<string[]> revoke)
        {
            string[] ids = IdsOf(client, user++);
            return measure(() => revoke(ids));
        }
    }

    // With a history that is flushed to the disk, against none at all.
    private static Figure HistoryOfRevocations(string name, double? limit)
    {
        const int Count = 1000;
        const int WarmUps = 1;
        const int Rounds = 7;
        using Server server = Server.WithUserTokens(users: 2 * (WarmUps + Rounds), Count, latency: 50);
        using var folder = new TemporaryFolder();
        using Engine with = folder.Recording(server);
        using Engine without = folder.NotRecording(server);
        using var client = new HandWritten(server);
        int user = 0;
        return Figure.Compare(name, limit, "ms", WarmUps, Rounds, () => Measure(with), () => Measure(without));

        double Measure(Engine engine)
        {
            string[] ids = IdsOf(client, user++);
            return WallOf(() => Expect(Count, (int)engine.Measure("param($ids) $revoked = $ids | Remove-MbUserToken -Force -PassThru -ThrottleLimit 16; [double]$revoked.Count", [ids])));
        }
    }

    private static Figure HistoryOfCreates(string name, double? limit)
    {
        string[] names = [.. Enumerable.Range(1, 100).Select(number => FormattableString.Invariant($"benchmark {number}"))];
        using Server server = Server.Start("--latency", "50");
        using var folder = new TemporaryFolder();
        using Engine with = folder.Recording(server);
        using Engine without = folder.NotRecording(server);
        return Figure.Compare(name, limit, "ms", warmUps: 1, rounds: 5, () => Measure(with), () => Measure(without));

        double Measure(Engine engine) => WallOf(() => Expect(names.Length, (int)engine.Measure("param($names) $created = $names | New-MbProjectToken -ExpiresIn 1d; [double]$created.Count", [names])));
    }

    private static Figure HistoryTest(string name, double? limit) => OfAMillionLines(name, limit, "[double][int](Test-MbTokenHistory -Path $path)", 1);

    private static Figure HistoryEvents(string name, double? limit) => OfAMillionLines(name, limit, "[double](Get-MbTokenHistory -Path $path | Measure-Object).Count", 500_000);

    private static Figure OfAMillionLines(string name, double? limit, string script, int result)
    {
        using var folder = new TemporaryFolder();
        folder.WriteHistory(1_000_000);
        using var engine = new Engine();
        engine.Import(Repository.Manifest);
        return Figure.Compare(
            name,
            limit,
            "ms",
            warmUps: 1,
            rounds: 3,
            () => WallOf(() => Expect(result, (int)engine.Measure("param($path) " + script, folder.History))),
            () => WallOf(() => Expect(1_000_000, (int)engine.Measure("param($path) [double](Get-Content (Join-Path (Split-Path $path) 'history*.jsonl') | Measure-Object).Count", folder.History))));
    }

    // Against the least that any search by lines does, with the processor's own instructions for it: count the lines and look for a token's first three letters.
    private static Figure FindInLog(string name, double? limit)
    {
        using var folder = new TemporaryFolder();
        string log = folder.WriteLog(256 << 20);
        using var engine = new Engine();
        engine.Import(Repository.Manifest);
        return Figure.Compare(
            name,
            limit,
            "ms",
            warmUps: 1,
            rounds: 7,
            () => WallOf(() => Expect(1, (int)engine.Measure("param($path) [double]@(Find-MbLeakedToken -Path $path).Count", log))),
            () => WallOf(() => Expect(1, CountIn(log))));

        static int CountIn(string path)
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1, FileOptions.SequentialScan);
            byte[] buffer = new byte[512 * 1024];
            int found = 0;
            long lines = 0;
            for (int count = file.Read(buffer); count > 0; count = file.Read(buffer))
            {
                ReadOnlySpan<byte> rest = buffer.AsSpan(0, count);
                lines += rest.Count((byte)'\n');
                for (int at = rest.IndexOf("eyJ"u8); at >= 0; at = rest.IndexOf("eyJ"u8))
                {
                    found++;
                    rest = rest[(at + 3)..];
                }
            }

            return lines > 0 ? found : 0;
        }
    }

    private static Figure CreateCpu(string name, double? limit)
    {
        string[] names = [.. Enumerable.Range(1, 1000).Select(number => FormattableString.Invariant($"benchmark {number}"))];
        using Server server = Server.Start();
        using Engine engine = Engine.WithModule(server);
        using var client = new HandWritten(server);
        return Figure.Compare(
            name,
            limit,
            "ms",
            warmUps: 4,
            rounds: 15,
            () => CpuOf(() => Expect(names.Length, (int)engine.Measure("param($names) $created = $names | New-MbProjectToken; [double]$created.Count", [names]))),
            () => CpuOf(() => Expect(names.Length, Wait(client.CreateAsync(names)).Count)));
    }

    // 5,000 leavers of a file among 20,000 users, whoever they are; by hand the list is read once and looked up in.
    private static Figure UsersResolve(string name, double? limit, int latency)
    {
        const int Users = 20_000;
        const int Wanted = 5_000;
        using Server server = Server.Start("--seed-users", FormattableString.Invariant($"{Users}"), "--latency", FormattableString.Invariant($"{latency}"));
        using Engine engine = Engine.WithModule(server);
        using var client = new HandWritten(server);
        string[] emails = [.. Enumerable.Range(1, Wanted).Select(number => FormattableString.Invariant($"USER{number * (Users / Wanted)}@example.com"))];
        string file = Path.GetTempFileName();
        File.WriteAllLines(file, emails.Prepend("Email"));
        try
        {
            return Figure.Compare(
                name,
                limit,
                "ms",
                warmUps: 2,
                rounds: 9,
                () => WallOf(() => Expect(Wanted, (int)engine.Measure("param($file) $users = Import-Csv $file | Get-MbUser; [double]$users.Count", [file]))),
                () => WallOf(() => Expect(Wanted, Wait(client.FindUsersAsync(File.ReadAllLines(file)[1..])).Count)));
        }
        finally
        {
            File.Delete(file);
        }
    }

    // Each of 2,000 users' lists, eight at a time; by hand without a judgement of them.
    private static Figure ReportAllUsers(string name, double? limit, int latency)
    {
        const int Users = 2_000;
        using Server server = Server.Start("--seed-users", FormattableString.Invariant($"{Users}:2"), "--latency", FormattableString.Invariant($"{latency}"));
        using Engine engine = Engine.WithModule(server);
        using var client = new HandWritten(server);
        return Figure.Compare(
            name,
            limit,
            "ms",
            warmUps: 2,
            rounds: 9,
            () => WallOf(() => Expect((2 * Users) + 1, (int)engine.Measure("$rows = Get-MbTokenReport -AllUsers; [double]$rows.Count"))),
            () => WallOf(() => Expect(2 * Users, Wait(client.ListOfAllUsersAsync(8)).Count)));
    }

    private static Figure Import(string name, double? limit)
    {
        using var folders = new ModuleFolders();
        string oneCmdlet = folders.OneCmdlet();
        return Figure.Compare(name, limit, "ms", warmUps: 1, rounds: 15, () => ChildProcess.Import(Repository.Manifest), () => ChildProcess.Import(oneCmdlet));
    }

    private static Figure ImportAndFirstCall(string name, double? limit)
    {
        using var folders = new ModuleFolders();
        string flat = folders.Flat();
        using Server server = Server.Start();
        return Figure.Compare(name, limit, "ms", warmUps: 1, rounds: 15, () => ChildProcess.ImportAndCall(Repository.Manifest, server), () => ChildProcess.ImportAndCall(flat, server));
    }

    // Against itself: what takes longer the longer a pipeline runs has something that grows.
    private static Figure TimeACall(string name, double? limit)
    {
        const int Rounds = 3;
        using Server server = Server.WithUserTokens(Rounds, 40_000);
        using Engine engine = Engine.WithModule(server);
        using var client = new HandWritten(server);
        return Figure.Of(name, limit, "ms", [.. Enumerable.Range(0, Rounds).Select(user =>
        {
            double[] times = [.. engine.Run(
                """
                param($ids)
                $done = 0
                $start = [Diagnostics.Stopwatch]::GetTimestamp()
                $ids | Remove-MbUserToken -Force -PassThru | ForEach-Object {
                    $done++
                    if ($done -eq 10000 -or $done -eq 20000 -or $done -eq 40000) { [Diagnostics.Stopwatch]::GetElapsedTime($start).TotalMilliseconds }
                }
                """,
                [IdsOf(client, user)]).Select(time => (double)time.BaseObject)];
            return ((times[2] - times[1]) / 20_000, (times[1] - times[0]) / 10_000);
        })]);
    }

    // Against itself too: what a long run beside faults leaves behind.
    private static Figure Soak(string name, double? limit)
    {
        const int Operations = 200_000;
        const int WarmUp = 20_000;
        using Server server = Server.Start(["--seed-user", "usr_1:12", "--seed-user", "usr_2:12", "--seed-user", "usr_3:3", "--seed-user", "usr_4:0", .. SoakWork.Faults.SelectMany(fault => new[] { "--fault", fault })]);
        using Engine engine = Engine.WithModule(server);
        engine.Run("$global:ErrorActionPreference = 'SilentlyContinue'");
        (double Memory, int Handles) before = default;
        for (int done = 0; done < Operations; done += SoakWork.Operations)
        {
            engine.Run("param($address, $token) " + SoakWork.Script, server.Address, new NetworkCredential("", server.Token).SecurePassword);
            if (done <= WarmUp && done + SoakWork.Operations > WarmUp)
            {
                before = Left();
            }
        }

        (double Memory, int Handles) after = Left();

        // Sockets are handles too; a few more or less are open at any time.
        return after.Handles <= before.Handles + 24
            ? Figure.Of(name, limit, "MiB", [(after.Memory, before.Memory)])
            : throw new InvalidOperationException(FormattableString.Invariant($"{after.Handles} handles where {before.Handles} were."));

        (double Memory, int Handles) Left()
        {
            // The engine keeps the last 256 errors, and with them what they were about: none of the module's doing.
            engine.Run("$global:Error.Clear()");
            double memory = Memory.Live();
            using var self = Process.GetCurrentProcess();
            return (memory, self.HandleCount);
        }
    }

    private static string[] IdsOf(HandWritten client, int user) =>
        [.. Wait(client.ListAsync(FormattableString.Invariant($"jwt/user/user-{user}"))).Select(token => token.Id)];

    private static double WallOf(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static double CpuOf(Action action)
    {
        TimeSpan start = Environment.CpuUsage.TotalTime;
        action();
        return (Environment.CpuUsage.TotalTime - start).TotalMilliseconds;
    }

    private static void Wait(Task task) => task.GetAwaiter().GetResult();

    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();

    private static void Expect(int expected, int actual)
    {
        if (actual != expected)
        {
            throw new InvalidOperationException(FormattableString.Invariant($"{actual} results where {expected} belong."));
        }
    }
}
