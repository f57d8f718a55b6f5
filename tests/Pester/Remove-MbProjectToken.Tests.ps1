BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox '--seed-project-tokens 250', '--no-rate-limit'
    Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local
}

AfterAll { Close-Sandbox $sandbox }

Describe 'Remove-MbProjectToken' {
    It 'previews and sends nothing' {
        $token = New-MbProjectToken 'ci preview'
        $before = Get-SandboxWrite $sandbox
        Get-MbProjectToken 'ci preview' | Remove-MbProjectToken -WhatIf
        Get-SandboxWrite $sandbox | Should -Be $before
        Get-MbProjectToken -Id $token.Id | Should -HaveCount 1
    }

    It 'takes an id, an issued token and a listed one, and says what came of it' {
        $tokens = 1..3 | ForEach-Object { New-MbProjectToken "ci take $_" }
        (Remove-MbProjectToken $tokens[0].Id -Force -PassThru).Outcome | Should -Be 'Revoked'
        ($tokens[1].Id | Remove-MbProjectToken -Confirm:$false -PassThru).Outcome | Should -Be 'Revoked'
        ($tokens[2] | Remove-MbProjectToken -Force -PassThru).Outcome | Should -Be 'Revoked'
        Get-MbProjectToken 'ci take*' | Should -BeNullOrEmpty
    }

    It 'takes the rows of a file that Export-Csv wrote' {
        $file = Join-Path $TestDrive 'tokens.csv'
        1..3 | ForEach-Object { New-MbProjectToken "ci row $_" } | Out-Null
        Get-MbProjectToken 'ci row*' | Export-Csv $file -NoTypeInformation
        Import-Csv $file | Remove-MbProjectToken -Force
        Get-MbProjectToken 'ci row*' | Should -BeNullOrEmpty
    }

    It 'refuses a user token before anything is sent: <From>' -ForEach @(
        @{ From = 'live'; Make = { param($Token) $Token } }
        @{ From = 'from CLIXML'; Make = { param($Token) [Management.Automation.PSSerializer]::Deserialize([Management.Automation.PSSerializer]::Serialize($Token)) } }
        @{ From = 'from CSV'; Make = { param($Token) $Token | ConvertTo-Csv -NoTypeInformation | ConvertFrom-Csv } }
    ) {
        $token = New-MbUserToken hana@example.com
        $listed = Get-MbUserToken $token.UserId -Id $token.Id
        $before = Get-SandboxWrite $sandbox
        { & $Make $listed | Remove-MbProjectToken -Force -ErrorAction Stop } | Should -Throw -ErrorId 'MbInvalidRequest*'
        Get-SandboxWrite $sandbox | Should -Be $before
    }

    It 'refuses the token that the session runs on' {
        $own = Get-MbProjectToken -Id (Get-MbSession).TokenId
        { $own | Remove-MbProjectToken -Force -ErrorAction Stop } | Should -Throw -ErrorId 'MbSelfLockout*'
    }

    It 'revokes many at a time, and reports each' {
        $revocations = Get-MbProjectToken -First 60 | Where-Object Id -NE (Get-MbSession).TokenId | Remove-MbProjectToken -Force -PassThru -ThrottleLimit 16
        $revocations.Outcome | Sort-Object -Unique | Should -Be 'Revoked'
    }
}
