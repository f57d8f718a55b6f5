using System;
using System.Collections.Generic;
using System.Globalization;

namespace MagicBellJwt.Sandbox.Server;

/// <summary>The program's options, read from its arguments.</summary>
internal static class CommandLine
{
    public const string Usage = """
        Usage: MagicBellJwt.SandboxServer --admin-token-file FILE [options]

          --admin-token-file FILE      write the administrator's JWT there, readable by its owner only
          --urls URL                   listen there: plain http, loopback only, port 0 for any (http://127.0.0.1:0)
          --latency MS                 let each request take so long to arrive
          --seed-project-tokens N      start with N project tokens
          --seed-user USERID:N         start with N tokens of a user; repeatable
          --seed-users N[:TOKENS]      start with users user1@example.com and on, each with so many tokens
          --user-query MATCH           how a query for users matches: exact, prefix or part (part)
          --user-query-minds-case      tell upper from lower case in such a query
          --null-members               write a member without a value as null, not at all otherwise
          --default-page N             how many items a page has where the request does not say (25 tokens, 50 users)
          --no-rate-limit              never answer 429
          --rate-window sliding|fixed  which minute the limit counts (sliding)
          --reads-per-minute N         how many GET a minute (250)
          --writes-per-minute N        how many POST and DELETE a minute (200)
          --list-discarded             list revoked tokens too
          --cursors-die                forget a cursor when its token is revoked
          --no-idempotency             ignore Idempotency-Key
          --fault SPEC                 go wrong: METHOD PATH KIND[-after-work] [NAME=VALUE]..., repeatable
          --keep-requests N            how many requests to keep (10000)
          --no-recording               keep no request
        """;

    /// <exception cref="FormatException">The arguments are wrong; the message says which one.</exception>
    public static SandboxServerOptions Parse(IEnumerable<string> arguments)
    {
        string? file = null;
        var url = new Uri("http://127.0.0.1:0");
        int latency = 0, seedProjectTokens = 0, keptRequests = 10_000, reads = 250, writes = 200;
        (int Users, int Tokens) seedUsers = (0, 0);
        var userQuery = UserQuery.Part;
        bool userQueryMindsCase = false;
        var seedUserTokens = new Dictionary<string, int>(StringComparer.Ordinal);
        var faults = new List<Fault>();
        int? defaultPage = null;
        bool writesNull = false;
        bool enforceRateLimit = true, listDiscarded = false, cursorsDie = false, honourKeys = true;
        var window = RateLimitWindow.Sliding;

        using IEnumerator<string> next = arguments.GetEnumerator();
        while (next.MoveNext())
        {
            string option = next.Current;
            switch (option)
            {
                case "--admin-token-file": file = Text(); break;
                case "--urls": url = Address(); break;
                case "--latency": latency = Number(); break;
                case "--seed-project-tokens": seedProjectTokens = Number(); break;
                case "--seed-user": SeedUser(); break;
                case "--seed-users": seedUsers = Users(); break;
                case "--user-query": userQuery = Query(); break;
                case "--user-query-minds-case": userQueryMindsCase = true; break;
                case "--null-members": writesNull = true; break;
                case "--default-page": defaultPage = Number(from: 1); break;
                case "--no-rate-limit": enforceRateLimit = false; break;
                case "--rate-window": window = Window(); break;
                case "--reads-per-minute": reads = Number(from: 1); break;
                case "--writes-per-minute": writes = Number(from: 1); break;
                case "--list-discarded": listDiscarded = true; break;
                case "--cursors-die": cursorsDie = true; break;
                case "--no-idempotency": honourKeys = false; break;
                case "--fault": faults.Add(Fault.Parse(Text())); break;
                case "--keep-requests": keptRequests = Number(); break;
                case "--no-recording": keptRequests = 0; break;
                default: throw new FormatException("There is no option " + option + ".");
            }

            string Text() => next.MoveNext() ? next.Current : throw new FormatException(option + " needs a value.");

            int Number(int from = 0) => ParseNumber(Text(), from);

            int ParseNumber(string text, int from = 0) =>
                int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= from
                    ? number
                    : throw new FormatException(option + " needs a whole number from " + from.ToString(CultureInfo.InvariantCulture) + ".");

            Uri Address() => Uri.TryCreate(Text(), UriKind.Absolute, out Uri? address) && SandboxServer.CanListenOn(address)
                ? address
                : throw new FormatException(option + " needs a plain http address on loopback, such as http://127.0.0.1:5005.");

            RateLimitWindow Window() => Text() switch
            {
                "sliding" => RateLimitWindow.Sliding,
                "fixed" => RateLimitWindow.FixedMinute,
                _ => throw new FormatException(option + " is sliding or fixed."),
            };

            UserQuery Query() => Text() switch
            {
                "exact" => UserQuery.Exact,
                "prefix" => UserQuery.Prefix,
                "part" => UserQuery.Part,
                _ => throw new FormatException(option + " is exact, prefix or part."),
            };

            (int, int) Users()
            {
                string[] numbers = Text().Split(':', 2);
                return (ParseNumber(numbers[0]), numbers.Length == 2 ? ParseNumber(numbers[1]) : 0);
            }

            void SeedUser()
            {
                string text = Text();
                int colon = text.LastIndexOf(':');
                if (colon < 1)
                {
                    throw new FormatException(option + " needs USERID:N.");
                }

                seedUserTokens[text[..colon]] = ParseNumber(text[(colon + 1)..]);
            }
        }

        return new SandboxServerOptions
        {
            Sandbox = new SandboxOptions
            {
                EnforceRateLimit = enforceRateLimit,
                ReadsPerMinute = reads,
                WritesPerMinute = writes,
                Window = window,
                ListDiscarded = listDiscarded,
                CursorsDieWithTheirToken = cursorsDie,
                HonourIdempotencyKeys = honourKeys,
                UserQuery = userQuery,
                UserQueryMindsCase = userQueryMindsCase,
                WritesNull = writesNull,
                DefaultPage = defaultPage,
            },
            Url = url,
            AdministratorTokenFile = file ?? throw new FormatException("--admin-token-file is needed."),
            Latency = TimeSpan.FromMilliseconds(latency),
            SeedProjectTokens = seedProjectTokens,
            SeedUserTokens = seedUserTokens,
            SeedUsers = seedUsers,
            Faults = faults,
            KeptRequests = keptRequests,
        };
    }
}
