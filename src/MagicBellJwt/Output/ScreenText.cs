using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>The one function that foreign text passes on its way to a screen, a prompt, an error or a file: somebody else may have named the token.</summary>
internal static class ScreenText
{
    /// <summary>
    /// The text as it may be shown: what steers a terminal, hides or reorders is an escape such as <c>\u001B</c>, and a JSON Web Token is its
    /// fingerprint; a secret key and an address's password are left out. What is shown already comes out the same.
    /// </summary>
    internal static string Of(string text) => VisibleText.Of(HideTokens(text));

    /// <summary>The text with the fingerprint of each JSON Web Token in its place, and without secret keys and the credentials of addresses.</summary>
    internal static string HideTokens(string text) => SecretShape.Hide(text);

    /// <summary>Whether a JSON Web Token, a secret key or an address with credentials is in the text.</summary>
    internal static bool HoldsToken(string text) => SecretShape.IsIn(text);
}
