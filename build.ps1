#Requires -Version 5.1
<#
.SYNOPSIS
Builds, tests, analyses or documents the module, for people who have PowerShell. MSBuild does the work.
.DESCRIPTION
Nothing is installed silently: what is missing is said, with the command that installs it.
.PARAMETER Task
Build leaves the module in out/MagicBellJwt. Test runs the Pester tests on the built module, in a process of their own.
Analyze runs PSScriptAnalyzer over every script. Docs makes the help XML, which is committed, from the
pages in docs/en-US.
.EXAMPLE
./build.ps1
.EXAMPLE
./build.ps1 -Task Build, Test
#>
[CmdletBinding()]
param(
    [ValidateSet('Build', 'Test', 'Analyze', 'Docs')]
    [string[]] $Task = 'Build',

    [ValidateSet('Debug', 'Release')]
    [string] $Configuration = 'Debug'
)

$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot
$options = '--configuration', $Configuration

function Assert-Module([string] $Name, [version] $Version) {
    if (-not (Get-Module -ListAvailable $Name | Where-Object Version -GE $Version)) {
        throw "$Name $Version or later is needed. Install it: Install-PSResource $Name -Version '[$Version, )'"
    }
}

function Invoke-DotNet([string] $Command, [string] $Project) {
    & dotnet $Command $Project @script:options
    if ($LASTEXITCODE) {
        throw "dotnet $Command $Project failed with exit code $LASTEXITCODE."
    }
}

function Invoke-Build {
    Invoke-DotNet -Command build -Project MagicBellJwt.sln
}

function Invoke-Test {
    Assert-Module -Name Pester -Version 5.7
    Invoke-DotNet -Command build -Project tests/MagicBellJwt.SandboxServer
    Invoke-DotNet -Command build -Project src/MagicBellJwt

    # In a process of its own: a binary module cannot be loaded again after the next build, and red must mean red.
    $run = {
        $result = Invoke-Pester -Path tests/Pester -PassThru
        # A file or block that could not run has no failed test, and is a failure all the same.
        $failed = $result.FailedCount + $result.FailedBlocksCount + $result.FailedContainersCount
        '{0} passed, {1} failed' -f $result.PassedCount, $failed
        exit [int]($failed -gt 0 -or $result.PassedCount -eq 0)
    }
    & (Get-Process -Id $PID).Path -NoProfile -NonInteractive -Command $run
    if ($LASTEXITCODE) {
        throw 'The Pester tests failed.'
    }
}

function Invoke-Analyze {
    Assert-Module -Name PSScriptAnalyzer -Version 1.21
    # The manifest is analysed where it stands beside the files that it names: in the built module.
    $scripts = @(Get-ChildItem . -Recurse -Include *.ps1, *.psm1, *.psd1 | Where-Object FullName -NotMatch '[\\/](out|bin|obj)[\\/]' | Where-Object Name -NE MagicBellJwt.psd1)
    $scripts += Get-Item out/MagicBellJwt/MagicBellJwt.psd1
    $findings = $scripts | ForEach-Object { Invoke-ScriptAnalyzer -Path $_.FullName -Settings ./PSScriptAnalyzerSettings.psd1 }
    $findings | Format-Table ScriptName, Line, RuleName, Message -Wrap
    if ($findings) {
        throw "$(@($findings).Count) findings in $(@($scripts).Count) scripts."
    }

    "$(@($scripts).Count) scripts, no finding"
}

function Invoke-Docs {
    Assert-Module -Name Microsoft.PowerShell.PlatyPS -Version 1.0
    $folder = Join-Path ([IO.Path]::GetTempPath()) ([Guid]::NewGuid())
    Get-ChildItem docs/en-US/*-*.md | Import-MarkdownCommandHelp | Export-MamlCommandHelp -OutputFolder $folder | Out-Null
    Get-ChildItem $folder -Recurse -Filter *-Help.xml | Copy-Item -Destination docs/en-US
    Remove-Item $folder -Recurse
}

foreach ($name in $Task) {
    & "Invoke-$name"
}
