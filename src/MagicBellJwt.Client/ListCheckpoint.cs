using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using MagicBellJwt.Client.Rotation;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace MagicBellJwt.Client;

/// <summary>
/// The lists of tokens that a long audit has read, in a file of JSON lines, so that an audit that was interrupted goes on. The file can be read by its
/// owner only. It holds ids, names and times, and no token.
/// </summary>
/// <remarks>Open for one at a time. Safe for concurrent calls.</remarks>
public sealed class ListCheckpoint : IDisposable
{
    private const string ProjectList = "";

    private static readonly string[] s_lineStarts = ["{\"project\":\"", "{\"list\":\"", "{\"done\":\""];

    private static readonly UTF8Encoding s_utf8 = new(false);

    private readonly object _gate = new();
    private readonly Dictionary<(string Project, string List), IReadOnlyList<ListedTokenRecord>> _lists = [];
    private readonly FileStream _file;

    private ListCheckpoint(FileStream file, IReadOnlyCollection<string> projects)
    {
        _file = file;
        long whole = Read(projects);
        _file.SetLength(whole);
        _file.Position = whole;
        if (whole == 0)
        {
            BegunAt = DateTimeOffset.UtcNow;
            Write(new { v = 2, projects, begun = BegunAt });
        }
    }

    /// <summary>When the audit began that goes on; now where none does.</summary>
    public DateTimeOffset BegunAt { get; private set; }

    /// <summary>How many lists need not be read again.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _lists.Count;
            }
        }
    }

    /// <summary>How many lists of one project need not be read again.</summary>
    /// <param name="project">What tells the project from others.</param>
    public int CountOf(string project)
    {
        lock (_gate)
        {
            return _lists.Keys.Count(key => key.Project == project);
        }
    }

    /// <summary>Opens a file, made where it is missing. What an audit left that came to its end is begun anew.</summary>
    /// <param name="path">The file.</param>
    /// <param name="projects">What tells the audit's projects from others.</param>
    /// <exception cref="MagicBellException">It cannot be used, is something else, or is of other projects.</exception>
    public static ListCheckpoint Open(string path, IReadOnlyCollection<string> projects)
    {
        FileStream? file = null;
        try
        {
            OwnerOnly.RefuseSpecial(path);
            file = OwnerOnly.OpenFile(path, FileShare.None);
            return new ListCheckpoint(file, projects);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException or JsonException or FormatException or InvalidCastException)
        {
            file?.Dispose();
            throw MagicBellException.Invalid($"The checkpoint '{path}' cannot be used: {failure.Message}");
        }
    }

    /// <summary>The tokens of a list that was read before; null where it was not.</summary>
    /// <param name="project">The project.</param>
    /// <param name="userId">The user; null for the project's own list.</param>
    public IReadOnlyList<ListedTokenRecord>? Find(string project, string? userId)
    {
        lock (_gate)
        {
            return _lists.TryGetValue((project, userId ?? ProjectList), out IReadOnlyList<ListedTokenRecord>? tokens) ? tokens : null;
        }
    }

    /// <summary>Writes a list down: in the file when this returns.</summary>
    /// <param name="project">The project.</param>
    /// <param name="userId">The user; null for the project's own list.</param>
    /// <param name="tokens">What is in it. Fields that the API's document does not name are left out.</param>
    /// <param name="hide">Takes tokens' values out of a name.</param>
    /// <exception cref="IOException">It could not be written.</exception>
    public void Add(string project, string? userId, IEnumerable<ListedTokenRecord> tokens, Func<string, string> hide)
    {
        lock (_gate)
        {
            Write(new
            {
                project,
                list = userId ?? ProjectList,
                tokens = tokens.Select(token => new { id = token.Id, name = token.Name is null ? null : hide(token.Name), created = token.CreatedAt, expires = token.ExpiresAt, discarded = token.DiscardedAt, used = token.LastUsedAt }),
            });
        }
    }

    /// <summary>Says that the audit came to its end: the next one begins anew.</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    public void Complete()
    {
        lock (_gate)
        {
            Write(new { done = DateTimeOffset.UtcNow });
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    private void Write(object line)
    {
        byte[] bytes = s_utf8.GetBytes(JsonConvert.SerializeObject(line) + "\n");
        _file.Write(bytes, 0, bytes.Length);
        _file.Flush(flushToDisk: true);
    }

    /// <returns>Up to where the file is whole: a last line without its end was cut short. 0 where it is to be begun anew.</returns>
    private long Read(IReadOnlyCollection<string> projects)
    {
        var bytes = new byte[_file.Length];
        int length = 0;
        while (length < bytes.Length && _file.Read(bytes, length, bytes.Length - length) is > 0 and var read)
        {
            length += read;
        }

        int start = 0;
        string only = "";
        for (int end; start < length && (end = Array.IndexOf(bytes, (byte)'\n', start, length - start)) >= 0; start = end + 1)
        {
            using var reader = new JsonTextReader(new StringReader(s_utf8.GetString(bytes, start, end - start))) { DateParseHandling = DateParseHandling.None };
            JObject line = JObject.Load(reader);
            if (start == 0)
            {
                // Version 1 was of one project, and its lists did not say of which.
                string[]? own = (int?)line["v"] switch
                {
                    1 => [(string?)line["project"] ?? ""],
                    2 => line["projects"]?.Select(name => (string?)name ?? "").ToArray(),
                    _ => null,
                };
                if (own is null || line["begun"] is null)
                {
                    throw new FormatException("It is no checkpoint of an audit.");
                }

                if (!new HashSet<string>(own, StringComparer.Ordinal).SetEquals(projects))
                {
                    throw new FormatException($"It is of {Named(own)}, and this audit is of {Named(projects)}.");
                }

                only = own[0];

                BegunAt = Time(line["begun"])!.Value;
            }
            else if (line["done"] is not null)
            {
                _lists.Clear();
                return end + 1 == length ? 0 : throw new FormatException("Something stands in it after the end of an audit.");
            }
            else
            {
                _lists[((string?)line["project"] ?? only, (string)line["list"]!)] = [.. line["tokens"]!.Select(token => new ListedTokenRecord
                {
                    Id = (string?)token["id"],
                    Name = (string?)token["name"],
                    CreatedAt = Time(token["created"])!.Value,
                    ExpiresAt = Time(token["expires"]),
                    DiscardedAt = Time(token["discarded"]),
                    LastUsedAt = Time(token["used"]),
                })];
            }
        }

        // Half a first line can be anybody's, and so can what does not begin as the lines after it do.
        string rest = s_utf8.GetString(bytes, start, length - start);
        bool isOurs = start > 0 && Array.Exists(s_lineStarts, form => rest.StartsWith(form, StringComparison.Ordinal) || form.StartsWith(rest, StringComparison.Ordinal));
        return length > start && !isOurs ? throw new FormatException("It is no checkpoint of an audit.") : start;
    }

    private static string Named(IReadOnlyCollection<string> projects) => $"{(projects.Count == 1 ? "the project" : "the projects")} '{string.Join("', '", projects)}'";

    private static DateTimeOffset? Time(JToken? value) => (string?)value is { } text ? DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind) : null;
}
