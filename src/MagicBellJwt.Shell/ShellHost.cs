using System;
using System.Collections;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Management.Automation.Language;
using System.Management.Automation.Runspaces;
using System.Reflection;
using System.Text;

namespace MagicBellJwt.Shell;

/// <summary>Runs commands in one runspace with the module imported, and gives the process pwsh's exit codes.</summary>
internal sealed class ShellHost : PSHost, IDisposable
{
    /// <summary>pwsh's exit code for a command line it cannot read.</summary>
    public const int BadUsageExitCode = 64;

    private readonly ShellOptions options;
    private readonly ShellUserInterface ui;
    private readonly Runspace runspace;
    private volatile Pipeline? running;
    private int? exitCode;
    private int nestedPrompts;
    private bool nestedPromptEnds;
    private bool lastFailed;

    public ShellHost(ShellOptions options)
    {
        this.options = options;
        ui = new ShellUserInterface(this, options);
        InitialSessionState state = InitialSessionState.CreateDefault2();

        // The engine's own function of that name pages by way of Utility cmdlets.
        state.Commands.Remove("help", type: null);
        state.Commands.Add(new SessionStateAliasEntry("help", "Get-Help"));
        if (OperatingSystem.IsWindows())
        {
            // What pwsh ships as its default there; the engine's own would run no script at all.
            state.ExecutionPolicy = Microsoft.PowerShell.ExecutionPolicy.RemoteSigned;
        }

        runspace = RunspaceFactory.CreateRunspace(this, state);
        runspace.ThreadOptions = PSThreadOptions.ReuseThread;
    }

    /// <summary>The version of this shell, which is the module's.</summary>
    public static string ShellVersion { get; } =
        typeof(ShellHost).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    public override string Name => "MagicBellJwt.Shell";

    public override Version Version { get; } = typeof(ShellHost).Assembly.GetName().Version!;

    public override Guid InstanceId { get; } = Guid.NewGuid();

    public override PSHostUserInterface UI => ui;

    public override CultureInfo CurrentCulture { get; } = CultureInfo.CurrentCulture;

    public override CultureInfo CurrentUICulture { get; } = CultureInfo.CurrentUICulture;

    /// <summary>Does what the command line asks.</summary>
    /// <param name="modulePath">The manifest of the module to import first.</param>
    /// <returns>The exit code of the process.</returns>
    public int Run(string modulePath)
    {
        runspace.Open();
        Runspace.DefaultRunspace = runspace;
        if (!ImportModule(modulePath))
        {
            return 1;
        }

        Console.CancelKeyPress += OnCancelKeyPress;
        if (options.File is not null)
        {
            RunFile();
        }
        else if (!string.IsNullOrEmpty(options.Command))
        {
            Show(CreatePipeline(options.Command, addToHistory: true), RedirectedInput(Parser.ParseInput(options.Command, out _, out _)));
        }

        if (exitCode is null && (options.NoExit || (options.File is null && options.Command is null)))
        {
            WriteBanner();
            RunPromptLoop();
        }

        // A script that was run by -File leaves no mark on $?, so that only exit and a terminating error fail it.
        return exitCode ?? (lastFailed || runspace.SessionStateProxy.GetVariable("?") is false ? 1 : 0);
    }

    public override void SetShouldExit(int exitCode) => this.exitCode = exitCode;

    // The choice "Suspend" of a confirmation: a prompt inside the pipeline that asked.
    public override void EnterNestedPrompt()
    {
        Pipeline? suspended = running;
        running = null;
        nestedPrompts++;
        try
        {
            RunPromptLoop();
        }
        finally
        {
            nestedPrompts--;
            nestedPromptEnds = false;
            running = suspended;
        }
    }

    public override void ExitNestedPrompt() => nestedPromptEnds = true;

    public override void NotifyBeginApplication()
    {
    }

    public override void NotifyEndApplication()
    {
    }

    public void Dispose()
    {
        Console.CancelKeyPress -= OnCancelKeyPress;
        runspace.Dispose();
    }

