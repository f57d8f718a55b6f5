<#
.SYNOPSIS
Revokes exactly what an approved plan says, and writes for each of its rows what came of it.

.DESCRIPTION
The plan is the CSV file that plan.ps1 wrote and somebody approved. With -Sha256 it is done only where it is still the file that was approved. It
shows what it would revoke, asks once, unless -Confirm:$false is given, then revokes; with -WhatIf it only shows. A row that is not what the API lists
now is not done. A token that is gone already is AlreadyRevoked, so a run that was interrupted is simply run again. Nothing is done where a row of the
plan is not as plan.ps1 wrote it.

The project's token is taken from the environment variable MAGICBELL_PROJECT_TOKEN, its address, where it is not the vendor's, from
MAGICBELL_BASE_URL. The session has the name that the plan's project has.

Exit codes: 0 no token of the plan is live any more, or there was only a preview; 1 a row was refused or failed, or nobody can tell what came of it;
2 it could not run, and nothing was done or not everything was tried.

.EXAMPLE
./apply.ps1 plan.csv -Sha256 9F2C... -WhatIf
.EXAMPLE
./apply.ps1 plan.csv -Sha256 9F2C... -Reason CHG-4711 -Confirm:$false
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [Parameter(Mandatory, Position = 0)]
    [string] $Path,

    # The file's SHA-256 when it was approved, as Get-FileHash writes it.
    [string] $Sha256,

    # Why, for the history: the ticket's number.
    [string] $Reason,

    # What came of each row.
    [string] $ResultPath = 'done.csv'
)

$ErrorActionPreference = 'Stop'
$outcomes = @()
try {
    if ($Sha256 -and (Get-FileHash -LiteralPath $Path).Hash -ne $Sha256) {
        throw "'$Path' is not the file that was approved."
    }

    # A row goes to the command that it was planned with.
    $plan = @(Import-Csv -LiteralPath $Path -Encoding UTF8)
    $known = 'Remove-MbProjectToken', 'Remove-MbUserToken'
    if (-not $plan -or ($plan | Where-Object { $_.Command -notin $known })) {
        throw "'$Path' is no plan of revocations: each of its rows has a Command, $($known -join ' or ')."
    }

    $session = Connect-MbProject -Name $plan[0].Project -PassThru
    $why = if ($Reason) { @{ Reason = $Reason } } else { @{} }

    # Preview: an error that is about no row is about the whole plan.
    foreach ($command in $known) {
        $plan | Where-Object Command -EQ $command | & $command -Session $session -WhatIf -ErrorAction SilentlyContinue -ErrorVariable problems
        $problems | Where-Object { -not $_.TargetObject } | ForEach-Object { throw $_ }
        $problems | ForEach-Object { [Console]::Error.WriteLine("$_") }
    }

    if ($PSCmdlet.ShouldProcess("$($plan.Count) tokens of '$Path' in project '$($session.Name)'", 'Revoke')) {
        foreach ($command in $known) {
            $plan | Where-Object Command -EQ $command | & $command -Session $session -Confirm:$false -PassThru @why -ErrorAction Continue -OutVariable +outcomes | Out-Null
        }
    }

    Disconnect-MbProject $session
}
catch {
    [Console]::Error.WriteLine("The plan was not done to its end: $_")
    $failure = $_
}

# Also where it was interrupted: what was done is known, and a further run does the rest.
if ($outcomes) {
    $outcomes | Export-Csv -LiteralPath $ResultPath -NoTypeInformation -Encoding UTF8
}

if ($failure) {
    exit 2
}

$over = @($outcomes | Where-Object Outcome -In 'Revoked', 'AlreadyRevoked')
"$(@($over | Where-Object Outcome -EQ 'Revoked').Count) tokens revoked, $(@($over | Where-Object Outcome -EQ 'AlreadyRevoked').Count) were over already, $($outcomes.Count - $over.Count) rows need a look."
exit [int]($over.Count -ne $outcomes.Count)
