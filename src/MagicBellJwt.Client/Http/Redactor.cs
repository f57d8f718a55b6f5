using System;
using System.Text;
using System.Text.RegularExpressions;

namespace MagicBellJwt.Client;

/// <summary>Makes text of a server fit for a wall: no token, no key, no control character, not too long.</summary>
public sealed class Redactor
{
    private const int MaximumLength = 300;
    private const string Redacted = "[redacted]";

    // A JWT, whole or cut short, and the vendor's secret keys, behind an escape of an address too: %2Fsk_ has no boundary between F and s.
    private static readonly Regex s_secret = new(
        @"eyJ[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*){0,4}|(\b|(?<=%[0-9A-Fa-f]{2}))sk_[A-Za-z0-9_-]+",
        RegexOptions.CultureInvariant,
        TimeSpan.FromSeconds(1));

    // Each secret as it is, and as it stands in an address.
    private readonly string[] _secrets;

    /// <summary>Makes a redactor.</summary>
    /// <param name="secret">What must not be seen, whatever it looks like, besides JWTs and secret keys; null for nothing else.</param>
    public Redactor(string? secret = null)
        : this(string.IsNullOrEmpty(secret) ? [] : [secret!, Uri.EscapeDataString(secret)])
    {
    }

    private Redactor(string[] secrets) => _secrets = secrets;

    /// <summary>A redactor that hides another secret too.</summary>
    /// <param name="secret">The other secret.</param>
    public Redactor With(string secret) => new([.. _secrets, .. new Redactor(secret)._secrets]);

    /// <summary>The text without secrets and control characters.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="maximumLength">How many characters to keep; 300 unless given.</param>
    public string Clean(string text, int maximumLength = MaximumLength)
    {
        foreach (string secret in _secrets)
        {
            text = text.Replace(secret, Redacted);
        }

        if (text.IndexOf("eyJ", StringComparison.Ordinal) >= 0 || text.IndexOf("sk_", StringComparison.Ordinal) >= 0)
        {
            // Every secret begins with one of these; a search for them is much less work than the pattern.
            text = s_secret.Replace(text, Redacted);
        }

        var clean = new StringBuilder(Math.Min(text.Length, maximumLength));
        foreach (char character in text)
        {
            if (clean.Length == maximumLength)
            {
                clean.Append('…');
                break;
            }

            clean.Append(char.IsControl(character) ? ' ' : character);
        }

        return clean.ToString();
    }
}
