using System;
using System.Collections;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Commands;

/// <summary>Each row of the table of errors, from each cmdlet that can meet it. Which answer is which error: the client's RetryTests, BodyTests and BadAnswerTests.</summary>
public sealed class ErrorTests(ErrorTests.SeededServer fixture) : ServerTests<ErrorTests.SeededServer>(fixture)
{
    private const string Read = "GET";
    private const string Create = "POST";
    private const string Revoke = "DELETE";
    private const string All = "GET,POST,DELETE";

    // A cmdlet for two inputs, the first of which meets the fault, and what it is about.
    private static readonly (string Method, string Script, string Target, string Command)[] s_calls =
    [
        (Read, "Get-MbUserToken usr_1, usr_2 -ThrottleLimit 1", "usr_1", "GetMbUserTokenCommand"),
        (Create, "'ci 1', 'ci 2' | New-MbProjectToken", "ci 1", "NewMbProjectTokenCommand"),
        (Create, "'hana@example.com', 'ben@example.com' | New-MbUserToken", "hana@example.com", "NewMbUserTokenCommand"),
        (Revoke, "$projectTokens | Remove-MbProjectToken -Force -PassThru -ThrottleLimit 1", "$projectTokens[0].Id", "RemoveMbProjectTokenCommand"),
        (Revoke, "$userTokens | Remove-MbUserToken -Force -PassThru -ThrottleLimit 1", "$userTokens[0].Id", "RemoveMbUserTokenCommand"),
    ];

    // It would be in the server's logs, in lists, and here in errors.
    [Theory]
    [InlineData("Get-MbUserToken $value")]
    [InlineData("Get-MbProjectToken -After $value")]
    [InlineData("New-MbProjectToken $value")]
    [InlineData("New-MbUserToken -ExternalId $value")]
    [InlineData("New-MbUserToken -Email hana@example.com -Name $value")]
    [InlineData("Remove-MbProjectToken $value -Force")]
    [InlineData("[pscustomobject]@{ Id = $value } | Remove-MbUserToken -Force")]
    [InlineData("New-MbProjectToken \"ci $value\"")]
    [InlineData("New-MbProjectToken \"ci $value\" -WhatIf")]
    [InlineData("New-MbUserToken -ExternalId \"x-$value\" -WhatIf")]
    [InlineData("New-MbUserToken -Email hana@example.com -Name \"x $value\" -WhatIf")]
    [InlineData("Update-MbProjectToken $value -WhatIf")]
    [InlineData("[pscustomobject]@{ Name = $value } | Remove-MbProjectToken -WhatIf")]
    [InlineData("[pscustomobject]@{ token = $value; jti = [guid]::NewGuid(); created_at = '2026-01-01' } | Remove-MbProjectToken -Force")]
    [InlineData("[pscustomobject]@{ token = $value; jti = [guid]::NewGuid() } | Remove-MbUserToken -Force")]
    [InlineData("[pscustomobject]@{ token = $value; jti = [guid]::NewGuid() } | Update-MbProjectToken -WhatIf")]
    [InlineData("[pscustomobject]@{ token = $value; Id = [pscustomobject]@{ inner = $value } } | Remove-MbProjectToken -Force")]
    [InlineData("@{ token = $value } | Remove-MbProjectToken -Force")]
    [InlineData("[pscustomobject]@{ token = $value; jti = [guid]::NewGuid() } | New-MbProjectToken")]
    [InlineData("[pscustomobject]@{ token = $value; jti = [guid]::NewGuid() } | New-MbUserToken")]
    [InlineData("[pscustomobject]@{ token = $value; jti = [guid]::NewGuid() } | Get-MbUserToken")]
    public async Task A_token_given_for_an_id_or_a_name_is_not_sent_and_not_repeated(string script)
    {
        ErrorRecord error = Run(script, ("value", Server.Token)).Error;

        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(await Server.RequestsAsync());
        Assert.True(error.TargetObject is null or string, $"The target is a {error.TargetObject?.GetType()}.");
        Assert.All(Host.Lines, line => Assert.DoesNotContain(Server.Token.Split('.')[1], line, StringComparison.Ordinal));
        Assert.DoesNotContain(Server.Token.Split('.')[1], PSSerializer.Serialize(error, 3), StringComparison.Ordinal);
        foreach (string text in (string[])[error.ToString(), error.Exception.ToString(), error.ErrorDetails.RecommendedAction, $"{error.TargetObject}", error.CategoryInfo.ToString()])
        {
            Assert.All(Server.Token.Split('.'), part => Assert.DoesNotContain(part, text, StringComparison.Ordinal));
        }
    }

