BeforeAll { . "$PSScriptRoot/Sandbox.ps1" }

Describe 'Get-MbSession and Disconnect-MbProject' {
    BeforeEach { Disconnect-MbProject -All }

    It 'shows the sessions, the one in use last, and no token' {
        Connect-MbProject -Sandbox -Name one
        Connect-MbProject -Sandbox -Name two
        (Get-MbSession).Name | Should -Be 'one', 'two'
        (Get-MbSession o*).Name | Should -Be 'one'
        (Get-MbSession | Where-Object IsCurrent).Name | Should -Be 'two'
        Get-MbSession | Out-String | Should -Match '\* two'
        Get-MbSession | Format-List * | Out-String | Should -Not -Match 'eyJ'
    }

    It 'lets two projects be used side by side, and acts on the one that listed a token' {
        $a = Connect-MbProject -Sandbox -Name a -PassThru
        $b = Connect-MbProject -Sandbox -Name b -PassThru
        $null = New-MbProjectToken 'of a' -Session a
        $null = New-MbProjectToken 'of b'
        (Get-MbProjectToken of* -Session $a).Name | Should -Be 'of a'
        (Get-MbProjectToken of* -Session $b).Name | Should -Be 'of b'
        Get-MbProjectToken of* -Session a | Remove-MbProjectToken -Force
        Get-MbProjectToken of* -Session a | Should -BeNullOrEmpty
        Get-MbProjectToken of* -Session b | Should -HaveCount 1
    }

    It 'refuses what a disconnected session listed' {
        Connect-MbProject -Sandbox
        $listed = Get-MbProjectToken
        Disconnect-MbProject
        { $listed | Remove-MbProjectToken -Force } | Should -Throw -ErrorId 'MbNotConnected*'
        { Get-MbProjectToken } | Should -Throw -ErrorId 'MbNotConnected*'
    }
}
