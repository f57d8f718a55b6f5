using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Client.History;

namespace MagicBellJwt.Commands;

/// <content>Whether what was found is listed, by its claims, and whether it is live, by a read with it where that was asked for.</content>
public sealed partial class FindMbLeakedTokenCommand
{
    private const string Declined = "was not to be sent";

    // How far an expiry in a token may be from the one that the list has for its id, and this machine's clock from the server's.
    private static readonly TimeSpan s_sameTime = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, Dictionary<string, ListedToken>?> _lists = new(StringComparer.Ordinal);
    private readonly Dictionary<UserReference, string?> _owners = [];
    private readonly HashSet<string> _usersPassedOver = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Answer> _answers = new(StringComparer.Ordinal);
    private Session? _session;
    private int _usersLookedUp;

    /// <summary>
    /// Tests each token by one read with it, sent to the session's own address. Only a token that names this very project is sent, by the
    /// project's id or by its public key: a stranger's token is never sent anywhere.
    /// </summary>
    [Parameter]
    [NotBlank]
    public SwitchParameter TestLive { get; set; }

    /// <summary>The project's public key, <c>pk_…</c>: tokens that were signed with the secret key name their project by it.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? ApiKey { get; set; }

    /// <summary>
    /// How many users are looked up at most, 0 to 100,000; 25 unless given. Claims name the users, and anybody can write claims: without a limit
    /// one file could cause a request for each of its lines. The users of tokens that -TestLive proved are looked up beyond it.
    /// </summary>
    [Parameter]
    [NotBlank]
    [ValidateRange(0, 100_000)]
    public int UserLimit { get; set; } = 25;

    /// <inheritdoc/>
    private protected override void Begin()
    {
        base.Begin();
        _session = SessionStore.Current.Latest;
        if (TestLive || Session is not null)
        {
            Try(Session?.Name, () =>
            {
                _session = CurrentSession;
                _ = _session.Service;
            });
        }

        if (ApiKey is not null)
        {
            try
            {
                ProjectKeys.CheckApiKey(ApiKey);
            }
            catch (MagicBellException failure)
            {
                // The target is not the key: it may be the secret one.
                ThrowTerminatingError(ErrorRecords.Create(failure, nameof(ApiKey)));
            }
        }
    }

    private void LookUp(LeakedToken leak, FoundToken found)
    {
        if (_session is not { } session)
        {
            return;
        }

        if (TestLive)
        {
            Answer answer = Test(leak, found, session);
            leak.Live = answer.Live;
            leak.NotTested = answer.NotTested;
            leak.Kind = answer.Kind ?? leak.Kind;
        }

        if (List(leak, session) is not { } list)
        {
            return;
        }

        ListedToken? listed = null;
        leak.Listed = leak.TokenId is { } id && list.TryGetValue(id, out listed);
        leak.Name = listed?.Name;
        if (session.Users.Known((listed as UserToken)?.UserId)?.Email is { } email)
        {
            leak.Email = ScreenText.Of(email);
        }

        if (leak.Live == true && listed?.Status == TokenStatus.Active && listed.Kind == leak.Kind && IsSameTime(listed.ExpiresAt, leak.ExpiresAt))
        {
            leak.ProvedBy = session;
        }
    }

    private static bool IsSameTime(DateTimeOffset? left, DateTimeOffset? right) =>
        left is null || right is null ? left == right : (left - right).Value.Duration() < s_sameTime;

    /// <summary>The list that the token may be in; null where that is not known, or was not read.</summary>
    private Dictionary<string, ListedToken>? List(LeakedToken leak, Session session)
    {
        string? userId = leak.Kind == TokenKind.User ? leak.UserId ?? FindOwner(leak, session) : null;
        if (leak.TokenId is null || (leak.Kind == TokenKind.User && userId is null))
        {
            return null;
        }

        if (_lists.TryGetValue(userId ?? "", out Dictionary<string, ListedToken>? known))
        {
            return known;
        }

        // Whom FindOwner has looked up is counted there.
        if (userId is not null && leak.UserId is not null)
        {
            if (leak.Live != true && _usersLookedUp >= UserLimit)
            {
                _usersPassedOver.Add(userId);
                return null;
            }

            _usersLookedUp++;
        }

        // Read once, even where reading fails.
        Dictionary<string, ListedToken>? list = Read(session, userId);
        _lists.Add(userId ?? "", list);
        return list;
    }

    // By the address or the external id that its claims name, where they name no id: one request, and then that user's list alone.
    private string? FindOwner(LeakedToken leak, Session session)
    {
        var owner = new UserReference(null, leak.Email, leak.ExternalId);
        if (leak.TokenId is null || owner.Query is null)
        {
            return null;
        }

        if (_owners.TryGetValue(owner, out string? known))
        {
            return known;
        }

        if (leak.Live != true && _usersLookedUp >= UserLimit)
        {
            _usersPassedOver.Add(owner.Target);
            return null;
        }

        _usersLookedUp++;
        string? userId = null;
        try
        {
            owner.Check();
            UserMatch match = Await(() => session.Users.FindAsync([owner], isAnew: true, ReadCall, ((IPipeline)this).Verbose))[0];
            userId = match.User?.UserId;
            if (match.Failure is { } failure)
            {
                WriteVerbose(failure.Message);
            }
        }
        catch (MagicBellException failure) when (!ErrorRecords.Ends(failure))
        {
            // The place of the token is still reported.
            WriteVerbose($"Whose token {leak.TokenId} is could not be asked: {failure.Message}");
        }

        _owners.Add(owner, userId);
        return userId;
    }

