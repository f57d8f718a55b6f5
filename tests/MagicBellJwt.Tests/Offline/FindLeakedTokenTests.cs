using System;
using System.Diagnostics;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Management.Automation;
using System.Text;
using System.Threading.Tasks;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Offline;

public sealed class FindLeakedTokenTests : IDisposable
{
    // What would hang for ever fails after it.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private readonly PowerShellEngine _engine = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("leaks").FullName;

    public void Dispose()
    {
        _engine.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Says_where_a_token_stands_and_what_it_says()
    {
        string path = Write("app.log", $"one\ntwo\r\nthrée Authorization: Bearer {TokenText.User}\n");
        Run run = Find("Find-MbLeakedToken $path -Verbose -Debug", path);

        PSObject leak = Assert.Single(run.MustSucceed());
        Assert.Equal("MagicBellJwt.LeakedToken", leak.TypeNames[0]);
        Assert.Equal(path, leak.Get<string>("Path"));
        Assert.Equal(3, leak.Get<long>("Line"));
        Assert.Equal(29, leak.Get<long>("Column"));
        Assert.Equal(TokenText.Fingerprint(TokenText.User), leak.Get<string>("Fingerprint"));
        Assert.Equal("User", leak.Get<string>("Kind"));
        Assert.Equal("7c1f6fd0-9a0a-4a9e-9a57-0c7fd58bb0a1", leak.Get<string>("TokenId"));
        Assert.Equal("7c1f6fd0-9a0a-4a9e-9a57-0c7fd58bb0a1", leak.Get<string>("Id"));
        Assert.Equal("usr_1", leak.Get<string>("UserId"));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(4_102_444_800), leak.Get<DateTimeOffset>("ExpiresAt"));
        Assert.Null(leak.Properties["Live"].Value);
        Assert.Equal(path + ":3:29", leak.ToString());
        Secret.MustNotBeIn(run, _engine.Host, TokenText.User, TokenText.User.Split('.')[1], TokenText.User.Split('.')[2]);
    }

    [Fact]
    public void Searches_text_from_the_pipeline_and_counts_its_lines()
    {
        Run run = Find("'none', \"a $token b\", \"c`n$token`n\", 5, $null, '', $token | Find-MbLeakedJwt", "");

        Assert.Equal([(2, 3), (4, 1), (7, 1)], run.MustSucceed().Select(leak => (leak.Get<int>("Line"), leak.Get<int>("Column"))));
        Assert.All(run.Output, leak => Assert.Null(leak.Properties["Path"].Value));
        Secret.MustNotBeIn(run, _engine.Host, TokenText.User);
    }

    [Theory]
    [InlineData("Find-MbLeakedToken $folder", "a.log b.txt")]
    [InlineData("Find-MbLeakedToken -LiteralPath $folder -Recurse", "a.log b.txt deep/c.log deep/deeper/d.log")]
    [InlineData("Find-MbLeakedToken $folder/*.log", "a.log")]
    [InlineData("Find-MbLeakedToken $folder/*.log, $folder/b.txt", "a.log b.txt")]
    [InlineData("Find-MbLeakedToken $folder/* -Recurse", "a.log b.txt deep/c.log deep/deeper/d.log")]
    [InlineData("Find-MbLeakedToken $folder/*.none", "")]
    [InlineData("Find-MbLeakedToken ./deep", "deep/c.log")]
    [InlineData("Find-MbLeakedToken -LiteralPath deep/c.log", "deep/c.log")]
    [InlineData("[IO.FileInfo]::new(\"$folder/a.log\") | Find-MbLeakedToken", "a.log")]
    [InlineData("[IO.DirectoryInfo]::new($folder) | Find-MbLeakedToken -Recurse", "a.log b.txt deep/c.log deep/deeper/d.log")]
    [InlineData("[pscustomobject]@{ PSPath = \"Microsoft.PowerShell.Core\\FileSystem::$folder/a.log\" } | Find-MbLeakedToken", "a.log")]
    [InlineData("Find-MbLeakedToken -PSPath \"Microsoft.PowerShell.Core\\FileSystem::$folder/a.log\"", "a.log")]
    public void Searches_the_files_that_were_asked_for(string script, string files)
    {
        foreach (string file in new[] { "a.log", "b.txt", "deep/c.log", "deep/deeper/d.log" })
        {
            Write(file, "x " + TokenText.User);
        }

        Run run = Find("$ExecutionContext.SessionState.Path.SetLocation($folder) | ForEach-Object { }; " + script, "");

        Assert.Equal(
            files.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            run.MustSucceed().Select(leak => System.IO.Path.GetRelativePath(_folder, leak.Get<string>("Path")).Replace('\\', '/')).Order());
    }

