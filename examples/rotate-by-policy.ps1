<#
.SYNOPSIS
    Rotates tokens by a policy: for a scheduler that runs it every hour.
.DESCRIPTION
    Connects with the token in a file, which is rotated like any other that the policy names and written back to it. Exit codes:
      0  all done, or nothing to do
      1  some failed: their old tokens are still in place, and the next run goes on
      2  could not start: no module, no token, no connection
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
    [uri] $BaseUri
)

$ErrorActionPreference = 'Stop'
$address = if ($BaseUri) { @{ BaseUri = $BaseUri } } else { @{} }
$journal = if ($JournalPath) { @{ JournalPath = $JournalPath } } else { @{} }
try {
    if (-not (Get-Command Invoke-MbRotation -ErrorAction Ignore)) { Import-Module MagicBellJwt }
    Connect-MbProject -TokenFile $TokenFile @address
}
catch {
    [Console]::Error.WriteLine("could not start: $_")
    exit 2
}

try { Invoke-MbRotation -Policy $Policy @journal -ErrorAction Continue -ErrorVariable failures }
catch { $failures = @($_); [Console]::Error.WriteLine("failed: $_") }
finally { Disconnect-MbProject }
exit [int]($failures.Count -gt 0)