    // A path and a session's name are foreign text too, and the engine's own error about a file repeats its path.
    [Theory]
    [InlineData("Find-MbLeakedToken $value")]
    [InlineData("Find-MbLeakedToken -LiteralPath \"$folder/$value\"")]
    [InlineData("Invoke-MbRotation \"$folder/$value\"")]
    [InlineData("Get-MbRotation -JournalPath \"$folder/$value/x\"")]
    [InlineData("Update-MbProjectToken ci -SaveTo { 1 } -JournalPath \"/dev/null/$value\"")]
    [InlineData("Undo-MbRotation ([guid]::NewGuid()) -JournalPath \"/dev/null/$value\"")]
    [InlineData("Get-MbTokenHistory -Path \"$folder/$value\"")]
    [InlineData("Test-MbTokenHistory -Path \"$folder/$value\"")]
    [InlineData("Get-MbTokenReport -Checkpoint \"$folder/no/$value\"")]
    [InlineData("Connect-MbProject -TokenFile \"$folder/$value\" -BaseUri https://localhost:1")]
    [InlineData("Connect-MbProject -TokenVariable $value -BaseUri https://localhost:1")]
    [InlineData("Connect-MbProject -Sandbox -Policy \"$folder/$value\"")]
    [InlineData("Connect-MbProject -Sandbox -History \"/dev/null/$value\"; New-MbProjectToken ci")]
    [InlineData("[pscustomobject]@{ x = 1 } | Export-MbTokenReport \"$folder/no/$value.html\"")]
    [InlineData("Get-MbTokenReport | Export-MbTokenReport \"$folder/no/$value.html\"")]
    [InlineData("Get-MbTokenReport | Export-MbTokenReport \"$folder/$value.zzz\"")]
    [InlineData("Get-MbProjectToken -Session $value")]
    [InlineData("New-MbProjectToken ci -Session \"x $value\"")]
    [InlineData("Select-MbSession $value")]
    [InlineData("Disconnect-MbProject $value")]
    public void A_token_in_a_path_or_a_sessions_name_is_not_repeated(string script)
    {
        Run run = Try(script, ("value", Server.Token), ("folder", System.IO.Path.GetTempPath().TrimEnd('/')));

        Assert.NotEmpty(run.End is null ? run.Errors : [run.End]);
        string[] parts = Server.Token.Split('.')[1..];
        Assert.All(Host.Lines, line => Assert.All(parts, part => Assert.DoesNotContain(part, line, StringComparison.Ordinal)));
        foreach (ErrorRecord error in run.End is null ? run.Errors : [.. run.Errors, run.End])
        {
            foreach (string text in (string[])[error.ToString(), error.Exception.ToString(), error.ErrorDetails?.ToString() ?? "", $"{error.TargetObject}", error.CategoryInfo.ToString(), PSSerializer.Serialize(error, 2)])
            {
                Assert.All(parts, part => Assert.DoesNotContain(part, text, StringComparison.Ordinal));
            }
        }
    }

