BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox '--seed-user usr_a:30', '--seed-user usr_b:20', '--no-rate-limit'
    Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local
}

AfterAll { Close-Sandbox $sandbox }

Describe 'Get-MbUserToken' {
    It 'takes users from the command line, the pipeline and a column' {
        @(Get-MbUserToken usr_a, usr_b).Count | Should -Be 50
        @('usr_a', 'usr_b' | Get-MbUserToken).Count | Should -Be 50
        @([pscustomobject]@{ UserId = 'usr_b' } | Get-MbUserToken).Count | Should -Be 20
    }

    It 'keeps the order of the users with -ThrottleLimit 1' {
        (Get-MbUserToken usr_b, usr_a -ThrottleLimit 1).UserId | Select-Object -Unique | Should -Be 'usr_b', 'usr_a'
    }

    It 'refuses a row without the column, and an empty user id' {
        { [pscustomobject]@{ Other = 1 } | Get-MbUserToken -ErrorAction Stop } | Should -Throw -ErrorId 'MbInvalidRequest*'
        { Get-MbUserToken '' -ErrorAction Stop } | Should -Throw -ErrorId 'MbInvalidRequest*'
    }
}
