# Errors whose cause or view is the host's own. Each row of the table: MagicBellJwt.Tests, Commands/ErrorTests.cs.
BeforeDiscovery {
    $script:cases = @(
        @{ Id = 'MbInvalidRequest'; Category = 'InvalidArgument'; Target = 'no-uuid'; Run = { Remove-MbProjectToken 'no-uuid' -Force } }
        @{ Id = 'MbUnauthorized'; Category = 'AuthenticationError'; Fault = '* * 401'; Run = { Get-MbProjectToken } }
        @{ Id = 'MbConnectionFailed'; Category = 'ConnectionError'; Run = { Connect-MbProject $sandbox.Token -BaseUri http://127.0.0.1:1/v2 -MaximumRetryCount 0 } }
        @{ Id = 'MbTimeout'; Category = 'OperationTimeout'; Fault = 'GET * never'; Run = { Get-MbProjectToken } }
        @{ Id = 'MbCreateOutcomeUnknown'; Category = 'InvalidResult'; Target = 'ci'; Fault = 'POST * reset-after-work'; Run = { New-MbProjectToken 'ci' } }
        @{ Id = 'MbUnexpectedResponse'; Category = 'InvalidData'; Fault = 'GET * 200 body=html'; Run = { Get-MbProjectToken } }
        @{ Id = 'MbRotationFailed'; Category = 'InvalidResult'; Run = { New-MbProjectToken 'ci' | Update-MbProjectToken -SaveTo { throw 'full' } -JournalPath (Join-Path $TestDrive 'rotations.jsonl') } }
        @{ Id = 'MbHistoryFailed'; Category = 'WriteError'; Run = { Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local -History $TestDrive; New-MbProjectToken 'ci' -ExpiresIn 1d } }
    )
}

BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox '--no-rate-limit'
}

AfterAll { Close-Sandbox $sandbox }

Describe 'An error' {
    BeforeEach {
        Use-SandboxFault $sandbox
        Disconnect-MbProject -All
        Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local -MaximumRetryCount 0 -TimeoutSec 5
        $Error.Clear()
    }

    AfterAll { Use-SandboxFault $sandbox }

    It 'is <Id>, <Category>, and says what to do next (<Fault>)' -ForEach $cases {
        if ($Fault) {
            Use-SandboxFault $sandbox $Fault
        }

        try {
            & $Run -ErrorAction SilentlyContinue 2>&1 | Where-Object { $_ -is [Management.Automation.ErrorRecord] } | ForEach-Object { $script:record = $_ }
        }
        catch {
            $script:record = $_
        }

        $record.FullyQualifiedErrorId | Should -BeLike "$Id,*"
        $record.CategoryInfo.Category | Should -Be $Category
        $record.ErrorDetails.RecommendedAction | Should -Match '^[A-Z]\w+ \w+'
        if ($Target) {
            $record.TargetObject | Should -Be $Target
        }

        # Everything that PowerShell can show of it, and no token in it.
        $shown = if (Get-Command Get-Error -ErrorAction Ignore) { $record | Get-Error | Out-String } else { $record | Format-List * -Force | Out-String }
        $shown | Should -Match $Id
        $shown + ($record.Exception | Format-List * -Force | Out-String) | Should -Not -Match 'eyJ'
    }
}
