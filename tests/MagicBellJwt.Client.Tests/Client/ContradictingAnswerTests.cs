using System;
using System.Linq;
using System.Threading.Tasks;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>An answer that says two things is none: which of them is true nobody can tell, and the wrong id would be revoked.</summary>
public class ContradictingAnswerTests
{
    private const string Other = "019b1b1e-0000-4b1b-8b1b-1b1b1b1b1b1b";
    private const string Date = "\"2021-01-01T00:00:00Z\"";

    public static TheoryData<string> Creates() =>
    [
        // Ids that disagree, in either order, and one that is none.
        $$"""{"token":"a-token","token_id":"{{Answers.Id}}","id":"{{Other}}","created_at":{{Date}}}""",
        $$"""{"token":"a-token","id":"{{Other}}","token_id":"{{Answers.Id}}","created_at":{{Date}}}""",
        $$"""{"token":"a-token","token_id":"ci","created_at":{{Date}}}""",
        $$"""{"token":"a-token","token_id":"{{Answers.Id[..35]}}","created_at":{{Date}}}""",
        $$"""{"token":"a-token","token_id":"[{{Answers.Id}}]","created_at":{{Date}}}""",
        $$"""{"token":"a-token","token_id":"{{Answers.Id.Replace("-", "", StringComparison.Ordinal)}}","created_at":{{Date}}}""",

        // A token that names another id as its own.
        "{\"token\":\"" + TokenText.SignClaims("{\"jti\":\"" + Other + "\"}") + "\",\"token_id\":\"" + Answers.Id + "\",\"created_at\":" + Date + "}",

        "{\"token\":\"" + TokenText.SignClaims("{\"jti\":\"{" + Other + "}\"}") + "\",\"token_id\":\"" + Answers.Id + "\",\"created_at\":" + Date + "}",
        "{\"token\":\"" + TokenText.SignClaims("{\"jti\":\"urn:uuid:" + Other + "\"}") + "\",\"token_id\":\"" + Answers.Id + "\",\"created_at\":" + Date + "}",

        // A name twice, wherever.
        $$"""{"token":"a-token","token":"b-token","token_id":"{{Answers.Id}}","created_at":{{Date}}}""",
        $$"""{"token":"a-token","token":"a-token","token_id":"{{Answers.Id}}","created_at":{{Date}}}""",
        $$"""{"token":"a-token","Token":"b-token","token_id":"{{Answers.Id}}","created_at":{{Date}}}""",
        $$"""{"token":"a-token","tok\u0065n":"b-token","token_id":"{{Answers.Id}}","created_at":{{Date}}}""",
        $$"""{"token":"a-token","token_id":"{{Answers.Id}}","token_id":"{{Answers.Id}}","created_at":{{Date}}}""",
        $$"""{"token":"a-token","token_id":"{{Answers.Id}}","created_at":{{Date}},"created_at":null}""",
        $$"""{"token":"a-token","token_id":"{{Answers.Id}}","created_at":{{Date}},"expires_at":{{Date}},"expires_at":null}""",
        $$"""{"token":"a-token","token_id":"{{Answers.Id}}","created_at":{{Date}},"more":{"x":[{"a":1,"a":2}] } }""",
        $$"""{"token":"a-token","token_id":"{{Answers.Id}}","created_at":{{Date}},"more":1,"more":2}""",
    ];

    [Theory]
    [MemberData(nameof(Creates))]
    public async Task A_create_whose_answer_contradicts_itself_is_in_doubt(string body)
    {
        await using var server = new RawServer(request => request.AnswerAsync(201, body));
        using var client = new TestClient(server);
        MagicBellException failure = await Failing.WithAsync(MagicBellError.CreateOutcomeUnknown, () => client.CreateAsync());
        Assert.Equal((201, false), (failure.StatusCode, failure.IsCertain));
        Assert.DoesNotContain("a-token", failure.ToString(), StringComparison.Ordinal);
    }

    // One row says that it is revoked, and the other that it is live.
    [Theory]
    [InlineData("", ",\"discarded_at\":" + Date, true)]
    [InlineData(",\"expires_at\":" + Date, "", true)]
    [InlineData("", "", false)]
    [InlineData(",\"discarded_at\":" + Date, ",\"discarded_at\":" + Date, false)]
    public async Task A_list_that_says_two_things_of_one_token_is_none(string one, string two, bool contradicts)
    {
        string page = $$"""{"data":[{"id":"{{Answers.Id}}","created_at":{{Date}}{{one}} },{"id":"{{Answers.Id.ToUpperInvariant()}}","created_at":{{Date}}{{two}} }],"links":{} }""";
        await using var server = new RawServer(request => request.AnswerAsync(200, page, "Content-Type: application/json"));
        using var client = new TestClient(server);
        if (contradicts)
        {
            await Failing.WithAsync(MagicBellError.UnexpectedResponse, () => client.ListAsync());
        }
        else
        {
            await client.ListAsync();
        }
    }

