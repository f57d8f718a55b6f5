using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Xunit;

namespace MagicBellJwt.Tests.Shell;

public sealed class ShellStreamTests
{
    private const string EveryStream = """
        [CmdletBinding()] param()
        $PSCmdlet.WriteVerbose('verbose text')
        $PSCmdlet.WriteDebug('debug text')
        $PSCmdlet.WriteWarning('warning text')
        $PSCmdlet.WriteInformation([Management.Automation.InformationRecord]::new('information text', 'here'))
        $PSCmdlet.WriteProgress([Management.Automation.ProgressRecord]::new(1, 'activity text', 'status'))
        $PSCmdlet.WriteError([Management.Automation.ErrorRecord]::new([Exception]::new('error text'), 'Id', 'NotSpecified', $null))
        'output text'
        """;

    [Fact]
    public async Task Each_stream_is_written_as_pwsh_writes_it()
    {
        ShellResult result = await ShellProcess.RunAsync(["-Command",
            $"$VerbosePreference = $DebugPreference = $InformationPreference = 'Continue'; & {{ {EveryStream} }}"]);

        Assert.Equal(["VERBOSE: verbose text", "DEBUG: debug text", "WARNING: warning text", "information text", "output text"], result.Lines);
        Assert.EndsWith(": error text\n", result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task Silent_streams_are_silent()
    {
        ShellResult result = await ShellProcess.RunAsync(["-Command", $"& {{ {EveryStream} }}"]);

        Assert.Equal(["WARNING: warning text", "output text"], result.Lines);
    }

    [Theory]
    [InlineData("throw 'broken'", "Exception: broken\n")]
    [InlineData("Get-Nothing", "Get-Nothing: The term 'Get-Nothing' is not recognized as a name of a cmdlet, function, script file, or executable program.\n")]
    [InlineData("1 +", "ParserError: \nLine |\n   1 |  1 +\n     |     ~\n     | You must provide a value expression following the '+' operator.\n")]
    [InlineData("$ErrorView = 'CategoryView'; throw 'broken'", "OperationStopped: (broken:String) [], RuntimeException\n")]
    public async Task Errors_are_rendered_as_ErrorView_says(string command, string error)
    {
        ShellResult result = await ShellProcess.RunAsync(["-Command", command]);

        Assert.StartsWith(error, result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Fact]
    public async Task Errors_are_recorded_once()
    {
        ShellResult result = await ShellProcess.RunAsync(["-Command", "-"], stdin: "throw 'broken'\n$Error.Count\n");

        Assert.Equal("1\n", result.Output);
    }

    [Fact]
    public async Task Objects_are_shown_by_their_default_view()
    {
        ShellResult result = await ShellProcess.RunAsync(["-Command", "Get-Module MagicBellJwt"]);

        Assert.Contains("ModuleType", result.Output, StringComparison.Ordinal);
        Assert.Contains("Binary ", result.Output, StringComparison.Ordinal);
        Assert.All(result.Lines, line => Assert.InRange(line.Length, 0, 80));
    }

    [Fact]
    public async Task Unicode_passes_both_ways()
    {
        const string Names = "هناء 🔑 e\u0301";

        ShellResult result = await ShellProcess.RunAsync(["-Command", "$input"], stdin: Names + "\n");

        Assert.Equal(Names + "\n", result.Output);
    }

    [Fact]
    public async Task Wide_characters_are_aligned_in_a_table()
    {
        ShellResult result = await ShellProcess.RunAsync(["-Command",
            "[pscustomobject]@{ Name = '鍵鍵'; Id = 1 }, [pscustomobject]@{ Name = 'key'; Id = 2 }, [pscustomobject]@{ Name = '🔑'; Id = 3 }"]);

        Assert.Equal(["鍵鍵  1", "key   2", "🔑    3"], result.Lines.Where(line => line.Length > 0 && char.IsAsciiDigit(line[^1])));
    }

    public static TheoryData<string, string?> PlainEnvironments => new() { { "NO_COLOR", null }, { "NO_COLOR", "1" }, { "TERM", "dumb" } };

    [Theory]
    [MemberData(nameof(PlainEnvironments))]
    public async Task Redirected_streams_hold_no_escape_sequence(string variable, string? value)
    {
        ShellResult result = await ShellProcess.RunAsync(
            ["-Command", $"$PSStyle.OutputRendering; $PSStyle.OutputRendering = 'Ansi'; $VerbosePreference = 'Continue'; $Host.UI.WriteLine('Red', 'Black', 'red'); Get-Module MagicBellJwt; & {{ {EveryStream} }}; throw 'broken'"],
            environment: new Dictionary<string, string?> { [variable] = value });

        Assert.StartsWith("PlainText\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("red\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("broken", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', result.Output + result.Error);
    }

    [Fact]
    public async Task A_terminal_shows_colours_and_NO_COLOR_takes_each_escape_sequence_away()
    {
        string[] args = ["-NoLogo", "-Command", $"$Host.UI.WriteLine('Red', 'Black', 'red'); & {{ {EveryStream} }}; Get-Module MagicBellJwt; $Host.UI.ReadLine(); throw 'broken'"];
        await using ShellTerminal colourful = ShellTerminal.Start(args);
        await using ShellTerminal plain = ShellTerminal.Start(args, new Dictionary<string, string?> { ["NO_COLOR"] = "1" });

        foreach (ShellTerminal terminal in (ShellTerminal[])[colourful, plain])
        {
            await terminal.SeeAsync("MagicBellJwt");
            await terminal.EnterAsync($"typ{ShellTerminal.Left}e{ShellTerminal.Backspace}");
            Assert.Equal(1, await terminal.EndAsync());
        }

        Assert.Contains("\u001b[33;1mWARNING: warning text\u001b[0m", colourful.Screen, StringComparison.Ordinal);
        Assert.Contains("\u001b[91mred\u001b[0m\r\n", colourful.Screen, StringComparison.Ordinal);
        Assert.Contains("\u001b[31;1m", colourful.Screen, StringComparison.Ordinal);
        Assert.Contains("WARNING: warning text", plain.Screen, StringComparison.Ordinal);
        Assert.Contains("broken", plain.Screen, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', plain.Screen);
    }

    [Fact]
    public async Task Progress_is_one_row_of_a_terminal_that_the_next_output_takes_away()
    {
        await using ShellTerminal terminal = ShellTerminal.Start(["-Command", """
            function Show-Progress { [CmdletBinding()] param()
                $record = [Management.Automation.ProgressRecord]::new(1, 'Revoking', 'of 2'); $record.PercentComplete = 50
                $PSCmdlet.WriteProgress($record)
                'one'
                $record.PercentComplete = 100; $record.RecordType = 'Completed'
                $PSCmdlet.WriteProgress($record)
            }
            Show-Progress
            """]);

        Assert.Equal(0, await terminal.EndAsync());

        const string Row = "Revoking: of 2 50%";
        Assert.Contains($"{Row}\r{new string(' ', Row.Length)}\rone\r\n", terminal.Screen, StringComparison.Ordinal);
        Assert.DoesNotContain("100%", terminal.Screen, StringComparison.Ordinal);
    }
}
