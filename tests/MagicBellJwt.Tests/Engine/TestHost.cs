using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;

namespace MagicBellJwt.Tests.Engine;

/// <summary>A host 80 columns wide that keeps what it is told, and answers what it is asked as a test says; otherwise a question is an error.</summary>
internal sealed class TestHost : PSHost
{
    private readonly Screen _screen;

    public TestHost() => _screen = new Screen(this);

    /// <summary>Answers a field of a prompt by its name; null where nobody can be asked.</summary>
    public Func<FieldDescription, object?>? Answer { get; set; }

    /// <summary>Chooses by the question; null where nobody can be asked.</summary>
    public Func<string, Collection<ChoiceDescription>, int>? Choose { get; set; }

    /// <summary>What the screen throws when it is to show a warning; null where it shows it.</summary>
    public Exception? WarningFailure { get; set; }

    /// <summary>The questions that were asked, message for message.</summary>
    public ConcurrentQueue<string> Questions { get; } = new();

    /// <summary>What was printed, line for line.</summary>
    public IReadOnlyList<string> Lines => _screen.Lines.ToArray();

    public override CultureInfo CurrentCulture => CultureInfo.CurrentCulture;

    public override CultureInfo CurrentUICulture => CultureInfo.CurrentUICulture;

    public override Guid InstanceId { get; } = Guid.NewGuid();

    public override string Name => "TestHost";

    public override Version Version { get; } = new(1, 0);

    public override PSHostUserInterface UI => _screen;

    public override void EnterNestedPrompt() => throw new NotSupportedException();

    public override void ExitNestedPrompt() => throw new NotSupportedException();

    public override void NotifyBeginApplication()
    {
    }

    public override void NotifyEndApplication()
    {
    }

    public override void SetShouldExit(int exitCode) => throw new NotSupportedException();

    private sealed class Screen(TestHost host) : PSHostUserInterface
    {
        private string _line = "";

        public ConcurrentQueue<string> Lines { get; } = new();

        public override PSHostRawUserInterface RawUI { get; } = new RawScreen();

        public override bool SupportsVirtualTerminal => false;

        public override Dictionary<string, PSObject> Prompt(string caption, string message, Collection<FieldDescription> descriptions)
        {
            var answers = new Dictionary<string, PSObject>();
            foreach (FieldDescription field in descriptions)
            {
                Ask($"{caption}: {field.Name} ({field.ParameterTypeName})");
                object answer = host.Answer?.Invoke(field) ?? throw NobodyThere();
                answers.Add(field.Name, PSObject.AsPSObject(answer));
            }

            return answers;
        }

        public override int PromptForChoice(string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice)
        {
            Ask(message);
            return host.Choose?.Invoke(message, choices) ?? throw NobodyThere();
        }

        public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName) => throw NobodyThere();

        public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName, PSCredentialTypes allowedCredentialTypes, PSCredentialUIOptions options) => throw NobodyThere();

        public override string ReadLine() => throw NobodyThere();

        public override SecureString ReadLineAsSecureString() => throw NobodyThere();

        public override void Write(string value)
        {
            lock (Lines)
            {
                string[] parts = (_line + GetOutputString(value, supportsVirtualTerminal: false)).Split('\n');
                foreach (string part in parts[..^1])
                {
                    Lines.Enqueue(part.TrimEnd('\r'));
                }

                _line = parts[^1];
            }
        }

        public override void Write(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value) => Write(value);

        public override void WriteLine(string value) => Write(value + "\n");

        public override void WriteErrorLine(string value) => WriteLine("ERROR: " + value);

        public override void WriteWarningLine(string message)
        {
            if (host.WarningFailure is { } failure)
            {
                throw failure;
            }

            WriteLine("WARNING: " + message);
        }

        public override void WriteVerboseLine(string message) => WriteLine("VERBOSE: " + message);

        public override void WriteDebugLine(string message) => WriteLine("DEBUG: " + message);

        public override void WriteProgress(long sourceId, ProgressRecord record) => WriteLine("PROGRESS: " + record);

        private void Ask(string question)
        {
            host.Questions.Enqueue(question);
            WriteLine("QUESTION: " + question);
        }

        private static PSInvalidOperationException NobodyThere() => new("Nobody is there to ask.");
    }

    private sealed class RawScreen : PSHostRawUserInterface
    {
        public override ConsoleColor BackgroundColor { get; set; } = ConsoleColor.Black;

        public override ConsoleColor ForegroundColor { get; set; } = ConsoleColor.White;

        public override Size BufferSize { get; set; } = new(80, 50);

        public override Size WindowSize { get; set; } = new(80, 50);

        public override Size MaxWindowSize => new(80, 50);

        public override Size MaxPhysicalWindowSize => new(80, 50);

        public override Coordinates CursorPosition { get; set; }

        public override Coordinates WindowPosition { get; set; }

        public override int CursorSize { get; set; } = 1;

        public override string WindowTitle { get; set; } = "";

        public override bool KeyAvailable => false;

        public override void FlushInputBuffer()
        {
        }

        public override BufferCell[,] GetBufferContents(Rectangle rectangle) => throw new NotSupportedException();

        public override KeyInfo ReadKey(ReadKeyOptions options) => throw new NotSupportedException();

        public override void ScrollBufferContents(Rectangle source, Coordinates destination, Rectangle clip, BufferCell fill) => throw new NotSupportedException();

        public override void SetBufferContents(Coordinates origin, BufferCell[,] contents) => throw new NotSupportedException();

        public override void SetBufferContents(Rectangle rectangle, BufferCell fill) => throw new NotSupportedException();
    }
}
