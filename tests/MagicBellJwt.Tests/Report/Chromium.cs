using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Threading;
using System.Threading.Tasks;

namespace MagicBellJwt.Tests.Report;

/// <summary>A real browser without a window, spoken to over its DevTools protocol.</summary>
internal sealed class Chromium : IAsyncDisposable
{
    private static readonly string[] s_names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "chrome.exe"];

    private static readonly JsonSerializerOptions s_json = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private readonly Process _process;
    private readonly DirectoryInfo _profile;
    private readonly ClientWebSocket _socket = new();
    private readonly List<JsonElement> _events = [];
    private string? _session;
    private int _sent;

    private Chromium(Process process, DirectoryInfo profile)
    {
        _process = process;
        _profile = profile;
    }

    /// <summary>Where the browser is installed; null where it is not.</summary>
    public static string? Path { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(System.IO.Path.PathSeparator)
        .SelectMany(folder => s_names.Select(name => System.IO.Path.Combine(folder, name)))
        .FirstOrDefault(File.Exists);

    /// <summary>The addresses that were asked for, dialogs, and what the page's policy refused, since it was opened.</summary>
    public IEnumerable<(string Method, string Text)> Events => _events.Select(entry => (entry.GetProperty("method").GetString()!, entry.GetProperty("params").GetRawText()));

    public static async Task<Chromium> StartAsync()
    {
        DirectoryInfo profile = Directory.CreateTempSubdirectory("MagicBellJwt");
        var start = new ProcessStartInfo(Path!) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (string argument in (string[])["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-background-networking", "--remote-debugging-port=0", "--user-data-dir=" + profile.FullName, "about:blank"])
        {
            start.ArgumentList.Add(argument);
        }

        Process process = Process.Start(start)!;
        const string Listening = "DevTools listening on ";
        var said = new StringBuilder();
        while (await process.StandardError.ReadLineAsync() is { } line)
        {
            if (line.StartsWith(Listening, StringComparison.Ordinal))
            {
                _ = process.StandardError.BaseStream.CopyToAsync(Stream.Null);
                var browser = new Chromium(process, profile);
                await browser._socket.ConnectAsync(new Uri(line[Listening.Length..]), CancellationToken.None);
                JsonElement target = await browser.SendAsync("Target.createTarget", new { url = "about:blank" });
                JsonElement attached = await browser.SendAsync("Target.attachToTarget", new { targetId = target.GetProperty("targetId").GetString(), flatten = true });
                browser._session = attached.GetProperty("sessionId").GetString();
                foreach (string domain in (string[])["Page", "Network", "Log", "Runtime", "Accessibility"])
                {
                    await browser.SendAsync(domain + ".enable");
                }

                return browser;
            }

            said.AppendLine(line);
        }

        throw new InvalidOperationException("The browser did not start: " + said);
    }

    /// <summary>Opens a file as wide as a screen, in light or in dark, and waits until it is there.</summary>
    public async Task OpenAsync(string file, int width, bool dark)
    {
        await SendAsync("Emulation.setDeviceMetricsOverride", new { width, height = 900, deviceScaleFactor = 1, mobile = width < 600 });
        await SendAsync("Emulation.setEmulatedMedia", new { media = "screen", features = new[] { new { name = "prefers-color-scheme", value = dark ? "dark" : "light" } } });
        _events.Clear();
        await SendAsync("Page.navigate", new { url = new Uri(file).AbsoluteUri });
        while (!_events.Any(entry => entry.GetProperty("method").GetString() == "Page.loadEventFired"))
        {
            await ReceiveAsync();
        }
    }

    /// <summary>Asks the page.</summary>
    public async Task<JsonElement> EvaluateAsync(string expression)
    {
        JsonElement answer = await SendAsync("Runtime.evaluate", new { expression, returnByValue = true });
        return answer.TryGetProperty("exceptionDetails", out JsonElement exception)
            ? throw new InvalidOperationException(exception.GetRawText())
            : answer.GetProperty("result").TryGetProperty("value", out JsonElement value) ? value : default;
    }

    /// <summary>What a screen reader is told: role, name and description.</summary>
    public async Task<(string Role, string Name, string Description)[]> ReadAloudAsync()
    {
        JsonElement tree = await SendAsync("Accessibility.getFullAXTree");
        return [.. tree.GetProperty("nodes").EnumerateArray()
            .Where(node => !node.GetProperty("ignored").GetBoolean())
            .Select(node => (Text(node, "role"), Text(node, "name"), Text(node, "description")))];

        static string Text(JsonElement node, string property) =>
            node.TryGetProperty(property, out JsonElement holder) && holder.TryGetProperty("value", out JsonElement value) ? value.ToString() : "";
    }

    /// <summary>The whole page as PNG, or the top of it where it is very long.</summary>
    public async Task<byte[]> ScreenshotAsync(int width)
    {
        int height = Math.Min(8000, (int)(await EvaluateAsync("document.documentElement.scrollHeight")).GetDouble());
        JsonElement shot = await SendAsync("Page.captureScreenshot", new { captureBeyondViewport = true, clip = new { x = 0, y = 0, width, height, scale = 1 } });
        return shot.GetProperty("data").GetBytesFromBase64();
    }

    /// <summary>The page as it is printed.</summary>
    public async Task<byte[]> PrintAsync() => (await SendAsync("Page.printToPDF", new { printBackground = true, preferCSSPageSize = true })).GetProperty("data").GetBytesFromBase64();

    /// <summary>Shows the page as paper would, to who prefers dark screens.</summary>
    public Task UsePaperAsync() => SendAsync("Emulation.setEmulatedMedia", new { media = "print", features = new[] { new { name = "prefers-color-scheme", value = "dark" } } });

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _profile.Delete(recursive: true);
    }

    private async Task<JsonElement> SendAsync(string method, object? parameters = null)
    {
        int id = ++_sent;
        byte[] message = JsonSerializer.SerializeToUtf8Bytes(new { id, method, @params = parameters ?? new { }, sessionId = _session }, s_json);
        await _socket.SendAsync(message, WebSocketMessageType.Text, true, CancellationToken.None);
        while (true)
        {
            JsonElement answer = await ReceiveAsync();
            if (answer.TryGetProperty("id", out JsonElement answered) && answered.GetInt32() == id)
            {
                return answer.TryGetProperty("result", out JsonElement result) ? result : throw new InvalidOperationException($"{method}: {answer.GetRawText()}");
            }
        }
    }

    private async Task<JsonElement> ReceiveAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var message = new MemoryStream();
        byte[] buffer = new byte[65536];
        ValueWebSocketReceiveResult part;
        do
        {
            part = await _socket.ReceiveAsync(buffer.AsMemory(), limit.Token);
            message.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);

        JsonElement received = JsonDocument.Parse(message.ToArray()).RootElement;
        if (received.TryGetProperty("method", out _))
        {
            _events.Add(received);
        }

        return received;
    }
}
