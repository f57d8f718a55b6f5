using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace MagicBellJwt.Client.Tests;

/// <summary>Whatever a server answers, each operation ends with a value or with a failure of the table.</summary>
public class BadAnswerTests
{
    private static readonly int[] s_statuses = [200, 201, 202, 204, 206, 299, 300, 302, 304, 400, 401, 403, 404, 407, 409, 410, 418, 422, 429, 451, 499, 500, 501, 502, 503, 504, 520, 599];

    private static readonly string[] s_headers =
    [
        "Content-Type: application/json", "Content-Type: text/html", "Content-Type: ;;;", "Content-Type: application/json; charset=utf-16", "Content-Type: text/html; charset=nonsense",
        "Retry-After: 1", "Retry-After: -1", "Retry-After: soon", "Retry-After: 99999999999", "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT", "Retry-After: Mon, 01 Jan 0001 00:00:00 GMT", "Retry-After: ",
        "Date: Fri, 31 Dec 9999 23:59:59 GMT", "Date: Mon, 01 Jan 0001 00:00:00 GMT", "Date: yesterday",
        "X-Request-Id: r-1", "X-Request-Id: ", "X-Request-Id: \u00e9\u00ff", "Location: http://elsewhere.invalid/", "Location: :::", "Set-Cookie: a=b", "WWW-Authenticate: Bearer", "ETag: nonsense",
        "Content-Language: \u00ff", "Content-MD5: nonsense", "Content-Range: bytes 0-1/2", "Last-Modified: never", "Expires: -1", "Age: -7", "Link: <x>; rel=next", "Warning: nonsense",
    ];

    private static readonly string[] s_values =
    [
        "null", "true", "7", "-0", "1e999", "-1e-999", "123456789012345678901234567890", "0.1", "NaN", "Infinity", "undefined", "0x1F", "01", "''", "'text'", "\"\"", "\"text\"", "\"\\u0000\"", "\"\\ud800\"", "\"\\x\"",
        "[]", "{}", "[[[]]]", "[null]", "{\"\":null}", "{\"a\":{\"a\":{\"a\":[]}}}", "// comment\n1", "/* comment */", "new Date(1)", "new X(", "\"2021-01-01T00:00:00Z\"", "\"2021-13-01T00:00:00Z\"", "\"0001-01-01T00:00:00+14:00\"",
        "\"9999-12-31T23:59:59.9999999-14:00\"", "\"2021-01-01T00:00:00.99999999999999999999Z\"", "\"2021-01-01\"", "\"019b1b1e-7b1b-4b1b-8b1b-1b1b1b1b1b1b\"", "\"http://[\"", "\"?a=b\"", "\"#\"", "\"//\"", "\"\\\\\\\\server\\\\share\"", "\"mailto:a@b\"", "\"javascript:alert(1)\"", "\"file:///\"", "\"http://sandbox.invalid:99999/\"",
        "\"\\u202e\\u0007\\u001b[31m\"", "\"\ud83d\ude00\"", "1" + new string('0', 500), "\"" + new string('x', 9_000) + "\"", new string('[', 200), new string('[', 200) + new string(']', 200), string.Concat(Enumerable.Repeat("{\"a\":", 100)) + "1" + new string('}', 100),
    ];

    private static readonly string[] s_names =
    [
        "data", "links", "next", "prev", "first", "id", "token_id", "token", "name", "created_at", "expires_at", "discarded_at", "last_used_at", "last_accessed_at", "errors", "code", "message", "other", "", "Data", "__proto__", "$type", "$ref",
    ];

    private static readonly string[] s_operations = ["list project", "list user", "create project", "create user", "discard project", "discard user"];

