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

    It 'does what is left of a plan that was kept as <_>, and repeats nothing' -ForEach 'csv', 'json', 'xml' {
        $path = Join-Path $TestDrive "plan.$_"
        $plan = Get-MbUserToken usr_a -First 4 | Remove-MbUserToken -WhatIf -PassThru
        $plan.Outcome | Select-Object -Unique | Should -Be 'Planned'
        $read = switch ($_) {
            'csv' { $plan | Export-Csv $path -NoTypeInformation; Import-Csv $path }
            'json' { ConvertTo-Json $plan | Set-Content $path; Get-Content $path -Raw | ConvertFrom-Json }
            'xml' { $plan | Export-Clixml $path; Import-Clixml $path }
        }

        $left = @($read | ForEach-Object { $_ } | Select-Object -Skip 1)
        $done = $left | Remove-MbUserToken -Confirm:$false -PassThru
        $done.Outcome | Should -Be 'Revoked', 'Revoked', 'Revoked'
        (Get-MbUserToken usr_a).Id | Should -Contain $plan[0].Id
        ($left | Remove-MbUserToken -Confirm:$false -PassThru).Outcome | Should -Be 'AlreadyRevoked', 'AlreadyRevoked', 'AlreadyRevoked'
    }

    It 'does nothing of a plan that a spreadsheet damaged' {
        $plan = @(Get-MbUserToken usr_b -First 3 | Remove-MbUserToken -WhatIf -PassThru | ConvertTo-Csv -NoTypeInformation | ConvertFrom-Csv)
        $plan[2].CreatedAt = [datetime]::Parse($plan[2].CreatedAt).ToString('d')
        { $plan | Remove-MbUserToken -Force -ErrorAction Stop } | Should -Throw '*damaged*' -ErrorId 'MbInvalidRequest*'
        (Get-MbUserToken usr_b).Count | Should -Be 20
    }

    It 'says that an id is unknown' {
        $id = [Guid]::NewGuid()
        Remove-MbUserToken $id -Force -ErrorVariable wrong -ErrorAction SilentlyContinue
        $wrong[0].FullyQualifiedErrorId | Should -BeLike 'MbTokenNotFound*'
        $wrong[0].TargetObject | Should -Be "$id"
    }
}
