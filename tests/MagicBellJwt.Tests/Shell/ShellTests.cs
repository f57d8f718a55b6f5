using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Shell;

/// <summary>What is ours in the Shell: it is PowerShell with its own cmdlets, and with the module imported.</summary>
public sealed class ShellTests(ServerFixture fixture) : IClassFixture<ServerFixture>, IDisposable
{
    private static readonly string s_modules = Path.Combine(Path.GetDirectoryName(ShellProcess.Shell)!, "Modules");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task The_module_is_imported_and_nothing_is_reported_to_the_vendor()
    {
        ShellResult result = await ShellProcess.RunAsync(
            ["-Command", $"(Get-Module MagicBellJwt).Path; $env:PSModulePath -split [IO.Path]::PathSeparator -contains '{s_modules}'; $env:POWERSHELL_TELEMETRY_OPTOUT; $env:POWERSHELL_UPDATECHECK"],
            environment: new Dictionary<string, string?> { ["POWERSHELL_TELEMETRY_OPTOUT"] = null, ["POWERSHELL_UPDATECHECK"] = null });

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal([Path.Combine(s_modules, "MagicBellJwt", "MagicBellJwt.dll"), "True", "1", "Off"], result.Lines);
    }

    [Fact]
    public async Task PowerShells_own_cmdlets_are_found_and_a_script_gets_its_arguments_and_gives_its_exit_code()
    {
        string script = At("job.ps1", """
            param([string] $Path, [int] $Days, [switch] $All)
            Import-Csv $Path | Select-Object -First 1 | ConvertTo-Json -Compress
            (Get-Date '2026-01-01').AddDays($Days).ToString('yyyy-MM-dd')
            Remove-Item $Path
            "$All $(Test-Path $Path)"
            exit 7
            """);

        ShellResult result = await ShellProcess.RunAsync(["-NonInteractive", "-File", script, At("rows.csv", "Id,Name\n1,ci\n2,web\n"), "-Days", "31", "-All"]);

        Assert.Equal((7, ""), (result.ExitCode, result.Error));
        Assert.Equal(["""{"Id":"1","Name":"ci"}""", "2026-02-01", "True False"], result.Lines);
    }

    [Theory]
    [InlineData("throw 'broken'", 1)]
    [InlineData("exit 3", 3)]
    [InlineData("Get-MbSession", 0)]
    public async Task A_command_ends_with_the_exit_code_of_pwsh(string command, int code) =>
        Assert.Equal(code, (await ShellProcess.RunAsync(["-NonInteractive", "-Command", command])).ExitCode);

    [Fact]
    public async Task The_quickstart_runs()
    {
        ShellResult result = await ShellProcess.RunAsync(["-File", Path.Combine(Repository.Root, "examples", "quickstart.ps1")]);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal(7, result.Lines.Count(line => line.StartsWith("ok: ", StringComparison.Ordinal)));
        Assert.Equal("ok: disconnected", result.Lines[^1]);
    }

    [Fact]
    public async Task Without_the_module_it_does_not_start()
    {
        string program = Path.GetDirectoryName(ShellProcess.Shell)!;
        foreach (string file in Directory.EnumerateFiles(program, "*", SearchOption.AllDirectories).Where(file => !file.StartsWith(s_modules, StringComparison.Ordinal)))
        {
            string copy = Path.Combine(_folder.FullName, Path.GetRelativePath(program, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        ShellResult result = await ShellProcess.RunAsync(["-Command", "'never'"], program: Path.Combine(_folder.FullName, Path.GetFileName(ShellProcess.Shell)));

        Assert.Equal((70, ""), (result.ExitCode, result.Output));
        Assert.Contains(Path.Combine(_folder.FullName, "Modules", "MagicBellJwt", "MagicBellJwt.psd1"), result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task At_a_prompt_the_token_is_masked_and_Ctrl_C_takes_back_what_nobody_holds()
    {
        if (!ShellTerminal.IsSupported)
        {
            return;
        }

        ServerProcess server = fixture.Server;
        await using ShellTerminal terminal = ShellTerminal.Start([], new Dictionary<string, string?> { ["MAGICBELL_BASE_URL"] = server.BaseAddress.AbsoluteUri });
        await terminal.SeeAsync("dotnet pwsh");
        await terminal.SeeAsync("PS ");
        await terminal.TypeAsync("Connect-MbProject\r");
        await terminal.SeeAsync("Project token: ");
        await terminal.TypeAsync(server.Token + "\r");
        string masked = await terminal.SeeAsync("PS ");
        Assert.Contains("***", masked, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Token[..20], masked, StringComparison.Ordinal);

        await server.FailAsync("POST * delay ms=300");
        await terminal.TypeAsync("New-MbProjectToken late; 'never'\r");
        Assert.True(await Eventually.IsAsync(async () => (await server.RequestsAsync()).Any(request => request.Method == "POST")));
        await terminal.TypeAsync("\u0003");
        string stopped = await terminal.SeeAsync("PS ");

        ServerToken token = Assert.Single(await server.TokensAsync(), token => token.Name == "late");

        // A machine that is too busy to look at the list and to revoke within the second says that the token may be live.
        Assert.Contains(token.Id[..8], stopped, StringComparison.Ordinal);
        Assert.True(!token.Live || stopped.Contains("Remove-MbProjectToken", StringComparison.Ordinal) || stopped.Contains("should be revoked", StringComparison.Ordinal) || stopped.Contains("Fingerprint", StringComparison.Ordinal), stopped);
        await terminal.TypeAsync("exit 5\r");
        Assert.Equal(5, await terminal.EndAsync());
    }

    private string At(string name, string text)
    {
        string path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }
}
