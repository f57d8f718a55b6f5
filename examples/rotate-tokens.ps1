<#
.SYNOPSIS
    Rotates tokens by schedule: finishes what an earlier run left, then replaces each token that ends soon, or each that is named.
.DESCRIPTION
    Connects with the token in the environment variable MAGICBELL_PROJECT_TOKEN, in a file (-TokenFile), or in the vault (-ConnectWith).
    Give every run of a project the same -JournalPath, or none. Exit codes for a scheduler:
      0  all rotated, or nothing to do
      1  some failed: their old tokens are still in place, and the next run goes on
      2  could not start: no module, no token, no connection
.EXAMPLE
    ./rotate-tokens.ps1 -Vault prod -Name ci, deploy -Overlap 2h
.EXAMPLE
    ./rotate-tokens.ps1 -Vault prod -EndingWithin 7.00:00:00
.EXAMPLE
    ./rotate-tokens.ps1 -SaveTo { param($Issued) ./put.ps1 $Issued } -Name ci
#>
[CmdletBinding()]
param(
    # The tokens to rotate. Without it, those that end within -EndingWithin.
    [string[]] $Name,
    [timespan] $EndingWithin = '7.00:00:00',
    # Where the new tokens go: a vault of Microsoft.PowerShell.SecretManagement, or a script block that stores one and puts out what it reads back.
    [string] $Vault,
    [string] $SecretName = '{Name}',
    [scriptblock] $SaveTo,
    # How long the old tokens stay, for those who read the store now and then.
    [timespan] $Overlap = '0:00:00',
    # The secret that holds the token to connect with; it is rotated like any other when its name is given.
    [string] $ConnectWith,
    # A file that holds the token to connect with, readable by this account only.
    [string] $TokenFile,
    [string] $JournalPath,
    [uri] $BaseUri
)

$ErrorActionPreference = 'Stop'
try {
    if (-not (Get-Command Update-MbProjectToken -ErrorAction Ignore)) { Import-Module MagicBellJwt }
    if (-not $Vault -and -not $SaveTo) { throw 'Say where the new tokens go: -Vault or -SaveTo.' }

    $connection = @{}
    if ($BaseUri) { $connection.BaseUri = $BaseUri }
    if ($ConnectWith) { $connection.ProjectToken = Microsoft.PowerShell.SecretManagement\Get-Secret -Name $ConnectWith -Vault $Vault }
    elseif ($TokenFile) { $connection.ProjectToken = [Net.NetworkCredential]::new('', [IO.File]::ReadAllText($TokenFile).Trim()).SecurePassword }
    $session = Connect-MbProject @connection -PassThru
}
catch {
    [Console]::Error.WriteLine("could not start: $_")
    exit 2
}

$store = if ($Vault) { @{ Vault = $Vault; SecretName = $SecretName } } else { @{ SaveTo = $SaveTo } }
$common = @{ Session = $session; ErrorAction = 'Continue'; ErrorVariable = '+failures' }
if ($JournalPath) { $common.JournalPath = $JournalPath }

$failures = @()
try {
    # What an earlier run left, and old tokens whose overlap is over.
    Update-MbProjectToken -Resume @common
    if ($Name) {
        Update-MbProjectToken -Name $Name @store -Overlap $Overlap @common
    }
    else {
        # The whole list first: the new tokens would come up in it.
        $ending = @(Get-MbProjectToken -ExpiresBefore ([datetimeoffset]::UtcNow + $EndingWithin) -Session $session)
        $ending | Update-MbProjectToken @store -Overlap $Overlap @common
    }
}
catch {
    $failures += $_
    [Console]::Error.WriteLine("failed: $_")
}

Disconnect-MbProject -Session $session
exit [int]($failures.Count -gt 0)
