using System;
using System.Collections.Generic;
using System.IO;
using Newtonsoft.Json;

namespace MagicBellJwt.Client;

/// <summary>Reads an answer as JSON and nothing else: no name twice in one object, no comment, no other quotes, no NaN, at most 32 levels.</summary>
/// <remarks>
/// Of two equal names one reader takes the first and another the last. Names count as equal whatever their case, as a serializer matches them;
/// but not in <see cref="FreeMember"/>, where the names are the caller's own and no serializer matches any.
/// </remarks>
internal sealed class StrictJsonReader : JsonTextReader
{
    /// <summary>The member of a user in which the caller's own system keeps what it likes.</summary>
    internal const string FreeMember = "custom_attributes";

    // A set that had more names is not used again: clearing it takes time each time.
    private const int KeptNames = 64;

    private readonly Stack<HashSet<string>> _open = new();
    private readonly Stack<HashSet<string>> _unused = new();
    private bool _isFreeMember;
    private int _freeObjects;

    internal StrictJsonReader(TextReader text)
        : base(text)
    {
        DateParseHandling = DateParseHandling.None;
        MaxDepth = 32;
    }

    /// <inheritdoc/>
    public override bool Read()
    {
        bool isRead = base.Read();
        switch (TokenType)
        {
            case JsonToken.StartObject:
                if (_freeObjects > 0 || _isFreeMember)
                {
                    _freeObjects++;
                    _open.Push(new HashSet<string>(StringComparer.Ordinal));
                }
                else
                {
                    _open.Push(_unused.Count > 0 ? _unused.Pop() : new HashSet<string>(StringComparer.OrdinalIgnoreCase));
                }

                break;
            case JsonToken.PropertyName when QuoteChar == '"':
                if (!_open.Peek().Add((string)Value!))
                {
                    throw new UnreadableAnswerException("it has one name twice");
                }

                break;
            case JsonToken.EndObject:
                HashSet<string> names = _open.Pop();
                if (_freeObjects > 0)
                {
                    _freeObjects--;
                }
                else if (names.Count <= KeptNames)
                {
                    names.Clear();
                    _unused.Push(names);
                }

                break;
            case JsonToken.PropertyName or JsonToken.Comment or JsonToken.Undefined or JsonToken.StartConstructor:
            case JsonToken.String when QuoteChar != '"':
            case JsonToken.Float when Value is double and (double.NaN or double.PositiveInfinity or double.NegativeInfinity):
                throw new JsonReaderException();
        }

        _isFreeMember = TokenType == JsonToken.PropertyName && (string)Value! == FreeMember;
        return isRead;
    }
}
