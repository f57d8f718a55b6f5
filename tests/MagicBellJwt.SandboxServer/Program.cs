using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading.Tasks;
using MagicBellJwt.Sandbox.Server;

if (args is ["--help"])
{
    Console.WriteLine(CommandLine.Usage);
    return 0;
}

SandboxServerOptions options;
try
{
    options = CommandLine.Parse(args);
}
catch (FormatException exception)
{
    Console.Error.WriteLine(exception.Message);
    Console.Error.WriteLine(CommandLine.Usage);
    return 2;
}

var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
using PosixSignalRegistration terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using PosixSignalRegistration interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
try
{
    await using SandboxServer server = await SandboxServer.StartAsync(options);
    Console.WriteLine("listening on " + server.BaseAddress.AbsoluteUri.TrimEnd('/'));
    await stop.Task;
    return 0;
}
catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(exception.Message);
    return 1;
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.TrySetResult();
}
