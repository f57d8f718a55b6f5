BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:key = ConvertTo-Secret 'a secret key'
    $script:token = New-MbUserToken hana@example.com -ApiKey pk_test -SecretKey $key -ExpiresIn 1h -AsPlainText
    $script:Sign = {
        param([string] $Claims, [string] $Header = '{"alg":"HS256","typ":"JWT"}', [string] $Secret = 'a secret key')
        $encode = { param($Bytes) [Convert]::ToBase64String($Bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_') }
        $signed = (& $encode ([Text.Encoding]::UTF8.GetBytes($Header))) + '.' + (& $encode ([Text.Encoding]::UTF8.GetBytes($Claims)))
        $hmac = [Security.Cryptography.HMACSHA256]::new([Text.Encoding]::UTF8.GetBytes($Secret))
        $signed + '.' + (& $encode $hmac.ComputeHash([Text.Encoding]::ASCII.GetBytes($signed)))
    }
    $script:now = [DateTimeOffset]::UtcNow.ToUnixTimeSeconds()
}

Describe 'Test-MbToken' {
    It 'is true for a token of this key, and false for one of another' {
        Test-MbToken $token.Token -SecretKey $key | Should -BeTrue
        $token | Test-MbToken -SecretKey $key | Should -BeTrue
        Test-MbJwt (ConvertTo-Secret $token.Token) -SecretKey $key | Should -BeTrue
        Test-MbToken $token.Token -SecretKey (ConvertTo-Secret 'another key') | Should -BeFalse
    }

    It 'is <Expected> for <What>' -ForEach @(
        @{ What = 'what another tool signed'; Claims = '{"sub":"1"}'; Header = '{"alg":"HS256"}'; Expected = $true }
        @{ What = 'an expiry beyond 2038'; Claims = '{"exp":4102444800}'; Header = '{"alg":"HS256"}'; Expected = $true }
        @{ What = 'no algorithm'; Claims = '{"sub":"1"}'; Header = '{"alg":"none"}'; Expected = $false }
        @{ What = 'another algorithm'; Claims = '{"sub":"1"}'; Header = '{"alg":"HS512"}'; Expected = $false }
        @{ What = 'what has ended'; Claims = '{"exp":1500000000}'; Header = '{"alg":"HS256"}'; Expected = $false }
        @{ What = 'what does not hold yet'; Claims = '{"nbf":4102444800}'; Header = '{"alg":"HS256"}'; Expected = $false }
    ) {
        Test-MbToken (& $Sign $Claims $Header) -SecretKey $key | Should -Be $Expected
    }

    It 'allows for a clock that is off, where it is told to' {
        $ended = & $Sign "{`"exp`":$($now - 60)}"
        Test-MbToken $ended -SecretKey $key -ClockSkew 10m | Should -BeTrue
        Test-MbToken $ended -SecretKey $key -ClockSkew 1s | Should -BeFalse
    }

    It 'is false for a token with a changed character, padding, or a piece more' {
        $parts = $token.Token.Split('.')
        foreach ($changed in "$($token.Token)=", "$($token.Token).", ($parts[0] + '.' + $parts[1] + '.' + $parts[2].ToUpperInvariant()), ($parts[0] + '..' + $parts[2]), '') {
            Test-MbToken $changed -SecretKey $key | Should -BeFalse
        }
    }

    It 'says why not with -Verbose, and shows neither token nor key' {
        $said = Test-MbToken (& $Sign '{"exp":1500000000}') -SecretKey $key -Verbose 4>&1 | Out-String
        $said | Should -Match 'VERBOSE|expired|ended'
        $said | Should -Not -Match 'eyJ|a secret key'
    }
}