    // Beside each other: most of it is waiting.
    [Fact]
    public Task Generated_answers_end_with_a_value_or_a_failure_of_the_table() =>
        Task.WhenAll(s_operations.Select(operation => Task.Factory.StartNew(() => TryAnswersTo(operation), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

    private static void TryAnswersTo(string operation)
    {
        Generated? answer = null;
        using JwtService service = ServiceFor(new Uri("https://sandbox.invalid/v2"), new GeneratedHandler(() => answer!));
        int values = 0;
        int refused = 0;

        Prop.ForAll(GeneratedAnswers().ToArbitrary(), generated =>
        {
            answer = generated;
            if (EndAsync(service, operation).GetAwaiter().GetResult())
            {
                values++;
            }
            else
            {
                refused++;
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(Thoroughness.Tries(all: 10_000, usual: 2_000)).WithQuietOnSuccess(true));

        // The generator is no good where one kind of end never comes.
        Assert.True(values > 20 && refused > 200, $"{operation}: {values} values, {refused} refused");
    }

    [Fact]
    public async Task Hundreds_of_them_over_a_socket_end_in_the_same_way()
    {
        Queue<Generated> answers = new(GeneratedAnswers().Sample(50, 300).Concat(MangledAnswers().Sample(50, 300)));
        Generated answer = answers.Peek();
        await using var server = new RawServer(async request =>
        {
            await request.SendAsync(answer.OnTheWire());
            request.Close();
        });
        using JwtService service = ServiceFor(server.BaseAddress, handler: null);
        int turn = 0;
        while (answers.TryDequeue(out answer!))
        {
            try
            {
                await EndAsync(service, s_operations[turn++ % s_operations.Length]);
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException("After: " + Encoding.Latin1.GetString(answer.OnTheWire()), exception);
            }
        }
    }

    private static JwtService ServiceFor(Uri address, HttpMessageHandler? handler) => new(new JwtServiceOptions
    {
        BaseAddress = address,
        Token = TestClient.Bearer,
        Handler = handler,
        Proxy = new WebProxy(),
        Clock = new HurriedClock(1_000_000),
        AttemptTimeout = TimeSpan.FromDays(1),
        MaximumRetryCount = 1,
        ReadsPerMinute = int.MaxValue,
        WritesPerMinute = int.MaxValue,
    });

    // True for a value. Anything else than a value or a failure of the table is thrown, a hang too.
    private static async Task<bool> EndAsync(JwtService service, string operation)
    {
        var notices = new List<CallNotice>();
        var call = new CallContext(CancellationToken.None, CancellationToken.None, notices.Add, DescribeHeaders: true);
        try
        {
            Task work = operation switch
            {
                "list project" => ReadSomeAsync(service.FetchProjectTokensAsync(new PageRequest(2)), call),
                "list user" => ReadSomeAsync(service.FetchUserTokensAsync("u", new PageRequest(2)), call),
                "create project" => service.CreateProjectJwtAsync(new CreateProjectToken("ci", null), Guid.NewGuid(), notices.Capacity > 0, call),
                "create user" => service.CreateUserJwtAsync(new CreateUserToken(null, "u", null, null), Guid.NewGuid(), true, call),
                "discard project" => service.DiscardProjectJwtAsync(Answers.Id, call),
                _ => service.DiscardUserJwtAsync(Answers.Id, call),
            };
            await work.WaitAsync(TimeSpan.FromSeconds(30));
            return true;
        }
        catch (MagicBellException failure)
        {
            Assert.Equal(Outcome(failure), failure.OutcomeUnknown);
            Assert.InRange(failure.Message.Length, 10, 2500);
            Assert.All(failure.Message, character => Assert.False(char.IsControl(character)));
            return false;
        }

        // A create in doubt is always of that kind.
        bool Outcome(MagicBellException failure) =>
            failure.Error == MagicBellError.CreateOutcomeUnknown || (failure.OutcomeUnknown && !operation.StartsWith("create", StringComparison.Ordinal));
    }

    // A list may go on for ever where its links and tokens are always new, so three pages are enough.
    private static async Task ReadSomeAsync(TokenPages pages, CallContext call)
    {
        for (int page = 0; page < 3 && await pages.ReadAsync(call) is not null; page++)
        {
        }
    }

    private static Gen<Generated> GeneratedAnswers() =>
        from status in Gen.Frequency((3, Gen.Elements(200, 201)), (2, Gen.Elements(s_statuses)))
        from count in Gen.Choose(0, 4)
        from headers in Gen.Elements(s_headers).ArrayOf(count)
        from body in Bodies()
        select new Generated(status, headers, body);

    // Where even the head is not HTTP any more.
    private static Gen<Generated> MangledAnswers() =>
        from answer in GeneratedAnswers()
        from mangled in Mangled(answer.OnTheWire())
        select answer with { Wire = mangled };

    private static Gen<byte[]> Bodies() => Gen.Frequency(
        (4, Gen.Elements(Answers.Page, Answers.Created, Answers.Discarded).Select(Encoding.UTF8.GetBytes)),
        (6, Objects(3).Select(Encoding.UTF8.GetBytes)),
        (6, Shaped().Select(Encoding.UTF8.GetBytes)),
        (4, Gen.Elements(Answers.Page, Answers.Created, Answers.Discarded).Select(Encoding.UTF8.GetBytes).SelectMany(Mangled)),
        (2, Gen.Elements(s_values).Select(Encoding.UTF8.GetBytes)),
        (1, Gen.Elements("", " ", "\uFEFF", "<html>", "\0", "{", "\"", "{\"data\":[", "OK").Select(Encoding.UTF8.GetBytes)),
        (1, Gen.Choose(0, 255).Select(value => (byte)value).ArrayOf()));

    // The right shape, with wrong values, doubled and missing properties.
    private static Gen<string> Shaped() => Gen.OneOf(
        from tokens in Members("id", "token_id", "name", "created_at", "created_at", "expires_at", "discarded_at", "last_used_at", "other").ListOf()
        from links in Members("first", "next", "next", "prev", "other")
        select "{\"data\":[" + string.Join(",", tokens.Take(5)) + "],\"links\":" + links + "}",
        Members("token", "token", "token_id", "token_id", "created_at", "created_at", "expires_at", "other"),
        Members("token_id", "token_id", "id", "discarded_at", "discarded_at", "other"),
        from errors in Members("code", "message", "other").ListOf()
        select "{\"errors\":[" + string.Join(",", errors.Take(5)) + "]}");

    private static Gen<string> Members(params string[] names) =>
        Gen.SubListOf(names).SelectMany(some => Gen.CollectToList(some, Member)).Select(members => "{" + string.Join(",", members) + "}");

    private static Gen<string> Member(string name) => Gen.Frequency(
        (5, Gen.Constant(name switch
        {
            "id" or "token_id" => "\"" + Answers.Id + "\"",
            "token" => "\"" + Answers.IssuedValue + "\"",
            "next" or "prev" => "\"?page=2\"",
            _ when name.EndsWith("_at", StringComparison.Ordinal) => "\"2021-01-01T00:00:00Z\"",
            _ => "\"text\"",
        })),
        (1, Gen.Elements(s_values))).Select(value => "\"" + name + "\":" + value);

    private static Gen<string> Objects(int depth) =>
        (from name in Gen.Elements(s_names)
         from value in depth == 0 ? Gen.Elements(s_values) : Gen.Frequency((3, Gen.Elements(s_values)), (1, Objects(depth - 1)), (1, Objects(depth - 1).Select(item => "[" + item + "]")))
         select "\"" + name + "\":" + value).ListOf().Resize(6).Select(members => "{" + string.Join(",", members) + "}");

    // Bytes changed, cut, doubled or put in.
    private static Gen<byte[]> Mangled(byte[] bytes) =>
        from count in Gen.Choose(1, 4)
        from changes in (from kind in Gen.Choose(0, 4)
                         from place in Gen.Choose(0, Math.Max(0, bytes.Length - 1))
                         from value in Gen.Choose(0, 255)
                         select (kind, place, value)).ListOf(count)
        select changes.Aggregate(bytes, (body, change) =>
        {
            int place = Math.Min(change.place, Math.Max(0, body.Length - 1));
            byte value = (byte)change.value;
            return change.kind switch
            {
                _ when body.Length == 0 => [value],
                0 => [.. body[..place], value, .. body[(place + 1)..]],
                1 => body[..place],
                2 => [.. body[..place], .. body],
                3 => [.. body[..place], value, .. body[place..]],
                _ => body[place..],
            };
        });

    /// <summary>An answer to give.</summary>
    private sealed record Generated(int Status, string[] Headers, byte[] Body)
    {
        /// <summary>What is sent instead of an orderly answer; null for that.</summary>
        public byte[]? Wire { get; init; }

        public byte[] OnTheWire() => Wire ?? [.. Encoding.Latin1.GetBytes(RawRequest.Head(Status, Body.Length, Headers)), .. Body];

        public override string ToString() => Encoding.Latin1.GetString(OnTheWire());
    }

    private sealed class GeneratedHandler(Func<Generated> next) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Content is not null)
            {
                await request.Content.LoadIntoBufferAsync(cancellationToken);
            }

            Generated answer = next();
            var response = new HttpResponseMessage((HttpStatusCode)answer.Status) { Content = new ByteArrayContent(answer.Body) };
            foreach (string[] header in answer.Headers.Select(header => header.Split(": ", 2)))
            {
                if (!response.Headers.TryAddWithoutValidation(header[0], header[1]))
                {
                    response.Content.Headers.TryAddWithoutValidation(header[0], header[1]);
                }
            }

            return response;
        }
    }
}
