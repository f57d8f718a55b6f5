using CodeGeneration = System.Management.Automation.Language.CodeGeneration;

namespace MagicBellJwt;

/// <summary>Makes commands for people to paste.</summary>
internal static class CommandText
{
    /// <summary>Text as an argument, whatever is in it.</summary>
    internal static string Quote(string text) => $"'{CodeGeneration.EscapeSingleQuotedStringContent(text)}'";

    /// <summary>The command that revokes a token.</summary>
    internal static string Remove(TokenKind kind, string id, Session session) => $"Remove-Mb{kind}Token {id}{SessionArgument(session)}";

    /// <summary>The argument that names a session; empty for the current one.</summary>
    internal static string SessionArgument(Session session) => session.IsCurrent ? "" : " -Session " + Quote(session.Name);
}
