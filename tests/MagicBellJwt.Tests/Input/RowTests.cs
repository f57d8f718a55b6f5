using System;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Text.Json;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Input;

/// <summary>Rows of files as people have them: their columns bind under the names that they have there, and what does not bind is told.</summary>
public sealed class RowTests(ServerFixture fixture) : ServerTests(fixture)
{
    [Theory]
    [InlineData("ExpiresIn", "30d", 2_592_000)]
    [InlineData("expires_in", "12h", 43_200)]
    [InlineData("EXPIRES IN", "02:00:00", 7_200)]
    public async Task A_column_that_says_how_long_binds(string column, string value, long expected)
    {
        Run("@{ Name = 'row'; $column = $value }.ForEach({ [pscustomobject]$_ }) | New-MbProjectToken", ("column", column), ("value", value)).MustSucceed();

        Assert.Equal(expected, Expiry(Assert.Single(await WritesAsync())));
    }

    [Fact]
    public void A_parameter_that_is_worked_out_of_each_row_binds()
    {
        PSObject[] tokens = [.. Run("1, 2 | ForEach-Object { [pscustomobject]@{ Work = $_ } } | New-MbUserToken -Email { \"user$($_.Work)@example.com\" } -Name { \"laptop $($_.Work)\" }").MustSucceed()];

        Assert.Equal([("user1@example.com", "laptop 1"), ("user2@example.com", "laptop 2")], tokens.Select(token => (token.Get<string>("Email"), token.Get<string>("Name"))));
    }

    // The row has another address, and it is not the one that was asked for.
    [Theory]
    [InlineData("-Email { $_.Work }")]
    [InlineData("-Email { $_.Work } -Name laptop")]
    public async Task What_is_worked_out_as_nothing_is_not_taken_from_another_column(string options)
    {
        ErrorRecord error = Run($"[pscustomobject]@{{ Work = ''; Email = 'private@example.com'; Mail = 'private@example.com' }} | New-MbUserToken {options}").Error;

        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(await WritesAsync());
    }

    [Theory]
    [InlineData("ExpiresAt")]
    [InlineData("expires_at")]
    [InlineData("Expires-At")]
    public void A_column_that_says_when_binds(string column)
    {
        PSObject token = Run("[pscustomobject]@{ Email = 'hana@example.com'; $column = '2090-12-31T12:00:00Z' } | New-MbUserToken", ("column", column)).MustSucceed().Single();

        Assert.Equal(2090, token.Get<DateTimeOffset>("ExpiresAt").Year);
    }

