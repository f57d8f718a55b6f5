using System.Net;
using System.Security;

namespace MagicBellJwt.Tests;

/// <summary>Text into and out of a SecureString.</summary>
internal static class Secret
{
    public static SecureString Of(string text) => new NetworkCredential("", text).SecurePassword;

    public static string Reveal(object secret) => new NetworkCredential("", (SecureString)secret).Password;
}
