BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox '--seed-project-tokens 250', '--no-rate-limit'
    Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local
}

AfterAll { Close-Sandbox $sandbox }

Describe 'Get-MbProjectToken' {
    It 'lists them all, page by page' {
        @(Get-MbProjectToken).Count | Should -Be 251
    }

    It 'gives exactly as many as asked for' {
        @(Get-MbProjectToken -First 7).Count | Should -Be 7
        @(Get-MbProjectToken | Select-Object -First 3).Count | Should -Be 3
    }

    It 'has an error for an id that is not there, and none for a pattern without a match' {
        { Get-MbProjectToken -Id ([Guid]::NewGuid()) -ErrorAction Stop } | Should -Throw -ErrorId 'MbTokenNotFound*'
        Get-MbProjectToken 'nothing like it*' | Should -BeNullOrEmpty
    }

    It 'fits 80 columns' {
        Get-MbProjectToken -First 3 | Out-String -Width 80 -Stream | ForEach-Object { $_.Length | Should -BeLessOrEqual 80 }
    }
}
