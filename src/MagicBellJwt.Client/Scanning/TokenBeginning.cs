using System;
using System.Collections.Generic;
using System.Text;

namespace MagicBellJwt.Client;

/// <summary>How a token may begin in a file, as it is or in base64, and how to read on from there.</summary>
internal sealed class TokenBeginning
{
    // Each text has one of these, and they are rare in logs and code, the first ones most: the scanner looks for them first.
    private const string RareLetters = "JQXVYLUKWAI";

    // In base64: {" and a letter, then { with a space, a line break or a tab before the name; without an indent where that is "alg".
    private static readonly string[] s_plain = ["eyJ", "eyAi", "eyAg", "ewogI", "ewoiY", "ewoJ", "ew0K", "ewkiY"];

    private TokenBeginning(string text, int before, int[] skippedBits, bool isWide)
    {
        Text = text;
        Before = before;
        SkippedBits = skippedBits;
        IsWide = isWide;
        Rarest = text.IndexOf(RareLetters[IndexOfRarest(text)]);
    }

    /// <summary>The longest text, with the characters before it.</summary>
    public const int MaximumLength = 12;

    /// <summary>All of them, by the rarest letter in their text.</summary>
    public static IReadOnlyList<RareLetter> ByLetter { get; } = MakeAll();

    /// <summary>What stands in the file.</summary>
    public string Text { get; }

    /// <summary>Where the rarest letter of the text is.</summary>
    public int Rarest { get; }

    /// <summary>How many base64 characters before the text the token's first bits are in. What else is in these characters is not known.</summary>
    public int Before { get; }

    /// <summary>How many bits to skip in the first character, for each base64 around the token, the outermost first. Empty for a token as it is.</summary>
    public int[] SkippedBits { get; }

    /// <summary>Whether the text begins with the end of an escape that stands for the token's first letter.</summary>
    public bool IsEscaped { get; private init; }

    /// <summary>Whether what the base64 stands for is UTF-16, as in PowerShell's -EncodedCommand.</summary>
    public bool IsWide { get; }

    private static List<RareLetter> MakeAll()
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
        var byLetter = new List<RareLetter>();
        for (int i = 0; i < RareLetters.Length; i++)
        {
            byLetter.Add(new RareLetter(RareLetters[i], [.. all.FindAll(beginning => IndexOfRarest(beginning.Text) == i)]));
        }

        return byLetter;
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

    private static int IndexOfRarest(string text)
    {
        for (int i = 0; i < RareLetters.Length; i++)
        {
            if (text.IndexOf(RareLetters[i]) >= 0)
            {
                return i;
            }
        }

        throw new InvalidOperationException("No rare letter is in '" + text + "'.");
    }
}

/// <summary>A letter to look for, and what may stand beside it where a token begins.</summary>
internal sealed class RareLetter
{
    public RareLetter(char letter, TokenBeginning[] beginnings)
    {
        Letter = (byte)letter;
        Beginnings = beginnings;
        foreach (TokenBeginning beginning in beginnings)
        {
            bool isBefore = beginning.Rarest > 0;
            bool[] beside = isBefore ? Before : After;
            beside[beginning.Text[isBefore ? beginning.Rarest - 1 : 1]] = true;

            // As in UTF-16.
            beside[0] = true;
        }
    }

    public byte Letter { get; }

    public TokenBeginning[] Beginnings { get; }

    /// <summary>The bytes that may stand before it, for those beginnings whose first letter it is not.</summary>
    public bool[] Before { get; } = new bool[256];

    /// <summary>The bytes that may stand after it, for those beginnings whose first letter it is.</summary>
    public bool[] After { get; } = new bool[256];
}
