using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Shell;
using Xunit;

namespace MagicBellJwt.Tests.Text;

/// <summary>What a terminal shows in colour, and who gets none.</summary>
public sealed class ColourTests
{
    private const string Show = """
        Connect-MbProject -Sandbox
        New-MbProjectToken soon -ExpiresIn 3d | Out-Null
        New-MbProjectToken late -ExpiresIn 90d | Out-Null
        $listed = Get-MbProjectToken soon, late
        Get-MbProjectToken soon, late
        $listed[0].Status.ToString().Length, $listed[0].Expires.Length, [Management.Automation.PSSerializer]::Serialize($listed).Contains('_x001B_')
        'seen'
        """;

    [Fact]
    public async Task A_terminal_shows_status_and_a_near_end_in_colour_and_the_objects_stay_plain()
    {
        if (!ShellTerminal.IsSupported)
        {
            return;
        }

        await using ShellTerminal terminal = ShellTerminal.Start(["-NoLogo", "-Command", Show], new Dictionary<string, string?> { ["NO_COLOR"] = null });

        string screen = await terminal.SeeAsync("seen");
        Assert.Contains("\u001b[32mActive\u001b[0m", screen, StringComparison.Ordinal);
        Assert.Contains("\u001b[33;1min 3 days\u001b[0m", screen, StringComparison.Ordinal);
        Assert.Contains(" in 90 days ", screen, StringComparison.Ordinal);
        Assert.Contains("\r\n6\r\n10\r\nFalse\r\n", screen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NO_COLOR_takes_the_colours_away_and_leaves_the_words()
    {
        if (!ShellTerminal.IsSupported)
        {
            return;
        }

        await using ShellTerminal terminal = ShellTerminal.Start(["-NoLogo", "-Command", Show]);

        string screen = await terminal.SeeAsync("seen");

        // PowerShell's own row of progress keeps its colour.
        Assert.DoesNotMatch("\u001b\\[[0-9;]*m *(Id|Active|in )", screen);
        Assert.Contains("Active    in 3 days ", screen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pipe_gets_none_even_where_the_engine_is_told_to_colour()
    {
        ShellResult result = await ShellProcess.RunAsync(["-Command", "$PSStyle.OutputRendering = 'Ansi'; " + Show], environment: new Dictionary<string, string?> { ["NO_COLOR"] = null });

        Assert.DoesNotContain("\u001b[32mActive", result.Output, StringComparison.Ordinal);
        Assert.Contains("Active    in 3 days ", result.Output, StringComparison.Ordinal);
    }
}
