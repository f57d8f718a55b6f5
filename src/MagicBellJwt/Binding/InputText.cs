using System.Linq;

namespace MagicBellJwt;

/// <summary>The one door for text that people, files and variables give: takes away what is around it and no part of it.</summary>
internal static class InputText
{
    private const string Bearer = "BEARER ";

    /// <summary>The text without blanks, line breaks, byte order marks and invisible characters around it.</summary>
    internal static string Trim(string text)
    {
        int start = 0;
        int end = text.Length;
        while (start < end && IsAround(text[start]))
        {
            start++;
        }

        while (end > start && IsAround(text[end - 1]))
        {
            end--;
        }

        return text.Substring(start, end - start);
    }

    /// <summary>A token's value: without what <see cref="Trim"/> takes away, quotes around it, and the word <c>Bearer</c> before it. None of them can be part of one.</summary>
    internal static string Token(string text)
    {
        char[] characters = text.ToCharArray();
        (int start, int length) = Secret(characters, Bearer);
        return new string(characters, start, length);
    }

    /// <summary>Where a key stands in a text: without what <see cref="Trim"/> takes away, and quotes around it.</summary>
    internal static (int Start, int Length) Key(char[] text) => Secret(text, "");

    private static (int Start, int Length) Secret(char[] text, string word)
    {
        int start = 0;
        int end = text.Length;
        int before;
        do
        {
            before = end - start;
            while (start < end && IsAround(text[start]))
            {
                start++;
            }

            while (end > start && IsAround(text[end - 1]))
            {
                end--;
            }

            if (end - start > 1 && text[start] is '"' or '\'' && text[end - 1] == text[start])
            {
                start++;
                end--;
            }

            if (word.Length > 0 && end - start > word.Length && word.Select((character, index) => char.ToUpperInvariant(text[start + index]) == character).All(isSame => isSame))
            {
                start += word.Length;
            }
        }
        while (end - start != before);

        return (start, end - start);
    }

    private static bool IsAround(char character) =>
        char.IsWhiteSpace(character) || character is '\uFEFF' or '\u200B' or '\u2060' or '\0';
}
