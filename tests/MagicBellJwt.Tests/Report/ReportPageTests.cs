using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using System.Xml.Linq;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Report;

public sealed class ReportPageTests : IAsyncLifetime
{
    private const string Hostile = "</td><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;";

    // For each piece of text on the page: is its colour far enough from what is behind it (WCAG 2.2, 4.5 to 1)?
    private const string FaintText = """
        (() => {
          const rgb = text => text.match(/[\d.]+/g).map(Number);
          const light = color => { const [r, g, b] = rgb(color).map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
          const behind = element => { for (let e = element; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if ((rgb(c)[3] ?? 1) === 1) return c; } return 'rgb(255, 255, 255)'; };
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          const faint = [];
          while (walker.nextNode()) {
            const e = walker.currentNode.parentElement;
            if (!walker.currentNode.data.trim() || !e.getClientRects().length || e.closest('title, desc')) continue;
            const style = getComputedStyle(e);
            const [a, b] = [light(e.namespaceURI.endsWith('svg') ? style.fill : style.color), light(behind(e))].sort((x, y) => y - x);
            if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(walker.currentNode.data.trim() + ' ' + ((a + 0.05) / (b + 0.05)).toFixed(2));
          }
          return faint;
        })()
        """;

    // Words that go on in another line, but those that no column has room for.
    private const string BrokenWords = """
        (() => {
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          const broken = [];
          while (walker.nextNode()) {
            const node = walker.currentNode;
            if (!node.parentElement.getClientRects().length || node.parentElement.closest('svg, .skip, .long')) continue;
            for (const word of node.data.matchAll(/\S+/g)) {
              if (word[0].length > 40) continue;
              const range = document.createRange();
              range.setStart(node, word.index);
              range.setEnd(node, word.index + word[0].length);
              if (new Set([...range.getClientRects()].map(r => Math.round(r.top / 8))).size > 1) broken.push(word[0]);
            }
          }
          return broken;
        })()
        """;

    private static readonly string[] s_names = ["laptop", "phone", "kiosk"];

    private readonly AuditedProject _project = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");

    private string Page => Path.Combine(_folder.FullName, "report.html");

    public ValueTask InitializeAsync()
    {
        _project.Add("production backend", 20, 70);
        _project.Add("billing worker", 60, 6);
        _project.Add("data warehouse export", 200, null);
        _project.Add("ci", 12, 78);
        _project.Add("ci", 81, 99);
        _project.Add("old laptop", 130, -30);
        _project.Add("retired", 10, 100, isDiscarded: true);
        _project.Add(Hostile, 3, 87);
        _project.Add("חשבון ראשי", 40, 80);
        _project.Add("لوحة التحكم", 10, 390);
        _project.Add(new string('x', 200), 30, 65);
        for (int user = 1; user <= 24; user++)
        {
            for (int token = 0; token <= user % 7; token++)
            {
                _project.Add(token % 4 == 3 ? null : s_names[token % 3], ((user * 11) + token) % 85, 1 + (((user * 37) + (token * 53)) % 360), FormattableString.Invariant($"usr_{user:000}"));
            }
        }

        _project.Add("laptop", 2, 50, Hostile);
        using PowerShellEngine engine = _project.Connect();
        engine.Run(
            "$(1..24 | ForEach-Object { 'usr_{0:000}' -f $_ }; $hostile) | Get-MbTokenReport | Export-MbTokenReport $path",
            ("path", Page),
            ("hostile", Hostile)).MustSucceed();
        return default;
    }