    /// <summary>A pipeline runs that Ctrl+C would stop.</summary>
    public bool IsRunning => running is not null;

    /// <summary>That pipeline has been told to stop.</summary>
    public bool IsStopping => running?.PipelineStateInfo.State is PipelineState.Stopping or PipelineState.Stopped;

    /// <summary>Stops what runs, as Ctrl+C does: each cmdlet's StopProcessing is called now, on another thread.</summary>
    public void StopRunning() => running?.StopAsync();

    /// <summary>What could stand at the cursor, the module's own completions included.</summary>
    public CommandCompletion Complete(string commands, int cursor)
    {
        using PowerShell shell = nestedPrompts > 0 ? PowerShell.Create(RunspaceMode.CurrentRunspace) : PowerShell.Create(runspace);
        return CommandCompletion.CompleteInput(commands, cursor, options: null, shell);
    }

    private void OnCancelKeyPress(object? sender, ConsoleCancelEventArgs e)
    {
        e.Cancel = true;
        StopRunning();
    }

    private bool ImportModule(string modulePath)
    {
        using Pipeline pipeline = CreatePipeline();
        Command import = new("Import-Module");
        import.Parameters.Add("Name", WildcardPattern.Escape(modulePath));
        import.Parameters.Add("ErrorAction", ActionPreference.Stop);
        pipeline.Commands.Add(import);
        try
        {
            pipeline.Invoke();
            return true;
        }
        catch (RuntimeException e)
        {
            ui.WriteErrorLine($"The module MagicBellJwt could not be imported from '{modulePath}': {e.Message}");
            ui.WriteErrorLine("Build it again with 'dotnet build' in the project's folder: that puts the module beside this shell.");
            return false;
        }
    }

    private void RunFile()
    {
        string file = options.File!;
        bool isScript = file.EndsWith(".ps1", StringComparison.OrdinalIgnoreCase);

        // As in pwsh, a file without .ps1 (one started by its #! line) is read and run as text.
        Command script = isScript
            ? new Command(file, isScript: false, useLocalScope: false)
            : new Command(File.ReadAllText(file), isScript: true, useLocalScope: false);
        foreach (CommandParameter argument in options.Arguments)
        {
            script.Parameters.Add(argument);
        }

        Pipeline pipeline = CreatePipeline();
        pipeline.Commands.Add(script);
        if (!options.NoExit)
        {
            EndSessionOnExitOfScript();
        }

        Show(pipeline, RedirectedInput(Parser.ParseFile(file, out _, out _)));
    }

    // "exit 7" in a script file sets $LASTEXITCODE and no more, unless the host of -File asks for it to end the session.
    // pwsh asks through this internal property; there is no public one.
    private void EndSessionOnExitOfScript()
    {
        const BindingFlags Internal = BindingFlags.Instance | BindingFlags.NonPublic;
        object context = typeof(Runspace).GetProperty("ExecutionContext", Internal)!.GetValue(runspace)!;
        context.GetType().GetProperty("ScriptCommandProcessorShouldRethrowExit", Internal)!.SetValue(context, true);
    }

    /// <summary>The lines of standard input where it is redirected and the commands ask for them with $input.</summary>
    private static IEnumerable? RedirectedInput(Ast commands) =>
        Console.IsInputRedirected
            && commands.Find(ast => ast is VariableExpressionAst variable && variable.VariablePath.UserPath.Equals("input", StringComparison.OrdinalIgnoreCase), searchNestedScriptBlocks: false) is not null
            ? Lines(Console.In)
            : null;

    private static IEnumerable<string> Lines(TextReader reader)
    {
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }

    // What runs at a nested prompt runs inside the pipeline that opened it.
    private Pipeline CreatePipeline(string? commands = null, bool addToHistory = false) => (nestedPrompts > 0, commands) switch
    {
        (true, null) => runspace.CreateNestedPipeline(),
        (true, _) => runspace.CreateNestedPipeline(commands, addToHistory),
        (false, null) => runspace.CreatePipeline(),
        (false, _) => runspace.CreatePipeline(commands, addToHistory),
    };

