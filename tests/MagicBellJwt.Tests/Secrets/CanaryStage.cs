using System;
using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Rotation;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Secrets;

/// <summary>A server with secrets to lose, engines to run commands in, and a folder.</summary>
public sealed class CanaryStage : IAsyncLifetime
{
    // All that the sandbox issues begins so: its header, and the first claim's name. It finds a token whose answer nobody got, too.
    private const string AnyToken = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJqdGkiOi";

    private const string ProxyPassword = "proxy-canary-0123456789";

    private const string Aloud = "$VerbosePreference = $DebugPreference = $InformationPreference = $WarningPreference = $ErrorActionPreference = $ProgressPreference = 'Continue'; $ConfirmPreference = 'None'; $Error.Clear();";

    // Under a session of its own: a 429 makes the whole session wait.
    private const string Connected = "Connect-MbProject $token -BaseUri $address -Name canary -SkipConnectionTest -TimeoutSec 1 -MaximumRetryCount $retries -ReadsPerMinute 1000000 -WritesPerMinute 1000000 -History $folder/history.jsonl -HistoryDetail Personal -Verbose -Debug;";

    private const int EngineCount = 4;

    private readonly BlockingCollection<PowerShellEngine> _engines = [];
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");
    private SecretForms _secrets = null!;
    private (string Name, object? Value)[] _variables = [];
    private PowerShellEngine _preparer = null!;

    internal ServerProcess Server { get; private set; } = null!;

    /// <summary>Where reports and journals are written.</summary>
    internal string Folder => _folder.FullName;

    public async ValueTask InitializeAsync()
    {
        Server = await ServerProcess.StartAsync("--seed-project-tokens", "12", "--seed-user", "usr_1:7", "--seed-user", "usr_2:3");
        _preparer = PowerShellEngine.ConnectedTo(Server, options: "-Name canary");
        for (int number = 0; number < EngineCount; number++)
        {
            // With -Debug a warning is a question.
            var engine = new PowerShellEngine(new TestHost { Choose = (_, _) => 0 });
            engine.Run(RotationTestBase<ServerFixture>.VaultModule).MustSucceed();
            _engines.Add(engine);
        }

        // A file for Find-MbLeakedToken to find something in.
        File.WriteAllText(Path.Combine(_folder.CreateSubdirectory("leaked").FullName, "config.txt"), $"a = {Server.Token}\nb = {TokenText.User}\n");
    }

    /// <summary>Disarms every fault, issues the tokens that the commands revoke or replace, and clears the folder.</summary>
    internal async Task PrepareAsync()
    {
        await Server.ResetAsync();
        foreach (string file in Directory.GetFiles(Folder))
        {
            File.Delete(file);
        }

        Run prepared = Run("$project = 1..6 | New-MbProjectToken -ThrottleLimit 6; $user = 1..4 | ForEach-Object { New-MbUserToken -Email hana@example.com -Name \"laptop $_\" }; $project, $user | ForEach-Object { $_ }");
        prepared.MustSucceed();
        _secrets = new SecretForms([AnyToken, Server.Token, TokenText.User, TokenText.Key, ProxyPassword, .. IssuedIn(prepared)]);
        _variables =
        [
            ("token", Server.SecureToken()),
            ("address", Server.BaseAddress),
            ("folder", Folder),
            ("project", Run("$project").Output.ToArray()),
            ("user", Run("$user").Output.ToArray()),
            ("key", Secret.Of(TokenText.Key)),
            ("keyText", TokenText.Key),
            ("signed", Secret.Of(TokenText.User)),
            ("bearerText", Server.Token),
            ("secret", Server.Token),
            ("proxyCredential", new PSCredential("hana", Secret.Of(ProxyPassword))),
        ];
    }

    /// <summary>Runs a script where nothing is searched.</summary>
    internal Run Run(string script) => _preparer.Run(script);

    /// <summary>Runs scripts beside each other; nothing secret may come of them or be in the files that they wrote.</summary>
    internal async Task<IReadOnlyList<Run>> SearchAsync(string[] scripts, Uri address, int retries, bool stops = false)
    {
        (Run Run, SecretSearch Search)[] searched = await Task.WhenAll(scripts.Select(script => Task.Run(() => Search(script, address, retries, stops))));
        Assert.All(searched, pair =>
        {
            pair.Search.MustBeEmpty();
            Assert.NotEqual(0, pair.Search.Texts);
        });
        SearchFiles().MustBeEmpty();
        return [.. searched.Select(pair => pair.Run)];
    }

    /// <summary>Runs a script, everything said aloud, and looks for every secret in everything that came of it.</summary>
    /// <param name="script">The script.</param>
    /// <param name="address">The server's address.</param>
    /// <param name="retries">The session's.</param>
    /// <param name="stops">Whether it waits for so long that it is stopped.</param>
    internal (Run Run, SecretSearch Search) Search(string script, Uri address, int retries, bool stops = false)
    {
        PowerShellEngine engine = _engines.Take();
        try
        {
            int lines = engine.Host.Lines.Count;
            using RunningScript running = engine.Start(Aloud + Connected + script, [.. _variables, ("address", address), ("retries", retries)]);
            Run run = stops && !running.EndsWithin(TimeSpan.FromSeconds(2)) ? running.Stop().Run : running.Wait();
            PSObject[] errors = [.. ((IEnumerable)engine.Variable("Error")!).Cast<object>().Select(PSObject.AsPSObject)];
            engine.Run("$shown | Out-Default; $failed | Out-Default", ("shown", run.Output), ("failed", errors));

            string[] issued = [.. IssuedIn(run)];
            var search = new SecretSearch(issued.Length == 0 ? [_secrets] : [_secrets, new SecretForms(issued)]);
            foreach ((string place, IEnumerable<object> records) in Streams(run).Append(("$Error", errors)))
            {
                foreach (object record in records)
                {
                    search.InProperties(place, record, depth: 5);

                    search.InSerialised(place, record);
                    if (PSObject.AsPSObject(record).BaseObject is ErrorRecord error)
                    {
                        search.In(place + ".Exception as text", error.Exception.ToString());
                        search.InSerialised(place + ".Exception", error.Exception);
                    }
                }
            }

            foreach (string line in engine.Host.Lines.Skip(lines))
            {
                search.In("the screen", line);
            }

            return (run, search);
        }
        finally
        {
            _engines.Add(engine);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _preparer.Dispose();
        foreach (PowerShellEngine engine in _engines)
        {
            engine.Dispose();
        }

        _engines.Dispose();
        await Server.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    /// <summary>Looks for every secret in the files that were written.</summary>
    internal SecretSearch SearchFiles()
    {
        var search = new SecretSearch(_secrets);
        foreach (string file in Directory.GetFiles(Folder))
        {
            search.In(Path.GetFileName(file), File.ReadAllText(file));
        }

        return search;
    }

    private static IEnumerable<(string Place, IEnumerable<object> Records)> Streams(Run run) =>
    [
        ("the output", run.Output),
        ("the errors", run.End is null ? run.Errors : [.. run.Errors, run.End]),
        ("the warnings", run.Streams.Warning),
        ("verbose", run.Streams.Verbose),
        ("debug", run.Streams.Debug),
        ("information", run.Streams.Information),
        ("progress", run.Streams.Progress),
    ];

    private static IEnumerable<string> IssuedIn(Run run) =>
        run.Output.Where(item => item.TypeNames[0] == "MagicBellJwt.IssuedToken").Select(item => Secret.Reveal(item.Properties["Token"].Value).Split('.')[2]);
}
