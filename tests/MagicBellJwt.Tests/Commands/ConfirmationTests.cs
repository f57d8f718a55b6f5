using System;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Commands;

/// <summary>-WhatIf, -Confirm and -Force. The host of these tests cannot be asked unless a test says what it answers.</summary>
public sealed class ConfirmationTests(ServerFixture fixture) : ServerTests(fixture)
{
    private const string Tokens = """
        $project = 1..3 | ForEach-Object { New-MbProjectToken "ci $_" }
        $user = New-MbUserToken -Email hana@example.com -Name laptop
        """;

    [Theory]
    [InlineData("$user | Remove-MbUserToken -WhatIf", "Revoke user token", "'laptop'|$($user.Id)|$($user.UserId)")]
    [InlineData("Get-MbUserToken $user.UserId -Id $user.Id | Remove-MbUserToken -WhatIf", "Revoke user token", "'laptop'|$($user.Id)|$($user.UserId)")]
    [InlineData("[pscustomobject]@{ Id = $user.Id; UserId = $user.UserId; Name = 'laptop' } | Remove-MbUserToken -WhatIf", "Revoke user token", "'laptop'|$($user.Id)|$($user.UserId)")]
    [InlineData("Remove-MbProjectToken $project[0] -WhatIf", "Revoke project token", "'ci 1'|$($project[0].Id)")]
    [InlineData("Remove-MbProjectToken $project[0].Id -WhatIf", "Revoke project token", "$($project[0].Id)")]
    [InlineData("Remove-MbProjectToken $project[0] -Force -WhatIf", "Revoke project token", "'ci 1'|$($project[0].Id)")]
    [InlineData("Remove-MbProjectToken $project[0] -Confirm:$false -WhatIf", "Revoke project token", "'ci 1'|$($project[0].Id)")]
    [InlineData("Remove-MbProjectToken $project[0] -Confirm -WhatIf", "Revoke project token", "'ci 1'|$($project[0].Id)")]
    [InlineData("& { $WhatIfPreference = $true; Remove-MbProjectToken $project[0] }", "Revoke project token", "'ci 1'|$($project[0].Id)")]
    [InlineData("& { $WhatIfPreference = $true; Remove-MbProjectToken $project[0] -Force }", "Revoke project token", "'ci 1'|$($project[0].Id)")]
    [InlineData("New-MbProjectToken 'ci 4' -ExpiresIn 90d -WhatIf", "Issue project token", "'ci 4'")]
    [InlineData("New-MbUserToken -Email hana@example.com -Name phone -WhatIf", "Issue user token", "'phone'|hana@example.com")]
    [InlineData("[pscustomobject]@{ Email = ''; ExternalId = 'e1' } | New-MbUserToken -WhatIf", "Issue user token", "e1")]
    [InlineData("& { $WhatIfPreference = $true; New-MbProjectToken 'ci 4' }", "Issue project token", "'ci 4'")]
    public async Task WhatIf_says_what_and_where_and_sends_no_write(string script, string action, string names)
    {
        await PrepareAsync();

        Assert.Empty(Run(script).MustSucceed());

        string said = Assert.Single(Host.Lines, line => line.StartsWith("What if: ", StringComparison.Ordinal));
        Assert.Contains($"\"{action}\"", said, StringComparison.Ordinal);
        Assert.Contains("in project 'here' (" + Server.BaseAddress + ")", said, StringComparison.Ordinal);
        Assert.All(Run($"\"{names}\"").Output.Single().ToString().Split('|'), name => Assert.Contains(name, said, StringComparison.Ordinal));
        Assert.Empty(await WritesAsync());
        Assert.Empty(Host.Questions);
    }

    [Fact]
    public async Task WhatIf_of_many_says_each()
    {
        await PrepareAsync();

        Run("$project | Remove-MbProjectToken -WhatIf").MustSucceed();

        Assert.Equal(3, Host.Lines.Count(line => line.StartsWith("What if: ", StringComparison.Ordinal)));
        Assert.Empty(await WritesAsync());
    }

