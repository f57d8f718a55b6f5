<#
.SYNOPSIS
    Rotates tokens by schedule: finishes what an earlier run left, then replaces each token that ends soon, or each that is named.
.DESCRIPTION
    Connects with the token in a file (-TokenFile), in the vault (-ConnectWith), or in the environment variable MAGICBELL_PROJECT_TOKEN.
    That very token is rotated only where its place is known, a file or the vault: its successor is put there. Else it is left out.
    An old token ends with the first run after its overlap: run this as often as the overlap is long.
    Give every run of a project the same -JournalPath or -JournalVault, or none. Exit codes for a scheduler:
      0  all rotated, or nothing to do
      1  some failed: their old tokens are still in place, and the next run goes on
      2  could not start: no module, no vault, no token, no connection
.EXAMPLE
    ./rotate-tokens.ps1 -Vault prod -Name ci, deploy -Overlap 2h
.EXAMPLE
    ./rotate-tokens.ps1 -Vault prod -EndingWithin 7d -TokenFile /var/lib/magicbell/token
.EXAMPLE
    ./rotate-tokens.ps1 -SaveTo { param($Issued) ./put.ps1 $Issued } -Name ci
.EXAMPLE
    pwsh -NoProfile -File ./rotate-tokens.ps1 -SaveTo ./put.ps1 -Name ci,deploy -Overlap 2h
#>
[CmdletBinding()]
param(
    # The tokens to rotate. Without it, those that end within -EndingWithin. `pwsh -File` passes one text: commas part the names.
    [string[]] $Name,
    [string] $EndingWithin = '7d',
    # Where the new tokens go: a vault of Microsoft.PowerShell.SecretManagement, or a script block that stores one and puts out what it reads back; the path of a script does it too.
    [string] $Vault,
    [string] $SecretName = '{Name}',
    [object] $SaveTo,
    # How long the old tokens stay, for those who read the store now and then.
    [string] $Overlap = '0s',
    # The secret of the vault that holds the token to connect with. A rotation of that token puts its successor there.
    [string] $ConnectWith,
    # A file that holds the token to connect with, readable and writable by this account only. A rotation of that token puts its successor there.
    [string] $TokenFile,
    [string] $JournalPath,
    # The vault that keeps the journal, for machines that are new each time. Never let two runs go at once then.
    [string] $JournalVault,
    [uri] $BaseUri
)

$ErrorActionPreference = 'Stop'
try {
    if (-not (Get-Command Update-MbProjectToken -ErrorAction Ignore)) { Import-Module MagicBellJwt }
    if (-not $Vault -and -not $SaveTo) { throw 'Say where the new tokens go: -Vault or -SaveTo.' }
    foreach ($place in $Vault, $JournalVault) {
        if ($place -and -not (Microsoft.PowerShell.SecretManagement\Get-SecretVault -Name $place)) { throw "There is no vault '$place' on this account." }
    }

    # `pwsh -File` passes text alone.
    if ($SaveTo -and $SaveTo -isnot [scriptblock]) {
        $put = Convert-Path -LiteralPath $SaveTo
        $SaveTo = { param($Issued) & $put $Issued }.GetNewClosure()
    }

    $until = if ($EndingWithin -match '^\s*\d+\s*[smhdwSHDW]\s*$') { $EndingWithin } else { [datetimeoffset]::UtcNow + [timespan] $EndingWithin }
    $connection = @{}
    if ($BaseUri) { $connection.BaseUri = $BaseUri }
    if ($ConnectWith) { $connection.Vault = $Vault; $connection.SecretName = $ConnectWith }
    elseif ($TokenFile) { $connection.TokenFile = $TokenFile }
    $session = Connect-MbProject @connection -PassThru
}
catch {
    [Console]::Error.WriteLine("could not start: $_")
    exit 2
}

$store = if ($Vault) { @{ Vault = $Vault; SecretName = $SecretName } } else { @{ SaveTo = $SaveTo } }
$common = @{ Session = $session; ErrorAction = 'Continue'; ErrorVariable = '+failures' }
if ($JournalPath) { $common.JournalPath = $JournalPath }
if ($JournalVault) { $common.JournalVault = $JournalVault }

$failures = @()
try {
    # What an earlier run left, and old tokens whose overlap is over.
    Update-MbProjectToken -Resume @common
    if ($Name) {
        Update-MbProjectToken -Name @($Name -split ',' -replace '^\s+|\s+$') @store -Overlap $Overlap @common
    }
    else {
        # The whole list first: the new tokens would come up in it.
        $ending = @(Get-MbProjectToken -ExpiresBefore $until -Session $session)
        $ending | Update-MbProjectToken @store -Overlap $Overlap @common
    }
}
catch {
    $failures += $_
    [Console]::Error.WriteLine("failed: $_")
}

Disconnect-MbProject -Session $session
exit [int]($failures.Count -gt 0)
