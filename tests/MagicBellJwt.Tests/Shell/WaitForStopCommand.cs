using System;
using System.Management.Automation;
using System.Threading;

namespace MagicBellJwt.Tests.Shell;

/// <summary>A cmdlet that runs until it is stopped, as one that waits for an answer does; it says so when it begins and when it is stopped.</summary>
[Cmdlet(VerbsLifecycle.Wait, "ForStop")]
public sealed class WaitForStopCommand : PSCmdlet, IDisposable
{
    private readonly ManualResetEventSlim stopped = new();

    protected override void ProcessRecord()
    {
        Host.UI.WriteLine("waiting");
        stopped.Wait();
        Host.UI.WriteLine("stopped");
    }

    protected override void StopProcessing() => stopped.Set();

    public void Dispose() => stopped.Dispose();
}
