using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading.Tasks;
using Xunit;

namespace MagicBellJwt.Tests.Shell;

/// <summary>A person at a terminal.</summary>
public sealed class ShellPromptTests
{
    [Fact]
    public async Task The_banner_says_in_two_lines_what_this_is()
    {
        await using ShellTerminal terminal = ShellTerminal.Start([]);

        string[] lines = (await terminal.SeeAsync("PS ")).Split("\r\n");

        Assert.Equal(3, lines.Length);
        Assert.Contains("for machines without PowerShell and for the first minute", lines[0], StringComparison.Ordinal);
        Assert.Contains("Get-Date", lines[1], StringComparison.Ordinal);
        Assert.Contains("https://aka.ms/powershell", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commands_run_one_after_the_other_in_one_session()
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync();

        Assert.Equal("", await terminal.RunAsync("$a = 20"));
        Assert.Equal("21", await terminal.RunAsync("$a + 1"));
        Assert.Equal("True", await terminal.RunAsync("[bool](Get-Command Connect-MbProject -ErrorAction Ignore) -or [bool](Get-Module MagicBellJwt)"));
        await terminal.EnterAsync("exit 5");
        Assert.Equal(5, await terminal.EndAsync());
    }

    [Fact]
    public async Task An_incomplete_command_continues_on_the_next_line()
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync();

        await terminal.EnterAsync("1..2 | ForEach-Object {");
        await terminal.SeeAsync(">> ");
        await terminal.EnterAsync("\"line $_\"");
        await terminal.SeeAsync(">> ");

        Assert.Equal("line 1\nline 2", await terminal.RunAsync("}"));
        Assert.Equal("1..2 | ForEach-Object {\n\"line $_\"\n}", await terminal.RunAsync("(Get-History)[-1].CommandLine"));
    }

    [Fact]
    public async Task An_error_leaves_the_session_alive()
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync();

