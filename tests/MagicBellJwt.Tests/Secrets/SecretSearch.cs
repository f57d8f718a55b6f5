using System;
using System.Buffers;
using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Reflection;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace MagicBellJwt.Tests.Secrets;

/// <summary>Looks for secrets in whatever came out of the module.</summary>
/// <remarks>What it finds it tells by place, and never by value.</remarks>
internal sealed class SecretSearch
{
    private static readonly ConcurrentDictionary<Type, PropertyInfo[]> s_properties = new();
    private static readonly ConcurrentDictionary<Type, bool> s_collections = new();

    private readonly SecretForms[] _forms;
    private readonly HashSet<object> _serialised = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<object, int> _walked = new(ReferenceEqualityComparer.Instance);
    private readonly List<string> _places = [];

    public SecretSearch(params IEnumerable<SecretForms> secrets) => _forms = [.. secrets];

    /// <summary>Where something was found.</summary>
    public IReadOnlyList<string> Places => _places;

    /// <summary>How many texts were looked at.</summary>
    public int Texts { get; private set; }

    /// <summary>Asserts that nothing was found.</summary>
    public void MustBeEmpty() => Assert.True(_places.Count == 0, $"A secret is in {string.Join(", in ", _places.Distinct().Take(10))}.");

    /// <summary>Looks at a text.</summary>
    public void In(string place, string? text)
    {
        Texts++;
        if (_forms.Any(forms => forms.AreIn(text)))
        {
            _places.Add(place);
        }
    }

    /// <summary>Looks at what a job, a remote session and Export-Clixml send of an object; of an error once, however often it is met.</summary>
    public void InSerialised(string place, object item)
    {
        if (_serialised.Add(item is PSObject { BaseObject: ErrorRecord error } ? error : item))
        {
            In(place + " as CLIXML", PSSerializer.Serialize(item, 2));
        }
    }

    /// <summary>Looks at an object's text and at those of everything that its properties lead to, public or not.</summary>
    public void InProperties(string place, object? item, int depth)
    {
        switch (item)
        {
            case null or bool or char or Enum or DateTime or DateTimeOffset or TimeSpan:
            case sbyte or byte or short or ushort or int or uint or long or ulong or nint or nuint or float or double or decimal:
                return;
            case PSObject { BaseObject: not PSCustomObject and var unwrapped }:
                InProperties(place, unwrapped, depth);
                return;
            case string text:
                In(place, text);
                return;
            case char[] characters:
                In(place, new string(characters));
                return;
            case byte[] bytes:
                In(place, Encoding.Latin1.GetString(bytes));
                In(place, Encoding.Unicode.GetString(bytes));
                return;
        }

        In(place, TextOf(item));
        if (depth == 0 || IsOpaque(item) || (!item.GetType().IsValueType && _walked.TryGetValue(item, out int before) && before >= depth))
        {
            return;
        }

        _walked[item] = depth;
        if (item is IDictionary entries)
        {
            foreach (DictionaryEntry entry in entries)
            {
                InProperties(place + "[key]", entry.Key, depth - 1);
                InProperties($"{place}[{(entry.Key is string key ? key : "…")}]", entry.Value, depth - 1);
            }
        }
        else if (item is IEnumerable items && IsCollection(item.GetType()))
        {
            foreach (object? element in items.Cast<object?>().ToArray())
            {
                InProperties(place + "[]", element, depth - 1);
            }
        }

        foreach (PropertyInfo property in PropertiesOf(item.GetType()))
        {
            InProperties($"{place}.{property.Name}", ValueOf(property, item), depth - 1);
        }
    }

    private static string? TextOf(object item)
    {
        try
        {
            return item.ToString();
        }
        catch (Exception failure)
        {
            // The engine has types whose text needs more than there is here; what they say instead is looked at.
            return failure.ToString();
        }
    }

    private static object? ValueOf(PropertyInfo property, object item)
    {
        try
        {
            return property.GetValue(item);
        }
        catch (TargetInvocationException failure)
        {
            return failure.InnerException!.ToString();
        }
    }

    // What must not be asked (a task's result is waited for), what is no object of a run, and the engine's own state: it leads to the
    // session's variables, in which the test itself put the secrets.
    private static bool IsOpaque(object item) =>
        item is Task or WaitHandle or Thread or MemberInfo or Assembly or Module or Delegate or Pointer or CommandInfo or PSModuleInfo or ProviderInfo
        || item.GetType().FullName == "System.Management.Automation.ExecutionContext";

    // Not every sequence: some begin work when they are asked.
    private static bool IsCollection(Type type) => s_collections.GetOrAdd(type, static type =>
        type.IsAssignableTo(typeof(ICollection)) || type.GetInterfaces().Any(face => face.IsGenericType && face.GetGenericTypeDefinition() == typeof(IReadOnlyCollection<>)));

    private static PropertyInfo[] PropertiesOf(Type type) => s_properties.GetOrAdd(type, static type =>
    {
        var properties = new List<PropertyInfo>();
        for (Type? declaring = type; declaring is not null; declaring = declaring.BaseType)
        {
            properties.AddRange(declaring
                .GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
                .Where(property => property.CanRead && property.GetIndexParameters().Length == 0 && !property.PropertyType.IsByRef && !property.PropertyType.IsByRefLike && !property.PropertyType.IsPointer));
        }

        return [.. properties];
    });
}

/// <summary>Secrets as text, as hex of UTF-8 and of UTF-16, and as base64 of both at each alignment. To make it takes longer than most searches: it is made once for many.</summary>
internal sealed class SecretForms
{
    // A piece is enough to find: whatever repeats twice as much of a secret repeats one whole.
    private const int PieceLength = 16;

    private readonly SearchValues<string> _forms;

    public SecretForms(params IEnumerable<string> secrets) =>
        _forms = SearchValues.Create([.. secrets.SelectMany(PiecesOf).Distinct().SelectMany(FormsOf).Distinct()], StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether any of them is in a text.</summary>
    public bool AreIn(string? text) => text.AsSpan().ContainsAny(_forms);

    private static IEnumerable<string> PiecesOf(string secret) => secret.Length <= PieceLength
        ? [secret]
        : secret.Chunk(PieceLength).Where(piece => piece.Length == PieceLength).Select(piece => new string(piece)).Append(secret[^PieceLength..]);

    private static IEnumerable<string> FormsOf(string piece)
    {
        yield return piece;
        foreach (byte[] bytes in new[] { Encoding.UTF8.GetBytes(piece), Encoding.Unicode.GetBytes(piece) })
        {
            yield return Convert.ToHexString(bytes);
            yield return BitConverter.ToString(bytes);
            for (int before = 0; before < 3; before++)
            {
                // Behind one or two bytes of something else; a digit that shares bits with what is around it is left out.
                string base64 = Convert.ToBase64String([.. new byte[before], .. bytes])[(before + (before > 0 ? 1 : 0))..((before + bytes.Length) * 8 / 6)];
                yield return base64;
                yield return base64.Replace('+', '-').Replace('/', '_');
            }
        }
    }
}