    // The second create is answered with the first one's id: whose it is nobody can tell.
    [Fact]
    public async Task An_id_that_an_earlier_create_was_answered_with_is_marked()
    {
        await using var server = new RawServer(Answers.Right);
        using var client = new TestClient(server);

        Assert.False((await client.CreateAsync()).WasIssuedBefore);
        Assert.True((await client.CreateAsync()).WasIssuedBefore);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("issued")]
    [InlineData("7")]
    [InlineData("")]
    [InlineData(Answers.Id)]
    public async Task A_create_whose_token_names_its_id_or_nothing_like_one_is_taken(string? jti)
    {
        string token = TokenText.SignClaims(jti is null ? "{}" : $$"""{"jti":"{{jti.ToUpperInvariant()}}"}""");
        await using var server = new RawServer(request => request.AnswerAsync(
            201,
            $$"""{"token":"{{token}}","token_id":"{{Answers.Id}}","id":"{{Answers.Id.ToUpperInvariant()}}","created_at":{{Date}}}"""));
        using var client = new TestClient(server);
        CreatedToken created = await client.CreateAsync();
        Assert.Equal((token, Answers.Id), (created.Token, created.TokenId));
    }

    [Theory]
    [InlineData("\"token_id\":\"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b\",\"id\":\"" + Other + "\"")]
    [InlineData("\"id\":\"" + Other + "\",\"token_id\":\"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b\"")]
    [InlineData("\"token_id\":\"" + Other + "\",\"token_id\":\"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b\"")]
    public async Task A_revocation_whose_answer_contradicts_itself_is_in_doubt(string ids)
    {
        await using var server = new RawServer(request => request.AnswerAsync(200, $$"""{{{ids}},"discarded_at":{{Date}}}"""));
        using var client = new TestClient(server, options => options.MaximumRetryCount = 0);
        MagicBellException failure = await Failing.WithAsync(MagicBellError.UnexpectedResponse, () => client.DiscardAsync(Answers.Id));
        Assert.Equal((true, false), (failure.OutcomeUnknown, failure.IsCertain));
    }

    [Theory]
    [InlineData("\"id\":\"a\",\"token_id\":\"b\",\"created_at\":" + Date)]
    [InlineData("\"id\":\"a\",\"id\":\"a\",\"created_at\":" + Date)]
    [InlineData("\"id\":\"a\",\"name\":\"x\",\"name\":\"y\",\"created_at\":" + Date)]
    [InlineData("\"id\":\"a\",\"discarded_at\":" + Date + ",\"discarded_at\":null,\"created_at\":" + Date)]
    [InlineData("\"id\":\"a\",\"created_at\":" + Date + ",\"other\":{\"a\":1,\"a\":1}")]
    public async Task A_list_with_a_token_that_contradicts_itself_is_no_list(string item)
    {
        await using var server = new RawServer(request => request.AnswerAsync(200, $$"""{"data":[{"id":"c","created_at":{{Date}}},{{{item}}}]}"""));
        using var client = new TestClient(server, options => options.MaximumRetryCount = 0);
        await Failing.WithAsync(MagicBellError.UnexpectedResponse, () => client.ListAsync());
    }

    [Theory]
    [InlineData("""{"data":[],"data":[]}""")]
    [InlineData("""{"data":[],"links":{"next":null,"next":"?page=2"}}""")]
    [InlineData("""{"data":[],"links":{},"links":{}}""")]
    public async Task A_page_that_contradicts_itself_is_none(string body)
    {
        await using var server = new RawServer(request => request.AnswerAsync(200, body));
        using var client = new TestClient(server, options => options.MaximumRetryCount = 0);
        await Failing.WithAsync(MagicBellError.UnexpectedResponse, () => client.ListAsync());
    }

    [Theory]
    [InlineData("""{"errors":[],"errors":[]}""")]
    [InlineData("""{"errors":[{"code":"a","code":"b"}]}""")]
    public async Task A_refusal_that_contradicts_itself_is_not_the_APIs_own(string body)
    {
        await using var server = new RawServer(request => request.AnswerAsync(409, body));
        using var client = new TestClient(server);
        await Failing.WithAsync(MagicBellError.CreateOutcomeUnknown, () => client.CreateAsync());
    }

    // What other readers of JSON let pass, and read differently.
    [Theory]
    [InlineData("""{'data':[]}""")]
    [InlineData("""{data:[]}""")]
    [InlineData("""{"data":[]/* */}""")]
    [InlineData("{\"data\":[]} // end")]
    [InlineData("""{"data":[{"id":'a',"created_at":"2021-01-01T00:00:00Z"}]}""")]
    [InlineData("""{"data":[],"more":NaN}""")]
    [InlineData("""{"data":[],"more":-Infinity}""")]
    [InlineData("""{"data":[],"more":undefined}""")]
    [InlineData("""{"data":[],"more":new Date(1)}""")]
    public async Task What_is_no_JSON_is_no_answer(string body)
    {
        await using var server = new RawServer(request => request.AnswerAsync(200, body));
        using var client = new TestClient(server, options => options.MaximumRetryCount = 0);
        await Failing.WithAsync(MagicBellError.UnexpectedResponse, () => client.ListAsync());
    }

    // Names of other cases, and those that programs give a meaning, are fields like any other.
    [Fact]
    public async Task A_name_with_a_meaning_elsewhere_is_a_field()
    {
        await using var server = new RawServer(request => request.AnswerAsync(
            200,
            $$"""{"data":[{"$id":"1","$ref":"2","$type":"System.Object","__proto__":{},"":0,"id":"a","created_at":{{Date}}}],"$schema":"x"}"""));
        using var client = new TestClient(server);
        ListedTokenRecord token = Assert.Single((await client.ListAsync())!);
        Assert.Equal("a", token.Id);
        Assert.Equal(["", "$id", "$ref", "$type", "__proto__"], token.OtherFields!.Keys.Order(StringComparer.Ordinal));
    }
}
