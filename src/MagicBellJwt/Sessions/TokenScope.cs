using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.ExceptionServices;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Client.History;

namespace MagicBellJwt;

/// <summary>One list of tokens at the API, the project's own or one user's: all that the module reads, issues, revokes and proves passes here.</summary>
/// <remarks>
/// Says only what the API has said. A 404 to a revocation is a reason to read the list, and the list decides. Import-Module loads every type of
/// this assembly, and none of the dependencies: hence <c>await (Task)task</c>, then its result, where a task gives an object of the client.
/// </remarks>
internal sealed class TokenScope
{
    private const int PageSize = 100;

    // The Date header has whole seconds, and an answer takes a while.
    private static readonly TimeSpan s_clockTolerance = TimeSpan.FromSeconds(5);

    // How often, and how long apart, a list is read again that does not show a new token yet.
    private static readonly TimeSpan[] s_waitsForList = [TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2)];

    /// <summary>Names a list; nothing is sent.</summary>
    /// <param name="session">The project.</param>
    /// <param name="kind">Whether it is the project's own list or a user's.</param>
    /// <param name="userId">The user; null for the project's own list, and where it is not known whose list a user's token is in.</param>
    /// <param name="found">How the user was found; null where the id was given.</param>
    internal TokenScope(Session session, TokenKind kind, string? userId = null, UserMatch? found = null)
    {
        Session = session;
        Kind = kind;
        UserId = userId;
        Found = found;
        Owner = found?.User ?? session.Users.Known(userId);
    }

    internal Session Session { get; }

    internal TokenKind Kind { get; }

    internal string? UserId { get; }

    /// <summary>How the user was found, where it was by an address or an external id.</summary>
    internal UserMatch? Found { get; }

    /// <summary>The user, as far as the session has seen: to name by, and not to act on.</summary>
    internal User? Owner { get; }

    /// <summary>What its tokens are called in a sentence: <c>project token</c> or <c>user token</c>.</summary>
    internal string Noun => Kind == TokenKind.Project ? "project token" : "user token";

    /// <summary>Now, by the server's clock where that is known.</summary>
    internal DateTimeOffset Now => Session.Service.ServerNow;

    /// <summary>Whether there is a list to read: not where a user's token is known by its id alone.</summary>
    internal bool CanList => Kind == TokenKind.Project || UserId is not null;

    /// <summary>Whether a listed token can be used now, by the server's clock.</summary>
    internal bool IsLive(ListedToken token) => token.DiscardedAt is null && !(token.ExpiresAt <= Now);

    /// <summary>Whether two ids are the same token's.</summary>
    internal static bool IsSameId(string? left, string? right) => left is not null && string.Equals(left, right, StringComparison.OrdinalIgnoreCase);

    /// <summary>Opens the list. It is read when it is asked for, page by page.</summary>
    /// <param name="size">Tokens a page, 1 to 100.</param>
    /// <param name="after">The id after which the list begins; null for its start.</param>
    /// <param name="before">The id before which the list ends, read backwards; null for none.</param>
    /// <param name="bearer">Another token to read with; null for the session's own.</param>
    /// <exception cref="MagicBellException">The session was disconnected, or an argument cannot be sent.</exception>
    internal TokenReader Open(int size = PageSize, string? after = null, string? before = null, string? bearer = null)
    {
        JwtService service = Session.Service;
        var page = new PageRequest(size, after, before);
        return Kind == TokenKind.Project
            ? new TokenReader(service.FetchProjectTokensAsync(page, bearer), bearer is null ? WrapOwn : Wrap)
            : new TokenReader(
                service.FetchUserTokensAsync(UserId ?? throw MagicBellException.Invalid("An id alone does not say in whose list the token is. Say whose it is, by -Email, -ExternalId or -UserId, or give the listed token."), page),
                Wrap);
    }

    /// <summary>A token of this list, by what was read of it.</summary>
    internal ListedToken Wrap(ListedTokenRecord record) => Kind == TokenKind.Project ? new ProjectToken(record, Session) : new UserToken(record, this);

    // The session may meet its own token in the list that it reads.
    private ListedToken WrapOwn(ListedTokenRecord record)
    {
        Session.IsTokenListed |= IsSameId(record.Id, Session.TokenId);
        return Wrap(record);
    }

    /// <summary>Reads the whole list.</summary>
    internal async Task<IReadOnlyList<ListedToken>> ListAsync(CallContext call)
    {
        var tokens = new List<ListedToken>();
        TokenReader reader = Open();
        while (await reader.ReadAsync(call).ConfigureAwait(false) is { } page)
        {
            tokens.AddRange(page);
        }

        return tokens;
    }

    /// <summary>The first token of the list that a test holds for; no page more than needed is read. Null where there is none.</summary>
    internal async Task<ListedToken?> FindAsync(Func<ListedToken, bool> test, CallContext call, string? bearer = null)
    {
        TokenReader reader = Open(bearer: bearer);
        while (await reader.ReadAsync(call).ConfigureAwait(false) is { } page)
        {
            if (page.FirstOrDefault(test) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    /// <summary>The token of an id; null where the list does not show it.</summary>
    internal Task<ListedToken?> FindAsync(string id, CallContext call) => FindAsync(token => IsSameId(token.Id, id), call);

    /// <summary>Refuses what the API would refuse, before anything is sent.</summary>
    /// <exception cref="MagicBellException">The name, the user or the lifetime cannot be sent.</exception>
    internal static void Check(TokenKind kind, TokenRequest request)
    {
        if (kind == TokenKind.User)
        {
            RequestValidation.CheckUser(request.Email, request.ExternalId);
        }

        if (kind == TokenKind.Project || request.Name is not null)
        {
            RequestValidation.CheckName(request.Name ?? "");
        }

        RequestValidation.CheckLifetime(request.Lifetime);
    }

    /// <summary>Issues a token.</summary>
    /// <param name="request">What to issue.</param>
    /// <param name="key">The idempotency key.</param>
    /// <param name="trustsKey">Whether the caller says that the server honours it.</param>
    /// <param name="asPlainText">Whether the value is wanted as text.</param>
    /// <param name="call">How it is stopped.</param>
    internal async Task<IssuedToken> CreateAsync(TokenRequest request, Guid key, bool trustsKey, bool asPlainText, CallContext call)
    {
        var subject = new HistorySubject { Name = request.Name, Email = request.Email, ExternalId = request.ExternalId, UserId = UserId, IdempotencyKey = key };
        return await RecordAsync(Kind == TokenKind.Project ? "CreateProjectJwt" : "CreateUserJwt", subject, () => SendCreateAsync(request, key, trustsKey, asPlainText, call), DescribeIssued, call).ConfigureAwait(false);
    }

    private async Task<IssuedToken> SendCreateAsync(TokenRequest request, Guid key, bool trustsKey, bool asPlainText, CallContext call)
    {
        JwtService service = Session.Service;
        Task<CreatedToken> creating = Kind == TokenKind.Project
            ? service.CreateProjectJwtAsync(new CreateProjectToken(request.Name!, request.Lifetime), key, trustsKey, call)
            : service.CreateUserJwtAsync(new CreateUserToken(request.Email, request.ExternalId, request.Name, request.Lifetime), key, trustsKey, call);
        await ((Task)creating).ConfigureAwait(false);
        return new IssuedToken(creating.Result, Kind, request, asPlainText, Session);
    }

    /// <summary>Revokes a token.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="wasListed">Whether a list or a create's answer once named this id. Then a 404 is a reason to read the list, and its absence there means that it is over.</param>
    /// <param name="call">How it is stopped.</param>
    /// <param name="name">Its name, for the history; null where that is not known.</param>
    /// <returns>What the API said, or the list after a 404.</returns>
    /// <exception cref="MagicBellException">It was refused, or nobody can tell what became of it (<see cref="MagicBellException.OutcomeUnknown"/>).</exception>
    internal Task<Revocation> RevokeAsync(string id, bool wasListed, CallContext call, string? name = null) => RecordAsync(
        Kind == TokenKind.Project ? "DiscardProjectJwt" : "DiscardUserJwt",
        new HistorySubject { Id = id, Name = name, UserId = UserId, Email = Owner?.Email, ExternalId = Owner?.ExternalId },
        () => SendRevocationAsync(id, wasListed, call),
        static revocation => new HistorySubject { Attempts = revocation.Attempts, RequestId = revocation.RequestId },
        call);

    private async Task<Revocation> SendRevocationAsync(string id, bool wasListed, CallContext call)
    {
        JwtService service = Session.Service;
        try
        {
            Task<DiscardedToken> discarding = Kind == TokenKind.Project ? service.DiscardProjectJwtAsync(id, call) : service.DiscardUserJwtAsync(id, call);
            await ((Task)discarding).ConfigureAwait(false);
            DiscardedToken discarded = discarding.Result;
            return new Revocation(id, RevocationOutcome.Revoked, discarded.DiscardedAt, this) { Attempts = discarded.Attempts, RequestId = discarded.RequestId };
        }
        catch (MagicBellException failure) when (failure.Error == MagicBellError.TokenNotFound && CanList && (wasListed || failure.OutcomeUnknown))
        {
            return await JudgeByListAsync(id, wasListed, failure, call).ConfigureAwait(false);
        }
    }

    /// <summary>Revokes a new token that nobody was given, after the list has shown that its id is that of this very create.</summary>
    /// <param name="token">The token.</param>
    /// <param name="pipeline">Waits where the list lags behind.</param>
    /// <param name="call">How it is stopped.</param>
    /// <returns>False where no list shows its id: nothing is done then, and it may be live.</returns>
    /// <exception cref="MagicBellException">The list shows another token under its id, or it could not be revoked: it may be live.</exception>
    internal async Task<bool> RevokeUndeliveredAsync(NewToken token, IPipeline pipeline, CallContext call)
    {
        // Whose a user's token is, its own claims say; that it is in that user's list is then the API's word.
        TokenScope scope = CanList ? this : new TokenScope(Session, Kind, token.UserId);
        ListedToken? listed = scope.CanList ? await scope.FindNewAsync(token, pipeline, call).ConfigureAwait(false) : null;
        if (listed is null && token.UserId is not null && token.UserId != scope.UserId)
        {
            scope = new TokenScope(Session, Kind, token.UserId);
            listed = await scope.FindNewAsync(token, pipeline, call).ConfigureAwait(false);
        }

        if (listed is { DiscardedAt: null })
        {
            await scope.RevokeAsync(token.Id, wasListed: true, call, token.Name).ConfigureAwait(false);
        }

        return listed is not null;
    }

    /// <summary>The list's word for a new token: its item, made by this create and not before. Reads the list again while that lags behind.</summary>
    /// <param name="token">The token.</param>
    /// <param name="pipeline">Waits where the list lags behind.</param>
    /// <param name="call">How it is stopped.</param>
    /// <returns>The item; null where the list does not show the id.</returns>
    /// <exception cref="MagicBellException">The id is that of another token.</exception>
    internal async Task<ListedToken?> FindNewAsync(NewToken token, IPipeline pipeline, CallContext call)
    {
        ListedToken? listed;
        for (int attempt = 0; (listed = await FindAsync(token.Id, call).ConfigureAwait(false)) is null && attempt < s_waitsForList.Length; attempt++)
        {
            await pipeline.WaitAsync(s_waitsForList[attempt], call).ConfigureAwait(false);
        }

        return CheckIsNew(token, listed);
    }

    /// <summary>Refuses a token whose id the list shows as another token's: the answer that brought it gave it a wrong one.</summary>
    /// <param name="token">The token.</param>
    /// <param name="call">How it is stopped.</param>
    /// <exception cref="MagicBellException">The id is that of another token, or the list could not be read.</exception>
    internal async Task CheckIsNewAsync(NewToken token, CallContext call) => CheckIsNew(token, await FindAsync(token.Id, call).ConfigureAwait(false));

    private ListedToken? CheckIsNew(NewToken token, ListedToken? listed)
    {
        bool isAnother = listed is not null
            && (token.IsOlder(token.Id)
                || (listed.CreatedAt - (token.CreatedAt ?? listed.CreatedAt)).Duration() > s_clockTolerance
                || (listed.Name is not null && !TokenName.IsSame(listed.Name, token.Name)));
        return isAnother
            ? throw new MagicBellException(MagicBellError.UnexpectedResponse, $"The server gave the new {Noun} the id {token.Id}, which the list shows as another token. Nothing is done to that id.")
            : listed;
    }

    /// <summary>Proves that a new token works and is the one that the list shows: a project's by a read with it, a user's by the API's own refusal.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="value">Its value.</param>
    /// <param name="call">How it is stopped.</param>
    /// <exception cref="MagicBellException">It does not work, or not for this project.</exception>
    internal async Task ProveAsync(string id, string value, CallContext call)
    {
        if (JsonWebToken.TryDecode(value, out JsonWebToken? claims) && claims!.Id is { } claimed && RequestValidation.IsTokenId(claimed) && !IsSameId(claimed, id))
        {
            throw new MagicBellException(MagicBellError.RotationFailed, $"The new {Noun} {id} carries another token's id in its claims.");
        }

        try
        {
            if (Kind == TokenKind.User)
            {
                await Session.Service.ProbeAsync(value, call).ConfigureAwait(false);
                throw new MagicBellException(MagicBellError.RotationFailed, $"The new {Noun} {id} may administer the project, so it is no user's.");
            }

            // A token of another project at the same address reads that one's list: only the new token's own id in it is a proof.
            if (await FindAsync(token => IsSameId(token.Id, id), call, value).ConfigureAwait(false) is null)
            {
                throw new MagicBellException(MagicBellError.RotationFailed, $"The new {Noun} {id} reads a list that does not show it: it is another project's, or the list lags behind.");
            }
        }
        catch (MagicBellException failure) when (Kind == TokenKind.User && failure is { Error: MagicBellError.Forbidden, IsCertain: true })
        {
            // The API knows it, and says that it may not administer: a user's token.
        }
        catch (MagicBellException failure) when (failure.Error != MagicBellError.RotationFailed)
        {
            throw new MagicBellException(MagicBellError.RotationFailed, $"The new {Noun} {id} did not prove to work: {failure.Message}", failure);
        }
    }

    /// <summary>Records that a token was handed over or stored, so that it is known to be held.</summary>
    internal Task ClaimAsync(string? id, string? fingerprint, string heldBy, CallContext call) => Session.History?.ClaimAsync(id, fingerprint, heldBy, call) ?? Task.CompletedTask;

    // Every write of the module passes here: a line in the history before it is sent, one for what came of it.
    private async Task<T> RecordAsync<T>(string operation, HistorySubject subject, Func<Task<T>> send, Func<T, HistorySubject> describe, CallContext call)
        where T : class
    {
        if (Session.RequiresReason && string.IsNullOrWhiteSpace(call.Reason))
        {
            throw NoReason(Session);
        }

        JwtService service = Session.Service;
        if (Session.History is not { } history)
        {
            return await send().ConfigureAwait(false);
        }

        long intent = await history.BeginAsync(operation, subject, service.ClockOffset, call).ConfigureAwait(false);
        try
        {
            T result = await send().ConfigureAwait(false);
            string outcome = result is Revocation revocation ? revocation.Outcome.ToString() : TokenHistory.Issued;
            await history.EndAsync(intent, operation, outcome, describe(result), null, service.ClockOffset, call).ConfigureAwait(false);
            return result;
        }
        catch (MagicBellException failure)
        {
            await history.EndAsync(intent, operation, failure.IsCertain ? TokenHistory.Failed : TokenHistory.Unknown, new HistorySubject(), failure, service.ClockOffset, call).ConfigureAwait(false);
            throw;
        }
        catch (OperationCanceledException)
        {
            // Stopped before anything was sent: a write that may have been carried out fails in another way.
            await history.EndAsync(intent, operation, TokenHistory.Failed, new HistorySubject { Attempts = 0 }, null, service.ClockOffset, call).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>What a session says that wants to know why something is written, and is not told.</summary>
    internal static MagicBellException NoReason(Session session) =>
        MagicBellException.Invalid($"The session '{session.Name}' was connected with -RequireReason, so nothing is done without one. Say why with -Reason, such as -Reason 'CHG-4711'.");

    private static HistorySubject DescribeIssued(IssuedToken issued) => new()
    {
        Id = issued.Id,
        Fingerprint = issued.Fingerprint,
        UserId = issued.UserId,
        CreatedAt = issued.CreatedAt,
        ExpiresAt = issued.ExpiresAt,
        Attempts = issued.Attempts,
        RequestId = issued.RequestId,
    };

    private async Task<Revocation> JudgeByListAsync(string id, bool wasListed, MagicBellException failure, CallContext call)
    {
        ListedToken? found;
        try
        {
            found = await FindAsync(id, call).ConfigureAwait(false);
        }
        catch (Exception exception) when (failure.OutcomeUnknown && exception is MagicBellException or OperationCanceledException)
        {
            // The list could not say, or was not waited for. What is known is that an answer was lost: it may be revoked.
            ExceptionDispatchInfo.Capture(failure).Throw();
            throw;
        }

        return found switch
        {
            null when wasListed => new Revocation(id, RevocationOutcome.AlreadyRevoked, null, this),
            null => throw failure,
            { } listed when IsLive(listed) => throw new MagicBellException(
                MagicBellError.TokenNotFound,
                $"Could not revoke the {Noun} {id}: the server says that it does not know it (404), and its list shows it as live.",
                failure),
            { DiscardedAt: var discardedAt } => new Revocation(id, RevocationOutcome.AlreadyRevoked, discardedAt, this),
        };
    }
}

/// <summary>What to issue.</summary>
/// <param name="Name">The token's name; null for none, which a project's token must have.</param>
/// <param name="Email">The user's e-mail address; null for none, and for a project's token.</param>
/// <param name="ExternalId">The user's id in the caller's own system; null for none, and for a project's token.</param>
/// <param name="Lifetime">Whole seconds until it expires, 1 or more; null for a token that never does.</param>
internal sealed record TokenRequest(string? Name, string? Email, string? ExternalId, long? Lifetime);

/// <summary>A token that a create has just answered with, as far as that answer and the time before it tell.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">The name that was asked for.</param>
/// <param name="CreatedAt">When it was issued, by the answer; null where that is not at hand any more.</param>
/// <param name="UserId">The user's id by its own claims; null where they do not say.</param>
/// <param name="IsOlder">Tells ids that there were before the create.</param>
internal sealed record NewToken(string Id, string? Name, DateTimeOffset? CreatedAt, string? UserId, Func<string, bool> IsOlder);
