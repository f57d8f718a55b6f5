using System;
using System.Collections;
using System.Linq;
using System.Management.Automation;

namespace MagicBellJwt;

/// <summary>Lets a text parameter take text, numbers and UUIDs only, never the text form of some other object.</summary>
/// <remarks>Without it a row that lacks the column that was meant binds as <c>@{…}</c>, and that would be sent.</remarks>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
public sealed class PlainTextAttribute : ArgumentTransformationAttribute
{
    private readonly string[] _columns;

    /// <summary>Takes text.</summary>
    /// <param name="columns">
    /// The columns that the command reads of a row from the pipeline. A row with text in none of them becomes an empty text, which the command refuses
    /// itself: the engine's own error would keep the row, and a row may hold a token's value.
    /// </param>
    public PlainTextAttribute(params string[] columns) => _columns = columns;

    /// <summary>Whether an empty text, or null, on the command line is no value instead of an error: where several parameters say one thing.</summary>
    public bool MayBeEmpty { get; set; }

    /// <summary>Whether blanks around the text are part of it: of a name and of an external id they may be, of an id or an address never.</summary>
    public bool KeepsBlanks { get; set; }

    /// <summary>
    /// Whether an object that is no text becomes an empty text, which the command refuses itself: the engine's own error would keep the object, and a row
    /// may hold a token's value. Not for what binds by value from the pipeline: there the engine has to try the row's columns.
    /// </summary>
    public bool RefusesObjects { get; set; }

    /// <summary>Passes on what is text, and makes the rest unfit for a text parameter.</summary>
    /// <param name="engineIntrinsics">Not used.</param>
    /// <param name="inputData">What was given.</param>
    /// <returns>The same without blanks around it, or an object that converts to nothing.</returns>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        // This must not throw: the engine first tries to bind the whole row, and after an exception it never looks at its columns.
        if ((LanguagePrimitives.GetEnumerable(inputData)?.Cast<object?>() ?? [inputData]).All(IsText))
        {
            return KeepsBlanks ? inputData : Trimmed(inputData);
        }

        if (RefusesObjects)
        {
            return string.Empty;
        }

        PSMemberInfoCollection<PSPropertyInfo> properties = PSObject.AsPSObject(inputData).Properties;
        return _columns.Length > 0 && !_columns.Any(column => properties[column] is { Value: { } value } && IsText(value)) ? string.Empty : new NotText();
    }

    private static object? Trimmed(object? item) => (item is PSObject wrapped ? wrapped.BaseObject : item) switch
    {
        string text => InputText.Trim(text),
        IList list => list.Cast<object?>().Select(Trimmed).ToArray(),
        _ => item,
    };

    private static bool IsText(object? item) => (item is PSObject wrapped ? wrapped.BaseObject : item) is null or Guid or IConvertible;

    private sealed class NotText
    {
        public override string ToString() => throw new PSInvalidCastException("This object is not text, and has no property of the name that was meant.");
    }
}
