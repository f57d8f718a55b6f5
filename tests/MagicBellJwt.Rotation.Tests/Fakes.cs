using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Client;

namespace MagicBellJwt.Rotation.Tests;

/// <summary>A pipeline without an engine.</summary>
internal sealed class FakePipeline(Api api) : IPipeline, IDisposable
{
    private readonly CancellationTokenSource _stop = new();

    internal List<object> Output { get; } = [];

    internal List<string> Warnings { get; } = [];

    internal List<string> Told { get; } = [];

    internal List<string> Asked { get; } = [];

    internal bool Agrees { get; set; } = true;

    /// <summary>Whether what is written reaches anybody.</summary>
    internal bool Takes { get; set; } = true;

    public CallContext ReadCall => new(_stop.Token);

    public CallContext WriteCall => new(_stop.Token, CancellationToken.None);

    public CallContext UndoCall => new(CancellationToken.None);

    /// <summary>Ends the pipeline, as Ctrl+C does.</summary>
    internal void Stop() => _stop.Cancel();

    public Task<T> RunAsync<T>(Func<T> work)
    {
        ThrowIfKilled();
        _stop.Token.ThrowIfCancellationRequested();
        T result = work();
        ThrowIfKilled();
        return Task.FromResult(result);
    }

    public Task<bool> ConfirmAsync(string target, string action) => RunAsync(() =>
    {
        Asked.Add(action + ": " + target);
        return Agrees;
    });

    public Task<bool> EmitAsync(object output) => Task.FromResult(!_stop.IsCancellationRequested && Takes && Add(output));

    public Task WarnAsync(string text)
    {
        ThrowIfKilled();
        Warnings.Add(text);
        return Task.CompletedTask;
    }

    public void Inform(string text) => Told.Add(text);

    public void Verbose(string text)
    {
    }

    /// <summary>What comes about while something is waited for.</summary>
    internal Action? OnWait { get; set; }

    public Task WaitAsync(TimeSpan time, CallContext call)
    {
        ThrowIfKilled();
        OnWait?.Invoke();
        return Task.CompletedTask;
    }

    public void Dispose() => _stop.Dispose();

    private bool Add(object output)
    {
        ThrowIfKilled();
        Output.Add(output);
        return true;
    }

    private void ThrowIfKilled()
    {
        if (api.IsKilled)
        {
            throw new KilledException();
        }
    }
}

/// <summary>A vault with one secret, which does what a test says.</summary>
internal sealed class FakeStore(Api api) : ITokenStore
{
    /// <summary>What the secret holds; null for nothing.</summary>
    internal string? Held { get; set; }

    /// <summary>What happens to a write: it may write, and it may fail.</summary>
    internal Func<FakeStore, string, StoreResult>? OnStore { get; set; }

    internal bool IsScript { get; set; }

    /// <summary>Whether it is a file and no vault.</summary>
    internal bool IsFile { get; set; }

    internal bool IsUnreadable { get; set; }

    internal Action? BeforeStore { get; set; }

    public string? Vault => IsScript || IsFile ? null : "prod";

    public string? File => IsFile ? "/var/lib/magicbell/token" : null;

    public string? SecretOf(string newId) => IsScript || IsFile ? null : "secret";

    public void Prepare(Func<string, bool>? isOld)
    {
        if (!IsScript && Held is not null && isOld?.Invoke(Held) != true)
        {
            throw MagicBellException.Invalid("The secret holds something else.");
        }
    }

    /// <summary>The id of the token that the store describes, and of the one that it replaced; null where it describes none.</summary>
    internal (string Id, string Replaces)? Noted { get; set; }

    internal bool KeepsNotes { get; set; }

    public string? ReplacedBy(string heldId) => Noted is { } noted && noted.Id == heldId ? noted.Replaces : null;

    public StoreResult Store(IssuedToken issued, string value, string? replaces)
    {
        if (api.IsKilled)
        {
            throw new KilledException();
        }

        BeforeStore?.Invoke();
        StoreResult result = OnStore is null ? Keep(value) : OnStore(this, value);
        Noted = KeepsNotes ? (issued.Id!, replaces ?? "") : Noted;
        return api.IsKilled ? throw new KilledException() : result;
    }

    public string? Read() => IsScript || IsUnreadable ? null : Held;

    public StoreContent Look(string fingerprint, out string? value)
    {
        value = null;
        if (IsScript || IsUnreadable)
        {
            return StoreContent.Unknown;
        }

        if (Held is null || TokenFingerprint.Of(Held) != fingerprint)
        {
            return StoreContent.NotHeld;
        }

        value = Held;
        return StoreContent.Held;
    }

    internal StoreResult Keep(string value)
    {
        Held = value;
        return StoreResult.Stored;
    }
}
