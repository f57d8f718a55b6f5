using System;
using System.Runtime.CompilerServices;

namespace MagicBellJwt.Client;

/// <summary>Comparison of secrets; netstandard2.0 has none of its own.</summary>
public static class ConstantTime
{
    /// <summary>Whether both hold the same bytes, in a time that depends on their lengths only.</summary>
    /// <exception cref="ArgumentNullException">One of them is null.</exception>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)]
    public static bool AreEqual(byte[] left, byte[] right)
    {
        if (left is null)
        {
            throw new ArgumentNullException(nameof(left));
        }

        if (right is null)
        {
            throw new ArgumentNullException(nameof(right));
        }

        if (left.Length != right.Length)
        {
            return false;
        }

        int difference = 0;
        for (int i = 0; i < left.Length; i++)
        {
            difference |= left[i] ^ right[i];
        }

        return difference == 0;
    }
}
