BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox '--no-rate-limit'
    Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local
    $script:journal = Join-Path $TestDrive 'journal/rotations.jsonl'
}

AfterAll { Close-Sandbox $sandbox }

Describe 'Undo-MbRotation' {
    It 'leaves both tokens where somebody may hold the new one, and names them' {
        $old = New-MbProjectToken 'ci held' -ExpiresIn 1d
        $new = (Update-MbProjectToken 'ci held' -SaveTo { param($Issued) $Issued.Token } -Overlap 1h -JournalPath $journal).NewId
        Get-MbRotation -JournalPath $journal | Undo-MbRotation -JournalPath $journal -Confirm:$false -ErrorVariable failures -ErrorAction SilentlyContinue
        $failures.FullyQualifiedErrorId | Should -BeLike 'MbRotationFailed*'
        "$failures" | Should -Match $new
        (Get-MbProjectToken 'ci held').Id | Sort-Object | Should -Be ($old.Id, $new | Sort-Object)
    }

    It 'refuses an id of no rotation' {
        { Undo-MbRotation ([guid]::NewGuid()) -JournalPath $journal -Confirm:$false -ErrorAction Stop } | Should -Throw -ErrorId 'MbTokenNotFound*'
    }
}
