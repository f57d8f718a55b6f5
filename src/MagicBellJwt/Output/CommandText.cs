using CodeGeneration = System.Management.Automation.Language.CodeGeneration;

namespace MagicBellJwt;

/// <summary>Makes commands for people to paste.</summary>
internal static class CommandText
{
    /// <summary>Text as an argument, whatever is in it.</summary>
    internal static string Quote(string text) => $"'{CodeGeneration.EscapeSingleQuotedStringContent(text)}'";
}
