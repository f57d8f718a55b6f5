BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox '--seed-users 120:1', '--no-rate-limit'
    Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local
}

AfterAll { Close-Sandbox $sandbox }

Describe 'Get-MbUser' {
    It 'lists them all, and fits 80 columns' {
        @(Get-MbUser).Count | Should -Be 120
        Get-MbUser -First 3 | Out-String -Width 80 -Stream | ForEach-Object { $_.Length | Should -BeLessOrEqual 80 }
    }

    It 'finds people by address, external id and id, and from the columns of files' {
        $user = Get-MbUser USER7@example.com
        $user.ExternalId | Should -Be 'ext-7'
        (Get-MbUser -ExternalId ext-7).UserId | Should -Be $user.UserId
        (Get-MbUser -UserId $user.UserId).Email | Should -Be 'user7@example.com'
        foreach ($column in 'Email', 'Mail', 'E-mail', 'UserPrincipalName') {
            ([pscustomobject]@{ $column = 'user7@example.com' } | Get-MbUser).UserId | Should -Be $user.UserId
        }
    }

    It 'leads to the tokens of a person, by any name' {
        $user = Get-MbUser user8@example.com
        ($user | Get-MbUserToken).Email | Should -Be 'user8@example.com'
        (Get-MbUserToken user8@example.com).UserId | Should -Be $user.UserId
        (Get-MbUserToken -ExternalId ext-8).UserId | Should -Be $user.UserId
        (Get-MbTokenReport -Email user8@example.com | Where-Object Kind -EQ User).Email | Should -Be 'user8@example.com'
    }

    It 'has an error for who is not there, and none for a pattern without a match' {
        { Get-MbUser nobody@example.com -ErrorAction Stop } | Should -Throw -ErrorId 'MbUserNotFound*'
        Get-MbUser 'nobody*' | Should -BeNullOrEmpty
        { Get-MbUser $null -ErrorAction Stop } | Should -Throw -ErrorId 'MbInvalidRequest*'
    }

    It 'completes at the prompt, with the name as tooltip' {
        $line = 'Get-MbUser user12'
        $offered = (TabExpansion2 $line $line.Length).CompletionMatches
        $offered.ListItemText | Should -Contain 'user12@example.com'
        ($offered | Where-Object ListItemText -EQ 'user12@example.com').ToolTip | Should -BeLike 'First12 Last12*'
    }

    It 'says where users are not listed, and ids go on working' {
        $id = (Get-MbUser user9@example.com).UserId
        Use-SandboxFault $sandbox 'GET /v2/users* 404'
        { Get-MbUser user10@example.com -ErrorAction Stop } | Should -Throw '*does not list users*-UserId*'
        Get-MbUserToken $id | Should -HaveCount 1
        Use-SandboxFault $sandbox
    }
}
