#Requires -Version 5.1
<#
.SYNOPSIS
Builds, tests, analyses, documents or packs the module, for people who have PowerShell. MSBuild does the work.
.DESCRIPTION
Nothing is installed silently: what is missing is said, with the command that installs it.
.PARAMETER Task
Build leaves the module in out/MagicBellJwt. Test runs the Pester tests on the built module, in a process of their own.
Analyze runs PSScriptAnalyzer over every script. Docs makes the help XML, which is committed, from the
pages in docs/en-US. Package leaves the module, built in Release, in out/package: the folder, the package for the Gallery and, on
Windows, a catalog of the folder's files beside it (Test-FileCatalog compares).
.EXAMPLE
./build.ps1
.EXAMPLE
./build.ps1 -Task Build, Test
#>
[CmdletBinding()]
param(
    [ValidateSet('Build', 'Test', 'Analyze', 'Docs', 'Package')]
    [string[]] $Task = 'Build',

    [ValidateSet('Debug', 'Release')]
    [string] $Configuration = 'Debug'
)

$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot
. ./tests/Shell.ps1
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

    Invoke-Shell -File tests/Invoke-PesterTest.ps1 tests/Pester
    if ($LASTEXITCODE) {
        throw 'The Pester tests failed.'
    }
}

function Invoke-Analyze {
    Assert-Module -Name PSScriptAnalyzer -Version 1.21
    # The manifest is analysed where it stands beside the files that it names: in the built module.
    if (-not (Test-Path out/MagicBellJwt/MagicBellJwt.psd1)) {
        throw 'The built module is analysed too, and is not there: ./build.ps1 -Task Build'
    }

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
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseSingularNouns', '', Justification = 'It is named after its task.')]
    param()

    Assert-Module -Name Microsoft.PowerShell.PlatyPS -Version 1.0
    $folder = Join-Path ([IO.Path]::GetTempPath()) ([Guid]::NewGuid())
    $pages = Get-ChildItem docs/en-US/*-*.md | Import-MarkdownCommandHelp
    $file = $pages | Export-MamlCommandHelp -OutputFolder $folder
    $help = [Xml.XmlDocument]::new()
    $help.Load($file.FullName)
    foreach ($page in $pages) {
        Repair-Help -Help $help.helpItems.command.Where({ $_.details.name -eq $page.Title })[0] -Page $page
    }

    $settings = [Xml.XmlWriterSettings]@{ Indent = $true; NewLineChars = "`n"; Encoding = [Text.UTF8Encoding]::new($false) }
    $writer = [Xml.XmlWriter]::Create((Join-Path $PSScriptRoot "docs/en-US/$($file.Name)"), $settings)
    $help.Save($writer)
    $writer.Dispose()
    Remove-Item $folder -Recurse
}

# What PlatyPS leaves out or puts elsewhere: a place for an example's code, default values, paragraphs that Get-Help wraps itself, and what
# a parameter set's parameter takes.
function Repair-Help([Xml.XmlElement] $Help, $Page) {
    foreach ($paragraph in @($Help.GetElementsByTagName('maml:para')) | Where-Object { -not $_.InnerText.StartsWith('```') }) {
        $texts = @($paragraph.InnerText -split '(?:\r?\n){2,}' | ForEach-Object { $_ -replace '\r?\n', ' ' })
        $paragraph.InnerText = $texts[0]
        foreach ($text in $texts | Select-Object -Skip 1) {
            $next = $paragraph.CloneNode($false)
            $next.InnerText = $text
            $paragraph = $paragraph.ParentNode.InsertAfter($next, $paragraph)
        }
    }

    $parameters = @($Help.parameters.parameter) + @($Help.syntax.syntaxItem | ForEach-Object { $_.parameter }) | Where-Object { $_ }
    foreach ($parameter in $parameters) {
        $default = $Page.Parameters.Where({ $_.Name -eq $parameter.name })[0].DefaultValue
        if ($default) {
            Add-Element -Parent $parameter -Name dev:defaultValue -Like $parameter.type -Text $default
        }
    }

    foreach ($parameter in $Help.syntax.syntaxItem | ForEach-Object { $_.parameter } | Where-Object { $_ }) {
        $whole = $Help.parameters.parameter.Where({ $_.name -eq $parameter.name })[0]
        foreach ($attribute in 'position', 'globbing', 'pipelineInput', 'aliases') {
            $parameter.SetAttribute($attribute, ($whole.GetAttribute($attribute) -creplace 'Named', 'named'))
        }
    }

    foreach ($example in $Help.examples.example) {
        $texts = @($example.introduction.para | Where-Object { $_.Trim([char] 0x80, ' ') })
        $code = $example.GetElementsByTagName('dev:code')[0]
        $code.InnerText = $texts[0] -replace '^```powershell\r?\n|\r?\n```$'
        foreach ($text in $texts | Select-Object -Skip 1) {
            Add-Element -Parent $example.GetElementsByTagName('dev:remarks')[0] -Name maml:para -Like $example.introduction -Text $text
        }

        $example.RemoveChild($example.introduction) | Out-Null
    }

    # The page's first link is its online one, which PlatyPS has put in front already; the others are names for Get-Help, not addresses.
    $links = $Help.relatedLinks.navigationLink
    $Help.relatedLinks.RemoveChild($links[1]) | Out-Null
    foreach ($link in $links | Select-Object -Skip 2) {
        $link.GetElementsByTagName('maml:uri')[0].InnerText = ''
    }
}

function Add-Element([Xml.XmlElement] $Parent, [string] $Name, [Xml.XmlElement] $Like, [string] $Text) {
    $element = $Parent.OwnerDocument.CreateElement($Name, $Like.NamespaceURI)
    $element.InnerText = $Text
    $Parent.AppendChild($element) | Out-Null
}

function Invoke-Package {
    & dotnet pack src/MagicBellJwt --configuration Release
    if ($LASTEXITCODE) {
        throw "dotnet pack failed with exit code $LASTEXITCODE."
    }

    # PowerShell has the command on Windows only.
    if (Get-Command New-FileCatalog -ErrorAction Ignore) {
        New-FileCatalog -Path out/package/MagicBellJwt -CatalogFilePath out/package/MagicBellJwt.cat -CatalogVersion 2.0
    }
}

foreach ($name in $Task) {
    & "Invoke-$name"
}