    /// <summary>Runs a pipeline so that Ctrl+C stops it.</summary>
    private Collection<PSObject> Invoke(Pipeline pipeline, IEnumerable? input = null)
    {
        Pipeline? outer = running;
        running = pipeline;
        try
        {
            return pipeline.Invoke(input);
        }
        finally
        {
            running = outer;
            ui.ClearProgress();
        }
    }

    /// <summary>Runs a pipeline with its output and its errors shown.</summary>
    private void Show(Pipeline pipeline, IEnumerable? input = null)
    {
        using (pipeline)
        {
            pipeline.Commands[0].MergeMyResults(PipelineResultTypes.Error, PipelineResultTypes.Output);
            pipeline.Commands.Add("Out-Default");
            lastFailed = true;
            try
            {
                Invoke(pipeline, input);
                lastFailed = false;
            }
            catch (IncompleteParseException)
            {
                // It has no position, which the view of errors relies on.
                Parser.ParseInput(pipeline.Commands[0].CommandText, out _, out ParseError[] errors);
                ShowError(new ParseException(errors));
            }
            catch (Exception e)
            {
                ShowError(e);
            }
        }
    }

    private void ShowError(Exception exception)
    {
        ErrorRecord record = exception is IContainsErrorRecord { ErrorRecord: { } own }
            ? own
            : new ErrorRecord(exception, "MagicBellJwt.Shell", ErrorCategory.NotSpecified, targetObject: null);
        using Pipeline pipeline = CreatePipeline();
        pipeline.Commands.Add("Out-Default");
        try
        {
            ui.WriteErrors(() => Invoke(pipeline, new[] { record }));
        }
        catch (RuntimeException)
        {
            ui.WriteErrorLine(exception.Message);
        }
    }

    private void WriteBanner()
    {
        if (!options.NoLogo && !options.NoPrompt)
        {
            ui.WriteLine($"MagicBellJwt {ShellVersion} in PowerShell's engine {PSVersionInfo.PSVersion}: for machines without PowerShell and for the first minute. 'exit' ends it.");
            ui.WriteLine("No Utility and Management cmdlets (Get-Date, Import-Csv, ConvertTo-Json, Get-Content, ...); all of PowerShell: https://aka.ms/powershell");
        }
    }

    private void RunPromptLoop()
    {
        StringBuilder block = new();
        while (exitCode is null && !nestedPromptEnds)
        {
            string? line;
            try
            {
                line = ui.ReadCommand(block.Length > 0 ? ">> " : EvaluatePrompt());
            }
            catch (PipelineStoppedException)
            {
                block.Clear();
                continue;
            }

            // Redirected commands end a block with an empty line, as in pwsh: an "else" may follow on the line after a brace.
            bool blockContinues = Console.IsInputRedirected && block.Length > 0 && line is { Length: > 0 };
            block.Append(block.Length > 0 ? "\n" : "").Append(line);
            string commands = block.ToString();
            if (line is not null && (blockContinues || IsIncomplete(commands)))
            {
                continue;
            }

            block.Clear();
            if (!string.IsNullOrWhiteSpace(commands))
            {
                Show(CreatePipeline(commands, addToHistory: true));
            }

            if (line is null)
            {
                return;
            }
        }
    }

    private static bool IsIncomplete(string commands)
    {
        Parser.ParseInput(commands, out _, out ParseError[] errors);
        return errors.Any(error => error.IncompleteInput);
    }

    private string EvaluatePrompt()
    {
        // As in pwsh, a prompt function that fails or says nothing never takes the prompt away.
        const string Fallback = "PS>";
        using Pipeline pipeline = CreatePipeline("prompt");
        try
        {
            string prompt = string.Concat(Invoke(pipeline));
            return prompt.Length > 0 ? prompt : Fallback;
        }
        catch (RuntimeException)
        {
            return Fallback;
        }
    }
}
