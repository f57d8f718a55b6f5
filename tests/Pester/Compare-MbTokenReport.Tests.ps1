BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    Connect-MbProject -Sandbox
    $script:last = Join-Path $TestDrive 'last.json'
    $script:now = Join-Path $TestDrive 'now.json'
    New-MbProjectToken 'goes' -ExpiresIn 60d | Out-Null
    New-MbProjectToken 'gets a twin' -ExpiresIn 60d | Out-Null
    Get-MbTokenReport | Export-MbTokenReport $last
    Get-MbProjectToken 'goes' | Remove-MbProjectToken -Force
    New-MbProjectToken 'gets a twin' -ExpiresIn 60d | Out-Null
    Get-MbTokenReport | Export-MbTokenReport $now
}

AfterAll { Disconnect-MbProject -All }

Describe 'Compare-MbTokenReport' {
    It 'says what is new, worse and gone between two files' {
        $changes = Compare-MbTokenReport $last $now
        $changes | Should -HaveCount 3
        ($changes | Where-Object Change -EQ 'Gone').Name | Should -Be 'goes'
        ($changes | Where-Object Change -EQ 'New').Name | Should -Be 'gets a twin'
        $worse = $changes | Where-Object Change -EQ 'Worse'
        $worse.NewFindings | Should -Be 'DuplicateName'
        $worse.Remedy | Should -BeLike '*Remove-MbProjectToken*'
    }

    It 'compares a file with what is there' {
        Get-MbTokenReport | Compare-MbTokenReport $now | Should -BeNullOrEmpty
        @(Get-MbTokenReport | Compare-MbTokenReport $last) | Should -HaveCount 3
    }

    It 'says better the other way round' {
        (Compare-MbTokenReport $now $last | Where-Object Change -EQ 'Better').EndedFindings | Should -Be 'DuplicateName'
    }

    It 'compares nothing where a file cannot be read' {
        { Compare-MbTokenReport $last (Join-Path $TestDrive 'none.json') -ErrorAction Stop } | Should -Throw -ErrorId 'MbInvalidRequest*'
        { Compare-MbTokenReport $last (Join-Path $TestDrive 'report.html') -ErrorAction Stop } | Should -Throw '*Import-Csv*'
    }
}
