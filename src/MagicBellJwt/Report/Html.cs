using System;
using System.Collections.Generic;
using System.Globalization;
using System.Net;

namespace MagicBellJwt;

/// <summary>A piece of HTML. Whatever a template is filled with is encoded, unless it is a piece itself: nobody can forget it.</summary>
internal sealed class Html
{
    private readonly string _text;

    private Html(string text) => _text = text;

    internal static Html Empty { get; } = new("");

    /// <summary>Fills a template.</summary>
    internal static Html Of(FormattableString template) => new(template.ToString(Encoder.Instance));

    /// <summary>Takes text of the module's own, such as a style sheet, for HTML.</summary>
    internal static Html Trust(string text) => new(text);

    internal static Html Join(IEnumerable<Html> pieces, string separator = "") => new(string.Join(separator, pieces));

    /// <inheritdoc/>
    public override string ToString() => _text;

    private sealed class Encoder : IFormatProvider, ICustomFormatter
    {
        internal static readonly Encoder Instance = new();

        public object? GetFormat(Type? formatType) => formatType == typeof(ICustomFormatter) ? this : null;

        public string Format(string? format, object? arg, IFormatProvider? formatProvider) => arg switch
        {
            null => "",
            Html piece => piece._text,
            IFormattable value => Encode(value.ToString(format, CultureInfo.InvariantCulture)),
            _ => Encode(arg.ToString() ?? ""),
        };

        // What nobody sees is shown as an escape; WebUtility replaces half a character itself.
        private static string Encode(string text) => WebUtility.HtmlEncode(ScreenText.Of(text));
    }
}
