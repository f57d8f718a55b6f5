# Another PowerShell like this one, in a process of its own: where this one is a .NET tool (dotnet pwsh), its process is dotnet's.
function Invoke-Shell {
    $program = (Get-Process -Id $PID).Path
    $library = @(if ((Split-Path $program -Leaf) -like 'dotnet*') { Join-Path $PSHOME 'pwsh.dll' })
    & $program @library -NoProfile -NonInteractive @args
}
