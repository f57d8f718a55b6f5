using System;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox.Server;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>A 429 to a create does not say that it was not done: the list does, and where that cannot be asked it is in doubt.</summary>
public class RateLimitedCreateTests
{
    private static readonly string s_composed = "d\u00e9ploiement";

    [Theory]
    [InlineData(0, 1)]
    [InlineData(4, 1)]
    [InlineData(4, 3)]
    public async Task A_429_after_the_work_mints_nothing_twice(int retries, int times)
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync(projectTokens: 250);
        server.AddFault($"POST * 429-after-work times={times} retry-after=1");
        using var client = new TestClient(server, options => options.MaximumRetryCount = retries);

        MagicBellException failure = await Failing.WithAsync(MagicBellError.CreateOutcomeUnknown, () => client.CreateAsync("the name"));

        Assert.Equal((429, true, false, 1), (failure.StatusCode, failure.OutcomeUnknown, failure.IsCertain, failure.Attempts));
        Assert.NotNull(failure.IdempotencyKey);
        Assert.Contains("'the name'", failure.Message, StringComparison.Ordinal);
        Assert.Single(server.Api.ListTokens(), token => token.Name == "the name");
        Assert.Single(server.Requests, request => request.Method == "POST");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_429_before_the_work_is_one_where_the_list_shows_no_such_token(int retries)
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync(projectTokens: 250);
        server.AddFault("POST * 429 retry-after=1");
        await Task.Delay(TimeSpan.FromSeconds(6), TestContext.Current.CancellationToken);
        using var client = new TestClient(server, options => (options.MaximumRetryCount, options.Clock) = (retries, TimeProvider.System));

        MagicBellException failure = await Failing.WithAsync(MagicBellError.RateLimited, () => client.CreateAsync("the name"));

        Assert.Equal((false, true, retries + 1), (failure.OutcomeUnknown, failure.IsCertain, failure.Attempts));
        Assert.Equal(retries + 1, server.Requests.Count(request => request.Method == "POST"));

