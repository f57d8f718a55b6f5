using System;
using System.Collections;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Net;
using System.Runtime.InteropServices;
using System.Security;
using System.Text.RegularExpressions;
using MagicBellJwt.Client;
using MagicBellJwt.Client.History;
using MagicBellJwt.Client.Rotation;
using MagicBellJwt.Completion;
using MagicBellJwt.Rotation;
using MagicBellJwt.Sandbox;

namespace MagicBellJwt.Commands;

/// <summary>Connects to a project, checks the token with one read, and makes the session that other cmdlets use.</summary>
[Cmdlet(VerbsCommunications.Connect, "MbProject", DefaultParameterSetName = "Project", HelpUri = HelpPages.Folder + "Connect-MbProject.md")]
[OutputType(typeof(Session))]
public sealed class ConnectMbProjectCommand : MagicBellCmdlet
{
    private const string DefaultTokenVariable = "MAGICBELL_PROJECT_TOKEN";
    private const string AddressVariable = "MAGICBELL_BASE_URL";
    private const string PolicyVariable = "MAGICBELL_POLICY";
    internal const string HistoryVariable = "MAGICBELL_HISTORY";

    private static readonly string[] s_proxySchemes = ["http", "https", "socks4", "socks4a", "socks5"];
    private static readonly TimeSpan s_endsSoon = TimeSpan.FromDays(7);
    private static readonly TimeSpan s_clockTolerance = TimeSpan.FromMinutes(1);

    private readonly ScriptRunner _scripts;

    /// <summary>Makes the cmdlet.</summary>
    public ConnectMbProjectCommand() => _scripts = new ScriptRunner(this);

    /// <summary>The project's token; without it the environment variable MAGICBELL_PROJECT_TOKEN is taken, else it is asked for.</summary>
    [Parameter(Position = 0, ParameterSetName = "Project")]
    [Secret]
    [ValidateNotNull]
    public SecureString? ProjectToken { get; set; }

    /// <summary>A file that holds the project's token and nothing else. A rotation of that token puts its successor there.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = "Project")]
    [PlainText]
    [AllowEmptyString]
    [AllowNull]
    public string? TokenFile { get; set; }

    /// <summary>The name of the environment variable that holds the project's token.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = "Project")]
    [PlainText]
    [AllowEmptyString]
    [AllowNull]
    public string? TokenVariable { get; set; }

    /// <summary>The vault that holds the project's token, one of Microsoft.PowerShell.SecretManagement's. A rotation of that token puts its successor there.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = "Project")]
    [PlainText]
    [ArgumentCompleter(typeof(VaultCompleter))]
    [AllowEmptyString]
    [AllowNull]
    public string? Vault { get; set; }

    /// <summary>The name of the secret in -Vault.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = "Project")]
    [PlainText]
    [AllowEmptyString]
    [AllowNull]
    public string? SecretName { get; set; }

    /// <summary>The API's address; without it the environment variable MAGICBELL_BASE_URL is taken, else the vendor's own.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = "Project")]
    [Address]
    [ValidateNotNull]
    public Uri? BaseUri { get; set; }

    /// <summary>What to call the project: tokens listed through the session carry it, and -Session takes it. Without it the token's claims or the address give one.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [PlainText]
    [AllowEmptyString]
    [AllowNull]
    public string? Name { get; set; }

    /// <summary>Connects to a sandbox in this process, empty but for its administrator's token, gone with the session.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Sandbox")]
    [NotBlank]
    public SwitchParameter Sandbox { get; set; }

    /// <summary>The longest that one attempt of a request may take, in seconds, 1 to 3600; 30 unless given.</summary>
    [Parameter]
    [ValidateRange(1, 3600)]
    public int TimeoutSec { get; set; } = 30;

    /// <summary>How often a failed request is repeated where that is safe, 0 to 20; 4 unless given.</summary>
    [Parameter]
    [NotBlank]
    [ValidateRange(0, 20)]
    public int MaximumRetryCount { get; set; } = 4;

    /// <summary>How many reads a minute the session sends at most; 250 unless given, the API's documented limit.</summary>
    [Parameter]
    [ValidateRange(1, 1000000)]
    public int ReadsPerMinute { get; set; } = 250;

    /// <summary>How many writes a minute the session sends at most; 200 unless given, the API's documented limit.</summary>
    [Parameter]
    [ValidateRange(1, 1000000)]
    public int WritesPerMinute { get; set; } = 200;

    /// <summary>The proxy's address; without it the system's settings are used.</summary>
    [Parameter(ParameterSetName = "Project")]
    [Address]
    [ValidateNotNull]
    public Uri? Proxy { get; set; }