    [Fact]
    public void Takes_a_literal_path_literally()
    {
        string path = Write("[a].log", TokenText.User);
        Write("a.log", TokenText.User);

        Assert.Equal(path, Assert.Single(Find("Find-MbLeakedToken -LiteralPath $path", path).MustSucceed()).Get<string>("Path"));
        Assert.EndsWith("a.log", Assert.Single(Find("Find-MbLeakedToken $path", path).MustSucceed()).Get<string>("Path"), StringComparison.Ordinal);
    }

    [Fact]
    public void Searches_what_is_binary_and_leaves_out_what_is_empty()
    {
        string binary = Write("program", "\u007fELF\u0000\u0000\u0000\u0001\u0000 " + TokenText.User);
        string empty = Write("empty.log", "");
        string wide = System.IO.Path.Combine(_folder, "wide.log");
        File.WriteAllText(wide, "x " + TokenText.User, new UnicodeEncoding(bigEndian: true, byteOrderMark: false));
        Run run = Find("Find-MbLeakedToken $folder -Verbose", "");

        Assert.Equal(new[] { binary, wide }.Order(), run.MustSucceed().Select(leak => leak.Get<string>("Path")).Order());
        Assert.Equal([$"Left out '{empty}': it is empty, or no ordinary file."], run.Verbose);
        Assert.Empty(run.Warnings);
    }

    [Fact]
    public void Finds_what_a_list_broke_at_the_width_of_the_console()
    {
        string list = string.Join("\n              ", TokenText.User.Chunk(66).Select(piece => new string(piece)));
        string path = Write("transcript.txt", $"PS> New-MbUserToken\n\nName        : ci\nToken       : {list}\nFingerprint : abc\n");
        string table = Write("table.txt", $"Name Token\n---- -----\nci   {string.Join("\n     ", TokenText.User.Chunk(75).Select(piece => new string(piece)))}\n");

        PSObject leak = Assert.Single(Find("Find-MbLeakedToken $path", path).MustSucceed());
        Assert.Equal((4, 15), (leak.Get<int>("Line"), leak.Get<int>("Column")));
        Assert.Equal(TokenText.Fingerprint(TokenText.User), leak.Get<string>("Fingerprint"));
        leak = Assert.Single(Find("Find-MbLeakedToken $path", table).MustSucceed());
        Assert.Equal((3, 6), (leak.Get<int>("Line"), leak.Get<int>("Column")));
        Assert.Equal(TokenText.Fingerprint(TokenText.User), leak.Get<string>("Fingerprint"));
    }

    [Fact]
    public void Never_shows_a_token_that_was_found_in_base64()
    {
        string encoded = Convert.ToBase64String(Encoding.UTF8.GetBytes(TokenText.User));
        Run run = Find("Find-MbLeakedToken $path -Verbose -Debug; '" + encoded + "' | Find-MbLeakedToken -Verbose -Debug", Write("secret.yaml", "data:\n  token: " + encoded + "\n"));

        Assert.Equal([TokenText.Fingerprint(TokenText.User), TokenText.Fingerprint(TokenText.User)], run.MustSucceed().Select(leak => leak.Get<string>("Fingerprint")));
        Secret.MustNotBeIn(run, _engine.Host, TokenText.User, encoded);
    }

    [Fact]
    public void Unpacks_what_gzip_packed()
    {
        string path = Pack("app.log.1.gz", "one\ntwo " + TokenText.User + "\n");

        PSObject leak = Assert.Single(Find("Find-MbLeakedToken $path", path).MustSucceed());
        Assert.Equal(path, leak.Get<string>("Path"));
        Assert.Equal((2, 5), (leak.Get<int>("Line"), leak.Get<int>("Column")));
    }

    [Fact]
    public void What_gzip_did_not_pack_whole_is_an_error_and_the_rest_is_searched()
    {
        string path = Pack("app.log.1.gz", TokenText.User + "\n");
        byte[] bytes = File.ReadAllBytes(path);
        bytes.AsSpan(10).Fill(0xFF);
        File.WriteAllBytes(path, bytes);
        Write("b.log", TokenText.User);
        Run run = Find("Find-MbLeakedToken $folder", "");

        ErrorRecord error = Assert.Single(run.Errors);
        Assert.Equal("MbFileUnreadable,MagicBellJwt.Commands.FindMbLeakedTokenCommand", error.FullyQualifiedErrorId);
        Assert.Equal(path, error.TargetObject);
        Assert.Single(run.Output);
    }

