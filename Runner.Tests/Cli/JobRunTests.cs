using System.Threading.Channels;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Runner.Cli;
using Runner.Client;
using Runner.Jobs;
using Runner.Tests.Client;
using Runner.Tests.Server;

namespace Runner.Tests.Cli;

public sealed class JobRunTests : IDisposable
{
    private const int SigHup = 1, SigInt = 2, SigTerm = 15;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private readonly TlsWorld _world = new();
    private readonly JobId _id = JobId.New();
    private readonly Channel<int> _interrupts = Channel.CreateUnbounded<int>();
    private readonly Channel<string> _calls = Channel.CreateUnbounded<string>();
    private readonly StringWriter _error = new();

    public void Dispose() => _world.Dispose();

    [Theory, InlineData(SigHup), InlineData(SigInt), InlineData(SigTerm)]
    public async Task An_interrupt_while_the_server_is_silent_ends_the_start_and_names_the_job(int signal)
    {
        await using var server = await _world.ServeAsync(SilentAsync);
        using var client = new RunnerClient(_world.Profile(server));
        var run = Run(client);
        await CalledAsync("StartJob");
        _interrupts.Writer.TryWrite(signal);
        Assert.Equal(128 + signal, await run.WaitAsync(Limit, TestContext.Current.CancellationToken));
        Assert.Contains(_id.ToString(), _error.ToString());
    }

    [Theory, InlineData(SigHup), InlineData(SigInt), InlineData(SigTerm)]
    public async Task A_stop_that_is_refused_ends_the_waiting_and_says_why(int signal)
    {
        await using var server = await _world.ServeAsync(context => context.Method() switch
        {
            "StartJob" => context.AnswerAsync(new V1.StartJobResponse { Job = JobAnswers.Running(_id) }),
            "StopJob" => Task.Run(() => context.Refuse(7, "role user may not stop jobs")),
            _ => SilentAsync(context),
        });
        using var client = new RunnerClient(_world.Profile(server));
        var run = Run(client);
        await CalledAsync("StreamOutput");
        _interrupts.Writer.TryWrite(signal);
        Assert.Equal(128 + signal, await run.WaitAsync(Limit, TestContext.Current.CancellationToken));
        Assert.Contains("role user may not stop jobs", _error.ToString());
    }

    [Fact]
    public async Task A_third_interrupt_ends_the_waiting_though_no_stop_is_answered()
    {
        await using var server = await _world.ServeAsync(context => context.Method() switch
        {
            "StartJob" => context.AnswerAsync(new V1.StartJobResponse { Job = JobAnswers.Running(_id) }),
            _ => SilentAsync(context),
        });
        using var client = new RunnerClient(_world.Profile(server));
        var run = Run(client);
        await CalledAsync("StreamOutput");
        _interrupts.Writer.TryWrite(SigInt);
        await CalledAsync("StopJob");
        _interrupts.Writer.TryWrite(SigInt);
        await CalledAsync("StopJob");
        _interrupts.Writer.TryWrite(SigTerm);
        Assert.Equal(128 + SigTerm, await run.WaitAsync(Limit, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_server_that_goes_away_while_it_is_to_stop_the_job_does_not_hold_the_interrupt_up()
    {
        await using var server = await _world.ServeAsync(async context =>
        {
            if (context.Method() is "StartJob") await context.AnswerAsync(new V1.StartJobResponse { Job = JobAnswers.Running(_id) });
            else if (context.Method() is "StopJob") context.Features.Get<IConnectionLifetimeFeature>()!.Abort();
            else await SilentAsync(context);
        });
        using var client = new RunnerClient(_world.Profile(server));
        var run = Run(client);
        await CalledAsync("StreamOutput");
        _interrupts.Writer.TryWrite(SigInt);
        Assert.Equal(128 + SigInt, await run.WaitAsync(Limit, TestContext.Current.CancellationToken));
        Assert.StartsWith("runner: ", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stop_that_is_granted_leaves_the_exit_code_to_the_job()
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var end = new V1.Ended { EndedAt = new(), Reason = V1.EndReason.Stopped, StoppedBy = "anna", Code = 5 };
        await using var server = await _world.ServeAsync(async context =>
        {
            switch (context.Method())
            {
                case "StartJob":
                    await context.AnswerAsync(new V1.StartJobResponse { Job = JobAnswers.Running(_id) });
                    break;
                case "StopJob":
                    await context.AnswerAsync(new V1.StopJobResponse { Job = JobAnswers.Ended(_id, end) });
                    stopped.SetResult();
                    break;
                case "StreamOutput":
                    _calls.Writer.TryWrite("StreamOutput");
                    await stopped.Task.WaitAsync(Limit, context.RequestAborted);
                    await context.AnswerAsync(new V1.StreamOutputResponse { End = new() });
                    break;
                default:
                    await context.AnswerAsync(new V1.WaitJobResponse { Job = JobAnswers.Ended(_id, end) });
                    break;
            }
        });
        using var client = new RunnerClient(_world.Profile(server));
        var run = Run(client);
        await CalledAsync("StreamOutput");
        _interrupts.Writer.TryWrite(SigInt);
        Assert.Equal(5, await run.WaitAsync(Limit, TestContext.Current.CancellationToken));
        Assert.Contains("stopped by anna", _error.ToString());
    }

    private Task<int> Run(RunnerClient client) =>
        new JobRun(client, _id, _interrupts.Reader, _error).ToEndAsync(new JobSpec { Command = "true" });

    private async Task SilentAsync(HttpContext context)
    {
        _calls.Writer.TryWrite(context.Method());
        await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
    }

    /// <summary>Waits until the server has been called so.</summary>
    private async Task CalledAsync(string method)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        while (await _calls.Reader.ReadAsync(limit.Token) != method) ;
    }
}
