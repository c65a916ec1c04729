using Runner;
using Runner.Cli;

// The composition root: commands here, the server's rooms in ServerProcess.
return CommandLine.Run(args, ServerProcess.RunAsync, MachineFindings.Collect);
