using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Rotation;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Commands;

/// <summary>
/// Each command that a message, an error or a row suggests is pasted as it stands into an engine whose current session is another project's: it parses,
/// its parameters bind, and it does what the sentence says.
/// </summary>
public sealed partial class SuggestionTests(ServerFixture fixture) : RotationTestBase<ServerFixture>(fixture)
{
    private readonly string _name = "it's " + Guid.NewGuid().ToString("N");

    // The session that is meant is not the current one, which knows none of the tokens.
    private protected override string Preparation => "Connect-MbProject -Sandbox -Name elsewhere";

    private string Quoted => "'" + _name.Replace("'", "''", StringComparison.Ordinal) + "'";

    private string Work => Run("(Get-MbSession | Where-Object Name -ne elsewhere).Name").MustSucceed().Single().ToString();

    [Fact]
    public async Task A_lost_create_of_a_project_token_is_found_and_revoked()
    {
        await Server.FailAsync("POST /v2/jwt/project reset-after-work times=1");

        ErrorRecord error = Run($"New-MbProjectToken {Quoted} -ExpiresIn 1d -Session $work", ("work", Work)).Error;

        string[] commands = Suggested(error.ErrorDetails.RecommendedAction);
        PSObject found = Paste(commands[0]).MustSucceed().Single();
        Assert.Equal(_name, found.Get<string>("Name"));
        Paste(commands[1].Replace(" ID", " " + found.Id(), StringComparison.Ordinal) + " -Force").MustSucceed();
        Assert.Empty(await LiveAsync(_name));
    }

    [Theory]
    [InlineData("suggested@example.com")]
    [InlineData("-ExternalId EMP-4711")]
    public async Task A_lost_create_of_a_user_token_is_found_and_revoked(string user)
    {
        Run($"New-MbUserToken {user} -ExpiresIn 1d -Session $work", ("work", Work)).MustSucceed();
        await Server.FailAsync("POST /v2/jwt/user reset-after-work times=1");

        ErrorRecord error = Run($"New-MbUserToken {user} -Name {Quoted} -ExpiresIn 1d -Session $work", ("work", Work)).Error;

        string[] commands = Suggested(error.ErrorDetails.RecommendedAction);
        PSObject found = Paste(commands[0]).MustSucceed().Single(token => token.Get<string?>("Name") == _name);
        Paste(commands[1].Replace("TOKENID", found.Id(), StringComparison.Ordinal) + " -Force").MustSucceed();
        Assert.Empty(await LiveAsync(_name));
    }

    [Fact]
    public async Task A_token_that_a_store_may_have_is_revoked_by_the_command()
    {
        ErrorRecord error = Run($"New-MbProjectToken {Quoted} -ExpiresIn 1d -Session $work -SaveTo {{ throw 'half way' }}", ("work", Work)).Error;

        Paste(Assert.Single(Suggested(error.Exception.Message)) + " -Force").MustSucceed();

        Assert.Empty(await LiveAsync(_name));
    }

    [Fact]
    public async Task A_successor_that_a_script_may_have_is_replaced_by_the_command_and_without_a_script_it_sends_nothing()
    {
        (string old, _) = IssueAtWork();

        ErrorRecord error = Run($"Update-MbProjectToken {Quoted} -Session $work -JournalPath $journal -SaveTo {{ throw 'half way' }}", ("work", Work), ("journal", Journal)).Error;

        string command = Assert.Single(Suggested(error.Exception.Message));
        await Server.ResetAsync();
        Assert.NotNull(Try(command).End);
        Assert.Empty(await WritesAsync());

        PSObject rotation = Paste("$SaveTo = { param($Issued) $Issued.Token }; " + command).MustSucceed().Single();
        Assert.Equal(old, rotation.Get<string>("OldId"));
        Assert.Equal([rotation.Get<string>("NewId")], await LiveAsync(_name));
    }

    [Fact]
    public async Task A_successor_of_a_users_token_that_a_script_may_have_is_replaced_by_the_command()
    {
        PSObject old = Run($"New-MbUserToken suggested@example.com -Name {Quoted} -ExpiresIn 1d -Session $work", ("work", Work)).MustSucceed().Single();

        ErrorRecord error = Run($"Get-MbUserToken suggested@example.com -Session $work | Where-Object Name -eq {Quoted} | Update-MbUserToken -JournalPath $journal -SaveTo {{ throw 'half way' }}", ("work", Work), ("journal", Journal)).Error;

        PSObject rotation = Paste("$SaveTo = { param($Issued) $Issued.Token }; " + Assert.Single(Suggested(error.Exception.Message))).MustSucceed().Single();
        Assert.Equal(old.Id(), rotation.Get<string>("OldId"));
        Assert.Equal([rotation.Get<string>("NewId")], await LiveAsync(_name));
    }

