using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Completion;

namespace MagicBellJwt.Commands;

/// <summary>A cmdlet that reads: of one project, or of several side by side, each under its own rate limit.</summary>
public abstract partial class ReadingCmdlet : MagicBellCmdlet
{
    private readonly List<Session> _piped = [];
    private readonly InputRows _rows = new();
    private InputRow? _row;

    // What somebody asked for that a project does not have, and what any project does have. It is missing where none has it.
    private readonly object _gate = new();
    private readonly Dictionary<string, MagicBellException> _absent = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _present = new(StringComparer.OrdinalIgnoreCase);
    private IReadOnlyList<Lane>? _lanes;
    private bool _hasRows;
    private bool _hasUnread;
    private bool _isMixed;

    /// <summary>The sessions to read, or their names, with wildcards; without it, the one that was connected last. Several are read side by side.</summary>
    [Parameter]
    [Session(TakesSeveral = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(SessionCompleter))]
    [ValidateNotNullOrEmpty]
    public Session[]? Session { get; set; }

    /// <summary>A session to read, as Get-MbSession writes it: several are read side by side. Where the command takes people, also a text or a row that says who.</summary>
    /// <remarks>Of any type: of a parameter for sessions alone the engine tries to make each row of a file one, and each failure costs an exception.</remarks>
    [Parameter(ValueFromPipeline = true)]
    [AllowNull]
    [AllowEmptyString]
    public PSObject? InputObject { get; set; }

    /// <summary>The projects to read.</summary>
    /// <exception cref="MagicBellException">There is none, or it is said twice which they are.</exception>
    private protected IReadOnlyList<Lane> Lanes
    {
        get
        {
            if (_lanes is null)
            {
                if (_piped.Count > 0 && Session is not null)
                {
                    throw MagicBellException.Invalid("Sessions came from the pipeline, and -Session was given as well. Give one of them.");
                }

                Session[] sessions = [.. _piped.Count > 0 ? _piped.Distinct() : Session ?? [SessionStore.Current.Latest ?? throw new MagicBellException(MagicBellError.NotConnected, "There is no session.")]];
                if (sessions.Length > 1)
                {
                    CheckSeveral();
                }

                _lanes = [.. sessions.Select(session => new Lane(session, isAlone: sessions.Length == 1))];
            }

            return _lanes;
        }
    }

    /// <summary>Refuses what names a place in one project's list, where several are read.</summary>
    /// <exception cref="MagicBellException">It was given.</exception>
    private protected virtual void CheckSeveral()
    {
    }

    /// <inheritdoc/>
    private protected override string WhereArgument => _lanes switch
    {
        null => "",
        { Count: 1 } => CommandText.SessionArgument(_lanes[0].Session),
        _ => " -Session " + string.Join(", ", _lanes.Select(lane => CommandText.Quote(lane.Session.Name))),
    };

    /// <summary>Whether several projects are read.</summary>
    private protected bool IsSeveral => Lanes.Count > 1;

    /// <summary>What a text from the pipeline says about somebody, by column; null where nothing but sessions is read of the pipeline.</summary>
    private protected virtual string? TextColumn => null;

    /// <summary>Whether the input that is read now says who is meant.</summary>
    private protected bool HasRow => _row is not null;

    /// <summary>Whether what is read now was asked for by a row of the pipeline.</summary>
    private protected bool IsRow => MyInvocation.ExpectingInput && _piped.Count == 0;

    /// <summary>Whether a pipeline was there, and nothing came through it.</summary>
    private protected bool IsPipelineEmpty => IsRow && !_hasRows;

    /// <summary>Whether the projects are read one after the other, where what is read of a later one depends on an earlier one.</summary>
    private protected virtual bool IsInOrder => false;

