using System;
using System.IO;
using System.Threading.Tasks;
using Xunit;

namespace MagicBellJwt.Tests.Shell;

public sealed class ShellCommandLineTests : IDisposable
{
    private readonly ScriptFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("-Help")]
    [InlineData("-?")]
    [InlineData("-h")]
    [InlineData("--help")]
    public async Task Help_is_printed(string option)
    {
        ShellResult result = await ShellProcess.RunAsync([option]);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("-Command", result.Output, StringComparison.Ordinal);
        Assert.Contains("without the Utility and Management cmdlets", result.Output, StringComparison.Ordinal);
        Assert.Empty(result.Error);
    }

    [Fact]
    public async Task Version_names_the_shell_and_the_engine()
    {
        ShellResult result = await ShellProcess.RunAsync(["-Version"]);

        Assert.Equal(0, result.ExitCode);
        Assert.Matches(@"^MagicBellJwt\.Shell \d+\.\d+\.\d+ \(PowerShell engine 7\.\d+\.\d+\)\n$", result.Output);
    }

    [Theory]
    [InlineData("The option '-Bogus' is not known.", "-Bogus")]
    [InlineData("A command must follow -Command.", "-Command")]
    [InlineData("A script must follow -File.", "-File")]
    [InlineData("Nothing may follow '-Command -'", "-Command", "-", "1")]
    [InlineData("The argument 'missing.ps1' is not recognized as the name of a script file.", "-File", "missing.ps1")]
    [InlineData("The argument 'missing.ps1' is not recognized as the name of a script file.", "missing.ps1")]
    public async Task A_command_line_that_cannot_be_read_ends_with_usage_and_64(string message, params string[] args)
    {
        ShellResult result = await ShellProcess.RunAsync(args);

        Assert.Equal(64, result.ExitCode);
        Assert.StartsWith(message, result.Error, StringComparison.Ordinal);
        Assert.Contains("Usage: ", result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Fact]
    public async Task Options_may_be_shortened_and_NoProfile_is_accepted()
    {
        ShellResult result = await ShellProcess.RunAsync(["-NoP", "-NoL", "-NonI", "-c", "'ran'"]);

        Assert.Equal((0, "ran\n", ""), (result.ExitCode, result.Output, result.Error));
    }

    [Fact]
    public async Task Command_takes_the_rest_of_the_line()
    {
        ShellResult result = await ShellProcess.RunAsync(["-Command", "'a'", ";", "'-NoLogo'", ";", "$args.Count"]);

        Assert.Equal(["a", "-NoLogo", "0"], result.Lines);
    }

    [Theory]
    [InlineData("name=laptop all=True days=1 rest=", "-Name", "laptop", "-All")]
    [InlineData("name=laptop all=False days=7 rest=", "-Name:laptop", "-All:$false", "-Days", "7")]
    [InlineData("name=laptop all=True days=7 rest=", "-Days:", "7", "laptop", "-All:true")]
    [InlineData("name=lap top all=False days=3 rest=a -", "lap top", "3", "a", "-")]
    [InlineData("name=$HOME all=False days=1 rest=", "$HOME")]
    [InlineData("name= all=False days=1 rest=")]
    public async Task File_binds_its_arguments_as_pwsh_does(string bound, params string[] args)
    {
        string script = folder.Write("bind.ps1", """
            param([string] $Name, [int] $Days = 1, [switch] $All, [Parameter(ValueFromRemainingArguments)] $Rest)
            "name=$Name all=$All days=$Days rest=$Rest"
            """);

        ShellResult result = await ShellProcess.RunAsync(["-File", script, .. args]);

        Assert.Equal((0, bound + "\n", ""), (result.ExitCode, result.Output, result.Error));
    }

    [Fact]
    public async Task File_knows_where_it_is()
    {
        string script = folder.Write("where.ps1", "$PSScriptRoot; $PSCommandPath; $MyInvocation.MyCommand.Name");

        ShellResult result = await ShellProcess.RunAsync([script]);

        Assert.Equal([folder.Path, script, "where.ps1"], result.Lines);
    }

    [Fact]
    public async Task A_file_without_extension_runs_as_a_script()
    {
        string script = folder.Write("job", "#!/usr/bin/env shell\n\"ran with $args\"\nexit 6");

        ShellResult result = await ShellProcess.RunAsync(["-File", script, "one"]);

        Assert.Equal((6, "ran with one\n"), (result.ExitCode, result.Output));
    }

    [Theory]
    [InlineData(7, "exit 7")]
    [InlineData(0, "'done'; exit 0")]
    [InlineData(9, "function Stop-Here { exit 9 }; Stop-Here; 'never'")]
    [InlineData(1, "throw 'broken'")]
    [InlineData(1, "if (")]
    [InlineData(0, "Get-Nothing; 'after'")]
    [InlineData(0, "sh -c 'exit 5'")]
    [InlineData(5, "sh -c 'exit 5'; exit $LASTEXITCODE")]
    public async Task File_ends_with_the_exit_code_of_pwsh(int exitCode, string script)
    {
        ShellResult result = await ShellProcess.RunAsync(["-File", folder.Write("job.ps1", script)]);

        Assert.Equal(exitCode, result.ExitCode);
        Assert.DoesNotContain("never", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3, "exit 3")]
    [InlineData(1, "throw 'broken'")]
    [InlineData(1, "if (")]
    [InlineData(1, "'first'; Get-Nothing")]
    [InlineData(0, "Get-Nothing; 'last'")]
    [InlineData(1, "sh -c 'exit 5'")]
    [InlineData(5, "sh -c 'exit 5'; exit $LASTEXITCODE")]
    [InlineData(0, "")]
    [InlineData(0, "# nothing")]
    public async Task Command_ends_with_the_exit_code_of_pwsh(int exitCode, string command)
    {
        ShellResult result = await ShellProcess.RunAsync(["-Command", command]);

        Assert.Equal(exitCode, result.ExitCode);
    }

    [Fact]
    public async Task The_module_beside_the_shell_is_imported()
    {
        ShellResult result = await ShellProcess.RunAsync(["-Command", $"(Get-Module MagicBellJwt).Path; $env:PSModulePath -split [IO.Path]::PathSeparator -contains '{ShellProcess.Folder}'"]);

        Assert.Equal([Path.Combine(ShellProcess.Folder, "MagicBellJwt", "MagicBellJwt.dll"), "False"], result.Lines);
    }

    [Fact]
    public async Task The_engine_is_told_to_report_nothing_to_its_vendor()
    {
        ShellResult result = await ShellProcess.RunAsync(["-Command", "$env:POWERSHELL_TELEMETRY_OPTOUT"]);

        Assert.Equal("1\n", result.Output);
    }

    [Fact]
    public async Task Help_works_without_the_Utility_cmdlets()
    {
        ShellResult result = await ShellProcess.RunAsync(["-Command", "help Wait-Job"]);

        Assert.Contains("Wait-Job [-Id] <int[]>", result.Output, StringComparison.Ordinal);
        Assert.Empty(result.Error);
    }

    [Fact]
    public async Task A_module_that_cannot_be_imported_is_an_error_that_says_what_to_do()
    {
        CopyShell(folder.Path);

        ShellResult result = await ShellProcess.RunAsync(["-Command", "'never'"], folder: folder.Path);

        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains(Path.Combine(folder.Path, "MagicBellJwt", "MagicBellJwt.psd1"), result.Error, StringComparison.Ordinal);
        Assert.Contains("dotnet build", result.Error, StringComparison.Ordinal);
    }

    private static void CopyShell(string target)
    {
        foreach (string file in Directory.EnumerateFiles(ShellProcess.Folder, "*", SearchOption.AllDirectories))
        {
            string relative = Path.GetRelativePath(ShellProcess.Folder, file);
            if (!relative.StartsWith("MagicBellJwt" + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(target, relative))!);
                File.Copy(file, Path.Combine(target, relative));
            }
        }
    }
}