    [Fact]
    public async Task Orphans_of_a_rotation_are_revoked_by_the_command_however_many_they_are()
    {
        (string old, _) = IssueAtWork();
        await Server.FailAsync("POST /v2/jwt/project reset-after-work times=1");
        string update = $"Update-MbProjectToken -Id {old} -Session $work -JournalPath $journal -SaveTo {{ param($Issued) $Issued.Token }}";
        Assert.Single(Run(update, ("work", Work), ("journal", Journal)).Errors);
        IssueAtWork();

        Run second = Run("Update-MbProjectToken -Resume -Session $work -JournalPath $journal", ("work", Work), ("journal", Journal));

        string command = Assert.Single(second.Warnings.SelectMany(Suggested));
        Paste(command + " -Force").MustSucceed();
        Assert.Equal([old], await LiveAsync(_name));
    }

    [Fact]
    public async Task A_rotation_that_was_stopped_names_what_is_live_and_the_next_run_goes_on()
    {
        (string old, _) = IssueAtWork();
        using RunningScript running = Engine.Start(
            VaultModule + $"\nfunction global:Wait-Here {{ [IO.File]::WriteAllText($here, ''); while ($true) {{ [Threading.Thread]::Sleep(20) }} }}\nUpdate-MbProjectToken {Quoted} -Session $work -JournalPath $journal -SaveTo {{ Wait-Here }}",
            ("work", Work), ("journal", Journal), ("here", Path.Combine(Folder, "here")));
        Assert.True(await Eventually.IsAsync(() => File.Exists(Path.Combine(Folder, "here"))));

        running.Stop();

        string[] live = await LiveAsync(_name);
        string told = Assert.Single(Host.Lines, line => line.Contains(old, StringComparison.Ordinal));
        Assert.All(live, id => Assert.Contains(id, told, StringComparison.Ordinal));
        Assert.Equal(2, live.Length);
        PSObject rotation = Paste("$SaveTo = { param($Issued) $Issued.Token }; " + Assert.Single(Suggested(told))).MustSucceed().Single();
        Assert.Equal([rotation.Get<string>("NewId")], await LiveAsync(_name));
    }

    [Fact]
    public async Task A_rotation_that_cannot_be_given_up_is_finished_or_its_new_token_revoked_by_the_commands()
    {
        (string old, _) = IssueAtWork();
        Run(VaultModule + $"\nUpdate-MbProjectToken {Quoted} -Session $work -JournalPath $journal -Vault prod -Overlap 1s", ("work", Work), ("journal", Journal)).MustSucceed();

        ErrorRecord error = Run($"Undo-MbRotation {old} -Session $work -JournalPath $journal -Confirm:$false", ("work", Work), ("journal", Journal)).Error;

        string[] commands = Suggested(error.Exception.Message);
        Assert.Equal(2, commands.Length);
        Bind(commands[1]);

        // The server's clock, which decides, has whole seconds.
        PSObject[] rotated = [];
        Assert.True(await Eventually.IsAsync(() => (rotated = [.. Paste(commands[0]).MustSucceed()]).Length > 0));
        Assert.Equal(old, Assert.Single(rotated).Get<string>("OldId"));
        Assert.Single(await LiveAsync(_name));
    }

    [Fact]
    public async Task What_a_pipeline_wrote_before_it_failed_is_seen_and_revoked_by_the_commands()
    {
        Run($"New-MbProjectToken {Quoted} -ExpiresIn 1d -Session $work | ForEach-Object {{ throw 'no' }}", ("work", Work));

        string[] commands = Suggested(Assert.Single(Host.Lines, line => line.Contains("was written before", StringComparison.Ordinal)));
        Assert.Equal(_name, Paste(commands[0]).MustSucceed().Single().Get<string>("Name"));
        Paste(commands[1] + " -Force").MustSucceed();
        Assert.Empty(await LiveAsync(_name));
    }

    [Fact]
    public async Task Every_remedy_of_a_report_binds_and_one_that_rotates_sends_nothing_without_a_vault()
    {
        IssueAtWork("");
        IssueAtWork("-ExpiresIn 3d");
        Run("New-MbUserToken remedy@example.com -ExpiresIn 3d -Session $work", ("work", Work)).MustSucceed();
        await Server.ResetAsync();

        string[] remedies = [.. Run("Get-MbTokenReport -AllUsers -Session $work | Where-Object Remedy", ("work", Work)).MustSucceed().Select(row => row.Get<string>("Remedy"))];

        Assert.True(remedies.Length >= 3, string.Join("\n", remedies));
        foreach (string command in remedies.Select(remedy => Assert.Single(Suggested(remedy))))
        {
            Bind(command);
            if (command.StartsWith("Update-", StringComparison.Ordinal))
            {
                Assert.NotEmpty(Run(command).Errors);
            }
        }

        Assert.Empty(await WritesAsync());
    }

