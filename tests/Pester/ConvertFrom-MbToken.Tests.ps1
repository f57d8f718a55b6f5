BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    Connect-MbProject -Sandbox
    $script:issued = New-MbUserToken hana@example.com -Name laptop -ExpiresIn 30d
    $script:text = [Net.NetworkCredential]::new('', $issued.Token).Password
}

AfterAll { Disconnect-MbProject -All }

Describe 'ConvertFrom-MbToken' {
    It 'says what a token says about itself, from <From>' -ForEach @(
        @{ From = 'a SecureString'; Read = { ConvertFrom-MbToken $issued.Token } }
        @{ From = 'text'; Read = { ConvertFrom-MbToken $text } }
        @{ From = 'the pipeline'; Read = { $text | ConvertFrom-MbToken } }
        @{ From = 'an issued token'; Read = { $issued | ConvertFrom-MbToken } }
        @{ From = 'its alias'; Read = { $text | ConvertFrom-MbJwt } }
    ) {
        $read = & $Read
        $read.Id | Should -Be $issued.Id
        $read.Kind | Should -Be 'User'
        $read.UserId | Should -Be $issued.UserId
        $read.Email | Should -Be 'hana@example.com'
        $read.ExpiresAt | Should -Be $issued.ExpiresAt
        $read.Fingerprint | Should -Be $issued.Fingerprint
        $read.Algorithm | Should -Be 'HS256'
        $read.Claims['user_id'] | Should -Be $issued.UserId
    }

    It 'never shows the value' {
        $shown = (ConvertFrom-MbToken $text | Format-List * | Out-String) + (ConvertFrom-MbToken $text -Verbose -Debug *>&1 | Out-String) + (ConvertFrom-MbToken $text | ConvertTo-Json -Depth 6)
        $text.Split('.') | ForEach-Object { $shown | Should -Not -BeLike "*$_*" }
    }

    It 'says that a text is no token without repeating it' {
        { ConvertFrom-MbToken 'eyJhbGciOiJub25lIn0.secret' -ErrorAction Stop } | Should -Throw -ErrorId 'MbInvalidRequest*'
        $Error[0].Exception.ToString() | Should -Not -BeLike '*secret*'
    }

    It 'needs no session' {
        $env:MB_TEXT = $text
        try {
            Invoke-Shell -Command "Import-Module '$repository/out/MagicBellJwt'; (ConvertFrom-MbToken `$env:MB_TEXT).Id" | Should -Be $issued.Id
        }
        finally {
            Remove-Item Env:MB_TEXT
        }
    }
}
