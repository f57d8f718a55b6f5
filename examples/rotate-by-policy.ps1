<#
.SYNOPSIS
    Rotates tokens by a policy: for a scheduler that runs it every hour.
.DESCRIPTION
    Connects with the token in a file, which is rotated like any other that the policy names and written back to it. Exit codes:
      0  all done, or nothing to do
      1  some failed: their old tokens are still in place, and the next run goes on
      2  could not start: no module, no vault, no token, no connection, a policy that cannot be used
.EXAMPLE
    pwsh -NoProfile -NonInteractive -File rotate-by-policy.ps1 -Policy policy.json -TokenFile /var/lib/magicbell/token
#>
[CmdletBinding()]
param(
    # The policy: examples/rotation-policy.json shows one, docs/rotation-policy.schema.json says what it may hold.
    [Parameter(Mandatory)] [string] $Policy,
    # A file that holds the token to connect with, readable and writable by this account only.
    [Parameter(Mandatory)] [string] $TokenFile,
    [string] $JournalPath,
    # The vault that keeps the journal, for machines that are new each time. Never let two runs go at once then.
    [string] $JournalVault,
    [uri] $BaseUri
)

$ErrorActionPreference = 'Stop'
$address = if ($BaseUri) { @{ BaseUri = $BaseUri } } else { @{} }
$journal = if ($JournalPath) { @{ JournalPath = $JournalPath } } elseif ($JournalVault) { @{ JournalVault = $JournalVault } } else { @{} }
try {
    if (-not (Get-Command Invoke-MbRotation -ErrorAction Ignore)) { Import-Module MagicBellJwt }
    Connect-MbProject -TokenFile $TokenFile @address
}
catch {
    [Console]::Error.WriteLine("could not start: $_")
    exit 2
}

$code = 0
try {
    Invoke-MbRotation -Policy $Policy @journal -ErrorAction Continue -ErrorVariable failures
    $code = [int]($failures.Count -gt 0)
}
catch {
    # What ends it before the first token: a policy, a vault or a journal that cannot be used, or another run that has the journal.
    $code = if ($_.FullyQualifiedErrorId -match '^Mb(InvalidRequest|RotationFailed|Conflict),') { 2 } else { 1 }
    [Console]::Error.WriteLine($(if ($code -eq 2) { "could not start: $_" } else { "failed: $_" }))
}
finally { Disconnect-MbProject }
exit $code
