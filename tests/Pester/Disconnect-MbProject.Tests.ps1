BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox
}

AfterAll { Close-Sandbox $sandbox }

Describe 'Disconnect-MbProject' {
    BeforeEach {
        Disconnect-MbProject -All
        Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name one
        Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name two
    }

    It 'ends the session in use, and the one before it is in use again' {
        Disconnect-MbProject
        (Get-MbSession).Name | Should -Be 'one'
        (Get-MbProjectToken).Project | Should -Be 'one'
    }

    It 'ends one by its name, by itself, and from the pipeline' {
        Disconnect-MbProject one
        (Get-MbSession).Name | Should -Be 'two'
        Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name one -PassThru | Disconnect-MbProject
        (Get-MbSession).Name | Should -Be 'two'
        Get-MbSession t* | Disconnect-MbProject
        Get-MbSession | Should -BeNullOrEmpty
    }

    It 'ends all, and is no error where there is none' {
        Disconnect-MbProject -All
        Disconnect-MbProject -All
        Disconnect-MbProject
        Get-MbSession | Should -BeNullOrEmpty
    }

    It 'says that a name is no session''s' {
        { Disconnect-MbProject three } | Should -Throw '*three*Get-MbSession*'
    }

    It 'leaves nothing to act upon' {
        $session = Get-MbSession one
        $listed = Get-MbProjectToken -Session $session
        Disconnect-MbProject $session
        $session.IsConnected | Should -BeFalse
        { $listed | Remove-MbProjectToken -Force } | Should -Throw -ErrorId 'MbNotConnected*'
        { Get-MbProjectToken -Session $session } | Should -Throw -ErrorId 'MbNotConnected*'
    }
}
