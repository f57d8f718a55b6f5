using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Net.Http;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox.Server;
using Xunit;

namespace MagicBellJwt.Client.Tests.Sandbox;

/// <summary>The server as a program of its own.</summary>
public sealed class SandboxServerProgramTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sandbox-server-");
    private readonly List<Process> _processes = [];

    private string TokenFile => Path.Combine(_folder.FullName, "administrator.jwt");

    public void Dispose()
    {
        foreach (Process process in _processes)
        {
            if (!process.HasExited)
            {
                process.Kill();
                process.WaitForExit();
            }

            process.Dispose();
        }

        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task It_says_where_it_listens_serves_with_the_token_in_the_file_and_stops_on_SIGTERM()
    {
        Process process = Start("--urls", "http://127.0.0.1:0", "--admin-token-file", TokenFile, "--seed-project-tokens", "30", "--seed-user", "team:a:2", "--seed-users", "60:1", "--user-query", "exact", "--user-query-minds-case");
        Uri address = await ListeningAsync(process);
        string token = await File.ReadAllTextAsync(TokenFile, TestContext.Current.CancellationToken);
        using (var http = new HttpClient { BaseAddress = address })
        using (var client = new PlainClient(http, token))
        {
            Assert.Equal(25, (await client.GetAsync("jwt/project")).Ids.Length);
            Assert.Equal(["seed 2", "seed 1"], (await client.GetAsync("jwt/user/team%3Aa")).Names);
            Assert.Equal(201, (await client.PostAsync("jwt/project", new { name = "ci" })).Status);
            Assert.Equal(50, (await client.GetAsync("users")).Ids.Length);
            string id = Assert.Single((await client.GetAsync("users?query=user7@example.com")).Ids);
            Assert.Empty((await client.GetAsync("users?query=User7@example.com")).Ids);
            Assert.Equal(["seed 1"], (await client.GetAsync("jwt/user/" + id)).Names);
        }

        if (!Terminate(process))
        {
            return;
        }

        (int exitCode, string output, string errors) = await EndAsync(process);

        Assert.Equal(0, exitCode);
        Assert.Equal("", output);
        Assert.Equal("", errors);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await Assert.ThrowsAsync<SocketException>(() => socket.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken).AsTask());
    }

    [Fact]
    public async Task It_stops_on_SIGTERM_with_requests_that_are_never_answered()
    {
        Process process = Start("--admin-token-file", TokenFile, "--fault", "* * never");
        Uri address = await ListeningAsync(process);
        using var http = new HttpClient { BaseAddress = address };
        Task<HttpResponseMessage> waiting = http.GetAsync(new Uri("jwt/project", UriKind.Relative), TestContext.Current.CancellationToken);
        while ((await RequestsAsync(http)).Count == 0)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        if (!Terminate(process))
        {
            return;
        }

        Assert.Equal(0, (await EndAsync(process)).ExitCode);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => waiting);
    }

    [Fact]
    public async Task The_file_can_be_read_by_its_owner_only_at_every_moment_even_where_the_mask_allows_more()
    {
        if (OperatingSystem.IsWindows())
        {
            // Windows has no file modes.
            return;
        }

        await File.WriteAllTextAsync(TokenFile, "an older file that everybody may read", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(TokenFile, (UnixFileMode)0b110_110_110);
        var modes = new ConcurrentDictionary<UnixFileMode, string>();
        bool listening = false;
        Task watching = Task.Run(() =>
        {
            bool last;
            do
            {
                last = Volatile.Read(ref listening);
                foreach (string path in Directory.EnumerateFiles(_folder.FullName))
                {
                    try
                    {
                        if (!OperatingSystem.IsWindows() && !File.ReadAllText(path).StartsWith("an older", StringComparison.Ordinal))
                        {
                            modes.TryAdd(File.GetUnixFileMode(path), path);
                        }
                    }
                    catch (FileNotFoundException)
                    {
                        // Renamed between the two calls.
                    }
                }
            }
            while (!last);
        }, TestContext.Current.CancellationToken);

        Process process = StartShell($"umask 0; exec dotnet '{Program}' --admin-token-file '{TokenFile}'");
        await ListeningAsync(process);
        Volatile.Write(ref listening, true);
        await watching;

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(TokenFile));
        Assert.Equal([UnixFileMode.UserRead | UnixFileMode.UserWrite], modes.Keys);
        Assert.Equal([TokenFile], Directory.GetFiles(_folder.FullName));
        Assert.Equal(3, (await File.ReadAllTextAsync(TokenFile, TestContext.Current.CancellationToken)).Split('.').Length);
    }

    [Theory]
    [InlineData("There is no option --frobnicate.", "--frobnicate")]
    [InlineData("There is no option FILE.", "--no-recording", "FILE")]
    [InlineData("--admin-token-file needs a value.", "--admin-token-file")]
    [InlineData("--admin-token-file is needed.", "--no-recording")]
    [InlineData("--latency needs a whole number from 0.", "--latency", "-1")]
    [InlineData("--reads-per-minute needs a whole number from 1.", "--reads-per-minute", "0")]
    [InlineData("--seed-user needs USERID:N.", "--seed-user", "hana")]
    [InlineData("--seed-user needs a whole number from 0.", "--seed-user", "hana:many")]
    [InlineData("--seed-users needs a whole number from 0.", "--seed-users", "3:many")]
    [InlineData("--user-query is exact, prefix or part.", "--user-query", "fuzzy")]
    [InlineData("--rate-window is sliding or fixed.", "--rate-window", "hourly")]
    [InlineData("--urls needs a plain http address on loopback, such as http://127.0.0.1:5005.", "--urls", "http://0.0.0.0:0")]
    [InlineData("--urls needs a plain http address on loopback, such as http://127.0.0.1:5005.", "--urls", "5005")]
    [InlineData("Not a fault, for ms, from 1, is of delay, drip and refuse, and needed there: GET * delay", "--fault", "GET * delay")]
    public async Task Wrong_arguments_are_said_with_the_usage_and_exit_code_2(string message, params string[] arguments)
    {
        Process process = Start(arguments);

        (int exitCode, string output, string errors) = await EndAsync(process);

        Assert.Equal(2, exitCode);
        Assert.Equal("", output);
        Assert.StartsWith(message + Environment.NewLine + "Usage: ", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_names_every_option()
    {
        Process process = Start("--help");

        (int exitCode, string output, string errors) = await EndAsync(process);

        Assert.Equal(0, exitCode);
        Assert.Equal("", errors);
        Assert.Equal(20, Regex.Count(output, "^  --", RegexOptions.Multiline));
    }

    [Fact]
    public async Task A_taken_port_or_an_unwritable_file_is_said_in_one_line_with_exit_code_1()
    {
        await using SandboxServer first = await SandboxServer.StartAsync();

        (int exitCode, string output, string errors) = await EndAsync(Start("--urls", first.BaseAddress.GetLeftPart(UriPartial.Authority), "--admin-token-file", TokenFile));
        Assert.Equal(1, exitCode);
        Assert.Equal("", output);
        Assert.Contains("address already in use", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("eyJ", errors, StringComparison.Ordinal);

        (exitCode, output, errors) = await EndAsync(Start("--admin-token-file", Path.Combine(_folder.FullName, "none", "file")));
        Assert.Equal(1, exitCode);
        Assert.Equal("", output);
        Assert.Single(errors.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Each_option_reaches_the_sandbox()
    {
        Process process = Start(
            "--admin-token-file", TokenFile, "--latency", "20", "--rate-window", "fixed", "--reads-per-minute", "3", "--writes-per-minute", "4",
            "--list-discarded", "--cursors-die", "--no-idempotency", "--keep-requests", "2", "--fault", "GET *limit=99* 503", "--fault", "GET *limit=98* 502");
        using var http = new HttpClient { BaseAddress = await ListeningAsync(process) };
        using var client = new PlainClient(http, await File.ReadAllTextAsync(TokenFile, TestContext.Current.CancellationToken));

        var watch = Stopwatch.StartNew();
        PlainAnswer first = await client.PostAsync("jwt/project", new { name = "ci" }, key: "k");
        Assert.True(watch.ElapsedMilliseconds >= 19);
        Assert.NotEqual(first.TokenId, (await client.PostAsync("jwt/project", new { name = "ci" }, key: "k")).TokenId);
        Assert.Equal(200, (await client.DeleteAsync("jwt/project/" + first.TokenId)).Status);
        Assert.Equal(404, (await client.DeleteAsync("jwt/project/" + first.TokenId)).Status);
        Assert.Contains(first.TokenId, (await client.GetAsync("jwt/project")).Ids);
        Assert.Equal(422, (await client.GetAsync("jwt/project?starting_after=" + first.TokenId)).Status);
        Assert.Equal(2, (await RequestsAsync(http)).Count);
        using HttpResponseMessage faulty = await http.GetAsync(new Uri("jwt/project?limit=99", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(503, (int)faulty.StatusCode);
        using HttpResponseMessage faultyToo = await http.GetAsync(new Uri("jwt/project?limit=98", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(502, (int)faultyToo.StatusCode);

        PlainAnswer refusedRead = await UntilRefusedAsync(3, () => client.GetAsync("jwt/project"));
        await UntilRefusedAsync(4, () => client.DeleteAsync("jwt/user/1"));
        int untilTheFullMinute = 60 - DateTimeOffset.ParseExact(refusedRead.Headers["Date"], "R", CultureInfo.InvariantCulture).Second;
        Assert.InRange(int.Parse(refusedRead.Headers["Retry-After"], CultureInfo.InvariantCulture), untilTheFullMinute - 1, untilTheFullMinute + 1);
    }

    [Fact]
    public async Task The_rate_limit_and_the_recording_can_be_switched_off()
    {
        Process process = Start("--admin-token-file", TokenFile, "--reads-per-minute", "1", "--no-rate-limit", "--no-recording");
        using var http = new HttpClient { BaseAddress = await ListeningAsync(process) };
        using var client = new PlainClient(http, await File.ReadAllTextAsync(TokenFile, TestContext.Current.CancellationToken));

        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(200, (await client.GetAsync("jwt/project")).Status);
        }

        Assert.Empty(await RequestsAsync(http));
    }

    /// <summary>A full minute may come in between, which grants the limit once more.</summary>
    private static async Task<PlainAnswer> UntilRefusedAsync(int limit, Func<Task<PlainAnswer>> ask)
    {
        for (int i = 0; i < 2 * limit; i++)
        {
            if (await ask() is { Status: 429 } refused)
            {
                return refused;
            }
        }

        throw new InvalidOperationException("Never refused.");
    }

    private static string Program => Path.Combine(AppContext.BaseDirectory, "MagicBellJwt.SandboxServer.dll");

    private static async Task<JsonArray> RequestsAsync(HttpClient http) =>
        JsonNode.Parse(await http.GetStringAsync(new Uri("/_control/requests", UriKind.Relative), TestContext.Current.CancellationToken))!.AsArray();

    private static async Task<Uri> ListeningAsync(Process process)
    {
        string? line = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        Match match = Regex.Match(line ?? "", @"^listening on (http://127\.0\.0\.1:\d+/v2)$");
        Assert.True(match.Success, line);
        return new Uri(match.Groups[1].Value + "/");
    }

    private static async Task<(int ExitCode, string Output, string Errors)> EndAsync(Process process)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, await errors);
    }

    /// <summary>Sends SIGTERM.</summary>
    /// <returns>False on Windows, which has no such signal.</returns>
    private static bool Terminate(Process process)
    {
        if (OperatingSystem.IsWindows())
        {
            return false;
        }

        using Process kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        return true;
    }

    private Process Start(params string[] arguments) => Start(new ProcessStartInfo("dotnet", [Program, .. arguments]));

    private Process StartShell(string script) => Start(new ProcessStartInfo("sh", ["-c", script]));

    private Process Start(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        Process process = Process.Start(start)!;
        _processes.Add(process);
        return process;
    }
}
