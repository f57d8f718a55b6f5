using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace MagicBellJwt.Tests.Shell;

/// <summary>
/// Runs the Shell under a pseudo-terminal of 80 columns, made by script(1) of util-linux (part of every Debian), types into it
/// and reads what a person would see.
/// </summary>
internal sealed class ShellTerminal : IAsyncDisposable
{
    private const string AskPosition = "\u001b[6n";

    private readonly Process _process;
    private readonly StringBuilder _screen = new();
    private readonly Task _reading;
    private int _seen;

    private ShellTerminal(Process process)
    {
        _process = process;
        _reading = ReadAsync();
    }

    /// <summary>Whether this machine can make one: script(1) of Linux. That of macOS has other options, Windows has none.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();

    public static ShellTerminal Start(string[] args, IDictionary<string, string?>? environment = null)
    {
        ProcessStartInfo shell = ShellProcess.StartInfo(args, environment);
        string command = string.Join(' ', shell.ArgumentList.Prepend(shell.FileName).Select(Quote));
        ProcessStartInfo start = new("script")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            StandardOutputEncoding = Encoding.UTF8,
        };

        // A test run that was started in the background has Ctrl+C ignored, and hands that on to every program below it.
        foreach (string arg in (string[])["--quiet", "--return", "--command", "stty cols 80 rows 24; exec env --default-signal=INT " + command, "/dev/null"])
        {
            start.ArgumentList.Add(arg);
        }

        ShellProcess.Prepare(start.Environment, environment);
        return new ShellTerminal(Process.Start(start)!);
    }

    /// <summary>Types keys; Enter is <c>\r</c>, Ctrl+C is <c>\u0003</c>.</summary>
    public async Task TypeAsync(string keys)
    {
        await _process.StandardInput.WriteAsync(keys);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Waits until the text has been written after what was seen last.</summary>
    /// <returns>What was written from there to the end of the text.</returns>
    public async Task<string> SeeAsync(string text)
    {
        Stopwatch waited = Stopwatch.StartNew();
        while (true)
        {
            bool ended = _reading.IsCompleted;
            string all;
            lock (_screen)
            {
                all = _screen.ToString();
            }

            int found = all.IndexOf(text, _seen, StringComparison.Ordinal);
            if (found >= 0)
            {
                string passed = all[_seen..(found + text.Length)];
                _seen = found + text.Length;
                return passed;
            }

            if (ended || waited.Elapsed > ShellProcess.Limit)
            {
                throw new TimeoutException($"'{text}' never came; after what was seen: {all[_seen..]}");
            }

            await Task.Delay(20);
        }
    }

    /// <summary>Waits for the end.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> EndAsync()
    {
        using CancellationTokenSource limit = new(ShellProcess.Limit);
        await _process.WaitForExitAsync(limit.Token);
        await _reading;
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _reading;
        _process.Dispose();
    }

    private static string Quote(string word) => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private async Task ReadAsync()
    {
        char[] buffer = new char[4096];
        int count;
        while ((count = await _process.StandardOutput.ReadAsync(buffer)) > 0)
        {
            string written = new(buffer, 0, count);
            lock (_screen)
            {
                _screen.Append(written);
            }

            // .NET asks a terminal where the cursor is, and waits for the answer.
            for (int at = written.IndexOf(AskPosition, StringComparison.Ordinal); at >= 0; at = written.IndexOf(AskPosition, at + 1, StringComparison.Ordinal))
            {
                await TypeAsync("\u001b[1;1R");
            }
        }
    }
}