    /// <summary>Collects the sessions that are piped in, and reads what anything else asks for.</summary>
    private protected sealed override void Process()
    {
        // A row may hold a token's value: as a bound parameter it would be part of each record.
        bool isGiven = MyInvocation.BoundParameters.Remove(nameof(InputObject));
        var session = InputObject?.BaseObject as Session;
        _row = session is null ? _rows.Next(InputObject) : null;
        if (session is null ? _piped.Count > 0 : _hasRows)
        {
            RefuseMixture();
        }
        else if (session is not null)
        {
            _piped.Add(session);
        }
        else if (isGiven && _row is null)
        {
            // A misspelt variable must not mean the current project.
            _hasUnread = true;
            Try("", () => throw MagicBellException.Invalid("-InputObject, or the pipeline, was given $null: nothing says which session or which user is meant."));
        }
        else if (_row is { IsBlank: true })
        {
            _hasUnread = true;
            WriteWarning(FormattableString.Invariant($"{_row.Place} is blank, and was left out."));
        }
        else if (_row is { } row && !IsRead(row))
        {
            _hasUnread = true;
            Try("", () => throw MagicBellException.Invalid(SessionAttribute.IsCopy(InputObject!)
                ? SessionAttribute.CopyText
                : $"Nothing of this input is read: it is no session, and says nobody whom the command line does not. Pipe in what Get-MbSession writes.{row.Described}"));
        }
        else
        {
            _hasRows = true;
            Input();
        }
    }

    /// <summary>Reads what is asked of the sessions that were piped in, and the rest.</summary>
    private protected sealed override void End()
    {
        Try(null, () =>
        {
            if (_isMixed || (_hasUnread && !_hasRows && _piped.Count == 0))
            {
                return;
            }

            if (_piped.Count > 0)
            {
                Input();
            }

            Rest();
            ReportAbsent();
        });
        base.End();
    }

    /// <summary>Reads what the parameters ask for, for each row of the pipeline, or once.</summary>
    private protected abstract void Input();

    /// <summary>Reads what was collected, after the last input.</summary>
    private protected virtual void Rest()
    {
    }

    /// <summary>Starts what is waiting in each project, and what their walks bring, side by side.</summary>
    private protected void Drain()
    {
        foreach (IReadOnlyList<Lane> together in IsInOrder ? Lanes.Select(lane => (IReadOnlyList<Lane>)[lane]) : [Lanes])
        {
            while (true)
            {
                foreach (Lane lane in together)
                {
                    Advance(lane);
                }

                if (together.All(lane => lane.IsDone))
                {
                    break;
                }

                WaitUntil(() => together.Any(CanGoOn));
            }

            if (IsInOrder || FollowsInput)
            {
                Finish();
            }
        }

        bool CanGoOn(Lane lane) => !lane.IsDone && (lane.Waiting.Count > 0 ? lane.UnderWay < Limit : lane.Walk!.Reading is not { IsCompleted: false });
    }

    /// <summary>Takes note that a project does not have what was asked for. It is an error where it is the only project, or no other has it.</summary>
    private protected void NoteAbsent(string target, MagicBellException failure)
    {
        lock (_gate)
        {
            if (!_absent.ContainsKey(target))
            {
                _absent.Add(target, failure);
            }
        }
    }

    /// <summary>Takes note that a project has what was asked for.</summary>
    private protected void NotePresent(string target)
    {
        lock (_gate)
        {
            _present.Add(target);
        }
    }

    private void RefuseMixture()
    {
        if (!_isMixed)
        {
            _isMixed = true;
            Try(null, () => throw MagicBellException.Invalid("Sessions came from the pipeline, and something else as well. Pipe one of them, and give the other by a parameter, such as -Session."));
        }
    }

    private void ReportAbsent()
    {
        Finish();
        foreach (KeyValuePair<string, MagicBellException> absent in _absent.Where(absent => !_present.Contains(absent.Key)))
        {
            string asked = string.Join(", ", Lanes.Where(lane => !lane.IsClosed).Select(lane => $"'{lane.Session.Name}'"));
            Report(new MagicBellException(absent.Value.Error, $"{absent.Value.Message} The same in each project that was asked: {asked}.", absent.Value), absent.Key);
            ThrowIfFatal();
        }
    }

