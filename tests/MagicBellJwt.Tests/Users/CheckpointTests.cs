using System;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Users;

/// <summary>Get-MbTokenReport -Checkpoint: an audit that was interrupted goes on, and what it writes in the end is the whole report.</summary>
public sealed class CheckpointTests : IAsyncLifetime
{
    private const string Audit = "Get-MbTokenReport -AllUsers -Checkpoint $file";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");
    private readonly TestHost _host = new();
    private ServerProcess _server = null!;
    private PowerShellEngine _engine = null!;

    private string Checkpoint => Path.Combine(_folder.FullName, "audit.jsonl");

    public async ValueTask InitializeAsync()
    {
        _server = await ServerProcess.StartAsync("--seed-users", "60:2", "--keep-requests", "100000");
        _engine = PowerShellEngine.ConnectedTo(_server, _host, "-Name audited");
        _engine.Run("$file = $path", ("path", Checkpoint)).MustSucceed();
        await _server.ResetAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _engine.Dispose();
        await _server.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task An_audit_that_was_interrupted_goes_on_and_writes_the_whole_report()
    {
        string[] whole = [.. _engine.Run("Get-MbTokenReport -AllUsers").MustSucceed().Select(Row).Order()];
        await _server.FailAsync("GET /v2/jwt/user/* never skip=30");
        using (RunningScript running = _engine.Start(Audit))
        {
            Assert.True(await Eventually.IsAsync(async () => (await _server.RequestsAsync()).Count(request => request.Fault is not null) >= 8));
            running.Stop();
        }

        Assert.Contains(_host.Lines, line => line.Contains("Call again with the same -Checkpoint", StringComparison.Ordinal));
        await _server.ResetAsync();

        Run run = _engine.Run(Audit);

        Assert.Equal(whole, run.MustSucceed().Select(Row).Order());
        Assert.Contains(run.Warnings, warning => warning.Contains("31 lists are judged as they were then", StringComparison.Ordinal));
        Assert.Equal(30, await ListsReadAsync());

        // That one came to its end: the next one begins anew.
        await _server.ResetAsync();
        run = _engine.Run(Audit);
        Assert.Equal(121, run.MustSucceed().Count);
        Assert.DoesNotContain(run.Warnings, warning => warning.Contains("goes on", StringComparison.Ordinal));
        Assert.Equal(60, await ListsReadAsync());
        Assert.DoesNotContain("eyJ", await File.ReadAllTextAsync(Checkpoint, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_that_could_not_be_read_is_read_by_the_next_run()
    {
        string broken = (await _server.UsersAsync())[3].Id;
        await _server.FailAsync($"GET /v2/jwt/user/{broken}* 400");
        Assert.Equal(broken, _engine.Run(Audit).Error.TargetObject);
        await _server.ResetAsync();

        // As a crash leaves it, in the middle of a line.
        string text = await File.ReadAllTextAsync(Checkpoint, TestContext.Current.CancellationToken);
        await File.AppendAllTextAsync(Checkpoint, "{\"list\":\"usr", TestContext.Current.CancellationToken);
        Run run = _engine.Run(Audit);

        Assert.Equal(121, run.MustSucceed().Count);
        Assert.Equal(1, await ListsReadAsync());
        Assert.StartsWith(text, await File.ReadAllTextAsync(Checkpoint, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("notes of mine")]
    [InlineData("notes of mine\n")]
    [InlineData("{\"v\":2}\n")]
    [InlineData("{\"v\":1,\"project\":\"elsewhere/x\",\"begun\":\"2026-11-28T10:00:00Z\"}\n")]
    public async Task A_file_that_is_no_checkpoint_of_this_project_is_left_as_it_is(string text)
    {
        await File.WriteAllTextAsync(Checkpoint, text, TestContext.Current.CancellationToken);

        Run run = _engine.Run(Audit);

        Assert.StartsWith("MbInvalidRequest,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(run.Output);
        Assert.Empty(await _server.RequestsAsync());
        Assert.Equal(text, await File.ReadAllTextAsync(Checkpoint, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("notes of mine")]
    [InlineData("{\"notes\":1}")]
    [InlineData("{\"done\":\"2026-11-28T10:00:00Z\"}\nnotes of mine\n")]
    public async Task What_somebody_else_wrote_after_its_lines_stays(string rest)
    {
        string broken = (await _server.UsersAsync())[3].Id;
        await _server.FailAsync($"GET /v2/jwt/user/{broken}* 400");
        _engine.Run(Audit);
        await File.AppendAllTextAsync(Checkpoint, rest, TestContext.Current.CancellationToken);

        Run run = _engine.Run(Audit);

        Assert.StartsWith("MbInvalidRequest,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.EndsWith(rest, await File.ReadAllTextAsync(Checkpoint, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private static string Row(PSObject row) =>
        $"{row.Id()} {row.Get<string>("Name")} {row.Get<string>("Email")} {row.Get<DateTimeOffset>("CreatedAt"):o} {row.Get<DateTimeOffset?>("ExpiresAt"):o} {row.Get<string>("Severity")} {row.Get<string>("Findings")}";

    private async Task<int> ListsReadAsync() => (await _server.RequestsAsync()).Count(request => request.Target.StartsWith("/v2/jwt/user/", StringComparison.Ordinal));
}
