using System;
using System.Collections;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;
using System.Threading;

namespace MagicBellJwt.Shell;

/// <summary>Writes the streams and asks the questions with pwsh's words.</summary>
internal sealed class ShellUserInterface : PSHostUserInterface
{
    private readonly ShellRawUserInterface raw = new();
    private readonly ShellOptions options;
    private readonly LineEditor editor;
    private readonly Lock writing = new();
    private int column;
    private int progressCells;
    private bool writesErrors;

    public ShellUserInterface(ShellHost host, ShellOptions options)
    {
        this.options = options;
        editor = new LineEditor(raw, host);
        bool plain = Console.IsOutputRedirected
            || Environment.GetEnvironmentVariable("NO_COLOR") is not null
            || Environment.GetEnvironmentVariable("TERM") is "dumb" or "xterm-mono" or "xtermm";
        SupportsVirtualTerminal = !plain;
        if (plain)
        {
            PSStyle.Instance.OutputRendering = OutputRendering.PlainText;
        }
    }

    public override PSHostRawUserInterface RawUI => raw;

    public override bool SupportsVirtualTerminal { get; }

    /// <summary>Sends to standard error what the action writes.</summary>
    public void WriteErrors(Action write)
    {
        writesErrors = true;
        try
        {
            write();
        }
        finally
        {
            writesErrors = false;
        }
    }

    public override void Write(string value)
    {
        lock (writing)
        {
            ClearProgress();
            string text = GetOutputString(value, SupportsVirtualTerminal);
            int lineStart = text.LastIndexOf('\n') + 1;
            column = (lineStart > 0 ? 0 : column) + raw.LengthInBufferCells(text, lineStart);

            // Text without a line's end is a question, as a rule, and the answer may be a secret.
            if (column > 0 && !options.NonInteractive && !Console.IsInputRedirected)
            {
                LineEditor.StopEcho();
            }

            Console.Out.Write(text);
        }
    }

    public override void Write(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value) => Write(Coloured(foregroundColor, backgroundColor, value));

    public override void WriteLine(string value)
    {
        if (writesErrors)
        {
            WriteErrorLine(value);
        }
        else
        {
            Write(value + Environment.NewLine);
        }
    }

    public override void WriteLine(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value) =>
        Write(Coloured(foregroundColor, backgroundColor, value) + Environment.NewLine);

    public override void WriteErrorLine(string value)
    {
        if (string.IsNullOrEmpty(value))
        {
            return;
        }

        lock (writing)
        {
            ClearProgress();
            Console.Error.WriteLine(GetOutputString(value, SupportsVirtualTerminal && !Console.IsErrorRedirected));
            column = Console.IsErrorRedirected ? column : 0;
        }
    }

    public override void WriteWarningLine(string message) => WriteStyledLine(FormatStyle.Warning, "WARNING: " + message);

    public override void WriteVerboseLine(string message) => WriteStyledLine(FormatStyle.Verbose, "VERBOSE: " + message);

    public override void WriteDebugLine(string message) => WriteStyledLine(FormatStyle.Debug, "DEBUG: " + message);

    /// <summary>Keeps the latest activity on one row of a terminal; any other output takes its place.</summary>
    public override void WriteProgress(long sourceId, ProgressRecord record)
    {
        if (Console.IsOutputRedirected)
        {
            return;
        }

        lock (writing)
        {
            ClearProgress();
            if (record.RecordType == ProgressRecordType.Completed || column > 0)
            {
                return;
            }

            string percent = record.PercentComplete >= 0 ? string.Create(CultureInfo.InvariantCulture, $" {record.PercentComplete}%") : "";
            string status = string.Concat($"{record.Activity}: {record.StatusDescription}{percent}".Select(c => char.IsControl(c) ? ' ' : c));
            while (raw.LengthInBufferCells(status) >= raw.WindowSize.Width)
            {
                status = status[..^1];
            }

            Console.Out.Write(status);
            progressCells = raw.LengthInBufferCells(status);
        }
    }

    /// <summary>Takes the row of <see cref="WriteProgress"/> away.</summary>
    public void ClearProgress()
    {
        lock (writing)
        {
            if (progressCells > 0)
            {
                Console.Out.Write($"\r{new string(' ', progressCells)}\r");
                progressCells = 0;
            }
        }
    }

