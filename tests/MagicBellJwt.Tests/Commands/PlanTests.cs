using System;
using System.Linq;
using System.Management.Automation;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Rotation;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Commands;

/// <summary>-WhatIf -PassThru writes a plan, and the same command does exactly what is left of it, however it was kept, and once.</summary>
public sealed class PlanTests(ServerFixture fixture) : RotationTestBase<ServerFixture>(fixture)
{
    // Tokens of two users and of the project; $plan is one of the first user's and of the project's, without the ones called 'stays'.
    private const string Tokens = """
        $project = 'ci 1', 'ci 2', 'stays' | ForEach-Object { New-MbProjectToken $_ -ExpiresIn 90d }
        $users = 'hana', 'omar' | ForEach-Object { $email = "$_@example.com"; 'laptop', 'phone', 'stays' | ForEach-Object { New-MbUserToken $email -Name $_ -ExpiresIn 30d } }
        function UserPlan { 'hana@example.com', 'omar@example.com' | Get-MbUserToken | Where-Object Name -NE 'stays' | Remove-MbUserToken -WhatIf -PassThru }
        function ProjectPlan { Get-MbProjectToken 'ci *' | Remove-MbProjectToken -WhatIf -PassThru }
        """;

    // How a plan is kept, and read back.
    private const string Files = """
        function Keep($Plan, $As) {
            switch ($As) {
                csv { $Plan | Export-Csv "$folder/plan.csv" -NoTypeInformation; Import-Csv "$folder/plan.csv" }
                json { ConvertTo-Json @($Plan) | Set-Content "$folder/plan.json"; Get-Content "$folder/plan.json" -Raw | ConvertFrom-Json }
                clixml { $Plan | Export-Clixml "$folder/plan.xml"; Import-Clixml "$folder/plan.xml" }
                selected { $Plan | Select-Object * }
                variable { $Plan }
            }
        }
        """;

    private static readonly string[] s_columns =
        ["Command", "Project", "Address", "ProjectId", "Kind", "Id", "Name", "UserId", "Email", "CreatedAt", "ExpiresAt"];

    private protected override string Preparation => Files;

    [Fact]
    public async Task A_row_says_why_and_who_approves_may_say_it_the_history_has_it()
    {
        await PrepareAsync();
        string history = System.IO.Path.Combine(Folder, "history.jsonl");
        Run("Connect-MbProject $token -BaseUri $address -Name here -History $history -RequireReason", ("token", Server.SecureToken()), ("address", Server.BaseAddress), ("history", history)).MustSucceed();

        PSObject[] plan = [.. Run("Get-MbProjectToken 'ci *' -Session here | Remove-MbProjectToken -WhatIf -PassThru -Reason CHG-1 | Select-Object *").MustSucceed()];
        Assert.Equal(["CHG-1", "CHG-1"], plan.Select(row => row.Get<string>("Reason")));
        plan[0].Properties["Reason"].Value = "CHG-2, approved by Ada";
        Run("$plan | Remove-MbProjectToken -Confirm:$false -PassThru -Session here", ("plan", plan)).MustSucceed();

        Assert.Equal(["CHG-1", "CHG-2, approved by Ada"], Run("(Get-MbTokenHistory -Operation Revoke).Reason").MustSucceed().Select(reason => reason.ToString()).Order());
    }

