using System.Linq;

namespace MagicBellJwt;

/// <summary>Text of a server, fit for a terminal: somebody else may have named the token.</summary>
internal static class ScreenText
{
    /// <summary>The text without escape sequences, line breaks and changes of direction: each such character is shown as one that is missing.</summary>
    internal static string Of(string text) => text.All(IsPlain) ? text : new([.. text.Select(character => IsPlain(character) ? character : '\uFFFD')]);

    private static bool IsPlain(char character) =>
        !char.IsControl(character) && character is not ((>= '\u2028' and <= '\u202E') or (>= '\u2066' and <= '\u2069'));
}
