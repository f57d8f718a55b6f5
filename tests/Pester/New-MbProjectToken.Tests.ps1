BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox '--seed-project-tokens 250', '--no-rate-limit'
    Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local
}

AfterAll { Close-Sandbox $sandbox }

Describe 'New-MbProjectToken' {
    It 'issues a token whose value is a SecureString' {
        $token = New-MbProjectToken 'ci one' -ExpiresIn 90d
        $token.Token | Should -BeOfType securestring
        $token.ExpiresAt - $token.CreatedAt | Should -Be ([timespan]::FromDays(90))
        $token | Out-String | Should -Not -Match 'eyJ'
        Get-MbProjectToken -Id $token.Id | Should -HaveCount 1
    }

    It 'gives text only when asked' {
        (New-MbProjectToken 'ci text' -AsPlainText).Token | Should -Match '^eyJ'
    }

    It 'loses no token to CLIXML' {
        $file = Join-Path $TestDrive 'token.xml'
        New-MbProjectToken 'ci xml' -AsPlainText | Export-Clixml $file
        Get-Content $file -Raw | Should -Not -Match 'eyJ'
    }

    It 'takes a lifetime with its unit: <Text>' -ForEach @(
        @{ Text = '90m'; Span = [timespan]::FromMinutes(90) }
        @{ Text = '12h'; Span = [timespan]::FromHours(12) }
        @{ Text = '30d'; Span = [timespan]::FromDays(30) }
        @{ Text = [timespan]::FromDays(2); Span = [timespan]::FromDays(2) }
    ) {
        $token = New-MbProjectToken 'ci span' -ExpiresIn $Text
        $token.ExpiresAt - $token.CreatedAt | Should -Be $Span
    }

    It 'reads a bare 30d as it was typed' {
        $token = New-MbProjectToken 'ci bare' -ExpiresIn 30d
        $token.ExpiresAt - $token.CreatedAt | Should -Be ([timespan]::FromDays(30))
    }

    It 'refuses a number without a unit, and an end in the past' {
        { New-MbProjectToken x -ExpiresIn 30 } | Should -Throw '*30d*'
        { New-MbProjectToken x -ExpiresAt (Get-Date).AddDays(-1) -ErrorAction Stop } | Should -Throw -ErrorId 'MbInvalidRequest*'
    }
}