        Assert.Contains("broken", await terminal.RunAsync("throw 'broken'"), StringComparison.Ordinal);
        Assert.Equal("False 1", await terminal.RunAsync("\"$? $($Error.Count)\""));
    }

    [Fact]
    public async Task The_arrow_keys_move_in_the_line_and_in_the_history()
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync();
        await terminal.RunAsync("$a = 'first'");

        await terminal.TypeAsync($"'ne{ShellTerminal.Left}o{ShellTerminal.Left}{ShellTerminal.Left}x{ShellTerminal.Backspace}{ShellTerminal.Enter}");
        await terminal.SeeAsync("\n>> ");
        await terminal.TypeAsync($"'{ShellTerminal.Enter}");
        await terminal.SeeAsync("PS ");
        await terminal.TypeAsync(ShellTerminal.Up + ShellTerminal.Up + ShellTerminal.Up + ShellTerminal.Enter);
        await terminal.SeeAsync("PS ");

        Assert.Equal("$a = 'first'|'noe\n'|$a = 'first'", await terminal.RunAsync("(Get-History).CommandLine -join '|'"));
    }

    [Fact]
    public async Task Tab_completes_commands_and_parameters()
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync();
        await terminal.RunAsync(RemoveItCommand.Import);

        await terminal.TypeAsync($"Remove-I{ShellTerminal.Tab} x -What{ShellTerminal.Tab}{ShellTerminal.Enter}");

        await terminal.SeeAsync("Remove-It x -WhatIf\r\nWhat if: ");
    }

    [Theory]
    [InlineData("throw 'broken'")]
    [InlineData("")]
    public async Task A_broken_prompt_function_leaves_a_prompt(string body)
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync();

        await terminal.EnterAsync($"function prompt {{ {body} }}");

        await terminal.SeeAsync("\r\nPS>");
    }

    [Fact]
    public async Task A_line_longer_than_the_row_is_read_whole()
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync();
        string text = new('x', 300);

        await terminal.TypeAsync($"'{text}'.Lengthh");
        await terminal.TypeAsync(ShellTerminal.Backspace + ShellTerminal.Enter);

        await terminal.SeeAsync("\r\n300\r\n");
    }

    [Fact]
    public async Task Ctrl_D_on_an_empty_line_ends_the_session()
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync();

        await terminal.TypeAsync(ShellTerminal.CtrlD);

        Assert.Equal(0, await terminal.EndAsync());
    }

    [Fact]
    public async Task Ctrl_C_drops_the_line_that_is_typed()
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync();
        await terminal.EnterAsync("if ($true) {");
        await terminal.SeeAsync(">> ");

        await terminal.TypeAsync("'dropped'" + ShellTerminal.CtrlC);
        await terminal.SeeAsync("^C\r\nPS ");

        Assert.Equal("", await terminal.RunAsync("Get-History"));
    }

    [Theory]
    [InlineData("while ($true) { }")]
    [InlineData("Wait-ForStop; 'never'")]
    [InlineData("try { Wait-ForStop } catch { 'never' } finally { $done = $true }")]
    [InlineData("sh -c 'echo waiting; sleep 600'; 'never'")]
    public async Task Ctrl_C_stops_what_runs_and_returns_to_the_prompt(string command)
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync();
        await terminal.RunAsync(RemoveItCommand.Import);
        await terminal.EnterAsync("$Host.UI.WriteLine('started'); " + command);
        await terminal.SeeAsync("\nstarted\r\n");
        if (!command.StartsWith("while", StringComparison.Ordinal))
        {
            // A program that is not quite there yet would miss the signal, and the engine leaves it to that.
            await terminal.SeeAsync("waiting\r\n");
        }

        await terminal.TypeAsync(ShellTerminal.CtrlC);
        Stopwatch stopping = Stopwatch.StartNew();
        string written = await terminal.SeeAsync("PS ");

        // A second is promised; the rest is for a busy machine.
        Assert.InRange(stopping.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.DoesNotContain("never", written, StringComparison.Ordinal);
        Assert.Equal(command.Contains("Wait-ForStop", StringComparison.Ordinal), written.Contains("stopped", StringComparison.Ordinal));
        await terminal.SeeAsync("> ");
        Assert.Equal("alive", await terminal.RunAsync("'alive'"));
    }

    [Theory]
    [InlineData("-Command", 1)]
    [InlineData("-File", 0)]
    public async Task Ctrl_C_ends_a_command_and_a_script_with_the_exit_code_of_pwsh(string option, int exitCode)
    {
        const string Commands = "$Host.UI.WriteLine('started'); while ($true) { }; 'never'";
        using ScriptFolder folder = new();
        await using ShellTerminal terminal = ShellTerminal.Start([option, option == "-File" ? folder.Write("job.ps1", Commands) : Commands]);
        await terminal.SeeAsync("started");

        await terminal.TypeAsync(ShellTerminal.CtrlC);

        Assert.Equal(exitCode, await terminal.EndAsync());
        Assert.DoesNotContain("never", terminal.Screen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_C_at_a_question_stops_who_asked()
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync();
        await terminal.RunAsync(RemoveItCommand.Import);

        await terminal.EnterAsync("'a', 'b' | Remove-It; 'never'");
        await terminal.SeeAsync("(default is \"Y\"): ");
        await terminal.TypeAsync(ShellTerminal.CtrlC);

        string written = await terminal.SeeAsync("PS ");
        Assert.DoesNotContain("removed", written, StringComparison.Ordinal);
        Assert.DoesNotContain("never", written, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_shows_as_stars()
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync();
        await terminal.EnterAsync("[Net.NetworkCredential]::new('', $Host.UI.ReadLineAsSecureString()).Password -ceq 'Key 1é'");
        await terminal.SeeAsync("-ceq 'Key 1é'\r\n");

        await terminal.TypeAsync("Key 1x" + ShellTerminal.Backspace + ShellTerminal.Left + "é" + ShellTerminal.Enter);

        Assert.Equal("******\b \b*\r\nTrue\r\n", await terminal.SeeAsync("True\r\n"));
    }

    [Fact]
    public async Task A_secret_pasted_in_one_piece_never_shows()
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync();
        string secret = new('s', 1500);
        await terminal.EnterAsync("$Host.UI.Write('Token: '); $Host.UI.ReadLineAsSecureString().Length");
        await terminal.SeeAsync("\nToken: ");

        await terminal.TypeAsync(secret + ShellTerminal.Enter);

        // As many stars as the row has room for.
        Assert.Equal(new string('*', 80 - "Token: ".Length - 1) + "\r\n1500\r\n", await terminal.SeeAsync("1500\r\n"));
    }

    [Fact]
    public async Task Ctrl_C_gives_a_secret_up()
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync();
        await terminal.EnterAsync("$Host.UI.Write('Token: '); $Host.UI.ReadLineAsSecureString(); 'never'");
        await terminal.SeeAsync("\nToken: ");

        await terminal.TypeAsync("half");
        await terminal.SeeAsync("****");
        await terminal.TypeAsync(ShellTerminal.CtrlC);

        Assert.Equal("^C\r\nPS ", await terminal.SeeAsync("PS "));
    }

    [Fact]
    public async Task A_signal_gives_a_question_up()
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync();
        string id = await terminal.RunAsync("$PID");
        await terminal.EnterAsync("$Host.UI.Write('Token: '); $Host.UI.ReadLineAsSecureString(); 'never'");
        await terminal.SeeAsync("\nToken: ");

        // Also what a Ctrl+C is that comes between the question and the reading.
        using Process kill = Process.Start("sh", ["-c", $"kill -INT {id}"]);

        Assert.DoesNotContain("never", await terminal.SeeAsync("PS "), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Missing_parameters_are_asked_for()
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync();
        await terminal.RunAsync("function Set-It { param([Parameter(Mandatory, HelpMessage = 'Any name.')] [string] $Name, [Parameter(Mandatory)] [int] $Days, [Parameter(Mandatory)] [string[]] $Users, [Parameter(Mandatory)] [securestring] $Token) \"$Name $Days $($Users -join '+') $($Token.Length)\" }");
        await terminal.EnterAsync("Set-It");
        await terminal.SeeAsync("\r\ncmdlet Set-It at command pipeline position 1\r\nSupply values for the following parameters:\r\n(Type !? for Help.)\r\nName: ");
        await terminal.EnterAsync("!?");
        await terminal.SeeAsync("\r\nAny name.\r\nName: ");
        await terminal.EnterAsync("laptop");
        await terminal.SeeAsync("Days: ");
        await terminal.EnterAsync("many");
        await terminal.SeeAsync("\r\nCannot recognize \"many\" as a System.Int32 due to a format error.\r\nDays: ");
        await terminal.EnterAsync("30");
        await terminal.SeeAsync("Users[0]: ");
        await terminal.EnterAsync("hana");
        await terminal.SeeAsync("Users[1]: ");
        await terminal.EnterAsync("omar");
        await terminal.SeeAsync("Users[2]: ");
        await terminal.EnterAsync("");
        await terminal.SeeAsync("Token: ");
        await terminal.EnterAsync("secret");

        Assert.Equal("******\r\nlaptop 30 hana+omar 6\r\n", await terminal.SeeAsync("6\r\n"));
    }

    [Fact]
    public async Task A_credential_is_asked_for()
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync();
        await terminal.EnterAsync("$c = $Host.UI.PromptForCredential('Proxy', 'Who are you?', '', ''); \"$($c.UserName) $($c.Password.Length)\"");
        await terminal.SeeAsync("\r\nProxy\r\nWho are you?\r\nUser: ");
        await terminal.EnterAsync("hana");
        await terminal.SeeAsync("Password for user hana: ");
        await terminal.EnterAsync("1234");

        Assert.StartsWith("****\r\n", await terminal.SeeAsync("\r\nhana 4\r\n"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "1")]
    [InlineData("k", "0")]
    [InlineData("KEEP", "0")]
    [InlineData("r", "1")]
    [InlineData(" other ", "2")]
    public async Task A_choice_is_made_by_key_by_name_or_by_default(string answer, string chosen)
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync();
        await terminal.EnterAsync("$Host.UI.PromptForChoice('Token', 'What now?', [Management.Automation.Host.ChoiceDescription[]]@([Management.Automation.Host.ChoiceDescription]::new('&Keep', 'Leaves it.'), [Management.Automation.Host.ChoiceDescription]::new('&Revoke', 'Ends it.'), 'Other'), 1)");
        await terminal.SeeAsync("\r\nToken\r\nWhat now?\r\n[K] Keep  ");
        await terminal.SeeAsync("[R] Revoke  ");
        await terminal.SeeAsync("[] Other  [?] Help (default is \"R\"): ");
        await terminal.EnterAsync("?");
        await terminal.SeeAsync("\r\nK - Leaves it.\r\nR - Ends it.\r\nOther - \r\n");
        await terminal.SeeAsync("(default is \"R\"): ");
        await terminal.EnterAsync("nonsense");
        await terminal.SeeAsync("(default is \"R\"): ");
        await terminal.EnterAsync(answer);

        await terminal.SeeAsync($"\r\n{chosen}\r\nPS ");
    }

    [Fact]
    public async Task A_confirmation_asks_as_pwsh_does()
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync(new Dictionary<string, string?> { ["NO_COLOR"] = "1" });
        await terminal.RunAsync(RemoveItCommand.Import);
        await terminal.EnterAsync("'a', 'b', 'c', 'd' | Remove-It");
        await terminal.SeeAsync("""

            Confirm
            Are you sure you want to perform this action?
            Performing the operation "Remove-It" on target "a".
            [Y] Yes  [A] Yes to All  [N] No  [L] No to All  [S] Suspend  [?] Help 
            (default is "Y"): 
            """.Replace("\n", "\r\n", StringComparison.Ordinal));
        await terminal.EnterAsync("?");
        await terminal.SeeAsync("\r\nY - Continue with only the next step of the operation.\r\n");
        await terminal.SeeAsync("(default is \"Y\"): ");
        await terminal.EnterAsync("n");
        await terminal.SeeAsync("on target \"b\".");
        await terminal.SeeAsync("(default is \"Y\"): ");
        await terminal.EnterAsync("");
        await terminal.SeeAsync("removed b\r\n");
        await terminal.SeeAsync("on target \"c\".");
        await terminal.SeeAsync("(default is \"Y\"): ");
        await terminal.EnterAsync("a");

        await terminal.SeeAsync("removed c\r\nremoved d\r\nPS ");
    }

    [Fact]
    public async Task Suspend_opens_a_prompt_in_the_middle_and_exit_returns_to_the_question()
    {
        await using ShellTerminal terminal = await ShellTerminal.StartPromptAsync();
        await terminal.RunAsync(RemoveItCommand.Import);
        await terminal.EnterAsync("'a', 'b' | Remove-It");
        await terminal.SeeAsync("(default is \"Y\"): ");
        await terminal.EnterAsync("s");
        await terminal.SeeAsync(">> ");
        await terminal.EnterAsync("\"level $NestedPromptLevel\"");
        await terminal.SeeAsync("\r\nlevel 1\r\n");
        await terminal.SeeAsync(">> ");
        await terminal.EnterAsync("throw 'broken'");
        await terminal.SeeAsync("broken");
        await terminal.SeeAsync(">> ");
        await terminal.EnterAsync("while ($true) { }");
        await terminal.SeeAsync("while ($true) { }\r\n");
        await Task.Delay(500, TestContext.Current.CancellationToken);
        await terminal.TypeAsync(ShellTerminal.CtrlC);
        await terminal.SeeAsync(">> ");
        await terminal.EnterAsync("exit");
        await terminal.SeeAsync("on target \"a\".");
        await terminal.SeeAsync("(default is \"Y\"): ");
        await terminal.EnterAsync("a");

        await terminal.SeeAsync("removed a\r\nremoved b\r\nPS ");
    }

    [Theory]
    [InlineData("-Command", "$a = 8")]
    [InlineData("-File", "$a = 8; exit 3")]
    public async Task NoExit_stays_at_the_prompt(string option, string commands)
    {
        using ScriptFolder folder = new();
        await using ShellTerminal terminal = ShellTerminal.Start(["-NoExit", "-NoLogo", option, option == "-File" ? folder.Write("job.ps1", commands) : commands]);
        await terminal.SeeAsync("> ");

        Assert.Equal("8", await terminal.RunAsync("$a"));
    }
}
