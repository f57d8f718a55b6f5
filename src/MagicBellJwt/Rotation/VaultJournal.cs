using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;

namespace MagicBellJwt.Rotation;

/// <summary>
/// Keeps the journal of a project's rotations as one secret of a vault, for machines that are new each time. It holds ids and no token. A vault has
/// no lock: what the secret holds is compared before each write and after it, so that of two runs at once one stops.
/// </summary>
internal sealed class VaultJournal
{
    private readonly SecretVault _vault;
    private readonly string _secret;

    // What the secret is known to hold; after a write that failed it may hold either.
    private string _kept;
    private string? _tried;

    /// <summary>Reads the journal.</summary>
    /// <param name="vault">The vault.</param>
    /// <param name="name">The vault's name.</param>
    /// <param name="session">The project.</param>
    /// <exception cref="MagicBellException">It is not known which project it is, the vault is not there, or it cannot be read.</exception>
    internal VaultJournal(SecretVault vault, string name, Session session)
    {
        if (!session.NamesProject)
        {
            throw MagicBellException.Invalid("The session's token does not say which project it is of, so it cannot be told which journal is this project's. Connect with a name for the project, the same each time: Connect-MbProject -Name NAME.");
        }

        _vault = vault;
        _secret = SecretOf(session);
        _vault.Check();
        _kept = Read(name + "/" + _secret);
        Journal = RotationJournal.OfText(_kept, name + "/" + _secret);
    }

    /// <summary>The journal.</summary>
    internal RotationJournal Journal { get; }

    /// <summary>The secret's name: letters, digits and hyphens, which every vault takes.</summary>
    internal static string SecretOf(Session session)
    {
        char[] name = ("MagicBell-rotations-" + RotationText.ProjectKey(session)).ToCharArray();
        for (int index = 0; index < name.Length; index++)
        {
            name[index] = name[index] is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or (>= '0' and <= '9') ? name[index] : '-';
        }

        return new string(name, 0, System.Math.Min(name.Length, 120));
    }

    /// <summary>Writes what the journal says now, reads it back and compares.</summary>
    /// <exception cref="MagicBellException">Another run has written there, or the vault failed.</exception>
    internal void Keep()
    {
        string text = Journal.Text;
        if (text == _kept && _tried is null)
        {
            return;
        }

        string before = Read(Journal.Path);
        if (before != _kept && before != _tried)
        {
            throw Failed("was changed by another run meanwhile, so this one goes no further.");
        }

        _tried = text;
        try
        {
            _vault.Write(_secret, SecureText.Protect(text));
        }
        catch (CommandFailedException failure)
        {
            throw Failed($"cannot be written: {new Redactor().Clean(failure.Message)}");
        }

        if (Read(Journal.Path) != text)
        {
            throw Failed("holds something else than was written, by another run or by the vault, so this one goes no further.");
        }

        _kept = text;
        _tried = null;
    }

    private string Read(string place)
    {
        object? held;
        try
        {
            held = _vault.Read(_secret);
        }
        catch (CommandFailedException failure)
        {
            throw Failed($"cannot be read: {new Redactor().Clean(failure.Message)}", place);
        }

        return held is null ? ""
            : SecretText.Of(held) is { } text ? text.Replace("\r\n", "\n")
            : throw Failed("holds something else than text.", place);
    }

    private MagicBellException Failed(string what, string? place = null) =>
        new(MagicBellError.RotationFailed, $"The journal in the vault, {ScreenText.Of(place ?? Journal.Path)}, {what}");
}
