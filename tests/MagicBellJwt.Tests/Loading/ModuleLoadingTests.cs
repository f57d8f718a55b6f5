using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Loading;

/// <summary>The module beside other modules, each time in a fresh process in which nothing of ours is loaded yet.</summary>
public sealed class ModuleLoadingTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    // In the order in which they go wrong: Polly.Core shares its assembly version with ours, AsyncInterfaces is what a flat folder trips over.
    private const string LoadForeign = """
        'Polly.Core', 'Polly', 'Microsoft.Bcl.AsyncInterfaces', 'Newtonsoft.Json' | ForEach-Object { $null = [Reflection.Assembly]::LoadFrom("$foreign/$_.dll") }
        """;

    private const string Import = "Import-Module $manifest";

    // Answered twice with 503, so that it retries, and a list, so that it parses JSON.
    private const string Call = "Connect-MbProject; 'tokens ' + @(Get-MbProjectToken).Count";

    // What the session really runs on, down to the pipeline that repeats requests.
    private const string Report = """
        function Inner($object, $field) { $object.GetType().GetField($field, 'Instance,NonPublic').GetValue($object) }
        function Place($assembly) { if ($assembly.Location.StartsWith($module)) { 'ours' } else { 'foreign' } }
        $service = Inner (Get-MbSession) '_service'
        $repeat = Inner (Inner (Inner $service '_connection') '_resilience') '_repeat'
        'client ' + (Place $service.GetType().Assembly)
        'repeats ' + (Place $repeat.GetType().Assembly) + ' ' + [Diagnostics.FileVersionInfo]::GetVersionInfo($repeat.GetType().Assembly.Location).FileVersion
        [AppDomain]::CurrentDomain.GetAssemblies() | Where-Object { $_.GetName().Name -in 'Polly.Core', 'Polly', 'Newtonsoft.Json', 'Microsoft.Bcl.AsyncInterfaces' } | ForEach-Object { $_.GetName().Name + ' ' + (Place $_) }
        """;

    private const string Handlers = """
        function Handlers {
            $resolving = [Runtime.Loader.AssemblyLoadContext].GetField('AssemblyResolve', 'Static,NonPublic').GetValue($null)
            'handlers ' + @(if ($resolving) { $resolving.GetInvocationList() | Where-Object { $_.Method.DeclaringType.FullName -like 'MagicBellJwt.*' } }).Count
        }
        """;

    private ServerProcess Server => fixture.Server;

    [Theory]
    [InlineData($"{LoadForeign}\n{Import}\n{Call}")]
    [InlineData($"{Import}\n{LoadForeign}\n{Call}")]
    public async Task A_call_retries_and_parses_with_our_assemblies_whatever_others_have_loaded(string script)
    {
        await Server.ResetAsync();
        await Server.FailAsync("GET * 503 times=2");

        string[] lines = await RunAsync(script + "\n" + Report);

        Assert.Equal("tokens 1", lines[0]);
        Assert.Equal(4, (await Server.RequestsAsync()).Length);
        Assert.Contains("client ours", lines);
        Assert.Contains(lines, line => line.StartsWith("repeats ours 8.9.1", StringComparison.Ordinal));
        foreach (string name in new[] { "Polly.Core", "Newtonsoft.Json", "Microsoft.Bcl.AsyncInterfaces" })
        {
            Assert.Equal([$"{name} foreign", $"{name} ours"], lines.Where(line => line.StartsWith(name + " ", StringComparison.Ordinal)).Order());
        }

        Assert.Equal(["Polly foreign"], lines.Where(line => line.StartsWith("Polly ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Import_loads_the_module_alone_and_the_first_call_the_rest()
    {
        string[] lines = await RunAsync($$"""
            function Ours { [AppDomain]::CurrentDomain.GetAssemblies() | Where-Object { -not $_.IsDynamic -and $_.Location.StartsWith($module) } | ForEach-Object { $_.Location.Substring($module.Length + 1).Replace('\', '/') } }
            function Names { @([AppDomain]::CurrentDomain.GetAssemblies() | ForEach-Object { $_.GetName().Name }) }
            $before = Names
            {{Import}}
            'imported ' + (@(Ours) -join ' ')
            'else ' + (@(Names | Where-Object { $_ -notin $before -and $_ -notlike 'System.*' -and $_ -notlike 'Microsoft.PowerShell.*' }) -join ' ')
            $null = Get-MbSession; Disconnect-MbProject
            'unconnected ' + (@(Ours) -join ' ')
            Connect-MbProject -Sandbox
            Ours
            """);

        Assert.Equal("imported MagicBellJwt.dll", lines[0]);
        // The engine loads parts of its own whenever its background threads come to it.
        Assert.Equal("else MagicBellJwt", lines[1]);
        Assert.Equal("unconnected MagicBellJwt.dll", lines[2]);
        string[] shipped = [.. Directory.GetFiles(Path.Combine(Repository.ModuleFolder, "dependencies")).Select(file => Path.GetFileNameWithoutExtension(file)).Where(name => !name.StartsWith("System.", StringComparison.Ordinal))];
        Assert.Equal(shipped.Select(name => $"dependencies/{name}.dll").Append("MagicBellJwt.dll").Order(), lines[3..].Order());
    }

    [Fact]
    public async Task Import_with_force_leaves_the_session_working_and_one_handler()
    {
        string[] lines = await RunAsync($$"""
            {{Handlers}}
            Handlers; {{Import}}; Handlers
            Connect-MbProject -Sandbox; $null = New-MbProjectToken ci -ExpiresIn 1d
            1..3 | ForEach-Object { {{Import}} -Force }; Handlers
            'sessions ' + @(Get-MbSession).Count
            $null = New-MbProjectToken ci -ExpiresIn 1d; 'tokens ' + @(Get-MbProjectToken).Count
            Remove-Module MagicBellJwt; Handlers
            {{Import}}; Handlers
            $null = New-MbProjectToken ci -ExpiresIn 1d; 'tokens ' + @(Get-MbProjectToken).Count
            Remove-Module MagicBellJwt; Handlers
            """);

        Assert.Equal(
            ["handlers 0", "handlers 1", "handlers 1", "sessions 1", "tokens 3", "handlers 0", "handlers 1", "tokens 4", "handlers 0"],
            lines);
    }

    [Fact]
    public async Task A_runspace_that_removes_the_module_takes_nothing_from_the_others()
    {
        string[] lines = await RunAsync($$"""
            {{Handlers}}
            {{Import}}
            $other = [runspacefactory]::CreateRunspace([initialsessionstate]::CreateDefault2()); $other.Open()
            function InOther($script) {
                $shell = [powershell]::Create($other)
                $shell.AddScript($script).Invoke()
                $shell.Streams.Error | ForEach-Object { 'error ' + $_ }
            }
            InOther "Import-Module '$manifest'"; Handlers
            Remove-Module MagicBellJwt; Handlers
            InOther "Connect-MbProject -Sandbox; 'tokens ' + @(Get-MbProjectToken).Count"
            {{Import}}; Handlers
            'sessions ' + @(Get-MbSession).Count
            InOther 'Remove-Module MagicBellJwt'; Handlers
            Connect-MbProject -Sandbox; 'tokens ' + @(Get-MbProjectToken).Count
            $other.Dispose(); Remove-Module MagicBellJwt; Handlers
            """);

        Assert.Equal(["handlers 1", "handlers 1", "tokens 1", "handlers 1", "sessions 0", "handlers 1", "tokens 1", "handlers 0"], lines);
    }

    [Fact]
    public async Task Others_get_nothing_of_ours()
    {
        string[] lines = await RunAsync($$"""
            {{Import}}
            Connect-MbProject -Sandbox
            try { 'found ' + [Reflection.Assembly]::Load('Polly.Core').FullName } catch { 'none' }
            try { 'found ' + [Reflection.Assembly]::Load('MagicBellJwt.Client').FullName } catch { 'none' }
            """);

        Assert.Equal(["none", "none"], lines);
    }

    private async Task<string[]> RunAsync(string script)
    {
        ShellResult result = await ShellProcess.RunAsync(
            ["-NonInteractive", "-Command", $"$ErrorActionPreference = 'Stop'\n$foreign = '{Path.Combine(AppContext.BaseDirectory, "Foreign")}'\n$module = '{Repository.ModuleFolder}'\n$manifest = '{Repository.Manifest}'\n{script}"],
            environment: new Dictionary<string, string?> { ["MAGICBELL_PROJECT_TOKEN"] = Server.Token, ["MAGICBELL_BASE_URL"] = Server.BaseAddress.AbsoluteUri },
            program: ShellProcess.Pwsh);
        Assert.True(result.ExitCode == 0 && result.Error.Length == 0, result.Error + result.Output);
        return result.Lines;
    }
}
