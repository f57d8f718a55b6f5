using System;
using System.Text.Json.Nodes;
using MagicBellJwt.Sandbox.Server;
using Xunit;

namespace MagicBellJwt.Client.Tests.Sandbox;

/// <summary>Faults as text and as JSON.</summary>
public sealed class FaultTextTests
{
    [Theory]
    [InlineData("* * delay ms=300")]
    [InlineData("POST /v2/jwt/project* reset-after-work every=7")]
    [InlineData("POST,DELETE * cut skip=1 every=2 times=3")]
    [InlineData("GET /v2/jwt/user/*?*limit=100* never-after-work")]
    [InlineData("* * drip ms=5")]
    [InlineData("* * refuse ms=1000")]
    [InlineData("* * answer status=429 retry-after=date-5")]
    [InlineData("* * answer-after-work status=502 body=html")]
    [InlineData("* * answer body=huge-chunked encoding=gzip")]
    [InlineData("* * answer extra-length=-3 retry-after=soon location=/x next=ring date-skew=-600")]
    [InlineData("* * answer next=https://elsewhere.invalid/v2?x=1")]
    public void A_fault_reads_back_from_its_own_text(string text)
    {
        Fault fault = Fault.Parse(text);

        Assert.Equal(text, fault.ToString());
        Assert.Equal(fault, Fault.Parse(fault.ToString()));
    }

    [Theory]
    [InlineData("GET * 503", "GET * answer status=503")]
    [InlineData("GET  *   503-after-work  body=empty ", "GET * answer-after-work status=503 body=empty")]
    [InlineData("GET * answer extra-length=+10", "GET * answer extra-length=10")]
    public void A_status_may_stand_for_the_kind(string text, string plain)
    {
        Assert.Equal(plain, Fault.Parse(text).ToString());
    }

    [Fact]
    public void JSON_says_the_same_as_text()
    {
        Fault expected = new() { Method = "POST", Path = "/v2/jwt/user", Kind = FaultKind.Reset, AfterWork = true, Skip = 1, Every = 7, Times = 2 };

        Assert.Equal(expected, Fault.Parse("POST /v2/jwt/user reset-after-work skip=1 every=7 times=2"));
        Assert.Equal(expected, Fault.Parse(JsonNode.Parse("""{"method":"POST","path":"/v2/jwt/user","kind":"reset","after-work":true,"skip":1,"every":7,"times":2}""")));
        Assert.Equal(expected, Fault.Parse(JsonNode.Parse("\"POST /v2/jwt/user reset-after-work skip=1 every=7 times=2\"")));
        Assert.Equal(new Fault { Kind = FaultKind.Answer, Body = FaultBody.NumberForDate }, Fault.Parse(JsonNode.Parse("""{"kind":"answer","body":"number-for-date"}""")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("GET *")]
    [InlineData("GET * explode")]
    [InlineData("GET * 99")]
    [InlineData("GET * 600")]
    [InlineData("GET * 0")]
    [InlineData("GET * reset colour=red")]
    [InlineData("GET * reset times")]
    [InlineData("GET * reset times=0")]
    [InlineData("GET * reset every=0")]
    [InlineData("GET * reset skip=-1")]
    [InlineData("GET * reset times=two")]
    [InlineData("GET * reset ms=5")]
    [InlineData("GET * reset body=html")]
    [InlineData("GET * delay")]
    [InlineData("GET * delay ms=-1")]
    [InlineData("GET * delay ms=5 status=503")]
    [InlineData("GET * answer")]
    [InlineData("GET * answer body=beautiful")]
    [InlineData("GET * answer body=2")]
    [InlineData("GET * answer next=sideways")]
    [InlineData("GET * 429 retry-after=date")]
    [InlineData("GET * 429 retry-after=date+soon")]
    public void A_fault_that_would_never_do_what_it_says_is_refused(string text)
    {
        Assert.Throws<FormatException>(() => Fault.Parse(text));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("7")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"kind":"reset","colour":"red"}""")]
    [InlineData("""{"kind":0}""")]
    public void JSON_that_is_no_fault_is_refused(string json)
    {
        Assert.Throws<FormatException>(() => Fault.Parse(JsonNode.Parse(json)));
    }
}
