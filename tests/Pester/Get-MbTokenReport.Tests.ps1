BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox '--no-rate-limit', '--seed-user usr_many:7', '--seed-user usr_few:2'
    Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local
    New-MbProjectToken 'audit never' | Out-Null
    New-MbProjectToken 'audit soon' -ExpiresIn 5d | Out-Null
    New-MbProjectToken 'audit good' -ExpiresIn 60d | Out-Null
    1..2 | ForEach-Object { New-MbProjectToken 'audit twin' -ExpiresIn 60d } | Out-Null
}

AfterAll { Close-Sandbox $sandbox }

Describe 'Get-MbTokenReport' {
    It 'judges each project token' {
        $rows = Get-MbTokenReport | Group-Object Name -AsHashTable -AsString
        $rows['audit never'].Findings | Should -Contain 'NeverExpires'
        $rows['audit soon'].Findings | Should -Contain 'ExpiresSoon'
        $rows['audit good'].Findings | Should -BeNullOrEmpty
        $rows['audit good'].Severity | Should -Be 'None'
        $rows['audit twin'].Findings | Should -Contain 'DuplicateName'
    }

    It 'judges the users of a list, each once' {
        $rows = 'usr_many', 'usr_few', 'usr_many' | Get-MbTokenReport -MaxPerUser 5 | Where-Object Kind -EQ User
        $rows | Should -HaveCount 9
        ($rows | Where-Object UserId -EQ usr_many | ForEach-Object { $_.Findings -contains 'TooManyForUser' }) | Should -Contain $true
        ($rows | Where-Object UserId -EQ usr_few).Findings | Should -Not -Contain 'TooManyForUser'
    }

    It 'goes on by a checkpoint with what could not be read' {
        $file = Join-Path $TestDrive 'audit.jsonl'
        $first = @('usr_many', 'nobody' | Get-MbTokenReport -Checkpoint $file -ErrorAction SilentlyContinue -ErrorVariable failed)
        $failed | Should -HaveCount 1
        $again = @('usr_many', 'usr_few' | Get-MbTokenReport -Checkpoint $file -WarningAction SilentlyContinue)
        $again | Should -HaveCount ($first.Count + 2)
        ($again | Where-Object UserId -EQ usr_many).Id | Should -Be ($first | Where-Object UserId -EQ usr_many).Id
    }

    It 'judges several projects, named by a wildcard or piped in' {
        Connect-MbProject -Sandbox -Name 'several-1'
        Connect-MbProject -Sandbox -Name 'several-2'
        New-MbProjectToken 'only here' -Session 'several-2' | Out-Null
        Select-MbSession local
        $named = @(Get-MbTokenReport -AllUsers -Session several*)
        $piped = @(Get-MbSession several* | Get-MbTokenReport -AllUsers)
        $named.Project | Sort-Object -Unique | Should -Be 'several-1', 'several-2'
        $piped | Should -HaveCount $named.Count
        ($named | Where-Object Name -EQ 'only here').Project | Should -Be 'several-2'
        { Get-MbTokenReport -Session nothing* } | Should -Throw '*no session whose name matches*'
        Get-MbSession several* | Disconnect-MbProject
    }

    It 'takes the policy that it is given' {
        (Get-MbTokenReport -ExpiringWithin 1d | Where-Object Name -EQ 'audit soon').Findings | Should -Not -Contain 'ExpiresSoon'
        (Get-MbTokenReport -ExpiringWithin 90d | Where-Object Name -EQ 'audit good').Findings | Should -Contain 'ExpiresSoon'
    }

    It 'names a command that mends a finding, and the command runs' {
        $row = Get-MbTokenReport | Where-Object Name -EQ 'audit never'
        $row.Remedy | Should -Match $row.Id
        $verb, $rest = $row.Remedy -split ' ', 2
        Get-Command $verb -Module MagicBellJwt | Should -Not -BeNullOrEmpty
    }

    It 'goes on after a user who is not there' {
        $rows = 'nobody', 'usr_few' | Get-MbTokenReport -ErrorVariable wrong -ErrorAction SilentlyContinue
        $wrong.FullyQualifiedErrorId | Should -BeLike 'MbTokenNotFound*'
        $rows | Where-Object UserId -EQ usr_few | Should -HaveCount 2
    }

    It 'changes nothing' {
        Get-MbTokenReport | Out-Null
        Get-SandboxWrite $sandbox | Where-Object { $_ -notlike 'POST *' } | Should -BeNullOrEmpty
    }
}
