BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox '--no-rate-limit'
    Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local
    $script:logs = Join-Path $TestDrive 'logs'
    New-Item -ItemType Directory (Join-Path $logs 'deep') | Out-Null
}

AfterAll { Close-Sandbox $sandbox }

Describe 'Find-MbLeakedToken' {
    BeforeEach {
        Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local
        $script:project = New-MbProjectToken 'ci leaked' -ExpiresIn 1d -AsPlainText
        $script:user = New-MbUserToken hana@example.com -ExpiresIn 1d -AsPlainText
        Set-Content (Join-Path $logs 'app.log') "start`nAuthorization: Bearer $($project.Token)`nend"
        Set-Content (Join-Path $logs 'deep/old.log') "`"$($user.Token)`" $($project.Token)"
    }

    AfterEach { Get-MbProjectToken 'ci leaked' | Remove-MbProjectToken -Force }

    It 'says where tokens stand, what they say, whether they are listed, and whether they are live' {
        (Find-MbLeakedToken -Path $logs -Recurse).Listed | Should -Be $true, $true, $true
        (Find-MbLeakedToken -Path $logs -Recurse).Live | Should -Be $null, $null, $null
        $places = Find-MbLeakedToken -Path $logs -Recurse -TestLive | Sort-Object Path, Column
        $places | Should -HaveCount 3
        $places[0].Line | Should -Be 2
        $places[0].Column | Should -Be 23
        $places[0].Fingerprint | Should -Be $project.Fingerprint
        $places.Kind | Should -Be 'Project', 'User', 'Project'
        $places.Live | Should -Be $true, $true, $true
        ($places | Format-List * | Out-String) + ($places | ConvertTo-Json) | Should -Not -Match 'eyJ'
    }

    It 'leads straight to the revocation of what is live, and of nothing else' {
        $kept = New-MbProjectToken 'ci kept'
        Find-MbLeakedToken -Path $logs -Recurse -TestLive | Where-Object Live | Where-Object Kind -EQ Project | Remove-MbProjectToken -Confirm:$false
        Get-MbProjectToken 'ci leaked' | Should -BeNullOrEmpty
        (Get-MbProjectToken 'ci kept').Id | Should -Be $kept.Id
        (Find-MbLeakedToken -Path $logs -Recurse -TestLive | Where-Object Kind -EQ Project).Live | Should -Be $false, $false
    }

    It 'revokes nothing on the word of a forged line' {
        $part = { param($Text) [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($Text)).TrimEnd('=').Replace('+', '-').Replace('/', '_') }
        $claims = @{ kind = 'project'; project_id = (ConvertFrom-MbToken $project.Token).Project; jti = $project.Id } | ConvertTo-Json -Compress
        $forged = "$(& $part '{"alg":"HS256"}').$(& $part $claims).$('A' * 43)"
        { "x $forged" | Find-MbLeakedToken -TestLive | Remove-MbProjectToken -Force -ErrorAction Stop } | Should -Throw -ErrorId 'MbInvalidRequest*'
        { "x $forged" | Find-MbLeakedToken | Remove-MbProjectToken -Force -ErrorAction Stop } | Should -Throw '*-TestLive*'
        (Get-MbProjectToken 'ci leaked').Id | Should -Be $project.Id
    }

    It 'searches what the pipeline brings: text and files' {
        "a $($user.Token)", 'none' | Find-MbLeakedJwt | Should -HaveCount 1
        Get-ChildItem $logs -Recurse -File | Find-MbLeakedToken | Should -HaveCount 3
        Get-Content (Join-Path $logs 'app.log') | Find-MbLeakedToken | Select-Object -ExpandProperty Line | Should -Be 2
    }

    It 'previews what it would send with -TestLive -WhatIf' {
        $project | Remove-MbProjectToken -Force
        (Find-MbLeakedToken (Join-Path $logs 'app.log') -TestLive -WhatIf).Live | Should -BeNullOrEmpty
        (Find-MbLeakedToken (Join-Path $logs 'app.log') -TestLive).Live | Should -BeFalse
    }

    It 'names what it leaves out with -Verbose' {
        [IO.File]::WriteAllBytes((Join-Path $logs 'packed.zip'), [byte[]](0x50, 0x4B, 3, 4))
        Find-MbLeakedToken $logs -Verbose 4>&1 3>$null | Out-String | Should -Match 'packed\.zip'
        Find-MbLeakedToken (Join-Path $logs 'packed.zip') 3>&1 | Out-String | Should -Match 'a zip archive'
        Remove-Item (Join-Path $logs 'packed.zip')
    }

    It 'is offline without a session' {
        Disconnect-MbProject -All
        (Find-MbLeakedToken (Join-Path $logs 'app.log')).Live | Should -BeNullOrEmpty
        { Find-MbLeakedToken (Join-Path $logs 'app.log') -TestLive } | Should -Throw -ErrorId 'MbNotConnected*'
        Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local
    }
}
