using System;
using System.IO;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;

namespace MagicBellJwt.Rotation;

/// <summary>Stores in a file that holds one token: the one that a session connects with. Overwrites the old token and nothing else.</summary>
/// <param name="path">The file.</param>
internal sealed class FileStore(string path) : ITokenStore
{
    // What the file held when it was looked at, to be compared right before it is overwritten.
    private string? _before;

    public string? Vault => null;

    public string? File => path;

    public string? SecretOf(string newId) => null;

    /// <summary>The value in a file, without the blanks and the line break around it.</summary>
    /// <exception cref="MagicBellException">It cannot be read, or is empty.</exception>
    internal static string Read(string path)
    {
        try
        {
            string text = InputText.Token(OwnerOnly.ReadText(path));
            return text.Length > 0 ? text : throw MagicBellException.Invalid($"The file '{ScreenText.Of(path)}' is empty, so there is no token in it.");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw MagicBellException.Invalid($"The file '{ScreenText.Of(path)}' cannot be read: {failure.Message}");
        }
    }

    public void Prepare(Func<string, bool>? isOld)
    {
        if (isOld?.Invoke(Read(path)) != true)
        {
            throw MagicBellException.Invalid($"The file '{ScreenText.Of(path)}' holds something else than the token that is to be rotated, and would be lost. Nothing was sent.");
        }

        if ((System.IO.File.GetAttributes(path) & FileAttributes.ReparsePoint) != 0)
        {
            throw MagicBellException.Invalid($"'{ScreenText.Of(path)}' is a link, and would be replaced by a file. Connect with the file that it points to. Nothing was sent.");
        }

        _before = Read(path);
    }

    public StoreResult Store(IssuedToken issued, string value, string? replaces)
    {
        AtomicFile? file = null;
        bool hasBegun = false;
        try
        {
            if (Read(path) != _before)
            {
                return new StoreResult(StoreOutcome.NotBegun, $"The file '{ScreenText.Of(path)}' was changed by somebody else meanwhile, so it was not overwritten.");
            }

            file = new AtomicFile(path, isSecret: true);
            byte[] text = System.Text.Encoding.UTF8.GetBytes(value + "\n");
            file.Stream.Write(text, 0, text.Length);
            hasBegun = true;
            file.Commit(overwrite: true);
            return SecretText.IsSame(Read(path), value)
                ? StoreResult.Stored
                : new StoreResult(StoreOutcome.InDoubt, $"The file '{ScreenText.Of(path)}' holds another value than was written to it.");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or MagicBellException)
        {
            return new StoreResult(hasBegun ? StoreOutcome.InDoubt : StoreOutcome.NotBegun, $"The file '{ScreenText.Of(path)}' could not be written: {failure.Message}");
        }
        finally
        {
            file?.Dispose();
        }
    }

    // A file holds the token alone.
    public string? ReplacedBy(string heldId) => null;

    public string? Read()
    {
        try
        {
            return Read(path);
        }
        catch (MagicBellException)
        {
            return null;
        }
    }

    public StoreContent Look(string fingerprint, out string? value)
    {
        string? text = Read();
        value = text is not null && TokenFingerprint.Of(text) == fingerprint ? text : null;
        return text is null ? StoreContent.Unknown : value is null ? StoreContent.NotHeld : StoreContent.Held;
    }
}
