BeforeDiscovery {
    # A real vault is tried where one is installed (Install-PSResource Microsoft.PowerShell.SecretManagement, Microsoft.PowerShell.SecretStore),
    # in a home of its own. On Windows a process cannot be given another home, and nobody's own vault is a test's to reset.
    $script:hasVault = $env:OS -ne 'Windows_NT' -and (Get-Module -ListAvailable Microsoft.PowerShell.SecretStore) -and (Get-Module -ListAvailable Microsoft.PowerShell.SecretManagement)
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

    It 'does a plan into a store, once' {
        1..2 | ForEach-Object { New-MbProjectToken "ci plan $_" -ExpiresIn 1d } | Out-Null
        $plan = Get-MbProjectToken 'ci plan*' | Update-MbProjectToken -WhatIf -PassThru @journal | ConvertTo-Csv -NoTypeInformation | ConvertFrom-Csv
        ($plan | Update-MbProjectToken -SaveTo $keep @journal).OldId | Should -Be $plan.Id
        $plan | Update-MbProjectToken -SaveTo $keep @journal -WarningAction SilentlyContinue | Should -BeNullOrEmpty
        Get-MbProjectToken 'ci plan*' | Should -HaveCount 2
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

    It 'keeps the old token when nobody can tell whether the new one was stored' {
        $old = New-MbProjectToken 'ci fail'
        { Update-MbProjectToken 'ci fail' -SaveTo { throw 'full' } -ErrorAction Stop @journal } | Should -Throw -ErrorId 'MbRotationFailed*'
        (Get-MbProjectToken 'ci fail').Id | Should -Contain $old.Id
    }

    It 'rotates by its alias, which the history keeps' {
        New-MbProjectToken 'ci alias' | Out-Null
        (Update-MbProjectJwt 'ci alias' -SaveTo $keep @journal).NewId | Should -Be (Get-MbProjectToken 'ci alias').Id
    }
}

if ($hasVault) {
    Describe 'Update-MbProjectToken into a real vault' {
        BeforeAll {
            # Processes of their own, as in a job, and in a home of their own.
            $script:usersHome = $env:HOME
            $env:HOME = New-Item (Join-Path $TestDrive 'home') -ItemType Directory
            $env:MAGICBELL_PROJECT_TOKEN = [Net.NetworkCredential]::new('', $sandbox.Token).Password
            $env:MAGICBELL_BASE_URL = $sandbox.Address
            $script:job = Join-Path $TestDrive 'job.ps1'
            Set-Content $job @'
param($Module, $Script)
$ErrorActionPreference = 'Stop'
Import-Module Microsoft.PowerShell.SecretManagement, Microsoft.PowerShell.SecretStore, $Module
if (-not (Get-SecretVault test -ErrorAction Ignore)) {
    Reset-SecretStore -Scope CurrentUser -Authentication None -Interaction None -Force -WarningAction SilentlyContinue | Out-Null
    Register-SecretVault -Name test -ModuleName Microsoft.PowerShell.SecretStore
}
Connect-MbProject -Name local
& ([scriptblock]::Create($Script))
'@
            function Invoke-Job([string] $Script) {
                Invoke-Shell -File $job (Join-Path $repository 'out/MagicBellJwt') $Script
            }
        }

        AfterAll {
            $env:HOME = $usersHome
            Remove-Item env:MAGICBELL_PROJECT_TOKEN, env:MAGICBELL_BASE_URL
        }

        It 'stores the new token, with what it is beside it, and names a vault that is not there' {
            $old = New-MbProjectToken 'ci vault' -ExpiresIn 1d
            $said = Invoke-Job @"
`$rotation = Update-MbProjectToken 'ci vault' -Vault test -JournalPath '$($journal.JournalPath)'
'{0} {1}' -f `$rotation.OldId, `$rotation.NewId
(Get-Secret -Vault test -Name 'ci vault' | ConvertFrom-MbToken).Id
(Get-SecretInfo -Vault test -Name 'ci vault').Metadata.MagicBellTokenId
try { Update-MbProjectToken 'ci vault' -Vault nowhere } catch { `$_.FullyQualifiedErrorId }
"@
            $new = (Get-MbProjectToken 'ci vault').Id
            $said[0..2] | Should -Be "$($old.Id) $new", $new, $new
            $said[3] | Should -BeLike 'MbInvalidRequest*'
        }

        It 'goes on where a killed run stood' {
            $old = New-MbProjectToken 'ci killed' -ExpiresIn 1d
            Use-SandboxFault $sandbox 'DELETE * never times=1'
            $start = [Diagnostics.ProcessStartInfo]::new((Get-Process -Id $PID).Path)
            $start.Arguments = '{0} -NoProfile -NonInteractive -File "{1}" "{2}" "{3}"' -f "$(Get-ShellLibrary)", $job, (Join-Path $repository 'out/MagicBellJwt'),
                "Update-MbProjectToken 'ci killed' -Vault test -JournalPath '$($journal.JournalPath)'"
            $start.UseShellExecute = $false
            $killed = [Diagnostics.Process]::Start($start)
            $limit = (Get-Date).AddMinutes(2)
            while (-not $killed.HasExited -and (Get-Date) -lt $limit -and (Get-Content $journal.JournalPath -Tail 1) -notmatch '"revoking"') {
                Start-Sleep -Milliseconds 50
            }

            $killed.HasExited | Should -BeFalse
            $killed.Kill()
            $killed.WaitForExit()
            @(Get-MbProjectToken 'ci killed') | Should -HaveCount 2

            $said = Invoke-Job @"
Update-MbProjectToken -Resume -JournalPath '$($journal.JournalPath)' | ForEach-Object { '{0} {1} {2}' -f `$_.OldId, `$_.NewId, `$_.Resumed }
(Get-Secret -Vault test -Name 'ci killed' | ConvertFrom-MbToken).Id
"@
            $new = (Get-MbProjectToken 'ci killed').Id
            $said | Should -Be "$($old.Id) $new True", $new
        }
    }
}
