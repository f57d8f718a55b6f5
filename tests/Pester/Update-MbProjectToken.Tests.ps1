BeforeDiscovery {
    # A real vault is tried where one is installed (Install-PSResource Microsoft.PowerShell.SecretManagement, Microsoft.PowerShell.SecretStore),
    # in a home of its own. On Windows a process cannot be given another home, and nobody's own vault is a test's to reset.
    $script:hasVault = $env:HOME -and (Get-Module -ListAvailable Microsoft.PowerShell.SecretStore) -and (Get-Module -ListAvailable Microsoft.PowerShell.SecretManagement)
    if (-not $hasVault) {
        Write-Warning 'Rotation into a real vault is not tried here.'
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

if ($hasVault) {
    Describe 'Update-MbProjectToken into a real vault' {
        It 'stores the new token, with what it is beside it, and names a vault that is not there' {
            $file = Join-Path $TestDrive 'vault.ps1'
            Set-Content $file @'
param($Module)
$ErrorActionPreference = 'Stop'
Import-Module Microsoft.PowerShell.SecretManagement, Microsoft.PowerShell.SecretStore, $Module
Reset-SecretStore -Scope CurrentUser -Authentication None -Interaction None -Force -WarningAction SilentlyContinue | Out-Null
Register-SecretVault -Name test -ModuleName Microsoft.PowerShell.SecretStore
Connect-MbProject -Sandbox
$old = New-MbProjectToken ci -ExpiresIn 1d
$rotation = Update-MbProjectToken ci -Vault test
$id = (Get-Secret -Vault test -Name ci | ConvertFrom-MbToken).Id
"secret $($id -eq $rotation.NewId)"
"metadata $((Get-SecretInfo -Vault test -Name ci).Metadata.MagicBellTokenId -eq $rotation.NewId)"
"old one gone $($old.Id -eq $rotation.OldId -and (Get-MbProjectToken ci).Id -eq $rotation.NewId)"
try { Update-MbProjectToken ci -Vault nowhere } catch { $_.FullyQualifiedErrorId }
'@
            $home_ = $env:HOME
            $env:HOME = New-Item (Join-Path $TestDrive 'home') -ItemType Directory
            try {
                $said = Invoke-Shell -File $file (Join-Path $repository 'out/MagicBellJwt')
            }
            finally {
                $env:HOME = $home_
            }

            $said[0..2] | Should -Be 'secret True', 'metadata True', 'old one gone True'
            $said[3] | Should -BeLike 'MbInvalidRequest*'
        }
    }
}
