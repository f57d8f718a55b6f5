# Runs each script of examples/ against the sandbox's server and looks at its exit code, as a scheduler does.
BeforeDiscovery {
    $script:scripts = Get-ChildItem (Join-Path $PSScriptRoot '../../examples') -Filter *.ps1 -Recurse | ForEach-Object { @{ Name = $_.Name; Path = $_.FullName } }
}

BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox '--no-rate-limit', '--seed-user usr_leaver:3', '--seed-user usr_other:2'
    Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address -Name local

    # Runs an example to its end; gives its exit code and all that it said: in a runspace of its own, or as a process, as a command or as a file.
    # Only a process prints what -WhatIf says, and has an exit code that a scheduler sees: each script ends as one in some test.
    function Invoke-Example([string] $Name, [string] $Arguments, $Token = $sandbox.Token, [ValidateSet('Runspace', 'Command', 'File')] [string] $As = 'Runspace', [string] $State) {
        $variables = @{
            PSModulePath = "$repository/out$([IO.Path]::PathSeparator)$env:PSModulePath"
            MAGICBELL_PROJECT_TOKEN = [Net.NetworkCredential]::new('', $Token).Password
            MAGICBELL_BASE_URL = $sandbox.Address
        }
        if ($State) { $variables.XDG_STATE_HOME = $variables.LOCALAPPDATA = $State }
        $before = @{}
        foreach ($variable in $variables.Keys) {
            $before[$variable] = [Environment]::GetEnvironmentVariable($variable)
            [Environment]::SetEnvironmentVariable($variable, $variables[$variable])
        }

        try {
            $run = if ($As -eq 'Runspace') { Invoke-InRunspace -Name $Name -Arguments $Arguments } else { Invoke-AsProcess -Name $Name -Arguments $Arguments -As $As }
        } finally {
            foreach ($variable in $before.Keys) { [Environment]::SetEnvironmentVariable($variable, $before[$variable]) }
        }

        $run.Said | Should -Not -Match 'eyJ'
        $run
    }

    function Invoke-AsProcess([string] $Name, [string] $Arguments, [string] $As) {
        $start = [Diagnostics.ProcessStartInfo]::new((Get-Process -Id $PID).Path)
        $start.Arguments = if ($As -eq 'File') { "$(Get-ShellLibrary) -NoProfile -NonInteractive -File `"$repository/examples/$Name`" $Arguments" } else { "$(Get-ShellLibrary) -NoProfile -NonInteractive -Command `"Import-Module '$repository/out/MagicBellJwt'; & '$repository/examples/$Name' $Arguments; exit `$LASTEXITCODE`"" }
        $start.RedirectStandardOutput = $true
        $start.RedirectStandardError = $true
        $start.UseShellExecute = $false
        $process = [Diagnostics.Process]::Start($start)
        $failed = $process.StandardError.ReadToEndAsync()
        $said = $process.StandardOutput.ReadToEnd() + $failed.Result
        $process.WaitForExit()
        [pscustomobject]@{ ExitCode = $process.ExitCode; Said = $said }
    }

    function Invoke-InRunspace([string] $Name, [string] $Arguments) {
        $console = [Console]::Error
        $failed = [IO.StringWriter]::new()
        $shell = [powershell]::Create()
        try {
            [Console]::SetError($failed)
            $output = $shell.AddScript("Import-Module '$repository/out/MagicBellJwt'; & '$repository/examples/$Name' $Arguments *>&1 | Out-String -Width 500 -Stream; `$LASTEXITCODE").Invoke()
            [pscustomobject]@{ ExitCode = $output[-1]; Said = (@($output | Select-Object -SkipLast 1) + @($shell.Streams.Error) + "$failed") -join "`n" }
        } finally {
            [Console]::SetError($console)
            $shell.Runspace.Dispose()
            $shell.Dispose()
        }
    }

    # Where a script stores tokens: a file a name, moved into place.
    $script:store = Join-Path $TestDrive 'store'
    New-Item -ItemType Directory $store | Out-Null
    $script:saveTo = "{ param(`$Issued) `$f = '$store/' + `$Issued.Name; [IO.File]::WriteAllText(`$f, [Net.NetworkCredential]::new('', `$Issued.Token).Password); [IO.File]::ReadAllText(`$f) }"
    $script:journal = "-JournalPath '$(Join-Path $TestDrive 'journal/rotations.jsonl')'"
    $script:wrong = ConvertTo-Secret 'eyJ.wrong.token'
}

