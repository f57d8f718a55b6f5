BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:manifest = Import-PowerShellDataFile (Join-Path $repository 'MagicBellJwt.psd1')
}

Describe 'The module' {
    It 'has a manifest that the gallery takes' {
        $info = Test-ModuleManifest (Join-Path $repository 'out/MagicBellJwt/MagicBellJwt.psd1')
        $info.Version | Should -Be $manifest.ModuleVersion
        $info.CompatiblePSEditions | Should -Be 'Desktop', 'Core'
        $info.ProjectUri, $info.LicenseUri, $info.Description | Should -Not -BeNullOrEmpty
    }

    It 'exports the cmdlets and aliases of its manifest' {
        (Get-Command -Module MagicBellJwt -CommandType Cmdlet).Name | Sort-Object | Should -Be ($manifest.CmdletsToExport | Sort-Object)
        (Get-Command -Module MagicBellJwt -CommandType Alias).Name | Sort-Object | Should -Be ($manifest.AliasesToExport | Sort-Object)
    }

    It 'uses approved verbs' {
        (Get-Command -Module MagicBellJwt -CommandType Cmdlet).Verb | Where-Object { $_ -notin (Get-Verb).Verb } | Should -BeNullOrEmpty
    }

    It 'has an alias with Jwt for each cmdlet with Token in its name, which the history would lose' {
        Get-Command -Module MagicBellJwt -CommandType Cmdlet -Name *Token* | ForEach-Object {
            (Get-Alias ($_.Name -replace 'Token', 'Jwt')).ResolvedCommandName | Should -Be $_.Name
        }
    }

    It 'loads none of its dependencies when it is imported' {
        $host_ = (Get-Process -Id $PID).Path
        $loaded = & $host_ -NoProfile -NonInteractive -Command "Import-Module '$repository/out/MagicBellJwt'; [AppDomain]::CurrentDomain.GetAssemblies() | Where-Object Location -Like '*dependencies*' | ForEach-Object Location"
        $loaded | Should -BeNullOrEmpty
    }

    It 'keeps its sessions when it is imported again with -Force' {
        Connect-MbProject -Sandbox -Name again
        Import-Module (Join-Path $repository 'out/MagicBellJwt') -Force
        Get-MbProjectToken | Should -HaveCount 1
        Disconnect-MbProject -All
    }
}
