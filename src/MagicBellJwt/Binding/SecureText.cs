using System;
using System.Management.Automation;
using System.Net;
using System.Runtime.InteropServices;
using System.Security;
using System.Text;

namespace MagicBellJwt;

/// <summary>The way into and out of a SecureString, in one place.</summary>
internal static class SecureText
{
    /// <summary>A read-only SecureString of this text, at most 65,536 characters.</summary>
    public static SecureString Protect(string text)
    {
        // NetworkCredential fills it in one go; AppendChar encrypts the whole text again for each character.
        SecureString secure = new NetworkCredential(string.Empty, text).SecurePassword;
        secure.MakeReadOnly();
        return secure;
    }

    /// <summary>
    /// The same SecureString, outside Windows in a wrapper that PowerShell serialises without the value: it would write a SecureString as text
    /// that anybody can read, whatever object that was copied to. Commands and methods see through the wrapper.
    /// </summary>
    public static object Unserialisable(SecureString secure)
    {
        if (RuntimeInformation.IsOSPlatform(OSPlatform.Windows))
        {
            // On Windows it is encrypted for the user.
            return secure;
        }

        // Wrapped twice: the engine unwraps one PSObject and would find the SecureString before it looks at the type name.
        var wrapped = new PSObject(new PSObject(secure));
        wrapped.TypeNames.Insert(0, "MagicBellJwt.TokenValue");
        return wrapped;
    }

    /// <summary>The text. Hold it as short as possible: a string cannot be wiped.</summary>
    public static string Reveal(SecureString secure)
    {
        IntPtr text = Marshal.SecureStringToGlobalAllocUnicode(secure);
        try
        {
            return Marshal.PtrToStringUni(text, secure.Length);
        }
        finally
        {
            Marshal.ZeroFreeGlobalAllocUnicode(text);
        }
    }

    /// <summary>The value of a new token that was issued as a SecureString.</summary>
    public static string Reveal(IssuedToken issued) => Reveal((SecureString)PSObject.AsPSObject(issued.Token).BaseObject);

    /// <summary>A token's value as somebody gave it, without what is around it: see <see cref="InputText.Token"/>.</summary>
    public static string RevealToken(SecureString secure) => InputText.Token(Reveal(secure));

    /// <summary>The UTF-8 of a key, without what is around it: no string is made on the way, and the caller clears the array when done.</summary>
    public static byte[] RevealKey(SecureString secure)
    {
        char[] characters = new char[secure.Length];
        IntPtr text = Marshal.SecureStringToGlobalAllocUnicode(secure);
        try
        {
            Marshal.Copy(text, characters, 0, characters.Length);
            (int start, int length) = InputText.Key(characters);
            return Encoding.UTF8.GetBytes(characters, start, length);
        }
        finally
        {
            Marshal.ZeroFreeGlobalAllocUnicode(text);
            Array.Clear(characters, 0, characters.Length);
        }
    }
}
