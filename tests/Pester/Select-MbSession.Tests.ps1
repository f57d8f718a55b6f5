BeforeAll { . "$PSScriptRoot/Sandbox.ps1" }

Describe 'Select-MbSession' {
    BeforeEach {
        Disconnect-MbProject -All
        Connect-MbProject -Sandbox -Name one
        Connect-MbProject -Sandbox -Name two
    }

    AfterAll { Disconnect-MbProject -All }

    It 'makes a session the one that commands use' {
        (Select-MbSession one -PassThru).IsCurrent | Should -BeTrue
        (New-MbProjectToken 'chosen' -ExpiresIn 1d).Project | Should -Be 'one'
        Get-MbSession two | Select-MbSession
        (New-MbProjectToken 'chosen' -ExpiresIn 1d).Project | Should -Be 'two'
    }

    It 'refuses what is no session, or none any more' {
        { Select-MbSession three -ErrorAction Stop } | Should -Throw
        $gone = Get-MbSession one
        Disconnect-MbProject one
        { Select-MbSession $gone -ErrorAction Stop } | Should -Throw -ErrorId 'MbNotConnected*'
    }

    It 'is told of where a session ends that was the current one' {
        $said = Disconnect-MbProject two 6>&1
        "$said" | Should -Match "current session is now 'one'"
        Disconnect-MbProject one 6>&1 | Should -BeNullOrEmpty
    }
}
