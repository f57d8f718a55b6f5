using System;
using System.Threading.Tasks;
using Xunit;

namespace MagicBellJwt.Tests.Shell;

/// <summary>Redirected standard input: commands, data and answers.</summary>
public sealed class ShellInputTests
{
    [Fact]
    public async Task Commands_come_from_standard_input_without_prompt_or_echo()
    {
        ShellResult result = await ShellProcess.RunAsync(["-Command", "-"], stdin: "$a = 1\n$a + 1\nthrow 'broken'\n'last'");

        Assert.Equal((0, "2\nlast\n"), (result.ExitCode, result.Output));
        Assert.Contains("broken", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4, "exit 4\n'never'\n")]
    [InlineData(1, "'first'\nthrow 'broken'\n")]
    [InlineData(1, "'first'\nif (\n")]
    public async Task Commands_of_standard_input_set_the_exit_code(int exitCode, string commands)
    {
        ShellResult result = await ShellProcess.RunAsync(["-Command", "-"], stdin: commands);

        Assert.Equal(exitCode, result.ExitCode);
        Assert.DoesNotContain("never", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_block_of_standard_input_ends_with_an_empty_line_or_with_the_input()
    {
        ShellResult result = await ShellProcess.RunAsync(["-Command", "-"], stdin: "if ($false) {\n  'if'\n}\nelse {\n  'else'\n}\n\n'between'\n1..2 | ForEach-Object {\n  $_\n}");

        Assert.Equal("else\nbetween\n1\n2\n", result.Output);
    }

    [Theory]
    [InlineData]
    [InlineData("-File", "-")]
    public async Task Without_a_command_standard_input_is_read_with_prompts(params string[] args)
    {
        ShellResult result = await ShellProcess.RunAsync(["-NoLogo", .. args], stdin: "1 + 1\n$Host.UI.ReadLine() + '!'\nanswer\nexit 2\n");

        Assert.Equal(2, result.ExitCode);
        string prompt = $"PS {Environment.CurrentDirectory}> ";
        Assert.Equal($"{prompt}1 + 1\n2\n{prompt}$Host.UI.ReadLine() + '!'\nanswer\nanswer!\n{prompt}exit 2\n", result.Output);
    }

    [Fact]
    public async Task Input_of_a_command_and_of_a_script_is_standard_input()
    {
        using ScriptFolder folder = new();
        string script = folder.Write("job.ps1", "foreach ($line in $input) { \"[$line]\" }");

        ShellResult file = await ShellProcess.RunAsync(["-File", script], stdin: "a\nb\n");
        ShellResult command = await ShellProcess.RunAsync(["-Command", "$input | ForEach-Object { \"<$_>\" }"], stdin: "a\nb\n");

        Assert.Equal(("[a]\n[b]\n", "<a>\n<b>\n"), (file.Output, command.Output));
    }

    [Theory]
    [InlineData("removed a|removed b", "a\n")]
    [InlineData("removed a", "y\nl\n")]
    [InlineData("removed b", "n\ny\n")]
    [InlineData("removed a|removed b", "\n\n")]
    public async Task A_confirmation_is_answered_from_standard_input(string removed, string answers)
    {
        ShellResult result = await ShellProcess.RunAsync(["-Command", RemoveItCommand.Import + "; 'a', 'b' | Remove-It"], stdin: answers);

        Assert.Equal(removed.Split('|'), Array.FindAll(result.Lines, line => line.StartsWith("removed", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Without_an_answer_nothing_is_done()
    {
        ShellResult result = await ShellProcess.RunAsync(["-Command", RemoveItCommand.Import + "; 'a', 'b' | Remove-It"]);

        Assert.DoesNotContain("removed", result.Output, StringComparison.Ordinal);
        Assert.Contains("The prompt was canceled.", result.Error, StringComparison.Ordinal);
        Assert.Equal(1, result.ExitCode);
    }

    [Theory]
    [InlineData("$Host.UI.ReadLine()")]
    [InlineData("$Host.UI.ReadLineAsSecureString()")]
    [InlineData("$Host.UI.PromptForCredential('', '', '', '')")]
    [InlineData("$Host.UI.PromptForChoice('', '', [Management.Automation.Host.ChoiceDescription[]]@('&Yes'), 0)")]
    [InlineData("'a' | Remove-It")]
    public async Task NonInteractive_refuses_to_ask(string command)
    {
        ShellResult result = await ShellProcess.RunAsync(["-NonInteractive", "-Command", RemoveItCommand.Import, ";", command], stdin: "y\ny\n");

        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains("PowerShell is in NonInteractive mode. Read and Prompt functionality is not available.", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NonInteractive_names_what_is_missing()
    {
        ShellResult result = await ShellProcess.RunAsync(["-NonInteractive", "-Command", "function Get-It { param([Parameter(Mandatory)] $Id) }; try { Get-It } catch { $_.FullyQualifiedErrorId; throw }"], stdin: "1\n");

        Assert.Equal((1, "MissingMandatoryParameter,Get-It\n"), (result.ExitCode, result.Output));
        Assert.Contains("Id", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NonInteractive_asks_nothing_where_nothing_is_to_be_confirmed()
    {
        ShellResult result = await ShellProcess.RunAsync(["-NonInteractive", "-Command", RemoveItCommand.Import + "; 'a' | Remove-It -Confirm:$false; 'b' | Remove-It -WhatIf"]);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal(["removed a", "What if: Performing the operation \"Remove-It\" on target \"b\"."], result.Lines);
    }

    [Fact]
    public async Task A_secret_is_never_taken_from_redirected_input()
    {
        ShellResult result = await ShellProcess.RunAsync(["-Command", "$Host.UI.ReadLineAsSecureString().Length"], stdin: "not-a-secret\n");

        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains("standard input is redirected", result.Error, StringComparison.Ordinal);
    }
}
