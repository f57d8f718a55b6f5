using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;

namespace MagicBellJwt.Framework;

/// <summary>The module's loader, in the order in which Windows PowerShell runs it.</summary>
internal static class LoadingChecks
{
    private static readonly string[] s_shared = ["Newtonsoft.Json", "Polly.Core", "Microsoft.Bcl.AsyncInterfaces"];
    private static readonly string[] s_sameVersion = ["Polly.Core", "Microsoft.Bcl.AsyncInterfaces"];
    private static readonly bool s_mono = Type.GetType("Mono.Runtime") is not null;
    private static readonly string s_module = Repository.ModuleFolder;
    private static readonly string s_dependencies = Path.Combine(s_module, "dependencies") + Path.DirectorySeparatorChar;

    internal static void Run(Checks checks)
    {
        // Other modules were here before: older ones of the same names, as Import-Module loads them. Mono would give the module another's of the
        // very version that it refers to, without asking the resolver; .NET Framework keeps apart what LoadFrom loaded.
        foreach (string file in Directory.GetFiles(Path.Combine(AppDomain.CurrentDomain.BaseDirectory, "Foreign")).Where(file => !(s_mono && s_sameVersion.Contains(Path.GetFileNameWithoutExtension(file)))))
        {
            Assembly.LoadFrom(file);
        }

        Assembly module = Assembly.LoadFrom(Path.Combine(s_module, "MagicBellJwt.dll"));
        object loader = Activator.CreateInstance(module.GetType("MagicBellJwt.Loading.ModuleLoader", throwOnError: true))!;
        MethodInfo onRemove = loader.GetType().GetMethod("OnRemove")!;
        Call(loader, "OnImport");

        checks.Run("Import: every type of the module loads, as Import-Module loads them, and no dependency with it", () =>
        {
            Checks.True(module.GetTypes().Count(type => type.Name.EndsWith("Command", StringComparison.Ordinal)) > 10, "the cmdlets are there");
            Checks.Same([], Ours());
        });

        checks.Run("Import: a request of somebody else's is not answered", () =>
        {
            Checks.True(FailsToLoad("MagicBellJwt.Client"), "MagicBellJwt.Client is not given to this program");
            Checks.Same([], Ours());
        });

        checks.Run("First use: AssemblyResolve gives the module its client, and loads every dependency at once", () =>
        {
            Assembly client = ClientOf(module);
            Checks.Equal(s_dependencies + "MagicBellJwt.Client.dll", client.Location);
            Checks.Same(Directory.GetFiles(s_dependencies, "*.dll").Select(Path.GetFileName), Ours());
        });

        if (s_mono)
        {
            Console.WriteLine("not run on Mono, which finds an assembly by its name wherever it was loaded from: First use: others still get nothing");
        }
        else
        {
            checks.Run("First use: others still get nothing", () => Checks.True(FailsToLoad("MagicBellJwt.Client"), "MagicBellJwt.Client is not given to this program"));
        }

        checks.Run("Remove-Module: the handler goes, and comes back with the next import", () =>
        {
            onRemove.Invoke(loader, [null]);
            Checks.Equal(0, Handlers(module));
            Call(loader, "OnImport");
            Call(loader, "OnImport");
            Checks.Equal(1, Handlers(module));
            onRemove.Invoke(loader, [null]);
            Checks.Equal(1, Handlers(module));
        });

        // From here on the program stands for the module's own code: it is given what the module was given.
        AppDomain.CurrentDomain.AssemblyResolve += (_, request) =>
            request.RequestingAssembly == typeof(Program).Assembly
                ? Loaded().FirstOrDefault(assembly => assembly.GetName().Name == new AssemblyName(request.Name).Name)
                : null;
    }

    /// <summary>Whether what ran in between ran on the module's own assemblies.</summary>
    internal static void CheckAfterUse(Checks checks) => checks.Run("After use: the client ran on the module's assemblies, beside the older ones of others", () =>
    {
        foreach (string name in s_shared)
        {
            string[] places = [.. AppDomain.CurrentDomain.GetAssemblies().Where(assembly => assembly.GetName().Name == name).Select(assembly => assembly.Location)];
            Checks.Equal(s_mono && s_sameVersion.Contains(name) ? 1 : 2, places.Length);
            Checks.Equal(1, places.Count(place => place.StartsWith(s_dependencies, StringComparison.Ordinal)));
        }

        Checks.Equal("8.9.1", ClientChecks.PollyVersion().Split('+')[0]);
        Checks.True(ClientChecks.PollyLocation().StartsWith(s_dependencies, StringComparison.Ordinal), "Polly.Core is the module's");
    });

    private static Assembly ClientOf(Assembly module) =>
        module.GetType("MagicBellJwt.Session", throwOnError: true)!
            .GetFields(BindingFlags.Instance | BindingFlags.NonPublic)
            .Select(field => field.FieldType)
            .First(type => type.Name == "JwtService").Assembly;

    private static bool FailsToLoad(string name)
    {
        try
        {
            Assembly.Load(name);
            return false;
        }
        catch (FileNotFoundException)
        {
            return true;
        }
    }

    // The field behind the event, as each of the two runtimes calls it.
    private static int Handlers(Assembly module)
    {
        FieldInfo handlers = typeof(AppDomain).GetField(s_mono ? "AssemblyResolve" : "_AssemblyResolve", BindingFlags.Instance | BindingFlags.NonPublic)!;
        return (handlers.GetValue(AppDomain.CurrentDomain) as Delegate)?.GetInvocationList().Count(handler => handler.Method.DeclaringType!.Assembly == module) ?? 0;
    }

    private static void Call(object target, string method) => target.GetType().GetMethod(method)!.Invoke(target, null);

    private static IEnumerable<Assembly> Loaded() =>
        AppDomain.CurrentDomain.GetAssemblies().Where(assembly => !assembly.IsDynamic && assembly.Location.StartsWith(s_dependencies, StringComparison.Ordinal));

    private static IEnumerable<string> Ours() => Loaded().Select(assembly => Path.GetFileName(assembly.Location));
}
