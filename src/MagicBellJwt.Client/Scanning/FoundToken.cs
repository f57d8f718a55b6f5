namespace MagicBellJwt.Client;

/// <summary>A token that stood in a text, and where.</summary>
public sealed class FoundToken
{
    internal FoundToken(long line, long column, string value, JsonWebToken token)
    {
        Line = line;
        Column = column;
        Value = value;
        Token = token;
    }

    /// <summary>The line it stands in, from 1. Lines end with a line feed.</summary>
    public long Line { get; }

    /// <summary>Where in the line it begins, from 1, in UTF-16 units as editors count. Bytes of other encodings than UTF-8 and UTF-16 are counted one by one.</summary>
    public long Column { get; }

    /// <summary>The token itself, to make a fingerprint of or to test it with. Neither to be shown nor to be kept.</summary>
    public string Value { get; }

    /// <summary>What it says about itself, unverified.</summary>
    public JsonWebToken Token { get; }
}