    // What one run says of an old or a new token that may have to be revoked by hand.
    [Theory]
    [InlineData("-SaveTo { }", "", "old")]
    [InlineData("", "", "old")]
    [InlineData("-SaveTo { param($Issued) $Issued.Token }", "DELETE /v2/jwt/project* 403", "old")]
    [InlineData("-Vault prod", "GET /v2/jwt/project* 401 skip=2 times=1; DELETE /v2/jwt/project* 403", "new")]
    public async Task What_is_left_of_a_rotation_is_revoked_by_the_command(string store, string faults, string revoked)
    {
        (string old, _) = IssueAtWork();
        Run(VaultModule).MustSucceed();
        foreach (string fault in faults.Split("; ", StringSplitOptions.RemoveEmptyEntries))
        {
            await Server.FailAsync(fault);
        }

        Run run = Run($"Update-MbProjectToken {Quoted} -Session $work -JournalPath $journal {store}", ("work", Work), ("journal", Journal));

        string command = Assert.Single(run.Warnings.Concat(run.Errors.Select(error => error.Exception.Message)).SelectMany(Suggested), text => text.StartsWith("Remove-", StringComparison.Ordinal));
        await Server.ResetAsync();
        string[] live = await LiveAsync(_name);
        Assert.Equal(2, live.Length);
        Paste(command + " -Force").MustSucceed();
        Assert.Equal(revoked == "old" ? live.Except([old]) : [old], await LiveAsync(_name));
    }

    [Fact]
    public async Task A_new_token_that_no_store_took_and_that_could_not_be_revoked_is_revoked_by_the_command()
    {
        Run(VaultModule.Replace("{ $global:secrets[\"$Vault/$Name\"] }", "{ if (++$global:reads -gt 1) { throw 'The vault is locked.' } }", StringComparison.Ordinal)).MustSucceed();
        await Server.FailAsync("DELETE /v2/jwt/project* 403");

        ErrorRecord error = Run($"$global:reads = 0; New-MbProjectToken {Quoted} -ExpiresIn 1d -Session $work -Vault prod", ("work", Work)).Error;

        Assert.Contains("should be revoked", error.Exception.Message, StringComparison.Ordinal);
        await Server.ResetAsync();
        Paste(Assert.Single(Suggested(error.Exception.Message)) + " -Force").MustSucceed();
        Assert.Empty(await LiveAsync(_name));
    }

    [Theory]
    [InlineData("-JournalPath $journal")]
    [InlineData("-JournalVault prod")]
    public async Task An_overlap_is_ended_by_the_command_that_it_says(string where)
    {
        IssueAtWork();
        Run begun = Run(VaultModule + $"\nUpdate-MbProjectToken {Quoted} -Session $work {where} -Vault prod -Overlap 1s", ("work", Work), ("journal", Journal));
        string @new = begun.MustSucceed().Single().Get<string>("NewId");
        await AgeAsync();

        Paste(Assert.Single(begun.Information.SelectMany(record => Suggested(record.ToString())))).MustSucceed();

        Assert.Equal([@new], await LiveAsync(_name));
    }

    [Theory]
    [InlineData("-Vault prod")]
    [InlineData("-SaveTo { param($Issued) $Issued.Token }")]
    public async Task A_sessions_own_token_that_was_left_out_is_rotated_by_the_command(string store)
    {
        (string own, string value) = IssueAtWork();
        Run(VaultModule + "\nConnect-MbProject $token -BaseUri $address -Name own; Select-MbSession elsewhere", ("token", Secret.Of(value)), ("address", Server.BaseAddress)).MustSucceed();

        Run run = Run($"Get-MbProjectToken -Id {own} -Session own | Update-MbProjectToken -JournalPath $journal {store}", ("journal", Journal));

        string command = Assert.Single(Assert.Single(run.Warnings.Select(Suggested)));
        Assert.EndsWith($" -JournalPath '{Journal}'", command, StringComparison.Ordinal);
        PSObject rotation = Paste("$SaveTo = { param($Issued) $Issued.Token }; " + command).MustSucceed().Single();
        Assert.Equal(own, rotation.Get<string>("OldId"));
        Assert.Equal([rotation.Get<string>("NewId")], await LiveAsync(_name));
    }

