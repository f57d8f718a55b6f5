using System;
using System.Management.Automation;
using System.Security;

namespace MagicBellJwt;

/// <summary>Lets a SecureString parameter take a token in each form in which tokens are at hand.</summary>
/// <remarks>
/// It refuses nothing: an error of the binder keeps what it could not bind, and that may hold a token. What is no token becomes an
/// empty text, and the cmdlet says so.
/// </remarks>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
public sealed class TokenTextAttribute : ArgumentTransformationAttribute
{
    // A SecureString holds no more, and no token is that long.
    private const int MaximumLength = 65_536;

    /// <summary>Finds the token in what was given.</summary>
    /// <param name="engineIntrinsics">Not used.</param>
    /// <param name="inputData">A SecureString, text, or an object that has one of them as its Token.</param>
    /// <returns>The token as a SecureString; empty where there is none.</returns>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        object? value = BaseOf(inputData);
        if (value is null)
        {
            return null;
        }

        if (value is not (SecureString or string))
        {
            value = BaseOf(PSObject.AsPSObject(inputData).Properties["Token"]?.Value);
        }

        return value as SecureString ?? SecureText.Protect(value is string { Length: <= MaximumLength } text ? text : string.Empty);
    }

    private static object? BaseOf(object? value) => value is PSObject wrapped ? wrapped.BaseObject : value;
}