    /// <summary>Reads a command at the prompt.</summary>
    /// <returns>The line, or null at the end of the input.</returns>
    /// <exception cref="PipelineStoppedException">Ctrl+C was pressed.</exception>
    public string? ReadCommand(string prompt)
    {
        string start = column > 0 ? Environment.NewLine : "";
        return ReadLine(command: true, options.NoPrompt ? "" : start + prompt);
    }

    public override string ReadLine()
    {
        RefuseIfNonInteractive();

        // The engine takes null as the end of the input, as from pwsh; the base class does not say so.
        return ReadLine(command: false)!;
    }

    public override SecureString ReadLineAsSecureString()
    {
        RefuseIfNonInteractive();
        if (Console.IsInputRedirected)
        {
            throw new PSInvalidOperationException("A secret is typed at a terminal, but standard input is redirected. Pass it as a SecureString, or in the environment variable that the command names in its help.");
        }

        ClearProgress();
        return editor.ReadSecret(TakeColumn());
    }

    public override Dictionary<string, PSObject> Prompt(string caption, string message, Collection<FieldDescription> descriptions)
    {
        RefuseIfNonInteractive();
        WriteCaption(caption, message);
        if (descriptions.Any(field => !string.IsNullOrEmpty(field.HelpMessage)))
        {
            WriteLine("(Type !? for Help.)");
        }

        Dictionary<string, PSObject> answers = [];
        foreach (FieldDescription field in descriptions)
        {
            object? answer = PromptForField(field);
            if (answer is null)
            {
                // The end of the input: no answers, upon which the engine says what is missing.
                return [];
            }

            answers.Add(field.Name, PSObject.AsPSObject(answer));
        }

        return answers;
    }

    public override int PromptForChoice(string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice)
    {
        RefuseIfNonInteractive();
        WriteCaption(caption, message);
        (string Key, string Label)[] labels = [.. choices.Select(Split)];
        while (true)
        {
            for (int i = 0; i < labels.Length; i++)
            {
                WriteWrapped($"[{labels[i].Key}] {labels[i].Label}  ", i == defaultChoice ? PSStyle.Instance.Foreground.BrightYellow : "");
            }

            WriteWrapped("[?] Help ", "");
            if (defaultChoice >= 0)
            {
                WriteWrapped($"(default is \"{(labels[defaultChoice].Key.Length > 0 ? labels[defaultChoice].Key : labels[defaultChoice].Label)}\"): ", "");
            }

            string answer = ReadLine(command: false)?.Trim()
                ?? throw new PromptingException("The prompt was canceled.", null, "PromptForChoiceCanceled", ErrorCategory.OperationStopped);
            int chosen = answer.Length == 0 ? defaultChoice : Array.FindIndex(labels, label => Matches(label.Label));
            if (chosen < 0 && answer.Length > 0)
            {
                chosen = Array.FindIndex(labels, label => Matches(label.Key));
            }

            if (chosen >= 0)
            {
                return chosen;
            }

            if (answer == "?")
            {
                for (int i = 0; i < labels.Length; i++)
                {
                    WriteLine($"{(labels[i].Key.Length > 0 ? labels[i].Key : labels[i].Label)} - {choices[i].HelpMessage}");
                }
            }

            bool Matches(string label) => answer.Equals(label, StringComparison.OrdinalIgnoreCase);
        }

        static (string Key, string Label) Split(ChoiceDescription choice)
        {
            int mark = choice.Label.IndexOf('&', StringComparison.Ordinal);
            return mark < 0 || mark + 1 == choice.Label.Length
                ? ("", choice.Label.TrimEnd('&'))
                : (choice.Label.Substring(mark + 1, 1).ToUpperInvariant(), choice.Label.Remove(mark, 1).Trim());
        }
    }