        // Looked at once for each 429, and no further than to tokens that are older than the create.
        Assert.Equal(retries + 1, server.Requests.Count(request => request.Method == "GET"));
    }

    // Neither an older token of that name, nor one of another name, nor one that this client itself was given. The clocks may be far apart.
    [Theory]
    [InlineData(0)]
    [InlineData(300)]
    [InlineData(-300)]
    public async Task Only_a_token_of_that_name_since_then_is_a_reason_for_doubt(int days)
    {
        string later = "";
        int creates = 0;
        await using var server = new RawServer(request =>
        {
            DateTimeOffset now = DateTimeOffset.UtcNow;
            string date = "Date: " + now.ToString("R", CultureInfo.InvariantCulture);
            string Item(int number, string name, double age) =>
                $$"""{"id":"{{Id(number)}}","name":"{{name}}","created_at":"{{now.AddSeconds(-age).ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture)}}"}""";
            return request.Method == "GET"
                ? request.AnswerAsync(200, $$"""{"data":[{{later}}{{Item(1, "ci", 0)}},{{Item(2, "other", 0)}},{{Item(3, "ci", 60)}}]}""", date)
                : ++creates is 2 or 4
                    ? Answers.Error(429, date, "Retry-After: 1")(request)
                    : request.AnswerAsync(201, Answers.Created.Replace(Answers.Id, Id(creates), StringComparison.Ordinal), date);
        });
        using var client = new TestClient(server, options => options.Clock = new ShiftedClock(TimeSpan.FromDays(days)));
        await client.CreateAsync("ci");
        Assert.Equal(Id(3), (await client.CreateAsync("ci")).TokenId);

        later = $$"""{"id":"{{Id(9)}}","name":"ci","created_at":"{{DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)}}"},""";
        await Failing.WithAsync(MagicBellError.CreateOutcomeUnknown, () => client.CreateAsync("ci"));
        Assert.Equal(4, creates);

        static string Id(int number) => $"019b1b1e-7b1b-4b1b-8b1b-{number.ToString("x12", CultureInfo.InvariantCulture)}";
    }

    // A server may write a name down in another form.
    [Theory]
    [InlineData("de\u0301ploiement")]
    [InlineData("D\u00c9PLOIEMENT")]
    [InlineData(" d\u00e9ploiement ")]
    [InlineData("d\u00e9ploiement ????")]
    [InlineData("d\u00e9ploiement \ud83d\ude80")]
    [InlineData(null)]
    public Task A_name_in_another_form_is_the_same(string? listed) => MustBeTheSameAsync(s_composed, listed);

    // A server may count bytes, or keep fewer characters than it takes.
    [Theory]
    [InlineData(254)]
    [InlineData(127)]
    [InlineData(64)]
    public Task A_name_that_was_cut_short_is_the_same(int length) => MustBeTheSameAsync(new string('\u00e9', 255), new string('\u00e9', length));

    [Fact]
    public async Task A_list_that_lags_behind_is_asked_once_it_had_time()
    {
        DateTimeOffset? refused = null;
        var clock = new HurriedClock(4);
        await using var server = new RawServer(request =>
        {
            string date = "Date: " + DateTimeOffset.UtcNow.ToString("R", CultureInfo.InvariantCulture);
            if (request.Method == "POST")
            {
                refused ??= clock.GetUtcNow();
                return Answers.Error(429, date, "Retry-After: 1")(request);
            }

            // It shows a new token after two seconds.
            string item = $$"""{"id":"{{Answers.Id}}","name":"ci","created_at":"{{DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)}}"}""";
            return request.AnswerAsync(200, $$"""{"data":[{{(clock.GetUtcNow() - refused > TimeSpan.FromSeconds(2) ? item : "")}}]}""", date);
        });
        using var client = new TestClient(server, options => options.Clock = clock);

        await Failing.WithAsync(MagicBellError.CreateOutcomeUnknown, () => client.CreateAsync("ci"));

        Assert.Single(server.Requests, request => request.Method == "POST");
    }

    private static async Task MustBeTheSameAsync(string name, string? listed)
    {
        int creates = 0;
        await using var server = new RawServer(request =>
        {
            string page = $$"""{"data":[{"id":"{{Answers.Id}}","name":{{(listed is null ? "null" : $"\"{listed}\"")}},"created_at":"{{DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)}}"}]}""";
            string date = "Date: " + DateTimeOffset.UtcNow.ToString("R", CultureInfo.InvariantCulture);
            return request.Method == "GET" ? request.AnswerAsync(200, page, date) : ++creates > 1 ? Answers.Right(request) : Answers.Error(429, date)(request);
        });
        using var client = new TestClient(server);
        await Failing.WithAsync(MagicBellError.CreateOutcomeUnknown, () => client.CreateAsync(name));
        Assert.Single(server.Requests, request => request.Method == "POST");
    }

    [Theory]
    [InlineData("403")]
    [InlineData("503 body=html")]
    [InlineData("answer body=truncated")]
    [InlineData("429 retry-after=1")]
    [InlineData("reset")]
    public async Task Where_the_list_cannot_be_read_it_is_in_doubt(string fault)
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync();
        server.AddFault("POST * 429 times=1 retry-after=1");
        server.AddFault($"GET * {fault}");
        using var client = new TestClient(server, options => options.MaximumRetryCount = 1);
        await Failing.WithAsync(MagicBellError.CreateOutcomeUnknown, () => client.CreateAsync("the name"));
        Assert.Single(server.Requests, request => request.Method == "POST");
    }

    [Fact]
    public async Task A_users_token_has_no_list_that_could_be_asked()
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync();
        server.AddFault("POST * 429 times=1 retry-after=1");
        using var client = new TestClient(server);
        MagicBellException failure = await Failing.WithAsync(
            MagicBellError.CreateOutcomeUnknown,
            () => client.Service.CreateUserJwtAsync(new CreateUserToken("hana@example.com", null, null, null), Guid.NewGuid(), false, client.Call));
        Assert.Equal((429, 1), (failure.StatusCode, failure.Attempts));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_trusted_key_needs_no_look()
    {
        await using SandboxServer server = await TestClient.StartSandboxAsync();
        server.AddFault("POST * 429-after-work times=2 retry-after=1");
        using var client = new TestClient(server);
        await client.CreateAsync("the name", trust: true);
        await client.Service.CreateUserJwtAsync(new CreateUserToken("hana@example.com", null, null, null), Guid.NewGuid(), true, client.Call);
        Assert.DoesNotContain(server.Requests, request => request.Method == "GET");
        Assert.Single(server.Api.ListTokens(), token => token.Name == "the name");
    }
}
