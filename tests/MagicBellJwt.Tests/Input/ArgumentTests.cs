using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Input;

/// <summary>No argument fails open: what is null, blank, of another type, or a default that does not bind stops the command before anything is sent.</summary>
public sealed class ArgumentTests(ServerFixture fixture) : ServerTests(fixture)
{
    // What makes each parameter set a call that would be sent; a parameter of the set is then given a bad value.
    private static readonly (string Command, string Set, string Good)[] s_calls =
    [
        ("Connect-MbProject", "Project", "ProjectToken = $token; BaseUri = $address; Name = 'second'"),
        ("Connect-MbProject", "Sandbox", "Sandbox = $true; Name = 'box'"),
        ("Get-MbSession", "__AllParameterSets", ""),
        ("Select-MbSession", "__AllParameterSets", "Session = 'prod'"),
        ("Disconnect-MbProject", "Session", ""),
        ("Disconnect-MbProject", "All", "All = $true"),
        ("Get-MbProjectToken", "__AllParameterSets", ""),
        ("Get-MbUserToken", "__AllParameterSets", "UserId = 'usr_1'"),
        ("Get-MbUser", "User", "Email = 'hana@example.com'"),
        ("Get-MbUser", "Query", "Query = 'hana'"),
        ("New-MbProjectToken", "ExpiresIn", "Name = 'door'; ExpiresIn = '1h'"),
        ("New-MbProjectToken", "ExpiresAt", "Name = 'door'; ExpiresAt = (Get-Date).AddDays(1)"),
        ("New-MbUserToken", "ExpiresIn", "Email = 'hana@example.com'; ExpiresIn = '1h'"),
        ("New-MbUserToken", "ExpiresAt", "Email = 'hana@example.com'; ExpiresAt = (Get-Date).AddDays(1)"),
        ("New-MbUserToken", "Signed", "Email = 'hana@example.com'; ApiKey = 'pk_1'; SecretKey = $key; ExpiresIn = '1h'"),
        ("Remove-MbProjectToken", "__AllParameterSets", "Id = '0198c0de-0000-7000-8000-000000000001'; Force = $true"),
        ("Remove-MbUserToken", "__AllParameterSets", "Id = '0198c0de-0000-7000-8000-000000000001'; Force = $true"),
        ("Update-MbProjectToken", "Name", "Name = 'door'; SaveTo = { 'kept' }"),
        ("Update-MbProjectToken", "Id", "Id = '0198c0de-0000-7000-8000-000000000001'; SaveTo = { 'kept' }"),
        ("Update-MbProjectToken", "Resume", "Resume = $true"),
        ("Update-MbUserToken", "Name", "Name = 'door'; UserId = 'usr_1'; Email = 'hana@example.com'; SaveTo = { 'kept' }"),
        ("Update-MbUserToken", "Id", "Id = '0198c0de-0000-7000-8000-000000000001'; UserId = 'usr_1'; Email = 'hana@example.com'; SaveTo = { 'kept' }"),
        ("Update-MbUserToken", "Resume", "Resume = $true"),
        ("Get-MbRotation", "__AllParameterSets", ""),
        ("Undo-MbRotation", "__AllParameterSets", "Id = '0198c0de-0000-7000-8000-000000000001'"),
        ("Invoke-MbRotation", "__AllParameterSets", "Policy = $file"),
        ("Get-MbTokenHistory", "__AllParameterSets", "Path = $file"),
        ("Test-MbTokenHistory", "__AllParameterSets", "Path = $file"),
        ("Get-MbTokenReport", "__AllParameterSets", "UserId = 'usr_1'"),
        ("Find-MbLeakedToken", "Path", "Path = $file; TestLive = $true"),
        ("Find-MbLeakedToken", "LiteralPath", "LiteralPath = $file; TestLive = $true"),
        ("Find-MbLeakedToken", "InputObject", "InputObject = 'text'; TestLive = $true"),
        ("Export-MbTokenReport", "__AllParameterSets", "Path = $file; InputObject = @()"),
        ("Compare-MbTokenReport", "__AllParameterSets", "ReferenceReport = $file; DifferenceReport = $file"),
        ("ConvertFrom-MbToken", "__AllParameterSets", "Token = 'text'"),
        ("Test-MbToken", "__AllParameterSets", "Token = 'text'; SecretKey = $key"),
    ];

    // An empty value that is no value, as an empty column of a row is; the command judges what is left.
    private static readonly string[] s_mayBeEmpty =
        ["New-MbUserToken -Email", "New-MbUserToken -ExternalId", "New-MbUserToken -Name", "New-MbUserToken -InputObject", "New-MbProjectToken -InputObject", "Update-MbUserToken -ExternalId", "Update-MbUserToken -Email", "Find-MbLeakedToken -InputObject", "Export-MbTokenReport -InputObject"];

