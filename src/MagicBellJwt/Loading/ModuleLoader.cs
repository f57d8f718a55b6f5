using System.Management.Automation;

namespace MagicBellJwt.Loading;

/// <summary>Hooks the resolution of the module's own dependencies while the module is imported.</summary>
/// <remarks>PowerShell calls this once for each runspace that imports or removes the module.</remarks>
public sealed class ModuleLoader : IModuleAssemblyInitializer, IModuleAssemblyCleanup
{
    /// <summary>Called by Import-Module. Loads nothing: only the first call of a cmdlet that needs a dependency pays for it.</summary>
    public void OnImport() => DependencyResolver.Hook();

    /// <summary>Called by Remove-Module, and by Import-Module -Force before it imports again.</summary>
    /// <param name="psModuleInfo">The module that is removed.</param>
    public void OnRemove(PSModuleInfo psModuleInfo) => DependencyResolver.Unhook();
}
