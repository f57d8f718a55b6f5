using System;
using System.Diagnostics;
using System.Linq;
using System.Runtime.InteropServices;
using MagicBellJwt.Client.History;

namespace MagicBellJwt;

/// <summary>Opens histories, and finds in them what has no end.</summary>
internal static class HistoryRecorder
{
    /// <summary>The account that this process runs as, with its domain on Windows.</summary>
    internal static string Account => RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? Environment.UserDomainName + "\\" + Environment.UserName : Environment.UserName;

    /// <summary>The history of a session, or of what is done without one.</summary>
    internal static TokenHistory Open(string path, bool isRequired, string project, Uri address, HistoryDetail detail)
    {
        using var self = Process.GetCurrentProcess();
        return new TokenHistory(
            path,
            isRequired,
            new HistoryOptions(project, address.ToString(), Account, Environment.MachineName, self.Id, typeof(HistoryRecorder).Assembly.GetName().Version.ToString(3), detail == HistoryDetail.Personal));
    }

    /// <summary>Operations of a project that nobody was told of: their process ended before it knew, or before a token was handed over.</summary>
    /// <returns>The numbers of their first lines.</returns>
    internal static long[] Unsettled(TokenHistory history, string project) =>
        [.. HistoryEvent.FindUnsettled(history.Path).Where(unsettled => unsettled["project"] == project && !IsUnderWay(unsettled)).Select(unsettled => unsettled.First.Sequence)];

    // Its process lives: it is told there.
    private static bool IsUnderWay(HistoryEvent unsettled)
    {
        if (unsettled["host"] != Environment.MachineName || !int.TryParse(unsettled["process"], out int id))
        {
            return false;
        }

        try
        {
            // The number may be another process's by now.
            using var process = Process.GetProcessById(id);
            return process.StartTime <= unsettled.First.WrittenAt.LocalDateTime;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
