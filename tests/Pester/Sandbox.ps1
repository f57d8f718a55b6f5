# Starts the sandbox's HTTP server in a process of its own, and connects to it. Dot-sourced by each test file.
$ErrorActionPreference = 'Stop'
$repository = Split-Path (Split-Path $PSScriptRoot)

# What is recorded stays out of the account's own folders.
$env:XDG_STATE_HOME = Join-Path ([IO.Path]::GetTempPath()) "MagicBellJwt-tests-$PID"
. "$PSScriptRoot/../Shell.ps1"
Import-Module (Join-Path $repository 'out/MagicBellJwt') -Force

function Open-Sandbox([string[]] $Option) {
    $server = Get-ChildItem (Join-Path $repository 'tests/MagicBellJwt.SandboxServer/bin') -Recurse -Filter MagicBellJwt.SandboxServer.dll |
        Sort-Object LastWriteTime | Select-Object -Last 1
    $tokenFile = Join-Path ([IO.Path]::GetTempPath()) ([Guid]::NewGuid())
    $start = [Diagnostics.ProcessStartInfo]::new('dotnet')
    $start.Arguments = (@("`"$($server.FullName)`"", '--urls', 'http://127.0.0.1:0', '--admin-token-file', "`"$tokenFile`"") + $Option) -join ' '
    $start.RedirectStandardOutput = $true
    $start.UseShellExecute = $false
    $process = [Diagnostics.Process]::Start($start)
    $line = $process.StandardOutput.ReadLine()
    if ($line -notmatch 'http://\S+') {
        throw "The sandbox server did not start: $line"
    }

    $token = ConvertTo-Secret (Get-Content $tokenFile)
    Remove-Item $tokenFile
    [pscustomobject]@{ Process = $process; Address = $Matches[0]; Token = $token }
}

function Close-Sandbox($Sandbox) {
    Disconnect-MbProject -All
    Stop-Process -Id $Sandbox.Process.Id
    $Sandbox.Process.Dispose()
}

function ConvertTo-Secret([string] $Text) {
    [Net.NetworkCredential]::new('', $Text).SecurePassword
}

# The write requests that the server has seen, as "METHOD path".
function Get-SandboxWrite($Sandbox) {
    $control = ([uri] $Sandbox.Address).GetLeftPart('Authority') + '/_control/requests'
    @(Invoke-RestMethod $control) | ForEach-Object { $_ } | Where-Object method -NE GET | ForEach-Object { "$($_.method) $($_.target)" }
}

# Gives a user of the server more tokens, named "seed 1" and on.
function Add-SandboxToken($Sandbox, [string] $UserId, [int] $Count) {
    $control = ([uri] $Sandbox.Address).GetLeftPart('Authority') + '/_control/seed'
    Invoke-RestMethod $control -Method Post -ContentType application/json -Body (@{ 'user-id' = $UserId; 'user-tokens' = $Count } | ConvertTo-Json) | Out-Null
}

# Makes the server fail as Fault.cs describes; without faults it works again.
function Use-SandboxFault($Sandbox, [string[]] $Fault) {
    $control = ([uri] $Sandbox.Address).GetLeftPart('Authority') + '/_control/faults'
    Invoke-RestMethod $control -Method Delete | Out-Null
    if ($Fault) {
        Invoke-RestMethod $control -Method Post -ContentType application/json -Body (ConvertTo-Json $Fault) | Out-Null
    }
}
