using System;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>What is hidden of a text that somebody gave, and what is not.</summary>
public class SecretShapeTests
{
    private static readonly string s_token = TokenText.User;

    [Theory]
    [InlineData("{0}")]
    [InlineData("Bearer {0}.")]
    [InlineData("a {0} b {0} c")]
    [InlineData("x://{0}")]
    [InlineData("eyJ {0}")]
    [InlineData("eyJ.eyJ.{0}")]
    [InlineData("sk_{0}")]
    public void A_token_is_hidden_wherever_it_stands(string text)
    {
        string given = string.Format(null, text, s_token);

        string shown = SecretShape.Hide(given);

        Assert.DoesNotContain(s_token.Split('.')[2], shown, StringComparison.Ordinal);
        Assert.True(SecretShape.IsIn(given));
        Assert.Equal(shown, SecretShape.Hide(shown));
    }

    [Theory]
    [InlineData(".")]
    [InlineData("%2E")]
    [InlineData("%2e")]
    [InlineData("&#46;")]
    [InlineData("&#x2e;")]
    [InlineData("\\u002E")]
    public void Its_fingerprint_is_shown_however_its_dots_are_written(string dot) =>
        Assert.Equal($"a [token {TokenFingerprint.Of(s_token)}]!", SecretShape.Hide($"a {s_token.Replace(".", dot, StringComparison.Ordinal)}!"));

    [Theory]
    [InlineData("sk_0123456789abcdef", "[secret key]")]
    [InlineData("a=sk_live_0123456789abcdef;", "a=[secret key];")]
    [InlineData("https://u:p@h/x", "https://[credentials]@h/x")]
    [InlineData("'http://u:p@ss@h:1/' failed", "'http://[credentials]@h:1/' failed")]
    [InlineData("socks5://u@h", "socks5://[credentials]@h")]
    public void Keys_and_credentials_are_hidden(string text, string shown)
    {
        Assert.Equal(shown, SecretShape.Hide(text));
        Assert.Equal(shown, SecretShape.Hide(shown));
    }

    [Theory]
    [InlineData("")]
    [InlineData("sk_")]
    [InlineData("sk_SK")]
    [InlineData("risk_management_of_everything")]
    [InlineData("eyJ")]
    [InlineData("eyJ.")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiIxIn0")]
    [InlineData("https://example.com/@hana")]
    [InlineData("https://example.com:8080 hana@example.com")]
    [InlineData("://")]
    [InlineData("://@")]
    public void What_is_none_of_them_stays(string text) => Assert.Same(text, SecretShape.Hide(text));
}
