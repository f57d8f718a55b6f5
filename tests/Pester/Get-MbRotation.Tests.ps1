BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox '--no-rate-limit'
    Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local
    $script:journal = Join-Path $TestDrive 'journal/rotations.jsonl'
    $script:old = New-MbProjectToken 'ci pending' -ExpiresIn 1d
    Update-MbProjectToken 'ci pending' -SaveTo { param($Issued) $Issued.Token } -Overlap 1h -JournalPath $journal | Out-Null
}

AfterAll { Close-Sandbox $sandbox }

Describe 'Get-MbRotation' {
    It 'says what is under way and what the next run will do' {
        $rotation = Get-MbRotation ci* -JournalPath $journal
        $rotation.OldId | Should -Be $old.Id
        $rotation.Step | Should -Be 'Retiring'
        $rotation.IsOverdue | Should -BeFalse
        $rotation.NextRun | Should -Match 'revokes the old token'
    }

    It 'fits the screen, and finds nothing by another name' {
        Get-MbRotation -JournalPath $journal | Out-String -Width 80 | Should -Match $old.Id
        Get-MbRotation other -JournalPath $journal | Should -BeNullOrEmpty
    }
}