    /// <summary>The user and password for the proxy.</summary>
    [Parameter(ParameterSetName = "Project")]
    [Credential]
    public PSCredential? ProxyCredential { get; set; }

    /// <summary>
    /// The file that records what the session does; what cannot be recorded there is not sent. Without it the environment variable
    /// MAGICBELL_HISTORY is taken, which means the same. Without both it is a file a project in the platform's state directory: where that cannot be
    /// written, one warning says so, and work goes on.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? History { get; set; }

    /// <summary>Whether the history has e-mail addresses and external ids of people: Personal, or Standard, which is without them.</summary>
    [Parameter]
    public HistoryDetail HistoryDetail { get; set; }

    /// <summary>
    /// The file of a policy, JSON: its member 'issue' says how long project tokens and user tokens live, and how they are called. The session's New- and
    /// Update- keep to it, and its audits judge by it. Without it the environment variable MAGICBELL_POLICY is taken.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Policy { get; set; }

    /// <summary>Refuses to issue, revoke or rotate without -Reason.</summary>
    [Parameter]
    [NotBlank]
    public SwitchParameter RequireReason { get; set; }

    /// <summary>Makes the session without the read that checks it.</summary>
    [Parameter]
    [NotBlank]
    public SwitchParameter SkipConnectionTest { get; set; }

    /// <summary>What is piped and no row of a file of projects: it is refused here, as the engine's own error would keep it, and it may be a token.</summary>
    [Parameter(ValueFromPipeline = true, DontShow = true)]
    public PSObject? InputObject { get; set; }

    /// <summary>Writes the session.</summary>
    [Parameter]
    [NotBlank]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    private protected override void Process()
    {
        // Bound, it would be part of each record.
        MyInvocation.BoundParameters.Remove(nameof(InputObject));
        Session? session = null;
        try
        {
            TakeRow();
            session = Open();
            if (!SkipConnectionTest)
            {
                Test(session);
            }
        }
        catch (MagicBellException failure)
        {
            session?.Disconnect();
            if (MyInvocation.ExpectingInput)
            {
                // A token of one project that has expired keeps nobody from the others.
                WriteError(ErrorRecords.Create(failure, Name ?? Shown(BaseUri)));
                return;
            }

            Report(failure, session?.BaseAddress.ToString() ?? Shown(BaseUri));
            ThrowIfFatal();
            return;
        }

        WarnOf(session);
        TellUnsettled(session);
        SessionStore.Current.Add(session);
        if (PassThru)
        {
            WriteObject(session);
        }
    }

    /// <inheritdoc/>
    protected override void StopProcessing()
    {
        base.StopProcessing();
        _scripts.Stop();
    }

    // An empty cell of a file is no value. What a row does not say is not taken from elsewhere: the session would be another project's under this one's name.
    private void TakeRow()
    {
        if (!MyInvocation.ExpectingInput)
        {
            return;
        }

        (Name, TokenFile, TokenVariable, Vault, SecretName) = (Filled(Name), Filled(TokenFile), Filled(TokenVariable), Filled(Vault), Filled(SecretName));
        BaseUri = BaseUri?.OriginalString.Length == 0 ? null : BaseUri;
        if (ProjectToken is not null || (TokenFile ?? TokenVariable ?? Vault) is null)
        {
            throw MagicBellException.Invalid("Each project of a file needs a place of its token in a column TokenFile, TokenVariable, or Vault and SecretName; the token itself belongs in no file of projects.");
        }

        static string? Filled(string? cell) => string.IsNullOrWhiteSpace(cell) ? null : cell;
    }

