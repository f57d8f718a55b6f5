using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Runtime.CompilerServices;

namespace MagicBellJwt;

/// <summary>Text that somebody else may have written, as the views show it. MagicBellJwt.Types.ps1xml makes hidden properties of these methods.</summary>
/// <remarks>A method for each name of a property, whatever the type: a view without script cannot say which property it wants.</remarks>
public static class TextView
{
    /// <summary>The property Id, in which nothing steers the terminal.</summary>
    /// <param name="item">Any object of the module.</param>
    /// <returns>The text; null where there is none.</returns>
    public static object? Id(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? TokenId(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? OldId(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? NewId(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? Name(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? UserId(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? Email(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? ExternalId(PSObject item) => Shown(item);

    /// <summary>Whose token it is where there is room for one word, in which nothing steers the terminal.</summary>
    /// <param name="item">An object with the properties Email, ExternalId and UserId.</param>
    /// <returns>The user's address, or else the external id, or else the id; null for a project's token.</returns>
    public static object? Owner(PSObject item) => Shown(item, nameof(Email)) ?? Shown(item, nameof(ExternalId)) ?? Shown(item, nameof(UserId));

    /// <inheritdoc cref="Id"/>
    public static object? Project(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? ProjectId(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? BaseAddress(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? StoredIn(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? NextRun(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? Remedy(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? Path(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? NotTested(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? ApiKey(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? Algorithm(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? Header(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? Claims(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? OtherFields(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? Fingerprint(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? Step(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? Detail(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? HeldBy(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? Reason(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? Error(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? Address(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? Account(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? HostName(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? Module(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? RequestId(PSObject item) => Shown(item);

    /// <inheritdoc cref="Id"/>
    public static object? Look(PSObject item) => Shown(item);

    private static string? Shown(PSObject item, [CallerMemberName] string property = "") =>
        item.BaseObject.GetType().GetProperty(property)?.GetValue(item.BaseObject) is { } value ? ScreenText.Of(TextOf(value)) : null;

    private static string TextOf(object? value) => value switch
    {
        null => "null",
        string text => text,
        IEnumerable<KeyValuePair<string, object?>> fields => $"{{{string.Join(", ", fields.Select(field => $"{field.Key}: {TextOf(field.Value)}"))}}}",
        IEnumerable items => $"[{string.Join(", ", items.Cast<object?>().Select(TextOf))}]",
        _ => LanguagePrimitives.ConvertTo<string>(value),
    };
}
