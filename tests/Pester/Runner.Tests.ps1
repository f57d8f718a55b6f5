# Red means red: the script that build.ps1 -Task Test runs these tests with says so in its exit code.
BeforeAll { . "$PSScriptRoot/../Shell.ps1" }

Describe 'The runner of these tests' -ForEach @(
    @{
        Cases = @(
            @{ What = 'a test that passes'; ExitCode = 0; Last = '1 passed, 0 failed'; Text = "Describe 'a' { It 'b' { 1 | Should -Be 1 } }" }
            @{ What = 'a test that fails'; ExitCode = 1; Last = '1 passed, 1 failed'; Text = "Describe 'a' { It 'b' { 1 | Should -Be 1 }; It 'c' { 1 | Should -Be 2 } }" }
            @{ What = 'a block that cannot begin'; ExitCode = 1; Last = '0 passed, * failed'; Text = "Describe 'a' { BeforeAll { throw 'broken' }; It 'b' { 1 | Should -Be 1 } }" }
            @{ What = 'a file that cannot be read'; ExitCode = 1; Last = '0 passed, 1 failed'; Text = "Describe 'a' { It 'b' {" }
            @{ What = 'a file without a test'; ExitCode = 1; Last = '0 passed, 0 failed'; Text = "Describe 'a' { }" }
        )
    }
) {
    BeforeAll {
        # One after another in one process: to import Pester takes most of the time.
        $files = foreach ($case in $Cases) {
            $file = Join-Path $TestDrive "$($case.What).Tests.ps1"
            Set-Content $file $case.Text
            "'$file'"
        }

        $script:ends = @{}
        $lines = @()
        $command = "foreach (`$file in $($files -join ', ')) { & '$PSScriptRoot/../Invoke-PesterTest.ps1' `$file; 'ended with ' + `$LASTEXITCODE }"
        foreach ($line in Invoke-Shell -Command $command 2>&1) {
            if ($line -like 'ended with *') {
                $ends[$Cases[$ends.Count].What] = @{ Last = $lines[-1]; ExitCode = $line.Substring('ended with '.Length) }
            }

            $lines += "$line"
        }
    }

    It 'ends with <ExitCode> for <What>' -ForEach $Cases {
        $ends[$What].ExitCode | Should -Be $ExitCode
        $ends[$What].Last | Should -BeLike $Last
    }

    It 'ends with 1 for a path that is not there, as a process' {
        $said = Invoke-Shell -File "$PSScriptRoot/../Invoke-PesterTest.ps1" (Join-Path $TestDrive 'nowhere') 2>&1
        $LASTEXITCODE | Should -Be 1
        $said | Select-Object -Last 1 | Should -Be '0 passed, 0 failed'
    }
}