    private Session Open()
    {
        var options = new JwtServiceOptions
        {
            UserAgent = UserAgent(),
            AttemptTimeout = TimeSpan.FromSeconds(TimeoutSec),
            MaximumRetryCount = MaximumRetryCount,
            ReadsPerMinute = ReadsPerMinute,
            WritesPerMinute = WritesPerMinute,
        };
        TokenPlace? place = Place();
        string source = "sandbox";
        if (Sandbox)
        {
            UseSandbox(options);
        }
        else
        {
            options.BaseAddress = Address();
            (options.Token, source) = place switch
            {
                { File: { } file } => (InputText.Token(FileStore.Read(file)), "-" + nameof(TokenFile)),
                { Vault: { } vault, Secret: { } secret } => (InputText.Token(new VaultStore(this, _scripts, vault, _ => secret).Value()), "-" + nameof(Vault)),
                _ => Token(),
            };
            options.Proxy = ProxyCredential is null && Proxy is null
                ? null
                : new WebProxy(Proxy is not null ? ProxyAddress(Proxy) : throw MagicBellException.Invalid("-ProxyCredential needs -Proxy: it says which proxy may see them.")) { Credentials = ProxyCredential?.GetNetworkCredential() };
        }

        IssuePolicy? policy = ReadPolicy();
        string name = Name ?? (Sandbox ? "sandbox" : null)
            ?? (JsonWebToken.TryDecode(options.Token, out JsonWebToken? decoded) ? decoded!.Project : null)
            ?? options.BaseAddress.Host;
        if (ScreenText.HoldsToken(name) || name.IndexOf(options.Token, StringComparison.Ordinal) >= 0)
        {
            throw MagicBellException.Invalid("The session's name is a token's value, and would be shown with everything that the session does. Give another with -Name.");
        }

        WriteVerbose(source == "$env:" + DefaultTokenVariable && TokenVariable is null ? $"The project token is taken from {source}: no -{nameof(ProjectToken)} was given." : $"The project token is from {source}.");
        var session = new Session(name, options, Sandbox, isNamed: Name is not null, source) { TokenPlace = place, RequiresReason = RequireReason, IssuePolicy = policy };
        session.History = OpenHistory(session);
        return session;
    }

    private IssuePolicy? ReadPolicy()
    {
        string? given = Policy ?? Environment.GetEnvironmentVariable(PolicyVariable);
        if (string.IsNullOrWhiteSpace(given))
        {
            return null;
        }

        string path = GetUnresolvedProviderPathFromPSPath(given);
        return new IssuePolicy(path, PolicyFile.Read(path));
    }

    // A sandbox in this process is gone with its session: without -History there is nothing to account for.
    private TokenHistory? OpenHistory(Session session)
    {
        string? asked = History ?? Environment.GetEnvironmentVariable(HistoryVariable);
        if (string.IsNullOrWhiteSpace(asked) && Sandbox)
        {
            return null;
        }

        try
        {
            string path = string.IsNullOrWhiteSpace(asked) ? TokenHistory.PathOf(session.BaseAddress, session.ProjectId) : GetUnresolvedProviderPathFromPSPath(asked);
            return HistoryRecorder.Open(path, isRequired: !string.IsNullOrWhiteSpace(asked), session.Name, session.BaseAddress, HistoryDetail);
        }
        catch (MagicBellException failure) when (string.IsNullOrWhiteSpace(asked))
        {
            WriteWarning($"What this session does is not recorded. {failure.Message}");
            return null;
        }
    }

    // A method of its own, so that the sandbox's assembly is loaded only where it is used.
    private static void UseSandbox(JwtServiceOptions options)
    {
        var sandbox = new SandboxHandler();
        options.Handler = sandbox;
        options.OwnsHandler = true;
        options.BaseAddress = sandbox.BaseAddress;
        options.Token = sandbox.AdministratorToken;
    }

    // Nor is it repeated: an error that shows the address would show the password.
    private static Uri WithoutCredentials(Uri address, string source) => !address.IsAbsoluteUri
        ? throw MagicBellException.Invalid($"What was given for {source} is not an address like {JwtServiceOptions.VendorAddress}.")
        : address.OriginalString.IndexOf('@') < 0
        ? ScreenText.HoldsToken(address.OriginalString) ? throw MagicBellException.Invalid($"The address of {source} holds a token's value or a secret key, and would be shown with everything that the session does. Give the address alone.") : address
        : throw MagicBellException.Invalid($"The address of {source} holds credentials, or an @ that could end them. {(source == nameof(Proxy) ? "Give them with -ProxyCredential." : "Give the address alone: the token is all that the API asks for.")}");

    private static Uri ProxyAddress(Uri proxy) =>
        proxy.IsAbsoluteUri && s_proxySchemes.Contains(proxy.Scheme) && proxy.Host.Length > 0
            ? WithoutCredentials(proxy, nameof(Proxy))
            : throw MagicBellException.Invalid("-Proxy needs an address with its scheme, such as http://proxy.example.com:8080.");

