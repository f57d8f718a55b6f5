using System;
using System.Management.Automation;
using System.Runtime.ExceptionServices;

namespace MagicBellJwt;

/// <summary>Writes an object to the pipeline, and knows whether somebody has it now.</summary>
internal static class Delivery
{
    /// <summary>Writes an object.</summary>
    /// <param name="write">The cmdlet's WriteObject.</param>
    /// <param name="isStopping">Whether the whole pipeline is being stopped, which takes nothing from it.</param>
    /// <returns>Whether the object was taken, and what ended the pipeline at it, if anything did.</returns>
    internal static (bool Taken, ExceptionDispatchInfo? End) Try(Action write, Func<bool> isStopping)
    {
        // Select-Object -First takes the object and then stops who feeds it; a command that fails has it too, and loses it. Both
        // come back as the same PipelineStoppedException, so what was thrown on the way has to tell them apart.
        bool stoppedUpstream = false;
        int thread = Environment.CurrentManagedThreadId;
        EventHandler<FirstChanceExceptionEventArgs> watch = (_, thrown) =>
        {
            if (Environment.CurrentManagedThreadId == thread && thrown.Exception is not PipelineStoppedException)
            {
                stoppedUpstream = thrown.Exception.GetType().Name == "StopUpstreamCommandsException";
            }
        };
        AppDomain.CurrentDomain.FirstChanceException += watch;
        try
        {
            write();
            return (true, null);
        }
        catch (Exception end)
        {
            // A Select-Object inside a script block downstream has thrown the same and was done with, when Ctrl+C ended the block.
            return (stoppedUpstream && !isStopping() && end is PipelineStoppedException or FlowControlException, ExceptionDispatchInfo.Capture(end));
        }
        finally
        {
            AppDomain.CurrentDomain.FirstChanceException -= watch;
        }
    }
}
