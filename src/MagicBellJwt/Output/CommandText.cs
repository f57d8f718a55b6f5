using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using MagicBellJwt.Client;
using CodeGeneration = System.Management.Automation.Language.CodeGeneration;

namespace MagicBellJwt;

/// <summary>Makes commands for people to paste.</summary>
internal static class CommandText
{
    /// <summary>Text as an argument, whatever is in it: always quoted, and what nobody sees as its number, so that the command means the same text.</summary>
    internal static string Quote(string text)
    {
        if (VisibleText.IsVisible(text))
        {
            return Single(text);
        }

        var parts = new List<string>();
        int start = 0;
        for (int index = 0; index <= text.Length; index++)
        {
            bool isHidden = index < text.Length && !VisibleText.IsVisible(text[index].ToString());
            if ((isHidden || index == text.Length) && index > start)
            {
                parts.Add(Single(text.Substring(start, index - start)));
            }

            if (isHidden)
            {
                parts.Add(string.Format(CultureInfo.InvariantCulture, "[char]0x{0:X4}", (int)text[index]));
                start = index + 1;
            }
        }

        // An addition that begins with a number or a character would not be one of texts.
        return $"(''+{string.Join("+", parts)})";
    }

    /// <summary>The command that revokes tokens.</summary>
    internal static string Remove(TokenKind kind, Session session, params string[] ids) => $"Remove-Mb{kind}Token {string.Join(",", ids.Select(Quote))}{SessionArgument(session)}";

    /// <summary>The argument that names a session; empty for the current one.</summary>
    internal static string SessionArgument(Session session) => session.IsCurrent ? "" : " -Session " + Quote(session.Name);

    private static string Single(string text) => $"'{CodeGeneration.EscapeSingleQuotedStringContent(text)}'";
}
