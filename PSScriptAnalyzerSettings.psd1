@{
    # All rules that are on by default: those of the Gallery's preset (PSGallery) are among them.
    IncludeDefaultRules = $true
    Rules = @{
        PSUseCompatibleSyntax = @{
            Enable = $true
            TargetVersions = @('5.1', '7.4')
        }
    }
}
