# Runs the examples of the documentation as a reader would: each in a runspace of its own, connected to the sandbox server, in a folder with
# the files that examples name. Stand-ins take the place of other products only: a vault, the Gallery, and the person at Read-Host. Dot-sourced.

# The blocks of a markdown file that are marked as PowerShell.
function Get-CodeBlock([string] $Path) {
    [regex]::Matches((Get-Content $Path -Raw -Encoding UTF8), '(?ms)^```powershell\r?\n(.*?)\r?\n```') | ForEach-Object { $_.Groups[1].Value }
}

# What is there before an example begins.
$script:preparation = {
    param($Module, $Folder, $Code)
    $ErrorActionPreference = 'Stop'
    $ProgressPreference = 'SilentlyContinue'
    $env:PSModulePath = (Split-Path $Module) + [IO.Path]::PathSeparator + $env:PSModulePath
    Import-Module $Module
    Set-Location $Folder

    # Says yes where a command asks, and keeps journals in the folder, but for one that the example keeps in a vault.
    $ConfirmPreference = 'None'
    $PSDefaultParameterValues = if ($Code -match '-JournalVault') { @{} } else { @{ '*-Mb*Rotation:JournalPath' = (Join-Path $Folder 'rotations.jsonl'); 'Update-Mb*Token:JournalPath' = Join-Path $Folder 'rotations.jsonl' } }

    $vault = New-Module -Name Microsoft.PowerShell.SecretManagement -ArgumentList $env:MAGICBELL_PROJECT_TOKEN {
        param($ProjectToken)
        $script:secrets = @{}
        foreach ($name in 'magicbell-prod', 'magicbell-test', 'magicbell-secret') {
            $secrets[$name] = [Net.NetworkCredential]::new('', $ProjectToken).SecurePassword
        }

        function Get-SecretVault($Name) { [pscustomobject]@{ Name = $Name } }
        function Get-SecretInfo($Name, $Vault) { if ($secrets.ContainsKey($Name)) { [pscustomobject]@{ Name = $Name; VaultName = $Vault } } }
        Set-Item function:Set-SecretInfo { param($Name, $Vault, $Metadata) $null = $Name, $Vault, $Metadata }
        function Get-Secret([Parameter(Position = 0)] $Name, $Vault) {
            if (-not $secrets.ContainsKey($Name)) { throw "The secret $Name was not found in $Vault." }
            $secrets[$Name]
        }

        Set-Item function:Set-Secret { param([Parameter(Position = 0)] $Name, [Parameter(ValueFromPipeline)] $Secret, $Vault) process { $null = $Vault; $secrets[$Name] = $Secret } }
    }
    Import-Module $vault
    Set-Item function:Install-PSResource { }
    Set-Item function:Read-Host { [Net.NetworkCredential]::new('', 'the secret key of a project').SecurePassword }

    Connect-MbProject -Name local
    Get-MbProjectToken | Where-Object Id -NE (Get-MbSession).TokenId | Remove-MbProjectToken -Force
    Get-MbUserToken (New-MbUserToken hana@example.com).UserId | Remove-MbUserToken -Force

    # Several projects, where an example reads several.
    if ($Code -match 'prod\*') {
        Connect-MbProject -Name prod-east
        Connect-MbProject -Name prod-west
        Select-MbSession local
    }

    New-MbProjectToken 'ci main' -ExpiresIn 90d | Out-Null
    New-MbProjectToken 'ci nightly' -ExpiresIn 10d | Out-Null
    New-MbProjectToken 'deploy' | Out-Null
    Set-Content users.txt 'usr_1', 'usr_2'
    Set-Content leavers.csv 'UserId', 'usr_2'
    Set-Content projects.csv 'Name,BaseUri,TokenVariable', "prod,$env:MAGICBELL_BASE_URL,MAGICBELL_PROJECT_TOKEN"
    Set-Content people.csv 'Email,Name', 'hana@example.com,Hana'
    Set-Content users.csv 'Email,ExternalId,Name', 'hana@example.com,41,laptop', ',42,', 'omar@example.com,43,phone'
    Set-Content policy.json '{ "rotate": [ { "name": "ci *", "endingWithin": "14d", "vault": "prod" } ] }'
    New-Item logs -ItemType Directory | Out-Null
    Set-Content logs/app.log "10:31 token=$((New-MbProjectToken 'leaked' -AsPlainText).Token)"
    Set-Content received.txt (New-MbUserToken -ExternalId 42 -ApiKey pk_test -SecretKey (Get-Secret magicbell-secret) -AsPlainText).Token
    $ErrorActionPreference = 'Continue'
}

# Runs a block; any error, even one that did not end it, is thrown. Gives what it wrote, as text too.
function Invoke-Example([string] $Code, $Sandbox, [string] $Folder) {
    New-Item $Folder -ItemType Directory | Out-Null
    foreach ($user in 'usr_1', 'usr_2') {
        Add-SandboxToken $Sandbox -UserId $user -Count 2
    }

    $path = $env:PSModulePath
    $env:MAGICBELL_PROJECT_TOKEN = [Net.NetworkCredential]::new('', $Sandbox.Token).Password
    $env:MAGICBELL_BASE_URL = $Sandbox.Address
    $shell = [powershell]::Create()
    try {
        $shell.AddScript($preparation.ToString()).AddArgument((Join-Path $repository 'out/MagicBellJwt')).AddArgument($Folder).AddArgument($Code).Invoke() | Out-Null
        $shell.Commands.Clear()
        $output = $shell.AddScript($Code).Invoke()
        if ($shell.HadErrors) {
            throw "The example wrote an error: $($shell.Streams.Error | Out-String)"
        }

        $output
    }
    finally {
        $shell.Runspace.Dispose()
        $shell.Dispose()
        $env:PSModulePath = $path
        Remove-Item Env:MAGICBELL_PROJECT_TOKEN, Env:MAGICBELL_BASE_URL
        Remove-Item Env:MAGICBELL_USER_TOKEN -ErrorAction Ignore
    }
}
