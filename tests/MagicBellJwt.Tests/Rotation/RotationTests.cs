using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Rotation;

/// <summary>Tests with a token to rotate, a journal of their own, and a vault in the engine.</summary>
public abstract class RotationTestBase<TFixture>(TFixture fixture) : ServerTests<TFixture>(fixture), IDisposable
    where TFixture : ServerFixture
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");

    /// <summary>A vault module in the engine, with its secrets in $secrets by "vault/name".</summary>
    internal const string VaultModule = """
        $global:secrets = @{}
        New-Module -Name Microsoft.PowerShell.SecretManagement {
            function Set-Secret([string] $Vault, [string] $Name, $Secret) { $global:secrets["$Vault/$Name"] = $Secret }
            function Get-Secret([string] $Vault, [string] $Name) { $global:secrets["$Vault/$Name"] }
        } | Import-Module -Global
        """;

    private protected string Folder => _folder.FullName;

    private protected string Journal => Path.Combine(_folder.FullName, "journal", "rotations.jsonl");

    public void Dispose()
    {
        _folder.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets a token become older than the second by which the server's clock is known. To wait longer does no harm.</summary>
    private protected static Task AgeAsync() => Task.Delay(2200, TestContext.Current.CancellationToken);

    private protected (string Id, string Value) Issue(string name, string options = "-ExpiresIn 30d")
    {
        PSObject token = Run($"New-MbProjectToken -Name '{name}' -AsPlainText {options}").MustSucceed().Single();
        return (token.Id(), token.Get<string>("Token"));
    }

    private protected Run Update(string arguments, params (string Name, object? Value)[] variables) =>
        Run($"Update-MbProjectToken {arguments} -JournalPath $journal", [("journal", Journal), .. variables]);

    private protected async Task<string[]> LiveAsync(string name) =>
        [.. (await Server.TokensAsync()).Where(token => token.Live && token.Name == name).Select(token => token.Id)];

    private protected string SecretIn(string vaultAndName) => Secret.Reveal(Run($"$secrets['{vaultAndName}']").MustSucceed().Single().BaseObject);

    private protected string[] Steps() =>
        [.. File.ReadLines(Journal).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("step").GetString()!)];

    /// <summary>A claim of a token.</summary>
    private protected static string Claim(string token, string name)
    {
        string payload = token.Split('.')[1].Replace('-', '+').Replace('_', '/');
        byte[] json = Convert.FromBase64String(payload.PadRight((payload.Length + 3) / 4 * 4, '='));
        return JsonDocument.Parse(json).RootElement.GetProperty(name).GetString()!;
    }
}

public sealed class RotationTests(ServerFixture fixture) : RotationTestBase<ServerFixture>(fixture)
{
    [Fact]
    public async Task A_token_is_created_proved_and_stored_before_the_old_one_ends()
    {
        (string old, _) = Issue("order");
        await Server.ResetAsync();

        PSObject rotation = Run(VaultModule + "\nUpdate-MbProjectToken order -Vault prod -JournalPath $journal", ("journal", Journal)).MustSucceed().Single();

        string value = SecretIn("prod/order");
        Assert.Equal("MagicBellJwt.TokenRotation", rotation.TypeNames[0]);
        Assert.Equal((old, Claim(value, "jti"), "order", "prod/order", "Project"), (rotation.Get<string>("OldId"), rotation.Get<string>("NewId"), rotation.Get<string>("Name"), rotation.Get<string>("StoredIn"), rotation.Get<string>("Kind")));
        Assert.NotNull(rotation.Properties["OldRevokedAt"].Value);
        Assert.Null(rotation.Properties["OldRevokedAfter"].Value);
        Assert.False(rotation.Get<bool>("Resumed"));
        Assert.Equal([Claim(value, "jti")], await LiveAsync("order"));

        ServerRequest[] requests = await Server.RequestsAsync();
        const string List = "GET /v2/jwt/project?limit=100";
        Assert.Equal([List, "POST /v2/jwt/project", List, List, List, List, "DELETE /v2/jwt/project/" + old], requests.Select(request => request.Method + " " + request.Target));
        Assert.Equal([false, false, false, true, false, true, false], requests.Select(request => request.Headers["Authorization"] != requests[0].Headers["Authorization"]));
        Assert.Equal("""{"name":"order","expiry":2592000}""", requests[1].Body);
    }

