using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace MagicBellJwt.Tests.Shell;

/// <summary>
/// Runs the built shell under a pseudo-terminal of 80 columns, made by script(1) of util-linux (part of every Debian), types into it
/// and reads what a person would see.
/// </summary>
internal sealed class ShellTerminal : IAsyncDisposable
{
    public const string CtrlC = "\u0003";
    public const string CtrlD = "\u0004";
    public const string Enter = "\r";
    public const string Tab = "\t";
    public const string Backspace = "\u007f";
    public const string Left = "\u001b[D";
    public const string Up = "\u001b[A";

    private readonly Process process;
    private readonly StringBuilder screen = new();
    private readonly Task reading;
    private int seen;

    private ShellTerminal(Process process)
    {
        this.process = process;
        reading = ReadAsync();
    }

    /// <summary>All that was written to the terminal so far.</summary>
    public string Screen
    {
        get
        {
            lock (screen)
            {
                return screen.ToString();
            }
        }
    }

    public static ShellTerminal Start(string[] args, IDictionary<string, string?>? environment = null)
    {
        string command = string.Join(' ', new[] { "dotnet", ShellProcess.AssemblyPath }.Concat(args).Select(Quote));
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

    /// <summary>Starts at a prompt without the banner, and waits for it.</summary>
    public static async Task<ShellTerminal> StartPromptAsync(IDictionary<string, string?>? environment = null)
    {
        ShellTerminal terminal = Start(["-NoLogo"], environment);
        await terminal.SeeAsync("> ");
        return terminal;
    }

    public async Task TypeAsync(string keys)
    {
        await process.StandardInput.WriteAsync(keys);
        await process.StandardInput.FlushAsync();
    }

    /// <summary>Types a line and Enter.</summary>
    public Task EnterAsync(string line) => TypeAsync(line + Enter);

    /// <summary>Waits until the text has been written after what was seen last.</summary>
    /// <returns>What was written from there to the end of the text.</returns>
    public async Task<string> SeeAsync(string text)
    {
        Stopwatch waited = Stopwatch.StartNew();
        while (true)
        {
            string all = Screen;
            int found = all.IndexOf(text, seen, StringComparison.Ordinal);
            if (found >= 0)
            {
                string passed = all[seen..(found + text.Length)];
                seen = found + text.Length;
                return passed;
            }

            if (waited.Elapsed > ShellProcess.Limit || reading.IsCompleted)
            {
                throw new TimeoutException($"'{text}' never came; after what was seen: {all[seen..]}");
            }

            await Task.Delay(20);
        }
    }

    /// <summary>Runs a command at the prompt, and waits for the next prompt.</summary>
    /// <returns>What the command wrote.</returns>
    public async Task<string> RunAsync(string command)
    {
        await EnterAsync(command);
        await SeeAsync(command + "\r");
        string written = await SeeAsync("\nPS ");
        await SeeAsync("> ");
        return written[..^"PS ".Length].Replace("\r\n", "\n", StringComparison.Ordinal).Trim('\n');
    }

    /// <summary>Waits for the shell's end.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> EndAsync()
    {
        using CancellationTokenSource limit = new(ShellProcess.Limit);
        await process.WaitForExitAsync(limit.Token);
        await reading;
        return process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
        }

        await reading;
        process.Dispose();
    }

    private static string Quote(string word) => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private async Task ReadAsync()
    {
        char[] buffer = new char[4096];
        int count;
        while ((count = await process.StandardOutput.ReadAsync(buffer)) > 0)
        {
            lock (screen)
            {
                screen.Append(buffer, 0, count);
            }
        }
    }
}
