# Another PowerShell like this one, in a process of its own: where this one is a .NET tool (dotnet pwsh), its process is dotnet's.
function Get-ShellLibrary {
    if ((Split-Path (Get-Process -Id $PID).Path -Leaf) -like 'dotnet*') {
        Join-Path $PSHOME 'pwsh.dll'
    }
}

function Invoke-Shell {
    $library = @(Get-ShellLibrary)
    & (Get-Process -Id $PID).Path @library -NoProfile -NonInteractive @args
}
