using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Client.History;
using MagicBellJwt.Rotation;

namespace MagicBellJwt;

/// <summary>A connection to one project, made by Connect-MbProject. Shows what it runs on, never the token.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Disconnect-MbProject and the end of the runspace dispose the service.")]
public sealed class Session
{
    private const int RememberedUsers = 50;

    private readonly LinkedList<string> _recentUsers = new();
    private JwtService? _service;
    private bool _isExpiryUnreadable;

    internal Session(string name, JwtServiceOptions options, bool isSandbox, bool isNamed, string tokenSource)
    {
        Name = name;
        BaseAddress = options.BaseAddress;
        IsSandbox = isSandbox;
        Users = new UserDirectory(this);
        TokenSource = tokenSource;
        ConnectedAt = DateTimeOffset.Now;
        _service = new JwtService(options);
        Read(options.Token);
        ProjectId = Claims?.Project ?? name;
        NamesProject = Claims?.Project is not null || isNamed;
    }

    /// <summary>The name that tokens listed through this session carry in Project.</summary>
    public string Name { get; }

    /// <summary>The API's address.</summary>
    public Uri BaseAddress { get; }

    /// <summary>The first 12 hexadecimal digits of SHA-256 over the session's token.</summary>
    public string Fingerprint { get; private set; } = "";

    /// <summary>Where its token came from: <c>-ProjectToken</c>, <c>$env:MAGICBELL_PROJECT_TOKEN</c>, <c>-TokenFile</c>, <c>-Vault</c>, <c>prompt</c> or <c>sandbox</c>; <c>rotation</c> after Update-MbProjectToken has replaced it.</summary>
    public string TokenSource { get; private set; }

    /// <summary>The id of the session's token, by its own claim <c>jti</c>; null where it has none.</summary>
    public string? TokenId { get; internal set; }

    /// <summary>Whether a list has shown <see cref="TokenId"/>. Before that it is the token's own word.</summary>
    internal bool IsTokenListed { get; set; }

    /// <summary>When the session's token ends, by its claims; null where they do not tell, or it never does.</summary>
    public DateTimeOffset? ExpiresAt { get; internal set; }

    /// <summary>When it ends, seen from now and in words: <c>in 12 days</c>, <c>3 hours ago</c>; <c>never</c> too where its claims do not tell, <c>unreadable</c> where its claim <c>exp</c> is no number.</summary>
    public string Expires => _isExpiryUnreadable ? "unreadable" : RelativeTime.Of(ExpiresAt, DateTimeOffset.UtcNow);

    /// <summary>The file of the policy that says how long its tokens may live and how they are called, by -Policy or <c>$env:MAGICBELL_POLICY</c>; null where there is none.</summary>
    public string? Policy => IssuePolicy?.Path;

    /// <summary>When the session was made.</summary>
    public DateTimeOffset ConnectedAt { get; }

    /// <summary>Whether it is a sandbox in this process, and no project.</summary>
    public bool IsSandbox { get; }

    /// <summary>Whether it can still be used: false after Disconnect-MbProject.</summary>
    public bool IsConnected => _service is not null;

    /// <summary>Where its token is kept; null where that is not known.</summary>
    internal TokenPlace? TokenPlace { get; init; }

    /// <summary>Where what the session does is recorded; null where nothing is.</summary>
    internal TokenHistory? History { get; set; }

    /// <summary>When the history was last asked for operations without an end; null where it was not.</summary>
    internal DateTimeOffset? ReviewedAt { get; set; }

    /// <summary>Whether a write without a reason is refused.</summary>
    internal bool RequiresReason { get; init; }

    /// <summary>What the session's policy says of tokens; null where there is none.</summary>
    internal IssuePolicy? IssuePolicy { get; init; }

    internal DateTimeOffset? IssuedAt => Claims?.IssuedAt;

    /// <summary>What the session's token says about itself; null where it is no JSON Web Token.</summary>
    internal JsonWebToken? Claims { get; private set; }

    /// <summary>What tells the project from others at this address: by the token's claims, else the session's name.</summary>
    internal string ProjectId { get; }

    /// <summary>Whether <see cref="ProjectId"/> is the project's: by its token's claims, or by the name that was given for it. Else it is the address's.</summary>
    internal bool NamesProject { get; }

    /// <summary>Whether commands without -Session use it. Select-MbSession chooses it; else it is the one that was connected last.</summary>
    public bool IsCurrent { get; internal set; }

    /// <summary>The project's users, and those that the session has found.</summary>
    internal UserDirectory Users { get; }

    /// <summary>Users that the session was asked about, the last one first, for completion.</summary>
    internal IReadOnlyCollection<string> RecentUsers
    {
        get
        {
            lock (_recentUsers)
            {
                return [.. _recentUsers];
            }
        }
    }

    /// <summary>What completion reads and has read, by user id (empty for the project's own); whatever issues or revokes clears it.</summary>
    /// <remarks>Concurrent: <c>$using:</c> shares a session between runspaces.</remarks>
    internal ConcurrentDictionary<string, (DateTimeOffset Time, Task<IReadOnlyList<ListedToken>> Reading)> Completions { get; } = new();

    /// <summary>What completion reads and has read of the users, by the query (empty for none).</summary>
    internal ConcurrentDictionary<string, (DateTimeOffset Time, Task<IReadOnlyList<User>> Reading)> UserCompletions { get; } = new();

    /// <summary>The client of this session.</summary>
    /// <exception cref="MagicBellException">The session was disconnected.</exception>
    internal JwtService Service => _service ?? throw new MagicBellException(
        MagicBellError.NotConnected,
        $"The session '{Name}' was disconnected, and what it listed or issued went with it.");

    /// <summary>The session's name.</summary>
    /// <returns>The name.</returns>
    public override string ToString() => Name;

    /// <summary>Goes on with another token of the project: requests that begin from now on carry it.</summary>
    internal void SwitchTo(string token, string tokenId)
    {
        Service.UseToken(token);
        Read(token);
        TokenId = tokenId;
        IsTokenListed = true;
        TokenSource = "rotation";
    }

    /// <summary>The sessions that run on a token of this one's project, itself among them.</summary>
    /// <param name="tokenId">The token's id; null for none.</param>
    /// <param name="others">Other sessions of the runspace.</param>
    internal IEnumerable<Session> RunningOn(string? tokenId, IEnumerable<Session> others) =>
        others.Prepend(this).Distinct().Where(other => other.IsConnected && other.BaseAddress.Authority == BaseAddress.Authority && TokenScope.IsSameId(other.TokenId, tokenId));

    internal void Remember(string userId)
    {
        lock (_recentUsers)
        {
            _recentUsers.Remove(userId);
            _recentUsers.AddFirst(userId);
            if (_recentUsers.Count > RememberedUsers)
            {
                _recentUsers.RemoveLast();
            }
        }
    }

    /// <summary>Ends what is in flight, and forgets the token and its claims: what this session listed still refers to it.</summary>
    internal void Disconnect()
    {
        JwtService? service = _service;
        _service = null;
        Claims = null;
        service?.Dispose();
        Completions.Clear();
        UserCompletions.Clear();
        Users.Clear();
    }

    private void Read(string token)
    {
        _ = JsonWebToken.TryDecode(token, out JsonWebToken? decoded);
        Claims = decoded;
        Fingerprint = TokenFingerprint.Of(token);
        TokenId = decoded?.Id is { } id && RequestValidation.IsTokenId(id) ? id : null;
        IsTokenListed = false;
        ExpiresAt = decoded?.ExpiresAt;
        _isExpiryUnreadable = decoded?.IsExpiryUnreadable == true;
    }
}
