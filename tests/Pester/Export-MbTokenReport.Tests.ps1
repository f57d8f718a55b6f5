BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    Connect-MbProject -Sandbox
    $script:hostile = '<script>alert(1)</script>'
    New-MbProjectToken $hostile -ExpiresIn 5d | Out-Null
    New-MbProjectToken '=1+1' -ExpiresIn 60d | Out-Null
}

AfterAll { Disconnect-MbProject -All }

Describe 'Export-MbTokenReport' {
    It 'writes a page in one file, in which every name is text' {
        $page = Join-Path $TestDrive 'report.html'
        Get-MbTokenReport | Export-MbTokenReport -Path $page
        $html = [IO.File]::ReadAllText($page)
        $html | Should -BeLike '<!DOCTYPE html>*'
        $html | Should -Not -Match '<script'
        $html | Should -Match '&lt;script&gt;alert'
        $html | Should -Not -Match 'src='
    }

    It 'writes a table that Import-Csv reads and no spreadsheet calculates' {
        $table = Join-Path $TestDrive 'report.csv'
        Get-MbTokenReport | Export-MbTokenReport $table
        $rows = Import-Csv $table
        $rows | Should -HaveCount 3
        $rows.Name | Where-Object { $_ -like '=*' } | Should -BeNullOrEmpty
        $rows.Name | Where-Object { $_ -like '*=1+1' } | Should -HaveCount 1
    }

    It 'writes JSON that ConvertFrom-Json reads' {
        $json = Join-Path $TestDrive 'report.json'
        Get-MbTokenReport | Export-MbTokenReport $json
        $read = [IO.File]::ReadAllText($json) | ConvertFrom-Json
        ($read | ConvertTo-Json -Depth 8) | Should -Match 'alert'
    }

    It 'gives the file with -PassThru, and leaves one that is there with -NoClobber' {
        $page = Join-Path $TestDrive 'once.html'
        (Get-MbTokenReport | Export-MbTokenReport $page -PassThru).FullName | Should -Be $page
        $before = [IO.File]::ReadAllText($page)
        { Get-MbTokenReport | Export-MbTokenReport $page -NoClobber -ErrorAction Stop } | Should -Throw
        [IO.File]::ReadAllText($page) | Should -BeExactly $before
    }

    It 'writes nothing with -WhatIf' {
        $page = Join-Path $TestDrive 'preview.html'
        Get-MbTokenReport | Export-MbTokenReport $page -WhatIf
        Test-Path $page | Should -BeFalse
    }

    It 'says which extensions it knows' {
        { Get-MbTokenReport | Export-MbTokenReport (Join-Path $TestDrive 'report.docx') -ErrorAction Stop } | Should -Throw '*.html*'
    }
}
