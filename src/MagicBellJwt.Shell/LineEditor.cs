using System;
using System.Collections.Generic;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;
using System.Text;
using System.Threading;

namespace MagicBellJwt.Shell;

/// <summary>
/// Reads a line from a terminal, key by key, on one row: what is longer scrolls sideways. It draws with backspaces and
/// spaces only, so that it needs no escape sequences and no answers from the terminal.
/// </summary>
internal sealed class LineEditor
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(15);

    private readonly PSHostRawUserInterface raw;
    private readonly ShellHost host;
    private readonly List<string> history = [];
    private readonly StringBuilder text = new();
    private int cursor;
    private int left;
    private int drawnCells;
    private int drawnCursorCells;
    private int width;

    /// <param name="raw">The terminal's measures.</param>
    /// <param name="host">Stops what runs when Ctrl+C is pressed, and completes commands.</param>
    public LineEditor(PSHostRawUserInterface raw, ShellHost host)
    {
        this.raw = raw;
        this.host = host;
    }

    /// <summary>Reads a line.</summary>
    /// <param name="ask">Asks for it, and tells the column at which the cursor then stands.</param>
    /// <param name="command">True for a command: the arrow keys bring it back, Tab completes it, and Ctrl+D on an empty line ends the input.</param>
    /// <returns>The line, or null at the end of the input.</returns>
    /// <exception cref="PipelineStoppedException">Ctrl+C was pressed.</exception>
    public string? ReadLine(Func<int> ask, bool command) => ReadKeys(() => Edit(ask(), command));

    /// <summary>Reads a secret, never as a string, with a star for each character as far as the row goes.</summary>
    /// <param name="column">The column at which the cursor stands.</param>
    /// <exception cref="PipelineStoppedException">Ctrl+C was pressed.</exception>
    public SecureString ReadSecret(int column) => ReadKeys(() => EditSecret(column));

    /// <summary>Stops the terminal from showing what is typed by itself. To be called before a question is written: an answer may come at once.</summary>
    public static void StopEcho() => Console.TreatControlCAsInput = Console.TreatControlCAsInput;

    private string? Edit(int column, bool command)
    {
        text.Clear();
        cursor = left = drawnCells = drawnCursorCells = 0;
        int recalled = history.Count;
        width = Room(column);
        CommandCompletion? completion = null;
        while (true)
        {
            ConsoleKeyInfo key = ReadKey();
            completion = key.Key == ConsoleKey.Tab ? completion : null;
            switch (key.Key)
            {
                case ConsoleKey.Enter:
                    left = 0;
                    width = int.MaxValue;
                    cursor = text.Length;
                    Draw();
                    Console.Out.WriteLine();
                    if (command && text.Length > 0 && (history.Count == 0 || history[^1] != text.ToString()))
                    {
                        history.Add(text.ToString());
                    }

                    return text.ToString();
                case ConsoleKey.D when command && text.Length == 0 && key.Modifiers.HasFlag(ConsoleModifiers.Control):
                    Console.Out.WriteLine();
                    return null;
                case ConsoleKey.Backspace when cursor > 0:
                    int before = Previous();
                    text.Remove(before, cursor - before);
                    cursor = before;
                    break;
                case ConsoleKey.Delete when cursor < text.Length:
                    text.Remove(cursor, Next() - cursor);
                    break;
                case ConsoleKey.LeftArrow:
                    cursor = Previous();
                    break;
                case ConsoleKey.RightArrow:
                    cursor = Next();
                    break;
                case ConsoleKey.Home:
                case ConsoleKey.A when key.Modifiers.HasFlag(ConsoleModifiers.Control):
                    cursor = 0;
                    break;
                case ConsoleKey.End:
                case ConsoleKey.E when key.Modifiers.HasFlag(ConsoleModifiers.Control):
                    cursor = text.Length;
                    break;
                case ConsoleKey.Escape:
                    Replace("");
                    break;
                case ConsoleKey.UpArrow when command && recalled > 0:
                    Replace(history[--recalled]);
                    break;
                case ConsoleKey.DownArrow when command && recalled < history.Count:
                    recalled++;
                    Replace(recalled < history.Count ? history[recalled] : "");
                    break;
                case ConsoleKey.U when key.Modifiers.HasFlag(ConsoleModifiers.Control):
                    text.Remove(0, cursor);
                    cursor = 0;
                    break;
                case ConsoleKey.Tab when command:
                    completion ??= host.Complete(text.ToString(), cursor);
                    if (completion.GetNextResult(forward: !key.Modifiers.HasFlag(ConsoleModifiers.Shift)) is { CompletionText: { } completed })
                    {
                        text.Remove(completion.ReplacementIndex, completion.ReplacementLength).Insert(completion.ReplacementIndex, completed);
                        completion.ReplacementLength = completed.Length;
                        cursor = completion.ReplacementIndex + completed.Length;
                    }

                    break;
                case var _ when !char.IsControl(key.KeyChar):
                    text.Insert(cursor++, key.KeyChar);
                    break;
            }

            // Of a pasted text only the end is drawn.
            if (!Console.KeyAvailable)
            {
                Draw();
            }
        }
    }

    private SecureString EditSecret(int column)
    {
        int stars = Room(column);
        SecureString secret = new();
        while (true)
        {
            ConsoleKeyInfo key = ReadKey();
            if (key.Key == ConsoleKey.Enter)
            {
                Console.Out.WriteLine();
                return secret;
            }

            if (key.Key == ConsoleKey.Backspace && secret.Length > 0)
            {
                secret.RemoveAt(secret.Length - 1);
                Console.Out.Write(secret.Length < stars ? "\b \b" : "");
            }
            else if (!char.IsControl(key.KeyChar))
            {
                secret.AppendChar(key.KeyChar);
                Console.Out.Write(secret.Length <= stars ? "*" : "");
            }
        }
    }

    private int Room(int column)
    {
        int row = raw.WindowSize.Width;
        return Math.Max(1, row - (column % row) - 1);
    }

    // While keys are awaited Ctrl+C is a key like any other; while commands run it is a signal.
    private static T ReadKeys<T>(Func<T> read)
    {
        Console.TreatControlCAsInput = true;
        try
        {
            return read();
        }
        finally
        {
            Console.TreatControlCAsInput = false;
        }
    }

    private ConsoleKeyInfo ReadKey()
    {
        // A Ctrl+C that came just before the keys were awaited was a signal: the question's pipeline stops, and waits for this.
        while (host.IsRunning && !Console.KeyAvailable)
        {
            if (host.IsStopping)
            {
                Console.Out.WriteLine();
                throw new PipelineStoppedException();
            }

            Thread.Sleep(PollInterval);
        }

        ConsoleKeyInfo key = Console.ReadKey(intercept: true);
        if (key.Key == ConsoleKey.C && key.Modifiers.HasFlag(ConsoleModifiers.Control))
        {
            Console.Out.WriteLine("^C");
            host.StopRunning();
            throw new PipelineStoppedException();
        }

        return key;
    }

    private int Previous() => cursor == 0 ? 0 : cursor - (cursor > 1 && char.IsLowSurrogate(text[cursor - 1]) ? 2 : 1);

    private int Next() => cursor == text.Length ? cursor : cursor + (cursor + 1 < text.Length && char.IsHighSurrogate(text[cursor]) ? 2 : 1);

    private void Replace(string line)
    {
        text.Clear().Append(line);
        cursor = text.Length;
    }

    private void Draw()
    {
        left = Math.Clamp(left, Math.Max(0, cursor - width), cursor);
        while (Cells(left, cursor) > width)
        {
            left++;
        }

        int end = cursor;
        while (end < text.Length && Cells(left, end + 1) <= width)
        {
            end++;
        }

        int cells = Cells(left, end);
        int erased = Math.Max(0, drawnCells - cells);
        int cursorCells = Cells(left, cursor);
        Console.Out.Write(
            new string('\b', drawnCursorCells) + text.ToString(left, end - left) + new string(' ', erased) + new string('\b', cells + erased - cursorCells));
        drawnCells = cells;
        drawnCursorCells = cursorCells;
    }

    private int Cells(int from, int to)
    {
        int cells = 0;
        for (int i = from; i < to; i++)
        {
            cells += raw.LengthInBufferCells(text[i]);
        }

        return cells;
    }
}
