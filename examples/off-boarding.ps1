<#
.SYNOPSIS
Revokes every token of the people of a CSV file, after it has shown which, and says of each line what came of it.

.DESCRIPTION
The file is the list of leavers as a personnel system writes it: a line a person, with a column Email (or Mail, E-mail,
UserPrincipalName), ExternalId (external_id) or UserId (user_id). The project's token is taken from the environment variable
MAGICBELL_PROJECT_TOKEN. Who has an address is asked of the API; where two users may be meant, neither is touched. What the people
had is written to a report first; then it asks once, unless -Confirm:$false is given; then it revokes, and looks whether anything is
left. With -WhatIf it tells what it would revoke, and revokes nothing.

A row is written for each line of the file: Line, Person, UserId, Outcome, Revoked, Left, Why. Outcome is one of Done, NoToken,
Preview, Duplicate (an earlier line is the same user), NotFound, Ambiguous, Invalid, NotRead and Left (tokens may still be live).

A token that was signed with the project's secret key, without the API, is in no list and cannot be revoked: it ends by itself.

Exit codes: 0 nobody of the file has a live token, or there was only a preview; 1 some have, or somebody was not found or not read;
2 it could not run.

.EXAMPLE
./off-boarding.ps1 leavers.csv -WhatIf
.EXAMPLE
./off-boarding.ps1 leavers.csv -ReportPath leavers.html | Export-Csv outcome.csv
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [Parameter(Mandatory, Position = 0)]
    [string] $Path,

    # What the people had before: its extension says whether a page (.html), .csv or .json. A file that is there stays: it is evidence.
    [string] $ReportPath = 'off-boarding.html'
)

$ErrorActionPreference = 'Stop'

# What the first of these columns that is filled says; nothing where none is.
function Get-Cell($Row, [string[]] $Column) {
    $Column | ForEach-Object { $Row.PSObject.Properties[$_] } | ForEach-Object { "$($_.Value)".Trim() } | Where-Object { $_ } | Select-Object -First 1
}

# Gives a line its outcome.
function Add-Outcome($Line, [string] $Outcome, [string] $Why) {
    $Line.Outcome = $Outcome
    $Line.Why = $Why
}

# Ids and addresses as keys: ids are the same to the letter, addresses whatever the case of theirs.
function Get-EmptyIndex([StringComparer] $Comparer = [StringComparer]::Ordinal) {
    , [Collections.Generic.Dictionary[string, object]]::new($Comparer)
}

# How many of these each user has.
function Get-CountByUser($Token) {
    $counts = Get-EmptyIndex
    foreach ($item in $Token) { $counts[$item.UserId] = 1 + $counts[$item.UserId] }
    , $counts
}

# Errors by what they are about.
function Get-ErrorByTarget($Failure) {
    $failures = Get-EmptyIndex
    foreach ($item in $Failure) { $failures["$($item.TargetObject)"] = $item }
    , $failures
}

$told = @()
$isEnded = $false

