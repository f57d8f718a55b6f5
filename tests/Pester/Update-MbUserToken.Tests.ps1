BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox '--no-rate-limit'
    Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local
    $script:journal = @{ JournalPath = Join-Path $TestDrive 'journal/rotations.jsonl' }
    $script:keep = { param($Issued) $script:kept = $Issued.Token; $script:kept }
}

AfterAll { Close-Sandbox $sandbox }

Describe 'Update-MbUserToken' {
    It 'replaces a listed token by one of the same user, and ends the old one' {
        $old = New-MbUserToken hana@example.com -Name laptop -ExpiresIn 30d
        $rotation = Get-MbUserToken $old.UserId | Update-MbUserToken -Email hana@example.com -SaveTo $keep @journal
        $rotation.OldId | Should -Be $old.Id
        $rotation.UserId | Should -Be $old.UserId
        (Get-MbUserToken $old.UserId).Id | Should -Be $rotation.NewId
        (ConvertFrom-MbToken $kept).Email | Should -Be 'hana@example.com'
    }

    It 'takes the rows of a file, each with its user' {
        $old = 'ext-1', 'ext-2' | ForEach-Object { New-MbUserToken -ExternalId $_ -Name kiosk -ExpiresIn 30d }
        $rows = $old | ForEach-Object { $external = (ConvertFrom-MbToken $_).ExternalId; Get-MbUserToken $_.UserId | Select-Object Id, UserId, @{ Name = 'ExternalId'; Expression = { $external } } }
        $rotations = $rows | ConvertTo-Csv -NoTypeInformation | ConvertFrom-Csv | ForEach-Object { $_ | Update-MbUserToken -UserId $_.UserId -SaveTo $keep @journal }
        $rotations.OldId | Should -Be $old.Id
    }

    It 'changes nothing where the address is another user''s' {
        $old = New-MbUserToken noor@example.com -Name phone
        { Update-MbUserToken phone -UserId $old.UserId -Email somebody.else@example.com -SaveTo $keep -ErrorAction Stop @journal } | Should -Throw '*another user*'
        (Get-MbUserToken $old.UserId).Id | Should -Be $old.Id
        Get-MbUserToken (New-MbUserToken somebody.else@example.com).UserId | Where-Object Name -EQ phone | Should -BeNullOrEmpty
    }

    It 'asks the API who it is, by whatever is known of the person' {
        $old = New-MbUserToken asked@example.com -Name phone
        $rotation = Update-MbUserToken phone -Email Asked@example.com -SaveTo $keep @journal
        $rotation.UserId | Should -Be $old.UserId
        $rotation = Update-MbUserToken phone -UserId $old.UserId -SaveTo $keep @journal
        $rotation = Get-MbUserToken asked@example.com phone | Update-MbUserToken -SaveTo $keep @journal
        (Get-MbUserToken asked@example.com).Id | Should -Be $rotation.NewId
        { Update-MbUserToken phone -SaveTo $keep -ErrorAction Stop @journal } | Should -Throw -ErrorId 'MbInvalidRequest*'
        { Update-MbUserToken phone -Email nobody@example.com -SaveTo $keep -ErrorAction Stop @journal } | Should -Throw -ErrorId 'MbUserNotFound*'
    }

    It 'tells the plan with -WhatIf, and sends nothing' {
        $old = New-MbUserToken plan@example.com -Name phone
        $before = Get-SandboxWrite $sandbox
        Update-MbUserToken phone -UserId $old.UserId -Email plan@example.com -SaveTo $keep -WhatIf @journal
        Get-SandboxWrite $sandbox | Should -Be $before
    }

    It 'keeps the old one for the overlap, and ends it with -Resume' {
        $old = New-MbUserToken overlap@example.com -Name phone -ExpiresIn 1d
        $rotation = Update-MbUserJwt phone -UserId $old.UserId -Email overlap@example.com -SaveTo $keep -Overlap 1s @journal
        $rotation.OldRevokedAfter | Should -Not -BeNullOrEmpty
        Get-MbUserToken $old.UserId | Should -HaveCount 2
        Start-Sleep -Milliseconds 1500
        (Update-MbUserToken -Resume @journal).OldId | Should -Be $old.Id
        (Get-MbUserToken $old.UserId).Id | Should -Be $rotation.NewId
    }
}
