using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Completion;

namespace MagicBellJwt.Commands;

/// <summary>Lists the project's users, or finds those who have an address or an id.</summary>
[Cmdlet(VerbsCommon.Get, "MbUser", DefaultParameterSetName = "User", HelpUri = HelpPages.Folder + "Get-MbUser.md")]
[OutputType(typeof(User))]
public sealed class GetMbUserCommand : ReadingCmdlet
{
    // Collected before the first request: one list may be cheaper than a question for each.
    private readonly List<UserReference> _wanted = [];
    private int _written;

    /// <summary>Only users with these e-mail addresses, whatever the case of the letters; one that nobody has is an error. Wildcards are allowed where it is typed.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = "User")]
    [PlainText(RefusesObjects = true)]
    [ArgumentCompleter(typeof(UserCompleter))]
    [SupportsWildcards]
    [AllowEmptyString]
    [AllowNull]
    public string[] Email { get; set; } = [];

    /// <summary>Only users with these ids in your own system, to the letter; one that nobody has is an error. Wildcards are allowed where it is typed.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = "User")]
    [PlainText(RefusesObjects = true)]
    [ArgumentCompleter(typeof(UserCompleter))]
    [SupportsWildcards]
    [AllowEmptyString]
    [AllowNull]
    public string[] ExternalId { get; set; } = [];

    /// <summary>Only users with these ids in MagicBell, to the letter; one that nobody has is an error. No query of the API takes them, so the list is read.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = "User")]
    [PlainText(RefusesObjects = true)]
    [ArgumentCompleter(typeof(UserCompleter))]
    [AllowEmptyString]
    [AllowNull]
    public string[] UserId { get; set; } = [];

    /// <summary>Only users whose e-mail address or external id the API finds to match this text. How it matches is the API's own affair.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Query")]
    [PlainText]
    [ValidateNotNullOrEmpty]
    public string? Query { get; set; }

    /// <summary>At most so many users in all, 1 or more; of a list no page more than needed is read, so that lists are read one after the other.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? First { get; set; }

    /// <summary>Users a request, 1 to 100; 100 unless given.</summary>
    [Parameter]
    [ValidateRange(1, 100)]
    public int PageSize { get; set; } = 100;

    private protected override string? TextColumn => Query is null ? Columns.Email : null;

    private bool IsEnough => _written == First;

    private protected override bool IsInOrder => First is not null;

    // From a file a wildcard could mean everybody.
    private bool HasWildcards => !IsRow && (Email ?? []).Concat(ExternalId ?? []).Any(text => text is not null && WildcardPattern.ContainsWildcardCharacters(text));

    /// <inheritdoc/>
    private protected override void Input()
    {
        // A variable that was meant to hold somebody and is empty must not mean everybody.
        bool isAnybodyAsked = IsRow || new[] { nameof(Email), nameof(ExternalId), nameof(UserId) }.Any(MyInvocation.BoundParameters.ContainsKey);
        if (Query is not null || HasWildcards || !isAnybodyAsked)
        {
            Try(Query, () =>
            {
                foreach (Lane lane in Lanes)
                {
                    lane.Waiting.Enqueue(() => List(lane));
                }

                Drain();
            });
            return;
        }

        Collect(UserId, Email, ExternalId, _wanted.Add);
    }

    /// <inheritdoc/>
    private protected override void Rest()
    {
        Finish();
        if (_wanted.Count > 0)
        {
            Find(_wanted, isAnew: true, (_, match) =>
            {
                if (!IsEnough)
                {
                    _written++;
                    WriteObject(match.User);
                }
            });
        }
    }

    private void List(Lane lane)
    {
        if (IsEnough)
        {
            return;
        }

        (WildcardPattern Pattern, string Text, Func<User, string?> Of)[] filters = [.. Filters(Email ?? [], user => user.Email), .. Filters(ExternalId ?? [], user => user.ExternalId)];
        var ids = new HashSet<string>(UserId ?? [], StringComparer.Ordinal);
        int size = First is { } first && filters.Length + ids.Count == 0 ? Math.Min(PageSize, first - _written) : PageSize;
        UserReader reader = lane.Session.Users.Open(size, Query);
        Start(lane.IsAlone ? Query : lane.Session.Name, async () =>
        {
            while (await reader.ReadAsync(ReadCall).ConfigureAwait(false) is { } page)
            {
                User[] found = [.. page.Where(user => filters.Length + ids.Count == 0 || ids.Contains(user.UserId ?? "") || filters.Any(filter => filter.Of(user) is { } text && filter.Pattern.IsMatch(text)))];
                lane.Session.Users.Remember(found);
                if (!await OfferAsync(() => Write(found)).ConfigureAwait(false) || IsEnough)
                {
                    return;
                }
            }
        }, lane);

        static IEnumerable<(WildcardPattern, string, Func<User, string?>)> Filters(string[] texts, Func<User, string?> of) =>
            texts.Where(text => !string.IsNullOrEmpty(text)).Select(text => (WildcardPattern.Get(text, WildcardOptions.IgnoreCase | WildcardOptions.CultureInvariant), text, of));
    }

    private void Write(User[] found)
    {
        foreach (User user in found)
        {
            if (IsEnough)
            {
                return;
            }

            _written++;
            WriteObject(user);
        }
    }
}
