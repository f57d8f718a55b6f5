using System;
using System.Management.Automation;
using MagicBellJwt.Client;

namespace MagicBellJwt;

/// <summary>Lets a Session parameter take a session's name.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
public sealed class SessionAttribute : ArgumentTransformationAttribute
{
    /// <summary>Finds the session of a name.</summary>
    /// <param name="engineIntrinsics">Not used.</param>
    /// <param name="inputData">A session, or the name of one of this runspace.</param>
    /// <returns>The session.</returns>
    /// <exception cref="ArgumentTransformationMetadataException">No session has this name.</exception>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        if (inputData is PSObject copy && copy.TypeNames.Contains("Deserialized." + typeof(Session).FullName))
        {
            throw new ArgumentTransformationMetadataException("This is a copy of a session of another process, such as the one that started this job, and cannot be used. Connect inside the job: Connect-MbProject.");
        }

        object? value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        if (value is not string name)
        {
            return value;
        }

        try
        {
            return SessionStore.Current.Find(name);
        }
        catch (MagicBellException failure)
        {
            throw new ArgumentTransformationMetadataException(failure.Message + " Get-MbSession lists them.", failure);
        }
    }
}