    [Theory]
    [InlineData("en-US")]
    [InlineData("de-DE")]
    [InlineData("th-TH")]
    public void What_Export_Csv_wrote_on_this_machine_is_read_back(string culture)
    {
        string path = Path.Combine(Path.GetTempPath(), Guid.NewGuid() + ".csv");
        try
        {
            PSObject[] tokens = [.. Run(
                """
                [cultureinfo]::CurrentCulture = $culture
                [pscustomobject]@{ Name = 'written'; ExpiresAt = [DateTimeOffset]::new(2090, 4, 2, 12, 0, 0, [TimeSpan]::Zero) } | Export-Csv $path
                Import-Csv $path | New-MbProjectToken
                """,
                ("culture", culture),
                ("path", path)).MustSucceed()];

            Assert.InRange(Assert.Single(tokens).Get<DateTimeOffset>("ExpiresAt"), new DateTimeOffset(2090, 4, 2, 11, 59, 58, TimeSpan.Zero), new DateTimeOffset(2090, 4, 2, 12, 0, 2, TimeSpan.Zero));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("ExpiresIn = ''", "ExpiresIn is empty")]
    [InlineData("ExpiresAt = $null", "ExpiresAt is empty")]
    [InlineData("ExpiresIn = '90'", "does not say how long")]
    [InlineData("ExpiresIn = '1M'", "1m for minutes, and 30d for months")]
    [InlineData("ExpiresAt = 'soon'", "is no date")]
    [InlineData("ExpiresAt = '2090-01-01'; ExpiresIn = '1d'", "both have a value")]
    public async Task An_expiry_that_is_empty_or_cannot_be_read_issues_nothing_and_names_the_row_and_its_columns(string columns, string says)
    {
        ErrorRecord error = Assert.Single(Run($"[pscustomobject]@{{ Name = 'good'; ExpiresIn = '1h' }}, [pscustomobject]@{{ Name = 'bad'; {columns} }} | New-MbProjectToken").Errors);

        Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(says, error.Exception.Message, StringComparison.Ordinal);
        Assert.StartsWith("Row 2: ", error.Exception.Message, StringComparison.Ordinal);
        Assert.Contains("Name", error.Exception.Message[error.Exception.Message.IndexOf("Its columns are", StringComparison.Ordinal)..], StringComparison.Ordinal);
        Assert.Equal("bad", error.TargetObject);
        Assert.Single(await WritesAsync());
    }

    [Theory]
    [InlineData("Expiry")]
    [InlineData("ValidDays")]
    [InlineData("valid_until")]
    [InlineData("Lifetime")]
    [InlineData("TTL")]
    public void A_column_that_may_mean_an_expiry_and_is_not_read_is_warned_of_once(string column)
    {
        Run run = Run("1..3 | ForEach-Object { [pscustomobject]@{ Name = \"n $_\"; $column = '30' } } | New-MbProjectToken", ("column", column));

        string warning = Assert.Single(run.Warnings, text => text.Contains("column", StringComparison.Ordinal));
        Assert.Contains($"'{column}' is not read", warning, StringComparison.Ordinal);
        Assert.Contains("rename it to ExpiresAt", warning, StringComparison.Ordinal);
        Assert.Equal(3, run.MustSucceed().Count);
        Assert.Empty(Run("[pscustomobject]@{ Name = 'n'; $column = '30' } | New-MbProjectToken -ExpiresIn 1d", ("column", column)).Warnings);
    }

    [Theory]
    [InlineData("Mail")]
    [InlineData("E-Mail")]
    [InlineData("email address")]
    [InlineData("UserPrincipalName")]
    [InlineData("user_email")]
    public async Task A_user_is_found_under_the_names_that_directories_have(string column)
    {
        Run("[pscustomobject]@{ $column = ' hana@example.com'; token_name = 'laptop' } | New-MbUserToken -ExpiresIn 1d", ("column", column)).MustSucceed();

        using JsonDocument body = JsonDocument.Parse(Assert.Single(await WritesAsync()).Body);
        Assert.Equal("hana@example.com", body.RootElement.GetProperty("email").GetString());
        Assert.Equal("laptop", body.RootElement.GetProperty("name").GetString());
    }

    [Theory]
    [InlineData("token_id")]
    [InlineData("TokenID")]
    [InlineData("Token Id")]
    [InlineData("ID")]
    public async Task A_token_is_found_under_the_names_that_the_API_has(string column)
    {
        string id = Run("New-MbUserToken -Email hana@example.com").MustSucceed().Single().Id();

        Run("[pscustomobject]@{ $column = \"$id`n\" } | Remove-MbUserToken -Force", ("column", column), ("id", id)).MustSucceed();

        Assert.Contains(await Server.TokensAsync(), token => token.Id == id && !token.Live);
    }

    [Theory]
    [InlineData(';', "-Delimiter ';'")]
    [InlineData('\t', "-Delimiter \"`t\"")]
    public async Task A_file_with_another_delimiter_is_told_with_the_parameter_that_reads_it(char delimiter, string says)
    {
        ErrorRecord error = Assert.Single(Run("\"Email${d}Name`nhana@example.com${d}laptop\" | ConvertFrom-Csv | New-MbUserToken", ("d", delimiter)).Errors);

        Assert.Contains(says, error.Exception.Message, StringComparison.Ordinal);
        Assert.Empty(await Server.RequestsAsync());
    }

    [Fact]
    public void A_blank_row_is_left_out_and_told()
    {
        Run run = Run("\"Email,Name`nhana@example.com,a`n,`nzoe@example.com,b\" | ConvertFrom-Csv | New-MbUserToken -ExpiresIn 1d");

        Assert.Equal(2, run.MustSucceed().Count);
        Assert.Contains("Row 2 is blank", Assert.Single(run.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_that_says_the_same_as_another_issues_no_second_token()
    {
        Run run = Run("\"Email,Name,Department`nhana@example.com,laptop,a`nzoe@example.com,laptop,a`nHana@Example.com,laptop,b`nhana@example.com,phone,a\" | ConvertFrom-Csv | New-MbUserToken -ExpiresIn 1d");

        Assert.Equal(3, run.MustSucceed().Count);
        Assert.Equal("Row 3 says the same as row 1, and was left out.", Assert.Single(run.Warnings));
        Assert.Equal(3, (await WritesAsync()).Length);
    }

    [Theory]
    [InlineData("Export-Csv $path", "Export-Csv")]
    [InlineData("Select-Object Id, Token | ConvertTo-Json", "ConvertTo-Json")]
    [InlineData("epcsv $path", "Export-Csv")]
    public void What_loses_the_values_is_warned_of_before_a_token_is_issued(string writer, string says)
    {
        string path = Path.Combine(Path.GetTempPath(), Guid.NewGuid() + ".csv");
        try
        {
            Run run = Run("'a', 'b' | New-MbProjectToken -ExpiresIn 1d | " + writer, ("path", path));
            Assert.StartsWith(says + " does not keep the value", Assert.Single(run.Warnings), StringComparison.Ordinal);
            Assert.Empty(Run("'a' | New-MbProjectToken -ExpiresIn 1d -AsPlainText | " + writer, ("path", path)).Warnings);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task A_name_that_could_not_be_read_is_warned_of_and_an_address_is_refused()
    {
        Run run = Run("[Text.Encoding]::UTF8.GetString([Text.Encoding]::GetEncoding('latin1').GetBytes(\"Email,Name`nhana@example.com,J$([char]0xfc)rgens`nj$([char]0xfc)rgen@example.com,laptop\")) | ConvertFrom-Csv | New-MbUserToken -ExpiresIn 1d");

        Assert.Contains("-Encoding Latin1", Assert.Single(run.Warnings), StringComparison.Ordinal);
        Assert.StartsWith("Row 2: A character", Assert.Single(run.Errors).Exception.Message, StringComparison.Ordinal);
        Assert.Single(await WritesAsync());
    }

    [Fact]
    public async Task A_token_that_a_file_names_twice_is_revoked_once()
    {
        string id = Run("New-MbUserToken -Email hana@example.com").MustSucceed().Single().Id();
        await Server.ResetAsync();

        Assert.Single(Run("\"Id`n$id`n$($id.ToUpperInvariant())\" | ConvertFrom-Csv | Remove-MbUserToken -Force -PassThru", ("id", id)).MustSucceed());

        Assert.Single(await WritesAsync());
    }

    [Theory]
    [InlineData("-PipelineVariable row", "$row")]
    [InlineData("-OutVariable rows", "$rows[-1]")]
    public void What_is_written_follows_its_own_input_where_a_variable_holds_that(string variable, string value)
    {
        string domain = Guid.NewGuid() + ".example.com";
        Run("1..6 | ForEach-Object { New-MbUserToken -Email \"u$_@$domain\" -ExpiresIn 1d }", ("domain", domain)).MustSucceed();

        PSObject[] pairs = [.. Run($$"""
            1..6 | ForEach-Object { [pscustomobject]@{ Email = "u$_@{{domain}}" } } {{variable}} |
                Get-MbUserToken | ForEach-Object { [pscustomobject]@{ Asked = {{value}}.Email; Listed = $_.Email } }
            """).MustSucceed()];

        Assert.Equal(6, pairs.Length);
        Assert.All(pairs, pair => Assert.Equal(pair.Get<string>("Asked"), pair.Get<string>("Listed")));
    }

    [Fact]
    public async Task Where_no_later_command_pairs_anything_a_variable_slows_nothing_down()
    {
        await Server.SeedAsync(userId: "usr_many", userTokens: 12);
        await Server.FailAsync("DELETE * never");

        using RunningScript running = Engine.Start("Get-MbUserToken usr_many -OutVariable listed | Remove-MbUserToken -Force");
        Assert.True(await Eventually.IsAsync(async () => (await WritesAsync()).Length == 8));

        running.Stop();
    }

    [Theory]
    [InlineData("1, 2 | New-MbProjectToken -Name ci")]
    [InlineData("'x', 'y' | New-MbUserToken -Email hana@example.com -Name laptop")]
    [InlineData("[pscustomobject]@{ Department = 'x' }, [pscustomobject]@{ Department = 'y' } | New-MbUserToken -Email hana@example.com")]
    public async Task Inputs_that_say_nothing_do_not_issue_one_token_each(string script)
    {
        Run run = Run(script);

        Assert.Equal(2, run.Errors.Count);
        Assert.All(run.Errors, error => Assert.StartsWith("MbInvalidRequest,", error.FullyQualifiedErrorId, StringComparison.Ordinal));
        Assert.Empty(await Server.RequestsAsync());
    }

    private static long Expiry(ServerRequest create)
    {
        using JsonDocument body = JsonDocument.Parse(create.Body);
        return body.RootElement.GetProperty("expiry").GetInt64();
    }
}
