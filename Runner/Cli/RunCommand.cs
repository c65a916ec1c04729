using System.CommandLine;

namespace Runner.Cli;

/// <summary>`runner run`: starts a job, follows both streams, and ends with the job's own exit code. Ctrl-C stops the job.</summary>
static class RunCommand
{
    public static Command Create()
    {
        var job = new JobOptions();
        var command = new Command("run", "Start a job, follow its output, and exit with its code. Ctrl-C stops it; twice, at once; a third time leaves it.");
        job.AddTo(command);
        return command.Calling(async (parsed, client, _) =>
        {
            var (id, spec) = (job.Id(parsed), job.Spec(parsed, client.Server));
            using var interrupts = new Interrupts();
            return await new JobRun(client, id, interrupts.Arrived, parsed.InvocationConfiguration.Error).ToEndAsync(spec);
        }, job.InOptions);
    }
}
