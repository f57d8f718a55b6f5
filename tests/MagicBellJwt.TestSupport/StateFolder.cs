using System;
using System.Diagnostics.CodeAnalysis;
using System.IO;
using System.Runtime.CompilerServices;

namespace MagicBellJwt.TestSupport;

/// <summary>Keeps what tests record out of the account's own folders, in their processes and in those that they start.</summary>
internal static class StateFolder
{
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "Nothing else comes before the first test of every assembly.")]
    internal static void MoveAway()
    {
        // Where the platform has no such variable the folder stays where it is.
        string folder = Path.Combine(Path.GetTempPath(), "MagicBellJwt-tests-" + Environment.ProcessId);
        Environment.SetEnvironmentVariable("XDG_STATE_HOME", folder);
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        };
    }
}
