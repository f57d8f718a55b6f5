#Requires -Version 5.1
# Runs Pester tests in this process, which should be one of its own: a binary module cannot be loaded again after the next build.
# Closes with "N passed, N failed", and ends with 0 only where something ran and nothing failed.
param(
    [Parameter(Mandatory)] [string[]] $Path,

    # The module's name or path; by its name, the first that PSModulePath leads to.
    [string] $Pester = 'Pester'
)

$ErrorActionPreference = 'Stop'
Import-Module $Pester -MinimumVersion 5.7
$result = Invoke-Pester -Path $Path -PassThru

# A file or block that could not run has no failed test, and is a failure all the same.
$failed = [int] ($result.FailedCount + $result.FailedBlocksCount + $result.FailedContainersCount)
'{0} passed, {1} failed' -f [int] $result.PassedCount, $failed
exit [int]($failed -gt 0 -or -not $result.PassedCount)
