BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:manifest = Import-PowerShellDataFile (Join-Path $repository 'MagicBellJwt.psd1')
}

Describe 'The module' {
    It 'has a manifest that the gallery takes' {
        $info = Test-ModuleManifest (Join-Path $repository 'out/MagicBellJwt/MagicBellJwt.psd1')
        $info.Version | Should -Be $manifest.ModuleVersion
        $info.CompatiblePSEditions | Should -Be 'Desktop', 'Core'
        $info.ProjectUri, $info.LicenseUri, $info.Description | Should -Not -BeNullOrEmpty
    }

    It 'loads none of its dependencies when it is imported' {
        $loaded = Invoke-Shell -Command "Import-Module '$repository/out/MagicBellJwt'; [AppDomain]::CurrentDomain.GetAssemblies() | Where-Object Location -Like '*dependencies*' | ForEach-Object Location"
        $loaded | Should -BeNullOrEmpty
    }

    It 'keeps its sessions when it is imported again with -Force' {
        Connect-MbProject -Sandbox -Name again
        Import-Module (Join-Path $repository 'out/MagicBellJwt') -Force
        Get-MbProjectToken | Should -HaveCount 1
        Disconnect-MbProject -All
    }

    It 'completes at the prompt' {
        Connect-MbProject -Sandbox -Name prompt
        $line = 'Get-MbProjectToken -Session pro'
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Be 'prompt'
        $token = New-MbProjectToken "it's a name"
        $line = 'Get-MbProjectToken -Name it'
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Be "'it''s a name'"
        $line = "Remove-MbProjectToken $($token.Id.Substring(0, 8))"
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Be $token.Id
        Disconnect-MbProject -All
    }
}

Describe 'Its first lines' {
    BeforeAll {
        $script:sandbox = Open-Sandbox '--no-rate-limit'
        Push-Location $TestDrive
        Set-Content users.csv 'Email,ExternalId,Name', 'hana@example.com,,laptop', ',42,'
    }

    AfterAll {
        Pop-Location
        Close-Sandbox $sandbox
    }

    It 'work as written' {
        Connect-MbProject -Sandbox
        $t = New-MbUserToken -Email hana@example.com -Name laptop -ExpiresIn 30d        # 30d, 12h, 90m, a TimeSpan, or -ExpiresAt
        Get-MbUserToken -UserId $t.UserId | Remove-MbUserToken -WhatIf                  # says which project, user, id and name; sends nothing
        Get-MbUserToken -UserId $t.UserId | Should -HaveCount 1
        $gone = Get-MbUserToken -UserId $t.UserId | Where-Object ExpiresAt -lt (Get-Date).AddDays(60) | Remove-MbUserToken -Confirm:$false -PassThru
        $gone.Outcome | Should -Be 'Revoked'
        $issued = Import-Csv users.csv | New-MbUserToken -ExpiresIn 90d                 # columns Email, ExternalId, Name; an empty cell is no value
        $issued | Should -HaveCount 2
        $p = 1..3 | ForEach-Object { New-MbProjectToken -Name "ci $_" -ExpiresIn 90d }
        Get-MbProjectToken 'ci *' | Should -HaveCount 3
        Remove-MbProjectToken $p[0].Id -Force;  $p[1].Id | Remove-MbProjectToken -Confirm:$false;  $p[2] | Remove-MbProjectToken -Force
        Get-MbProjectToken 'ci *' | Should -BeNullOrEmpty
    }

    It 'work on two projects' {
        $env:MAGICBELL_PROJECT_TOKEN = [Net.NetworkCredential]::new('', $sandbox.Token).Password
        $env:MAGICBELL_BASE_URL = $sandbox.Address
        try {
            $a = Connect-MbProject -Name a -PassThru; $b = Connect-MbProject -Name b -PassThru; $listed = Get-MbProjectToken -Session $a
        }
        finally {
            Remove-Item Env:MAGICBELL_PROJECT_TOKEN, Env:MAGICBELL_BASE_URL
        }

        $listed.Project | Should -Be 'a'
        (Get-MbProjectToken).Project | Should -Be $b.Name
    }
}