    [Fact]
    public void The_journal_is_its_owners_and_holds_no_secret()
    {
        (_, string oldValue) = Issue("journal");
        Run(VaultModule + "\nUpdate-MbProjectToken journal -Vault prod -JournalPath $journal", ("journal", Journal)).MustSucceed();

        Assert.Equal(["begun", "created", "proved", "storing", "stored", "revoking", "done"], Steps());
        string text = File.ReadAllText(Journal);
        foreach (string secret in (string[])[oldValue, SecretIn("prod/journal"), Server.Token])
        {
            Assert.All(secret.Split('.'), part => Assert.DoesNotContain(part, text, StringComparison.Ordinal));
        }

        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Journal));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(Journal)!));
        }
    }

    [Theory]
    [InlineData("-ExpiresIn 30d", "", "2592000")]
    [InlineData("-ExpiresIn 30d", "-ExpiresIn 7d", "604800")]
    [InlineData("", "", null)]
    public async Task The_lifetime_is_the_old_ones_unless_another_is_given(string oldOptions, string newOptions, string? seconds)
    {
        string name = "lifetime" + oldOptions + newOptions;
        Issue(name, oldOptions);
        await Server.ResetAsync();

        Update($"'{name}' -SaveTo {{ param($Issued) $Issued.Token }} " + newOptions).MustSucceed();

        ServerRequest create = Assert.Single(await WritesAsync(), request => request.Method == "POST");
        Assert.Equal(seconds is null ? $$"""{"name":"{{name}}"}""" : $$"""{"name":"{{name}}","expiry":{{seconds}}}""", create.Body);
    }

    [Theory]
    [InlineData("throw 'the disk is full'", "the disk is full")]
    [InlineData("$Issued.Token; [IO.File]::ReadAllText('no-such-file')", "no-such-file")]
    [InlineData("$PSCmdlet.WriteError([Management.Automation.ErrorRecord]::new([Exception]::new('a plain error'), 'x', 0, $null)); $Issued.Token", "a plain error")]
    [InlineData("$global:LASTEXITCODE = 3; $Issued.Token", "exit code 3")]
    [InlineData("/bin/false; /bin/true; $Issued.Token", "exit code", true)]
    [InlineData("$null = New-Module { function Save-It { /bin/false; /bin/true } }; Save-It; $Issued.Token", "exit code", true)]
    [InlineData("& (New-Module { }) { /bin/false | Out-Null; /bin/true }; $Issued.Token", "exit code", true)]
    [InlineData("$null = New-Module { function Save-It { Get-Item no-such-file } }; Save-It; $Issued.Token", "no-such-file")]
    [InlineData("$Issued.Token; exit 1", "exit, break or continue")]
    [InlineData("exit", "exit, break or continue")]
    [InlineData("$Issued.Token; break", "exit, break or continue")]
    [InlineData("$Issued.Token; continue", "exit, break or continue")]
    [InlineData("'another value'", "another value")]
    [InlineData("'saved'; $Issued.Token", "2 objects")]
    [InlineData("throw ('rejected ' + [Net.NetworkCredential]::new('', $Issued.Token).Password)", "rejected [redacted]")]
    public async Task A_script_that_fails_may_have_stored_so_both_tokens_stay_and_are_named(string body, string message, bool needsUnix = false)
    {
        Assert.SkipWhen(needsUnix && OperatingSystem.IsWindows(), "It runs programs of Unix.");
        string name = Guid.NewGuid().ToString("N");
        (string old, _) = Issue(name);

        Run run = Update($"{name} -SaveTo {{ [CmdletBinding()] param($Issued) {body} }}");

        ErrorRecord error = Assert.Single(run.Errors);
        Assert.Equal(("MbRotationFailed,MagicBellJwt.Commands.UpdateMbProjectTokenCommand", name), (error.FullyQualifiedErrorId, (string)error.TargetObject));
        Assert.Contains(message, error.Exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("eyJ", error.Exception.ToString(), StringComparison.Ordinal);
        Assert.Empty(run.Output);
        string[] live = await LiveAsync(name);
        Assert.Equal((2, true), (live.Length, live.Contains(old)));
        Assert.All(live, id => Assert.Contains(id, error.Exception.Message, StringComparison.Ordinal));
        Assert.Equal("storing", Steps().Last());
        string stored = Update($"-Id {old} -SaveTo {{ param($Issued) $Issued.Token }}").MustSucceed().Single().Get<string>("NewId");
        Assert.Equal([stored], await LiveAsync(name));
    }

    [Fact]
    public async Task Text_that_was_read_back_is_as_good_as_a_SecureString()
    {
        (string old, _) = Issue("text");

        Update("text -SaveTo { param($Issued) [Net.NetworkCredential]::new('', $Issued.Token).Password }").MustSucceed();

        Assert.DoesNotContain(old, await LiveAsync("text"));
    }

    [Theory]
    [InlineData("$true")]
    [InlineData("$false")]
    public void The_callers_preferences_are_as_they_were_after_it(string native)
    {
        Assert.Equal($"{native.TrimStart('$')} Continue", Run($"$global:PSNativeCommandUseErrorActionPreference = {native}; $null = New-MbProjectToken stored -SaveTo {{ param($Issued) $Issued.Token }}; \"$global:PSNativeCommandUseErrorActionPreference $ErrorActionPreference\"").MustSucceed().Single().ToString(), ignoreCase: true);
    }

    [Fact]
    public void The_block_sees_its_own_scope_and_its_parameter_and_no_variable_of_ours()
    {
        Issue("scope");
        PSObject seen = Run(
            """
            $Argument = 'the callers'; $Block = 'too'; $global:LASTEXITCODE = 7
            function Rotate { $mine = 'of the function'; $x = Update-MbProjectToken scope -JournalPath $journal -SaveTo { param($Issued) $global:seen = "$Argument $Block $mine $args"; $Issued.Token } }
            Rotate
            "$global:seen $global:LASTEXITCODE"
            """,
            ("journal", Journal)).MustSucceed().Single();

        Assert.Equal("the callers too of the function  7", seen.ToString());
    }

    [Fact]
    public async Task Two_projects_never_share_a_secret()
    {
        (string old, _) = Issue("shared");
        string ofAnother = Run("$s = Connect-MbProject -Sandbox -Name another -PassThru; $t = New-MbProjectToken shared -Session $s; [Net.NetworkCredential]::new('', $t.Token).Password").MustSucceed().Single().ToString();
        Engine.Connect(Server);
        Run(VaultModule + "\n$secrets['prod/shared'] = $value", ("value", ofAnother)).MustSucceed();
        await Server.ResetAsync();

        ErrorRecord error = Assert.Single(Update("shared -Vault prod").Errors);

        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("-SecretName '{Project}", error.Exception.Message, StringComparison.Ordinal);
        Assert.Equal(ofAnother, Run("$secrets['prod/shared']").Output.Single().ToString());
        Assert.Empty(await WritesAsync());
        Assert.Equal([old], await LiveAsync("shared"));
    }

    [Theory]
    [InlineData("{Nme}")]
    [InlineData("{name}-{id}")]
    [InlineData("{}")]
    public async Task A_secrets_name_with_an_unknown_part_is_refused(string name)
    {
        string token = Guid.NewGuid().ToString("N");
        Issue(token);
        Run(VaultModule).MustSucceed();
        await Server.ResetAsync();

        Assert.StartsWith("MbInvalidRequest,", Assert.Single(Update($"{token} -Vault prod -SecretName '{name}'").Errors).FullyQualifiedErrorId, StringComparison.Ordinal);

        Assert.Empty(await WritesAsync());
    }

    [Fact]
    public async Task A_default_journal_needs_to_know_the_project()
    {
        await using var server = RawServer.Answering();
        const string Script = "Connect-MbProject $token -BaseUri $address -SkipConnectionTest; Update-MbProjectToken ci";

        ErrorRecord error = Assert.Single(Run(Script, ("token", Secret.Of("opaque")), ("address", server.BaseAddress)).Errors);

        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("-Name", error.Exception.Message, StringComparison.Ordinal);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task A_script_that_returns_nothing_keeps_the_old_token()
    {
        (string old, _) = Issue("silent");

        Run run = Update("silent -SaveTo { param($Issued) $global:kept = $Issued }");

        PSObject rotation = run.MustSucceed().Single();
        Assert.Null(rotation.Properties["OldRevokedAt"].Value);
        Assert.Contains(old + " stays", Assert.Single(run.Warnings), StringComparison.Ordinal);
        Assert.Equal(new HashSet<string> { old, rotation.Get<string>("NewId") }, [.. await LiveAsync("silent")]);
        Assert.Equal("handedover", Steps().Last());
    }

    [Fact]
    public async Task Without_a_store_the_new_token_goes_down_the_pipeline_and_the_old_one_stays()
    {
        (string old, _) = Issue("handed");

        Run run = Update("handed");

        PSObject issued = run.MustSucceed().Single();
        Assert.Equal("MagicBellJwt.IssuedToken", issued.TypeNames[0]);
        Assert.Contains(old + " stays", Assert.Single(run.Warnings), StringComparison.Ordinal);
        Assert.Equal(new HashSet<string> { old, issued.Id() }, [.. await LiveAsync("handed")]);
        Assert.Equal("handedover", Steps().Last());
    }

    [Fact]
    public async Task A_new_token_that_a_failing_command_had_stays_and_is_named()
    {
        (string old, _) = Issue("refused");

        Run run = Run("Update-MbProjectToken refused -JournalPath $journal | & { process { throw 'no' } }", ("journal", Journal));

        Assert.NotNull(run.End);
        string[] live = await LiveAsync("refused");
        Assert.Contains(old, live);
        string @new = Assert.Single(live, id => id != old);
        Assert.Contains(Host.Lines, line => line.Contains(@new, StringComparison.Ordinal));
        Assert.Equal("handedover", Steps().Last());
    }

    [Fact]
    public async Task A_new_token_that_does_not_work_reaches_no_store()
    {
        (string old, _) = Issue("proof");
        await Server.FailAsync("GET /v2/jwt/project?limit=100 401 skip=2 times=1");

        Run run = Update("proof -SaveTo { param($Issued) $global:reached = $true; $Issued.Token }");

        Assert.StartsWith("MbRotationFailed,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Null(Assert.Single(Run("$reached").Output));
        Assert.Equal([old], await LiveAsync("proof"));
        Assert.Equal(["begun", "created", "undoing", "undone"], Steps());
    }

    [Fact]
    public async Task A_vault_that_gives_back_something_else_gets_its_old_secret_back()
    {
        (string old, string oldValue) = Issue("garbled");
        Run(
            """
            $global:secrets = @{ 'prod/garbled' = $value }
            New-Module -Name Microsoft.PowerShell.SecretManagement {
                function Set-Secret([string] $Vault, [string] $Name, $Secret) { $global:secrets["$Vault/$Name"] = if ($Secret -is [string]) { $Secret } else { 'garbled' } }
                function Get-Secret([string] $Vault, [string] $Name) { $global:secrets["$Vault/$Name"] }
            } | Import-Module -Global
            """,
            ("value", oldValue)).MustSucceed();

        Run run = Update("garbled -Vault prod");

        string message = Assert.Single(run.Errors).Exception.Message;
        Assert.Contains("another value", message, StringComparison.Ordinal);
        Assert.Contains("holds the old token again", message, StringComparison.Ordinal);
        Assert.Equal(oldValue, Run("$secrets['prod/garbled']").Output.Single().BaseObject);
        string[] live = await LiveAsync("garbled");
        Assert.Equal((2, true), (live.Length, live.Contains(old)));
        Assert.All(live, id => Assert.Contains(id, message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task While_the_vault_holds_the_new_token_it_stays_live()
    {
        (string old, string oldValue) = Issue("stuck");
        Run(
            """
            $global:secrets = @{ 'prod/stuck' = $value }
            New-Module -Name Microsoft.PowerShell.SecretManagement {
                function Set-Secret([string] $Vault, [string] $Name, $Secret) {
                    if ($Secret -is [securestring]) { $global:secrets["$Vault/$Name"] = $Secret }
                    throw 'the vault is closed now'
                }
                function Get-Secret([string] $Vault, [string] $Name) { $global:secrets["$Vault/$Name"] }
            } | Import-Module -Global
            """,
            ("value", oldValue)).MustSucceed();

        Run run = Update("stuck -Vault prod");

        Assert.Contains("the vault is closed now", Assert.Single(run.Errors).Exception.Message, StringComparison.Ordinal);
        string held = Claim(SecretIn("prod/stuck"), "jti");
        Assert.Equal(new HashSet<string> { old, held }, [.. await LiveAsync("stuck")]);
        PSObject rotation = Update("stuck -Vault prod").MustSucceed().Single();
        Assert.Equal((old, held, true), (rotation.Get<string>("OldId"), rotation.Get<string>("NewId"), rotation.Get<bool>("Resumed")));
        Assert.Equal([held], await LiveAsync("stuck"));
    }

    [Fact]
    public async Task While_nobody_can_say_what_the_vault_holds_both_tokens_stay_live()
    {
        (string old, string oldValue) = Issue("shut");
        Run(
            """
            $global:secrets = @{ 'prod/shut' = $value }
            $global:shut = $false
            New-Module -Name Microsoft.PowerShell.SecretManagement {
                function Set-Secret([string] $Vault, [string] $Name, $Secret) {
                    if ($global:shut) { throw 'the vault is shut' }
                    $global:secrets["$Vault/$Name"] = $Secret
                    $global:shut = $true
                }
                function Get-Secret([string] $Vault, [string] $Name) {
                    if ($global:shut) { throw 'the vault is shut' }
                    $global:secrets["$Vault/$Name"]
                }
                function Get-SecretInfo([string] $Vault, [string] $Name) { if ($global:shut) { throw 'the vault is shut' }; 'listed' }
            } | Import-Module -Global
            """,
            ("value", oldValue)).MustSucceed();

        Run run = Update("shut -Vault prod");

        Assert.Contains("stay as they are", Assert.Single(run.Errors).Exception.Message, StringComparison.Ordinal);
        string held = Claim(SecretIn("prod/shut"), "jti");
        Assert.Equal(new HashSet<string> { old, held }, [.. await LiveAsync("shut")]);
        Run("$global:shut = $false").MustSucceed();
        Assert.Equal((old, held, true), Update("shut -Vault prod").MustSucceed().Select(rotation => (rotation.Get<string>("OldId"), rotation.Get<string>("NewId"), rotation.Get<bool>("Resumed"))).Single());
        Assert.Equal([held], await LiveAsync("shut"));
    }

    [Fact]
    public async Task Without_the_vaults_module_nothing_is_sent()
    {
        Issue("missing");
        await Server.ResetAsync();
        Run("$global:PSModuleAutoLoadingPreference = 'None'").MustSucceed();

        Run run = Update("missing -Vault prod");

        Assert.Contains("Microsoft.PowerShell.SecretManagement", Assert.Single(run.Errors).Exception.Message, StringComparison.Ordinal);
        Assert.Empty(await WritesAsync());
    }

    [Fact]
    public async Task Two_tokens_never_go_to_one_secret()
    {
        (string first, _) = Issue("twin");
        (string second, _) = Issue("twin");
        Run(VaultModule).MustSucceed();

        Run run = Update($"-Id {first},{second} -Vault prod");

        Assert.Single(run.Output);
        Assert.Contains("-SecretName", Assert.Single(run.Errors).Exception.Message, StringComparison.Ordinal);
        Assert.Contains(second, await LiveAsync("twin"));
        Assert.Contains("-SecretName", Assert.Single(Update($"-Id {second} -Vault prod").Errors).Exception.Message, StringComparison.Ordinal);
        PSObject told = Update($"-Id {second} -Vault prod -SecretName '{{Project}}-{{Kind}}-{{Name}}-{{Id}}'").MustSucceed().Single();
        Assert.EndsWith("-Project-twin-" + told.Get<string>("NewId"), told.Get<string>("StoredIn"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Listed_tokens_are_rotated_and_one_failure_does_not_stop_the_rest()
    {
        string[] ids = [Issue("bulk 1").Id, Issue("bulk 2").Id, Issue("bulk 3").Id];

        Run run = Run(
            "Get-MbProjectToken -Name 'bulk*' | Update-MbProjectToken -JournalPath $journal -SaveTo { param($Issued) if ($Issued.Name -eq 'bulk 2') { throw 'not this one' }; $Issued.Token }",
            ("journal", Journal));

        Assert.Equal(2, run.Output.Count);
        Assert.Equal(ids[1], Assert.Single(run.Errors).TargetObject);
        Assert.Contains(ids[1], await LiveAsync("bulk 2"));
        Assert.DoesNotContain(ids[0], await LiveAsync("bulk 1"));
        Assert.Single(await LiveAsync("bulk 1"));
    }

    [Fact]
    public async Task The_old_token_stays_for_the_overlap_and_ends_with_Resume()
    {
        (string old, _) = Issue("overlap");

        PSObject first = Update("overlap -Overlap 2s -SaveTo { param($Issued) $Issued.Token }").MustSucceed().Single();
        Assert.Null(first.Properties["OldRevokedAt"].Value);
        Assert.InRange(first.Get<DateTimeOffset>("OldRevokedAfter"), DateTimeOffset.UtcNow.AddSeconds(-30), DateTimeOffset.UtcNow.AddSeconds(3));
        Assert.Equal(2, (await LiveAsync("overlap")).Length);
        Assert.Contains("rotated already", Assert.Single(Update($"-Id {old} -SaveTo {{ throw 'no' }}").Warnings), StringComparison.Ordinal);

        // By the server's clock, which its Date header tells to a second.
        IReadOnlyList<PSObject> due = [];
        for (int attempt = 0; attempt < 100 && due.Count == 0; attempt++)
        {
            await Task.Delay(100, TestContext.Current.CancellationToken);
            due = Update("-Resume").MustSucceed();
        }

        PSObject second = Assert.Single(due);
        Assert.True(second.Get<bool>("Resumed"));
        Assert.NotNull(second.Properties["OldRevokedAt"].Value);
        Assert.Equal([first.Get<string>("NewId")], await LiveAsync("overlap"));
        Assert.Empty(Update("-Resume").MustSucceed());
    }

    [Fact]
    public async Task A_name_is_that_of_the_current_token_while_the_old_one_retires()
    {
        Issue("again");
        string first = Update("again -Overlap 1h -SaveTo { param($Issued) $Issued.Token }").MustSucceed().Single().Get<string>("NewId");

        PSObject second = Update("again -Overlap 1h -SaveTo { param($Issued) $Issued.Token }").MustSucceed().Single();

        Assert.Equal(first, second.Get<string>("OldId"));
        Assert.Equal(3, (await LiveAsync("again")).Length);
    }

    [Fact]
    public void The_session_goes_on_with_the_new_token_when_it_ran_on_the_old_one()
    {
        (string own, string value) = Issue("own");
        Run("$session = Connect-MbProject -ProjectToken $own -BaseUri $address -Name own -PassThru", ("own", Secret.Of(value)), ("address", Server.BaseAddress)).MustSucceed();
        Assert.Equal(own, Run("$session.TokenId").Output.Single().ToString());

        PSObject rotation = Update("own -SaveTo { param($Issued) $Issued.Token }").MustSucceed().Single();

        Assert.Equal([rotation.Get<string>("NewId"), rotation.Get<string>("Fingerprint")], Run("$session.TokenId; $session.Fingerprint").Output.Select(item => item.ToString()));
        Assert.NotEmpty(Run("Get-MbProjectToken -First 1").MustSucceed());
    }

    [Fact]
    public async Task WhatIf_tells_the_plan_and_touches_nothing()
    {
        (string old, _) = Issue("plan");
        Run(VaultModule).MustSucceed();
        await Server.ResetAsync();

        Assert.Empty(Update("plan -Vault prod -SecretName '{Kind}/{Name}' -Overlap 2h -WhatIf").MustSucceed());

        string plan = string.Join(" ", Host.Lines);
        Assert.All((string[])["'plan'", old, "issued ", "Project/plan", "'prod'", "by the first run after 2h"], text => Assert.Contains(text, plan, StringComparison.Ordinal));
        Assert.Empty(await WritesAsync());
        Assert.False(Directory.Exists(Path.GetDirectoryName(Journal)));
        Assert.Equal([0], Run("$secrets.Count").Output.Select(item => item.BaseObject));
    }

    [Fact]
    public async Task A_name_of_several_tokens_or_of_none_is_an_error()
    {
        Issue("double");
        Issue("double");
        await Server.ResetAsync();

        Run run = Update("-Name double, nobody, 'dou*'");

        Assert.Equal(["MbConflict", "MbTokenNotFound", "MbTokenNotFound"], run.Errors.Select(error => error.FullyQualifiedErrorId.Split(',')[0]));
        Assert.Contains("-Id", run.Errors[0].ErrorDetails.RecommendedAction, StringComparison.Ordinal);
        Assert.Empty(await WritesAsync());
    }

    [Fact]
    public async Task Tokens_of_the_other_kind_are_refused()
    {
        Run run = Run("New-MbUserToken -Email kind@example.com | Update-MbProjectToken -JournalPath $journal", ("journal", Journal));

        Assert.Contains("Update-MbUserToken", Assert.Single(run.Errors).Exception.Message, StringComparison.Ordinal);
        Assert.Single(await WritesAsync());
    }

    [Fact]
    public async Task A_user_token_is_replaced_by_one_of_the_same_user()
    {
        PSObject old = Run("New-MbUserToken -Email hana@example.com -Name phone -ExpiresIn 5d").MustSucceed().Single();

        PSObject rotation = Run(
            "Get-MbUserToken $user | Update-MbUserToken -Email hana@example.com -JournalPath $journal -SaveTo { param($Issued) $Issued.Token }",
            ("user", old.Get<string>("UserId")), ("journal", Journal)).MustSucceed().Single();

        Assert.Equal((old.Id(), "User", old.Get<string>("UserId")), (rotation.Get<string>("OldId"), rotation.Get<string>("Kind"), rotation.Get<string>("UserId")));
        Assert.Equal([rotation.Get<string>("NewId")], await LiveAsync("phone"));
    }

    [Theory]
    [InlineData("Update-MbUserToken phone2 -UserId $user -Email somebody.else@example.com")]
    [InlineData("Get-MbUserToken $user | Update-MbUserToken -ExternalId 4711")]
    public async Task A_user_token_of_somebody_else_changes_nothing(string command)
    {
        PSObject old = Run("New-MbUserToken -Email hana2@example.com -Name phone2 -ExpiresIn 5d").MustSucceed().Single();

        Run run = Run(
            command + " -JournalPath $journal -SaveTo { param($Issued) $global:reached = $true; $Issued.Token }",
            ("user", old.Get<string>("UserId")), ("journal", Journal));

        Assert.Contains("another user", Assert.Single(run.Errors).Exception.Message, StringComparison.Ordinal);
        Assert.Contains(old.Id(), await LiveAsync("phone2"));
        Assert.Null(Assert.Single(Run("$reached").Output));
        Assert.Equal("undone", Steps().Last());
        Run("Remove-MbUserToken $id -Force", ("id", old.Id())).MustSucceed();
    }

    [Fact]
    public async Task A_user_token_that_does_not_work_reaches_no_store()
    {
        PSObject old = Run("New-MbUserToken -Email hana3@example.com -Name phone3 -ExpiresIn 5d").MustSucceed().Single();
        await Server.FailAsync("GET /v2/jwt/project?limit=1 401 times=1");

        Run run = Run(
            "Update-MbUserToken phone3 -UserId $user -Email hana3@example.com -JournalPath $journal -SaveTo { param($Issued) $global:reached = $true; $Issued.Token }",
            ("user", old.Get<string>("UserId")), ("journal", Journal));

        Assert.StartsWith("MbRotationFailed,", Assert.Single(run.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Null(Assert.Single(Run("$reached").Output));
        Assert.Equal([old.Id()], await LiveAsync("phone3"));
        Assert.Equal("undone", Steps().Last());
    }

    [Fact]
    public async Task A_second_run_at_the_same_time_says_so_and_sends_nothing()
    {
        (string old, _) = Issue("race");
        string go = Path.Combine(Folder, "go");
        using PowerShellEngine other = PowerShellEngine.ConnectedTo(Server);
        await Server.ResetAsync();
        using RunningScript first = other.Start(
            "Update-MbProjectToken race -JournalPath $journal -SaveTo { param($Issued) while (-not [IO.File]::Exists($go)) { [Threading.Thread]::Sleep(20) }; $Issued.Token }",
            ("journal", Journal), ("go", go));
        await WaitForStepAsync("storing");

        Run second = Update("race -SaveTo { param($Issued) $Issued.Token }");

        ErrorRecord error = Assert.Single(second.Errors);
        Assert.StartsWith("MbConflict,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("under way", error.Exception.Message, StringComparison.Ordinal);
        await File.WriteAllTextAsync(go, "", TestContext.Current.CancellationToken);
        first.Wait().MustSucceed();
        Assert.Single(await WritesAsync(), request => request.Method == "POST");
        Assert.DoesNotContain(old, await LiveAsync("race"));
    }

    [Fact]
    public async Task A_stop_while_the_token_is_issued_takes_it_back()
    {
        (string old, _) = Issue("stopped");
        await Server.FailAsync("POST /v2/jwt/project delay ms=300");
        using RunningScript running = Engine.Start("Update-MbProjectToken stopped -JournalPath $journal -SaveTo { param($Issued) $Issued.Token }", ("journal", Journal));
        await WaitForStepAsync("begun");

        (_, TimeSpan took) = running.Stop();

        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.Equal([old], await LiveAsync("stopped"));
        Assert.Equal("undone", Steps().Last());
    }

    [Fact]
    public async Task A_stop_in_the_script_leaves_both_tokens_to_the_next_run()
    {
        (string old, _) = Issue("halted");
        using RunningScript running = Engine.Start("Update-MbProjectToken halted -JournalPath $journal -SaveTo { param($Issued) [Threading.Thread]::Sleep(200); while ($true) { } }", ("journal", Journal));
        await WaitForStepAsync("storing");

        running.Stop();

        Assert.Equal("storing", Steps().Last());
        Assert.Equal(2, (await LiveAsync("halted")).Length);
        Run run = Update("halted -SaveTo { param($Issued) $Issued.Token }");
        PSObject rotation = run.MustSucceed().Single();
        Assert.Contains("cannot be told", run.Warnings[0], StringComparison.Ordinal);
        Assert.Equal(old, rotation.Get<string>("OldId"));
        Assert.Equal([rotation.Get<string>("NewId")], await LiveAsync("halted"));
    }

    [Fact]
    public async Task A_create_whose_answer_was_lost_is_looked_for_by_the_next_run()
    {
        (string old, _) = Issue("lost");
        await Server.FailAsync("POST /v2/jwt/project reset-after-work times=1");

        Run first = Update("lost -SaveTo { param($Issued) $Issued.Token }");
        Assert.StartsWith("MbCreateOutcomeUnknown,", Assert.Single(first.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        string orphan = Assert.Single(await LiveAsync("lost"), id => id != old);

        Run second = Update("lost -SaveTo { param($Issued) $Issued.Token }");
        string rotated = second.MustSucceed().Single().Get<string>("NewId");
        Assert.Contains($"Remove-MbProjectToken '{orphan}'", Assert.Single(second.Warnings), StringComparison.Ordinal);
        Assert.Equal(new HashSet<string> { orphan, rotated }, [.. await LiveAsync("lost")]);
        Assert.Equal(rotated, Update("lost -SaveTo { param($Issued) $Issued.Token }").MustSucceed().Single().Get<string>("OldId"));
    }

    [Fact]
    public async Task A_journal_that_cannot_be_read_stops_everything_before_it_begins()
    {
        Issue("broken");
        Directory.CreateDirectory(Path.GetDirectoryName(Journal)!);
        await File.WriteAllTextAsync(Journal, "not json\n", TestContext.Current.CancellationToken);
        await Server.ResetAsync();

        Run run = Update("broken -SaveTo { param($Issued) $Issued.Token }");

        Assert.Contains("Line 1", Assert.Single(run.Errors).Exception.Message, StringComparison.Ordinal);
        Assert.Empty(await WritesAsync());
        Assert.Equal("not json\n", await File.ReadAllTextAsync(Journal, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("-Vault prod -SaveTo { }")]
    [InlineData("-Overlap '-00:00:01'")]
    public void What_contradicts_itself_is_refused(string arguments) =>
        Assert.StartsWith("MbInvalidRequest,", Try("Update-MbProjectToken x " + arguments).End!.FullyQualifiedErrorId, StringComparison.Ordinal);

    private async Task WaitForStepAsync(string step)
    {
        for (int attempt = 0; attempt < 3000; attempt++)
        {
            if (File.Exists(Journal))
            {
                using var reader = new StreamReader(new FileStream(Journal, FileMode.Open, FileAccess.Read, FileShare.ReadWrite), Encoding.UTF8);
                if ((await reader.ReadToEndAsync(TestContext.Current.CancellationToken)).Contains($"\"step\":\"{step}\"", StringComparison.Ordinal))
                {
                    return;
                }
            }

            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        throw new TimeoutException("The rotation did not come to " + step);
    }
}
