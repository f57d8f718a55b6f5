<#
.SYNOPSIS
A token has leaked: finds it in logs, confirms that it is live, replaces it where a store is given, revokes it, and writes the audit.

.DESCRIPTION
The project's token is taken from the environment variable MAGICBELL_PROJECT_TOKEN; take one that has not leaked. No value of a token
is shown or kept. It asks once before it changes anything, unless -Confirm:$false is given. With -WhatIf it reads the lists, tries what
it found, tells what it would do, and changes nothing.

Each token that names this very project is tried by one read with it, at the project's own address. Only what the API takes and lists is
revoked: a line in a log can be forged, and name the id of any token.

A leaked token that nobody has stored a successor of is revoked all the same: whoever uses it stands still until it has another one.

A live token that is in no list was signed with the project's secret key, and cannot be revoked: change the key.

The evidence is a file of its own for each run, beside the audit (incident.evidence-TIME.csv): a row for each token that was found, with its id,
fingerprint and places, whether it was live before and after, and a row for what was not searched.

Exit codes: 0 nothing that was found is known to be live any more; 1 some is; 2 it could not run, or not everything could be searched or audited.
Tokens that could not be tried are named on the error stream.

.EXAMPLE
./incident.ps1 /var/log/app -WhatIf
.EXAMPLE
./incident.ps1 /var/log/app, ./dump.sql -Vault prod
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    # Files and folders to search, with all that is in them.
    [Parameter(Mandatory, Position = 0)]
    [string[]] $Path,

    # Where successors of leaked project tokens go: a vault of Microsoft.PowerShell.SecretManagement, or a script block that stores one
    # and puts out what it reads back. Tokens of users are revoked only: whoever signs a user in issues another.
    [string] $Vault,
    [scriptblock] $SaveTo,
    [string] $JournalPath,

    # The project's public key (pk_...): tokens that were signed with the secret key name their project by it.
    [string] $ApiKey,

    # The audit afterwards: its extension says whether a page (.html), .csv or .json.
    [string] $ReportPath = 'incident.html'
)

$ErrorActionPreference = 'Stop'
try {
    # A vault that is not there would leave every leaked token without a successor.
    if ($Vault -and -not (Microsoft.PowerShell.SecretManagement\Get-SecretVault -Name $Vault)) { throw "There is no vault '$Vault' on this account." }
    $session = Connect-MbProject -PassThru

    # Find, and prove by a read with each token, which changes nothing.
    $look = @{ TestLive = $true; Session = $session; WhatIf = $false; Confirm = $false; ErrorAction = 'Continue'; ErrorVariable = '+unread'; WarningVariable = '+warned' }
    if ($ApiKey) { $look.ApiKey = $ApiKey }
    $unread = @()
    $warned = @()
    $places = @(Find-MbLeakedToken -Path $Path -Recurse @look)
    $places
    $live = @{}
    $places | Where-Object { $_.Live } | ForEach-Object { $live[$_.Fingerprint] = $_ }
    $unproved = @($places | Where-Object { $null -eq $_.Live } | Sort-Object Fingerprint -Unique)
    $unproved | ForEach-Object { [Console]::Error.WriteLine("not tried: $_, fingerprint $($_.Fingerprint): $(if ($_.NotTested) { "it $($_.NotTested)" } else { 'no answer told' })") }
    [Console]::Error.WriteLine("$($places.Count) places, $($live.Count) live tokens, $($unproved.Count) of which it is not known.")

    $ofProject = @($live.Values | Where-Object { $_.Kind -eq 'Project' -and $_.Id })
    $ofUsers = @($live.Values | Where-Object { $_.Kind -eq 'User' -and $_.Id })
    if ($ofProject.Count + $ofUsers.Count -gt 0 -and
        $PSCmdlet.ShouldProcess("$($ofProject.Count) project and $($ofUsers.Count) user tokens that have leaked from '$($session.Name)'", 'Replace or revoke')) {
        # Replace: the successor is stored before the leaked one ends.
        $store = if ($Vault) { @{ Vault = $Vault } } elseif ($SaveTo) { @{ SaveTo = $SaveTo } }
        if ($store) {
            if ($JournalPath) { $store.JournalPath = $JournalPath }
            $ofProject | Update-MbProjectToken @store -Confirm:$false -ErrorAction Continue
        }

        # Revoke: also what could not be replaced. Leaked is worse than down.
        $ofProject | Remove-MbProjectToken -Force -PassThru -ErrorAction Continue
        $ofUsers | Remove-MbUserToken -Force -PassThru -ErrorAction Continue
    }

    # Look again, where something live was, and audit.
    $left = @{}
    $after = @{}
    $files = @($live.Values | ForEach-Object { $_.Path } | Sort-Object -Unique)
    if ($files) {
        Find-MbLeakedToken -LiteralPath $files @look | ForEach-Object {
            $after[$_.Fingerprint] = $_.Live
            if ($_.Live) { $left[$_.Fingerprint] = $_ }
        }
    }

    # What was not searched may hold a live token.
    $skipped = @($warned | ForEach-Object { "$_" } | Where-Object { $_ -match '^(Not all of|Left out:)' } | Sort-Object -Unique)
    $evidence = @(
        $places | Group-Object Fingerprint | ForEach-Object {
            $token = $_.Group[0]
            [pscustomobject]@{
                Fingerprint = $token.Fingerprint
                Kind        = $token.Kind
                Id          = $token.Id
                UserId      = $token.UserId
                LiveBefore  = $token.Live
                LiveAfter   = if ($after.ContainsKey($token.Fingerprint)) { $after[$token.Fingerprint] } elseif ($token.Live) { $null } else { $token.Live }
                Places      = @($_.Group | ForEach-Object { "$($_.Path):$($_.Line)" }) -join '; '
                Skipped     = $null
            }
        }
        $skipped | ForEach-Object { [pscustomobject]@{ Fingerprint = $null; Kind = $null; Id = $null; UserId = $null; LiveBefore = $null; LiveAfter = $null; Places = $null; Skipped = $_ } }
    )
    if ($evidence) {
        $evidence | Export-Csv -LiteralPath ([IO.Path]::ChangeExtension($ReportPath, ".evidence-$([DateTime]::UtcNow.ToString('yyyyMMddTHHmmssfffZ')).csv")) -NoTypeInformation -Encoding UTF8 -NoClobber
    }

    $ofUsers | ForEach-Object { $_.UserId } |
        Get-MbTokenReport -Session $session -ErrorAction Continue -ErrorVariable +unread |
        Export-MbTokenReport -Path $ReportPath -Confirm:$false
    Disconnect-MbProject $session
}
catch {
    [Console]::Error.WriteLine("The incident is not dealt with: $_")
    exit 2
}

$left.Values | ForEach-Object { [Console]::Error.WriteLine("still live: $_, fingerprint $($_.Fingerprint), id $($_.Id)") }
[Console]::Error.WriteLine("$($left.Count) of $($live.Count) tokens are still live, $($unread.Count) files or lists could not be read, $($skipped.Count) notes of what was not searched.")
if ($left.Count -gt 0) {
    exit 1
}

exit 2 * [int]($unread.Count + $skipped.Count -gt 0)