# A revocation that failed, or whose answer was lost, is a row too.
function Get-Revoked { $told | Where-Object Outcome -In 'Revoked', 'AlreadyRevoked' }
try {
    $columns = @{ UserId = 'UserId', 'user_id'; Email = 'Email', 'Mail', 'E-mail', 'UserPrincipalName'; ExternalId = 'ExternalId', 'external_id' }
    $rows = @(Import-Csv -Path $Path -Encoding UTF8)
    $known = $rows | Select-Object -First 1 | ForEach-Object { $_.PSObject.Properties.Name } | Where-Object { $_ -in ($columns.Values | ForEach-Object { $_ }) }
    if (-not $known) {
        throw "'$Path' has nobody in a column Email, ExternalId or UserId."
    }

    $session = Connect-MbProject -PassThru
    $lines = @(for ($index = 0; $index -lt $rows.Count; $index++) {
            $userId = Get-Cell $rows[$index] $columns.UserId
            $email = Get-Cell $rows[$index] $columns.Email
            if (-not $email -and $userId -like '*@*') {
                $email, $userId = $userId, $null
            }

            $externalId = Get-Cell $rows[$index] $columns.ExternalId
            $person = if ($email -or $externalId) { @($email, $externalId | Where-Object { $_ }) -join ', ' } else { $userId }
            [pscustomobject]@{ Line = $index + 2; Person = $person; UserId = $userId; Email = $email; ExternalId = $externalId; Outcome = ''; Revoked = 0; Left = 0; Why = '' }
        })

    # Who they are. All are asked about at once, so that it takes as few requests as may be.
    $found = @($lines | Where-Object { $_.Person -and -not $_.UserId } | Select-Object Email, ExternalId |
        Get-MbUser -Session $session -ErrorAction SilentlyContinue -ErrorVariable problems)
    $notFound = Get-ErrorByTarget $problems
    $byEmail = Get-EmptyIndex ([StringComparer]::OrdinalIgnoreCase)
    $byExternalId = Get-EmptyIndex
    foreach ($user in $found) {
        if ($user.Email) { $byEmail[$user.Email] = $user.UserId }
        if ($user.ExternalId) { $byExternalId[$user.ExternalId] = $user.UserId }
    }

    $firstLines = Get-EmptyIndex
    foreach ($line in $lines) {
        if (-not $line.Person) {
            Add-Outcome -Line $line -Outcome 'Invalid' -Why 'The line does not say who it is.'
        }
        elseif (-not $line.UserId -and $notFound.ContainsKey($line.Person)) {
            $failure = $notFound[$line.Person]
            $outcome = switch -Wildcard ($failure.FullyQualifiedErrorId) { 'MbUserNotFound*' { 'NotFound' } 'MbConflict*' { 'Ambiguous' } 'MbInvalidRequest*' { 'Invalid' } default { 'NotRead' } }
            Add-Outcome -Line $line -Outcome $outcome -Why $failure.Exception.Message
        }
        else {
            if (-not $line.UserId) {
                $line.UserId = if ($line.Email) { $byEmail[$line.Email] } else { $byExternalId[$line.ExternalId] }
            }

            if ($firstLines.ContainsKey($line.UserId)) {
                Add-Outcome -Line $line -Outcome 'Duplicate' -Why "Line $($firstLines[$line.UserId]) is the same user."
            }
            else {
                $firstLines[$line.UserId] = $line.Line
            }
        }
    }

    # List: whoever cannot be read need not end the others' day.
    $people = @($lines | Where-Object { -not $_.Outcome })
    $tokens = @($people | ForEach-Object { $_.UserId } | Get-MbTokenReport -Session $session -ErrorAction SilentlyContinue -ErrorVariable problems |
        Where-Object { $_.Kind -eq 'User' -and $_.Status -ne 'Discarded' })
    $notRead = Get-ErrorByTarget $problems
    if (Test-Path -LiteralPath $ReportPath) {
        $ReportPath = [IO.Path]::ChangeExtension($ReportPath, [DateTime]::UtcNow.ToString('yyyyMMddTHHmmssfffZ') + [IO.Path]::GetExtension($ReportPath))
        [Console]::Error.WriteLine("What the people have is written to '$ReportPath': there is an earlier report, and it stays.")
    }

    $tokens | Export-MbTokenReport -Path $ReportPath -NoClobber -Confirm:$false

    # Preview.
    $tokens | Remove-MbUserToken -WhatIf
    $isAgreed = $tokens.Count -gt 0 -and $PSCmdlet.ShouldProcess("$($tokens.Count) tokens of $($people.Count) people in project '$($session.Name)'", 'Revoke')

    # Revoke, and look again: what the lists show then is what is told.
    $left = @()
    $problems = @()
    if ($isAgreed) {
        $tokens | Remove-MbUserToken -Confirm:$false -PassThru -ErrorAction Continue -OutVariable told | Out-Null
        $left = @($tokens | ForEach-Object { $_.UserId } | Select-Object -Unique | Get-MbUserToken -Session $session -ErrorAction SilentlyContinue -ErrorVariable problems |
            Where-Object { $_.Status -eq 'Active' })
    }

    $notSeen = Get-ErrorByTarget $problems
    $had = Get-CountByUser $tokens
    $ended = Get-CountByUser @(Get-Revoked)
    $live = Get-CountByUser $left
    foreach ($line in $people) {
        $line.Revoked = [int] $ended[$line.UserId]
        $line.Left = [int] $(if ($isAgreed) { $live[$line.UserId] } else { $had[$line.UserId] })
        if ($notRead.ContainsKey($line.UserId)) { Add-Outcome -Line $line -Outcome 'NotRead' -Why $notRead[$line.UserId].Exception.Message }
        elseif (-not $had[$line.UserId]) { Add-Outcome -Line $line -Outcome 'NoToken' }
        elseif (-not $isAgreed) { Add-Outcome -Line $line -Outcome 'Preview' -Why "$($line.Left) tokens would be revoked." }
        elseif ($notSeen.ContainsKey($line.UserId)) { Add-Outcome -Line $line -Outcome 'Left' -Why "It could not be seen what is left: $($notSeen[$line.UserId].Exception.Message)" }
        elseif ($line.Left) { Add-Outcome -Line $line -Outcome 'Left' -Why "$($line.Left) tokens are live." }
        else { Add-Outcome -Line $line -Outcome 'Done' }
    }

    Disconnect-MbProject $session
    $isEnded = $true
}
catch {
    $isEnded = $true
    [Console]::Error.WriteLine("The off-boarding could not run to its end, and $(@(Get-Revoked).Count) tokens had been revoked: $_")
    exit 2
}
finally {
    # Ctrl+C: no row is written any more, and the history has each revocation.
    if (-not $isEnded) {
        [Console]::Error.WriteLine("The off-boarding was stopped, and $(@(Get-Revoked).Count) tokens are known to be revoked. Run it again with the same file: what is revoked stays revoked, and the rest is done.")
    }
}

$lines | Select-Object Line, Person, UserId, Outcome, Revoked, Left, Why
$open = @($lines | Where-Object { $_.Outcome -notin 'Done', 'NoToken', 'Duplicate', 'Preview' })
[Console]::Error.WriteLine("$(@(Get-Revoked).Count) of $($tokens.Count) tokens revoked, $($left.Count) live ones left, $($open.Count) of $($lines.Count) lines need a look.")
exit [int]($open.Count -gt 0)
