BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox '--no-rate-limit'
    $script:history = Join-Path $TestDrive 'audit.jsonl'
    Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local -History $history
    $script:token = New-MbProjectToken 'ci recorded' -ExpiresIn 1d -Reason 'CHG-4711'
    $token | Remove-MbProjectToken -Force -Reason 'CHG-4712'
}

AfterAll { Close-Sandbox $sandbox }

Describe 'Get-MbTokenHistory' {
    It 'says what was done, why and by whom' {
        $events = Get-MbTokenHistory $token.Id
        $events.Operation | Should -Be 'Issue', 'Revoke'
        $events.Outcome | Should -Be 'Issued', 'Revoked'
        $events.Reason | Should -Be 'CHG-4711', 'CHG-4712'
        $events[0].Account | Should -Not -BeNullOrEmpty
        $events[0].ProcessId | Should -Be $PID
    }

    It 'has an alias that the history of PSReadLine keeps' {
        (Get-MbJwtHistory -Last 1).Operation | Should -Be 'Revoke'
    }

    It 'fits the screen, and becomes CSV and JSON' {
        Get-MbTokenHistory | Out-String -Width 80 | Should -Match $token.Id
        (Get-MbTokenHistory | ConvertTo-Csv | ConvertFrom-Csv)[1].Reason | Should -Be 'CHG-4712'
        (Get-MbTokenHistory -Last 1 | ConvertTo-Json | ConvertFrom-Json).Outcome | Should -Be 'Revoked'
    }

    It 'is read from a file without a session' {
        $id = $token.Id
        $said = & (Get-Process -Id $PID).Path -NoProfile -NonInteractive -Command "Import-Module '$((Get-Module MagicBellJwt).Path)'; (Get-MbTokenHistory -Path '$history' -Name ci*).Id"
        $said | Should -Be $id, $id
    }
}
