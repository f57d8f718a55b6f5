BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox '--no-rate-limit'
    $script:history = Join-Path $TestDrive 'audit.jsonl'
    Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local -History $history
    1..3 | New-MbProjectToken -ExpiresIn 1d | Remove-MbProjectToken -Force
}

AfterAll { Close-Sandbox $sandbox }

Describe 'Test-MbTokenHistory' {
    It 'is true for what was written, and for each of its hashes' {
        Test-MbTokenHistory | Should -BeTrue
        Test-MbTokenHistory (Get-MbTokenHistory -Last 1).Hash | Should -BeTrue
    }

    It 'is false for a changed line, and says where' {
        $copy = Join-Path $TestDrive 'changed.jsonl'
        (Get-Content $history -Raw).Replace('"name":"2"', '"name":"3"') | Set-Content $copy -NoNewline
        $said = Test-MbTokenHistory -Path $copy -Verbose 4>&1
        $said[-1] | Should -BeFalse
        "$($said[0])" | Should -Match 'Line \d+ of .*changed'
    }

    It 'needs an anchor to miss what was cut off the end' {
        $copy = Join-Path $TestDrive 'cut.jsonl'
        Get-Content $history | Select-Object -SkipLast 2 | Set-Content $copy
        if ($IsWindows -or -not $PSVersionTable.Platform) {
            (Get-Content $copy -Raw).Replace("`r`n", "`n") | Set-Content $copy -NoNewline
        }

        Test-MbTokenHistory -Path $copy | Should -BeTrue
        Test-MbTokenHistory (Get-MbTokenHistory -Last 1).Hash -Path $copy | Should -BeFalse
    }
}
