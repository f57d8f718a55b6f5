using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Security.Cryptography;
using System.Text;
using Newtonsoft.Json;

namespace MagicBellJwt.Client.History;

/// <summary>One line of a history: <c>{"v":1,"seq":7,"prev":"SHA-256 of the line before","time":…,"op":…,"phase":…}</c>.</summary>
/// <remarks>
/// An operation has an <c>intent</c> before anything is sent, and an <c>outcome</c> that names its number. A token that was issued has a <c>claim</c>
/// where it was handed over or stored. No line has a token's value.
/// </remarks>
public sealed class HistoryLine
{
    /// <summary>The operation of the line that says what a writer mended.</summary>
    public const string Repair = "Repair";

    /// <summary>The operation of the line that names the operations which people were told of.</summary>
    public const string Notice = "Notice";

    /// <summary>The hash that the first line has in place of a line before it.</summary>
    internal static readonly string NoHash = new('0', HashLength);

    private const int HashLength = 64;
    private const string Start = "{\"v\":1,\"seq\":";
    private const string Previous = ",\"prev\":\"";
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    private static readonly byte[] s_start = Encoding.ASCII.GetBytes(Start);
    private static readonly byte[] s_previous = Encoding.ASCII.GetBytes(Previous);

    private readonly Dictionary<string, string> _facts = new(StringComparer.Ordinal);

    private HistoryLine(long sequence, string hash)
    {
        Sequence = sequence;
        Hash = hash;
    }

    /// <summary>Its number in the history, from 1.</summary>
    public long Sequence { get; }

    /// <summary>The SHA-256 of the line, 64 hexadecimal digits: what the next line has as <c>prev</c>.</summary>
    public string Hash { get; }

    /// <summary>What the line says under a name; null where it says nothing.</summary>
    public string? this[string name] => _facts.TryGetValue(name, out string? value) ? value : null;

    /// <summary>When it was written, by the clock of the machine that wrote it.</summary>
    public DateTimeOffset WrittenAt => Rfc3339.TryParse(this["time"] ?? "", out DateTimeOffset time) ? time : default;

    /// <summary>A time as lines have it, in UTC.</summary>
    /// <param name="time">The time.</param>
    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);

    /// <summary>Reads a line.</summary>
    /// <param name="bytes">Holds the line from its start.</param>
    /// <param name="length">Its length, without the line break.</param>
    /// <param name="line">The line; null where it is none of a history.</param>
    internal static bool TryRead(byte[] bytes, int length, out HistoryLine? line)
    {
        line = null;
        if (!TryReadChain(bytes, length, out long sequence, out _))
        {
            return false;
        }

        var read = new HistoryLine(sequence, HashOf(bytes, length));
        try
        {
            using var json = new JsonTextReader(new StreamReader(new MemoryStream(bytes, 0, length), Encoding.UTF8)) { DateParseHandling = DateParseHandling.None, MaxDepth = 2 };
            string name = "";
            while (json.Read())
            {
                if (json.TokenType == JsonToken.PropertyName)
                {
                    name = (string)json.Value!;
                }
                else if (json.Value is not null)
                {
                    // An earlier version, or somebody else, may have written one down.
                    read._facts[name] = SecretShape.Hide(Convert.ToString(json.Value, CultureInfo.InvariantCulture)!);
                }
            }
        }
        catch (JsonException)
        {
            return false;
        }

        line = read;
        return true;
    }

    /// <summary>Reads what chains a line to the others.</summary>
    internal static bool TryReadChain(byte[] line, int length, out long sequence, out string previous)
    {
        sequence = 0;
        previous = "";
        int at = s_start.Length;
        if (!Has(line, length, 0, s_start))
        {
            return false;
        }

        for (; at < length && line[at] is >= (byte)'0' and <= (byte)'9' && sequence < long.MaxValue / 100; at++)
        {
            sequence = (sequence * 10) + (line[at] - '0');
        }

        int hash = at + s_previous.Length;
        if (at == s_start.Length || !Has(line, length, at, s_previous) || hash + HashLength >= length || line[hash + HashLength] != '"')
        {
            return false;
        }

        previous = Encoding.ASCII.GetString(line, hash, HashLength);
        return line[length - 1] == '}';
    }

    /// <summary>
    /// Whether bytes are what a crash leaves of a line. Behind whole lines, its beginning, or the zeros of a file system that had no time for the data. At
    /// the beginning of a file only what no other file has: all that chains the line to the one before it.
    /// </summary>
    /// <param name="bytes">What is there, without the lines before it.</param>
    /// <param name="sequence">The line's number.</param>
    /// <param name="previous">The hash of the line before it.</param>
    /// <param name="isAfterLines">Whether whole lines of a history come before it in its file.</param>
    internal static bool IsRestOfOne(byte[] bytes, long sequence, string previous, bool isAfterLines)
    {
        byte[] start = isAfterLines ? s_start : Encoding.ASCII.GetBytes(Chain(sequence, previous, "").TrimEnd('}'));
        return isAfterLines
            ? Array.TrueForAll(bytes, item => item == 0) || Has(bytes, bytes.Length, 0, start, Math.Min(bytes.Length, start.Length))
            : Has(bytes, bytes.Length, 0, start);
    }

    /// <summary>The members of a line after those that chain it, as JSON without its braces. A token's value or a secret key in a text is hidden.</summary>
    internal static string Compose(DateTimeOffset time, IEnumerable<KeyValuePair<string, object?>> facts)
    {
        var text = new StringWriter(CultureInfo.InvariantCulture);
        using (var json = new JsonTextWriter(text))
        {
            json.WriteStartObject();
            json.WritePropertyName("time");
            json.WriteValue(Time(time));
            foreach (KeyValuePair<string, object?> fact in facts)
            {
                if (fact.Value is not null)
                {
                    json.WritePropertyName(fact.Key);
                    json.WriteValue(fact.Value is string said ? SecretShape.Hide(said) : fact.Value);
                }
            }

            json.WriteEndObject();
        }

        string line = text.ToString();
        return line.Substring(1, line.Length - 2);
    }

    /// <summary>A whole line.</summary>
    internal static string Chain(long sequence, string previous, string facts) =>
        Start + sequence.ToString(CultureInfo.InvariantCulture) + Previous + previous + "\"," + facts + "}";

    internal static string HashOf(byte[] line) => HashOf(line, line.Length);

    internal static string HashOf(byte[] line, int length)
    {
        using var sha = SHA256.Create();
        return Hex(sha.ComputeHash(line, 0, length));
    }

    /// <summary>Bytes as lower-case hexadecimal digits.</summary>
    internal static string Hex(byte[] bytes)
    {
        const string Digits = "0123456789abcdef";
        var text = new char[bytes.Length * 2];
        for (int index = 0; index < bytes.Length; index++)
        {
            text[index * 2] = Digits[bytes[index] >> 4];
            text[(index * 2) + 1] = Digits[bytes[index] & 15];
        }

        return new string(text);
    }

    private static bool Has(byte[] line, int length, int at, byte[] text) => Has(line, length, at, text, text.Length);

    private static bool Has(byte[] line, int length, int at, byte[] text, int count)
    {
        if (at + count > length)
        {
            return false;
        }

        for (int index = 0; index < count; index++)
        {
            if (line[at + index] != text[index])
            {
                return false;
            }
        }

        return true;
    }
}
