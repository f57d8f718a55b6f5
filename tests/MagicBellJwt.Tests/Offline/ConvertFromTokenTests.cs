using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Offline;

public sealed class ConvertFromTokenTests : IDisposable
{
    private readonly PowerShellEngine _engine = new();

    public void Dispose() => _engine.Dispose();

    [Theory]
    [InlineData("ConvertFrom-MbToken $text")]
    [InlineData("ConvertFrom-MbToken -Token $secure")]
    [InlineData("$text | ConvertFrom-MbToken")]
    [InlineData("$secure | ConvertFrom-MbToken")]
    [InlineData("\"`t$text`r`n\" | ConvertFrom-MbJwt")]
    [InlineData("[pscustomobject]@{ Token = $text } | ConvertFrom-MbToken")]
    [InlineData("[pscustomobject]@{ Token = $secure; Name = 'x' } | ConvertFrom-MbToken")]
    [InlineData("ConvertFrom-MbToken ([pscustomobject]@{ Token = $secure })")]
    [InlineData("$text, $secure | ForEach-Object { $_ } | ConvertFrom-MbToken -Verbose -Debug | Select-Object -First 1")]
    public void Says_what_the_token_says_in_whichever_form_it_comes(string script)
    {
        Run run = _engine.Run(script, ("text", TokenText.User), ("secure", Secret.Of(TokenText.User)));

        PSObject token = Assert.Single(run.MustSucceed());
        Assert.Equal("MagicBellJwt.DecodedToken", token.TypeNames[0]);
        Assert.Equal("User", token.Get<string>("Kind"));
        Assert.Equal("7c1f6fd0-9a0a-4a9e-9a57-0c7fd58bb0a1", token.Get<string>("Id"));
        Assert.Equal("usr_1", token.Get<string>("UserId"));
        Assert.Equal("hana@example.com", token.Get<string>("Email"));
        Assert.Equal("p1", token.Get<string>("Project"));
        Assert.Equal("HS256", token.Get<string>("Algorithm"));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1_750_000_000), token.Get<DateTimeOffset>("IssuedAt"));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(4_102_444_800), token.Get<DateTimeOffset>("ExpiresAt"));
        Assert.Matches("^in [0-9]+ years$", token.Get<string>("Expires"));
        Assert.Null(token.Properties["NotBefore"].Value);
        Assert.Equal(TokenText.Fingerprint(TokenText.User), token.Get<string>("Fingerprint"));
        Assert.Equal(TokenText.Fingerprint(TokenText.User), token.ToString());
        Secret.MustNotBeIn(run, _engine.Host, TokenText.User, TokenText.User.Split('.')[1], TokenText.User.Split('.')[2]);
    }

    [Fact]
    public void Claims_are_at_hand_by_name()
    {
        string token = TokenText.SignClaims("""{"user_email":"a@b.example","roles":["one","two"],"more":{"x":1.5},"none":null}""");

        IReadOnlyList<PSObject> values = _engine.Run(
            "$t = ConvertFrom-MbToken $text; $t.Claims.user_email; $t.Claims.roles[1]; $t.Claims.more.x; $t.Claims.Count; $null -eq $t.Claims.none; $t.Header.alg",
            ("text", token)).MustSucceed();

        Assert.Equal(["a@b.example", "two", 1.5, 4, true, "HS256"], values.Select(value => value.BaseObject));
    }

    // As Test-MbToken judges it: no number is no end, and not "never".
    [Theory]
    [InlineData("", "never")]
    [InlineData(",\"exp\":\"4102444800\"", "unreadable")]
    [InlineData(",\"exp\":[4102444800]", "unreadable")]
    [InlineData(",\"exp\":{}", "unreadable")]
    [InlineData(",\"exp\":true", "unreadable")]
    [InlineData(",\"exp\":null", "unreadable")]
    [InlineData(",\"exp\":1e400", "unreadable")]
    [InlineData(",\"exp\":-1e400", "unreadable")]
    [InlineData(",\"exp\":1e300", "never")]
    public void An_end_that_is_no_number_is_unreadable(string exp, string expires)
    {
        string token = TokenText.SignClaims($$"""{"user_email":"a@b.example","api_key":"pk_1"{{exp}}}""");
        IReadOnlyList<PSObject> values = _engine.Run(
            "(ConvertFrom-MbToken $text).Expires; ($text | Find-MbLeakedToken).Expires; $null -eq (ConvertFrom-MbToken $text).ExpiresAt; Test-MbToken $text $key",
            ("text", token),
            ("key", Secret.Of(TokenText.Key))).MustSucceed();
        Assert.Equal([expires, expires, true, expires == "never"], values.Select(value => value.BaseObject));
    }

    [Fact]
    public void What_New_MbUserToken_signed_is_understood()
    {
        PSObject token = Assert.Single(_engine.Run(
            "New-MbUserToken -Email hana@example.com -ExternalId 7 -ApiKey pk_1 -SecretKey $key -ExpiresIn 30d | ConvertFrom-MbToken",
            ("key", Secret.Of(TokenText.Key))).MustSucceed());

        Assert.Equal("User", token.Get<string>("Kind"));
        Assert.Equal("hana@example.com", token.Get<string>("Email"));
        Assert.Equal("7", token.Get<string>("ExternalId"));
        Assert.Equal("pk_1", token.Get<string>("ApiKey"));
        Assert.Equal("in 30 days", token.Get<string>("Expires"));
        Assert.Null(token.Properties["Id"].Value);
    }

    [Theory]
    [InlineData("ConvertFrom-MbToken $bad")]
    [InlineData("$bad | ConvertFrom-MbToken -Verbose -Debug")]
    [InlineData("ConvertFrom-MbToken $secure")]
    [InlineData("[pscustomobject]@{ access_token = $good } | ConvertFrom-MbToken")]
    [InlineData("[pscustomobject]@{ Token = @{ value = $good } } | ConvertFrom-MbToken")]
    [InlineData("@{ other = $good } | ConvertFrom-MbToken")]
    [InlineData("ConvertFrom-MbToken ''")]
    [InlineData("ConvertFrom-MbToken 5")]
    [InlineData("ConvertFrom-MbToken ($good + ' ' + $good)")]
    [InlineData("ConvertFrom-MbToken ($good * 1000)")]
    [InlineData("[System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize((New-MbUserToken -Email a@b.example -ApiKey pk_1 -SecretKey $key))) | ConvertFrom-MbToken")]
    public void What_is_no_token_is_an_error_that_does_not_repeat_it(string script)
    {
        string bad = TokenText.User[..^1] + "!";
        Run run = _engine.Run(script, ("bad", bad), ("secure", Secret.Of(bad)), ("good", TokenText.User), ("key", Secret.Of(TokenText.Key)));

        Assert.Empty(run.Output);
        ErrorRecord error = Assert.Single(run.Errors);
        Assert.Equal("MbInvalidRequest,MagicBellJwt.Commands.ConvertFromMbTokenCommand", error.FullyQualifiedErrorId);
        Assert.Equal(ErrorCategory.InvalidArgument, error.CategoryInfo.Category);
        Assert.Equal(1, error.TargetObject);
        Assert.NotEmpty(error.ErrorDetails.RecommendedAction);
        Secret.MustNotBeIn(run, _engine.Host, TokenText.User[..^1], TokenText.User.Split('.')[1]);
    }

    [Fact]
    public void The_others_of_a_pipeline_are_read_all_the_same()
    {
        Run run = _engine.Run("$good, 'x', $good | ConvertFrom-MbToken", ("good", TokenText.User));

        Assert.Equal(2, run.Output.Count);
        Assert.Equal(2, Assert.Single(run.Errors).TargetObject);
    }

    [Theory]
    [InlineData("ConvertFrom-MbToken $null")]
    [InlineData("$null | ConvertFrom-MbToken")]
    public void Nothing_is_no_token(string script)
    {
        Run run = _engine.Run(script);

        Assert.Empty(run.Output);
        Assert.Single(run.End is null ? run.Errors : [run.End]);
    }

    [Fact]
    public void A_person_is_asked_for_the_token_masked()
    {
        _engine.Host.Answer = field => field.ParameterTypeName == "SecureString" ? Secret.Of(TokenText.User) : null;
        Run run = _engine.Run("ConvertFrom-MbToken");

        Assert.Equal("usr_1", Assert.Single(run.MustSucceed()).Get<string>("UserId"));
        Secret.MustNotBeIn(run, _engine.Host, TokenText.User);
    }
}
