using System;

namespace MagicBellJwt.Sandbox;

/// <summary>Ids that look like any other UUID and are the same for each run: SplitMix64 over the owner's name and the token's number.</summary>
internal sealed class SeedIds
{
    private const ulong Step = 0x9E3779B97F4A7C15;

    private readonly byte[] _bytes = new byte[16];
    private ulong _state;

    public SeedIds(string owner, int skip)
    {
        _state = 14695981039346656037;
        foreach (char letter in owner)
        {
            // FNV-1a: string.GetHashCode differs from process to process.
            _state = unchecked((_state ^ letter) * 1099511628211);
        }

        _state = unchecked(_state + (2 * (ulong)skip * Step));
    }

    public Guid Next()
    {
        Fill(0);
        Fill(8);
        _bytes[7] = (byte)((_bytes[7] & 0x0F) | 0x40); // version 4
        _bytes[8] = (byte)((_bytes[8] & 0x3F) | 0x80); // variant 1
        return new Guid(_bytes);
    }

    private void Fill(int at)
    {
        unchecked
        {
            _state += Step;
            ulong mixed = (_state ^ (_state >> 30)) * 0xBF58476D1CE4E5B9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
            mixed ^= mixed >> 31;
            for (int i = 0; i < 8; i++)
            {
                _bytes[at + i] = (byte)(mixed >> (8 * i));
            }
        }
    }
}
