using System;
using System.Management.Automation;
using System.Security;
using System.Text;
using MagicBellJwt.Client;

namespace MagicBellJwt.Rotation;

/// <summary>What a store gives back, as text.</summary>
internal static class SecretText
{
    /// <summary>A secret as text, without the line break that a file may end with; null where it is no text.</summary>
    internal static string? Of(object? secret)
    {
        try
        {
            return ((secret is PSObject wrapped ? wrapped.BaseObject : secret) switch
            {
                SecureString secure => SecureText.Reveal(secure),
                string text => text,
                _ => null,
            })?.TrimEnd('\r', '\n');
        }
        catch (ObjectDisposedException)
        {
            // A script may dispose what it gives back: then it holds nothing.
            return null;
        }
    }

    /// <summary>Whether a store gave back this very value, compared as a whole.</summary>
    internal static bool IsSame(object? stored, string value)
    {
        byte[] left = Encoding.UTF8.GetBytes(Of(stored) ?? "");
        byte[] right = Encoding.UTF8.GetBytes(value);
        bool isSame = ConstantTime.AreEqual(left, right);
        Array.Clear(left, 0, left.Length);
        Array.Clear(right, 0, right.Length);
        return isSame;
    }
}
