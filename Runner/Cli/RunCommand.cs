using System.CommandLine;
using Runner.Client;
using Runner.Jobs;
using Runner.Output;

namespace Runner.Cli;

/// <summary>`runner run`: starts a job, follows both streams, and ends with the job's own exit code. Ctrl-C stops the job.</summary>
static class RunCommand
{
    public static Command Create()
    {
        var job = new JobOptions();
        var command = new Command("run", "Start a job, follow its output, and exit with its code. Ctrl-C stops it; twice, at once.");
        job.AddTo(command);
        return command.Calling(async (parsed, client, _) =>
        {
            var (id, spec) = (job.Id(parsed), job.Spec(parsed, client.Server));
            using var interrupts = new Interrupts();
            var started = await client.StartAsync(id, spec, CancellationToken.None);
            var stopping = StopWhenAskedAsync(client, started.Record.Id, interrupts);
            try
            {
                // Each as it ends: a closed stdout is not to wait for a stderr that lasts as long as the job.
                await foreach (var copy in Task.WhenEach(
                    OutputCopy.ToDescriptorAsync(client, id, OutputKind.Stdout, follow: true, OutputCopy.Stdout, CancellationToken.None),
                    OutputCopy.ToDescriptorAsync(client, id, OutputKind.Stderr, follow: true, OutputCopy.Stderr, CancellationToken.None)))
                    await copy;
            }
            catch (OutputClosedException)
            {
                // As a program that is run without us would have died of SIGPIPE.
                await StopAsync(client, id, grace: null);
                throw;
            }
            var ended = await client.WaitAsync(id, CancellationToken.None);
            interrupts.Dispose();
            await stopping;
            if (JobText.Remark(ended.End) is { } remark)
                await parsed.InvocationConfiguration.Error.WriteLineAsync($"runner: {remark}");
            return JobText.ExitCodeOf(ended.End);
        });
    }

    private static async Task StopWhenAskedAsync(RunnerClient client, JobId id, Interrupts interrupts)
    {
        if (!await interrupts.NextAsync()) return;
        var first = StopAsync(client, id, grace: null);
        if (await interrupts.NextAsync()) await StopAsync(client, id, TimeSpan.Zero);
        await first;
    }

    private static async Task StopAsync(RunnerClient client, JobId id, TimeSpan? grace)
    {
        try
        {
            await client.StopAsync(id, grace, tailLines: 0, CancellationToken.None);
        }
        catch (JobException e) when (e.Error is JobError.AlreadyEnded)
        {
            // What was wanted.
        }
    }
}
