using System;
using System.IO;
using MagicBellJwt.Tests.Commands;
using MagicBellJwt.Tests.Engine;
using MagicBellJwt.Tests.Server;
using Xunit;

namespace MagicBellJwt.Tests.Rotation;

/// <summary>What is kept in the platform's state directory. A variable moves it, which is the whole process's: nothing else runs meanwhile.</summary>
[Collection(nameof(EnvironmentTests))]
public sealed class StateDirectoryTests(ServerFixture fixture) : RotationTestBase<ServerFixture>(fixture)
{
    [Fact]
    public void The_journal_is_in_the_state_directory_unless_told_otherwise()
    {
        if (OperatingSystem.IsWindows() || OperatingSystem.IsMacOS())
        {
            // Their folders cannot be moved by a variable.
            return;
        }

        Issue("state");
        string? before = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        Environment.SetEnvironmentVariable("XDG_STATE_HOME", Folder);
        try
        {
            Run("Update-MbProjectToken state -SaveTo { param($Issued) $Issued.Token }").MustSucceed();
        }
        finally
        {
            Environment.SetEnvironmentVariable("XDG_STATE_HOME", before);
        }

        string file = Assert.Single(Directory.GetFiles(Path.Combine(Folder, "MagicBellJwt"), "*.jsonl"));
        Assert.StartsWith("127.0.0.1-", Path.GetFileName(file), StringComparison.Ordinal);
    }

    [Fact]
    public void A_sandbox_leaves_no_journal_behind()
    {
        if (OperatingSystem.IsWindows() || OperatingSystem.IsMacOS())
        {
            // Their folders cannot be moved by a variable.
            return;
        }

        string? before = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        Environment.SetEnvironmentVariable("XDG_STATE_HOME", Folder);
        try
        {
            using var engine = new PowerShellEngine();
            engine.Run("Connect-MbProject -Sandbox; $null = New-MbProjectToken ci; Update-MbProjectToken ci -SaveTo { param($Issued) $Issued.Token }").MustSucceed();
        }
        finally
        {
            Environment.SetEnvironmentVariable("XDG_STATE_HOME", before);
        }

        Assert.Empty(Directory.GetFiles(Path.Combine(Folder, "MagicBellJwt")));
    }

    [Fact]
    public void The_platforms_own_place_warns_once_and_goes_on()
    {
        string? before = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere the folder cannot be moved.");
        File.WriteAllText(Path.Combine(Folder, "state"), "a file where the folder belongs");
        Environment.SetEnvironmentVariable("XDG_STATE_HOME", Path.Combine(Folder, "state"));
        try
        {
            Engine.Connect(Server, "-Name lenient");
            Run run = Run("New-MbProjectToken 1 -ExpiresIn 1d; New-MbProjectToken 2 -ExpiresIn 1d");
            Assert.Equal(2, run.Output.Count);
            Assert.Contains("not recorded", Assert.Single(run.Warnings), StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable("XDG_STATE_HOME", before);
        }
    }
}
