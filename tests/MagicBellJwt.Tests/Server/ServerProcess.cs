using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Json;
using System.Security;
using System.Text.Json;
using System.Threading.Tasks;

namespace MagicBellJwt.Tests.Server;

/// <summary>A request as the server recorded it.</summary>
internal sealed record RecordedRequest(DateTimeOffset Time, string ConnectionId, string Method, string Target, Dictionary<string, string> Headers, string Body, string? Fault);

/// <summary>A token as the server holds it.</summary>
internal sealed record ServerToken(string Id, string Kind, string? UserId, string? Name, bool Live);

/// <summary>A sandbox server in a process of its own: one project, reached over a real socket.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.KebabCaseLower };

    private readonly Process _process;
    private readonly DirectoryInfo _folder;
    private readonly HttpClient _control;

    private ServerProcess(Process process, DirectoryInfo folder, string address)
    {
        _process = process;
        _folder = folder;
        BaseAddress = new Uri(address);
        _control = new HttpClient { BaseAddress = new Uri(BaseAddress, "/_control/") };
        Token = File.ReadAllText(TokenFile(folder)).Trim();
    }

    /// <summary>The address for -BaseUri.</summary>
    public Uri BaseAddress { get; }

    /// <summary>The administrator's token.</summary>
    public string Token { get; }

    /// <summary>Starts a server without a rate limit, unless the options set one.</summary>
    /// <param name="options">Its command line, beyond what every test needs.</param>
    public static async Task<ServerProcess> StartAsync(params string[] options)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("MagicBellJwt");
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] limit = options.Any(option => option.EndsWith("-per-minute", StringComparison.Ordinal)) ? [] : ["--no-rate-limit"];
        string assembly = BuiltModule.OutputOf("tests/MagicBellJwt.SandboxServer", "MagicBellJwt.SandboxServer.dll");
        foreach (string argument in (string[])[assembly, "--urls", "http://127.0.0.1:0", "--admin-token-file", TokenFile(folder), .. limit, .. options])
        {
            start.ArgumentList.Add(argument);
        }

        Process process = Process.Start(start)!;
        const string Listening = "listening on ";
        string? line = await process.StandardOutput.ReadLineAsync();
        if (line?.StartsWith(Listening, StringComparison.Ordinal) is true)
        {
            return new ServerProcess(process, folder, line[Listening.Length..]);
        }

        string error = await process.StandardError.ReadToEndAsync();
        process.Dispose();
        folder.Delete(recursive: true);
        throw new InvalidOperationException($"The server did not start: {line} {error}");
    }

    /// <summary>The administrator's token as -ProjectToken takes it.</summary>
    public SecureString SecureToken() => Secret.Of(Token);

    /// <summary>Arms faults, behind those that are armed.</summary>
    public async Task FailAsync(params string[] faults)
    {
        using HttpResponseMessage answer = await _control.PostAsJsonAsync("faults", faults);
        if (!answer.IsSuccessStatusCode)
        {
            throw new ArgumentException(await answer.Content.ReadAsStringAsync(), nameof(faults));
        }
    }

    /// <summary>Disarms every fault, and forgets the requests so far: where one has closed the port, once it is open again.</summary>
    public async Task ResetAsync()
    {
        if (!await Eventually.IsAsync(TryResetAsync))
        {
            throw new InvalidOperationException("The server does not come back.");
        }
    }

    /// <summary>The requests since the last reset, oldest first.</summary>
    public async Task<RecordedRequest[]> RequestsAsync() => (await _control.GetFromJsonAsync<RecordedRequest[]>("requests", s_json))!;

    /// <summary>Every token, the administrator's too.</summary>
    public async Task<ServerToken[]> TokensAsync() => (await _control.GetFromJsonAsync<ServerToken[]>("tokens", s_json))!;

    /// <summary>Adds tokens named <c>seed 1</c> and on.</summary>
    public async Task SeedAsync(int projectTokens = 0, string? userId = null, int userTokens = 0)
    {
        using HttpResponseMessage answer = await _control.PostAsJsonAsync("seed", new Dictionary<string, object?>
        {
            ["project-tokens"] = projectTokens,
            ["user-id"] = userId,
            ["user-tokens"] = userTokens,
        });
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Ends the process.</summary>
    public async ValueTask DisposeAsync()
    {
        _control.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task<bool> TryResetAsync()
    {
        try
        {
            (await _control.DeleteAsync("faults")).EnsureSuccessStatusCode().Dispose();
            (await _control.DeleteAsync("requests")).EnsureSuccessStatusCode().Dispose();
            return true;
        }
        catch (HttpRequestException exception) when (exception.StatusCode is null)
        {
            return false;
        }
    }

    private static string TokenFile(DirectoryInfo folder) => Path.Combine(folder.FullName, "administrator.jwt");
}
