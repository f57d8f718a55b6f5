using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Security.Cryptography;
using System.Text;
using MagicBellJwt.Client;

namespace MagicBellJwt.Commands;

/// <content>Whether what was found is live: by its id in the project's lists, else, where that was asked for, by one read with it.</content>
public sealed partial class FindMbLeakedTokenCommand
{
    // How far an expiry in a token may be from the one that the list has for its id.
    private static readonly TimeSpan s_sameExpiry = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, Dictionary<string, ListedToken>> _lists = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (bool? Live, TokenKind? Kind)> _tested = new(StringComparer.Ordinal);
    private Session? _session;

    /// <summary>
    /// Tests what no list names by one read with it, sent to the session's own address, and only where its claims have the shape of
    /// this project's tokens: a stranger's token is never sent anywhere.
    /// </summary>
    [Parameter]
    public SwitchParameter TestLive { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        _session = SessionStore.Current.Latest;
        if (TestLive || Session is not null)
        {
            Try(Session?.Name, () =>
            {
                _session = CurrentSession;
                _ = _session.Service;
            });
        }
    }

    private void LookUp(LeakedToken leak, FoundToken found)
    {
        if (_session is not { } session)
        {
            return;
        }

        if (Listed(leak, session) is { } listed)
        {
            leak.ListedBy = session;
            leak.Live = listed.Status == TokenStatus.Active;
            leak.Kind ??= listed.Kind;
        }
        else if (leak.ExpiresAt <= DateTimeOffset.UtcNow)
        {
            leak.Live = false;
        }
        else if (TestLive)
        {
            (leak.Live, TokenKind? kind) = Test(leak, found, session);
            leak.Kind ??= kind;
        }
    }

    // A token's claims are anybody's word: one that ends at another time than the listed one of its id is not that one.
    private ListedToken? Listed(LeakedToken leak, Session session) =>
        leak.TokenId is { } id && !(leak.Kind == TokenKind.User && leak.UserId is null)
        && List(session, leak.Kind == TokenKind.User ? leak.UserId : null).TryGetValue(id, out ListedToken? listed)
        && (leak.ExpiresAt is null ? listed.ExpiresAt is null : listed.ExpiresAt is { } end && (end - leak.ExpiresAt.Value).Duration() < s_sameExpiry)
            ? listed
            : null;

    private Dictionary<string, ListedToken> List(Session session, string? userId)
    {
        if (_lists.TryGetValue(userId ?? "", out Dictionary<string, ListedToken>? list))
        {
            return list;
        }

        // Asked for once, even where it fails.
        _lists.Add(userId ?? "", list = new Dictionary<string, ListedToken>(StringComparer.OrdinalIgnoreCase));
        try
        {
            TokenPages pages = userId is null
                ? session.Service.FetchProjectTokensAsync(new PageRequest(100))
                : session.Service.FetchUserTokensAsync(userId, new PageRequest(100));
            while (Await(() => pages.ReadAsync(ReadCall)) is { } page)
            {
                foreach (ListedTokenRecord record in page.Where(record => record.Id is not null))
                {
                    list[record.Id!] = userId is null ? new ProjectToken(record, session) : new UserToken(record, session, userId);
                }
            }
        }
        catch (MagicBellException failure) when (userId is not null && failure.Error == MagicBellError.TokenNotFound)
        {
            WriteVerbose($"The API knows no tokens of user {userId}.");
        }
        catch (MagicBellException failure)
        {
            Report(failure, userId);
        }

        return list;
    }

    private (bool? Live, TokenKind? Kind) Test(LeakedToken leak, FoundToken found, Session session)
    {
        if (!found.Token.IsLike(session.Claims))
        {
            WriteVerbose($"Not tested: the token {leak.Fingerprint} ({leak}) does not look like one of project '{session.Name}'.");
            return default;
        }

        // Once a token, and by its whole hash: two that share a fingerprint can be made.
        using SHA256 sha256 = SHA256.Create();
        string hash = Convert.ToBase64String(sha256.ComputeHash(Encoding.ASCII.GetBytes(found.Value)));
        if (!_tested.TryGetValue(hash, out (bool? Live, TokenKind? Kind) tested))
        {
            _tested.Add(hash, default);
            if (ShouldProcess($"token {leak.Fingerprint} ({leak})", $"Send to {session.BaseAddress}, to see whether it is live"))
            {
                _tested[hash] = tested = Ask(leak, found.Value, session);
            }
        }

        return tested;
    }

    private (bool? Live, TokenKind? Kind) Ask(LeakedToken leak, string value, Session session)
    {
        try
        {
            ReadWith(session, value);
            return (true, TokenKind.Project);
        }
        catch (MagicBellException failure) when (failure is { Error: MagicBellError.Forbidden, IsCertain: true })
        {
            // It is somebody's, but not an administrator's.
            return (true, TokenKind.User);
        }
        catch (MagicBellException failure) when (failure is { Error: MagicBellError.Unauthorized, IsCertain: true })
        {
            return (false, null);
        }
        catch (MagicBellException failure)
        {
            // The place is told all the same.
            Report(failure, leak.Fingerprint);
            return default;
        }
    }
}
