using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;
using MagicBellJwt.Completion;
using MagicBellJwt.Rotation;

namespace MagicBellJwt.Commands;

/// <summary>A cmdlet that works with the journal of a project's rotations.</summary>
public abstract class RotationCmdlet : WritingCmdlet
{
    private readonly Dictionary<string, RotationJournal> _journals = new(StringComparer.Ordinal);
    private readonly Dictionary<RotationJournal, VaultJournal> _vaultJournals = [];

    private protected RotationCmdlet() => Scripts = new ScriptRunner(this);

    /// <summary>The journal; without it a file a project in the platform's state directory. Every run of a project needs the same one.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? JournalPath { get; set; }

    /// <summary>
    /// The vault that keeps the journal, as a secret of its own beside those of the tokens, for machines that are new each time. Every run of a
    /// project needs the same one, and no two may run at once.
    /// </summary>
    [Parameter]
    [ArgumentCompleter(typeof(VaultCompleter))]
    [ValidateNotNullOrEmpty]
    public string? JournalVault { get; set; }

    private protected ScriptRunner Scripts { get; }

    /// <summary>The sessions of the runspace. Rotations ask for them on other threads.</summary>
    private protected IReadOnlyList<Session> Sessions { get; private set; } = [];

    // So long a job may be held. A machine that is started anew in between would not end the overlap.
    private static readonly TimeSpan s_longestWait = TimeSpan.FromHours(1);

    /// <summary>Refuses a wait for an overlap that is too long to be waited for.</summary>
    /// <exception cref="MagicBellException">There is none, or it is longer than an hour.</exception>
    private protected static void CheckWait(TimeSpan overlap)
    {
        if (overlap <= TimeSpan.Zero)
        {
            throw MagicBellException.Invalid("-Wait waits for the end of an overlap, and there is none: without one the old token is revoked at once.");
        }

        if (overlap > s_longestWait)
        {
            throw MagicBellException.Invalid($"-Wait waits for an hour at most, and the overlap is {LifetimeText.Write(overlap)}. Leave -Wait out, and schedule a later run, which ends it.");
        }
    }

    /// <inheritdoc/>
    private protected override void Begin()
    {
        base.Begin();
        Sessions = SessionStore.Current.Sessions;
    }

    /// <inheritdoc/>
    protected override void StopProcessing()
    {
        base.StopProcessing();
        Scripts.Stop();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        foreach (RotationJournal journal in _journals.Values)
        {
            journal.Dispose();
        }
    }

    /// <summary>The journal of a session's project.</summary>
    /// <exception cref="MagicBellException">It cannot be told which it is, or it cannot be opened.</exception>
    private protected RotationJournal JournalOf(Session session)
    {
        RotationJournal journal = JournalVault is null ? FileJournalOf(session) : VaultJournalOf(session, JournalVault);
        journal.Clock = () => session.Service.ServerNow;
        return journal;
    }

    /// <summary>The argument that names the journal in a command that is suggested; empty for the project's own.</summary>
    private protected string JournalArgument => RotationText.JournalArgumentOf(JournalPath, JournalVault);

    /// <summary>What keeps a journal after each step; null for a file, which has each step by itself, and for a preview.</summary>
    private protected Action? KeeperOf(RotationJournal journal) => !IsPreview && _vaultJournals.TryGetValue(journal, out VaultJournal? kept) ? kept.Keep : null;

    private RotationJournal FileJournalOf(Session session)
    {
        string path = JournalFileOf(session, JournalPath is null ? null : GetUnresolvedProviderPathFromPSPath(JournalPath));
        if (!_journals.TryGetValue(path, out RotationJournal? journal))
        {
            // A sandbox in this process is gone with its session, and nothing in its journal can be due after that.
            journal = IsPreview ? RotationJournal.Peek(path) : RotationJournal.Open(path, isTemporary: session.IsSandbox && JournalPath is null);
            _journals.Add(path, journal);
        }

        return journal;
    }

    private RotationJournal VaultJournalOf(Session session, string vault)
    {
        CheckJournalPlace(JournalPath, vault);
        string key = VaultJournal.SecretOf(session);
        if (!_journals.TryGetValue(key, out RotationJournal? journal))
        {
            var kept = new VaultJournal(new SecretVault(this, Scripts, vault), vault, session);
            journal = kept.Journal;
            _vaultJournals.Add(journal, kept);
            _journals.Add(key, journal);
        }

        return journal;
    }

