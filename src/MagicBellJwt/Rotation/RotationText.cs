using System;
using MagicBellJwt.Client.Rotation;

namespace MagicBellJwt.Rotation;

/// <summary>What rotations say to people: tokens by id and name, and commands that can be pasted.</summary>
/// <param name="session">The project.</param>
/// <param name="kind">Whose tokens are rotated.</param>
/// <param name="options">What the caller asked for.</param>
internal sealed class RotationText(Session session, TokenKind kind, RotationOptions options)
{
    /// <summary>What the tokens are called: <c>project token</c> or <c>user token</c>.</summary>
    internal string Noun => kind == TokenKind.Project ? "project token" : "user token";

    private string SessionArgument => CommandText.SessionArgument(session);

    private string JournalArgument => JournalArgumentOf(options.JournalPath, options.JournalVault);

    /// <summary>The argument that names a journal; empty for the project's own.</summary>
    /// <param name="path">Its file; null for another.</param>
    /// <param name="vault">Its vault; null for a file.</param>
    internal static string JournalArgumentOf(string? path, string? vault) =>
        path is not null ? " -JournalPath " + CommandText.Quote(path) : vault is not null ? " -JournalVault " + CommandText.Quote(vault) : "";

    /// <summary>The token that a rotation replaces: its id first, since others may choose names.</summary>
    internal static string Old(RotationEntry entry) => entry.Name is null ? entry.OldId : $"{entry.OldId} '{ScreenText.Of(entry.Name)}'";

    /// <summary>Whether a rotation in a journal is of a session's project. Earlier versions wrote the host without its port.</summary>
    internal static bool IsOf(RotationEntry entry, Session session) =>
        entry.Project == ProjectKey(session) || entry.Project == session.BaseAddress.Host + "/" + session.ProjectId;

    /// <summary>What a journal calls a session's project.</summary>
    internal static string ProjectKey(Session session) => session.BaseAddress.Authority + "/" + session.ProjectId;

    /// <summary>Where a rotation's new token goes, where that can be read: a vault, or a file.</summary>
    internal static string Holder(RotationEntry entry) => entry.File is not null ? $"file '{ScreenText.Of(entry.File)}'" : $"vault '{ScreenText.Of(entry.Vault!)}'";

    /// <summary>Where a rotation's new token is, in a word: <c>vault/secret</c>, a file's path, or <c>-SaveTo</c>; null for the pipeline.</summary>
    internal static string? StoredIn(RotationEntry entry) =>
        entry.File ?? (entry.Vault is not null ? entry.Vault + "/" + entry.Secret : entry.IsStoredByScript ? "-SaveTo" : null);

    /// <summary>What the next run does with a rotation that is under way.</summary>
    /// <param name="entry">The rotation.</param>
    /// <param name="now">Now, by the server's clock.</param>
    internal static string NextRun(RotationEntry entry, DateTimeOffset now) => entry.Step switch
    {
        RotationStep.Begun or RotationStep.InDoubt => "Looks for a new token that the interrupted run may have issued, and names it. The old one stays.",
        RotationStep.Created or RotationStep.Proved or RotationStep.Undoing => $"Revokes the new token {entry.NewId}, which nobody holds. The old one stays.",
        RotationStep.Storing when entry.Vault is not null || entry.File is not null => $"Looks whether the {Holder(entry)} holds the new token {entry.NewId}: goes on where it does, else revokes the new one.",
        RotationStep.Storing when entry.IsStoredByScript => $"Stores a fresh token, if it is given -SaveTo, and revokes both. Till then both stay: nobody can say whether -SaveTo stored {entry.NewId}.",
        RotationStep.Storing => $"Names the new token {entry.NewId}, which somebody may hold. Both stay.",
        RotationStep.Stored when entry.Overlap > TimeSpan.Zero => "Lets the old token stay for the overlap.",
        RotationStep.Retiring when entry.DueAt > now => $"Nothing before {RotationJournal.Time(entry.DueAt.Value)}. After that it revokes the old token.",
        _ => "Sees that the new token works and is held, then revokes the old one.",
    };

    /// <summary>That neither token was touched, and what to type next.</summary>
    internal string BothStay(Rotation rotation) =>
        $"The old token {rotation.Entry.OldId} and the new one, {rotation.NewId}, stay as they are. "
        + (rotation.Entry is { IsStoredByScript: true, IsCompleted: false }
            ? $"A run that stores a fresh one revokes both: {Update(rotation.Entry)}"
            : $"The next run looks again: {Resume}");

    /// <summary>How to finish what is under way.</summary>
    internal string NextRunGoesOn => $"To finish it instead: {Resume}";

    /// <summary>The command that finishes what is due or was interrupted.</summary>
    internal string Resume => $"Update-Mb{kind}Token -Resume{SessionArgument}{JournalArgument}";

    /// <summary>The command that revokes tokens.</summary>
    internal string Remove(params string[] ids) => CommandText.Remove(kind, session, ids);

    /// <summary>The command that stores a fresh token by the script block of the caller's, from the variable $SaveTo. Where there is no such variable it sends nothing.</summary>
    internal string Update(RotationEntry entry)
    {
        string user = entry.UserId is null ? "" : " -UserId " + CommandText.Quote(entry.UserId);
        return $"Update-Mb{kind}Token -Id {CommandText.Quote(entry.OldId)}{user} -SaveTo $SaveTo{SessionArgument}{JournalArgument}";
    }

    /// <summary>The command that stores a fresh token in the vault where an interrupted rotation was storing one.</summary>
    internal string StoreAgain(RotationEntry entry)
    {
        string user = entry.UserId is null ? "" : " -UserId " + CommandText.Quote(entry.UserId);
        return $"Update-Mb{kind}Token -Id {CommandText.Quote(entry.OldId)}{user} -Vault {CommandText.Quote(entry.Vault!)} -SecretName {CommandText.Quote(entry.Secret!)}{SessionArgument}{JournalArgument}";
    }

    /// <summary>What would be done to a token.</summary>
    internal string Plan(ListedToken old, ITokenStore? store, long? lifetime)
    {
        string name = old.Name is null ? "" : $" '{ScreenText.Of(old.Name)}'";
        string user = old is UserToken { UserId: var userId } ? $" of user {User.Describe(userId, old.Owner)}" : "";
        string life = lifetime is { } seconds ? "for " + LifetimeText.Write(TimeSpan.FromSeconds(seconds)) : "without an end";
        string place = store switch
        {
            null => "goes down the pipeline",
            { File: { } file } => $"goes to the file '{ScreenText.Of(file)}', where this session's token came from",
            { Vault: { } vault } => $"goes to secret '{store.SecretOf("{Id}")}' of vault '{vault}'",
            _ => "goes to -SaveTo",
        };
        string end = store is null ? "stays"
            : options.Overlap > TimeSpan.Zero ? $"is revoked by the first run after {LifetimeText.Write(options.Overlap)}"
            : "is revoked at once";
        return $"token {old.Id}{name}{user}, issued {RelativeTime.Of(old.CreatedAt, DateTimeOffset.UtcNow)}, in project '{ScreenText.Of(session.Name)}' ({session.BaseAddress}): the new one, {life}, {place}; the old one {end}";
    }
}
