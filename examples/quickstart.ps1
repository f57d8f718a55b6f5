# The main job on the sandbox: connect, issue, list, preview, revoke, list again. Nothing leaves this process.
# Exit code 0 only if each step did what it says.
$ErrorActionPreference = 'Stop'

function Confirm-Step([string] $Step, [bool] $Done) {
    if (-not $Done) {
        [Console]::Error.WriteLine("failed: $Step")
        exit 1
    }

    "ok: $Step"
}

$session = Connect-MbProject -Sandbox -PassThru
Confirm-Step "connected to $($session.Name), token $($session.Fingerprint)" ($session.IsConnected)

$issued = New-MbUserToken -Email hana@example.com -Name laptop -ExpiresIn 30d
Confirm-Step "issued $($issued.Id), a $($issued.Token.GetType().Name), which ends $($issued.Expires)" ($issued.Token -is [securestring])

$listed = @(Get-MbUserToken -UserId $issued.UserId)
Confirm-Step "listed $($listed.Count) token of $($issued.UserId), $($listed[0].Status)" ($listed.Count -eq 1 -and $listed[0].Id -eq $issued.Id)

$listed | Remove-MbUserToken -WhatIf
$still = @(Get-MbUserToken -UserId $issued.UserId)
Confirm-Step 'the preview revoked nothing' ($still.Count -eq 1 -and $still[0].Status -eq 'Active')

$revocation = $listed | Remove-MbUserToken -Confirm:$false -PassThru
Confirm-Step "revoked $($revocation.Id): $($revocation.Outcome)" ($revocation.Outcome -eq 'Revoked')

$left = @(Get-MbUserToken -UserId $issued.UserId)
Confirm-Step 'the list is empty again' ($left.Count -eq 0)

Disconnect-MbProject
Confirm-Step 'disconnected' (-not $session.IsConnected)
