using System.Collections.Generic;
using System.Management.Automation;
using MagicBellJwt.Client;
using MagicBellJwt.Completion;

namespace MagicBellJwt.Commands;

/// <summary>Lists the tokens of users, without their values.</summary>
[Cmdlet(VerbsCommon.Get, "MbUserToken", HelpUri = HelpPages.Folder + "Get-MbUserToken.md")]
[Alias("Get-MbUserJwt")]
[OutputType(typeof(UserToken))]
public sealed class GetMbUserTokenCommand : GetTokenCmdlet
{
    // People known by an address or an external id, collected before the first request: one list may be cheaper than a question for each.
    private readonly List<UserReference> _wanted = [];
    private readonly HashSet<(Lane Lane, string UserId)> _found = [];

    /// <summary>The users' ids in MagicBell, or their e-mail addresses. Not ids of tokens.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [PlainText(RefusesObjects = true)]
    [ArgumentCompleter(typeof(UserCompleter))]
    [AllowEmptyString]
    [AllowNull]
    public string[] UserId { get; set; } = [];

    /// <summary>The users' e-mail addresses, whatever the case of the letters. A user who is named twice by it is listed once.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [PlainText(RefusesObjects = true)]
    [ArgumentCompleter(typeof(UserCompleter))]
    [AllowEmptyString]
    [AllowNull]
    public string[] Email { get; set; } = [];

    /// <summary>The users' ids in your own system, to the letter.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [PlainText(RefusesObjects = true)]
    [ArgumentCompleter(typeof(UserCompleter))]
    [AllowEmptyString]
    [AllowNull]
    public string[] ExternalId { get; set; } = [];

    /// <summary>Lists the tokens of every user of the project, one request or more for each: of 20,000 users at 250 reads a minute in 80 minutes.</summary>
    [Parameter]
    [NotBlank]
    public SwitchParameter AllUsers { get; set; }

    /// <summary>Where -AllUsers goes on: after the user with this id in MagicBell. A run that was interrupted names it.</summary>
    [Parameter]
    [PlainText]
    [ValidateNotNullOrEmpty]
    public string? AfterUser { get; set; }

    /// <summary>How many users' lists of a project are read at a time, 1 to 64; 8 unless given. With 1 they come in order.</summary>
    [Parameter]
    [ValidateRange(1, 64)]
    public int ThrottleLimit { get; set; } = 8;

    private protected override string? TextColumn => Columns.UserId;

    private protected override int Concurrency => First is null ? ThrottleLimit : 1;

    /// <inheritdoc/>
    private protected override string? AdviceFor(MagicBellException failure, object? target) => failure is { Error: MagicBellError.TokenNotFound, StatusCode: 404 }
        ? "Give the user's id in MagicBell, or the e-mail address, or the external id with -ExternalId. Get-MbUser finds who is there."
        : null;

    /// <inheritdoc/>
    private protected override void Input()
    {
        if (AllUsers || AfterUser is not null)
        {
            Try(AfterUser, () =>
            {
                CheckAllUsers(AllUsers, AfterUser, UserId, Email, ExternalId);
                Walk(AfterUser, otherReads: 0, knownLists: _ => 0, () => IsEnough, (lane, user, done) => List(user.UserId, lane, ScopeOf(lane.Session, user), done));
            });
            return;
        }

        Collect(UserId, Email, ExternalId, reference =>
        {
            if (reference.UserId is { } userId)
            {
                foreach (Lane lane in Lanes)
                {
                    List(lane, userId, userId);
                }

                Drain();
            }
            else
            {
                _wanted.Add(reference);
            }
        });
        if (!IsRow || FollowsInput)
        {
            ListWanted();
        }
    }

    /// <inheritdoc/>
    private protected override void Rest()
    {
        ListWanted();
        base.Rest();
    }

    private void ListWanted()
    {
        if (_wanted.Count == 0)
        {
            return;
        }

        UserReference[] wanted = [.. _wanted];
        _wanted.Clear();
        Try(wanted[0].Target, () =>
        {
            Find(wanted, isAnew: false, (lane, match) =>
            {
                if (_found.Add((lane, match.User!.UserId!)))
                {
                    List(lane, match.Asked.Target, match.User.UserId!, match);
                }
            });
            Drain();
        });
    }

    private void List(Lane lane, string target, string userId, UserMatch? match = null) => lane.Waiting.Enqueue(() =>
    {
        lane.Session.Remember(userId);
        List(target, lane, new TokenScope(lane.Session, TokenKind.User, userId, match));
    });
}