    private static string Shown(Uri? address) => address is { IsAbsoluteUri: true } && address.OriginalString.IndexOf('@') < 0
        ? address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped)
        : nameof(BaseUri);

    private Uri Address()
    {
        if (BaseUri is not null)
        {
            return WithoutCredentials(BaseUri, nameof(BaseUri));
        }

        string variable = InputText.Trim(Environment.GetEnvironmentVariable(AddressVariable) ?? "");
        if (variable.Length == 0)
        {
            return JwtServiceOptions.VendorAddress;
        }

        return Uri.TryCreate(variable, UriKind.Absolute, out Uri? address)
            ? WithoutCredentials(address, AddressVariable)
            : throw MagicBellException.Invalid($"The environment variable {AddressVariable} is not an address like {JwtServiceOptions.VendorAddress}.");
    }

    // Where the token is kept, where that is one place that can be written to.
    private TokenPlace? Place()
    {
        bool isOne = new object?[] { ProjectToken, TokenFile, TokenVariable, Vault }.Count(source => source is not null) <= 1 && (Vault is null) == (SecretName is null);
        return !isOne ? throw MagicBellException.Invalid("The project token has one source: -ProjectToken, or -TokenFile, or -TokenVariable, or -Vault with -SecretName.")
            : TokenFile is not null ? new TokenPlace(GetUnresolvedProviderPathFromPSPath(TokenFile), null, null)
            : Vault is not null ? new TokenPlace(null, Vault, SecretName)
            : null;
    }

    private (string Token, string Source) Token()
    {
        if (ProjectToken is not null)
        {
            return (SecureText.RevealToken(ProjectToken), "-" + nameof(ProjectToken));
        }

        string name = TokenVariable ?? DefaultTokenVariable;
        return InputText.Token(Environment.GetEnvironmentVariable(name) ?? "") is { Length: > 0 } value ? (value, "$env:" + name)
            : TokenVariable is null ? (Ask(), "prompt")
            : throw new MagicBellException(MagicBellError.NotConnected, $"The environment variable {ScreenText.Of(TokenVariable)} holds no project token.");
    }

    private string Ask()
    {
        const string Caption = "Connect to a MagicBell project";
        try
        {
            if (Host.UI is { } screen && Environment.UserInteractive && Host.Name != "ServerRemoteHost")
            {
                var question = new FieldDescription("Project token");
                question.SetParameterType(typeof(SecureString));
                Dictionary<string, PSObject> answers = screen.Prompt(Caption, "", new Collection<FieldDescription> { question });
                if (answers.Values.FirstOrDefault()?.BaseObject is SecureString { Length: > 0 } token)
                {
                    return SecureText.RevealToken(token);
                }
            }
        }
        catch (Exception exception) when (exception is HostException or PSInvalidOperationException or NotImplementedException)
        {
            // Nobody can be asked: the error below says what to do instead.
            WriteVerbose("The host cannot ask for the token: " + exception.GetType().Name);
        }

        throw new MagicBellException(
            MagicBellError.NotConnected,
            $"There is no project token. Give one with -ProjectToken, or set the environment variable {DefaultTokenVariable}.");
    }

    private void Test(Session session)
    {
        try
        {
            Await(() => new TokenScope(session, TokenKind.Project).Open(1).ReadAsync(ReadCall));
        }
        catch (MagicBellException failure) when (failure.StatusCode == 404)
        {
            throw new MagicBellException(
                MagicBellError.UnexpectedResponse,
                $"{session.BaseAddress} answers, but is not the API (404). The address ends with /v2, as in {JwtServiceOptions.VendorAddress}.",
                failure);
        }
    }

    private void WarnOf(Session session)
    {
        if (!session.BaseAddress.IsLoopback && session.BaseAddress.Host != JwtServiceOptions.VendorAddress.Host && !Sandbox)
        {
            WriteWarning($"The session's requests, and its token, go to {session.BaseAddress.Host}, which is not the vendor's {JwtServiceOptions.VendorAddress.Host}.");
        }

        if (session.ExpiresAt is { } end && end - DateTimeOffset.UtcNow < s_endsSoon)
        {
            string how = session.TokenId is { } id ? $"Replace it in time: Update-MbProjectToken -Id {CommandText.Quote(id)} -Vault 'VAULT' -Session {CommandText.Quote(session.Name)}" : "Issue its successor in time.";
            WriteWarning(FormattableString.Invariant($"The session's token ends {end.ToLocalTime():yyyy-MM-dd HH:mm zzz}. {how}"));
        }

        if (session.Service.ClockOffset is { } offset && offset.Duration() > s_clockTolerance)
        {
            WriteWarning(FormattableString.Invariant($"This machine's clock is {Math.Abs(offset.TotalMinutes):0} minutes {(offset > TimeSpan.Zero ? "ahead of" : "behind")} the server's: expiries are judged wrongly by so much."));
        }
    }

    private string UserAgent()
    {
        var table = GetVariableValue("PSVersionTable") as IDictionary;
        string module = typeof(ConnectMbProjectCommand).Assembly.GetName().Version.ToString(3);
        string system = Regex.Replace(RuntimeInformation.OSDescription, "[^ -'*-~]", "");
        return $"MagicBellJwt/{module} PowerShell/{table?["PSVersion"]} ({table?["PSEdition"] ?? "Desktop"}; {system})";
    }
}
