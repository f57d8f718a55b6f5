BeforeAll {
    . "$PSScriptRoot/Sandbox.ps1"
    $script:sandbox = Open-Sandbox
}

AfterAll { Close-Sandbox $sandbox }

Describe 'Connect-MbProject' {
    BeforeEach { Disconnect-MbProject -All }

    It 'connects with a SecureString, quietly' {
        Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address | Should -BeNullOrEmpty
        Get-MbSession | Should -HaveCount 1
    }

    It 'connects from the environment variables of a job' {
        $env:MAGICBELL_PROJECT_TOKEN = [Net.NetworkCredential]::new('', $sandbox.Token).Password
        $env:MAGICBELL_BASE_URL = $sandbox.Address
        try {
            (Connect-MbProject -PassThru).BaseAddress | Should -Be $sandbox.Address
        }
        finally {
            Remove-Item Env:MAGICBELL_PROJECT_TOKEN, Env:MAGICBELL_BASE_URL
        }
    }

    It 'works on a sandbox in the process' {
        (Connect-MbProject -Sandbox -PassThru).IsSandbox | Should -BeTrue
        Get-MbProjectToken | Should -HaveCount 1
    }

    It 'refuses a token as plain text without repeating it' {
        { Connect-MbProject 'eyJplain' } | Should -Throw -ErrorId 'ParameterArgumentTransformationError*'
        $Error[0].Exception.ToString() | Should -Not -BeLike '*eyJplain*'
    }

    It 'refuses plain http, loopback excepted' {
        { Connect-MbProject $sandbox.Token -BaseUri http://example.com/v2 -ErrorAction Stop } | Should -Throw -ErrorId 'MbInvalidRequest*'
    }

    It 'says that a token is wrong' {
        $wrong = ConvertTo-Secret 'eyJ.wrong.token'
        { Connect-MbProject $wrong -BaseUri $sandbox.Address } | Should -Throw -ErrorId 'MbUnauthorized*'
        Get-MbSession | Should -BeNullOrEmpty
    }

    It 'says that a user token is not an administrator''s' {
        Connect-MbProject $sandbox.Token -BaseUri $sandbox.Address
        $user = New-MbUserToken hana@example.com
        { Connect-MbProject $user.Token -BaseUri $sandbox.Address -ErrorAction Stop } | Should -Throw -ErrorId 'MbForbidden*'
    }

    It 'says that an address is not the API' {
        { Connect-MbProject $sandbox.Token -BaseUri ($sandbox.Address -replace 'v2', 'v3') -ErrorAction Stop } | Should -Throw -ErrorId 'MbUnexpectedResponse*'
    }

    It 'says that a server cannot be reached' {
        { Connect-MbProject $sandbox.Token -BaseUri http://127.0.0.1:1/v2 -MaximumRetryCount 0 -ErrorAction Stop } | Should -Throw -ErrorId 'MbConnectionFailed*'
    }

    It 'says how to connect when there is no token and nobody to ask' {
        $said = Invoke-Shell -Command "Import-Module '$repository/out/MagicBellJwt'; try { Connect-MbProject } catch { `$_.FullyQualifiedErrorId }"
        $said | Should -BeLike 'MbNotConnected*'
    }
}
