using Runner;
using Runner.Cli;
using Runner.Linux;

// The composition root: commands here, the keeper's rooms in KeeperProcess, the server's in ServerProcess.
if (KeeperProcess.RefusesTrial()) return (int)ExitCode.Failed;
return CommandLine.Run(args, KeeperProcess.ServeAsync, () => MachineReport.Make());