    private void Advance(Lane lane)
    {
        while (!lane.IsClosed && lane.Waiting.Count > 0 && lane.UnderWay < Limit)
        {
            lane.Waiting.Dequeue()();
        }

        if (lane.IsDone || lane.Waiting.Count > 0 || lane.Walk is not { } walk)
        {
            return;
        }

        if (_isEnough())
        {
            walk.End();
        }
        else if (walk.Reading is null)
        {
            // Its failure is reported when the page is taken.
            Track(Task.WhenAny(walk.ReadOn(ReadCall)));
        }
        else if (walk.Reading.IsCompleted)
        {
            Take(lane, walk);
        }
    }

    /// <summary>Whether the API says that it knows no tokens of a user whom it has just listed: there is nothing to list then.</summary>
    private protected static bool IsWithoutTokens(MagicBellException failure) => failure is { Error: MagicBellError.TokenNotFound, StatusCode: 404, IsCertain: true };

    /// <summary>Reads who is meant by the parameters and the input's columns, and reports what can be nobody, or what fails for one of them.</summary>
    private protected void Collect(string[]? userIds, string[]? emails, string[]? externalIds, Action<UserReference> collect) => TryRow(null, _row, () =>
    {
        foreach (UserReference reference in UserReference.Read(Said(Columns.UserId, userIds), Said(Columns.Email, emails), Said(Columns.ExternalId, externalIds)))
        {
            if (TryRow(reference.Target, _row, reference.Check))
            {
                Try(reference.Target, () => collect(reference));
            }
        }
    });

    // What the command line says of somebody holds for every input, so an input has to say something else.
    private bool IsRead(InputRow row) => TextColumn is { } textColumn
        && (!Columns.OfUsers.Any(IsOnCommandLine)
            || (row.IsText
                ? row.PlainText is { Length: > 0 } && !IsOnCommandLine(textColumn)
                : Columns.OfUsers.Any(column => row.Has(column) && !IsOnCommandLine(column)) || !MyInvocation.BoundParameters.Keys.All(IsOnCommandLine)));

    private string[]? Said(string column, string[]? bound)
    {
        if (_row is null || IsGiven(column) || bound?.Any(text => !string.IsNullOrWhiteSpace(text)) == true)
        {
            return bound;
        }

        string? text = !_row.IsText ? _row.Text(column) : column == TextColumn ? _row.PlainText : null;
        return text is null ? bound : [text];
    }

    /// <summary>Finds people in each project, hands over each who is found, and reports each who is not.</summary>
    /// <param name="wanted">Whom.</param>
    /// <param name="isAnew">Whether the API is asked about those too whom a session has found before.</param>
    /// <param name="found">What to do with each.</param>
    private protected void Find(IReadOnlyList<UserReference> wanted, bool isAnew, Action<Lane, UserMatch> found)
    {
        Lane[] open = [.. Lanes.Where(lane => !lane.IsClosed)];
        IReadOnlyList<UserMatch>[] matches = Await(() => Task.WhenAll(open.Select(FindAsync)));
        for (int index = 0; index < open.Length; index++)
        {
            Lane lane = open[index];
            foreach (UserMatch match in matches[index])
            {
                if (lane.IsClosed)
                {
                    break;
                }

                if (match.Failure is not { } failure)
                {
                    NotePresent(match.Asked.Target);
                    found(lane, match);
                }
                else if (IsSeveral && failure.Error == MagicBellError.UserNotFound)
                {
                    WriteVerbose($"Project '{lane.Session.Name}': {failure.Message}");
                    NoteAbsent(match.Asked.Target, failure);
                }
                else
                {
                    Try(match.Asked.Target, () => throw failure, lane);
                }
            }
        }

        async Task<IReadOnlyList<UserMatch>> FindAsync(Lane lane)
        {
            Action<string> say = ((IPipeline)this).Verbose;
            try
            {
                return await lane.Session.Users.FindAsync(wanted, isAnew, ReadCall, lane.IsAlone ? say : text => say($"Project '{lane.Session.Name}': {text}")).ConfigureAwait(false);
            }
            catch (MagicBellException failure)
            {
                // Each input has an outcome of its own.
                return [.. wanted.Select(reference => new UserMatch(reference, null, failure))];
            }
        }
    }
}
