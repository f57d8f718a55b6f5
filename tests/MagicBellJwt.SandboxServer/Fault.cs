using System;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace MagicBellJwt.Sandbox.Server;

/// <summary>
/// Something that goes wrong: at which requests, and what. As text, <c>METHOD PATH KIND[-after-work] [NAME=VALUE]…</c>, where a status code
/// may stand for the kind; as JSON, an object with the same names.
/// </summary>
/// <example>
/// <code>
/// POST /v2/jwt/project* reset-after-work every=7     every seventh create is done and its answer lost
/// GET * 503 times=2 body=html                        the next two reads meet a proxy's page
/// * * 429 skip=10 times=1 retry-after=date+5         the eleventh request is one too many
/// GET /v2/jwt/project* answer next=ring              pages that lead back to the first
/// </code>
/// </example>
public sealed record Fault
{
    private const string AfterWorkSuffix = "-after-work";

    private static readonly string[] s_nextWords = ["elsewhere", "gateway", "self", "ring", "relative", "query", "fragment", "missing"];

    /// <summary>The methods it is about, separated by commas; <c>*</c> for any.</summary>
    public string Method { get; init; } = "*";

    /// <summary>The path as sent, alone or with its query; <c>*</c> stands for any text.</summary>
    public string Path { get; init; } = "*";

    /// <summary>What happens.</summary>
    public required FaultKind Kind { get; init; }

    /// <summary>Whether the sandbox does what was asked first. <c>cut</c>, <c>drip</c>, <c>refuse</c> and an <c>answer</c> without a status always do.</summary>
    public bool AfterWork { get; init; }

    /// <summary>How many matching requests are spared at the start.</summary>
    public int Skip { get; init; }

    /// <summary>Hit only every so many matching requests, the last of them; null for each one.</summary>
    public int? Every { get; init; }

    /// <summary>Stop after so many hits; null for never.</summary>
    public int? Times { get; init; }

    /// <summary>Milliseconds: of a delay, for each byte of a drip, or for how long connections are refused.</summary>
    public int Ms { get; init; }

    /// <summary>The status answered: instead of the work, unless that is done first. Null for the one that the work has.</summary>
    public int? Status { get; init; }

    /// <summary>The body answered; null for an error in JSON where there is a status from 400 on, for none where there is a lower one, and else for the real one.</summary>
    public FaultBody? Body { get; init; }

    /// <summary>The Content-Encoding answered; null for none.</summary>
    public FaultEncoding? Encoding { get; init; }

    /// <summary>By how many bytes the Content-Length is too great, or too small when negative. The connection is closed after the body.</summary>
    public int ExtraLength { get; init; }

    /// <summary>The <c>Retry-After</c>, as it stands; <c>date+5</c> or <c>date-5</c> for the HTTP date so many seconds from now.</summary>
    public string? RetryAfter { get; init; }

    /// <summary>The <c>Location</c>, as it stands.</summary>
    public string? Location { get; init; }

    /// <summary>
    /// Where <c>links.next</c> leads: <c>elsewhere</c> (another origin and path), <c>gateway</c> (another origin), <c>self</c>, <c>ring</c> (back to the first page after three),
    /// <c>relative</c> (path and query), <c>query</c> (from its question mark on), <c>fragment</c> (one is added), <c>missing</c>, or an
    /// address or path of its own.
    /// </summary>
    public string? Next { get; init; }

    /// <summary>By how many seconds the <c>Date</c> is ahead, or behind when negative.</summary>
    public int DateSkew { get; init; }