    public static TheoryData<string, string> Calls => [.. s_calls.Select(call => (call.Command, call.Set))];

    [Fact]
    public void Every_parameter_set_of_every_cmdlet_is_tried()
    {
        IEnumerable<string> sets = Run("Get-Command -Module MagicBellJwt -CommandType Cmdlet").MustSucceed().Select(item => (CmdletInfo)item.BaseObject)
            .SelectMany(cmdlet => cmdlet.ParameterSets.Select(set => $"{cmdlet.Name} {set.Name}"));

        Assert.Equal(sets.Order(), s_calls.Select(call => $"{call.Command} {call.Set}").Order());
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task A_value_that_is_none_stops_the_command_before_anything_is_sent(string command, string set)
    {
        List<string> wrong = [];
        foreach (CommandParameterInfo parameter in ParametersOf(command, set))
        {
            string name = $"{command} -{parameter.Name}";
            bool takesText = parameter.ParameterType == typeof(string) || parameter.ParameterType == typeof(string[]);
            (string Value, bool MayPass)[] values =
            [
                ("$null", s_mayBeEmpty.Contains(name)),
                ("''", s_mayBeEmpty.Contains(name)),
                ("' '", s_mayBeEmpty.Contains(name)),
                // Text is the text form of anything, except where an object would be sent as one.
                ("([System.Diagnostics.Stopwatch]::new())", takesText || parameter.Name is "InputObject"),
            ];
            foreach ((string value, bool _) in values.Where(value => !value.MayPass))
            {
                if (await PassesAsync(command, set, parameter.Name, value) is { } why)
                {
                    wrong.Add($"{name} {value}: {why}");
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task A_default_that_cannot_be_used_stops_the_command_before_anything_is_sent(string command, string set)
    {
        List<string> wrong = [];
        foreach (CommandParameterInfo parameter in ParametersOf(command, set))
        {
            bool isText = parameter.ParameterType == typeof(string) || parameter.ParameterType == typeof(string[]) || parameter.Name is "InputObject" or "SaveTo" || (parameter.Name == "Id" && command[0] is 'R' or 'U');
            foreach (string value in isText ? ["$null"] : new[] { "$null", "([System.Diagnostics.Stopwatch]::new())" })
            {
                bool mayPass = value == "$null" && s_mayBeEmpty.Contains($"{command} -{parameter.Name}");
                if (!mayPass && await PassesAsync(command, set, parameter.Name, value, asDefault: true) is { } why)
                {
                    wrong.Add($"{command}:{parameter.Name} {value}: {why}");
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Theory]
    [InlineData("'*-Mb*:Session' = 'misspelt'", "New-MbProjectToken door")]
    [InlineData("'New-Mb*:ExpiresIn' = '90'", "New-MbProjectToken door")]
    [InlineData("'New-MbProjectJwt:ExpiresIn' = '90'", "New-MbProjectToken door")]
    [InlineData("'New-Mb*:ExpiresAt' = 'never'", "New-MbProjectToken door")]
    [InlineData("'Get-Mb*:ExpiresBefore' = '31.13.2027'", "Get-MbProjectToken")]
    [InlineData("'New-Mb*:ThrottleLimit' = '1000'", "New-MbProjectToken door")]
    [InlineData("'New-Mb*:ExpiresIn' = '1d'; 'New-MbProjectToken:ExpiresIn' = '2d'", "New-MbProjectToken door")]
    [InlineData("'*:WhatIf' = 'perhaps'", "New-MbProjectToken door -ExpiresIn 1h")]
    public async Task A_default_that_PowerShell_leaves_out_is_told_by_its_key(string defaults, string command)
    {
        Run run = Run($"$PSDefaultParameterValues = @{{ {defaults} }}; {command}");

        Assert.StartsWith("MbInvalidRequest,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("$PSDefaultParameterValues.Remove('", run.Error.Exception.Message, StringComparison.Ordinal);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Fact]
    public async Task A_default_that_throws_stops_the_command()
    {
        Run run = Run("$PSDefaultParameterValues = @{ 'New-Mb*:ExpiresIn' = { throw 'no such thing' } }; New-MbProjectToken door");

        Assert.Equal("no such thing", run.Error.Exception.Message);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Theory]
    [InlineData("'New-Mb*:ExpiresIn' = '90d'", "New-MbProjectToken door -ExpiresAt 2030-01-01")]
    [InlineData("'New-Mb*:ExpiresIn' = '90'", "New-MbProjectToken door -ExpiresIn 1d")]
    [InlineData("'*-Mb*:Session' = 'misspelt'; Disabled = $true", "New-MbProjectToken door -ExpiresIn 1d")]
    [InlineData("'Get-Mb*:First' = 'many'", "New-MbProjectToken door -ExpiresIn 1d")]
    public void A_default_that_is_not_meant_or_not_needed_is_no_error(string defaults, string command) =>
        Assert.NotNull(Run($"$PSDefaultParameterValues = @{{ {defaults} }}; {command}").MustSucceed().Single().Get<DateTimeOffset?>("ExpiresAt"));

    [Theory]
    [InlineData("Get-MbProjectToken -Name '[unclosed'", "-Name")]
    [InlineData("Get-MbSession -Name '[unclosed'", "-Name")]
    [InlineData("Get-MbProjectToken -Name good, '[unclosed'", "-Name")]
    [InlineData("Connect-MbProject $token -BaseUri $address -Proxy 'proxy.example.com:8080'", "http://proxy")]
    [InlineData("Connect-MbProject $token -BaseUri $address -Proxy 'proxy'", "http://proxy")]
    [InlineData("Connect-MbProject $token -BaseUri $address -Proxy 'ftp://proxy.example.com'", "http://proxy")]
    [InlineData("Connect-MbProject $token -BaseUri 'localhost:1/v2'", "https")]
    [InlineData("New-MbProjectToken x -IdempotencyKey ([guid]::Empty)", "New-Guid")]
    [InlineData("Get-MbProjectToken -ExpiresBefore $cutof", "$null")]
    [InlineData("New-MbProjectToken x -IdempotencyKey $key", "$null")]
    public async Task What_cannot_be_meant_is_an_error_of_the_table_and_silent_where_that_is_asked_for(string command, string says)
    {
        (string, object?)[] variables = [("token", Server.SecureToken()), ("address", Server.BaseAddress)];

        ErrorRecord error = Assert.Single(Run(command, variables).Errors);
        Run silent = Run($"$Error.Clear(); {command} -ErrorAction SilentlyContinue; $Error.Count", variables);

        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.InvalidArgument, error.CategoryInfo.Category);
        Assert.Contains(says, error.Exception.Message, StringComparison.Ordinal);
        Assert.Equal(1, silent.MustSucceed().Single().BaseObject);
        Assert.Empty(await Server.RequestsAsync());
    }

    private IEnumerable<CommandParameterInfo> ParametersOf(string command, string set) =>
        ((CmdletInfo)Run($"Get-Command {command}").MustSucceed().Single().BaseObject).ParameterSets.Single(candidate => candidate.Name == set).Parameters
            .Where(parameter => !Cmdlet.CommonParameters.Contains(parameter.Name) && !Cmdlet.OptionalCommonParameters.Contains(parameter.Name));

    /// <summary>Why a bad value was not refused; null where it was.</summary>
    private async Task<string?> PassesAsync(string command, string set, string parameter, string value, bool asDefault = false)
    {
        await Server.ResetAsync();
        string good = s_calls.Single(call => call.Command == command && call.Set == set).Good;
        string bad = asDefault
            ? $"$all.Remove('{parameter}'); $PSDefaultParameterValues = @{{ '{command}:{parameter}' = {value} }}"
            : $"$all['{parameter}'] = {value}";
        Run run = Try(
            $"$ConfirmPreference = 'None'; $PSDefaultParameterValues = @{{}}; $all = @{{ {good} }}; {bad}; {command} @all -WarningAction SilentlyContinue",
            ("token", Server.SecureToken()),
            ("address", Server.BaseAddress),
            ("key", Secret.Of("sk_test")),
            ("file", typeof(ArgumentTests).Assembly.Location));
        Run("$PSDefaultParameterValues = @{}; if (-not (Get-MbSession)) { Connect-MbProject $token -BaseUri $address -SkipConnectionTest }", ("token", Server.SecureToken()), ("address", Server.BaseAddress)).MustSucceed();
        ServerRequest[] sent = [.. await Server.RequestsAsync()];
        ErrorRecord? error = run.End ?? (run.Errors.Count > 0 ? run.Errors[0] : null);
        return sent.Length > 0 ? $"{sent.Length} requests were sent, first {sent[0].Method} {sent[0].Target}"
            : error is null && run.Output is [{ BaseObject: false }] ? null
            : error is null ? "no error"
            : error.FullyQualifiedErrorId.StartsWith("Mb", StringComparison.Ordinal) || error.Exception is ParameterBindingException ? null
            : $"it is {error.FullyQualifiedErrorId}";
    }
}