    [Theory]
    [InlineData("400", All, "MbInvalidRequest", ErrorCategory.InvalidArgument)]
    [InlineData("401", All, "MbUnauthorized", ErrorCategory.AuthenticationError)]
    [InlineData("403", All, "MbForbidden", ErrorCategory.PermissionDenied)]
    [InlineData("404", All, "MbTokenNotFound", ErrorCategory.ObjectNotFound)]
    [InlineData("409", All, "MbConflict", ErrorCategory.ResourceExists)]
    [InlineData("429 retry-after=1", Read + "," + Revoke, "MbRateLimited", ErrorCategory.LimitsExceeded)]
    [InlineData("500", Read + "," + Revoke, "MbServiceUnavailable", ErrorCategory.ResourceUnavailable)]
    [InlineData("reset", Read + "," + Revoke, "MbConnectionFailed", ErrorCategory.ConnectionError)]
    [InlineData("never", Read + "," + Revoke, "MbTimeout", ErrorCategory.OperationTimeout)]
    [InlineData("500", Create, "MbCreateOutcomeUnknown", ErrorCategory.InvalidResult)]
    [InlineData("reset", Create, "MbCreateOutcomeUnknown", ErrorCategory.InvalidResult)]
    [InlineData("answer body=html", Create, "MbCreateOutcomeUnknown", ErrorCategory.InvalidResult)]
    [InlineData("answer body=html", Read + "," + Revoke, "MbUnexpectedResponse", ErrorCategory.InvalidData)]
    public async Task Each_row_of_the_table_has_its_id_category_and_target(string fault, string methods, string id, ErrorCategory category)
    {
        // Where an answer comes, a busy machine may be late with it.
        Engine.Connect(Server, fault == "never" ? "-MaximumRetryCount 0 -TimeoutSec 2" : "-MaximumRetryCount 0");
        foreach ((string method, string script, string target, string command) in s_calls.Where(call => methods.Split(',').Contains(call.Method)))
        {
            Run("$projectTokens = 1..2 | ForEach-Object { New-MbProjectToken ci }; $userTokens = 1..2 | ForEach-Object { New-MbUserToken -Email ada@example.com }").MustSucceed();
            await Server.ResetAsync();
            await Server.FailAsync($"{method} * {fault} times=1");

            Run run = Try(script);

            // A wrong token ends the pipeline; anything else is about one input.
            bool terminates = id == "MbUnauthorized";
            ErrorRecord error = terminates ? run.End! : Assert.Single(run.Errors);
            Assert.Equal(terminates, run.End is not null);

            // A revocation that failed is a row too.
            Assert.Equal(terminates, run.Output.All(item => item.Properties["Outcome"]?.Value?.ToString() == "Failed"));

            // After a 404 to the revocation of a token that was listed, the list is looked at.
            bool looks = method == Revoke && id == "MbTokenNotFound";
            Assert.Equal(terminates ? 1 : looks ? 3 : 2, (await Server.RequestsAsync()).Length);
            Assert.Equal($"{id},MagicBellJwt.Commands.{command}", error.FullyQualifiedErrorId);
            Assert.Equal(category, error.CategoryInfo.Category);
            Assert.Equal(Run($"\"$({(target.StartsWith('$') ? target : $"'{target}'")})\"").Output.Single().ToString(), error.TargetObject.ToString());
            Assert.Equal("MagicBellJwt.Client.MagicBellException", error.Exception.GetType().FullName);
            Assert.Equal(error.Exception.Message, error.ErrorDetails.Message);
            Assert.NotEmpty(error.ErrorDetails.RecommendedAction);
            PSObject failure = PSObject.AsPSObject(error.Exception);
            Assert.Equal(id, "Mb" + failure.Get<string>("Error"));
            Assert.Equal(1, failure.Get<int>("Attempts"));
        }
    }

    // It may come after the work: the project's list says whether it did, and a user's list cannot be asked without the user's id.
    [Theory]
    [InlineData("429", "New-MbProjectToken before", "MbRateLimited", 0)]
    [InlineData("429-after-work", "New-MbProjectToken after", "MbCreateOutcomeUnknown", 1)]
    [InlineData("429", "New-MbUserToken -Email hana@example.com -Name never", "MbCreateOutcomeUnknown", 0)]
    public async Task A_429_to_a_create_is_one_where_the_list_says_that_nothing_was_done(string fault, string script, string id, int live)
    {
        Engine.Connect(Server, "-MaximumRetryCount 0");
        await Server.ResetAsync();
        await Server.FailAsync($"POST * {fault} retry-after=1 times=1");

        ErrorRecord error = Assert.Single(Run(script).Errors);

        Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(id != "MbRateLimited", PSObject.AsPSObject(error.Exception).Get<bool>("OutcomeUnknown"));
        Assert.Single(await Server.RequestsAsync(), request => request.Method == "POST");
        await Server.ResetAsync();
        Assert.Equal(live, (await Server.TokensAsync()).Count(token => token.Name == script.Split(" ")[^1]));
    }