    public async ValueTask DisposeAsync()
    {
        await _project.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public void The_page_is_one_file_without_scripts_or_addresses_and_every_value_is_text()
    {
        string html = File.ReadAllText(Page);

        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotMatch(@"(?i)<(link|img|iframe|object|embed|form|base)\b|\son\w+=|@import|url\(|javascript:", Regex.Replace(html, "&lt;.*?(?=<)", ""));
        Assert.Equal(["http://www.w3.org/2000/svg"], Regex.Matches(html, @"\w+://[\w.]+[\w/.]*|(?<=(src|href)="")[^#].*?(?="")").Select(match => match.Value).Distinct());
        Assert.Contains("Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-", html, StringComparison.Ordinal);
        Assert.DoesNotContain(" style=", html, StringComparison.Ordinal);
        Assert.Contains("&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(2)&gt;&quot;&#39;&amp;amp;", html, StringComparison.Ordinal);
    }

    [Fact]
    public void The_body_is_well_formed_and_holds_each_token_where_it_belongs()
    {
        string html = File.ReadAllText(Page);
        var body = XElement.Parse("<body>" + Regex.Match(html, "<body>(.*)</body>", RegexOptions.Singleline).Groups[1].Value + "</body>");
        XElement Section(string id) => body.Descendants("section").Single(section => section.Attribute("id")?.Value == id);
        int Rows(string id) => Section(id).Descendants("tr").Count(row => row.Parent!.Name == "tbody" && row.Attribute("class")?.Value != "group");

        using PowerShellEngine engine = _project.Connect();
        int[] counts = [.. engine.Run(
            """
            $rows = $(1..24 | ForEach-Object { 'usr_{0:000}' -f $_ }; $hostile) | Get-MbTokenReport
            @($rows).Count, @($rows | Where-Object Severity -ne None).Count, @($rows | Where-Object Status -ne Discarded).Count, @($rows | Where-Object Severity -eq High).Count
            """,
            ("hostile", Hostile)).MustSucceed().Select(count => (int)count.BaseObject)];
        Assert.Equal(counts[0], Rows("by-owner"));
        Assert.Equal(counts[1], Rows("by-severity"));
        Assert.Equal(counts[2], Rows("by-expiry"));
        Assert.Equal(counts[3].ToString(CultureInfo.InvariantCulture), Section("summary").Descendants("div").Single(div => div.Attribute("class")?.Value == "High").Element("dd")!.Value);
        Assert.Equal(["High", "Medium", "Low"], Section("by-severity").Descendants("th").Where(head => head.Attribute("scope")?.Value == "rowgroup").Select(head => head.Elements().First().Value));
        Assert.All(body.Descendants("table"), table => Assert.NotEmpty(table.Element("caption")!.Value));
        Assert.All(body.Descendants("th"), head => Assert.NotNull(head.Attribute("scope")));

        // The drawing, its text and its table are of one mind.
        int drawn = Section("time-line").Descendants("tbody").Single().Elements("tr").Sum(row => int.Parse(row.Elements("td").First().Value, CultureInfo.InvariantCulture));
        Assert.Contains($"end within 52 weeks: {drawn},", body.Descendants().Single(element => element.Name.LocalName == "desc").Value, StringComparison.Ordinal);
        Assert.Equal(
            Section("time-line").Descendants("tbody").Single().Elements("tr").Count(),
            body.Descendants().Count(element => element.Name.LocalName == "g"));
    }

    [Fact]
    public async Task A_browser_shows_it_at_1280_1000_and_400_pixels_in_light_and_in_dark()
    {
        if (Chromium.Path is null)
        {
            TestContext.Current.SendDiagnosticMessage("No Chromium is installed here: the page was not looked at in a browser, only read.");
            TestContext.Current.TestOutputHelper?.WriteLine("No Chromium is installed here: the page was not looked at in a browser, only read.");
            return;
        }

        await using Chromium browser = await Chromium.StartAsync();
        foreach ((int width, bool dark) in ((int, bool)[])[(1280, false), (1280, true), (1000, false), (400, false), (400, true)])
        {
            await browser.OpenAsync(Page, width, dark);
            byte[] screenshot = await browser.ScreenshotAsync(width);
            TestContext.Current.AddAttachment($"report-{width}-{(dark ? "dark" : "light")}.png", screenshot, "image/png");
            Assert.Equal(width, (screenshot[18] * 256) + screenshot[19]);

            Assert.Empty(await ListAsync(browser, FaintText));
            if (width >= 1000)
            {
                Assert.Empty(await ListAsync(browser, BrokenWords));
            }

            Assert.Empty(await ListAsync(browser, "[...document.querySelectorAll('body *')].filter(e => e.getClientRects().length && !e.closest('.skip, thead') && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"));
            Assert.Equal(width, (await browser.EvaluateAsync("document.documentElement.scrollWidth")).GetInt32());
            Assert.Equal(dark, (await browser.EvaluateAsync("getComputedStyle(document.body).backgroundColor")).GetString() is not "rgb(250, 249, 247)");
            Assert.Equal(0, (await browser.EvaluateAsync("document.scripts.length + document.images.length + performance.getEntriesByType('resource').length")).GetInt32());
            Assert.Empty(await ListAsync(browser, "[...document.querySelectorAll('a')].map(a => a.getAttribute('href')).filter(href => !document.getElementById(href.slice(1)))"));
            Assert.Empty(await ListAsync(browser, "[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, place, all) => all.indexOf(id) !== place)"));
            Assert.Equal([Hostile], (await ListAsync(browser, "[...new Set([...document.querySelectorAll('b')].map(b => b.textContent).filter(t => t.includes('script')))]")));
            Assert.Equal(["rtl"], await ListAsync(browser, "[...new Set([...document.querySelectorAll('b > bdi')].filter(b => /[\\u0590-\\u06ff]/.test(b.textContent)).map(b => getComputedStyle(b).direction))]"));
            Assert.Equal(["Document"], browser.Events.Where(entry => entry.Method == "Network.requestWillBeSent").Select(entry => JsonDocument.Parse(entry.Text).RootElement.GetProperty("type").GetString()));
            Assert.DoesNotContain(browser.Events, entry => entry.Method is "Page.javascriptDialogOpening" or "Log.entryAdded" or "Runtime.exceptionThrown");

            // Tables stay tables for a screen reader where they are shown as cards.
            (string Role, string Name, string Description)[] heard = await browser.ReadAloudAsync();
            Assert.Empty(((string[])["banner", "navigation", "main", "contentinfo", "heading", "columnheader", "rowheader", "cell"]).Except(heard.Select(node => node.Role)));
            Assert.Contains(heard, node => node is ("table", "Tokens with findings, the most severe first", _));
            Assert.Contains(heard, node => node is ("image", "Tokens that end within the next 52 weeks", _) && node.Description.Contains("end within 52 weeks: ", StringComparison.Ordinal));
            Assert.Contains(heard, node => node is ("region", "By expiry", _));
        }

        await browser.UsePaperAsync();
        byte[] paper = await browser.PrintAsync();
        TestContext.Current.AddAttachment("report.pdf", paper, "application/pdf");
        Assert.Equal("%PDF"u8, paper.AsSpan(0, 4));
        Assert.Equal("rgb(255, 255, 255)", (await browser.EvaluateAsync("getComputedStyle(document.body).backgroundColor")).GetString());
        Assert.Equal("none", (await browser.EvaluateAsync("getComputedStyle(document.querySelector('nav')).display")).GetString());
        Assert.Equal("table-header-group", (await browser.EvaluateAsync("getComputedStyle(document.querySelector('.cards thead')).display")).GetString());
        Assert.Empty(await ListAsync(browser, FaintText));

        // Details in print are of findings alone.
        Assert.Equal(["none", "none", "block"], await ListAsync(browser, "['by-owner', 'by-expiry', 'by-severity'].map(id => getComputedStyle(document.getElementById(id)).display)"));
        Assert.InRange(Regex.Count(System.Text.Encoding.Latin1.GetString(paper), @"/Type\s*/Page\b"), 1, 6);
    }

    private static async Task<string[]> ListAsync(Chromium browser, string expression) =>
        [.. (await browser.EvaluateAsync(expression)).EnumerateArray().Select(item => item.GetString()!)];
}
