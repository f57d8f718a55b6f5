using System;
using System.Collections.Generic;
using System.IO;
using System.Reflection;

namespace MagicBellJwt.Loading;

/// <summary>Gives the module, and nobody else, the assemblies of its <c>dependencies</c> folder.</summary>
/// <remarks>
/// An assembly is process-wide, so this is the module's only process-wide state: other modules may have loaded another
/// Newtonsoft.Json or Polly.Core, and neither side may get the other's.
/// </remarks>
internal static class DependencyResolver
{
    private static readonly object s_lock = new();
    private static readonly Assembly s_module = typeof(DependencyResolver).Assembly;

    private static Dictionary<string, Assembly>? s_loaded;
    private static int s_hooks;

    internal static void Hook()
    {
        lock (s_lock)
        {
            if (s_hooks++ == 0)
            {
                AppDomain.CurrentDomain.AssemblyResolve += Resolve;
            }
        }
    }

    internal static void Unhook()
    {
        lock (s_lock)
        {
            if (s_hooks > 0 && --s_hooks == 0)
            {
                AppDomain.CurrentDomain.AssemblyResolve -= Resolve;
            }
        }
    }

    private static Assembly? Resolve(object? sender, ResolveEventArgs arguments)
    {
        Assembly? requester = arguments.RequestingAssembly;
        if (requester is null)
        {
            return null;
        }

        lock (s_lock)
        {
            // Ours alone: another module's request for the same name is answered by its own resolver.
            if (requester != s_module && (s_loaded is null || !s_loaded.ContainsValue(requester)))
            {
                return null;
            }

            // Polly.Core 8.6 to 8.9 share one assembly version, so the default context would bind a foreign copy without
            // asking us. Whatever is in our own context already wins over it: hence all of them, before the first is used.
            s_loaded ??= LoadAll();

            var wanted = new AssemblyName(arguments.Name);
            return s_loaded.TryGetValue(wanted.Name!, out Assembly? shipped) && shipped.GetName().Version >= wanted.Version
                ? shipped
                : null;
        }
    }

    private static Dictionary<string, Assembly> LoadAll()
    {
        string folder = Path.Combine(Path.GetDirectoryName(s_module.Location)!, "dependencies");
        Type? contextType = Type.GetType("System.Runtime.Loader.AssemblyLoadContext, System.Runtime.Loader");

        // .NET has the System.* assemblies itself, and a second copy would be a second ValueTask; .NET Framework lacks them.
        bool frameworkHasSystem = contextType is not null;
        Func<string, Assembly> load = contextType is null ? Assembly.LoadFile : LoaderOf(contextType);

        var loaded = new Dictionary<string, Assembly>(StringComparer.OrdinalIgnoreCase);
        foreach (string file in Directory.GetFiles(folder, "*.dll"))
        {
            string name = Path.GetFileNameWithoutExtension(file);
            if (!(frameworkHasSystem && name.StartsWith("System.", StringComparison.Ordinal)))
            {
                loaded.Add(name, load(file));
            }
        }

        return loaded;
    }

    // By reflection: Windows PowerShell has no such type, and fails to import an assembly that mentions it.
    private static Func<string, Assembly> LoaderOf(Type contextType)
    {
        object context = Activator.CreateInstance(contextType, "MagicBellJwt", false)!;
        return (Func<string, Assembly>)Delegate.CreateDelegate(typeof(Func<string, Assembly>), context, "LoadFromAssemblyPath");
    }
}
