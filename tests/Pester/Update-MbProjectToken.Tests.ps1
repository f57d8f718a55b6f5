BeforeDiscovery {
    # A real vault is tried only where one is installed: Install-PSResource Microsoft.PowerShell.SecretManagement, Microsoft.PowerShell.SecretStore
    $script:noVault = -not (Get-Module -ListAvailable Microsoft.PowerShell.SecretStore) -or -not (Get-Module -ListAvailable Microsoft.PowerShell.SecretManagement)
    if ($noVault) {
        Write-Warning 'Microsoft.PowerShell.SecretManagement and SecretStore are not installed here: rotation into a real vault is not tried.'
    }
}

BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox '--no-rate-limit'
    Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local
    $script:journal = @{ JournalPath = Join-Path $TestDrive 'journal/rotations.jsonl' }
    $script:keep = { param($Issued) $script:kept = $Issued.Token; $script:kept }
}

AfterAll { Close-Sandbox $sandbox }

Describe 'Update-MbProjectToken' {
    It 'replaces a token by name, and ends the old one' {
        $old = New-MbProjectToken 'ci by name' -ExpiresIn 30d
        $rotation = Update-MbProjectToken 'ci by name' -SaveTo $keep @journal
        $rotation.OldId | Should -Be $old.Id
        (Get-MbProjectToken 'ci by name').Id | Should -Be $rotation.NewId
    }

    It 'replaces what comes down the pipeline, and keeps the old ones for the overlap' {
        1..2 | ForEach-Object { New-MbProjectToken "ci pipe $_" -ExpiresIn 1d } | Out-Null
        $rotations = Get-MbProjectToken 'ci pipe*' | Update-MbProjectToken -SaveTo $keep -Overlap 1h @journal
        $rotations | Should -HaveCount 2
        $rotations.OldRevokedAfter | Should -Not -BeNullOrEmpty
        Get-MbProjectToken 'ci pipe*' | Should -HaveCount 4
    }

    It 'tells the plan with -WhatIf, and sends nothing' {
        New-MbProjectToken 'ci plan' | Out-Null
        $before = Get-SandboxWrite $sandbox
        Update-MbProjectToken 'ci plan' -SaveTo $keep -WhatIf @journal
        Get-SandboxWrite $sandbox | Should -Be $before
    }

    It 'leaves the old token where it was when the new one cannot be stored' {
        $old = New-MbProjectToken 'ci fail'
        { Update-MbProjectToken 'ci fail' -SaveTo { throw 'full' } -ErrorAction Stop @journal } | Should -Throw -ErrorId 'MbRotationFailed*'
        (Get-MbProjectToken 'ci fail').Id | Should -Be $old.Id
    }

    It 'rotates by its alias, which the history keeps' {
        New-MbProjectToken 'ci alias' | Out-Null
        (Update-MbProjectJwt 'ci alias' -SaveTo $keep @journal).NewId | Should -Be (Get-MbProjectToken 'ci alias').Id
    }
}

Describe 'examples/rotate-tokens.ps1' {
    BeforeAll {
        $script:example = Join-Path $repository 'examples/rotate-tokens.ps1'
        $script:common = @{ BaseUri = $sandbox.Address; JournalPath = Join-Path $TestDrive 'example/rotations.jsonl' }
        $script:tokenFile = Join-Path $TestDrive 'connect'
        Set-Content $tokenFile ([Net.NetworkCredential]::new('', $sandbox.Token).Password)
    }

    It 'ends with 0 when all were rotated' {
        $old = New-MbProjectToken 'ci example' -ExpiresIn 1d
        & $example -Name 'ci example' -SaveTo $keep -TokenFile $tokenFile @common | Out-Null
        $LASTEXITCODE | Should -Be 0
        Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local
        (Get-MbProjectToken 'ci example').Id | Should -Not -Be $old.Id
    }

    It 'ends with 1 when one failed' {
        & $example -Name 'nobody' -SaveTo $keep -TokenFile $tokenFile @common 2>$null | Out-Null
        $LASTEXITCODE | Should -Be 1
    }

    It 'ends with 2 when it could not start' {
        Set-Content $tokenFile 'no-token'
        & $example -Name 'nobody' -SaveTo $keep -TokenFile $tokenFile @common 2>$null | Out-Null
        $LASTEXITCODE | Should -Be 2
    }
}

Describe 'Update-MbProjectToken into a real vault' -Skip:$noVault {
    BeforeAll {
        Import-Module Microsoft.PowerShell.SecretManagement
        $script:vault = 'MagicBellJwt-' + [Guid]::NewGuid().ToString('N')
        Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local
        Register-SecretVault -Name $vault -ModuleName Microsoft.PowerShell.SecretStore
        $script:readable = $true
        try { Set-Secret -Vault $vault -Name "$vault-probe" -Secret 'x' -ErrorAction Stop; Remove-Secret -Vault $vault -Name "$vault-probe" } catch { $script:readable = $false }
    }

    AfterAll { Unregister-SecretVault $vault }

    It 'stores the new token, with what it is beside it' {
        if (-not $readable) { Set-ItResult -Skipped -Because 'this account''s SecretStore asks for a password' }
        New-MbProjectToken $vault -ExpiresIn 1d | Out-Null
        $rotation = Update-MbProjectToken $vault -Vault $vault @journal
        Get-Secret -Vault $vault -Name $vault | Should -BeOfType securestring
        (Get-SecretInfo -Vault $vault -Name $vault).Metadata.MagicBellTokenId | Should -Be $rotation.NewId
        Remove-Secret -Vault $vault -Name $vault
    }

    It 'names a vault that is not there before anything is sent' {
        New-MbProjectToken 'ci no vault' | Out-Null
        $before = Get-SandboxWrite $sandbox
        { Update-MbProjectToken 'ci no vault' -Vault 'no such vault' -ErrorAction Stop @journal } | Should -Throw -ErrorId 'MbInvalidRequest*'
        Get-SandboxWrite $sandbox | Should -Be $before
    }
}
