BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox '--seed-user usr_a:30', '--seed-user usr_b:20', '--no-rate-limit'
    Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local
}

AfterAll { Close-Sandbox $sandbox }

Describe 'Remove-MbUserToken' {
    It 'refuses a project token' {
        { New-MbProjectToken 'not a user''s' | Remove-MbUserToken -Force -ErrorAction Stop } | Should -Throw -ErrorId 'MbInvalidRequest*'
    }

    It 'says that an id is unknown' {
        $id = [Guid]::NewGuid()
        Remove-MbUserToken $id -Force -ErrorVariable wrong -ErrorAction SilentlyContinue
        $wrong[0].FullyQualifiedErrorId | Should -BeLike 'MbTokenNotFound*'
        $wrong[0].TargetObject | Should -Be "$id"
    }
}
