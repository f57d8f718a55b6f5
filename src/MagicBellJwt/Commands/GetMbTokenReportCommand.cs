using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Completion;

namespace MagicBellJwt.Commands;

/// <summary>Judges the tokens of a project or several, and those of any number of users: a row a token, with findings and the command that fixes it.</summary>
[Cmdlet(VerbsCommon.Get, "MbTokenReport", HelpUri = HelpPages.Folder + "Get-MbTokenReport.md")]
[Alias("Get-MbJwtReport")]
[OutputType(typeof(TokenReportRow))]
public sealed class GetMbTokenReportCommand : ReadingCmdlet
{
    // Collected before the first request: the count makes a remaining time possible, and each user is read once.
    private readonly List<UserReference> _wanted = [];
    private readonly HashSet<(Lane Lane, string UserId)> _users = [];
    private readonly ReportRun _run = new();
    private ListCheckpoint? _checkpoint;
    private volatile bool _isIncomplete;
    private int _notKept;

    /// <summary>The ids in MagicBell of the users whose tokens are judged too, or their e-mail addresses; one that comes twice is asked about once.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [PlainText(RefusesObjects = true)]
    [ArgumentCompleter(typeof(UserCompleter))]
    [AllowEmptyString]
    [AllowNull]
    [AllowEmptyCollection]
    public string[] UserId { get; set; } = [];

    /// <summary>The e-mail addresses of users whose tokens are judged too, whatever the case of the letters.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [PlainText(RefusesObjects = true)]
    [ArgumentCompleter(typeof(UserCompleter))]
    [AllowEmptyString]
    [AllowNull]
    [AllowEmptyCollection]
    public string[] Email { get; set; } = [];

    /// <summary>The ids in your own system of users whose tokens are judged too, to the letter.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [PlainText(RefusesObjects = true)]
    [ArgumentCompleter(typeof(UserCompleter))]
    [AllowEmptyString]
    [AllowNull]
    [AllowEmptyCollection]
    public string[] ExternalId { get; set; } = [];

    /// <summary>Judges the tokens of every user of the project, one request or more for each: of 20,000 users at 250 reads a minute in 80 minutes.</summary>
    [Parameter]
    [NotBlank]
    public SwitchParameter AllUsers { get; set; }

    /// <summary>Where -AllUsers goes on: after the user with this id in MagicBell. A run that was interrupted names it.</summary>
    [Parameter]
    [PlainText]
    [ValidateNotNullOrEmpty]
    public string? AfterUser { get; set; }

    /// <summary>
    /// A file that keeps each list that was read, as JSON lines. Where an audit was interrupted, or a list could not be read, the same command goes on: it
    /// judges what the file has, and reads the rest. After an audit that came to its end it begins anew.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Checkpoint { get; set; }

    /// <summary>How long before its end a token is found to expire soon, 0 or more: <c>12h</c>, <c>30d</c>, or a TimeSpan; 30 days unless given.</summary>
    [Parameter]
    [Lifetime]
    public TimeSpan ExpiringWithin { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How old a token may become, a second or more: <c>12h</c>, <c>90d</c>, or a TimeSpan. Unless given, as old as the session's policy lets a token live, else 90 days.</summary>
    [Parameter]
    [Lifetime]
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromDays(90);

    /// <summary>How many live tokens a user may have, 1 or more; 5 unless given.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int MaxPerUser { get; set; } = 5;

    /// <summary>How many lists of a project are read at a time, 1 to 64; 8 unless given. With 1 they come in order, the project's first.</summary>
    [Parameter]
    [ValidateRange(1, 64)]
    public int ThrottleLimit { get; set; } = 8;

    private protected override int Concurrency => ThrottleLimit;

    private protected override string? HowToGoOn => _checkpoint is null ? null : "Call again with the same -Checkpoint to go on there.";

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _checkpoint?.Dispose();
    }

    private protected override string? TextColumn => Columns.UserId;

    /// <inheritdoc/>
    private protected override void Input()
    {
        // The project alone where nobody was given.
        if (!AllUsers && (HasRow || UserId is not { Length: 0 } || Email is not { Length: 0 } || ExternalId is not { Length: 0 }))
        {
            Collect(UserId, Email, ExternalId, _wanted.Add);
        }
    }

