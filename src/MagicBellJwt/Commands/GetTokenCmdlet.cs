using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Client;
using MagicBellJwt.Completion;

namespace MagicBellJwt.Commands;

/// <summary>Lists tokens, page by page, and stops reading when enough were found.</summary>
public abstract class GetTokenCmdlet : ReadingCmdlet
{
    private const int RememberedNames = 1000;

    private readonly HashSet<string> _wanted = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _otherNames = new(StringComparer.Ordinal);
    private readonly HashSet<string> _foundNames = new(StringComparer.Ordinal);
    private WildcardPattern[]? _patterns;
    private volatile bool _enough;
    private volatile bool _failed;
    private int _written;

    /// <summary>Only tokens with such a name; wildcards are allowed. A token that is named just so, brackets and all, is found too.</summary>
    [Parameter(Position = 1)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(TokenCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? Name { get; set; }

    /// <summary>Only the tokens with these ids; one that is not there is an error.</summary>
    [Parameter]
    [PlainText]
    [ArgumentCompleter(typeof(TokenCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? Id { get; set; }

    /// <summary>Only tokens that end by themselves before this time.</summary>
    [Parameter]
    [Date]
    public DateTimeOffset? ExpiresBefore { get; set; }

    /// <summary>At most so many tokens in all, 1 or more; no page more than needed is read, so that lists are read one after the other.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? First { get; set; }

    /// <summary>Tokens a request, 1 to 100; 100 unless given.</summary>
    [Parameter]
    [ValidateRange(1, 100)]
    public int PageSize { get; set; } = 100;

    /// <summary>Begin after the token with this id. It is in the list of one project.</summary>
    [Parameter]
    [PlainText]
    [ValidateNotNullOrEmpty]
    public string? After { get; set; }

    /// <summary>Only what comes before the token with this id, read backwards from it.</summary>
    [Parameter]
    [PlainText]
    [ValidateNotNullOrEmpty]
    public string? Before { get; set; }

    /// <summary>Whether no token more is wanted.</summary>
    private protected bool IsEnough => _enough;

    // -First counts over all lists, so they are read in order: a page of a later list may not be needed.
    private protected override bool IsInOrder => First is not null;

    private protected override void CheckSeveral()
    {
        if ((After ?? Before) is not null)
        {
            _failed = true;
            throw MagicBellException.Invalid("-After and -Before name a token in the list of one project, and several sessions were given. Give one of them.");
        }
    }

    private bool Filters => _patterns is not null || Id is not null || ExpiresBefore is not null;

    /// <inheritdoc/>
    private protected override void Begin()
    {
        base.Begin();
        _patterns = Name?.Select(name => WildcardPattern.Get(name, WildcardOptions.IgnoreCase | WildcardOptions.CultureInvariant)).ToArray();
        foreach (string id in Id ?? [])
        {
            if (Try(id, () => RequestValidation.CheckTokenId(id)))
            {
                _wanted.Add(id);
            }
        }

        _enough = Id is not null && _wanted.Count == 0;
        if (After is not null && Before is not null)
        {
            _enough = !Try(After, () => throw MagicBellException.Invalid("-After and -Before exclude each other: a list is read in one direction."));
        }
    }

    /// <inheritdoc/>
    private protected override void Rest()
    {
        Finish();
        if (!_failed)
        {
            SayWhichNamesWereNotFound();
            foreach (string id in _wanted)
            {
                Report(new MagicBellException(MagicBellError.TokenNotFound, $"No token with the id {id} is in the list."), id);
                ThrowIfFatal();
            }
        }
    }

    /// <summary>Lists one list in the background.</summary>
    /// <param name="target">What it is about, for errors.</param>
    /// <param name="lane">The project.</param>
    /// <param name="scope">The list.</param>
    /// <param name="done">Called when all of it was written, or could not be read.</param>
    private protected void List(string? target, Lane lane, TokenScope scope, Action? done = null)
    {
        if (_enough)
        {
            return;
        }

        int size = First is { } first && !Filters ? Math.Min(PageSize, first - _written) : PageSize;
        Start(target, async () =>
        {
            try
            {
                TokenReader reader = scope.Open(size, After, Before);
                while (!_enough)
                {
                    if (await reader.ReadAsync(ReadCall).ConfigureAwait(false) is not { } page)
                    {
                        break;
                    }

                    if (!await OfferAsync(() => Write(page)).ConfigureAwait(false))
                    {
                        return;
                    }
                }

                if (done is null && target is not null)
                {
                    NotePresent(target);
                }

                done?.Invoke();
            }
            catch (MagicBellException failure) when (done is not null && IsWithoutTokens(failure))
            {
                done();
            }
            catch (MagicBellException failure) when (IsSeveral && target is not null && IsWithoutTokens(failure))
            {
                NoteAbsent(target, failure);
            }
            catch (MagicBellException)
            {
                _failed = true;
                done?.Invoke();
                throw;
            }
        }, lane);
    }

    private void Write(IReadOnlyList<ListedToken> page)
    {
        var tokens = new List<ListedToken>(page.Count);
        foreach (ListedToken token in page)
        {
            if (_enough)
            {
                break;
            }

            if (Matches(token))
            {
                tokens.Add(token);
                _written++;
                _enough = _written == First || (Id is not null && _wanted.Count == 0);
            }
        }

        WriteObject(tokens, enumerateCollection: true);
    }

    private bool Matches(ListedToken token) =>
        HasName(token.Name ?? "")
        && (ExpiresBefore is null || token.ExpiresAt < ExpiresBefore)
        && (Id is null || (token.Id is { } id && _wanted.Remove(id)));

    private bool HasName(string name)
    {
        bool isFound = _patterns is null;
        for (int i = 0; i < _patterns?.Length; i++)
        {
            // A name may hold what a pattern takes for a set of letters: [prod] key.
            if (_patterns[i].IsMatch(name) || string.Equals(name, Name![i], StringComparison.OrdinalIgnoreCase))
            {
                isFound = true;
                _foundNames.Add(Name![i]);
            }
        }

        if (!isFound && name.Length > 0 && _otherNames.Count < RememberedNames)
        {
            _otherNames.Add(name);
        }

        return isFound;
    }

    private void SayWhichNamesWereNotFound()
    {
        // Where enough was found, the rest of the list was not read.
        foreach (string name in _enough ? [] : Name ?? [])
        {
            if (!_foundNames.Contains(name))
            {
                IReadOnlyList<string> near = NearNames.Of(name, _otherNames);
                WriteVerbose($"No token is named '{name}'." + (near.Count > 0 ? $" There is {string.Join(", ", near.Select(other => $"'{other}'"))}." : ""));
            }
        }
    }
}
