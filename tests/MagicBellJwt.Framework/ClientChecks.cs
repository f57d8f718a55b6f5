using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Reflection;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;

namespace MagicBellJwt.Framework;

/// <summary>The client over real sockets: JSON, compression, retries, creates whose answer is lost, timeouts, stops; and what needs no network.</summary>
internal static class ClientChecks
{
    private static JwtService? s_service;

    internal static async Task RunAsync(Checks checks)
    {
        // A culture with another decimal sign, another calendar's digits or another i must change nothing.
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = new CultureInfo("tr-TR");
        using var server = new SandboxProcess(["--no-rate-limit", "--seed-project-tokens", "120"]);
        using var service = s_service = new JwtService(new JwtServiceOptions { BaseAddress = server.BaseAddress, Token = server.Token, Proxy = new WebProxy() });

        await checks.RunAsync("A list is read page by page", async () =>
        {
            await server.ResetAsync().ConfigureAwait(false);
            Checks.Equal(121, (await ListAsync(service).ConfigureAwait(false)).Count);
            Checks.Equal(13, (await server.ValuesAsync("requests", "method").ConfigureAwait(false)).Length);
        }).ConfigureAwait(false);

        await checks.RunAsync("A compressed answer is read", async () =>
        {
            await server.ResetAsync("GET * answer encoding=gzip").ConfigureAwait(false);
            Checks.Equal(121, (await ListAsync(service).ConfigureAwait(false)).Count);
        }).ConfigureAwait(false);

        foreach (string fault in new[] { "GET * 503 times=2", "GET * reset times=2", "GET * reset-after-work times=2", "GET * 503 times=1 retry-after=1", "GET * 429 times=1 retry-after=1" })
        {
            await checks.RunAsync("A read is repeated: " + fault, async () =>
            {
                await server.ResetAsync(fault).ConfigureAwait(false);
                var waits = new List<CallNotice>();
                IReadOnlyList<ListedTokenRecord>? page = await service.FetchProjectTokensAsync(new PageRequest(5))
                    .ReadAsync(new CallContext(CancellationToken.None, CancellationToken.None, notice => Keep(waits, notice))).ConfigureAwait(false);
                Checks.Equal(5, page!.Count);
                Checks.Equal(fault.Contains("times=2") ? 3 : 2, (await server.ValuesAsync("requests", "method").ConfigureAwait(false)).Length);
                Checks.True(waits.Count > 0, "the caller heard of the wait");
            }).ConfigureAwait(false);
        }

        await checks.RunAsync("A read whose answer does not come is ended and repeated", async () =>
        {
            await server.ResetAsync("GET * never times=1").ConfigureAwait(false);
            using var hasty = new JwtService(new JwtServiceOptions { BaseAddress = server.BaseAddress, Token = server.Token, AttemptTimeout = TimeSpan.FromSeconds(3) });
            Checks.Equal(5, (await hasty.FetchProjectTokensAsync(new PageRequest(5)).ReadAsync(Call()).ConfigureAwait(false))!.Count);
        }).ConfigureAwait(false);

        await checks.RunAsync("A read whose body stops in the middle is ended and repeated", async () =>
        {
            await server.ResetAsync("GET * cut times=1").ConfigureAwait(false);
            Checks.Equal(5, (await service.FetchProjectTokensAsync(new PageRequest(5)).ReadAsync(Call()).ConfigureAwait(false))!.Count);
        }).ConfigureAwait(false);

        await checks.RunAsync("A stop ends a call that waits for its answer", async () =>
        {
            await server.ResetAsync("GET * never").ConfigureAwait(false);
            using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
            var watch = Stopwatch.StartNew();
            await FailsAsync<OperationCanceledException>(() => service.FetchProjectTokensAsync(new PageRequest()).ReadAsync(new CallContext(stop.Token))).ConfigureAwait(false);
            Checks.True(watch.Elapsed < TimeSpan.FromSeconds(20), "it ended long before the attempt's own limit of 30 seconds");
        }).ConfigureAwait(false);

        await checks.RunAsync("Creates are done once each, on a connection of their own, with a key each", async () =>
        {
            await server.ResetAsync().ConfigureAwait(false);

            // One after the other, where a kept connection would be used again.
            var created = new List<CreatedToken>();
            while (created.Count < 20)
            {
                created.Add(await CreateAsync(service, "once " + created.Count).ConfigureAwait(false));
            }

            Checks.Equal(20, created.Select(token => token.Token).Distinct().Count());
            Checks.Equal(20, (await server.ValuesAsync("tokens", "name").ConfigureAwait(false)).Count(name => name.StartsWith("once ", StringComparison.Ordinal)));
            Checks.Equal(20, (await server.ValuesAsync("requests", "connection-id").ConfigureAwait(false)).Distinct().Count());
            Checks.Equal(20, (await server.ValuesAsync("requests", "Idempotency-Key").ConfigureAwait(false)).Distinct().Count());
        }).ConfigureAwait(false);

        foreach (string fault in new[] { "reset-after-work", "503-after-work", "cut" })
        {
            await checks.RunAsync("A create whose answer is lost is not repeated: " + fault, async () =>
            {
                await server.ResetAsync($"POST * {fault} times=1").ConfigureAwait(false);
                string name = "lost by " + fault;
                MagicBellException failure = await FailsAsync<MagicBellException>(() => CreateAsync(service, name)).ConfigureAwait(false);
                Checks.Equal(MagicBellError.CreateOutcomeUnknown, failure.Error);
                Checks.Equal(1, failure.Attempts);
                Checks.True(!failure.ToString().Contains(server.Token), "the failure does not hold the bearer");
                Checks.Equal(1, (await server.ValuesAsync("requests", "method").ConfigureAwait(false)).Length);
                Checks.Equal(1, (await server.ValuesAsync("tokens", "name").ConfigureAwait(false)).Count(item => item == name));
            }).ConfigureAwait(false);
        }

        await checks.RunAsync("A create whose key the server honours is repeated, and mints one token", async () =>
        {
            await server.ResetAsync("POST * reset-after-work times=2").ConfigureAwait(false);
            await CreateAsync(service, "trusted", trust: true).ConfigureAwait(false);
            Checks.Equal(3, (await server.ValuesAsync("requests", "method").ConfigureAwait(false)).Length);
            Checks.Equal(1, (await server.ValuesAsync("requests", "Idempotency-Key").ConfigureAwait(false)).Distinct().Count());
            Checks.Equal(1, (await server.ValuesAsync("tokens", "name").ConfigureAwait(false)).Count(item => item == "trusted"));
        }).ConfigureAwait(false);

        await checks.RunAsync("A create that the rate limit refused is repeated", async () =>
        {
            await server.ResetAsync("POST * 429 times=1 retry-after=1").ConfigureAwait(false);
            await CreateAsync(service, "refused once").ConfigureAwait(false);
            Checks.Equal(1, (await server.ValuesAsync("tokens", "name").ConfigureAwait(false)).Count(item => item == "refused once"));
        }).ConfigureAwait(false);

        await checks.RunAsync("A revocation whose answer is lost is repeated, and says that it may have been done", async () =>
        {
            CreatedToken token = await CreateAsync(service, "revoked").ConfigureAwait(false);
            await server.ResetAsync("DELETE * reset-after-work times=1").ConfigureAwait(false);
            MagicBellException failure = await FailsAsync<MagicBellException>(() => service.DiscardProjectJwtAsync(token.TokenId, Call())).ConfigureAwait(false);
            Checks.Equal(MagicBellError.TokenNotFound, failure.Error);
            Checks.True(failure.OutcomeUnknown, "the list decides");
            Checks.Equal(2, (await server.ValuesAsync("requests", "method").ConfigureAwait(false)).Length);
        }).ConfigureAwait(false);

        await checks.RunAsync("A user's token is issued, listed and revoked, with letters outside ASCII", async () =>
        {
            await server.ResetAsync().ConfigureAwait(false);
            CreatedToken token = await service.CreateUserJwtAsync(new CreateUserToken("hana@example.com", null, "Čeština İı 😀", 3600), Guid.NewGuid(), false, Call()).ConfigureAwait(false);
            string user = Claim(token.Token, "user_id");
            IReadOnlyList<ListedTokenRecord>? page = await service.FetchUserTokensAsync(user, new PageRequest()).ReadAsync(Call()).ConfigureAwait(false);
            Checks.Equal("Čeština İı 😀", page!.Single().Name);
            Checks.Equal(token.TokenId, page.Single().Id);
            Checks.Equal(token.ExpiresAt, page.Single().ExpiresAt);
            await service.DiscardUserJwtAsync(token.TokenId, Call()).ConfigureAwait(false);
        }).ConfigureAwait(false);

        await checks.RunAsync("Errors keep their meaning: 401, 403, 404, 409, a web page, JSON cut short or of another shape", async () =>
        {
            foreach ((string fault, MagicBellError error) in new[]
            {
                ("GET * 401", MagicBellError.Unauthorized), ("GET * 403", MagicBellError.Forbidden), ("GET * 404", MagicBellError.TokenNotFound),
                ("GET * 409", MagicBellError.Conflict),
                ("GET * 200 body=html", MagicBellError.UnexpectedResponse), ("GET * answer body=truncated", MagicBellError.UnexpectedResponse), ("GET * answer body=number-for-date", MagicBellError.UnexpectedResponse),
            })
            {
                await server.ResetAsync(fault).ConfigureAwait(false);
                MagicBellException failure = await FailsAsync<MagicBellException>(() => service.FetchProjectTokensAsync(new PageRequest()).ReadAsync(Call())).ConfigureAwait(false);
                Checks.Equal(error, failure.Error);
            }
        }).ConfigureAwait(false);

        await checks.RunAsync("A server that is not there is a failed connection, and a create to it was not sent", async () =>
        {
            using var nobody = new JwtService(new JwtServiceOptions { BaseAddress = new Uri("http://127.0.0.1:9/v2"), Token = server.Token, MaximumRetryCount = 1 });
            MagicBellException failure = await FailsAsync<MagicBellException>(() => CreateAsync(nobody, "nowhere")).ConfigureAwait(false);
            Checks.Equal(MagicBellError.ConnectionFailed, failure.Error);
            Checks.Equal(2, failure.Attempts);
        }).ConfigureAwait(false);

        checks.Run("A token is signed, decoded, verified and found in text", () =>
        {
            byte[] key = Encoding.UTF8.GetBytes("a secret key of thirty-two bytes");
            DateTimeOffset now = DateTimeOffset.UtcNow;
            using var signer = new UserTokenSigner("pk_test", key);
            string token = signer.Sign("hana@example.com", "İ-7", now.AddHours(1));
            Checks.Equal("İ-7", Claim(token, "user_external_id"));
            Checks.True(TokenSignature.Verify(token, key, now, TimeSpan.Zero, out string? reason), "it verifies: " + reason);
            Checks.True(!TokenSignature.Verify(token, Encoding.UTF8.GetBytes("another"), now, TimeSpan.Zero, out _), "another key does not verify it");
            Checks.Equal(1, new TokenScanner().ScanText($"key: {token}\n").Count);
        });

        checks.Run("A journal is written, locked and read again", () =>
        {
            string path = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString(), "journal");
            using (RotationJournal journal = RotationJournal.Open(path))
            {
                journal.Begin("project", "Project", "019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b", "ci", null, Guid.NewGuid(), 60, null, false, TimeSpan.Zero, []);
                Checks.True(Fails<Exception>(() => RotationJournal.Open(path)), "a second one is refused");
            }

            using RotationJournal again = RotationJournal.Open(path);
            Checks.Equal("ci", again.Entries.Single().Name);
            again.Dispose();
            Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        });
    }

    /// <summary>The version of the Polly.Core that the session's own pipeline is an object of.</summary>
    internal static string PollyVersion() => Polly().GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>Where that Polly.Core was loaded from.</summary>
    internal static string PollyLocation() => Polly().Location;

    private static Assembly Polly() => Inner(Inner(Inner(s_service!, "_connection"), "_resilience"), "_repeat").GetType().Assembly;

    private static object Inner(object outer, string field) => outer.GetType().GetField(field, BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(outer)!;

    private static CallContext Call() => new(CancellationToken.None);

    private static Task<CreatedToken> CreateAsync(JwtService service, string name, bool trust = false) =>
        service.CreateProjectJwtAsync(new CreateProjectToken(name, null), Guid.NewGuid(), trust, Call());

    private static async Task<List<ListedTokenRecord>> ListAsync(JwtService service)
    {
        var tokens = new List<ListedTokenRecord>();
        TokenPages pages = service.FetchProjectTokensAsync(new PageRequest(10));
        while (await pages.ReadAsync(Call()).ConfigureAwait(false) is { } page)
        {
            tokens.AddRange(page);
        }

        return tokens;
    }

    private static void Keep(List<CallNotice> waits, CallNotice notice)
    {
        if (notice.Kind is CallNoticeKind.Wait or CallNoticeKind.Warning)
        {
            waits.Add(notice);
        }
    }

    private static string Claim(string token, string name)
    {
        Checks.True(JsonWebToken.TryDecode(token, out JsonWebToken? decoded), "it is a token");
        return (string)decoded!.Claims[name]!;
    }

    private static async Task<T> FailsAsync<T>(Func<Task> call)
        where T : Exception
    {
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (T expected)
        {
            return expected;
        }

        throw new InvalidOperationException("It did not fail.");
    }

    private static bool Fails<T>(Action call)
        where T : Exception
    {
        try
        {
            call();
            return false;
        }
        catch (T)
        {
            return true;
        }
    }
}
