using Runner;
using Runner.Cli;
using Runner.Linux;

// The composition root: commands here, the server's rooms in ServerProcess.
return CommandLine.Run(args, ServerProcess.RunAsync, () => MachineReport.Make());
