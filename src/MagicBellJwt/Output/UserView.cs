using System.Management.Automation;

namespace MagicBellJwt;

/// <summary>What the views show of a user, in which nothing steers the terminal. MagicBellJwt.Types.ps1xml makes hidden properties of these methods.</summary>
public static class UserView
{
    /// <summary>The user's id.</summary>
    /// <param name="user">A <see cref="User"/>.</param>
    /// <returns>The text; null where there is none.</returns>
    public static object? UserId(PSObject user) => Plain(Of(user).UserId);

    /// <summary>The e-mail address.</summary>
    /// <param name="user">A <see cref="User"/>.</param>
    /// <returns>The text; null where there is none.</returns>
    public static object? Email(PSObject user) => Plain(Of(user).Email);

    /// <summary>The external id.</summary>
    /// <param name="user">A <see cref="User"/>.</param>
    /// <returns>The text; null where there is none.</returns>
    public static object? ExternalId(PSObject user) => Plain(Of(user).ExternalId);

    /// <summary>The first and last name.</summary>
    /// <param name="user">A <see cref="User"/>.</param>
    /// <returns>The text; empty where there is none.</returns>
    public static object? FullName(PSObject user) => Plain(Of(user).FullName);

    /// <summary>What the user is called where there is room for one word.</summary>
    /// <param name="user">A <see cref="User"/>.</param>
    /// <returns>The address, or else the external id, or else the id.</returns>
    public static object? Label(PSObject user) => Plain(Of(user) is var shown ? shown.Email ?? shown.ExternalId ?? shown.ToString() : null);

    private static User Of(PSObject user) => (User)user.BaseObject;

    private static string? Plain(string? text) => text is null ? null : ScreenText.Of(text);
}
