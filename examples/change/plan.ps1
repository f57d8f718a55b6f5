<#
.SYNOPSIS
Writes a plan of the tokens that are to be revoked, for somebody else to approve. It changes nothing.

.DESCRIPTION
Judges the project's tokens, and those of a list of users, and plans to revoke each that has one of the findings. The token that the session itself
runs on is left out. The project's token is taken from the environment variable MAGICBELL_PROJECT_TOKEN, its address, where it is not the vendor's,
from MAGICBELL_BASE_URL.

The plan is a CSV file. Who approves it reads it, deletes the rows that are not to be done, changes nothing else, and signs it: see README.md.
Beside it the report is written that it was made from, to be compared with one of afterwards.

Exit codes: 0 the plan was written, 1 there is nothing to revoke and no plan was written, 2 it could not run, or a list could not be read.

.EXAMPLE
./plan.ps1 plan.csv -Finding Expired, NeverExpires -UserList users.txt
#>
param(
    [Parameter(Mandatory, Position = 0)]
    [string] $Path,

    # What is to be revoked.
    [ValidateSet('NeverExpires', 'ExpiresSoon', 'Expired', 'OlderThanPolicy', 'DuplicateName', 'TooManyForUser', 'LivesTooLong', 'NameOutsidePolicy')]
    [string[]] $Finding = 'Expired',

    # A text file with the id or the e-mail address of a user on each line.
    [string] $UserList,

    # What there was before.
    [string] $ReportPath = 'before.json',

    [string] $MaxAge = '90d'
)

$ErrorActionPreference = 'Stop'
try {
    $session = Connect-MbProject -PassThru
    $users = @(if ($UserList) { Get-Content -LiteralPath $UserList | Where-Object { $_.Trim() } })
    $rows = @($users | Get-MbTokenReport -MaxAge $MaxAge -Session $session)
    $rows | Export-MbTokenReport $ReportPath

    $meant = @($rows | Where-Object { $_.Id -ne $session.TokenId -and $_.Status -ne 'Discarded' -and @($_.Findings | Where-Object { $_ -in $Finding }).Count -gt 0 })
    $plan = @(
        $meant | Where-Object Kind -EQ 'Project' | Remove-MbProjectToken -WhatIf -PassThru
        $meant | Where-Object Kind -EQ 'User' | Remove-MbUserToken -WhatIf -PassThru
    )
    if ($plan) {
        $plan | Export-Csv -LiteralPath $Path -NoTypeInformation -Encoding UTF8
    }

    Disconnect-MbProject $session
}
catch {
    [Console]::Error.WriteLine("There is no plan: $_")
    exit 2
}

if (-not $plan) {
    'Nothing is to be revoked.'
    exit 1
}

"$($plan.Count) tokens are planned to be revoked: $Path, SHA-256 $((Get-FileHash -LiteralPath $Path).Hash)"
exit 0
