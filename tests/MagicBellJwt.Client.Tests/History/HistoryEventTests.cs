using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using MagicBellJwt.Client.History;
using Xunit;

namespace MagicBellJwt.Client.Tests.History;

/// <summary>Lines become operations: announced, ended, claimed, or none of it.</summary>
public sealed class HistoryEventTests : IDisposable
{
    private static readonly CallContext s_call = new(CancellationToken.None) { Reason = "CHG-4711" };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("MagicBellJwt");

    private string HistoryPath => Path.Combine(_folder.FullName, "history.jsonl");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Operations_come_as_they_end_and_those_without_an_end_last()
    {
        TokenHistory history = Open();
        long lost = await BeginAsync(history, "lost");
        long first = await BeginAsync(history, "first");
        long second = await BeginAsync(history, "second");
        await EndAsync(history, second, TokenHistory.Issued, "2");
        await EndAsync(history, first, TokenHistory.Failed, null);
        await history.ClaimAsync("2", "f", "prod/x", s_call);
        long unclaimed = await BeginAsync(history, "unclaimed");
        await EndAsync(history, unclaimed, TokenHistory.Issued, "3");

        HistoryEvent[] events = Read();
        Assert.Equal(["first", "second", "lost", "unclaimed"], events.Select(recorded => recorded["name"]));
        Assert.Equal([TokenHistory.Failed, TokenHistory.Issued, null, TokenHistory.Issued], events.Select(recorded => recorded.Outcome?["outcome"]));
        Assert.Equal([false, false, false, true], events.Select(recorded => recorded.IsUnclaimed));
        Assert.Equal("prod/x", events[1].Claim!["heldBy"]);
        Assert.All(events, recorded => Assert.Equal(("CHG-4711", "prod", "ada", "wall"), (recorded["reason"], recorded["project"], recorded["account"], recorded["host"])));
        Assert.Equal([lost, unclaimed], HistoryEvent.FindUnsettled(HistoryPath).Select(recorded => recorded.First.Sequence));
    }

    [Theory]
    [InlineData(TokenHistory.Revoked, false)]
    [InlineData(TokenHistory.AlreadyRevoked, false)]
    [InlineData(TokenHistory.Failed, true)]
    [InlineData(TokenHistory.Unknown, true)]
    public async Task A_token_that_nobody_took_is_settled_when_it_is_seen_to_be_revoked(string outcome, bool isUnclaimed)
    {
        TokenHistory history = Open();
        await EndAsync(history, await BeginAsync(history, "x"), TokenHistory.Issued, "1");
        long revoking = await history.BeginAsync("DiscardProjectJwt", new HistorySubject { Id = "1" }, null, s_call);
        await history.EndAsync(revoking, "DiscardProjectJwt", outcome, new HistorySubject(), null, null, s_call);
        Assert.Equal(isUnclaimed, Read().Single(recorded => recorded["op"] == "CreateProjectJwt").IsUnclaimed);
    }

    [Fact]
    public async Task What_people_were_told_of_is_not_told_again()
    {
        TokenHistory history = Open();
        long lost = await BeginAsync(history, "lost");
        long doubtful = await BeginAsync(history, "doubtful");
        await EndAsync(history, doubtful, TokenHistory.Unknown, null);
        Assert.Equal([lost, doubtful], HistoryEvent.FindUnsettled(HistoryPath).Select(recorded => recorded.First.Sequence).Order());

        await history.NoteToldAsync([lost], s_call);
        Assert.Equal([doubtful], HistoryEvent.FindUnsettled(HistoryPath).Select(recorded => recorded.First.Sequence));
        Assert.Equal(2, Read().Length);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task People_are_named_only_where_that_was_asked_for(bool isPersonal)
    {
        TokenHistory history = Open(isPersonal);
        await history.BeginAsync("CreateUserJwt", new HistorySubject { UserId = "usr_1", Email = "hana@example.com", ExternalId = "17" }, null, s_call);
        string text = File.ReadAllText(HistoryPath);
        Assert.Equal(isPersonal, text.Contains("hana@example.com", StringComparison.Ordinal));
        Assert.Equal(isPersonal, text.Contains("\"17\"", StringComparison.Ordinal));
        Assert.Contains("usr_1", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_must_be_recorded_and_cannot_be_is_refused_and_what_need_not_be_is_warned_of_once()
    {
        Directory.CreateDirectory(HistoryPath);
        MagicBellException failure = await Assert.ThrowsAsync<MagicBellException>(() => BeginAsync(Open(), "x"));
        Assert.Equal(MagicBellError.HistoryFailed, failure.Error);

        var warnings = new List<string>();
        CallContext call = s_call with { Notify = notice => warnings.Add(notice.Text) };
        TokenHistory lenient = Open(isRequired: false);
        Assert.Equal(0, await lenient.BeginAsync("CreateProjectJwt", new HistorySubject(), null, call));
        Assert.Equal(0, await lenient.BeginAsync("CreateProjectJwt", new HistorySubject(), null, call));
        await lenient.EndAsync(0, "CreateProjectJwt", TokenHistory.Issued, new HistorySubject(), null, null, call);
        await lenient.ClaimAsync("1", "f", "the pipeline", call);
        Assert.Single(warnings);
    }

    [Fact]
    public async Task A_line_that_cannot_be_read_is_named_and_the_others_are_read()
    {
        TokenHistory history = Open();
        await EndAsync(history, await BeginAsync(history, "x"), TokenHistory.Failed, null);
        File.AppendAllText(HistoryPath, "garbage\n");
        var named = new List<string>();
        Assert.Single(HistoryEvent.Read(HistoryPath, named.Add));
        Assert.Contains("Line 3", Assert.Single(named), StringComparison.Ordinal);
    }

    private TokenHistory Open(bool isPersonal = false, bool isRequired = true) =>
        new(HistoryPath, isRequired, new HistoryOptions("prod", "https://api.example.com/v2", "ada", "wall", 7, "1.0.0", isPersonal));

    private HistoryEvent[] Read() => [.. HistoryEvent.Read(HistoryPath, Assert.Fail)];

    private static Task<long> BeginAsync(TokenHistory history, string name) => history.BeginAsync("CreateProjectJwt", new HistorySubject { Name = name }, TimeSpan.FromSeconds(1), s_call);

    private static Task EndAsync(TokenHistory history, long intent, string outcome, string? id) =>
        history.EndAsync(intent, "CreateProjectJwt", outcome, new HistorySubject { Id = id, Fingerprint = id is null ? null : "f" + id }, null, null, s_call);
}
