using System;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Users;

/// <summary>A file of projects, which says where each token is and never holds one.</summary>
public sealed class ConnectManyTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");
    private readonly string _variable = "MAGICBELL_TEST_" + Guid.NewGuid().ToString("N");

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(_variable, null);
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Each_row_is_a_session_of_its_own_and_a_bad_one_stops_no_other()
    {
        await using ServerProcess first = await ServerProcess.StartAsync();
        await using ServerProcess second = await ServerProcess.StartAsync();
        string file = Path.Combine(_folder.FullName, "second.jwt");
        File.WriteAllText(file, second.Token);
        Environment.SetEnvironmentVariable(_variable, first.Token);
        string list = Path.Combine(_folder.FullName, "projects.csv");
        File.WriteAllLines(list,
        [
            "Name,BaseUri,TokenVariable,TokenFile,Vault,SecretName,ProjectToken",
            $"one,{first.BaseAddress},{_variable},,,,",
            $"wrong,{second.BaseAddress},{_variable},,,,",
            $"without,{first.BaseAddress},,,,,{first.Token}",
            $"both,{first.BaseAddress},{_variable},{file},,,",
            $"empty,{first.BaseAddress},{_variable}_NONE,,,,",
            $"two,{second.BaseAddress},,{file},,,",
        ]);
        using var engine = new PowerShellEngine();

        Run run = engine.Run("Import-Csv $list | Connect-MbProject -PassThru", ("list", list));

        Assert.Null(run.End);
        Assert.Equal([("one", first.BaseAddress), ("two", second.BaseAddress)], run.Output.Select(session => (session.Get<string>("Name"), session.Get<Uri>("BaseAddress"))));
        Assert.Equal(
            [("wrong", "MbUnauthorized"), ("without", "MbInvalidRequest"), ("both", "MbInvalidRequest"), ("empty", "MbNotConnected")],
            run.Errors.Select(error => ((string)error.TargetObject, error.FullyQualifiedErrorId.Split(',')[0])));
        Assert.Equal(["one", "two"], engine.Run("(Get-MbProjectToken -Session one).Project; (Get-MbProjectToken -Session two).Project").MustSucceed().Select(name => name.ToString()));
        Secret.MustNotBeIn(run, engine.Host, first.Token, second.Token);
    }

    [Fact]
    public async Task A_variable_is_named_on_the_command_line_too_and_nothing_else_takes_its_place()
    {
        await using ServerProcess server = await ServerProcess.StartAsync();
        Environment.SetEnvironmentVariable(_variable, server.Token);
        using var engine = new PowerShellEngine();

        Assert.Equal("named", engine.Run("Connect-MbProject -TokenVariable $name -BaseUri $address -Name named -PassThru", ("name", _variable), ("address", server.BaseAddress)).MustSucceed().Single().Get<string>("Name"));
        foreach (string name in new[] { "$null", "''", $"'{_variable}_NONE'" })
        {
            Assert.NotNull(engine.Try($"Connect-MbProject -TokenVariable {name} -BaseUri $address -Name other -ErrorAction Stop").End);
        }

        Assert.Single(engine.Run("Get-MbSession").MustSucceed());
    }
}
