using System;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Management.Automation.Runspaces;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Commands;

/// <summary>Where a token comes from that nobody gave: the environment, else whoever sits at the host. Nothing else runs while they set this process's variables.</summary>
[Collection(nameof(EnvironmentTests))]
[CollectionDefinition(nameof(EnvironmentTests), DisableParallelization = true)]
public sealed class EnvironmentTests : ServerTests, IDisposable
{
    private const string TokenVariable = "MAGICBELL_PROJECT_TOKEN";
    private const string AddressVariable = "MAGICBELL_BASE_URL";

    public EnvironmentTests(ServerFixture fixture)
        : base(fixture)
    {
        Environment.SetEnvironmentVariable(TokenVariable, null);
        Environment.SetEnvironmentVariable(AddressVariable, Server.BaseAddress.AbsoluteUri);
    }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(TokenVariable, null);
        Environment.SetEnvironmentVariable(AddressVariable, null);
    }

    [Fact]
    public async Task A_job_connects_by_its_environment_alone()
    {
        Environment.SetEnvironmentVariable(TokenVariable, $" \"Bearer {Server.Token}\"\n");

        Run run = Run("Connect-MbProject -PassThru -Name prod -Verbose");
        PSObject session = run.MustSucceed().Single();
        Assert.Equal(Server.BaseAddress, session.Get<Uri>("BaseAddress"));
        Assert.Equal("$env:" + TokenVariable, session.Get<string>("TokenSource"));
        Assert.Contains(run.Verbose, line => line.Contains("$env:" + TokenVariable, StringComparison.Ordinal));
        Assert.Single(await Server.RequestsAsync());
        Assert.Empty(Host.Questions);
    }

    [Fact]
    public void What_is_given_goes_before_the_environment()
    {
        Environment.SetEnvironmentVariable(TokenVariable, "other");
        Environment.SetEnvironmentVariable(AddressVariable, "https://other.example.com/v2");

        Run("Connect-MbProject $token -BaseUri $address", ("token", Server.SecureToken()), ("address", Server.BaseAddress)).MustSucceed();
    }

    [Fact]
    public void A_policy_is_taken_from_the_environment_and_one_that_cannot_be_read_makes_no_session()
    {
        Environment.SetEnvironmentVariable(TokenVariable, Server.Token);
        Environment.SetEnvironmentVariable("MAGICBELL_POLICY", System.IO.Path.Combine(System.IO.Path.GetTempPath(), Guid.NewGuid().ToString("N")));
        try
        {
            Assert.Contains("cannot be read", Assert.Single(Run("Connect-MbProject -Name prod").Errors).Exception.Message, StringComparison.Ordinal);

            Environment.SetEnvironmentVariable("MAGICBELL_POLICY", System.IO.Path.Combine(Repository.Root, "examples", "rotation-policy.json"));
            Assert.EndsWith("rotation-policy.json", Run("Connect-MbProject -PassThru -Name prod").MustSucceed().Single().Get<string>("Policy"), StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable("MAGICBELL_POLICY", null);
        }
    }

    [Fact]
    public void An_address_that_is_none_is_told_with_the_name_of_its_variable()
    {
        Environment.SetEnvironmentVariable(AddressVariable, "api.magicbell.com/v2");

        ErrorRecord error = Assert.Single(Run("Connect-MbProject $token", ("token", Server.SecureToken())).Errors);

        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(AddressVariable, error.Exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_either_the_token_is_asked_for_masked()
    {
        Host.Answer = field => field.ParameterTypeFullName == typeof(System.Security.SecureString).FullName ? Server.SecureToken() : null;

        Run("Connect-MbProject").MustSucceed();

        Assert.Contains("Project token", Assert.Single(Host.Questions), StringComparison.Ordinal);
        Assert.Single(await Server.RequestsAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Where_nobody_answers_the_error_says_what_to_do(bool answersNothing)
    {
        Host.Answer = answersNothing ? _ => new System.Security.SecureString() : null;

        ErrorRecord error = Try("Connect-MbProject").End!;

        Assert.StartsWith("MbNotConnected,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("-ProjectToken", error.Exception.Message, StringComparison.Ordinal);
        Assert.Contains(TokenVariable, error.Exception.Message, StringComparison.Ordinal);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Fact]
    public void A_host_without_a_screen_cannot_be_asked()
    {
        using Runspace runspace = RunspaceFactory.CreateRunspace(new BlindHost(), InitialSessionState.CreateDefault2());
        runspace.Open();
        using PowerShell shell = PowerShell.Create(runspace);
        shell.AddCommand("Import-Module").AddArgument(Repository.Manifest).AddStatement().AddCommand("Connect-MbProject");

        shell.Invoke();

        Assert.StartsWith("MbNotConnected,", Assert.Single(shell.Streams.Error).FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    private sealed class BlindHost : PSHost
    {
        public override System.Globalization.CultureInfo CurrentCulture => System.Globalization.CultureInfo.InvariantCulture;

        public override System.Globalization.CultureInfo CurrentUICulture => CurrentCulture;

        public override Guid InstanceId { get; } = Guid.NewGuid();

        public override string Name => nameof(BlindHost);

        public override PSHostUserInterface UI => null!;

        public override Version Version { get; } = new(1, 0);

        public override void EnterNestedPrompt() => throw new NotSupportedException();

        public override void ExitNestedPrompt() => throw new NotSupportedException();

        public override void NotifyBeginApplication()
        {
        }

        public override void NotifyEndApplication()
        {
        }

        public override void SetShouldExit(int exitCode)
        {
        }
    }
}