    [Theory]
    [InlineData("504B0304", "is a zip archive")]
    [InlineData("377ABCAF271C", "is a 7z archive")]
    [InlineData("526172211A07", "is a rar archive")]
    [InlineData("FD377A585A00", "is packed by xz")]
    [InlineData("28B52FFD", "is packed by zstd")]
    [InlineData("425A68", "is packed by bzip2")]
    [InlineData("04224D18", "is packed by lz4")]
    public void Says_what_it_cannot_unpack(string startHex, string what)
    {
        string path = System.IO.Path.Combine(_folder, "packed");
        File.WriteAllBytes(path, [.. Convert.FromHexString(startHex), .. Encoding.UTF8.GetBytes(TokenText.User)]);
        File.Copy(path, path + ".copy");

        // What is stored as it is can be found all the same.
        Run named = Find("Find-MbLeakedToken $path", path);
        Assert.Single(named.MustSucceed());
        Assert.Equal([$"Not all of '{path}' was searched: it {what}, and what is packed in it was not searched: unpack it first."], named.Warnings);
        Run folder = Find("Find-MbLeakedToken $folder -Verbose", "");
        Assert.Equal(2, folder.MustSucceed().Count);
        Assert.Equal(2, folder.Verbose.Count(line => line.StartsWith("Left out '" + path, StringComparison.Ordinal)));
        Assert.Equal([$"Left out: 2 of which each {what}, and what is packed in it was not searched: unpack it first. -Verbose names them."], folder.Warnings);
    }

    [Theory]
    [InlineData("'./a.log' | Find-MbLeakedToken", 1)]
    [InlineData("'none', 'a.log', './a.log', $folder | Find-MbLeakedToken", 1)]
    [InlineData("$path | Find-MbLeakedToken", 1)]
    [InlineData("'none', 'a*', 'nodrive:/x', 'variable:HOME', \"a.log`n\", '', ' ' | Find-MbLeakedToken", 0)]
    [InlineData("[IO.FileInfo]::new($path) | Find-MbLeakedToken", 0)]
    public void A_path_that_is_searched_as_text_is_said_once(string script, int warnings)
    {
        string path = Write("a.log", "nothing");
        Run run = Find("$ExecutionContext.SessionState.Path.SetLocation($folder) | ForEach-Object { }; " + script, path);

        Assert.Empty(run.MustSucceed());
        Assert.Equal(warnings, run.Warnings.Count);
        Assert.All(run.Warnings, warning => Assert.Contains("was searched as text", warning, StringComparison.Ordinal));
    }

    [Fact]
    public void Reads_what_the_system_shows_as_a_file_without_a_size()
    {
        if (!OperatingSystem.IsLinux())
        {
            // It takes /proc.
            return;
        }

        var start = new ProcessStartInfo("sleep", ["60"]);
        start.Environment["LEAKED_TOKEN"] = TokenText.User;
        using Process process = Process.Start(start)!;
        try
        {
            Run run = Find("Find-MbLeakedToken $path", $"/proc/{process.Id}/envir*");
            Assert.Equal($"/proc/{process.Id}/environ", Assert.Single(run.MustSucceed()).Get<string>("Path"));
        }
        finally
        {
            process.Kill();
            process.WaitForExit();
        }
    }

    [Fact]
    public void A_huge_file_is_left_out_of_a_folder_and_searched_by_its_name()
    {
        // Over 16 GiB by its length, next to nothing on the disk; the search by name ends with the first token.
        string path = Write("huge.log", TokenText.User + new string('\n', 8_000));
        using (var file = new FileStream(path, FileMode.Open))
        {
            Sparse(path);
            file.SetLength((16L << 30) + 1);
        }

        Run run = Find("Find-MbLeakedToken $folder -Verbose", "");
        Assert.Empty(run.MustSucceed());
        Assert.Equal($"Left out '{path}': it is over 16 GiB and was not named itself.", Assert.Single(run.Verbose));
        Assert.Single(Find("Find-MbLeakedToken $path | Select-Object -First 1", path).MustSucceed());
    }

    [Theory]
    [InlineData("Find-MbLeakedToken $folder/none.log", "MbPathNotFound", ErrorCategory.ObjectNotFound)]
    [InlineData("Find-MbLeakedToken -LiteralPath \"$folder/no*.log\"", "MbPathNotFound", ErrorCategory.ObjectNotFound)]
    [InlineData("Find-MbLeakedToken nodrive:/x", "MbPathNotFound", ErrorCategory.ObjectNotFound)]
    [InlineData("Find-MbLeakedToken variable:HOME", "MbInvalidRequest", ErrorCategory.InvalidArgument)]
    public void What_is_not_there_is_an_error_and_the_rest_is_searched(string script, string id, ErrorCategory category)
    {
        string path = Write("a.log", TokenText.User);
        Run run = Find(script + "; Find-MbLeakedToken $path", path);

        ErrorRecord error = Assert.Single(run.Errors);
        Assert.Equal(id + ",MagicBellJwt.Commands.FindMbLeakedTokenCommand", error.FullyQualifiedErrorId);
        Assert.Equal(category, error.CategoryInfo.Category);
        Assert.NotNull(error.TargetObject);
        Assert.Single(run.Output);
    }