Describe 'What it shows' {
    BeforeAll {
        Connect-MbProject -Sandbox -Name show
        New-MbUserToken hana@example.com -Name laptop -ExpiresIn 90d | Out-Null
        New-MbUserToken hana@example.com -ExpiresIn 3d | Out-Null
        $script:tokens = Get-MbUserToken hana@example.com
        $script:escape = [string][char]27
    }

    AfterAll { Disconnect-MbProject -All }

    It 'is a table of 80 columns that says whose and until when, and with 100 the status' {
        $lines = $tokens | Out-String -Width 80 -Stream | Where-Object { $_.Trim() }
        $lines[0] -split '\s+' | Where-Object { $_ } | Should -Be 'Id', 'User', 'Name', 'Expires'
        $lines | Where-Object { $_ -match ' hana@example.com +laptop +in 90 days *$' } | Should -HaveCount 1
        ($lines | Measure-Object Length -Maximum).Maximum | Should -BeLessOrEqual 80
        $lines = $tokens | Out-String -Width 100 -Stream | Where-Object { $_.Trim() }
        $lines[0] -split '\s+' | Where-Object { $_ } | Should -Be 'Id', 'User', 'Name', 'Expires', 'Status', 'Project'
        $lines | Where-Object { $_ -match 'in 90 days +Active +show *$' } | Should -HaveCount 1
    }

    It 'is a list with everything, and a wide view of the names' {
        $tokens | Format-List | Out-String | Should -Match 'ExpiresAt'
        $tokens | Format-Wide | Out-String | Should -Match 'laptop'
        $tokens | Format-Wide | Out-String | Should -Match ($tokens | Where-Object { -not $_.Name }).Id
    }

    It 'lets no name steer the terminal: <_>' -ForEach 'Format-Table', 'Format-List', 'Format-Wide' {
        New-MbUserToken eve@example.com -Name "$escape[2Jeve" | ForEach-Object { Get-MbUserToken $_.UserId } | & $_ | Out-String | Should -Match '\\u001B\[2J'
    }

    It 'has the raw values for who asks for properties' {
        $tokens | Format-Table Status, ExpiresAt | Out-String | Should -Match 'Active'
        ($tokens | Group-Object Status -NoElement).Count | Should -Be 2
        ($tokens | Sort-Object ExpiresAt)[-1].Name | Should -Be 'laptop'
        ($tokens | Select-Object * | Get-Member -MemberType NoteProperty).Name | Where-Object { $_ -like '*View' } | Should -BeNullOrEmpty
    }

    It 'goes to files without what is for the screen: <Name>' -ForEach @(
        @{ Name = 'CSV'; Convert = { $args | ConvertTo-Csv -NoTypeInformation } }
        @{ Name = 'JSON'; Convert = { ConvertTo-Json $args -Depth 2 } }
        @{ Name = 'CLIXML'; Convert = { [Management.Automation.PSSerializer]::Serialize($args) } }
        @{ Name = 'text'; Convert = { $args | Out-String } }
    ) {
        $text = & $Convert $tokens[0] $tokens[1] | Out-String
        $text.Contains($escape) -or $text.Contains('_x001B_') | Should -BeFalse
        $text | Should -Match 'laptop'
        if ($Name -ne 'text') {
            $text | Should -Not -Match 'StatusView|ExpiresView|LabelView'
        }
    }

    It 'has no colour of its own in a pipe, where the engine colours its headers even so' {
        $plain = $env:NO_COLOR
        Remove-Item Env:NO_COLOR -ErrorAction Ignore
        $said = Invoke-Shell -Command "Import-Module '$repository/out/MagicBellJwt'; Connect-MbProject -Sandbox; New-MbProjectToken soon -ExpiresIn 3d | Out-Null; Get-MbProjectToken soon"
        $env:NO_COLOR = $plain
        $said | Where-Object { $_ -match 'Active +in 3 days' } | Should -HaveCount 1
    }

    It 'comes back from CSV and CLIXML as what it was' {
        ($tokens | ConvertTo-Csv -NoTypeInformation | ConvertFrom-Csv).Status | Should -Be 'Active', 'Active'
        [Management.Automation.PSSerializer]::Deserialize([Management.Automation.PSSerializer]::Serialize($tokens)) | Remove-MbUserToken -Force -PassThru |
            ForEach-Object { $_.Outcome } | Should -Be 'Revoked', 'Revoked'
    }
}
