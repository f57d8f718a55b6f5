BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox '--seed-user usr_a:30', '--seed-user usr_b:20', '--no-rate-limit'
    Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local
}

AfterAll { Close-Sandbox $sandbox }

Describe 'The life of a user token' {
    It 'is issued, listed, previewed, revoked and gone' {
        $t = New-MbUserToken -Email hana@example.com -Name laptop -ExpiresIn 30d
        $t.UserId | Should -Not -BeNullOrEmpty
        Get-MbUserToken -UserId $t.UserId | Should -HaveCount 1
        Get-MbUserToken -UserId $t.UserId | Remove-MbUserToken -WhatIf
        $left = Get-MbUserToken -UserId $t.UserId | Where-Object ExpiresAt -LT (Get-Date).AddDays(60) | Remove-MbUserToken -Confirm:$false -PassThru
        $left.Outcome | Should -Be 'Revoked'
        Get-MbUserToken -UserId $t.UserId | Should -BeNullOrEmpty
    }
}

Describe 'New-MbUserToken' {
    It 'issues for the rows of a file, where an empty cell is no value' {
        $file = Join-Path $TestDrive 'users.csv'
        Set-Content $file "Email,ExternalId,Name`nhana@example.com,,laptop`n,ext-1,`nboth@example.com,ext-2,phone"
        $tokens = Import-Csv $file | New-MbUserToken -ExpiresIn 90d
        $tokens | Should -HaveCount 3
        $tokens[1].Name | Should -BeNullOrEmpty
    }

    It 'says what is wrong with a row and goes on with the next' {
        $tokens = @([pscustomobject]@{ Email = 'not an address' }, [pscustomobject]@{ Email = 'good@example.com' }) | New-MbUserToken -ErrorVariable wrong -ErrorAction SilentlyContinue
        $tokens | Should -HaveCount 1
        $wrong.FullyQualifiedErrorId | Should -BeLike 'MbInvalidRequest*'
        $wrong.TargetObject | Should -Be 'not an address'
    }

    It 'keeps names in any script' {
        $name = "$([char]0x0645)$([char]0x0641)$([char]0x062A)$([char]0x0627)$([char]0x062D) $([char]::ConvertFromUtf32(0x1F511)) e$([char]0x0301)"
        $t = New-MbUserToken unicode@example.com -Name $name
        (Get-MbUserToken $t.UserId).Name | Should -BeExactly $name
    }

    It 'signs on this machine, without a session' {
        $key = ConvertTo-Secret 'a secret key'
        $t = New-MbUserToken hana@example.com -ApiKey pk_test -SecretKey $key -ExpiresIn 1h
        $t.Id | Should -BeNullOrEmpty
        Test-MbToken $t.Token -SecretKey $key | Should -BeTrue
    }
}