    public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName) =>
        PromptForCredential(caption, message, userName, targetName, PSCredentialTypes.Default, PSCredentialUIOptions.Default);

    public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName, PSCredentialTypes allowedCredentialTypes, PSCredentialUIOptions options)
    {
        RefuseIfNonInteractive();
        WriteCaption(caption, message);
        while (string.IsNullOrEmpty(userName))
        {
            Write("User: ");
            userName = ReadLine();
            if (userName is null)
            {
                return null!;
            }
        }

        Write($"Password for user {userName}: ");
        SecureString password = ReadLineAsSecureString();
        WriteLine();
        return new PSCredential(string.IsNullOrEmpty(targetName) ? userName : $"{targetName}\\{userName}", password);
    }

    // The terminal's own colours are whatever its user chose.
    private string Coloured(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value)
    {
        string foreground = foregroundColor == raw.ForegroundColor ? "" : PSStyle.MapForegroundColorToEscapeSequence(foregroundColor);
        string background = backgroundColor == raw.BackgroundColor ? "" : PSStyle.MapBackgroundColorToEscapeSequence(backgroundColor);
        return foreground + background + value + PSStyle.Instance.Reset;
    }

    private void WriteStyledLine(FormatStyle style, string message) => WriteLine(GetFormatStyleString(style) + message + GetFormatStyleString(FormatStyle.Reset));

    private void WriteCaption(string caption, string message)
    {
        if (!string.IsNullOrEmpty(caption))
        {
            WriteLine();
            WriteLine(caption);
        }

        if (!string.IsNullOrEmpty(message))
        {
            WriteLine(message);
        }
    }

    private void WriteWrapped(string text, string colour)
    {
        if (column > 0 && column + raw.LengthInBufferCells(text) >= raw.WindowSize.Width)
        {
            WriteLine();
        }

        Write(colour.Length > 0 ? colour + text + PSStyle.Instance.Reset : text);
    }

    private void RefuseIfNonInteractive()
    {
        if (options.NonInteractive)
        {
            throw new PSInvalidOperationException("PowerShell is in NonInteractive mode. Read and Prompt functionality is not available.");
        }
    }

    private string? ReadLine(bool command, string question = "")
    {
        ClearProgress();
        if (!Console.IsInputRedirected)
        {
            return editor.ReadLine(Ask, command);
        }

        Ask();
        string? line = Console.In.ReadLine();
        if (line is not null && !options.NoPrompt)
        {
            // As in pwsh, so that a log shows the answer behind its question.
            WriteLine(line);
        }

        return line;

        int Ask()
        {
            Write(question);
            return TakeColumn();
        }
    }

    // Each reading, however it ends, leaves the cursor at the start of a row.
    private int TakeColumn()
    {
        int taken = column;
        column = 0;
        return taken;
    }

    private object? PromptForField(FieldDescription field)
    {
        if (!LanguagePrimitives.TryConvertTo(field.ParameterAssemblyFullName, out Type type) && !LanguagePrimitives.TryConvertTo(field.ParameterTypeFullName, out type))
        {
            type = typeof(string);
        }

        if (!typeof(IList).IsAssignableFrom(type))
        {
            return PromptForValue(field, $"{field.Name}: ", type, inList: false, out _);
        }

        ArrayList values = [];
        while (PromptForValue(field, $"{field.Name}[{values.Count}]: ", type.GetElementType() ?? typeof(object), inList: true, out bool listEnds) is { } value)
        {
            if (listEnds)
            {
                return LanguagePrimitives.TryConvertTo(values, type, CultureInfo.InvariantCulture, out object list) ? list : values;
            }

            values.Add(value);
        }

        return null;
    }

    private object? PromptForValue(FieldDescription field, string question, Type type, bool inList, out bool listEnds)
    {
        if (type == typeof(PSCredential))
        {
            WriteLine(field.Name);
            PSCredential? credential = PromptForCredential("", "", "", "");
            listEnds = inList && credential is { Password.Length: 0 };
            return credential;
        }

        while (true)
        {
            Write(question);
            if (type == typeof(SecureString))
            {
                SecureString secret = ReadLineAsSecureString();
                listEnds = inList && secret.Length == 0;
                return secret;
            }

            string? answer = ReadLine();
            listEnds = inList && answer is { Length: 0 };
            if (answer is null || listEnds)
            {
                return answer;
            }

            if (answer == "!?")
            {
                WriteLine(string.IsNullOrEmpty(field.HelpMessage) ? $"No help is available for {field.Name}." : field.HelpMessage);
                continue;
            }

            try
            {
                return LanguagePrimitives.ConvertTo(answer, type, CultureInfo.InvariantCulture);
            }
            catch (PSInvalidCastException e) when (e.InnerException is FormatException or OverflowException)
            {
                if (answer.Length > 0)
                {
                    WriteLine($"Cannot recognize \"{answer}\" as a {type} due to {(e.InnerException is OverflowException ? "an overflow" : "a format")} error.");
                }
            }
            catch (PSInvalidCastException)
            {
                // The engine converts once more, with the parameter's own transformations, and words the error.
                return answer;
            }
        }
    }
}
