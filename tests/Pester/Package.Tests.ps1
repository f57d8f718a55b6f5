BeforeDiscovery { $script:canPack = [bool](Get-Module -ListAvailable Microsoft.PowerShell.PSResourceGet | Where-Object Version -GE 1.1) }

# Needs PSResourceGet 1.1 or later, the .NET SDK and the tools of .config/dotnet-tools.json.
Describe 'The package' -Skip:(-not $canPack) {
    BeforeAll {
        . "$PSScriptRoot/Sandbox.ps1"
        Add-Type -AssemblyName System.IO.Compression.FileSystem

        # The folder of the module that these tests have loaded is left alone.
        function Export-Package([string] $Source, [string] $Destination) {
            $said = & dotnet pack (Join-Path $Source 'src/MagicBellJwt') --configuration Release "-p:ModuleFolder=$Destination/built/" "-p:PackageOutputPath=$Destination/" 2>&1
            if ($LASTEXITCODE) {
                throw "It was not packed: $($said -join "`n")"
            }

            Get-Item (Join-Path $Destination '*.nupkg')
        }

        function Get-PackageText([IO.FileInfo] $Package, [string] $Extension) {
            $zip = [IO.Compression.ZipFile]::OpenRead($Package)
            try {
                $reader = [IO.StreamReader]::new(($zip.Entries | Where-Object FullName -Like "*$Extension").Open())
                $reader.ReadToEnd()
            } finally {
                $zip.Dispose()
            }
        }

        function Get-PackageFile([IO.FileInfo] $Package) {
            $zip = [IO.Compression.ZipFile]::OpenRead($Package)
            $zip.Entries.FullName | Where-Object { $_ -notmatch '^(_rels/|package/|\[Content_Types\])' } | Sort-Object
            $zip.Dispose()
        }

        $script:folder = (New-Item -ItemType Directory (Join-Path $TestDrive 'here')).FullName
        $script:package = Export-Package $repository $folder
        $script:module = Join-Path $folder 'MagicBellJwt'
    }

    It 'is named after its version and is at most 2.5 MB' {
        $package.Name | Should -Be "MagicBellJwt.$((Import-PowerShellDataFile (Join-Path $module 'MagicBellJwt.psd1')).ModuleVersion).nupkg"
        $package.Length | Should -BeLessOrEqual 2.5MB
    }

    It 'is what PSResourceGet makes of the module, and the tags by which a cmdlet is found' {
        $null = New-Item -ItemType Directory (Join-Path $TestDrive 'theirs')
        Compress-PSResource -Path $module -DestinationPath (Join-Path $TestDrive 'theirs')
        $theirs = Get-Item (Join-Path $TestDrive 'theirs/*.nupkg')
        Get-PackageFile $package | Should -Be (Get-PackageFile $theirs)

        $our, $their = $package, $theirs | ForEach-Object { ([xml] (Get-PackageText $_ '.nuspec')).package.metadata }
        $names = $their.ChildNodes.Name
        $names | Should -Contain 'iconUrl'
        $our.ChildNodes.Name | Should -Be $names
        foreach ($name in $names | Where-Object { $_ -ne 'tags' }) {
            ($our.$name -replace '\r').Trim() | Should -Be ($their.$name -replace '\r').Trim() -Because $name
        }

        $their.tags -split ' ' | Where-Object { $_ -notin ($our.tags -split ' ') } | Should -BeNullOrEmpty
        (Get-Command -Module MagicBellJwt -CommandType Cmdlet).Name | ForEach-Object { "PSCmdlet_$_", "PSCommand_$_" } | Where-Object { $_ -notin ($our.tags -split ' ') } | Should -BeNullOrEmpty
    }

    It 'has a manifest that the Gallery takes, with the release notes of this version' {
        $info = Test-ModuleManifest (Join-Path $module 'MagicBellJwt.psd1') -ErrorAction Stop -WarningAction Stop
        $info.ReleaseNotes | Should -Match '(?m)^- '
    }

    It 'lists in its bill of materials the packages of its third-party assemblies, and no other' {
        $bill = Get-PackageText $package '.cdx.json' | ConvertFrom-Json
        $bill.bomFormat | Should -Be 'CycloneDX'
        $bill.metadata.component.version | Should -Be (Import-PowerShellDataFile (Join-Path $module 'MagicBellJwt.psd1')).ModuleVersion
        $assemblies = Get-ChildItem (Join-Path $module 'dependencies') | Where-Object Name -NotLike 'MagicBellJwt.*'
        $bill.components.name | Sort-Object | Should -Be ($assemblies.BaseName | Sort-Object)
        foreach ($component in $bill.components) {
            $component.licenses.license.id | Should -BeIn 'MIT', 'BSD-3-Clause'
            $component.hashes.content | Should -Match '^[0-9A-F]{128}$'
        }
    }

    It 'is the same, byte for byte, when it is packed again from a copy in another place' {
        $copy = (New-Item -ItemType Directory (Join-Path $TestDrive 'a copy elsewhere')).FullName
        foreach ($item in 'src', 'docs', '.config', '.editorconfig', 'Directory.Build.props', 'Directory.Packages.props', 'MagicBellJwt.psd1', 'CHANGELOG.md', 'LICENSE', 'THIRD-PARTY-NOTICES.md') {
            Copy-Item (Join-Path $repository $item) $copy -Recurse -Force
        }

        Get-ChildItem (Join-Path $copy 'src/*/bin'), (Join-Path $copy 'src/*/obj') -ErrorAction Ignore | Remove-Item -Recurse -Force
        (Get-FileHash (Export-Package $copy (Join-Path $copy 'out'))).Hash | Should -Be (Get-FileHash $package).Hash
    }

    It 'is published to a folder, found, installed from there, imported and used' {
        $feed = (New-Item -ItemType Directory (Join-Path $TestDrive 'feed')).FullName
        $modules = (New-Item -ItemType Directory (Join-Path $TestDrive 'modules')).FullName
        $script = Join-Path $TestDrive 'use.ps1'
        Set-Content $script @"
`$ErrorActionPreference = 'Stop'
`$name = 'MagicBellJwt' + [Guid]::NewGuid().ToString('N')
Register-PSResourceRepository -Name `$name -Uri '$feed' -Trusted
try {
    Publish-PSResource -NupkgPath '$package' -Repository `$name
    `$found = Find-PSResource MagicBellJwt -Repository `$name
    'found ' + `$found.Name + ' by ' + `$found.Author
    Save-PSResource MagicBellJwt -Repository `$name -Path '$modules' -TrustRepository
} finally {
    Unregister-PSResourceRepository -Name `$name
}
`$env:PSModulePath = '$modules' + [IO.Path]::PathSeparator + `$env:PSModulePath
Connect-MbProject -Sandbox
`$null = New-MbProjectToken ci -ExpiresIn 1h
'tokens ' + @(Get-MbProjectToken).Count
'from ' + (Get-Module MagicBellJwt).ModuleBase
'help ' + (Get-Help Get-MbProjectToken).Synopsis
"@
        $said = Invoke-Shell -File $script 2>&1
        $said | Should -HaveCount 4 -Because ($said -join "`n")
        $said[0] | Should -Be 'found MagicBellJwt by The MagicBellJwt authors'
        $said[1] | Should -Be 'tokens 2'
        $said[2] | Should -BeLike "from $modules*"
        $said[3] | Should -Match '^help \w+s '
    }
}
