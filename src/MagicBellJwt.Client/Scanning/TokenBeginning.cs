using System;
using System.Collections.Generic;
using System.Text;

namespace MagicBellJwt.Client;

/// <summary>How a token may begin in a file, as it is or in base64, and how to read on from there.</summary>
internal sealed class TokenBeginning
{
    // From rare to common in logs and code. A NUL is rare but in UTF-16, where a letter stands beside it.
    private const string ByFrequency = "JQXZVYKLUWGHBPMFIADCRNOTSE0123456789zqjxkvwybgpfmuhdclnosriaetew";

    // In base64: {" and a letter, then { with a space, a line break or a tab before the name; without an indent where that is "alg".
    private static readonly string[] s_plain = ["eyJ", "eyAi", "eyAg", "ewogI", "ewoiY", "ewoJ", "ew0K", "ewkiY"];

    private TokenBeginning(string text, int before, int[] skippedBits, bool isWide)
    {
        Text = text;
        Before = before;
        SkippedBits = skippedBits;
        IsWide = isWide;
    }

    /// <summary>The longest text, with the characters before it.</summary>
    public const int MaximumLength = 12;

    /// <summary>What kind of pair two bytes are, by what this machine reads them as: 0 where they belong to none of the texts.</summary>
    public static byte[] PairKinds { get; } = new byte[256 * 256];

    /// <summary>Where the texts have such a pair, by its kind.</summary>
    public static BeginningPair[][] PairsOfKind { get; } = MakePairs();

    /// <summary>What stands in the file.</summary>
    public string Text { get; }

    /// <summary>How many base64 characters before the text the token's first bits are in. What else is in these characters is not known.</summary>
    public int Before { get; }

    /// <summary>How many bits to skip in the first character, for each base64 around the token, the outermost first. Empty for a token as it is.</summary>
    public int[] SkippedBits { get; }

    /// <summary>Whether the text begins with the end of an escape that stands for the token's first letter.</summary>
    public bool IsEscaped { get; private init; }

    /// <summary>Whether what the base64 stands for is UTF-16, as in PowerShell's -EncodedCommand.</summary>
    public bool IsWide { get; }

    private static List<TokenBeginning> MakeAll()
    {
        var all = new List<TokenBeginning>();
        foreach (string text in s_plain)
        {
            all.Add(new TokenBeginning(text, 0, [], isWide: false));
        }

        // The first letter as an escape, \u0065 or %65 and &#101; or &#x65;, which the scanner looks for before these.
        all.Add(new TokenBeginning("5yJ", 0, [], isWide: false) { IsEscaped = true });
        all.Add(new TokenBeginning(";yJ", 0, [], isWide: false) { IsEscaped = true });

        // A token in base64 is common (Basic, a Secret of Kubernetes); in base64 twice it is what such a Secret makes of Docker's "auth".
        foreach (TokenBeginning once in InBase64("eyJ", 0, [], isWide: false))
        {
            all.Add(once);
            all.AddRange(InBase64(once.Text, once.Before, once.SkippedBits, isWide: false));
        }

        all.AddRange(InBase64("e\0y\0J\0", 0, [], isWide: true));
        return all;
    }

    // Base64 takes three bytes at a time, so there are three texts: the token may begin at the first, the second or the third.
    private static IEnumerable<TokenBeginning> InBase64(string text, int before, int[] skippedBits, bool isWide)
    {
        for (int place = 0; place < 3; place++)
        {
            int begins = 8 * place;
            int known = begins + 8 * before;
            int first = (known + 5) / 6;
            int end = (known + 8 * text.Length) / 6;
            string around = new string('\0', place + before) + text + "\0\0";
            string encoded = Convert.ToBase64String(Encoding.ASCII.GetBytes(around));
            yield return new TokenBeginning(encoded.Substring(first, end - first), first - begins / 6, [begins % 6, .. skippedBits], isWide);
        }
    }

    private static BeginningPair[][] MakePairs()
    {
        var kinds = new List<List<BeginningPair>> { new() };
        foreach (TokenBeginning beginning in MakeAll())
        {
            for (int stride = 1; stride <= 2; stride++)
            {
                // Each letter with a NUL behind it. Where the NULs stand before the letters, the one of the next letter is there.
                byte[] bytes = (stride == 1 ? Encoding.ASCII : Encoding.Unicode).GetBytes(beginning.Text);
                for (int parity = 0; parity < 2; parity++)
                {
                    int offset = RarestPair(bytes, parity);
                    int other = RarestBeside(bytes, offset);
                    int pair = BitConverter.ToUInt16(bytes, offset);
                    if (PairKinds[pair] == 0)
                    {
                        PairKinds[pair] = checked((byte)kinds.Count);
                        kinds.Add([]);
                    }

                    kinds[PairKinds[pair]].Add(new BeginningPair(beginning, offset, stride, other - offset, bytes[other]));
                }
            }
        }

        return [.. kinds.ConvertAll(pairs => pairs.ToArray())];
    }

    private static int RarestPair(byte[] bytes, int parity)
    {
        int rarest = parity;
        for (int offset = parity; offset + 1 < bytes.Length; offset += 2)
        {
            rarest = Frequency(bytes[offset]) * Frequency(bytes[offset + 1]) < Frequency(bytes[rarest]) * Frequency(bytes[rarest + 1]) ? offset : rarest;
        }

        return rarest;
    }

    private static int RarestBeside(byte[] bytes, int pair)
    {
        int rarest = pair == 0 ? 2 : 0;
        for (int offset = 0; offset < bytes.Length; offset++)
        {
            bool isOfPair = offset == pair || offset == pair + 1;
            rarest = !isOfPair && bytes[offset] != 0 && Frequency(bytes[offset]) < Frequency(bytes[rarest]) ? offset : rarest;
        }

        return rarest;
    }

    private static int Frequency(byte character) => 2 + ByFrequency.IndexOf((char)character);
}

/// <summary>Two bytes of a text with which a token may begin.</summary>
/// <param name="Beginning">The text.</param>
/// <param name="Offset">How many bytes are before them.</param>
/// <param name="Stride">The bytes of a character: with 2, one of the two is a NUL.</param>
/// <param name="OffsetOfOther">How far from them another byte of the text is.</param>
/// <param name="Other">That byte.</param>
internal readonly record struct BeginningPair(TokenBeginning Beginning, int Offset, int Stride, int OffsetOfOther, byte Other);
