using System.Globalization;
using System.Linq;
using System.Text;

namespace MagicBellJwt.Client;

/// <summary>Text that somebody else wrote, made visible: what would steer a terminal, hide or reorder what stands beside it is shown as an escape.</summary>
public static class VisibleText
{
    private const char Joiner = '\u200D';

    /// <summary>The text with <c>\u001B</c> and the like for control characters, line breaks, changes of direction and characters without width.</summary>
    /// <param name="text">Any text.</param>
    /// <returns>The same text where it has none of them.</returns>
    public static string Of(string text)
    {
        if (IsVisible(text))
        {
            return text;
        }

        var visible = new StringBuilder(text.Length + 16);
        for (int index = 0; index < text.Length; index++)
        {
            if (IsPlain(text, index))
            {
                visible.Append(text[index]);
            }
            else
            {
                visible.AppendFormat(CultureInfo.InvariantCulture, "\\u{0:X4}", (int)text[index]);
            }
        }

        return visible.ToString();
    }

    /// <summary>Whether nothing in the text has to be shown as an escape.</summary>
    /// <param name="text">Any text.</param>
    /// <returns>True where <see cref="Of"/> gives the same text.</returns>
    public static bool IsVisible(string text) => Enumerable.Range(0, text.Length).All(index => IsPlain(text, index));

    private static bool IsPlain(string text, int index) => char.IsSurrogate(text[index])
        ? IsPlainPair(text, index)
        : text[index] == Joiner ? IsWithinEmoji(text, index)
        : !char.IsControl(text[index]) && CharUnicodeInfo.GetUnicodeCategory(text[index]) is not (UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
            && text[index] is not ('\u034F' or '\u115F' or '\u1160' or '\u17B4' or '\u17B5' or '\u3164' or '\uFFA0' or '\uFFFC');

    // 👩‍🚀 is three characters, and the one in the middle has no width. Between letters it would make two names look the same.
    private static bool IsWithinEmoji(string text, int index) =>
        index > 0 && index + 1 < text.Length
        && (char.IsLowSurrogate(text[index - 1]) || text[index - 1] is '\uFE0F')
        && (char.IsHighSurrogate(text[index + 1]) || text[index + 1] is >= '\u2600' and <= '\u27BF');

    // Half a character is not plain, nor are the tags and the selectors of the highest planes, which nobody sees.
    private static bool IsPlainPair(string text, int index)
    {
        int high = char.IsHighSurrogate(text[index]) ? index : index - 1;
        return high >= 0 && high + 1 < text.Length && char.IsSurrogatePair(text[high], text[high + 1])
            && char.ConvertToUtf32(text[high], text[high + 1]) is < 0xE0000 or > 0xE0FFF
            && CharUnicodeInfo.GetUnicodeCategory(text, high) is not UnicodeCategory.Format;
    }
}