AfterAll { Close-Sandbox $sandbox }

Describe 'examples' {
    It 'has no syntax error, and says what its exit codes mean: <Name>' -ForEach $scripts {
        $errors = $null
        [Management.Automation.Language.Parser]::ParseFile($Path, [ref] $null, [ref] $errors) | Out-Null
        $errors | Should -BeNullOrEmpty
        Get-Content $Path -Raw | Should -Match 'Exit codes?'
    }
}

Describe 'examples/quickstart.ps1' {
    It 'does what it says, step by step' {
        $run = Invoke-Example quickstart.ps1 -As Command
        $run.ExitCode | Should -Be 0
        $run.Said | Should -Match 'ok: revoked'
        $run.Said | Should -Not -Match 'failed'
    }
}

Describe 'examples/rotate-tokens.ps1' {
    It 'ends with 0 when all were rotated, and then when nothing was left to do' {
        $old = New-MbProjectToken 'ci example' -ExpiresIn 1d
        (Invoke-Example rotate-tokens.ps1 "-Name 'ci example' -SaveTo $saveTo $journal").ExitCode | Should -Be 0
        $new = Get-MbProjectToken 'ci example'
        $new.Id | Should -Not -Be $old.Id
        (ConvertFrom-MbToken (Get-Content "$store/ci example")).Id | Should -Be $new.Id
        (Invoke-Example rotate-tokens.ps1 "-EndingWithin 0:00:01 -SaveTo $saveTo $journal").ExitCode | Should -Be 0
    }

    It 'rotates what ends soon, and ends the old ones in the run after the overlap' {
        $old = New-MbProjectToken 'ci soon' -ExpiresIn 2d
        New-MbProjectToken 'ci late' -ExpiresIn 90d | Out-Null
        (Invoke-Example rotate-tokens.ps1 "-EndingWithin 3.00:00:00 -Overlap 0:00:01 -SaveTo $saveTo $journal").ExitCode | Should -Be 0
        (Get-MbProjectToken 'ci soon').Id | Should -Contain $old.Id
        Test-Path "$store/ci late" | Should -BeFalse
        Start-Sleep -Milliseconds 2200
        (Invoke-Example rotate-tokens.ps1 "-EndingWithin 0:00:01 -SaveTo $saveTo $journal").ExitCode | Should -Be 0
        (Get-MbProjectToken 'ci soon').Id | Should -Not -Contain $old.Id
    }

    It 'takes all its parameters as text, as a scheduler gives them: names, lengths of time, the path of a script' {
        'ci text a', 'ci text b' | New-MbProjectToken -ExpiresIn 2d | Out-Null
        $put = Join-Path $TestDrive 'put it.ps1'
        Set-Content $put "param(`$Issued) `$f = '$store/' + `$Issued.Name; [IO.File]::WriteAllText(`$f, [Net.NetworkCredential]::new('', `$Issued.Token).Password); [IO.File]::ReadAllText(`$f)"
        $run = Invoke-Example rotate-tokens.ps1 "-Name `"ci text a,ci text b`" -SaveTo `"$put`" -Overlap 1s $($journal.Replace("'", '"'))" -As File
        $run.ExitCode | Should -Be 0 -Because $run.Said
        Test-Path "$store/ci text a", "$store/ci text b" | Should -Be $true, $true
        (Get-MbProjectToken 'ci text a').Count | Should -Be 2
        Start-Sleep -Milliseconds 2200
        $run = Invoke-Example rotate-tokens.ps1 "-EndingWithin 3s -SaveTo `"$put`" $($journal.Replace("'", '"'))" -As File
        $run.ExitCode | Should -Be 0 -Because $run.Said
        @(Get-MbProjectToken 'ci text a').Count | Should -Be 1
        (Invoke-Example rotate-tokens.ps1 "-Name x -SaveTo no-such-script.ps1" -As File).ExitCode | Should -Be 2
    }

    It 'ends with 1 when one was not there, and rotates the others' {
        $old = 'ci a', 'ci b' | New-MbProjectToken -ExpiresIn 1d
        (Invoke-Example rotate-tokens.ps1 "-Name 'ci a', nobody, 'ci b' -SaveTo $saveTo $journal").ExitCode | Should -Be 1
        $live = (Get-MbProjectToken 'ci [ab]').Id
        $live | Should -HaveCount 2
        $live | Where-Object { $_ -in $old.Id } | Should -BeNullOrEmpty
        Test-Path "$store/ci a", "$store/ci b" | Should -Be $true, $true
    }

    It 'ends with 1 when one failed, and keeps that one' {
        $old = New-MbProjectToken 'ci full' -ExpiresIn 1d
        $run = Invoke-Example rotate-tokens.ps1 "-Name 'ci full', 'nobody' -SaveTo { throw 'the disk is full' } $journal"
        $run.ExitCode | Should -Be 1
        $run.Said | Should -Match 'the disk is full'
        (Get-MbProjectToken 'ci full').Id | Should -Contain $old.Id
    }

    It 'ends with 2 when it could not start: <Why>' -ForEach @(
        @{ Why = 'no store'; Arguments = "-Name 'ci example'"; Good = $true }
        @{ Why = 'a wrong token'; Arguments = '-Name x -SaveTo { }'; Good = $false }
        @{ Why = 'no token file'; Arguments = '-Name x -SaveTo { } -TokenFile no-such-file'; Good = $true }
        @{ Why = 'no module for vaults'; Arguments = '-Name x -Vault prod'; Good = $true }
        @{ Why = 'no module for the vault of the journal'; Arguments = '-Name x -SaveTo { } -JournalVault prod'; Good = $true }
    ) {
        (Invoke-Example rotate-tokens.ps1 $Arguments -Token $(if ($Good) { $sandbox.Token } else { $wrong })).ExitCode | Should -Be 2
    }
}

Describe 'Rotations with a vault, each run as a file in a process of its own' {
    BeforeAll {
        # A vault whose secrets are files, in the place of Microsoft's modules.
        $script:secrets = Join-Path $TestDrive 'secrets'
        $folder = Join-Path $TestDrive 'modules/Microsoft.PowerShell.SecretManagement'
        New-Item -ItemType Directory $folder, $secrets | Out-Null
        Set-Content (Join-Path $folder 'Microsoft.PowerShell.SecretManagement.psm1') @"
function Get-SecretVault(`$Name) { if (`$Name -eq 'prod') { [pscustomobject]@{ Name = 'prod' } } else { Write-Error "Vault `$Name does not exist in registry." } }
function Get-Secret(`$Vault, `$Name) { if (Test-Path "$secrets/`$Name") { [Net.NetworkCredential]::new('', [IO.File]::ReadAllText("$secrets/`$Name")).SecurePassword } }
function Set-Secret(`$Vault, `$Name, `$Secret) { [IO.File]::WriteAllText("$secrets/`$Name", [Net.NetworkCredential]::new('', `$Secret).Password) }
"@
        $script:modules = $env:PSModulePath
        $env:PSModulePath = (Join-Path $TestDrive 'modules') + [IO.Path]::PathSeparator + $env:PSModulePath
        $script:login = Join-Path $TestDrive 'vault-login'
        $script:rules = Join-Path $TestDrive 'vault-policy.json'

        # The id of the token that a file holds.
        function Get-HeldId([string] $Path) { ([IO.File]::ReadAllText($Path).Trim() | ConvertFrom-MbToken).Id }
    }

    AfterAll { $env:PSModulePath = $modules }

    It 'ends the overlap of the run before on a machine without any state, in the vault and in the file that it logs in with: <Option>' -ForEach @(
        @{ Option = ''; Mark = 'none' }
        @{ Option = '-JournalVault prod'; Mark = 'kept' }
    ) {
        $name = "ci night $Mark"
        $own = "login night $Mark"
        [IO.File]::WriteAllText("$secrets/$name", (New-MbProjectToken $name -ExpiresIn 2d -AsPlainText).Token)
        [IO.File]::WriteAllText($login, (New-MbProjectToken $own -ExpiresIn 2d -AsPlainText).Token)
        foreach ($night in 1..3) {
            Start-Sleep -Milliseconds 2200
            $before = (Get-HeldId "$secrets/$name"), (Get-HeldId $login)
            $run = Invoke-Example rotate-tokens.ps1 "-Name `"$name,$own`" -Vault prod -TokenFile `"$login`" -Overlap 1s $Option" -As File -State (Join-Path $TestDrive "home-$Mark-$night")
            $run.ExitCode | Should -Be 0 -Because $run.Said
            @(Get-MbProjectToken $name).Id | Sort-Object | Should -Be ($before[0], (Get-HeldId "$secrets/$name") | Sort-Object)
            @(Get-MbProjectToken $own).Id | Sort-Object | Should -Be ($before[1], (Get-HeldId $login) | Sort-Object)
        }
    }

    It 'ends with 2 when it could not start: <Why>' -ForEach @(
        @{ Why = 'another vault'; Script = 'rotate-tokens.ps1'; Arguments = '-Name x -Vault nowhere' }
        @{ Why = 'another vault in the policy'; Script = 'rotate-by-policy.ps1'; Rule = '"vault": "nowhere"' }
        @{ Why = 'a rule with a fault'; Script = 'rotate-by-policy.ps1'; Rule = '"vlt": "prod"' }
        @{ Why = 'no such vault, and tokens that leaked'; Script = 'incident.ps1'; Arguments = '. -Vault nowhere' }
    ) {
        [IO.File]::WriteAllText($login, (New-MbProjectToken 'login of none' -ExpiresIn 2d -AsPlainText).Token)
        Set-Content $rules "{ `"rotate`": [ { `"name`": `"login of none`", `"olderThan`": `"1s`", $Rule } ] }"
        $run = Invoke-Example $Script $(if ($Arguments) { $Arguments } else { "-Policy `"$rules`" -TokenFile `"$login`"" }) -As File
        $run.ExitCode | Should -Be 2 -Because $run.Said
    }

    It 'ends with 2 when a journal cannot be used, and with 1 when a token failed' {
        [IO.File]::WriteAllText($login, (New-MbProjectToken 'policy broken' -ExpiresIn 2d -AsPlainText).Token)
        [IO.File]::WriteAllText("$secrets/other", 'a password')
        New-MbProjectToken 'policy other' -ExpiresIn 2d | Out-Null
        Start-Sleep -Milliseconds 2200
        Set-Content $rules '{ "rotate": [ { "name": "policy other", "olderThan": "1s", "vault": "prod", "secretName": "other" } ] }'
        $broken = Join-Path $TestDrive 'broken.jsonl'
        Set-Content $broken 'no journal'
        (Invoke-Example rotate-by-policy.ps1 "-Policy `"$rules`" -TokenFile `"$login`" -JournalPath `"$broken`"" -As File).ExitCode | Should -Be 2
        (Invoke-Example rotate-by-policy.ps1 "-Policy `"$rules`" -TokenFile `"$login`" -JournalVault prod" -As File).ExitCode | Should -Be 1
        [IO.File]::ReadAllText("$secrets/other") | Should -Be 'a password'
    }
}

Describe 'examples/rotate-by-policy.ps1' {
    BeforeAll {
        $script:policy = Join-Path $TestDrive 'policy.json'
        Set-Content (Join-Path $TestDrive 'put.ps1') "param(`$Issued) `$value = [Net.NetworkCredential]::new('', `$Issued.Token).Password; Set-Content (Join-Path '$TestDrive' `$Issued.Name) `$value; Get-Content (Join-Path '$TestDrive' `$Issued.Name)"
        Set-Content $policy '{ "rotate": [ { "name": "policy *", "olderThan": "1s", "lifetime": "2d", "saveTo": "put.ps1" } ] }'
        $script:file = Join-Path $TestDrive 'login'
    }

    It 'rotates its own login too, night after night' {
        Set-Content $file (New-MbProjectToken 'policy login' -ExpiresIn 2d -AsPlainText).Token
        New-MbProjectToken 'policy app' -ExpiresIn 2d | Out-Null
        foreach ($night in 1..2) {
            Start-Sleep -Milliseconds 2200
            $run = Invoke-Example rotate-by-policy.ps1 "-Policy '$policy' -TokenFile '$file' $journal"
            $run.ExitCode | Should -Be 0 -Because $run.Said
            (Get-MbProjectToken 'policy login').Id | Should -Be (Get-Content $file | ConvertFrom-MbToken).Id
            (Get-MbProjectToken 'policy app').Id | Should -Be (Get-Content (Join-Path $TestDrive 'policy app') | ConvertFrom-MbToken).Id
        }
    }

    It 'ends with 2 when there is no token, no policy, or no module for vaults' {
        (Invoke-Example rotate-by-policy.ps1 "-Policy '$policy' -TokenFile no-such-file" -As Command).ExitCode | Should -Be 2
        (Invoke-Example rotate-by-policy.ps1 "-Policy no-such-file -TokenFile '$file'").ExitCode | Should -Be 2
        $vault = Join-Path $TestDrive 'vault.json'
        Set-Content $vault '{ "rotate": [ { "name": "policy *", "olderThan": "1s", "vault": "prod" } ] }'
        (Invoke-Example rotate-by-policy.ps1 "-Policy '$vault' -TokenFile '$file'").ExitCode | Should -Be 2
    }

    It 'has a policy that its schema takes' {
        Get-Content (Join-Path $repository 'examples/rotation-policy.json') -Raw | Test-Json -SchemaFile (Join-Path $repository 'docs/rotation-policy.schema.json') | Should -BeTrue
        Get-Content $policy -Raw | Test-Json -SchemaFile (Join-Path $repository 'docs/rotation-policy.schema.json') | Should -BeTrue
        '{ "rotate": [ { "name": "x", "vault": "prod" } ] }' | Test-Json -SchemaFile (Join-Path $repository 'docs/rotation-policy.schema.json') -ErrorAction SilentlyContinue | Should -BeFalse
    }
}

Describe 'examples/off-boarding.ps1' {
    BeforeAll {
        $script:leavers = Join-Path $TestDrive 'leavers.csv'
        Set-Content $leavers "UserId,Name`nusr_leaver,Hana"
        $script:page = Join-Path $TestDrive 'leavers.html'
    }

    It 'revokes nothing in a preview' {
        $run = Invoke-Example off-boarding.ps1 "'$leavers' -ReportPath '$page' -WhatIf" -As Command
        $run.ExitCode | Should -Be 0
        [regex]::Matches($run.Said, 'What if: [^\n]*Revoke user token').Count | Should -Be 3
        Test-Path $page | Should -BeFalse
        Get-MbUserToken usr_leaver | Should -HaveCount 3
    }

    It 'revokes what the leavers have, and nobody else''s' {
        $run = Invoke-Example off-boarding.ps1 "'$leavers' -ReportPath '$page' -Confirm:`$false"
        $run.ExitCode | Should -Be 0
        $run.Said | Should -Match '3 of 3 tokens revoked'
        Get-MbUserToken usr_leaver | Should -BeNullOrEmpty
        Get-MbUserToken usr_other | Should -HaveCount 2
        Test-Path $page | Should -BeTrue
    }

    It 'ends with 1 when a user could not be read, with 2 when the list is none' {
        Set-Content $leavers "UserId`nusr_leaver`nnobody"
        $before = Get-FileHash $page
        (Invoke-Example off-boarding.ps1 "'$leavers' -ReportPath '$page' -Confirm:`$false").ExitCode | Should -Be 1
        (Get-FileHash $page).Hash | Should -Be $before.Hash -Because 'what people had is evidence'
        Get-ChildItem $TestDrive -Filter 'leavers*.html' | Should -HaveCount 2
        Set-Content $leavers "Name`nHana"
        (Invoke-Example off-boarding.ps1 "'$leavers' -ReportPath '$page' -Confirm:`$false").ExitCode | Should -Be 2
    }
}

Describe 'examples/weekly-audit.ps1' {
    It 'ends with 1 when there are findings, and writes the report' {
        $page = Join-Path $TestDrive 'audit.html'
        $run = Invoke-Example weekly-audit.ps1 "-Path '$page'" -As Command
        $run.ExitCode | Should -Be 1
        $run.Said | Should -Match 'tokens, '
        Get-Content $page -Raw | Should -BeLike '<!DOCTYPE html>*'
    }

    It 'says what changed since the audit before' {
        $files = "-Path '$(Join-Path $TestDrive 'audit.html')' -Baseline '$(Join-Path $TestDrive 'baseline.json')' -Checkpoint '$(Join-Path $TestDrive 'audit.jsonl')' -AllUsers"
        (Invoke-Example weekly-audit.ps1 $files).Said | Should -Not -Match 'New: '
        $new = New-MbProjectToken 'since the audit' -ExpiresIn 5d
        (Invoke-Example weekly-audit.ps1 $files).Said | Should -Match "New: Project token $($new.Id), ExpiresSoon"
        $new | Remove-MbProjectToken -Force
        (Invoke-Example weekly-audit.ps1 $files).Said | Should -Match "Gone: Project token $($new.Id)"
    }

    It 'ends with 2 when a list could not be read, or it could not run' {
        $users = Join-Path $TestDrive 'users.txt'
        Set-Content $users "usr_other`nnobody"
        (Invoke-Example weekly-audit.ps1 "-Path '$(Join-Path $TestDrive 'audit.csv')' -UserList '$users'").ExitCode | Should -Be 2
        (Invoke-Example weekly-audit.ps1 "-Path '$(Join-Path $TestDrive 'audit.csv')'" -Token $wrong).ExitCode | Should -Be 2
    }
}

Describe 'examples/change' {
    BeforeAll {
        Push-Location $TestDrive
        $script:plan = Join-Path $TestDrive 'plan.csv'
        $script:done = Join-Path $TestDrive 'done.csv'
        $script:files = "-ReportPath '$(Join-Path $TestDrive 'before.json')'"
        $script:people = Join-Path $TestDrive 'change.txt'
        $script:hana = New-MbUserToken hana@example.com -Name 'change user' -WarningAction SilentlyContinue
        New-MbUserToken hana@example.com -Name 'change stays' -ExpiresIn 60d | Out-Null
        1..2 | ForEach-Object { New-MbProjectToken "change $_" -WarningAction SilentlyContinue } | Out-Null
        Set-Content $people $hana.UserId
    }

    AfterAll {
        Pop-Location
        Get-MbProjectToken 'change *' | Remove-MbProjectToken -Force
        Get-MbUserToken $hana.UserId | Remove-MbUserToken -Force
    }

    It 'plans what the report finds, and changes nothing' {
        $run = Invoke-Example change/plan.ps1 "'$plan' -Finding NeverExpires -UserList '$people' $files"
        $run.ExitCode | Should -Be 0
        $rows = Import-Csv $plan
        $rows.Name | Should -Contain 'change 1'
        $rows.Name | Should -Contain 'change user'
        $rows.Name | Should -Not -Contain 'change stays'
        $run.Said | Should -Match (Get-FileHash $plan).Hash
        Get-MbProjectToken 'change *' | Should -HaveCount 2
        (Invoke-Example change/plan.ps1 "'$plan.none' -Finding TooManyForUser $files").ExitCode | Should -Be 1
        (Invoke-Example change/plan.ps1 "'$plan.none' $files" -Token $wrong -As Command).ExitCode | Should -Be 2
        Test-Path "$plan.none" | Should -BeFalse
    }

    It 'does nothing in a preview, of another file than the approved one, and of a damaged one' {
        # The approver leaves out what other tests issued.
        $left = Import-Csv $plan | Where-Object Name -Like 'change *'
        $left | Export-Csv $plan -NoTypeInformation -Encoding UTF8
        (Invoke-Example change/apply.ps1 "'$plan' -ResultPath '$done' -WhatIf").ExitCode | Should -Be 0
        (Invoke-Example change/apply.ps1 "'$plan' -Sha256 0000 -ResultPath '$done' -Confirm:`$false" -As Command).ExitCode | Should -Be 2
        Import-Csv $plan | ForEach-Object { $_.CreatedAt = '11/28/2026'; $_ } | Export-Csv "$plan.damaged" -NoTypeInformation
        $run = Invoke-Example change/apply.ps1 "'$plan.damaged' -ResultPath '$done' -Confirm:`$false"
        $run.ExitCode | Should -Be 2
        $run.Said | Should -Match 'damaged'
        Test-Path $done | Should -BeFalse
        Get-MbProjectToken 'change *' | Should -HaveCount 2
    }

    It 'does what was approved, and repeats nothing' {
        $hash = (Get-FileHash $plan).Hash
        $run = Invoke-Example change/apply.ps1 "'$plan' -Sha256 $hash -ResultPath '$done' -Confirm:`$false"
        $run.ExitCode | Should -Be 0
        $run.Said | Should -Match '3 tokens revoked, 0 were over already, 0 rows need a look'
        Get-MbProjectToken 'change *' | Should -BeNullOrEmpty
        (Get-MbUserToken $hana.UserId).Name | Should -Be 'change stays'
        Compare-Object (Import-Csv $plan) (Import-Csv $done) -Property Id | Should -BeNullOrEmpty
        (Invoke-Example change/apply.ps1 "'$plan' -Sha256 $hash -ResultPath '$done' -Confirm:`$false").Said | Should -Match '0 tokens revoked, 3 were over already'
    }

    It 'ends with 1 where a row is not done: here it is the token that the session runs on' {
        $own = Get-MbProjectToken -Id (Get-MbSession local).TokenId | Remove-MbProjectToken -AllowSelfLockout -WhatIf -PassThru
        $own | Export-Csv $plan -NoTypeInformation -Encoding UTF8
        (Invoke-Example change/apply.ps1 "'$plan' -ResultPath '$done' -Confirm:`$false").ExitCode | Should -Be 1
        (Import-Csv $done).Outcome | Should -Be 'Failed'
    }
}

Describe 'examples/incident.ps1' {
    BeforeEach {
        $script:logs = Join-Path $TestDrive ([Guid]::NewGuid())
        New-Item -ItemType Directory (Join-Path $logs 'deep') | Out-Null
        $script:page = Join-Path $logs 'incident.html'
        $script:project = New-MbProjectToken 'ci incident' -ExpiresIn 1d -AsPlainText
        $script:user = New-MbUserToken hana@example.com -Name incident -ExpiresIn 1d -AsPlainText
        Set-Content (Join-Path $logs 'app.log') "one`nAuthorization: Bearer $($project.Token)"
        Set-Content (Join-Path $logs 'deep/old.log') "$($user.Token) $($project.Token)"
    }

    AfterEach {
        Get-MbProjectToken 'ci incident' | Remove-MbProjectToken -Force
        Get-MbUserToken $user.UserId | Remove-MbUserToken -Force
    }

    It 'tells what it would do, and changes nothing, with -WhatIf' {
        $run = Invoke-Example incident.ps1 "'$logs' -ReportPath '$page' -WhatIf" -As Command
        $run.ExitCode | Should -Be 1
        $run.Said | Should -Match '3 places, 2 live tokens'
        (Get-MbProjectToken 'ci incident').Id | Should -Be $project.Id
        Test-Path $page | Should -BeFalse
    }

    It 'revokes what is live, and looks again' {
        $run = Invoke-Example incident.ps1 "'$logs' -ReportPath '$page' -Confirm:`$false"
        $run.ExitCode | Should -Be 0
        $run.Said | Should -Match '0 of 2 tokens are still live'
        Get-MbProjectToken 'ci incident' | Should -BeNullOrEmpty
        Get-MbUserToken $user.UserId | Should -BeNullOrEmpty
        Test-Path $page | Should -BeTrue
        (Invoke-Example incident.ps1 "'$logs' -ReportPath '$page' -Confirm:`$false").Said | Should -Match '3 places, 0 live tokens'
    }

    It 'leaves evidence of each token, and never overwrites it' {
        Invoke-Example incident.ps1 "'$logs' -ReportPath '$page' -Confirm:`$false" | Out-Null
        Invoke-Example incident.ps1 "'$logs' -ReportPath '$page' -Confirm:`$false" | Out-Null
        $files = @(Get-ChildItem $logs -Filter 'incident.evidence-*.csv' | Sort-Object Name)
        $files.Count | Should -Be 2
        $rows = Import-Csv $files[0].FullName | Sort-Object Kind
        $rows.Id | Should -Be $project.Id, $user.Id
        $rows.LiveBefore | Should -Be 'True', 'True'
        $rows.LiveAfter | Should -Be 'False', 'False'
        @($rows[0].Places -split '; ').Count | Should -Be 2
        Get-Content $files.FullName | Out-String | Should -Not -Match 'eyJ'
    }

    It 'ends with 2 where something was not searched' {
        [IO.File]::WriteAllBytes((Join-Path $logs 'old.zip'), [byte[]] (0x50, 0x4B, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
        $run = Invoke-Example incident.ps1 "'$logs' -ReportPath '$page' -Confirm:`$false"
        $run.ExitCode | Should -Be 2
        $run.Said | Should -Match '0 of 2 tokens are still live.*1 notes of what was not searched'
        Get-ChildItem $logs -Filter 'incident.evidence-*.csv' | Import-Csv | Where-Object Skipped | Should -Not -BeNullOrEmpty
    }

    It 'replaces first, where a store is given' {
        $run = Invoke-Example incident.ps1 "'$logs' -ReportPath '$page' -SaveTo $saveTo $journal -Confirm:`$false"
        $run.ExitCode | Should -Be 0
        $new = Get-MbProjectToken 'ci incident'
        $new.Id | Should -Not -Be $project.Id
        (ConvertFrom-MbToken (Get-Content "$store/ci incident")).Id | Should -Be $new.Id
    }

    It 'ends with 1 when the leaked one is its own' {
        Set-Content (Join-Path $logs 'own.log') ([Net.NetworkCredential]::new('', $sandbox.Token).Password)
        $run = Invoke-Example incident.ps1 "'$logs' -ReportPath '$page' -Confirm:`$false"
        $run.ExitCode | Should -Be 1
        $run.Said | Should -Match '1 of 3 tokens are still live'
        $run.Said | Should -Match 'own\.log'
    }

    It 'ends with 2 when it could not run, or not search everything' {
        (Invoke-Example incident.ps1 "'$logs' -ReportPath '$page' -Confirm:`$false" -Token $wrong).ExitCode | Should -Be 2
        (Invoke-Example incident.ps1 "'$logs', '$logs/gone' -ReportPath '$page' -Confirm:`$false").ExitCode | Should -Be 2
    }
}

Describe 'examples/scheduling' {
    BeforeAll { $script:folder = Join-Path $repository 'examples/scheduling' }

    It 'calls the script with parameters that it has: <_>' -ForEach 'magicbell-rotate.service', 'magicbell-rotate.task.xml', 'rotate-tokens.yml' {
        $text = Get-Content (Join-Path $folder $_) -Raw
        $line = ($text -split "`n" | Where-Object { $_ -match 'rotate-tokens\.ps1' } | Select-Object -Last 1) -replace '.*rotate-tokens\.ps1"?', ''
        $known = (Get-Command (Join-Path $repository 'examples/rotate-tokens.ps1')).Parameters.Keys
        $used = [regex]::Matches($line, '(?<=\s-)[A-Za-z]+') | ForEach-Object Value
        $used | Should -Not -BeNullOrEmpty
        $used | Where-Object { $_ -notin $known } | Should -BeNullOrEmpty
    }

    It 'has a task that is XML' {
        ([xml] (Get-Content (Join-Path $folder 'magicbell-rotate.task.xml') -Raw)).Task.Actions.Exec.Command | Should -Be 'pwsh.exe'
    }
}