    [Theory]
    [InlineData("Remove-MbProjectToken $project[0].Id -Force")]
    [InlineData("$project[0] | Remove-MbProjectToken -Confirm:$false")]
    [InlineData("$project[0] | Remove-MbProjectToken -Force:$true")]
    [InlineData("& { $ConfirmPreference = 'None'; Remove-MbProjectToken $project[0] }")]
    [InlineData("& { $ConfirmPreference = 'Low'; Remove-MbProjectToken $project[0] -Force }")]
    [InlineData("& { $ConfirmPreference = 'Low'; Remove-MbProjectToken $project[0] -Confirm:$false }")]
    [InlineData("& { $WhatIfPreference = $true; Remove-MbProjectToken $project[0] -Force -WhatIf:$false }")]
    [InlineData("Remove-MbUserToken $user -Force")]
    [InlineData("New-MbProjectToken ci")]
    [InlineData("New-MbUserToken -Email ben@example.com")]
    [InlineData("& { $ConfirmPreference = 'Medium'; New-MbProjectToken ci -Confirm:$false }")]
    public async Task Nobody_is_asked_where_the_command_line_has_answered(string script)
    {
        await PrepareAsync();

        Run(script).MustSucceed();

        Assert.Single(await WritesAsync());
        Assert.Empty(Host.Questions);
    }

    [Theory]
    [InlineData("Remove-MbProjectToken $project[0]")]
    [InlineData("Remove-MbUserToken $user")]
    [InlineData("Remove-MbProjectToken $project[0] -Confirm")]
    [InlineData("Remove-MbProjectToken $project[0] -Force -Confirm")]
    [InlineData("Remove-MbProjectToken $project[0] -Force:$false")]
    [InlineData("New-MbProjectToken ci -Confirm")]
    [InlineData("& { $ConfirmPreference = 'Medium'; New-MbProjectToken ci }")]
    public async Task Else_somebody_is_asked_and_where_nobody_is_there_nothing_is_sent(string script)
    {
        await PrepareAsync();

        Run unanswered = Run(script);
        Assert.StartsWith("MbConfirmationRequired,", unanswered.End?.FullyQualifiedErrorId ?? Assert.Single(unanswered.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(await WritesAsync());
        Assert.Single(Host.Questions);

        Host.Choose = Saying("&No");
        Run(script).MustSucceed();
        Assert.Empty(await WritesAsync());
        Assert.Equal(2, Host.Questions.Count);

        Host.Choose = Saying("&Yes");
        Run(script).MustSucceed();
        Assert.Single(await WritesAsync());
        Assert.Equal(3, Host.Questions.Count);
    }

    [Theory]
    [InlineData("New-MbProjectToken ci -ExpiresIn 1h | Remove-MbProjectToken")]
    [InlineData("New-MbProjectToken ci -Confirm")]
    public async Task Where_standard_input_has_ended_nobody_can_answer(string script)
    {
        // As in a scheduled job whose input is /dev/null.
        ShellResult result = await ShellProcess.RunAsync(["-Command", $"Connect-MbProject -Sandbox; try {{ {script} }} catch {{ $_.FullyQualifiedErrorId }}"]);

        Assert.StartsWith("MbConfirmationRequired,", result.Lines[^1].Split(':')[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Yes to &All", 3)]
    [InlineData("No to A&ll", 0)]
    public async Task An_answer_for_all_is_asked_for_once(string answer, int sent)
    {
        await PrepareAsync();
        Host.Choose = Saying(answer);

        Run("$project | Remove-MbProjectToken").MustSucceed();

        Assert.Equal(sent, (await WritesAsync()).Length);
        Assert.Single(Host.Questions);
    }

    [Fact]
    public async Task Each_is_asked_about_in_order_before_it_is_sent()
    {
        await PrepareAsync();
        int asked = 0;
        Host.Choose = (question, choices) =>
        {
            Assert.Contains($"'ci {++asked}'", question, StringComparison.Ordinal);
            return asked == 2 ? 2 : 0;
        };

        string[] revoked = [.. Run("$project | Remove-MbProjectToken -PassThru").MustSucceed().Select(revocation => revocation.Id())];

        Assert.Equal(Run("$project[0].Id, $project[2].Id").Output.Select(id => id.ToString()).Order(), revoked.Order());
        Assert.Equal(2, (await WritesAsync()).Length);
    }

    private static Func<string, System.Collections.ObjectModel.Collection<System.Management.Automation.Host.ChoiceDescription>, int> Saying(string label) =>
        (_, choices) => choices.IndexOf(choices.Single(choice => choice.Label == label));

    private async Task PrepareAsync()
    {
        Engine.Connect(Server, "-Name here");
        Run(Tokens).MustSucceed();
        await Server.ResetAsync();
    }
}
