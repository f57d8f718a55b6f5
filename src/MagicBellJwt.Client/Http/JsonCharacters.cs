using Newtonsoft.Json;

namespace MagicBellJwt.Client;

/// <summary>Character buffers for JSON, used again from page to page.</summary>
/// <remarks>One buffer a thread is what a reader takes at a time; System.Buffers would be one more assembly to ship.</remarks>
internal sealed class JsonCharacters : IArrayPool<char>
{
    internal static readonly JsonCharacters Pool = new();

    [System.ThreadStatic]
    private static char[]? s_kept;

    /// <inheritdoc/>
    public char[] Rent(int minimumLength)
    {
        char[]? kept = s_kept;
        if (kept is not null && kept.Length >= minimumLength)
        {
            s_kept = null;
            return kept;
        }

        return new char[minimumLength];
    }

    /// <inheritdoc/>
    public void Return(char[]? array)
    {
        if (array is { Length: <= 65536 })
        {
            // It held a token's value, which must not stay in memory longer than needed.
            System.Array.Clear(array, 0, array.Length);
            s_kept = array;
        }
    }
}
