using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Reflection;
using System.Runtime.ExceptionServices;

namespace MagicBellJwt;

/// <summary>What ended a pipeline before its time.</summary>
internal enum PipelineEnd
{
    /// <summary>Nothing is recorded: it has not ended, or by <c>break</c> or <c>exit</c>, which leave no record.</summary>
    NotRecorded,

    /// <summary>A later command had enough, as Select-Object -First has.</summary>
    Satisfied,

    /// <summary>An error, or a stop such as Ctrl+C.</summary>
    Failed,
}

/// <summary>What the engine has recorded about the pipeline of a cmdlet.</summary>
/// <remarks>
/// The engine keeps the first error that ends a pipeline, and the objects that no command has taken yet, in members that are not public. They are the
/// same in Windows PowerShell 5.1 and PowerShell 7. Where a later version has others, nothing is recorded, and the cmdlet takes it for in doubt.
/// </remarks>
internal static class PipelineRecord
{
    /// <summary>What ended the pipeline, or one that takes its output: a function's pipeline ends by what ends its caller's.</summary>
    internal static PipelineEnd EndOf(ICommandRuntime command)
    {
        bool isStopped = false;
        object? asked = null;
        for (object? at = command; at is not null; at = Read(Read(Read(at, "OutputPipe"), "DownstreamCmdlet"), "CommandRuntime"))
        {
            object? pipeline = Read(at, "PipelineProcessor");
            if (pipeline is null || pipeline == asked)
            {
                continue;
            }

            asked = pipeline;
            object? first = Read(pipeline, "firstTerminatingError");
            switch (first is ExceptionDispatchInfo captured ? captured.SourceException : first)
            {
                case null when Read(pipeline, "terminatingErrorLogged") is true:
                    // The only record of a throw statement, and one for Dispose: it is written when all commands have ended.
                    return PipelineEnd.Failed;
                case null:
                    break;
                case PipelineStoppedException:
                    // A stop; or what the commands before one that failed, or had enough, get to see.
                    isStopped = true;
                    break;
                case Exception error:
                    return error.GetType().Name == "StopUpstreamCommandsException" ? PipelineEnd.Satisfied : PipelineEnd.Failed;
            }
        }

        return isStopped ? PipelineEnd.Failed : PipelineEnd.NotRecorded;
    }

    /// <summary>The objects that the cmdlet wrote and that wait, because of -OutBuffer, for the next command to take them.</summary>
    internal static IEnumerable<object> WaitingIn(ICommandRuntime command) =>
        (Read(Read(command, "OutputPipe"), "ObjectQueue") as IEnumerable)?.Cast<object>().ToArray() ?? [];

    /// <summary>Whether an earlier command of the pipeline has -PipelineVariable or -OutVariable: what a later one writes is paired with that variable's value then.</summary>
    internal static bool HasVariableBefore(ICommandRuntime command) =>
        RuntimesIn(command).TakeWhile(runtime => runtime != command)
            .Any(runtime => Read(runtime, "PipelineVariable") is string { Length: > 0 } || Read(runtime, "OutVariable") is string { Length: > 0 });

    /// <summary>The names of the commands of the pipeline that come after a cmdlet.</summary>
    internal static IEnumerable<string> NamesAfter(ICommandRuntime command) =>
        CommandsIn(command).SkipWhile(processor => Read(processor, "CommandRuntime") != command).Skip(1)
            .Select(processor => (Read(processor, "CommandInfo") as CommandInfo)?.Name ?? "");

    private static IEnumerable<object> RuntimesIn(ICommandRuntime command) => CommandsIn(command).Select(processor => Read(processor, "CommandRuntime")).OfType<object>();

    private static IEnumerable<object> CommandsIn(ICommandRuntime command) => (Read(Read(command, "PipelineProcessor"), "Commands") as IEnumerable)?.Cast<object>() ?? [];

    private static object? Read(object? target, string name)
    {
        const BindingFlags Flags = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.IgnoreCase;
        for (Type? type = target?.GetType(); type is not null; type = type.BaseType)
        {
            if (type.GetProperty(name, Flags | BindingFlags.DeclaredOnly) is { } property)
            {
                return property.GetValue(target);
            }

            if ((type.GetField(name, Flags | BindingFlags.DeclaredOnly) ?? type.GetField("_" + name, Flags | BindingFlags.DeclaredOnly)) is { } field)
            {
                return field.GetValue(target);
            }
        }

        return null;
    }
}