    [Fact]
    public void A_link_to_what_is_not_there_is_left_out()
    {
        string dangling = System.IO.Path.Combine(_folder, "a-dangling.log");
        File.CreateSymbolicLink(dangling, System.IO.Path.Combine(_folder, "gone"));
        Write("b.log", TokenText.User);
        Run run = Find("Find-MbLeakedToken $folder -Verbose", "");

        Assert.Single(run.MustSucceed());
        Assert.Equal([$"Left out '{dangling}': it is a link to what is not there."], run.Verbose);
        Assert.Empty(run.Warnings);
    }

    [Fact]
    public void Follows_no_link_to_a_folder()
    {
        Write("deep/a.log", TokenText.User);
        string link = System.IO.Path.Combine(_folder, "deep", "again");
        Directory.CreateSymbolicLink(link, _folder);
        Run run = Find("Find-MbLeakedToken $folder -Recurse -Verbose", "");

        Assert.Single(run.MustSucceed());
        Assert.Equal($"Left out '{link}': it is a link to a folder.", Assert.Single(run.Verbose));
        Assert.Equal("Left out: 1 of which each is a link to a folder. -Verbose names them.", Assert.Single(run.Warnings));
    }

    [Fact]
    public async Task A_stop_ends_a_search_that_hangs_in_the_system()
    {
        if (OperatingSystem.IsWindows())
        {
            // It takes a named pipe of the file system.
            return;
        }

        string pipe = MakePipe();
        using RunningScript search = _engine.Start("Find-MbLeakedToken $path", ("path", pipe));
        try
        {
            await Task.Delay(500, TestContext.Current.CancellationToken);
            (Run run, TimeSpan took) = await Task.Run(search.Stop, TestContext.Current.CancellationToken).WaitAsync(s_limit, TestContext.Current.CancellationToken);

            Assert.Equal("PipelineStopped", run.End?.FullyQualifiedErrorId);
            Assert.True(took < TimeSpan.FromSeconds(10), took.ToString());
        }
        finally
        {
            // Ends the read that hangs.
            await File.WriteAllTextAsync(pipe, "", TestContext.Current.CancellationToken).WaitAsync(s_limit, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task Shows_how_far_it_is_when_it_takes_long()
    {
        if (OperatingSystem.IsWindows())
        {
            // It takes a named pipe of the file system.
            return;
        }

        string pipe = MakePipe();
        using RunningScript search = _engine.Start("Find-MbLeakedToken $path", ("path", pipe));
        using (FileStream writer = await Task.Run(() => new FileStream(pipe, FileMode.Open, FileAccess.Write)).WaitAsync(s_limit, TestContext.Current.CancellationToken))
        {
            byte[] text = Encoding.UTF8.GetBytes(new string('.', 1024 * 1024 - 1) + "\n");
            for (int i = 0; i < 8; i++)
            {
                await writer.WriteAsync(text, TestContext.Current.CancellationToken);
                await Task.Delay(250, TestContext.Current.CancellationToken);
            }

            await writer.WriteAsync(Encoding.UTF8.GetBytes(TokenText.User), TestContext.Current.CancellationToken);
        }

        Run run = search.Wait();
        Assert.Equal(9, Assert.Single(run.MustSucceed()).Get<long>("Line"));
        Assert.Contains(run.Progress, record => record.StatusDescription.Contains(" MiB searched", StringComparison.Ordinal) && record.CurrentOperation == pipe);
        Assert.Equal(ProgressRecordType.Completed, run.Progress[^1].RecordType);
        Assert.Single(run.Progress, record => record.RecordType == ProgressRecordType.Completed);
    }

    [Fact]
    public void A_short_search_shows_no_progress() => Assert.Empty(Find("Find-MbLeakedToken $path", Write("a.log", "x")).Progress);

    private Run Find(string script, string path) => _engine.Run(script, ("path", path), ("folder", _folder), ("token", TokenText.User));

    private string Write(string name, string text)
    {
        string path = System.IO.Path.GetFullPath(System.IO.Path.Combine(_folder, name));
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    private string Pack(string name, string text)
    {
        string path = System.IO.Path.Combine(_folder, name);
        using var packed = new GZipStream(File.Create(path), CompressionLevel.Fastest);
        packed.Write(Encoding.UTF8.GetBytes(text));
        return path;
    }

    private string MakePipe()
    {
        string pipe = System.IO.Path.Combine(_folder, "pipe");
        using Process make = Process.Start("mkfifo", [pipe]);
        make.WaitForExit();
        Assert.Equal(0, make.ExitCode);
        return pipe;
    }

    // Elsewhere a file is sparse without being asked.
    private static void Sparse(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            using Process mark = Process.Start("fsutil", ["sparse", "setflag", path]);
            mark.WaitForExit();
        }
    }
}