    /// <inheritdoc/>
    private protected override void Rest()
    {
        bool isDone = Try(null, () =>
        {
            if (ExpiringWithin < TimeSpan.Zero || MaxAge < TimeSpan.FromSeconds(1))
            {
                throw MagicBellException.Invalid("-ExpiringWithin must not be negative, and -MaxAge must be a second or more.");
            }

            var policy = new TokenPolicy(ExpiringWithin, MyInvocation.BoundParameters.ContainsKey(nameof(MaxAge)) ? MaxAge : null, MaxPerUser);
            CheckAllUsers(AllUsers, AfterUser, UserId, Email, ExternalId);
            _run.Everybody = !AllUsers ? null : AfterUser is null ? "all users" : $"the users after {ScreenText.Of(AfterUser)}";
            OpenCheckpoint();

            // The project's own tokens are judged by the first part of a report that goes on.
            foreach (Lane lane in AfterUser is null ? Lanes : [])
            {
                Add(lane, lane.Session.Name, policy, new TokenScope(lane.Session, TokenKind.Project));
            }

            if (AllUsers)
            {
                if (!Walk(AfterUser, AfterUser is null ? 1 : 0, KnownLists, () => false, (lane, user, done) => Audit(lane, user.UserId!, policy, ScopeOf(lane.Session, user), done)))
                {
                    _isIncomplete = true;
                }

                return;
            }

            if (IsPipelineEmpty)
            {
                WriteWarning($"Nothing came from the pipeline, so only the project's own tokens are judged: those of '{Lanes[0].Session.Name}'.");
            }

            foreach (UserReference reference in _wanted.Where(reference => reference.UserId is not null))
            {
                foreach (Lane lane in Lanes.Where(lane => _users.Add((lane, reference.UserId!))))
                {
                    Add(lane, reference.UserId!, policy, new TokenScope(lane.Session, TokenKind.User, reference.UserId));
                }
            }

            if (_wanted.Exists(reference => reference.UserId is null))
            {
                Find([.. _wanted.Where(reference => reference.UserId is null)], isAnew: false, (lane, match) =>
                {
                    if (_users.Add((lane, match.User!.UserId!)))
                    {
                        Add(lane, match.Asked.Target, policy, new TokenScope(lane.Session, TokenKind.User, match.User.UserId, match));
                    }
                });
            }

            Lane longest = Lanes.OrderByDescending(lane => (double)ReadsOf(lane) / lane.Session.Service.ReadsPerMinute).First();
            Expect(Lanes.Sum(lane => lane.Waiting.Count), longest.Session.Service.ReadsPerMinute, ReadsOf(longest));
            Drain();
        });
        Finish();
        _run.IsEnded = isDone;
        if (isDone && !_isIncomplete && Lanes.All(lane => !lane.IsClosed))
        {
            Keep(static checkpoint => checkpoint.Complete());
            Finish();
        }

        int ReadsOf(Lane lane) => Math.Max(1, lane.Waiting.Count - KnownLists(lane.Session));
    }

    /// <inheritdoc/>
    private protected override void Report(MagicBellException failure, object? target, Lane? lane = null)
    {
        _run.Miss(target, lane is { IsAlone: false } ? $"Project '{lane.Session.Name}': {failure.Message}" : failure.Message);
        base.Report(failure, target, lane);
    }

    private static string ProjectOf(Session session) => session.BaseAddress.Authority + "/" + session.ProjectId;

    private int KnownLists(Session session) => _checkpoint?.CountOf(ProjectOf(session)) ?? 0;

    private void OpenCheckpoint()
    {
        if (Checkpoint is null)
        {
            return;
        }

        _checkpoint = ListCheckpoint.Open(GetUnresolvedProviderPathFromPSPath(Checkpoint), [.. Lanes.Select(lane => ProjectOf(lane.Session))]);
        if (_checkpoint.Count > 0)
        {
            WriteWarning(FormattableString.Invariant($"The audit that began at {_checkpoint.BegunAt.UtcDateTime:yyyy-MM-dd HH:mm} UTC goes on: {_checkpoint.Count} lists are judged as they were then, and are not read again. To begin anew, delete {Checkpoint}."));
        }
    }

    private async Task<IReadOnlyList<ListedToken>> ReadAsync(TokenScope scope)
    {
        if (_checkpoint?.Find(ProjectOf(scope.Session), scope.UserId) is { } known)
        {
            return [.. known.Select(scope.Wrap)];
        }

        IReadOnlyList<ListedToken> tokens = await scope.ListAsync(ReadCall).ConfigureAwait(false);
        Keep(scope, tokens);
        return tokens;
    }

    private void Keep(TokenScope scope, IReadOnlyList<ListedToken> tokens) =>
        Keep(checkpoint => checkpoint.Add(ProjectOf(scope.Session), scope.UserId, tokens.Select(token => token.Record), ScreenText.HideTokens));

    // The rows are as good without it.
    private void Keep(Action<ListCheckpoint> write)
    {
        try
        {
            if (_checkpoint is { } checkpoint)
            {
                write(checkpoint);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            if (Interlocked.Exchange(ref _notKept, 1) == 0)
            {
                _ = ((IPipeline)this).WarnAsync($"The checkpoint cannot be written, so an audit that is interrupted does not go on from here: {failure.Message}");
            }
        }
    }

    private void Add(Lane lane, string target, TokenPolicy policy, TokenScope scope) => lane.Waiting.Enqueue(() => Audit(lane, target, policy, scope));

    private void Audit(Lane lane, string target, TokenPolicy policy, TokenScope scope, Action? done = null) => Start(target, async () =>
    {
        try
        {
            List<TokenReportRow> rows = policy.Judge(await ReadAsync(scope).ConfigureAwait(false), scope, DateTimeOffset.UtcNow);
            if (done is null)
            {
                NotePresent(target);
            }

            _run.Add(scope, rows, policy.WordsFor(scope.Session));
            if (await OfferAsync(() => WriteObject(rows, enumerateCollection: true)).ConfigureAwait(false))
            {
                done?.Invoke();
            }
        }
        catch (MagicBellException failure) when (done is not null && IsWithoutTokens(failure))
        {
            Keep(scope, []);
            _run.Add(scope, [], policy.WordsFor(scope.Session));
            done();
        }
        catch (MagicBellException failure) when (IsSeveral && scope.UserId is not null && IsWithoutTokens(failure))
        {
            NoteAbsent(target, failure);
        }
        catch (MagicBellException)
        {
            _isIncomplete = true;
            done?.Invoke();
            throw;
        }
    }, lane);
}
