using System;
using System.Linq;
using System.Management.Automation;
using System.Reflection;

namespace MagicBellJwt.Tests.Engine;

/// <summary>Select-Object -First, which the engine package leaves out: ends those who feed it by the very exception that the real one throws.</summary>
[Cmdlet(VerbsCommon.Select, "First")]
public sealed class SelectFirstCommand : PSCmdlet
{
    private int _taken;

    [Parameter(Position = 0)]
    public int First { get; set; } = 1;

    [Parameter(ValueFromPipeline = true)]
    public PSObject? InputObject { get; set; }

    protected override void ProcessRecord()
    {
        WriteObject(InputObject);
        if (++_taken == First)
        {
            Type type = typeof(PSObject).Assembly.GetType("System.Management.Automation.StopUpstreamCommandsException", throwOnError: true)!;
            throw (Exception)type.GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Single().Invoke([this]);
        }
    }
}
