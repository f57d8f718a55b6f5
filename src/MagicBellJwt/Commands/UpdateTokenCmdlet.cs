using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;
using MagicBellJwt.Completion;
using MagicBellJwt.Rotation;

namespace MagicBellJwt.Commands;

/// <summary>Replaces tokens by fresh ones: which token, where to, and the plan. The steps are in the other two files of this class.</summary>
/// <remarks>
/// Commands of the caller (vaults, -SaveTo) have to run on the pipeline thread, so all steps do, one token after the other. What has
/// been done is in the journal before the next thing is begun, and a later run goes on from there.
/// </remarks>
public abstract partial class UpdateTokenCmdlet : SessionCmdlet
{
    private readonly Dictionary<string, RotationJournal> _journals = new(StringComparer.Ordinal);
    private readonly HashSet<string> _settled = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _secrets = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _passing = new(StringComparer.Ordinal);
    private readonly ScriptRunner _scripts;
    private readonly SecretVault _secretVault;

    private protected UpdateTokenCmdlet()
    {
        _scripts = new ScriptRunner(this);
        _secretVault = new SecretVault(this, _scripts);
    }

    /// <summary>The names of the tokens, exactly; each must be that of one live token.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Name")]
    [PlainText]
    [ArgumentCompleter(typeof(TokenCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = [];

    /// <summary>
    /// Ids of tokens, or the tokens themselves: listed, issued, from CLIXML, or rows with a column Id or TokenId. Bound by value
    /// only, so that a token of the other kind, or of another project, is seen for what it is and refused.
    /// </summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = "Id")]
    [ArgumentCompleter(typeof(TokenCompleter))]
    [ValidateNotNull]
    public PSObject[] Id { get; set; } = [];

    /// <summary>Finishes what is due and what was interrupted, and begins nothing. Any later run of the same name does so first.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Resume")]
    public SwitchParameter Resume { get; set; }

    /// <summary>How long the new token lives: <c>90m</c>, <c>12h</c>, <c>30d</c>, or a TimeSpan of a second or more. Without it as long as the old one did.</summary>
    [Parameter(ParameterSetName = "Name")]
    [Parameter(ParameterSetName = "Id")]
    [Lifetime]
    [ArgumentCompleter(typeof(LifetimeCompleter))]
    public TimeSpan? ExpiresIn { get; set; }

    /// <summary>The vault that the new token goes to, one of Microsoft.PowerShell.SecretManagement's.</summary>
    [Parameter(ParameterSetName = "Name")]
    [Parameter(ParameterSetName = "Id")]
    [ArgumentCompleter(typeof(VaultCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Vault { get; set; }

    /// <summary>
    /// The secret's name in the vault, <c>{Name}</c> unless given. <c>{Name}</c>, <c>{Project}</c>, <c>{Kind}</c>, <c>{UserId}</c> and
    /// <c>{Id}</c> (the new token's) stand for the token's own.
    /// </summary>
    [Parameter(ParameterSetName = "Name")]
    [Parameter(ParameterSetName = "Id")]
    [ValidateNotNullOrEmpty]
    public string SecretName { get; set; } = "{Name}";

    /// <summary>
    /// Stores the new token, which it gets as its parameter, and puts out the value as it reads it back: a SecureString, or text. Any
    /// error in it, or a program's exit code other than 0, is a failure. Where it puts out nothing the old token stays.
    /// </summary>
    [Parameter(ParameterSetName = "Name")]
    [Parameter(ParameterSetName = "Id")]
    [ValidateNotNull]
    public ScriptBlock? SaveTo { get; set; }

    /// <summary>How long the old token stays live beside the new one; without it, it ends at once. A later run, or -Resume, ends it.</summary>
    [Parameter(ParameterSetName = "Name")]
    [Parameter(ParameterSetName = "Id")]
    [Lifetime]
    [ArgumentCompleter(typeof(LifetimeCompleter))]
    public TimeSpan Overlap { get; set; }

    /// <summary>The journal; without it a file a project in the platform's state directory. Every run of a project needs the same one.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? JournalPath { get; set; }

    private protected abstract TokenKind Kind { get; }

    private string KindWord => Kind.ToString().ToLowerInvariant();

    private bool Previews => MyInvocation.BoundParameters.TryGetValue("WhatIf", out object? bound)
        ? LanguagePrimitives.IsTrue(bound)
        : LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference"));

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        string? wrong = this switch
        {
            { Vault: not null, SaveTo: not null } => "-Vault and -SaveTo exclude each other: a token is stored in one place.",
            { Overlap.Ticks: < 0 } => "-Overlap is a time from now on: 0 or more.",
            _ => null,
        };
        if (wrong is not null)
        {
            ThrowTerminatingError(ErrorRecords.Create(MagicBellException.Invalid(wrong), null));
        }
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (Resume)
        {
            Try(null, ResumeEverything);
            return;
        }

        foreach (string name in Name)
        {
            Try(name, () => RotateByName(name));
        }

        foreach (PSObject item in Id)
        {
            Try(TokenReference.TargetOf(item), () => RotateById(item));
        }
    }

    /// <inheritdoc/>
    protected override void StopProcessing()
    {
        base.StopProcessing();
        _scripts.Stop();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        TakeBack();
        base.Dispose(disposing);
        foreach (RotationJournal journal in _journals.Values)
        {
            if (_passing.Contains(journal.Path))
            {
                journal.DeleteIfFinished();
            }

            journal.Dispose();
        }
    }

    /// <inheritdoc/>
    private protected override string? AdviceFor(MagicBellException failure, object? target) => failure.Error switch
    {
        MagicBellError.CreateOutcomeUnknown => "Call again: the next run looks for the token and says which it may be.",
        MagicBellError.Conflict when failure.InnerException is not null => "Wait until it has ended, then call again.",
        MagicBellError.Conflict => $"Say which one is meant: Get-Mb{Kind}Token, then -Id.",
        MagicBellError.SelfLockout => "Connect with the new token, then call again.",
        _ => null,
    };

    /// <summary>The user whose tokens are meant, by a parameter; null for a project's.</summary>
    private protected virtual string? GivenUserId => null;

    /// <summary>Lists the project's, or a user's, tokens.</summary>
    private protected abstract TokenPages List(JwtService service, string? userId, PageRequest page);

    /// <summary>Makes the object of a listed token.</summary>
    private protected abstract ListedToken Wrap(ListedTokenRecord record, Session session, string? userId);

    /// <summary>Refuses what the API would refuse, before anything is done.</summary>
    private protected abstract void Check(string? name, long? lifetime);

    /// <summary>Issues a token.</summary>
    private protected abstract Task<CreatedToken> CreateAsync(JwtService service, string? name, long? lifetime, Guid key, CallContext call);

    /// <summary>Revokes a token whose id the API has named.</summary>
    private protected abstract Task<DiscardedToken> DiscardAsync(JwtService service, string id, CallContext call);

    /// <summary>Sees that a new token works and is whose it should be.</summary>
    /// <exception cref="MagicBellException">It does not, or is not.</exception>
    private protected abstract void Prove(Session session, string? userId, string id, string value);

    private static string KeyOf(Session session) => session.BaseAddress.Host + "/" + session.ProjectId;

    private static string? UserIdOf(ListedToken token) => (token as UserToken)?.UserId;

    private static bool SameId(string? left, string? right) => string.Equals(left, right, StringComparison.OrdinalIgnoreCase);

    private void RotateByName(string name)
    {
        Session session = CurrentSession;
        _ = session.Service;
        string? userId = GivenUserId;
        RotationJournal journal = JournalOf(session);
        if (!ResumeWhere(session, journal, entry => entry.Name == name && entry.UserId == userId))
        {
            Rotate(Select(name, userId, session, journal), session, journal);
        }
    }

    private void RotateById(PSObject item)
    {
        TokenReference reference = TokenReference.From(item, Kind, Session, VerbsData.Update);
        Session session = SessionOf(reference);
        RotationJournal journal = JournalOf(session);

        // By id first: what is found there may be a rotation that has already revoked the token.
        if (_settled.Contains(reference.Id) || ResumeWhere(session, journal, entry => SameId(entry.OldId, reference.Id) || SameId(entry.NewId, reference.Id)))
        {
            return;
        }

        if (EntriesOf(session, journal).LastOrDefault(entry => SameId(entry.OldId, reference.Id) && entry.IsCompleted) is { } before)
        {
            WriteWarning($"The {KindWord} token {reference.Id} was rotated already, on {RotationJournal.Time(before.BegunAt)}: {before.NewId} took its place.");
            return;
        }

        ListedToken old = item.BaseObject as ListedToken ?? LookUp(reference, session);
        if (old.Status == TokenStatus.Discarded)
        {
            throw MagicBellException.Invalid($"The token {old.Id} is revoked, so there is nothing to rotate.");
        }

        string? userId = UserIdOf(old);
        _ = old.Name is not null && ResumeWhere(session, journal, entry => entry.Name == old.Name && entry.UserId == userId);
        Rotate(old, session, journal);
    }

    private ListedToken LookUp(TokenReference reference, Session session)
    {
        string? userId = GivenUserId ?? reference.UserId;
        return Find(session, userId, token => SameId(token.Id, reference.Id))
            ?? throw new MagicBellException(MagicBellError.TokenNotFound, $"No token with the id {reference.Id} is in the list.");
    }

    private ListedToken Select(string name, string? userId, Session session, RotationJournal journal)
    {
        // Tokens that are on their way out, and those that nobody may hold, are not the one that is meant.
        var passedOver = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (RotationEntry entry in EntriesOf(session, journal))
        {
            passedOver.UnionWith(entry.PossibleOrphans);
            if (entry.IsCompleted)
            {
                passedOver.Add(entry.OldId);
            }
            else if (entry.NewId is not null && entry.Step != RotationStep.Kept)
            {
                passedOver.Add(entry.NewId);
            }
        }

        ListedToken[] named = [.. All(session, userId).Where(token => token.Name == name && token.Status == TokenStatus.Active)];
        ListedToken[] meant = [.. named.Where(token => !passedOver.Contains(token.Id ?? ""))];
        return meant.Length switch
        {
            1 => meant[0],
            0 => throw new MagicBellException(MagicBellError.TokenNotFound, $"No live {KindWord} token is named '{name}'{(named.Length > 0 ? " but such as an interrupted rotation left" : "")}."),
            _ => throw new MagicBellException(MagicBellError.Conflict, $"{meant.Length} live {KindWord} tokens are named '{name}': {string.Join(", ", meant.Select(token => token.Id))}."),
        };
    }

    private IEnumerable<ListedToken> All(Session session, string? userId)
    {
        TokenPages pages = List(session.Service, userId, new PageRequest(100));
        while (Await(() => pages.ReadAsync(ReadCall)) is { } page)
        {
            foreach (ListedTokenRecord record in page)
            {
                yield return Wrap(record, session, userId);
            }
        }
    }

    /// <summary>The newest token that a test holds for; no page more than needed is read.</summary>
    private protected ListedToken? Find(Session session, string? userId, Func<ListedToken, bool> test) => All(session, userId).FirstOrDefault(test);

    private RotationJournal JournalOf(Session session)
    {
        string path = JournalPath is null
            ? RotationJournal.PathOf(session.BaseAddress.Host, session.ProjectId)
            : GetUnresolvedProviderPathFromPSPath(JournalPath);
        if (!_journals.TryGetValue(path, out RotationJournal? journal))
        {
            journal = Previews ? RotationJournal.Peek(path) : RotationJournal.Open(path);
            _journals.Add(path, journal);
            if (session.IsSandbox && JournalPath is null)
            {
                // A sandbox in this process is gone with its session, and its project comes never again.
                _passing.Add(journal.Path);
            }
        }

        return journal;
    }

    // One journal may serve several projects.
    private IReadOnlyList<RotationEntry> EntriesOf(Session session, RotationJournal journal)
    {
        string project = KeyOf(session);
        string kind = KindWord;
        return [.. journal.Entries.Where(entry => entry.Project == project && entry.Kind == kind)];
    }

    private string Plan(ListedToken old, Session session, long? lifetime)
    {
        string name = old.Name is null ? "" : $"'{old.Name}' ";
        string user = UserIdOf(old) is { } userId ? $" of user {userId}" : "";
        string life = lifetime is { } seconds ? $"for {TimeSpan.FromSeconds(seconds).ToString("c", CultureInfo.InvariantCulture)}" : "without an end";
        string place = Vault is not null ? $"goes to secret '{SecretNameOf(old, session, "{Id}")}' of vault '{Vault}'" : SaveTo is not null ? "goes to -SaveTo" : "goes down the pipeline";
        string end = Vault is null && SaveTo is null ? "stays" : Overlap > TimeSpan.Zero ? $"ends {Overlap.ToString("c", CultureInfo.InvariantCulture)} later" : "ends at once";
        return $"token {name}({old.Id}){user}, issued {RelativeTime.Of(old.CreatedAt, DateTimeOffset.UtcNow)}, in project '{session.Name}' ({session.BaseAddress}): the new one, {life}, {place}; the old one {end}";
    }

    private string SecretNameOf(ListedToken old, Session session, string newId)
    {
        string name = SecretName
            .Replace("{Project}", session.Name)
            .Replace("{Kind}", Kind.ToString())
            .Replace("{UserId}", UserIdOf(old) ?? "")
            .Replace("{Id}", newId)
            .Replace("{Name}", old.Name ?? "");
        return string.IsNullOrWhiteSpace(name) || WildcardPattern.ContainsWildcardCharacters(name)
            ? throw MagicBellException.Invalid($"'{name}' cannot be a secret's name, for it is empty or has wildcards. Give another with -SecretName.")
            : name;
    }
}
