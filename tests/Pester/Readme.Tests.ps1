BeforeDiscovery {
    . "$PSScriptRoot/Example.ps1"
    $number = 0
    $script:blocks = @(Get-CodeBlock "$PSScriptRoot/../../README.md" | ForEach-Object { $number++; @{ Number = $number; First = ($_ -split '\r?\n')[0]; Code = $_ } })
}

BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    . "$PSScriptRoot/Example.ps1"
    $script:sandbox = Open-Sandbox '--no-rate-limit'
    $script:readme = Get-Content (Join-Path $repository 'README.md') -Raw -Encoding UTF8

    # What differs from run to run stands for itself, and blank lines are as many as they are.
    function Get-Outline([string[]] $Line) {
        $text = ($Line | ForEach-Object { $_.TrimEnd() }) -join "`n"
        $text = $text -replace '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'ID' -replace 'usr_[0-9a-f]{32}', 'USER' -replace '\b[0-9a-f]{12}\b', 'FINGERPRINT'
        ($text -replace '\n{2,}', "`n").Trim()
    }
}

AfterAll { Close-Sandbox $sandbox }

Describe 'The README' {
    It 'shows a session with its real output' {
        $readme -match '(?ms)^```console\r?\n(.*?)\r?\n```' | Should -BeTrue
        $session = $Matches[1] -split '\r?\n'
        $commands = $session | Where-Object { $_ -like 'PS> *' } | ForEach-Object { $_.Substring(4) }
        $file = Join-Path $TestDrive 'session.ps1'
        Set-Content $file "Import-Module '$repository/out/MagicBellJwt'", ($commands | ForEach-Object { "'PS> $($_ -replace "'", "''")'"; "$_ | Out-Default" -replace '^(\$\w+ = .*|Connect\S+ .*) \| Out-Default$', '$1' }), "'PS>'"
        $plain = $env:NO_COLOR
        $env:NO_COLOR = '1'
        $said = Invoke-Shell -File $file
        $env:NO_COLOR = $plain
        Get-Outline $said | Should -Be (Get-Outline $session)
    }

    It 'has a block <Number> that works as written: <First>' -ForEach $blocks {
        Invoke-Example $Code -Sandbox $sandbox -Folder (Join-Path $TestDrive ([Guid]::NewGuid())) | Out-String | Should -Not -Match 'eyJ'
    }

    It 'has a row for each cmdlet, and a page behind it' {
        $rows = [regex]::Matches($readme, '(?m)^\| \[`(\S+)`\]\((\S+)\) \|') | ForEach-Object { @{ Name = $_.Groups[1].Value; Page = $_.Groups[2].Value } }
        $rows.Name | Sort-Object | Should -Be ((Get-Command -Module MagicBellJwt -CommandType Cmdlet).Name | Sort-Object)
        $rows | ForEach-Object { Join-Path $repository $_.Page | Should -Exist }
    }

    It 'has links that lead somewhere' {
        [regex]::Matches($readme, '\]\((?!https?:)([^)#]+)\)') | ForEach-Object { Join-Path $repository $_.Groups[1].Value | Should -Exist }
    }
}