    [Fact]
    public async Task An_outage_is_retried_and_counted()
    {
        Engine.Connect(Server, "-MaximumRetryCount 2");
        await Server.ResetAsync();
        await Server.FailAsync("GET * 503");

        PSObject failure = PSObject.AsPSObject(Assert.Single(Run("Get-MbUserToken usr_1").Errors).Exception);

        Assert.Equal(3, (await Server.RequestsAsync()).Length);
        Assert.Equal((3, 503), (failure.Get<int>("Attempts"), failure.Get<int>("StatusCode")));
    }

    [Fact]
    public async Task A_refused_connection_fails_a_create_without_doubt()
    {
        Engine.Connect(Server, "-MaximumRetryCount 0");
        await Server.ResetAsync();
        await Server.FailAsync("GET * refuse ms=1500");

        Run run = Run("$null = Get-MbProjectToken -First 1; New-MbProjectToken refused");

        ErrorRecord error = Assert.Single(run.Errors);
        Assert.StartsWith("MbConnectionFailed,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.False(PSObject.AsPSObject(error.Exception).Get<bool>("OutcomeUnknown"));
        await Server.ResetAsync();
        Assert.DoesNotContain(await Server.TokensAsync(), token => token.Name == "refused");
    }

    [Fact]
    public async Task The_exception_holds_the_facts_of_the_answer()
    {
        await using var server = RawServer.Scripted(_ => Answers.Json(
            429,
            """{"errors":[{"code":"too_many","message":"Slow down."},{"message":"Second."}]}""",
            "Retry-After: 7",
            "X-Request-Id: req_42"));
        ErrorRecord error = Assert.Single(Run(
            "Connect-MbProject $token -BaseUri $address -SkipConnectionTest -MaximumRetryCount 0; Get-MbProjectToken",
            ("token", Secret.Of("opaque-bearer")),
            ("address", server.BaseAddress)).Errors);

        PSObject failure = PSObject.AsPSObject(error.Exception);
        Assert.Equal((429, "req_42", 1, TimeSpan.FromSeconds(7), false), (failure.Get<int>("StatusCode"), failure.Get<string>("RequestId"), failure.Get<int>("Attempts"), failure.Get<TimeSpan>("RetryAfter"), failure.Get<bool>("OutcomeUnknown")));
        Assert.Equal([("too_many", "Slow down."), (null, "Second.")], failure.Get<IEnumerable>("ApiErrors").Cast<object>().Select(PSObject.AsPSObject).Select(item => (item.Get<string?>("Code"), item.Get<string>("Message"))));
        Assert.EndsWith("Slow down. Second.", error.Exception.Message, StringComparison.Ordinal);
        Assert.Contains("Wait 7 s", error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
        Assert.DoesNotContain(error.Exception.GetType().GetProperties(), property => property.PropertyType.FullName!.StartsWith("System.Net.Http", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("lost")]
    [InlineData("it's [1]* ? ‘x’ `$(0) \"q\"")]
    [InlineData("حديقة 👩‍🚀 e\u0301")]
    public async Task What_a_lost_create_recommends_finds_the_orphan_and_revokes_nothing(string name)
    {
        Run("1..2 | ForEach-Object { New-MbProjectToken $name }", ("name", "not " + name)).MustSucceed();
        await Server.FailAsync("POST * reset-after-work times=1");
        DateTimeOffset before = DateTimeOffset.UtcNow;

        ErrorRecord error = Assert.Single(Run("New-MbProjectToken $name", ("name", name)).Errors);
        PSObject failure = PSObject.AsPSObject(error.Exception);
        ServerRequest create = Assert.Single(await WritesAsync(), request => request.Fault is not null);
        Assert.Equal(create.Headers["Idempotency-Key"], failure.Get<string>("IdempotencyKey"));
        Assert.Contains(create.Headers["Idempotency-Key"], error.Exception.Message, StringComparison.Ordinal);
        Assert.Contains(name, error.Exception.Message, StringComparison.Ordinal);

        // By the server's clock, which is known by the second.
        Assert.InRange(failure.Get<DateTimeOffset>("SentAt"), before.AddSeconds(-2), DateTimeOffset.UtcNow.AddSeconds(2));
        Assert.Contains(failure.Get<DateTimeOffset>("SentAt").ToString("yyyy-MM-ddTHH:mm:ssZ", null), error.Exception.Message, StringComparison.Ordinal);
        Assert.True(failure.Get<bool>("OutcomeUnknown"));

        const string Lead = "Look for it: ";
        Assert.StartsWith(Lead, error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
        PSObject found = Assert.Single(Run(error.ErrorDetails.RecommendedAction[Lead.Length..]).MustSucceed());

        Assert.Equal(Assert.Single(await Server.TokensAsync(), token => token.Name == name).Id, found.Get<string>("Id"));
        Assert.Single(await WritesAsync(), request => request.Fault is not null);
        Assert.DoesNotContain(await WritesAsync(), request => request.Method == "DELETE");
    }

    [Fact]
    public async Task What_a_lost_user_create_recommends_finds_the_orphan_by_what_the_user_was_called()
    {
        await Server.FailAsync("POST * reset-after-work times=1");

        ErrorRecord error = Assert.Single(Run("New-MbUserToken -Email lost@example.com -Name laptop").Errors);

        ServerToken orphan = Assert.Single(await Server.TokensAsync(), token => token.Name == "laptop" && token.Kind == "user");
        const string Lead = "Look for it: ";
        PSObject found = Assert.Single(Run(error.ErrorDetails.RecommendedAction[Lead.Length..]).MustSucceed());
        Assert.Equal((orphan.Id, "lost@example.com"), (found.Get<string>("Id"), found.Get<string>("Email")));
        Assert.DoesNotContain(await WritesAsync(), request => request.Method == "DELETE");
    }

    [Theory]
    [InlineData("Get-MbProjectToken")]
    [InlineData("Get-MbUserToken usr_1")]
    [InlineData("New-MbProjectToken ci")]
    [InlineData("New-MbUserToken -Email hana@example.com")]
    [InlineData("Remove-MbProjectToken 0198c0de-0000-7000-8000-000000000001 -Force")]
    [InlineData("Remove-MbUserToken 0198c0de-0000-7000-8000-000000000001 -Force")]
    public void Without_a_session_every_cmdlet_says_how_to_connect(string script)
    {
        using var engine = new PowerShellEngine();

        ErrorRecord error = engine.Try(script + "; 'went on'").End!;

        Assert.StartsWith("MbNotConnected,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.ConnectionError, error.CategoryInfo.Category);
        Assert.Contains("Connect-MbProject", error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ErrorAction_and_ErrorVariable_work_as_everywhere()
    {
        Engine.Connect(Server, "-MaximumRetryCount 0");
        await Server.FailAsync("GET * 503");

        Run silent = Run("Get-MbUserToken usr_1, usr_2 -ErrorAction SilentlyContinue -ErrorVariable failed; $failed.Count");
        Assert.Equal(2, (int)silent.MustSucceed().Single().BaseObject);
        Assert.Equal(0, Run("$Error.Clear(); Get-MbUserToken usr_1 -ErrorAction Ignore; $Error.Count").MustSucceed().Single().BaseObject);
        Assert.StartsWith("MbServiceUnavailable,", Run("Get-MbUserToken usr_1 -ErrorAction Stop; 'went on'").End!.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.StartsWith("MbServiceUnavailable,", Run("& { $ErrorActionPreference = 'Stop'; Get-MbUserToken usr_1; 'went on' }").End!.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal("caught", Run("try { Get-MbUserToken usr_1 -ErrorAction Stop } catch { 'caught' }").MustSucceed().Single().ToString());
    }

    public sealed class SeededServer : ServerFixture
    {
        protected override string[] Options => ["--seed-user", "usr_1:1", "--seed-user", "usr_2:1"];
    }
}