    [Fact]
    public async Task A_sessions_token_that_ends_soon_is_replaced_by_the_command_where_it_came_from()
    {
        (string own, string value) = IssueAtWork("-ExpiresIn 1h");
        string file = Path.Combine(Folder, "token");
        await File.WriteAllTextAsync(file, value, TestContext.Current.CancellationToken);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        Run run = Run("Connect-MbProject -TokenFile $file -BaseUri $address -Name ending; Select-MbSession elsewhere", ("file", file), ("address", Server.BaseAddress));

        string command = Assert.Single(Suggested(Assert.Single(run.Warnings, text => text.Contains("token ends", StringComparison.Ordinal))));
        await Server.ResetAsync();
        PSObject rotation = Paste(command + $" -JournalPath '{Journal}'").MustSucceed().Single();
        Assert.Equal(own, rotation.Get<string>("OldId"));
        Assert.Equal(rotation.Get<string>("NewId"), Claim((await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)).Trim(), "jti"));
    }

    [Fact]
    public async Task One_that_expired_before_its_policy_rotated_it_is_replaced_or_revoked_by_the_commands()
    {
        (string old, _) = IssueAtWork("-ExpiresIn 1s");
        string policy = Path.Combine(Folder, "policy.json");
        await File.WriteAllTextAsync(policy, $$"""{ "rotate": [ { "name": "{{_name}}", "endingWithin": "7d", "vault": "prod" } ] }""", TestContext.Current.CancellationToken);
        await AgeAsync();

        ErrorRecord error = Run(VaultModule + "\nInvoke-MbRotation $policy -Session $work -JournalPath $journal", ("policy", policy), ("work", Work), ("journal", Journal)).Error;

        string[] commands = Suggested(error.Exception.Message);
        Bind(commands[1]);
        PSObject rotation = Paste(commands[0].Replace("'VAULT'", "prod -ExpiresIn 1d", StringComparison.Ordinal)).MustSucceed().Single();
        Assert.Equal(old, rotation.Get<string>("OldId"));
        Assert.Equal([rotation.Get<string>("NewId")], await LiveAsync(_name));
        Assert.Empty(Run("Get-MbRotation -Session $work -JournalPath $journal", ("work", Work), ("journal", Journal)).MustSucceed());
        Assert.True(File.Exists(Journal));
    }

    [Theory]
    [InlineData("New-MbProjectToken -Name", "Update-MbProjectToken NAME -SaveTo { }")]
    [InlineData("New-MbUserToken suggested@example.com -Name", "Update-MbUserToken NAME -Email suggested@example.com -SaveTo { }")]
    public void Of_several_tokens_of_a_name_the_command_shows_each(string issue, string update)
    {
        string[] ids = [.. Enumerable.Range(0, 2).Select(_ => Run($"{issue} {Quoted} -ExpiresIn 1d -Session $work", ("work", Work)).MustSucceed().Single().Id())];

        ErrorRecord error = Run($"{update.Replace("NAME", Quoted, StringComparison.Ordinal)} -Session $work -JournalPath $journal", ("work", Work), ("journal", Journal)).Error;

        Assert.StartsWith("MbConflict,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        string[] shown = [.. Paste(Suggested(error.ErrorDetails.RecommendedAction)[0]).MustSucceed().Select(token => token.Id())];
        Assert.All(ids, id => Assert.Contains(id, shown));
    }

    [Fact]
    public void Another_session_that_runs_on_the_token_is_closed_by_the_command()
    {
        string work = Work;
        (string own, string value) = IssueAtWork();
        Run("Connect-MbProject $token -BaseUri $address -Name 'it''s another'; Select-MbSession elsewhere", ("token", Secret.Of(value)), ("address", Server.BaseAddress)).MustSucceed();

        ErrorRecord error = Run($"Remove-MbProjectToken {own} -Force -Session $work", ("work", work)).Error;

        Paste(Assert.Single(Suggested(error.Exception.Message))).MustSucceed();
        Run($"Remove-MbProjectToken {own} -Force -Session $work", ("work", work)).MustSucceed();
    }

    [Fact]
    public void A_plan_of_a_users_token_is_made_by_the_command()
    {
        PSObject token = Run("New-MbUserToken planned@example.com -ExpiresIn 1d -Session $work", ("work", Work)).MustSucceed().Single();

        ErrorRecord error = Run($"Remove-MbUserToken {token.Id()} -WhatIf -PassThru -Session $work", ("work", Work)).Error;

        string said = error.Exception.Message;
        string command = said[said.IndexOf("Get-MbUserToken", StringComparison.Ordinal)..].Replace("USERID", token.Get<string>("UserId"), StringComparison.Ordinal);
        Assert.Equal(token.Id(), Paste(command).MustSucceed().Single().Id());
    }

    [Theory]
    [InlineData("Remove-MbProjectToken 0198c0de-0000-7000-8000-000000000009 -Force -Session $work", "Get-MbProjectToken -Session ")]
    [InlineData("Update-MbProjectToken 'no such name' -Session $work -SaveTo { }", "Get-MbProjectToken -Session ")]
    [InlineData("Get-MbUserToken -Email nobody@example.com -Session $work", "Get-MbUser -Session ")]
    [InlineData("Undo-MbRotation 0198c0de-0000-7000-8000-000000000009 -Session $work -JournalPath $journal -Confirm:$false", "Get-MbRotation -Session ")]
    public void What_is_looked_up_is_looked_up_in_the_project_that_was_asked(string script, string begin)
    {
        ErrorRecord error = Run(script, ("work", Work), ("journal", Journal)).Error;

        string command = Suggested(error.ErrorDetails.RecommendedAction)[0];
        Assert.StartsWith(begin, command, StringComparison.Ordinal);
        Paste(command).MustSucceed();
    }

    [Fact]
    public async Task What_the_history_says_to_look_at_is_found()
    {
        string history = Path.Combine(Folder, "history.jsonl");
        Run("Connect-MbProject $token -BaseUri $address -Name recorded -History $history; Connect-MbProject -Sandbox -Name elsewhere", ("token", Server.SecureToken()), ("address", Server.BaseAddress), ("history", history)).MustSucceed();
        await Server.FailAsync("POST /v2/jwt/project reset-after-work times=1");
        Assert.Single(Run($"New-MbProjectToken {Quoted} -ExpiresIn 1d -Session recorded").Errors);

        PSObject unknown = Run("Get-MbTokenHistory -Outcome Unknown -Session recorded").MustSucceed().Single();

        Assert.Equal(_name, Paste(Assert.Single(Suggested(unknown.Get<string>("Look")))).MustSucceed().Single().Get<string>("Name"));
    }

    [Theory]
    [InlineData("Get-MbProjectToken -Id 'x' -Nope 1")]
    [InlineData("Remove-MbProjectToken 'x' 'y'")]
    [InlineData("Get-MbProjectToken 'x")]
    public void What_does_not_bind_is_seen(string command) => Assert.ThrowsAny<Exception>(() => Bind(command));

    // A command: its name, then parameters, quoted texts and what a pipe leads to. What follows is prose.
    [GeneratedRegex("""
        \b(?:Get|New|Remove|Update|Undo|Invoke|Select|Disconnect)-Mb[A-Za-z]+
        (?:\ (?:-[A-Za-z]+(?:\ (?!-)(?:'(?:[^']|'')*'(?:,'(?:[^']|'')*')*|\(''\+[^)]*\)|\$\w+|[A-Z]+\b|\d+[smhdw]\b))?
            |'(?:[^']|'')*'(?:,'(?:[^']|'')*')*|\(''\+[^)]*\)|(?:ID|TOKENID)\b
            |\|\ Where-Object\ \w+\ -\w+\ '[^']*'|\|\ Format-List\ \w+(?:,\ \w+)*))*
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Command { get; }

    private static string[] Suggested(string text) => [.. Command.Matches(text).Select(match => match.Value)];

    private (string Id, string Value) IssueAtWork(string options = "-ExpiresIn 30d")
    {
        PSObject token = Run($"New-MbProjectToken {Quoted} -AsPlainText {options} -Session $work", ("work", Work)).MustSucceed().Single();
        return (token.Id(), token.Get<string>("Token"));
    }

    private Run Paste(string command)
    {
        Bind(command);
        return Run(command);
    }

    // As it stands, in an engine: no error of syntax, and each parameter is one of the command's.
    private void Bind(string command)
    {
        IReadOnlyList<PSObject> problems = Run(
            """
            $errors = $null
            $script = [System.Management.Automation.Language.Parser]::ParseInput($command, [ref] $null, [ref] $errors)
            $errors | ForEach-Object { "$_" }
            foreach ($call in $script.FindAll({ $args[0] -is [System.Management.Automation.Language.CommandAst] }, $false)) {
                if ($call.GetCommandName() -like '*-Mb*') { [System.Management.Automation.Language.StaticParameterBinder]::BindCommand($call, $true).BindingExceptions.Values | ForEach-Object { "$($_.BindingException)" } }
            }
            """,
            ("command", command)).MustSucceed();
        Assert.True(problems.Count == 0, command + "\n" + string.Join("\n", problems));
    }
}
