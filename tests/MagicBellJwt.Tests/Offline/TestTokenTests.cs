using System;
using System.Linq;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Offline;

public sealed class TestTokenTests : IDisposable
{
    private readonly PowerShellEngine _engine = new();

    public void Dispose() => _engine.Dispose();

    [Theory]
    [InlineData("Test-MbToken $text $key", true)]
    [InlineData("Test-MbJwt -Token $secure -SecretKey $key", true)]
    [InlineData("$text | Test-MbToken -SecretKey $key", true)]
    [InlineData("[pscustomobject]@{ Token = $secure } | Test-MbToken -SecretKey $key", true)]
    [InlineData("New-MbUserToken -Email a@b.example -ApiKey pk_1 -SecretKey $key | Test-MbToken -SecretKey $key", true)]
    [InlineData("New-MbUserToken -Email a@b.example -ApiKey pk_1 -SecretKey $key -AsPlainText | Test-MbToken -SecretKey $key", true)]
    [InlineData("Test-MbToken $text $otherKey", false)]
    [InlineData("Test-MbToken ($text + ' ') $key", true)]
    [InlineData("Test-MbToken ($text + '=') $key", false)]
    [InlineData("Test-MbToken $text.ToUpperInvariant() $key", false)]
    [InlineData("Test-MbToken '' $key", false)]
    [InlineData("Test-MbToken 5 $key", false)]
    [InlineData("[pscustomobject]@{ access_token = $text } | Test-MbToken -SecretKey $key", false)]
    public void Answers_with_a_Boolean_and_nothing_else(string script, bool expected)
    {
        Run run = _engine.Run(
            script + " -Verbose",
            ("text", TokenText.User),
            ("secure", Secret.Of(TokenText.User)),
            ("key", Secret.Of(TokenText.Key)),
            ("otherKey", Secret.Of("sk_other")));

        Assert.Equal(expected, Assert.Single(run.MustSucceed()).BaseObject);
        Assert.Equal(expected, run.Verbose.Count == 0);
        Secret.MustNotBeIn(run, _engine.Host, TokenText.User, TokenText.User.Split('.')[2], TokenText.Key);
    }

    [Theory]
    [InlineData("""{"alg":"none"}""", "{}", "Its header does not name the algorithm HS256.")]
    [InlineData("""{"alg":"HS256","crit":["x"],"x":1}""", "{}", "Its header has the member 'crit', which changes how the rest is to be read.")]
    [InlineData("""{"alg":"HS256"}""", """{"exp":1750000000}""", "It has expired (exp).")]
    [InlineData("""{"alg":"HS256"}""", """{"nbf":4102444800}""", "It is not valid yet (nbf).")]
    [InlineData("""{"alg":"HS256"}""", """{"iat":4102444800}""", "It says that it was issued in the future (iat).")]
    [InlineData("""{"alg":"HS256"}""", """{"exp":"soon"}""", "One of its claims exp, nbf and iat is not a number.")]
    public void Verbose_says_why_not(string header, string claims, string reason)
    {
        Run run = _engine.Run("Test-MbToken $text $key -Verbose", ("text", TokenText.SignClaims(claims, header)), ("key", Secret.Of(TokenText.Key)));

        Assert.Equal(false, Assert.Single(run.MustSucceed()).BaseObject);
        Assert.Equal(reason, Assert.Single(run.Verbose));
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("-ClockSkew 5m", false)]
    [InlineData("-ClockSkew 2h", true)]
    [InlineData("-ClockSkew '02:00:00'", true)]
    public void A_clock_skew_stretches_the_times(string skew, bool expected)
    {
        string token = TokenText.SignClaims($$"""{"exp":{{DateTimeOffset.UtcNow.AddHours(-1).ToUnixTimeSeconds()}}}""");

        Assert.Equal(expected, Assert.Single(_engine.Run("Test-MbToken $text $key " + skew, ("text", token), ("key", Secret.Of(TokenText.Key))).MustSucceed()).BaseObject);
    }

    [Theory]
    [InlineData("Test-MbToken $text $emptyKey", "MbInvalidRequest")]
    [InlineData("Test-MbToken $text $publicKey", "MbInvalidRequest")]
    [InlineData("$text | Test-MbToken -SecretKey $pem", "MbInvalidRequest")]
    [InlineData("New-MbUserToken a@b.example -ApiKey $secretAsPublic -SecretKey $key", "MbInvalidRequest")]
    [InlineData("'a@b.example', 'c@d.example' | New-MbUserToken -ApiKey pk_1 -SecretKey $publicKey", "MbInvalidRequest")]
    [InlineData("New-MbUserToken a@b.example -ApiKey pk_1 -SecretKey $pem", "MbInvalidRequest")]
    [InlineData("Test-MbToken $text $key -ClockSkew '-00:00:01'", "MbInvalidRequest")]
    [InlineData("Test-MbToken $text $key -ClockSkew 60", "ParameterArgumentTransformationError")]
    [InlineData("Test-MbToken $text $plainKey", "ParameterArgumentTransformationError")]
    [InlineData("$text | Test-MbToken -SecretKey $plainKey", "ParameterArgumentTransformationError")]
    [InlineData("Test-MbToken $text $null", "ParameterArgumentValidationError")]
    public void What_cannot_be_judged_is_an_error_that_repeats_no_secret(string script, string id)
    {
        Run run = _engine.Run(
            script,
            ("text", TokenText.User),
            ("key", Secret.Of(TokenText.Key)),
            ("plainKey", TokenText.Key),
            ("secretAsPublic", "sk_canary0123456789"),
            ("publicKey", Secret.Of("pk_canary0123456789")),
            ("pem", Secret.Of("-----BEGIN PUBLIC KEY-----\ncanary0123456789\n-----END PUBLIC KEY-----")),
            ("emptyKey", Secret.Of("")));

        Assert.Empty(run.Output);
        Assert.StartsWith(id, run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Secret.MustNotBeIn(run, _engine.Host, TokenText.User, TokenText.User.Split('.')[2], TokenText.Key, "canary0123456789");
    }

    [Fact]
    public void Judges_each_of_a_pipeline()
    {
        Run run = _engine.Run("$good, 'x', $good | Test-MbToken -SecretKey $key", ("good", TokenText.User), ("key", Secret.Of(TokenText.Key)));

        Assert.Equal([true, false, true], run.MustSucceed().Select(answer => answer.BaseObject));
    }
}
