using System;
using System.Management.Automation;

namespace MagicBellJwt;

/// <summary>What the views show in colour, or not as it came. MagicBellJwt.Types.ps1xml makes hidden properties of these methods.</summary>
/// <remarks>
/// Hidden, so that CSV, JSON, <c>Select-Object *</c> and variables get the plain properties and never an escape sequence; compiled, so that
/// the views need no script and work in constrained language mode. Colours come from <c>$PSStyle</c>, which Windows PowerShell lacks; the
/// engine takes them away again for a host that renders none, for <c>Out-String</c> and for <c>Out-File</c>.
/// </remarks>
public static class TokenView
{
    private static readonly TimeSpan s_soon = TimeSpan.FromDays(7);

    /// <summary>The status of a listed token: live, over, or revoked.</summary>
    /// <param name="token">A <see cref="ListedToken"/>.</param>
    /// <returns>The word, in a colour where the screen shows any.</returns>
    public static object Status(PSObject token)
    {
        TokenStatus status = ((ListedToken)token.BaseObject).Status;
        return status switch
        {
            TokenStatus.Active => Coloured(status.ToString(), "Foreground", "Green"),
            TokenStatus.Expired => Coloured(status.ToString(), "Formatting", "Warning"),
            _ => Coloured(status.ToString(), "Formatting", "Error"),
        };
    }

    /// <summary>When a listed token, or a session's, ends: in a colour within its last week, and after it. Of a token that is revoked, that it is.</summary>
    /// <param name="token">A <see cref="ListedToken"/> or a <see cref="Session"/>.</param>
    /// <returns>The words, in a colour where the screen shows any.</returns>
    public static object Expires(PSObject token)
    {
        if (token.BaseObject is ListedToken { DiscardedAt: not null })
        {
            return Coloured("revoked", "Formatting", "Error");
        }

        (string words, DateTimeOffset? end) = token.BaseObject is ListedToken listed ? (listed.Expires, listed.ExpiresAt) : Of((Session)token.BaseObject);
        TimeSpan? left = end - DateTimeOffset.UtcNow;
        return left <= TimeSpan.Zero ? Coloured(words, "Formatting", "Error")
            : left < s_soon ? Coloured(words, "Formatting", "Warning")
            : words;
    }

    /// <summary>A star at the session that commands use without -Session.</summary>
    /// <param name="session">A <see cref="Session"/>.</param>
    /// <returns>The star; empty for any other.</returns>
    public static object Current(PSObject session) => ((Session)session.BaseObject).IsCurrent ? "*" : "";

    /// <summary>The name of a listed token, in which nothing steers the terminal.</summary>
    /// <param name="token">A <see cref="ListedToken"/>.</param>
    /// <returns>The name; null where it has none.</returns>
    public static object? Name(PSObject token) => ((ListedToken)token.BaseObject).Name is { } name ? ScreenText.Of(name) : null;

    /// <summary>The e-mail address of the user whose token it is, in which nothing steers the terminal.</summary>
    /// <param name="token">A <see cref="ListedToken"/>.</param>
    /// <returns>The address; null where it is not known, and for a project token.</returns>
    public static object? Email(PSObject token) => ((ListedToken)token.BaseObject).Owner?.Email is { } email ? ScreenText.Of(email) : null;

    /// <summary>The external id of the user whose token it is, in which nothing steers the terminal.</summary>
    /// <param name="token">A <see cref="ListedToken"/>.</param>
    /// <returns>The id; null where it is not known, and for a project token.</returns>
    public static object? ExternalId(PSObject token) => ((ListedToken)token.BaseObject).Owner?.ExternalId is { } id ? ScreenText.Of(id) : null;

    /// <summary>What a listed token is called where there is room for one word.</summary>
    /// <param name="token">A <see cref="ListedToken"/>.</param>
    /// <returns>Its name, or else its id.</returns>
    public static object Label(PSObject token)
    {
        var listed = (ListedToken)token.BaseObject;
        return ScreenText.Of(listed.Name ?? listed.ToString());
    }

    /// <summary>Where a token was found, in which nothing steers the terminal: the file, seen from the folder that was the current one, and the line.</summary>
    /// <param name="token">A <see cref="LeakedToken"/>.</param>
    /// <returns>The place.</returns>
    public static object Place(PSObject token) => ScreenText.Of(((LeakedToken)token.BaseObject).Place);

    /// <summary>Whose a found token is and what it is called, in which nothing steers the terminal.</summary>
    /// <param name="token">A <see cref="LeakedToken"/>.</param>
    /// <returns>The user, or <c>project</c>, and the name where a list has it.</returns>
    public static object Whose(PSObject token)
    {
        var leak = (LeakedToken)token.BaseObject;
        string? user = leak.Email ?? leak.ExternalId ?? leak.UserId;
        return ScreenText.Of($"{user ?? leak.Kind?.ToString().ToLowerInvariant()} {leak.Name}".Trim());
    }

    private static (string Words, DateTimeOffset? End) Of(Session session) => (session.Expires, session.ExpiresAt);

    private static string Coloured(string words, string group, string name)
    {
        // Outside Windows the host does not notice that output is redirected, and would write colours into a file.
        object? style = Console.IsOutputRedirected || Environment.GetEnvironmentVariable("NO_COLOR") is not null
            ? null
            : typeof(PSObject).Assembly.GetType("System.Management.Automation.PSStyle")?.GetProperty("Instance")?.GetValue(null);
        return style is null ? words : $"{Part(Part(style, group), name)}{words}{Part(style, "Reset")}";
    }

    private static object Part(object style, string name) => PSObject.AsPSObject(style).Properties[name].Value;
}
