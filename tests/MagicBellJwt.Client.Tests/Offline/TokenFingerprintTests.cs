using System;
using Xunit;

namespace MagicBellJwt.Client.Tests.Offline;

public class TokenFingerprintTests
{
    [Theory]
    // From sha256sum.
    [InlineData("abc", "ba7816bf8f01")]
    [InlineData("", "e3b0c44298fc")]
    [InlineData("é😀", "1184d1f60815")]
    public void Is_the_start_of_SHA256_over_UTF8(string text, string fingerprint) => Assert.Equal(fingerprint, TokenFingerprint.Of(text));

    [Fact]
    public void Null_has_none() => Assert.Throws<ArgumentNullException>(() => TokenFingerprint.Of(null!));
}