    [Fact]
    public async Task A_plan_says_of_each_token_what_the_list_says_and_sends_no_write()
    {
        await PrepareAsync();

        PSObject[] plan = [.. Run("ProjectPlan").MustSucceed()];

        Assert.Equal(["ci 2", "ci 1"], plan.Select(row => row.Get<string>("Name")));
        PSObject listed = Run("Get-MbProjectToken 'ci 2'").MustSucceed().Single();
        PSObject row = plan[0];
        Assert.Equal("MagicBellJwt.PlannedChange", row.TypeNames[0]);
        Assert.Equal(
            ("Planned", "Remove-MbProjectToken", "here", Server.BaseAddress + "/", "Project", listed.Id(), null, null),
            (row.Get<string>("Outcome"), row.Get<string>("Command"), row.Get<string>("Project"), row.Get<string>("Address").TrimEnd('/') + "/", row.Get<string>("Kind"), row.Id(), row.Properties["UserId"].Value, row.Properties["Email"].Value));
        Assert.Equal(Moment(listed, "CreatedAt"), row.Get<string>("CreatedAt"));
        Assert.Equal(Moment(listed, "ExpiresAt"), row.Get<string>("ExpiresAt"));
        Assert.Equal(2, Host.Lines.Count(line => line.StartsWith("What if: ", StringComparison.Ordinal)));
        Assert.Contains("2 tokens would be revoked.", Host.Lines);
        Assert.Empty(await WritesAsync());

        string[] lines = Run("ProjectPlan | Out-String -Width 80").MustSucceed().Single().ToString().Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("Id Outcome Name ExpiresAt", string.Join(' ', lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal($"{row.Id()} Planned ci 2           {row.Get<string>("ExpiresAt")}", lines[2]);

        static string Moment(PSObject item, string property) => item.Get<DateTimeOffset>(property).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task A_plan_of_users_says_whose_tokens_they_are()
    {
        await PrepareAsync();

        PSObject[] plan = [.. Run("UserPlan").MustSucceed()];

        Assert.Equal(["hana@example.com", "hana@example.com", "omar@example.com", "omar@example.com"], plan.Select(row => row.Get<string>("Email")).Order());
        Assert.Equal(["laptop", "laptop", "phone", "phone"], plan.Select(row => row.Get<string>("Name")).Order());
        Assert.Equal(2, plan.Select(row => row.Get<string>("UserId")).Distinct().Count());
        Assert.All(plan, row => Assert.Equal("User", row.Get<string>("Kind")));
    }

    [Theory]
    [InlineData("csv")]
    [InlineData("json")]
    [InlineData("clixml")]
    [InlineData("selected")]
    [InlineData("variable")]
    public async Task Exactly_what_is_left_of_a_plan_is_done_and_doing_it_again_repeats_nothing(string form)
    {
        await PrepareAsync();
        string[] planned = [.. Run($"$kept = Keep (UserPlan) {form}; $kept = $kept | Where-Object Name -NE 'phone'; $kept.Id").MustSucceed().Select(id => id.ToString())];
        Assert.Equal(2, planned.Length);
        await Server.ResetAsync();

        PSObject[] outcomes = [.. Run("$kept | Remove-MbUserToken -Confirm:$false -PassThru").MustSucceed()];

        Assert.Equal(planned.Order(), outcomes.Select(outcome => outcome.Id()).Order());
        Assert.All(outcomes, outcome => Assert.Equal(("Revoked", "laptop"), (outcome.Get<string>("Outcome"), outcome.Get<string>("Name"))));
        ServerRequest[] requests = await Server.RequestsAsync();
        Assert.Equal(2, requests.Count(request => request.Method == "GET"));
        Assert.Equal(planned.Select(id => "/v2/jwt/user/" + id).Order(), requests.Where(request => request.Method == "DELETE").Select(request => request.Target).Order());
        Assert.Equal(["ci 1", "ci 2", "phone", "phone", "stays", "stays", "stays"], await LiveNamesAsync());

        await Server.ResetAsync();
        PSObject[] again = [.. Run("$kept | Remove-MbUserToken -Confirm:$false -PassThru").MustSucceed()];
        Assert.Equal(planned.Order(), again.Select(outcome => outcome.Id()).Order());
        Assert.All(again, outcome => Assert.Equal("AlreadyRevoked", outcome.Get<string>("Outcome")));
        Assert.Empty(await WritesAsync());
    }

    [Fact]
    public async Task Many_rows_of_the_project_cost_one_list()
    {
        await PrepareAsync();
        await Server.SeedAsync(projectTokens: 90);
        Run("$kept = Keep (Get-MbProjectToken 'seed *' | Remove-MbProjectToken -WhatIf -PassThru) csv").MustSucceed();
        await Server.ResetAsync();

        PSObject[] outcomes = [.. Run("$kept | Remove-MbProjectToken -Force -PassThru").MustSucceed()];

        Assert.Equal(90, outcomes.Length);
        ServerRequest[] requests = await Server.RequestsAsync();
        Assert.Equal((1, 90), (requests.Count(request => request.Method == "GET"), requests.Count(request => request.Method == "DELETE")));
    }

    [Fact]
    public async Task An_interrupted_run_is_run_again_and_finishes()
    {
        await PrepareAsync();
        await Server.SeedAsync(userId: "usr_cut", userTokens: 20);
        Run("$kept = Keep (Get-MbUserToken usr_cut | Remove-MbUserToken -WhatIf -PassThru) csv").MustSucceed();
        await Server.ResetAsync();

        Run("$kept | Remove-MbUserToken -Force -PassThru -ThrottleLimit 1 | Select-Object -First 7").MustSucceed();
        Assert.Equal(7, (await WritesAsync()).Length);
        PSObject[] outcomes = [.. Run("$kept | Remove-MbUserToken -Force -PassThru").MustSucceed()];

        Assert.Equal((7, 13), (outcomes.Count(outcome => outcome.Get<string>("Outcome") == "AlreadyRevoked"), outcomes.Count(outcome => outcome.Get<string>("Outcome") == "Revoked")));
        ServerRequest[] writes = await WritesAsync();
        Assert.Equal(20, writes.Length);
        Assert.Equal(20, writes.Select(request => request.Target).Distinct().Count());
    }

    [Theory]
    [InlineData("$kept[1].Id = '1.98E+35'")]
    [InlineData("$kept[1].Id = ''")]
    [InlineData("$kept[1].UserId = '2.01E+17'")]
    [InlineData("$kept[1].UserId = ($kept[1].UserId + '0')")]
    [InlineData("$kept[1].CreatedAt = '2026-03-04T10:00:00Z'")]
    [InlineData("$kept[1].CreatedAt = '3/4/2026 10:00'")]
    [InlineData("$kept[1].CreatedAt, $kept[1].ExpiresAt = $kept[1].ExpiresAt, $kept[1].CreatedAt")]
    [InlineData("$kept[1].ExpiresAt = ''")]
    [InlineData("$kept[1].Name = 'another'")]
    [InlineData("$kept[1].Email = 'another@example.com'")]
    [InlineData("$kept[1].Project = 'elsewhere'")]
    [InlineData("$kept[1].Outcome = 'Revoked'")]
    [InlineData("$kept[1].Outcome = ''")]
    [InlineData("$kept[1].Checksum = ''")]
    [InlineData("$kept = $kept | Select-Object * -ExcludeProperty Outcome")]
    [InlineData("$kept = $kept | Select-Object * -ExcludeProperty Checksum")]
    [InlineData("$kept = $kept | Select-Object * -ExcludeProperty CreatedAt")]
    [InlineData("$kept = $kept | Select-Object * -ExcludeProperty ExpiresAt")]
    [InlineData("$kept = $kept | Select-Object * -ExcludeProperty UserId")]
    [InlineData("$kept = $kept | Select-Object * -ExcludeProperty Outcome, Checksum")]
    public async Task A_damaged_plan_is_refused_as_a_whole_before_anything_is_sent(string damage)
    {
        await PrepareAsync();
        Run($"$kept = @(Keep (UserPlan) csv); {damage}").MustSucceed();
        await Server.ResetAsync();

        Run run = Run("$kept | Remove-MbUserToken -Force -PassThru");

        Assert.StartsWith("MbInvalidRequest,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("plan is damaged", run.Error.ToString(), StringComparison.Ordinal);
        Assert.Empty(run.Output);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Theory]
    [InlineData("Name", "another", "is named 'laptop' now")]
    [InlineData("CreatedAt", "2026-03-04T10:00:00Z", "issued at")]
    [InlineData("Address", "https://elsewhere.example/v2/", "is for https://elsewhere.example/v2/")]
    [InlineData("ProjectId", "another", "is for the project another")]
    [InlineData("Project", "elsewhere", "of project 'elsewhere'")]
    [InlineData("Kind", "Project", "project token")]
    [InlineData("Command", "Update-MbUserToken", "one for Update-MbUserToken")]
    public async Task A_row_that_contradicts_what_is_there_now_is_refused_and_the_others_are_done(string column, string value, string told)
    {
        await PrepareAsync();
        PSObject[] rows = [.. Run("$kept = @(Keep (UserPlan) csv); $kept").MustSucceed()];
        PSObject row = rows.Single(row => row.Get<string>("Name") == "laptop" && row.Get<string>("Email") == "omar@example.com");
        row.Properties[column].Value = value;
        row.Properties["Checksum"].Value = ChecksumOf(row);
        await Server.ResetAsync();

        Run run = Run("$kept | Remove-MbUserToken -Force -PassThru");

        ErrorRecord error = run.Error;
        Assert.Equal(row.Id(), error.TargetObject.ToString());
        Assert.Contains(told, error.ToString(), StringComparison.Ordinal);
        Assert.Equal(["Failed", "Revoked", "Revoked", "Revoked"], run.Output.Select(outcome => outcome.Get<string>("Outcome")).Order());
        Assert.Equal(row.Id(), run.Output.Single(outcome => outcome.Get<string>("Outcome") == "Failed").Id());
        Assert.Equal(3, (await WritesAsync()).Length);
        Assert.True(Assert.Single(await Server.TokensAsync(), token => token.Id == row.Id()).Live);
    }

    [Fact]
    public async Task A_list_that_cannot_be_read_leaves_its_rows_undone()
    {
        await PrepareAsync();
        string omar = Run("$kept = @(Keep (UserPlan) csv); ($kept | Where-Object Email -EQ 'omar@example.com')[0].UserId").MustSucceed().Single().ToString();
        await Server.ResetAsync();
        await Server.FailAsync($"GET /v2/jwt/user/{omar}* 404");

        Run run = Run("$kept | Remove-MbUserToken -Force -PassThru");

        Assert.StartsWith("MbTokenNotFound,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(omar, run.Error.TargetObject.ToString());
        Assert.Equal(["Failed", "Failed", "Revoked", "Revoked"], run.Output.Select(outcome => outcome.Get<string>("Outcome")).Order());
        Assert.Equal(2, (await WritesAsync()).Length);
    }

    [Fact]
    public async Task A_plan_names_tokens_that_a_list_shows_and_looks_them_up_where_an_id_was_given()
    {
        await PrepareAsync();

        PSObject row = Run("$project[0].Id, $project[0].Id | Remove-MbProjectToken -WhatIf -PassThru").MustSucceed().Single();
        PSObject issued = Run("$users[0] | Remove-MbUserToken -WhatIf -PassThru").MustSucceed().Single();

        Assert.Equal("ci 1", row.Get<string>("Name"));
        Assert.Equal("laptop", issued.Get<string>("Name"));
        Assert.StartsWith("MbInvalidRequest,", Run("$users[0].Id | Remove-MbUserToken -WhatIf -PassThru").Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.StartsWith("MbTokenNotFound,", Run("'0198c0de-0000-7000-8000-00000000000a' | Remove-MbProjectToken -WhatIf -PassThru").Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(await WritesAsync());
    }

    [Fact]
    public async Task A_hostile_name_is_no_formula_in_the_plan_and_the_plan_is_still_done()
    {
        await PrepareAsync();
        Run("$null = New-MbProjectToken $name", ("name", "=HYPERLINK(\"x\")\u001B[2J")).MustSucceed();

        PSObject row = Run("$kept = Keep (Get-MbProjectToken '=*' | Remove-MbProjectToken -WhatIf -PassThru) csv; $kept").MustSucceed().Single();

        Assert.Equal("'=HYPERLINK(\"x\")\\u001B[2J", row.Get<string>("Name"));
        Assert.Equal("Revoked", Run("$kept | Remove-MbProjectToken -Force -PassThru").MustSucceed().Single().Get<string>("Outcome"));
    }

    [Fact]
    public async Task A_plan_that_was_made_in_one_culture_is_done_in_another()
    {
        await PrepareAsync();

        Run("[cultureinfo]::CurrentCulture = 'de-DE'; $kept = @(Keep (UserPlan) csv); [cultureinfo]::CurrentCulture = 'en-US'").MustSucceed();

        Assert.Equal(4, Run("$kept | Remove-MbUserToken -Force -PassThru").MustSucceed().Count);
    }

    [Fact]
    public async Task A_plan_of_the_sessions_own_token_is_refused()
    {
        await PrepareAsync();
        Run("$kept = @(Keep (Get-MbProjectToken -Id (Get-MbSession here).TokenId | Remove-MbProjectToken -AllowSelfLockout -WhatIf -PassThru) csv)").MustSucceed();

        Run run = Run("$kept | Remove-MbProjectToken -Force -PassThru");

        Assert.StartsWith("MbSelfLockout,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal("Failed", run.Output.Single().Get<string>("Outcome"));
        Assert.Empty(await WritesAsync());
    }

    [Fact]
    public async Task A_preview_of_2500_says_each_and_how_many()
    {
        await PrepareAsync();
        await Server.SeedAsync(userId: "usr_many", userTokens: 2500);

        Assert.Equal(2500, Run("Get-MbUserToken usr_many | Remove-MbUserToken -WhatIf -PassThru").MustSucceed().Count);

        Assert.Equal(2500, Host.Lines.Count(line => line.StartsWith("What if: ", StringComparison.Ordinal)));
        Assert.Equal("2500 tokens would be revoked.", Host.Lines[^1]);
    }

    [Fact]
    public async Task A_plan_of_replacements_is_done_into_a_store_and_once()
    {
        await PrepareAsync();
        Run(VaultModule).MustSucceed();
        Run run = Run("$kept = Keep (Get-MbProjectToken 'ci *' | Update-MbProjectToken -WhatIf -PassThru -JournalPath $journal) csv; $kept", ("journal", Journal));
        Assert.All(run.MustSucceed(), row => Assert.Equal(("Planned", "Update-MbProjectToken"), (row.Get<string>("Outcome"), row.Get<string>("Command"))));
        Assert.Contains("2 tokens would be replaced.", Host.Lines);
        Assert.Empty(await WritesAsync());

        // Without a store, or by the command that would revoke them, nothing is done.
        Assert.StartsWith("MbInvalidRequest,", Run("$kept | Update-MbProjectToken -JournalPath $journal").Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(["MbInvalidRequest", "MbInvalidRequest"], Run("$kept | Remove-MbProjectToken -Force").Errors.Select(error => error.FullyQualifiedErrorId.Split(',')[0]));
        Assert.Empty(await WritesAsync());

        PSObject[] rotations = [.. Run("$kept | Update-MbProjectToken -Vault prod -JournalPath $journal").MustSucceed()];
        Assert.Equal(run.Output.Select(row => row.Id()), rotations.Select(rotation => rotation.Get<string>("OldId")));
        Assert.Equal(["ci 1", "ci 2", "laptop", "laptop", "phone", "phone", "stays", "stays", "stays"], await LiveNamesAsync());

        await Server.ResetAsync();
        Run again = Run("$kept | Update-MbProjectToken -Vault prod -JournalPath $journal");
        Assert.Empty(again.MustSucceed());
        Assert.Equal(2, again.Warnings.Count(warning => warning.Contains("was rotated already", StringComparison.Ordinal)));
        Assert.Empty(await WritesAsync());
    }

    [Fact]
    public async Task A_plan_of_replacements_of_users_asks_whose_they_are_and_refuses_what_changed()
    {
        await PrepareAsync();
        Run(VaultModule).MustSucceed();
        PSObject[] rows = [.. Run("$kept = @(Keep ('hana@example.com', 'omar@example.com' | Get-MbUserToken | Where-Object Name -EQ 'laptop' | Update-MbUserToken -WhatIf -PassThru -JournalPath $journal) csv); $kept", ("journal", Journal)).MustSucceed()];
        Assert.Equal(2, rows.Length);
        rows[1].Properties["Name"].Value = "another";
        rows[1].Properties["Checksum"].Value = ChecksumOf(rows[1]);

        Run run = Run("$kept | Update-MbUserToken -Vault prod -SecretName '{Email}' -JournalPath $journal");

        Assert.StartsWith("MbConflict,", run.Error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal((rows[0].Id(), "prod/" + rows[0].Get<string>("Email")), (run.Output.Single().Get<string>("OldId"), run.Output.Single().Get<string>("StoredIn")));
        Assert.Equal(["DELETE", "POST"], (await WritesAsync()).Select(request => request.Method).Order());

        rows[0].Properties["UserId"].Value = "7.1E+12";
        await Server.ResetAsync();
        Assert.Contains("plan is damaged", Run("$kept | Update-MbUserToken -Vault prod -JournalPath $journal").Error.ToString(), StringComparison.Ordinal);
        Assert.Empty(await Server.RequestsAsync());
    }

    // As the module works it out: a file of an earlier version is still read.
    private static string ChecksumOf(PSObject row)
    {
        byte[] digest = SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', s_columns.Select(column => row.Get<string>(column)))));
        return "plan-" + Convert.ToHexStringLower(digest)[..12];
    }

    private async Task<string[]> LiveNamesAsync() =>
        [.. (await Server.TokensAsync()).Where(token => token.Live && token.Name is "ci 1" or "ci 2" or "laptop" or "phone" or "stays").Select(token => token.Name!).Order(StringComparer.Ordinal)];

    private async Task PrepareAsync()
    {
        Engine.Connect(Server, "-Name here");
        Run(
            "Get-MbProjectToken | Where-Object Id -NE (Get-MbSession here).TokenId | Remove-MbProjectToken -Force; 'hana@example.com', 'omar@example.com' | New-MbUserToken | ForEach-Object { Get-MbUserToken $_.UserId } | Remove-MbUserToken -Force\n" + Tokens,
            ("folder", Folder)).MustSucceed();
        await Server.ResetAsync();
    }
}
