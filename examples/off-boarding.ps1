<#
.SYNOPSIS
Revokes every token of the users of a CSV file, after it has shown which.

.DESCRIPTION
The file has a column UserId with ids of users in MagicBell. The project's token is taken from the environment variable
MAGICBELL_PROJECT_TOKEN. What the users had is written to a report first; then it asks once, unless -Confirm:$false is given; then it
revokes, writes a Revocation a token, and looks whether anything is left. With -WhatIf it tells what it would revoke, and revokes nothing.

A token that was signed with the project's secret key, without the API, is in no list and cannot be revoked: it ends by itself.

Exit codes: 0 no live token is left, or there was only a preview; 1 some are left, or a user could not be read; 2 it could not run.

.EXAMPLE
./off-boarding.ps1 leavers.csv -WhatIf
.EXAMPLE
./off-boarding.ps1 leavers.csv -ReportPath leavers.html | Export-Csv revoked.csv
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [Parameter(Mandatory, Position = 0)]
    [string] $Path,

    # What the users had before: its extension says whether a page (.html), .csv or .json.
    [string] $ReportPath = 'off-boarding.html'
)

$ErrorActionPreference = 'Stop'
try {
    $session = Connect-MbProject -PassThru
    $leavers = @(Import-Csv -Path $Path | ForEach-Object { $_.UserId } | Where-Object { $_ })
    if ($leavers.Count -eq 0) {
        throw "'$Path' has no user in a column UserId."
    }

    # List: whoever has no token at all is not known to the API, which is an error that need not end the others' day.
    $rows = @($leavers | Get-MbTokenReport -Session $session -ErrorAction Continue -ErrorVariable unread |
        Where-Object { $_.Kind -eq 'User' -and $_.Status -ne 'Discarded' })
    $rows | Export-MbTokenReport -Path $ReportPath -Confirm:$false

    # Preview.
    $rows | Remove-MbUserToken -WhatIf
    if ($rows.Count -eq 0 -or -not $PSCmdlet.ShouldProcess("$($rows.Count) tokens of $($leavers.Count) users in project '$($session.Name)'", 'Revoke')) {
        exit [int]($unread.Count -gt 0)
    }

    # Revoke.
    $rows | Remove-MbUserToken -Confirm:$false -PassThru -ErrorAction Continue -ErrorVariable failed

    # Look again.
    $left = @($leavers | Get-MbUserToken -Session $session -ErrorAction SilentlyContinue | Where-Object { $_.Status -eq 'Active' })
    Disconnect-MbProject $session
}
catch {
    [Console]::Error.WriteLine("The off-boarding could not run: $_")
    exit 2
}

[Console]::Error.WriteLine("$($rows.Count - $failed.Count) of $($rows.Count) tokens revoked, $($left.Count) live ones left, $($unread.Count) users not read.")
exit [int]($left.Count -gt 0 -or $failed.Count -gt 0 -or $unread.Count -gt 0)
