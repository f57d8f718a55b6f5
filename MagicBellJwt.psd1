@{
    RootModule           = 'MagicBellJwt.dll'
    ModuleVersion        = '0.1.0'
    GUID                 = '7109b5f7-da45-41ba-8ece-78ecbf20797c'
    Author               = 'The MagicBellJwt authors'
    CompanyName          = 'The MagicBellJwt authors'
    Copyright            = 'Copyright (c) The MagicBellJwt authors. MIT licence.'
    Description          = 'Administers the JWTs of a MagicBell project: list, issue and revoke project and user tokens without leaking one, losing one, minting one twice or revoking the wrong one.'

    PowerShellVersion    = '5.1'
    DotNetFrameworkVersion = '4.7.2'
    CompatiblePSEditions = @('Desktop', 'Core')

    # Loaded before the types, which name a class of it.
    RequiredAssemblies   = @('MagicBellJwt.dll')
    TypesToProcess       = @('MagicBellJwt.Types.ps1xml')
    FormatsToProcess     = @('MagicBellJwt.Format.ps1xml')

    FunctionsToExport    = @()
    VariablesToExport    = @()
    CmdletsToExport      = @(
        'Compare-MbTokenReport'
        'Connect-MbProject'
        'ConvertFrom-MbToken'
        'Disconnect-MbProject'
        'Export-MbTokenReport'
        'Find-MbLeakedToken'
        'Get-MbProjectToken'
        'Get-MbRotation'
        'Get-MbSession'
        'Get-MbTokenHistory'
        'Get-MbTokenReport'
        'Get-MbUser'
        'Get-MbUserToken'
        'Invoke-MbRotation'
        'New-MbProjectToken'
        'New-MbUserToken'
        'Remove-MbProjectToken'
        'Remove-MbUserToken'
        'Select-MbSession'
        'Test-MbToken'
        'Test-MbTokenHistory'
        'Undo-MbRotation'
        'Update-MbProjectToken'
        'Update-MbUserToken'
    )
    AliasesToExport      = @(
        'Compare-MbJwtReport'
        'ConvertFrom-MbJwt'
        'Export-MbJwtReport'
        'Find-MbLeakedJwt'
        'Get-MbJwtHistory'
        'Get-MbJwtReport'
        'Get-MbProjectJwt'
        'Get-MbUserJwt'
        'New-MbProjectJwt'
        'New-MbUserJwt'
        'Remove-MbProjectJwt'
        'Remove-MbUserJwt'
        'Test-MbJwt'
        'Test-MbJwtHistory'
        'Update-MbProjectJwt'
        'Update-MbUserJwt'
    )

    PrivateData          = @{
        PSData = @{
            Tags                     = @('MagicBell', 'JWT', 'Token', 'Credential', 'Secret', 'Rotation', 'Audit', 'Security', 'PSEdition_Desktop', 'PSEdition_Core', 'Windows', 'Linux', 'MacOS')
            ProjectUri               = 'https://github.com/MagicBellJwt/MagicBellJwt'
            LicenseUri               = 'https://github.com/MagicBellJwt/MagicBellJwt/blob/main/LICENSE'
            IconUri                  = 'https://raw.githubusercontent.com/MagicBellJwt/MagicBellJwt/main/docs/icon.png'
            # The build puts the changelog's section for this version here.
            ReleaseNotes             = 'CHANGELOG.md'
            RequireLicenseAcceptance = $false
        }
    }
}
