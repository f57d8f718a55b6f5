using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>Lets a Session parameter take a session's name.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
public sealed class SessionAttribute : ArgumentTransformationAttribute
{
    internal const string CopyText = "This is a copy of a session of another process, such as the one that started this job, and cannot be used. Connect inside the job: Connect-MbProject.";

    /// <summary>Whether the parameter takes several sessions, their names, and wildcards of their names.</summary>
    public bool TakesSeveral { get; set; }

    /// <summary>Finds the session of a name.</summary>
    /// <param name="engineIntrinsics">Not used.</param>
    /// <param name="inputData">A session, or the name of one of this runspace; several where the parameter takes several.</param>
    /// <returns>The session, or the sessions, each once.</returns>
    /// <exception cref="ArgumentTransformationMetadataException">No session has this name, or matches this wildcard.</exception>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        if (!TakesSeveral || inputData is null)
        {
            return Find(inputData, name => [SessionStore.Current.Find(name)]).Single();
        }

        object?[] found = [.. (LanguagePrimitives.GetEnumerable(inputData)?.Cast<object?>() ?? [inputData]).SelectMany(item => Find(item, SessionStore.Current.FindAll)).Distinct()];
        return Array.TrueForAll(found, session => session is Session) ? Array.ConvertAll(found, session => (Session)session!) : found;
    }

    internal static bool IsCopy(PSObject item) => item.TypeNames.Contains("Deserialized." + typeof(Session).FullName);

    private static IReadOnlyList<object?> Find(object? inputData, Func<string, IReadOnlyList<Session>> find)
    {
        if (inputData is PSObject copy && IsCopy(copy))
        {
            throw new ArgumentTransformationMetadataException(CopyText);
        }

        object? value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        if (value is not string name)
        {
            return [value];
        }

        try
        {
            return find(name);
        }
        catch (MagicBellException failure)
        {
            throw new ArgumentTransformationMetadataException(failure.Message + " Get-MbSession lists them.", failure);
        }
    }
}
