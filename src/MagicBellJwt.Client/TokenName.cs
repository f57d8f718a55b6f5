using System;
using System.Text;

namespace MagicBellJwt.Client;

/// <summary>Compares names of tokens as a server may have written them down: composed, trimmed, in another case.</summary>
public static class TokenName
{
    /// <summary>Whether two names may be the same one. For finding what may be meant; never a reason to revoke.</summary>
    /// <param name="left">A name; null for none.</param>
    /// <param name="right">Another name; null for none.</param>
    public static bool IsSame(string? left, string? right) => string.Equals(Normal(left), Normal(right), StringComparison.OrdinalIgnoreCase);

    private static string Normal(string? name)
    {
        string text = (name ?? "").Trim();
        try
        {
            return text.Normalize(NormalizationForm.FormKC);
        }
        catch (ArgumentException)
        {
            // Half a character, which has no other form.
            return text;
        }
    }
}
