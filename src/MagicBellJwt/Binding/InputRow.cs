using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>An object from the pipeline, read by its columns, whatever their names are in the file that it came from.</summary>
internal sealed class InputRow
{
    private const int NamesShown = 12;
    private const int LongestName = 40;

    private readonly PSObject _item;

    // By plain name; where a file has two that differ by case only, the first.
    private readonly Dictionary<string, PSPropertyInfo> _columns = new(StringComparer.Ordinal);

    /// <summary>Reads an object.</summary>
    /// <param name="item">The object.</param>
    /// <param name="number">Which input it is, from 1; 0 where that does not matter.</param>
    internal InputRow(PSObject item, long number = 0)
    {
        _item = item;
        Place = FormattableString.Invariant($"Row {number}");
        if (IsText)
        {
            return;
        }

        foreach (PSPropertyInfo property in item.Properties)
        {
            string plain = Columns.Plain(property.Name);
            if (!_columns.ContainsKey(plain))
            {
                _columns.Add(plain, property);
            }
        }
    }

    /// <summary>Whether it is a text, a number or a UUID, which has no columns.</summary>
    internal bool IsText => _item.BaseObject is Guid or IConvertible;

    /// <summary>The text itself, without blanks around it; null where it is none.</summary>
    internal string? PlainText => IsText ? TextOf(_item) : null;

    /// <summary>Which row it is, for people.</summary>
    internal string Place { get; }

    /// <summary>Whether it is a row of a file, or made like one, and no object of another program's type.</summary>
    internal bool IsRow => _item.BaseObject is PSCustomObject;

    /// <summary>The names of its columns, as the file has them.</summary>
    internal IEnumerable<string> Names => _columns.Values.Select(property => property.Name);

    /// <summary>Whether no column has anything in it, as in a blank line of a file.</summary>
    internal bool IsBlank => IsRow && _columns.Values.All(property => TextOf(property.Value) is { Length: 0 });

    /// <summary>What columns it has, as a sentence for an error with a blank before it.</summary>
    /// <remarks>A file without a header has its first row's values as names: a long one may be a token, and is told by its number.</remarks>
    internal string Described
    {
        get
        {
            string[] names = [.. Names];
            if (names.Length == 0)
            {
                return "";
            }

            string? delimiter = names.Length > 1 ? null : Columns.DelimiterOf(names[0]) switch
            {
                null => null,
                '\t' => "\"`t\"",
                var other => $"'{other}'",
            };
            return delimiter is null
                ? $" Its columns are {string.Join(", ", names.Take(NamesShown).Select(Shown))}{(names.Length > NamesShown ? ", …" : "")}."
                : $" The file came as one column: read it with Import-Csv -Delimiter {delimiter}.";
        }
    }

    /// <summary>Whether there is such a column, with or without a value.</summary>
    internal bool Has(string column) => Columns.NamesOf(column).Any(_columns.ContainsKey);

    /// <summary>The value of a column as it is: of the first of its names that has one; null for none.</summary>
    internal object? Value(string column) => Columns.NamesOf(column)
        .Select(name => _columns.TryGetValue(name, out PSPropertyInfo? property) ? property.Value : null)
        .FirstOrDefault(value => TextOf(value) is not { Length: 0 });

    /// <summary>The text of a column; null where it is blank, missing, or no text. Blanks around it are left to names and external ids only: there they may be meant.</summary>
    internal string? Text(string column) => Value(column) is { } value && TextOf(value) is { Length: > 0 } text
        ? column is Columns.Name or Columns.ExternalId ? LanguagePrimitives.ConvertTo<string>(value) : text
        : null;

    /// <summary>The moment of a column that a program wrote: a date, or ISO 8601, in UTC where it names no zone. Null where it is empty, or written in another way.</summary>
    internal DateTimeOffset? Moment(string column) => BaseOf(Value(column)) switch
    {
        DateTimeOffset moment => moment,
        DateTime moment => new DateTimeOffset(moment.Kind == DateTimeKind.Unspecified ? DateTime.SpecifyKind(moment, DateTimeKind.Utc) : moment),
        string text => DateText.ReadUtc(text),
        _ => null,
    };

    /// <summary>How long a token of this row is to live; null where the row has no column for it.</summary>
    /// <exception cref="MagicBellException">The column is empty, says two things, or cannot be read.</exception>
    internal TimeSpan? Lifetime(DateTimeOffset now)
    {
        object? at = Value(Columns.ExpiresAt);
        object? within = Value(Columns.ExpiresIn);
        if (at is not null && within is not null)
        {
            throw MagicBellException.Invalid("ExpiresAt and ExpiresIn both have a value: give one of them.");
        }

        if (at is null && within is null)
        {
            return Has(Columns.ExpiresAt) || Has(Columns.ExpiresIn)
                ? throw MagicBellException.Invalid($"The column {(Has(Columns.ExpiresAt) ? Columns.ExpiresAt : Columns.ExpiresIn)} is empty, and an empty cell issues no token that never expires. Fill it in, or leave the column out.")
                : null;
        }

        string? wrong = null;
        TimeSpan? lifetime = BaseOf(at ?? within) switch
        {
            DateTimeOffset end when at is not null => end - now,
            DateTime end when at is not null => new DateTimeOffset(end) - now,
            TimeSpan span when at is null => span,
            _ => null,
        };
        if (lifetime is null && at is not null)
        {
            wrong = DateAttribute.Read(TextOf(at) ?? "", out DateTimeOffset end);
            lifetime = end - now;
        }
        else if (lifetime is null)
        {
            wrong = LifetimeText.Read(TextOf(within) ?? "", out TimeSpan span);
            lifetime = span;
        }

        return wrong is null ? lifetime : throw MagicBellException.Invalid($"{(at is null ? Columns.ExpiresIn : Columns.ExpiresAt)}: {wrong}");
    }

    private static object? BaseOf(object? value) => value is PSObject wrapped ? wrapped.BaseObject : value;

    private static string Shown(string name, int index) => name.Length <= LongestName ? ScreenText.Of(name) : FormattableString.Invariant($"column {index + 1}");

    // Only what is text: an object's text form may show anything. Null for an object that is not.
    private static string? TextOf(object? value)
    {
        return BaseOf(value) switch
        {
            null => "",
            Guid or IConvertible or DateTimeOffset or TimeSpan => InputText.Trim(LanguagePrimitives.ConvertTo<string>(value)),
            _ => null,
        };
    }
}
