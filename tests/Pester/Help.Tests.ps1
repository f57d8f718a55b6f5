BeforeDiscovery {
    . "$PSScriptRoot/Example.ps1"
    $script:pages = Get-ChildItem "$PSScriptRoot/../../docs/en-US/*-*.md" | ForEach-Object {
        $number = 0
        @{ Name = $_.BaseName; Blocks = @(Get-CodeBlock $_.FullName | ForEach-Object { $number++; @{ Number = $number; Code = $_ } }) }
    }
}

BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    . "$PSScriptRoot/Example.ps1"
    $script:sandbox = Open-Sandbox '--no-rate-limit'
}

AfterAll { Close-Sandbox $sandbox }

Describe 'The help of <Name>' -ForEach $pages {
    It 'shows examples that Get-Help prints' {
        (Get-Help $Name -Examples | Out-String) -replace '\s' | Should -BeLike "*$([WildcardPattern]::Escape($Blocks[0].Code -replace '\s'))*"
        @((Get-Help $Name).examples.example).Count | Should -Be $Blocks.Count
    }

    It 'has an online page' {
        (Get-Command $Name).HelpUri | Should -Be "https://github.com/MagicBellJwt/MagicBellJwt/blob/main/docs/en-US/$Name.md"
    }

    It 'has an example <Number> that works as written' -ForEach $Blocks {
        $output = Invoke-Example $Code -Sandbox $sandbox -Folder (Join-Path $TestDrive ([Guid]::NewGuid()))

        # Only what asks for text gets text.
        if ($Code -notmatch '-AsPlainText') {
            $output | Out-String | Should -Not -Match 'eyJ'
        }
    }
}