    /// <summary>Refuses two places for one journal.</summary>
    /// <exception cref="MagicBellException">Both were given.</exception>
    internal static void CheckJournalPlace(string? path, string? vault)
    {
        if (path is not null && vault is not null)
        {
            throw MagicBellException.Invalid("-JournalPath and -JournalVault exclude each other: a journal is in one place.");
        }
    }

    /// <summary>The file of a project's journal.</summary>
    /// <param name="session">The project.</param>
    /// <param name="given">The file that was given; null for the platform's own place.</param>
    /// <exception cref="MagicBellException">It cannot be told which it is.</exception>
    internal static string JournalFileOf(Session session, string? given) =>
        given is not null ? given
        : session.NamesProject ? RotationJournal.PathOf(session.BaseAddress, session.ProjectId)
        : throw MagicBellException.Invalid(
            "The session's token does not say which project it is of, so it cannot be told which journal is this project's. Connect with a name for the project, the same each time: Connect-MbProject -Name NAME. Or give the journal: -JournalPath.");

    /// <summary>The store that an earlier run's rotation goes to; null where its token went down the pipeline.</summary>
    private protected ITokenStore? StoreOf(RotationEntry entry) => entry.File is not null ? new FileStore(entry.File)
        : entry.Vault is not null ? new VaultStore(this, Scripts, entry.Vault, _ => entry.Secret ?? "")
        : entry.IsStoredByScript ? new ScriptStore(Scripts, null)
        : null;

    /// <summary>
    /// The store for a token's successor; null for the pipeline. The successor of a token that a session runs on goes to where that one came from,
    /// whatever is chosen for the others: the next login reads it there.
    /// </summary>
    private protected ITokenStore? StoreFor(StoreChoice choice, ListedToken old, Session session, string? email = null, string? externalId = null) => RunnerOf(old.Id, old.Kind, session)?.TokenPlace switch
    {
        _ when !choice.Stores => null,
        { File: { } file } => new FileStore(file),
        { Vault: { } vault, Secret: { } secret } => new VaultStore(this, Scripts, vault, _ => secret),
        _ when choice.Vault is not null => new VaultStore(this, Scripts, choice.Vault, newId => SecretNameOf(choice, old, session, newId, email, externalId)),
        _ => new ScriptStore(Scripts, choice.SaveTo),
    };

    /// <summary>A session of the runspace that runs on a token, one whose token's place is known before any other; null where none does.</summary>
    private Session? RunnerOf(string? id, TokenKind kind, Session session) => kind != TokenKind.Project ? null
        : session.RunningOn(id, Sessions).OrderBy(runner => runner.TokenPlace is null).FirstOrDefault();

    /// <summary>
    /// Whether a token is left out among many. One that a session runs on is rotated only where the next login finds its successor: else that login
    /// would be refused. Warns where it is left out. For the pipeline thread.
    /// </summary>
    private protected bool IsLeftOut(StoreChoice choice, string id, ListedToken? listed, Session session)
    {
        if (!choice.Stores || RunnerOf(id, TokenKind.Project, session) is not { TokenPlace: null } runner)
        {
            return false;
        }

        if (choice.Vault is not null && listed is not null && StoreFor(choice, listed, session)!.Look(runner.Fingerprint, out _) == StoreContent.Held)
        {
            return false;
        }

        string store = choice.Vault is null ? "-SaveTo $SaveTo"
            : $"-Vault {CommandText.Quote(choice.Vault)}{(choice.SecretName == "{Name}" ? "" : " -SecretName " + CommandText.Quote(choice.SecretName))}";
        WriteWarning($"The session '{runner.Name}' itself runs on the token {id}, and it is not known where that is kept, so it is left out: the next login would be refused. "
            + $"Connect with -TokenFile, or -Vault and -SecretName, and its successor is put there. Or rotate it alone: Update-MbProjectToken -Id {CommandText.Quote(id)} {store}{CommandText.SessionArgument(session)}{JournalArgument}");
        return true;
    }

    private static string SecretNameOf(StoreChoice choice, ListedToken old, Session session, string newId, string? email, string? externalId) => SecretName.Fill(choice.SecretName, new Dictionary<string, string?>(StringComparer.Ordinal)
    {
        ["Name"] = old.Name,
        ["Project"] = session.Name,
        ["Kind"] = old.Kind.ToString(),
        ["UserId"] = (old as UserToken)?.UserId,
        ["Email"] = email ?? old.Owner?.Email,
        ["ExternalId"] = externalId ?? old.Owner?.ExternalId,
        ["Id"] = newId.Length > 0 ? newId : "{Id}",
    });
}