    /// <summary>How faults are read from and written to JSON, and whatever else the control address speaks.</summary>
    internal static JsonSerializerOptions JsonOptions { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.KebabCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        NumberHandling = JsonNumberHandling.AllowReadingFromString,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false) },
    };

    /// <summary>Reads a fault from its text.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The fault.</returns>
    /// <exception cref="FormatException">The text is not a fault; the message says why.</exception>
    public static Fault Parse(string text)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 3)
        {
            throw new FormatException("A fault is METHOD PATH KIND [NAME=VALUE]…, not: " + text);
        }

        var json = new JsonObject { ["method"] = words[0], ["path"] = words[1] };
        string kind = words[2];
        if (kind.EndsWith(AfterWorkSuffix, StringComparison.Ordinal))
        {
            json["after-work"] = true;
            kind = kind[..^AfterWorkSuffix.Length];
        }

        json["kind"] = char.IsAsciiDigit(kind[0]) ? "answer" : kind;
        if (char.IsAsciiDigit(kind[0]))
        {
            json["status"] = kind;
        }

        foreach (string word in words[3..])
        {
            string[] pair = word.Split('=', 2);
            json[pair[0]] = pair.Length == 2 ? pair[1] : throw new FormatException(word + " has no value in: " + text);
        }

        return Parse(json);
    }

    /// <summary>Reads a fault from JSON: an object, or a string with its text.</summary>
    /// <param name="json">The JSON.</param>
    /// <returns>The fault.</returns>
    /// <exception cref="FormatException">The JSON is not a fault; the message says why.</exception>
    public static Fault Parse(JsonNode? json)
    {
        if (json is JsonValue text && text.GetValueKind() == JsonValueKind.String)
        {
            return Parse(text.GetValue<string>());
        }

        try
        {
            Fault fault = json.Deserialize<Fault>(JsonOptions) ?? throw new FormatException("A fault is not null.");
            fault.Check();
            return fault;
        }
        catch (JsonException exception)
        {
            throw new FormatException("Not a fault: " + exception.Message, exception);
        }
    }

    /// <summary>The fault as text, which reads back as the same fault.</summary>
    /// <returns>The text.</returns>
    public override string ToString()
    {
        JsonObject json = JsonSerializer.SerializeToNode(this, JsonOptions)!.AsObject();
        string[] words = [Method, Path, Name(json["kind"]) + (AfterWork ? AfterWorkSuffix : "")];
        string[] said = ["method", "path", "kind", "after-work"];
        return string.Join(' ', words.Concat(json.Where(member => !said.Contains(member.Key)).Select(member => member.Key + "=" + Name(member.Value))));

        // FaultKind.Delay is the default that JSON leaves out.
        static string Name(JsonNode? value) => value?.ToString() ?? "delay";
    }

    /// <summary>A fault that says nothing, or something that its kind does not do, would be a test that tests nothing.</summary>
    /// <exception cref="FormatException">It is one.</exception>
    internal void Check()
    {
        Require(Kind is FaultKind.Delay or FaultKind.Drip or FaultKind.Refuse ? Ms > 0 : Ms == 0, "ms, from 1, is of delay, drip and refuse, and needed there");
        Fault unaltered = this with { Status = null, Body = null, Encoding = null, ExtraLength = 0, RetryAfter = null, Location = null, Next = null, DateSkew = 0 };
        Require((Kind == FaultKind.Answer) != (this == unaltered), "an answer, and nothing else, is altered by a status, body, encoding, length, header or link");
        Require(Status is null or (>= 200 and <= 599), "a status is from 200 to 599");
        Require(Skip >= 0 && Every is null or >= 1 && Times is null or >= 1, "skip is from 0, every and times are from 1");
        Require(RetryAfter is null || !RetryAfter.StartsWith("date", StringComparison.Ordinal) || int.TryParse(RetryAfter["date".Length..], out _), "retry-after is sent as it stands, or is date+SECONDS or date-SECONDS");
        Require(Next is null || s_nextWords.Contains(Next) || Next.Contains('/', StringComparison.Ordinal), "next is an address or one of " + string.Join(", ", s_nextWords));

        void Require(bool condition, string rule)
        {
            if (!condition)
            {
                throw new FormatException("Not a fault, for " + rule + ": " + this);
            }
        }
    }
}

/// <summary>What goes wrong.</summary>
public enum FaultKind
{
    /// <summary>A wait, then everything as usual.</summary>
    Delay,

    /// <summary>The connection is reset (TCP RST) before a byte is answered.</summary>
    Reset,

    /// <summary>The connection is reset in the middle of the answer's body.</summary>
    Cut,

    /// <summary>No answer, ever.</summary>
    Never,

    /// <summary>The answer's body comes byte by byte.</summary>
    Drip,

    /// <summary>After this answer every connection is closed and new ones are refused for a while.</summary>
    Refuse,

    /// <summary>The answer is altered.</summary>
    Answer,
}

/// <summary>What is answered instead of the right body.</summary>
public enum FaultBody
{
    /// <summary>An error as the API writes it.</summary>
    Json,

    /// <summary>A proxy's page.</summary>
    Html,

    /// <summary>Nothing.</summary>
    Empty,

    /// <summary>The first half.</summary>
    Truncated,

    /// <summary>A text where <c>data</c> is a list, or where the whole is an object without one.</summary>
    TextForList,

    /// <summary>A number for each date.</summary>
    NumberForDate,

    /// <summary>The right body after 64 MiB of white space.</summary>
    Huge,

    /// <summary>The same, its length not told.</summary>
    HugeChunked,
}

/// <summary>The content encoding of an altered answer.</summary>
public enum FaultEncoding
{
    /// <summary>gzip, rightly.</summary>
    Gzip,

    /// <summary>gzip is said, and plain bytes are sent.</summary>
    NotGzip,
}
