<#
.SYNOPSIS
Judges the project's tokens, and those of a list of users, and writes the report: for a scheduler.

.DESCRIPTION
The project's token is taken from the environment variable MAGICBELL_PROJECT_TOKEN, its address, where it is not the vendor's, from
MAGICBELL_BASE_URL. Start it with -NonInteractive, so that nothing ever waits for an answer. It changes nothing in the project.

With -Baseline it says what changed since the audit before, and keeps this one for the next. With -Checkpoint an audit that was interrupted, or
could not read a list, goes on where it stood.

Exit codes: 0 nothing to mend, 1 there are findings, 2 the audit could not run, or a list could not be read.

.EXAMPLE
pwsh -NonInteractive -File weekly-audit.ps1 -Path /srv/reports/tokens.html -UserList users.txt -Severity Medium
#>
param(
    # The report: its extension says whether a page (.html), .csv or .json.
    [string] $Path = 'token-report.html',

    # A text file with the id of a user in MagicBell on each line.
    [string] $UserList,

    # Every user of the project, instead of a list.
    [switch] $AllUsers,

    # A JSON file: the audit before, with which this one is compared and which it then replaces. The first run only writes it.
    [string] $Baseline,

    # A file in which an audit that was interrupted goes on.
    [string] $Checkpoint,

    # The least severity that counts as a finding: Low, Medium or High.
    [ValidateSet('Low', 'Medium', 'High')]
    [string] $Severity = 'Low',

    [string] $ExpiringWithin = '30d',
    [string] $MaxAge = '90d',
    [int] $MaxPerUser = 5
)

$ErrorActionPreference = 'Stop'
try {
    $session = Connect-MbProject -PassThru
    $users = @(if ($UserList) { [IO.File]::ReadAllLines($ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($UserList)) | Where-Object { $_.Trim() } })

    # One user whose list cannot be read does not keep the others from being judged.
    $policy = @{ ExpiringWithin = $ExpiringWithin; MaxAge = $MaxAge; MaxPerUser = $MaxPerUser; Session = $session; ErrorAction = 'Continue'; ErrorVariable = 'unread' }
    if ($Checkpoint) {
        $policy.Checkpoint = $Checkpoint
    }

    $rows = @(if ($AllUsers) { Get-MbTokenReport -AllUsers @policy } else { $users | Get-MbTokenReport @policy })
    $rows | Export-MbTokenReport -Path $Path
    if ($Baseline) {
        $changes = @(if (Test-Path -LiteralPath $Baseline) { $rows | Compare-MbTokenReport $Baseline })

        # One that is not complete would show as gone next time what it has not read.
        if (-not $unread) {
            $rows | Export-MbTokenReport -Path $Baseline
        }
    }

    Disconnect-MbProject $session
}
catch {
    [Console]::Error.WriteLine("The audit could not run: $_")
    exit 2
}

$found = @($rows | Where-Object { $_.Severity -ge $Severity })
"$($rows.Count) tokens, $($found.Count) of severity $Severity or more: $Path"
foreach ($change in $changes) {
    "$($change.Change): $($change.Kind) token $($change.Id), $($change.NewFindings -join ', ')"
}

if ($unread) {
    [Console]::Error.WriteLine("The audit is not complete: $($unread.Count) lists could not be read.")
    exit 2
}

exit [int]($found.Count -gt 0)
