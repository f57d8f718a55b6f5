using System;
using System.Collections.Generic;
using System.IO;
using System.Management.Automation.Runspaces;

namespace MagicBellJwt.Shell;

/// <summary>The command line, read by pwsh's rules: names may be shortened, and the first word that is no option is a script.</summary>
internal sealed class ShellOptions
{
    public const string Usage = """
        MagicBellJwt.Shell: a PowerShell prompt with the MagicBellJwt module in it, for machines without PowerShell
        and for the first minute with the project.

        Usage: MagicBellJwt.Shell [-NoLogo] [-NoExit] [-NonInteractive] [-NoProfile]
                                  [-Command {- | <text>} | [-File] {- | <script> [<arguments>]}]
               MagicBellJwt.Shell -Version | -Help

          -Command, -c      Runs the rest of the line as PowerShell; "-" reads commands from standard input.
                            Exit code: that of exit, 1 when the last statement failed or Ctrl+C ended it, else 0.
          -File, -f         Runs a script with the arguments behind it: -Name value, -Switch, -Switch:$false, or by
                            position. Exit code: that of exit, 1 after a terminating error, else 0 (Ctrl+C included).
          -NonInteractive   Never prompts: what would ask fails with an error instead.
          -NoExit           Stays at the prompt after -Command or -File.
          -NoLogo           Starts without the two lines that say what this is.
          -NoProfile        Accepted for scripts written for pwsh; no profile is ever read.
          -Version, -v      Prints the versions of the shell and of the engine.
          -Help, -h, -?     Prints this text.

        It is the PowerShell engine alone, without the Utility and Management cmdlets (Get-Date, Import-Csv,
        ConvertTo-Json, Get-Content and the like). All of PowerShell: https://aka.ms/powershell
        No colours are written when output is redirected or NO_COLOR is set.

        """;

    /// <summary>What is wrong with the command line, or null.</summary>
    public string? Error { get; private set; }

    public bool Help { get; private set; }

    public bool Version { get; private set; }

    public bool NonInteractive { get; private set; }

    public bool NoExit { get; private set; }

    public bool NoLogo { get; private set; }

    public string? Command { get; private set; }

    /// <summary>Full path of the script to run.</summary>
    public string? File { get; private set; }

    public List<CommandParameter> Arguments { get; } = [];

    /// <summary>Commands come from standard input even where it is a terminal.</summary>
    public bool CommandsFromInput { get; private set; }

    /// <summary>Commands are read without a prompt and without an echo.</summary>
    public bool NoPrompt { get; private set; }

    public static ShellOptions Parse(string[] args)
    {
        ShellOptions options = new();
        for (int i = 0; i < args.Length && options.Error is null; i++)
        {
            string name = args[i].StartsWith("--", StringComparison.Ordinal) ? args[i][1..] : args[i];
            if (Is(name, "-version", "-v"))
            {
                options.Version = true;
                return options;
            }

            if (Is(name, "-help", "-h") || name == "-?")
            {
                options.Help = true;
                return options;
            }

            if (Is(name, "-noexit", "-noe"))
            {
                options.NoExit = true;
            }
            else if (Is(name, "-nologo", "-nol"))
            {
                options.NoLogo = true;
            }
            else if (Is(name, "-noninteractive", "-noni"))
            {
                options.NonInteractive = true;
            }
            else if (Is(name, "-command", "-c"))
            {
                options.ReadCommand(args.AsSpan(i + 1));
                return options;
            }
            else if (Is(name, "-file", "-f"))
            {
                options.ReadFile(args.AsSpan(i + 1));
                return options;
            }
            else if (!Is(name, "-noprofile", "-nop"))
            {
                options.ReadFile(args.AsSpan(i));
                return options;
            }
        }

        return options;

        static bool Is(string given, string name, string shortest) =>
            given.Length >= shortest.Length && name.StartsWith(given, StringComparison.OrdinalIgnoreCase);
    }

    private void ReadCommand(ReadOnlySpan<string> words)
    {
        if (words.IsEmpty)
        {
            Error = "A command must follow -Command.";
        }
        else if (words[0] != "-")
        {
            Command = string.Join(' ', words!);
        }
        else if (words.Length > 1)
        {
            Error = "Nothing may follow '-Command -': the commands come from standard input.";
        }
        else if (!Console.IsInputRedirected)
        {
            Error = "'-Command -' reads commands from standard input, which has not been redirected.";
        }
        else
        {
            CommandsFromInput = NoPrompt = true;
        }
    }

    private void ReadFile(ReadOnlySpan<string> words)
    {
        if (words.IsEmpty)
        {
            Error = "A script must follow -File.";
        }
        else if (words[0] == "-")
        {
            CommandsFromInput = true;
        }
        else if (System.IO.File.Exists(words[0]))
        {
            File = Path.GetFullPath(words[0]);
            ReadArguments(words[1..]);
        }
        else
        {
            Error = words[0].StartsWith('-')
                ? $"The option '{words[0]}' is not known."
                : $"The argument '{words[0]}' is not recognized as the name of a script file. Check the spelling of the name, or if a path was included, verify that the path is correct and try again.";
        }
    }

    // A name goes in with its dash: that is how the binder tells "-Name value" (two words) from "-Name:value" (one).
    private void ReadArguments(ReadOnlySpan<string> words)
    {
        string? pending = null;
        foreach (string word in words)
        {
            int colon = word.IndexOf(':', StringComparison.Ordinal);
            if (pending is not null)
            {
                Arguments.Add(new CommandParameter(pending, word));
                pending = null;
            }
            else if (word.Length < 2 || word[0] != '-')
            {
                Arguments.Add(new CommandParameter(null, word));
            }
            else if (colon < 0)
            {
                Arguments.Add(new CommandParameter(word));
            }
            else if (colon == word.Length - 1)
            {
                pending = word[..colon];
            }
            else
            {
                string value = word[(colon + 1)..];
                bool isBoolean = bool.TryParse(value.StartsWith('$') ? value[1..] : value, out bool boolean);
                Arguments.Add(new CommandParameter(word[..colon], isBoolean ? boolean : value));
            }
        }
    }
}
