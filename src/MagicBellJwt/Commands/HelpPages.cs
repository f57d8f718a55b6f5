namespace MagicBellJwt.Commands;

/// <summary>Where the cmdlets' pages are, for Get-Help -Online.</summary>
internal static class HelpPages
{
    internal const string Folder = "https://github.com/MagicBellJwt/MagicBellJwt/blob/main/docs/en-US/";
}
