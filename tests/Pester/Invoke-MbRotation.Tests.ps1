BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox '--no-rate-limit'
    Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local
    $script:journal = Join-Path $TestDrive 'journal/rotations.jsonl'
    $script:policy = Join-Path $TestDrive 'policy.json'
    Set-Content (Join-Path $TestDrive 'keep.ps1') 'param($Issued) $Issued.Token'
    Set-Content $policy '{ "rotate": [ { "name": "policy *", "olderThan": "1s", "saveTo": "keep.ps1" } ] }'
}

AfterAll { Close-Sandbox $sandbox }

Describe 'Invoke-MbRotation' {
    It 'previews, then rotates what a rule says is due, and nothing else' {
        $due = New-MbProjectToken 'policy due' -ExpiresIn 1d
        $other = New-MbProjectToken 'no rule' -ExpiresIn 1d
        Start-Sleep -Milliseconds 2200
        Invoke-MbRotation $policy -JournalPath $journal -WhatIf | Should -BeNullOrEmpty
        (Get-MbProjectToken 'policy due').Id | Should -Be $due.Id
        $rotation = Invoke-MbRotation $policy -JournalPath $journal
        $rotation.OldId | Should -Be $due.Id
        (Get-MbProjectToken 'policy due').Id | Should -Be $rotation.NewId
        (Get-MbProjectToken 'no rule').Id | Should -Be $other.Id
    }

    It 'refuses a policy with a member that it does not know' {
        Set-Content (Join-Path $TestDrive 'wrong.json') '{ "rotate": [ { "nme": "x" } ] }'
        { Invoke-MbRotation (Join-Path $TestDrive 'wrong.json') -ErrorAction Stop } | Should -Throw -ErrorId 'MbInvalidRequest*'
    }
}
