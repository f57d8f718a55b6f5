using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using MagicBellJwt.Client.History;

namespace MagicBellJwt.Commands;

/// <summary>Reads a history: what was done to tokens, by whom, why, and what came of it. Sends nothing.</summary>
[Cmdlet(VerbsCommon.Get, "MbTokenHistory", HelpUri = HelpPages.Folder + "Get-MbTokenHistory.md")]
[Alias("Get-MbJwtHistory")]
[OutputType(typeof(TokenEvent))]
public sealed class GetMbTokenHistoryCommand : HistoryCmdlet
{
    /// <summary>Only what was done to the tokens of these ids; of a rotation the old token's and the new one's.</summary>
    [Parameter(Position = 0)]
    [PlainText]
    [ValidateNotNullOrEmpty]
    public string[]? Id { get; set; }

    /// <summary>Only what was done to tokens of these names, with wildcards.</summary>
    [Parameter]
    [SupportsWildcards]
    [PlainText]
    [ValidateNotNullOrEmpty]
    public string[]? Name { get; set; }

    /// <summary>Only what was done to tokens of these users.</summary>
    [Parameter]
    [PlainText]
    [ValidateNotNullOrEmpty]
    public string[]? UserId { get; set; }

    /// <summary>Only these operations.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public TokenOperation[]? Operation { get; set; }

    /// <summary>Only what came out so. Unclaimed and Unknown are what somebody has to look at; each has the command in Look.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public TokenEventOutcome[]? Outcome { get; set; }

    /// <summary>Only what was begun at this time or later.</summary>
    [Parameter]
    [Date]
    public DateTimeOffset? Since { get; set; }

    /// <summary>Only what was begun before this time.</summary>
    [Parameter]
    [Date]
    public DateTimeOffset? Until { get; set; }

    /// <summary>Only the last so many, 1 or more, of those that are meant.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? Last { get; set; }

    /// <inheritdoc/>
    private protected override void Process() => Try(() =>
    {
        string path = HistoryPath();
        if (Path is null && !System.IO.File.Exists(path))
        {
            WriteVerbose($"Nothing is recorded yet: there is no {path}.");
            return;
        }

        WildcardPattern[]? patterns = Name is null ? null : [.. Name.Select(name => WildcardPattern.Get(name, WildcardOptions.IgnoreCase))];
        var last = new Queue<TokenEvent>();
        foreach (HistoryEvent recorded in HistoryEvent.Read(path, WriteWarning))
        {
            if (Stopping)
            {
                throw new PipelineStoppedException();
            }

            if (!IsMeant(recorded, patterns))
            {
                continue;
            }

            var item = new TokenEvent(recorded, path);
            if (Outcome is not null && Array.IndexOf(Outcome, item.Outcome) < 0)
            {
                continue;
            }

            if (Last is null)
            {
                WriteObject(item);
                continue;
            }

            last.Enqueue(item);
            if (last.Count > Last)
            {
                last.Dequeue();
            }
        }

        WriteObject(last, enumerateCollection: true);
    });

    private bool IsMeant(HistoryEvent recorded, WildcardPattern[]? patterns) =>
        (Operation is null || Array.IndexOf(Operation, TokenEvent.OperationOf(recorded.First["op"])) >= 0)
        && (Id is null || Array.Exists(Id, id => TokenScope.IsSameId(id, recorded["id"]) || TokenScope.IsSameId(id, recorded["new"])))
        && (UserId is null || Array.IndexOf(UserId, recorded["user"]) >= 0)
        && (patterns is null || (recorded["name"] is { } name && Array.Exists(patterns, pattern => pattern.IsMatch(name))))
        && !(recorded.First.WrittenAt < Since)
        && !(recorded.First.WrittenAt >= Until);
}
