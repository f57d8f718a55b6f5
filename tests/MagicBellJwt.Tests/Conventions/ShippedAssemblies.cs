using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using MagicBellJwt.Tests.Engine;

namespace MagicBellJwt.Tests.Conventions;

/// <summary>Our assemblies, as the built module loads them.</summary>
public sealed class ShippedAssemblies : IDisposable
{
    public ShippedAssemblies()
    {
        // A call on a sandbox loads every dependency.
        Engine.Run("Connect-MbProject -Sandbox").MustSucceed();
        Module = ((CmdletInfo)Engine.Run("Get-Command Get-MbSession").MustSucceed().Single().BaseObject).ImplementingType.Assembly;
        All = [Module, .. AssemblyLoadContext.All.Single(context => context.Name == "MagicBellJwt").Assemblies.Where(assembly => assembly.GetName().Name!.StartsWith("MagicBellJwt", StringComparison.Ordinal))];
    }

    /// <summary>The assembly with the cmdlets.</summary>
    public Assembly Module { get; }

    /// <summary>All assemblies of ours that the module ships.</summary>
    public IReadOnlyList<Assembly> All { get; }

    /// <summary>The cmdlets, with what they say about themselves.</summary>
    public IReadOnlyList<(Type Type, CmdletAttribute Cmdlet)> Cmdlets =>
        [.. Module.GetTypes().Select(type => (type, type.GetCustomAttribute<CmdletAttribute>()!)).Where(pair => pair.Item2 is not null)];

    /// <summary>Every type that somebody wrote.</summary>
    public IEnumerable<Type> Types => All.SelectMany(assembly => assembly.GetTypes()).Where(type => !IsGenerated(type));

    internal PowerShellEngine Engine { get; } = new();

    /// <summary>Every object of ours that others lead to, through all fields and collections.</summary>
    public IReadOnlyCollection<object> Reach(params IEnumerable<object?> roots)
    {
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var waiting = new Stack<object?>(roots);
        while (waiting.TryPop(out object? item))
        {
            if (item is null or string or Pointer || item.GetType().IsPrimitive || !seen.Add(item))
            {
                continue;
            }

            if (item is IEnumerable items and (IList or IDictionary))
            {
                items.Cast<object?>().ToList().ForEach(waiting.Push);
            }

            for (Type? type = item.GetType(); type is not null && All.Contains(type.Assembly); type = type.BaseType)
            {
                foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                {
                    waiting.Push(field.GetValue(item));
                }
            }
        }

        return [.. seen.Where(item => All.Contains(item.GetType().Assembly))];
    }

    public void Dispose() => Engine.Dispose();

    private static bool IsGenerated(Type type) =>
        type.IsDefined(typeof(CompilerGeneratedAttribute)) || type.Name.StartsWith('<') || type.Namespace is "System.Runtime.CompilerServices" or "System.Diagnostics.CodeAnalysis" or "Microsoft.CodeAnalysis"
        || (type.DeclaringType is { } outer && IsGenerated(outer));
}
