using System;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox.Server;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>Revocations: repeated until it is known what came of them, and never of another token.</summary>
public class RevocationTests
{
    [Theory]
    [InlineData("reset-after-work")]
    [InlineData("503-after-work")]
    [InlineData("cut")]
    public async Task A_404_after_a_lost_answer_says_that_this_call_may_have_revoked_it(string fault)
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync(projectTokens: 1);
        server.AddFault($"DELETE * {fault} times=1");
        using var client = new TestClient(server);
        string id = server.Api.ListTokens().Single(token => token.Name == "seed 1").Id.ToString("D");

        MagicBellException failure = await Failing.WithAsync(MagicBellError.TokenNotFound, () => client.DiscardAsync(id));

        Assert.Contains("an earlier answer was lost", failure.Message, StringComparison.Ordinal);
        Assert.Equal((404, 2, true, false), (failure.StatusCode, failure.Attempts, failure.OutcomeUnknown, failure.IsCertain));
        Assert.NotNull(failure.RequestId);
        Assert.Equal("not_found", Assert.Single(failure.ApiErrors).Code);
        Assert.False(server.Api.ListTokens().Single(token => token.Name == "seed 1").IsLive(DateTimeOffset.UtcNow));
    }

    [Fact]
    public async Task A_first_404_is_not_found()
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync();
        using var client = new TestClient(server);
        MagicBellException failure = await Failing.WithAsync(MagicBellError.TokenNotFound, () => client.DiscardAsync(Answers.Id));
        Assert.DoesNotContain("lost", failure.Message, StringComparison.Ordinal);
        Assert.Equal((404, 1, false, true), (failure.StatusCode, failure.Attempts, failure.OutcomeUnknown, failure.IsCertain));
    }

    [Fact]
    public async Task A_404_after_a_429_or_a_refused_connection_is_a_first_one()
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync();
        server.AddFault("DELETE * 429 times=2");
        using var client = new TestClient(server);
        MagicBellException failure = await Failing.WithAsync(MagicBellError.TokenNotFound, () => client.DiscardAsync(Answers.Id));
        Assert.Equal((3, false), (failure.Attempts, failure.OutcomeUnknown));
    }

    [Fact]
    public async Task A_lost_answer_before_the_work_is_followed_by_the_work()
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync(projectTokens: 1);
        server.AddFault("DELETE * reset times=2");
        using var client = new TestClient(server);
        string id = server.Api.ListTokens().Single(token => token.Name == "seed 1").Id.ToString("D");
        Assert.Equal(id, (await client.DiscardAsync(id)).TokenId);
        Assert.Equal(3, server.Requests.Count);
    }

    [Theory]
    [InlineData("""{"token_id":"00000000-0000-0000-0000-000000000000","discarded_at":"2021-01-02T00:00:00Z"}""", "another token")]
    [InlineData("""{"token_id":"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b ","discarded_at":"2021-01-02T00:00:00Z"}""", "another token")]
    [InlineData("""{"token_id":null,"discarded_at":"2021-01-02T00:00:00Z"}""", "token_id")]
    [InlineData("""{"discarded_at":"2021-01-02T00:00:00Z"}""", "token_id")]
    [InlineData("""{"token_id":"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b"}""", "discarded_at")]
    [InlineData("""{"token_id":"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b","discarded_at":null}""", "discarded_at")]
    [InlineData("""{"token_id":"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b","discarded_at":1}""", "discarded_at")]
    [InlineData("", "JSON")]
    public async Task An_answer_that_does_not_say_that_this_token_was_revoked_is_none(string body, string why)
    {
        await using var server = new RawServer(request => request.AnswerAsync(200, body));
        using var client = new TestClient(server, options => options.MaximumRetryCount = 2);
        MagicBellException failure = await Failing.WithAsync(MagicBellError.UnexpectedResponse, () => client.DiscardAsync(Answers.Id));
        Assert.Contains(why, failure.Message, StringComparison.Ordinal);
        Assert.True(failure.OutcomeUnknown);
        Assert.Equal(3, server.Requests.Count);
    }
}
