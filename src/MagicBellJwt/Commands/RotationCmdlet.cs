using System;
using System.Collections.Generic;
using System.Management.Automation;
using MagicBellJwt.Client;
using MagicBellJwt.Client.Rotation;
using MagicBellJwt.Rotation;

namespace MagicBellJwt.Commands;

/// <summary>A cmdlet that works with the journal of a project's rotations.</summary>
public abstract class RotationCmdlet : WritingCmdlet
{
    private readonly Dictionary<string, RotationJournal> _journals = new(StringComparer.Ordinal);

    private protected RotationCmdlet() => Scripts = new ScriptRunner(this);

    /// <summary>The journal; without it a file a project in the platform's state directory. Every run of a project needs the same one.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? JournalPath { get; set; }

    private protected ScriptRunner Scripts { get; }

