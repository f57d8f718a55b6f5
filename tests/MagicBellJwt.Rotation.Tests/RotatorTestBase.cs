using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;
using Microsoft.Extensions.Time.Testing;

namespace MagicBellJwt.Rotation.Tests;

/// <summary>A project in memory with a token named <c>ci</c>, a journal in a folder of its own, and a store that holds that token.</summary>
public abstract class RotatorTestBase : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");

    private protected RotatorTestBase()
        : this(new Api())
    {
    }

    private protected RotatorTestBase(Api api)
    {
        Api = api;
        Store = new FakeStore(api);
        Pipeline = new FakePipeline(api);
        Session = Connect();
    }

    private protected Api Api { get; }

    /// <summary>This machine's clock, but for what the journal writes.</summary>
    private protected FakeTimeProvider MachineClock { get; } = new(DateTimeOffset.UtcNow);

    private protected FakeStore Store { get; }

    private protected FakePipeline Pipeline { get; set; }

    private protected Session Session { get; set; }

    /// <summary>Other sessions of the runspace.</summary>
    private protected List<Session> Others { get; } = [];

    private protected string JournalPath => Path.Combine(_folder.FullName, "rotations.jsonl");

    /// <summary>The journal that a vault keeps, as text; null where it is a file.</summary>
    private protected string? Kept { get; set; }

    /// <summary>What happens when the journal is to be kept in its vault; null for nothing but that.</summary>
    private protected Action<string>? OnKeep { get; set; }

    private protected string[] Steps => [.. (Kept?.Split('\n', StringSplitOptions.RemoveEmptyEntries) ?? File.ReadLines(JournalPath)).Select(line => line.Split("\"step\":\"")[1].Split('"')[0])];

    public void Dispose()
    {
        Session.Disconnect();
        Pipeline.Dispose();
        _folder.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected Session Connect(string? token = null) => new(
        "prod",
        new JwtServiceOptions { Handler = Api, BaseAddress = Api.Sandbox.BaseAddress, Token = token ?? Api.Sandbox.AdministratorToken, ReadsPerMinute = 1_000_000, WritesPerMinute = 1_000_000, MaximumRetryCount = 0, Clock = MachineClock },
        isSandbox: false,
        isNamed: true,
        tokenSource: "-ProjectToken");

    /// <summary>Issues a token and puts its value into the store.</summary>
    private protected async Task<string> IssueToStoreAsync(string name = "ci")
    {
        IssuedToken issued = await new TokenScope(Session, TokenKind.Project).CreateAsync(new TokenRequest(name, null, null, 24 * 3600), Guid.NewGuid(), false, false, new CallContext(CancellationToken.None));
        Store.Held = SecureText.Reveal(issued);
        return issued.Id!;
    }

    private protected Task RotateAsync(string name = "ci", TimeSpan overlap = default) => WithRotatorAsync(rotator => rotator.RotateAsync(name, null), overlap);

    private protected Task ResumeAsync() => WithRotatorAsync(rotator => rotator.ResumeAllAsync((_, failure) => Task.FromException(failure)));

    /// <summary>The id of the token that the store holds, by its claims.</summary>
    private protected string HeldId()
    {
        JsonWebToken.TryDecode(Store.Held!, out JsonWebToken? token);
        return token!.Id!;
    }

    private protected Task WithRotatorAsync(Func<Rotator, Task> work, TimeSpan overlap = default) => WithRotatorAsync(work, Store, overlap);

    private protected Task WithRotatorAsync(Func<Rotator, Task> work, Action<RotationJournal> look) => WithRotatorAsync(work, Store, default, look);

    private protected async Task WithRotatorAsync(Func<Rotator, Task> work, ITokenStore? store, TimeSpan overlap = default, Action<RotationJournal>? look = null)
    {
        bool isInVault = Kept is not null;
        using RotationJournal journal = isInVault ? RotationJournal.OfText(Kept!, "prod/journal") : RotationJournal.Open(JournalPath);
        journal.Clock = () => Session.Service.ServerNow;
        look?.Invoke(journal);
        Api.OnKill = journal.Dispose;
        await work(new Rotator(Session, TokenKind.Project, journal, Pipeline, new RotationOptions
        {
            Overlap = overlap,
            JournalVault = isInVault ? "prod" : null,
            KeepJournal = isInVault ? () => Keep(journal.Text) : null,
            Sessions = Others,
            StoreFor = _ => store,
            StoreOf = entry => entry.Vault is not null || entry.File is not null || entry.IsStoredByScript ? Store : null,
        }));
    }

    private void Keep(string text)
    {
        if (OnKeep is { } instead)
        {
            instead(text);
        }
        else
        {
            Kept = text;
        }
    }

    /// <summary>Lets time go by, for the server and for this machine.</summary>
    private protected void Pass(TimeSpan time)
    {
        Api.Clock.Advance(time);
        MachineClock.Advance(time);
    }
}