    private Dictionary<string, ListedToken>? Read(Session session, string? userId)
    {
        var list = new Dictionary<string, ListedToken>(StringComparer.OrdinalIgnoreCase);
        try
        {
            TokenReader reader = new TokenScope(session, userId is null ? TokenKind.Project : TokenKind.User, userId).Open();
            while (Await(() => reader.ReadAsync(ReadCall)) is { } page)
            {
                foreach (ListedToken token in page.Where(token => token.Id is not null))
                {
                    list[token.Id!] = token;
                }
            }

            return list;
        }
        catch (MagicBellException failure) when (userId is not null && failure.Error == MagicBellError.TokenNotFound)
        {
            WriteVerbose($"The API knows no tokens of user {ScreenText.Of(userId)}.");
            return list;
        }
        catch (MagicBellException failure)
        {
            Report(failure, userId);
            return null;
        }
    }

    private Answer Test(LeakedToken leak, FoundToken found, Session session)
    {
        // Once for each token, by its whole hash: an attacker can make two tokens with the same fingerprint.
        using SHA256 sha256 = SHA256.Create();
        string hash = Convert.ToBase64String(sha256.ComputeHash(Encoding.ASCII.GetBytes(found.Value)));
        if (!_answers.TryGetValue(hash, out Answer? answer))
        {
            answer = Ask(leak, found, session);
            _answers.Add(hash, answer);
            if (answer.NotTested is { } why)
            {
                WriteVerbose($"Not tested: the token {leak.Fingerprint} ({leak}): it {why}.");
            }
        }

        return answer;
    }

    private Answer Ask(LeakedToken leak, FoundToken found, Session session)
    {
        if (leak.ExpiresAt < session.Service.ServerNow - s_sameTime)
        {
            return new Answer(false, null, "has ended by its own claims");
        }

        if (found.Token.WhyNotOf(session.Claims, ApiKey) is { } why)
        {
            return new Answer(null, null, why);
        }

        if (!ShouldProcess($"token {leak.Fingerprint} ({leak})", $"Send to {session.BaseAddress}, to see whether it is live"))
        {
            return new Answer(null, null, Declined);
        }

        try
        {
            Await(async () =>
            {
                await TestAsync(session, found.Value, leak.Fingerprint).ConfigureAwait(false);
                return true;
            });
            return new Answer(true, TokenKind.Project, null);
        }
        catch (MagicBellException failure) when (failure is { Error: MagicBellError.Forbidden, IsCertain: true })
        {
            // The API knows the token, and it is not an administrator's: a user's.
            return new Answer(true, TokenKind.User, null);
        }
        catch (MagicBellException failure) when (failure is { Error: MagicBellError.Unauthorized, IsCertain: true })
        {
            return new Answer(false, null, null);
        }
        catch (MagicBellException failure)
        {
            // The place of the token is still reported.
            Report(failure, leak.Fingerprint);
            return new Answer(null, null, null);
        }
    }

    // Sending somebody's token is recorded too: it shows in the project's own logs.
    private async Task TestAsync(Session session, string value, string fingerprint)
    {
        const string Operation = "TestToken";
        var subject = new HistorySubject { Fingerprint = fingerprint };
        long intent = session.History is { } history ? await history.BeginAsync(Operation, subject, session.Service.ClockOffset, ReadCall).ConfigureAwait(false) : 0;
        string outcome = TokenHistory.Unknown;
        MagicBellException? failure = null;
        try
        {
            await session.Service.ProbeAsync(value, ReadCall).ConfigureAwait(false);
            outcome = TokenHistory.Live;
        }
        catch (MagicBellException refused)
        {
            failure = refused;
            outcome = refused switch
            {
                // The API knows the token, and it is a user's.
                { Error: MagicBellError.Forbidden, IsCertain: true } => TokenHistory.Live,
                { Error: MagicBellError.Unauthorized, IsCertain: true } => TokenHistory.NotLive,
                _ => TokenHistory.Unknown,
            };
            throw;
        }
        finally
        {
            if (session.History is { } open)
            {
                await open.EndAsync(intent, Operation, outcome, new HistorySubject(), failure, session.Service.ClockOffset, ReadCall).ConfigureAwait(false);
            }
        }
    }

    private void WarnOfWhatWasNotAsked()
    {
        foreach (IGrouping<string, Answer> left in _answers.Values.Where(answer => answer.NotTested is not (null or Declined) && answer.Live is null).GroupBy(answer => answer.NotTested!))
        {
            WriteWarning($"{left.Count()} of the tokens that were found {(left.Count() == 1 ? "was" : "were")} not sent anywhere, so whether they are live is not known. Each {left.Key}.");
        }

        if (_usersPassedOver.Count > 0)
        {
            WriteWarning($"What was found names more users than -UserLimit {UserLimit}: the lists of {_usersPassedOver.Count} of them were not read. Claims name them, and anybody can write claims.");
        }
    }

    private sealed record Answer(bool? Live, TokenKind? Kind, string? NotTested);
}
