using System.Runtime.CompilerServices;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using Runner.Jobs;
using Runner.Output;
using Runner.Wire;

namespace Runner.Client;

/// <summary>
/// Typed calls to one server. What the server says went wrong is thrown as a <see cref="JobException"/>, what is wrong
/// with reaching it as a <see cref="ServerUnreachableException"/>. Every token given stops the call, never the job.
/// </summary>
sealed class RunnerClient : IDisposable
{
    // What only looks is answered at once, or when a server that hangs has been replaced; a start makes a cgroup, spawns and syncs a disk. Waits and stops last as long as a job.
    private static readonly TimeSpan s_lookLimit = TimeSpan.FromSeconds(45), s_startLimit = TimeSpan.FromSeconds(60);

    private const int MostAtOnce = 1000;

    private readonly ClientProfile _profile;
    private readonly GrpcChannel _channel;
    private readonly V1.JobService.JobServiceClient _jobs;
    private readonly V1.ServerService.ServerServiceClient _server;
    private readonly Reconnection _reconnection;

    /// <param name="profile">Whom to call, and as whom.</param>
    /// <param name="reconnection">What becomes of calls when the server goes away; null: they fail.</param>
    public RunnerClient(ClientProfile profile, Reconnection? reconnection = null)
    {
        (_profile, _reconnection) = (profile, reconnection ?? Reconnection.Never());
        _channel = GrpcChannel.ForAddress(profile.Server, new GrpcChannelOptions
        {
            HttpHandler = ClientTls.CreateHandler(profile, _reconnection),
            DisposeHttpClient = true,
        });
        _jobs = new(_channel);
        _server = new(_channel);
    }

    /// <param name="id">Made by the caller, so that asking twice starts once.</param>
    public async Task<JobView> StartAsync(JobId id, JobSpec spec, CancellationToken cancellationToken)
    {
        var request = new V1.StartJobRequest { Id = id.ToString(), Spec = JobSpecs.ToWire(spec) };
        var started = await AskAsync(options => _jobs.StartJobAsync(request, options), answer => JobViews.FromWire(answer.Job), s_startLimit, cancellationToken);

        // A server that is older than pins at the start passes over them.
        return spec.Pinned && !started.Record.Spec.Pinned ? await PinAsync(id, true, cancellationToken) : started;
    }

    public Task<JobView> GetAsync(JobId id, CancellationToken cancellationToken)
    {
        var request = new V1.GetJobRequest { Id = id.ToString() };
        return AskAsync(options => _jobs.GetJobAsync(request, options), answer => JobViews.FromWire(answer.Job), s_lookLimit, cancellationToken);
    }

    /// <summary>The jobs the caller may see that a filter lets through, newest first, fetched in pages as they are read.</summary>
    /// <param name="filter">Which.</param>
    /// <param name="atOnce">How many to ask for at once.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public async IAsyncEnumerable<JobView> ListAsync(JobFilter filter, int atOnce, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new V1.ListJobsRequest { PageSize = Math.Clamp(atOnce, 1, MostAtOnce), Filter = JobFilters.ToWire(filter) };
        do
        {
            var (jobs, next) = await AskAsync(
                options => _jobs.ListJobsAsync(request, options),
                answer => (answer.Jobs.Select(JobViews.FromWire).ToList(), answer.NextPageToken), s_lookLimit, cancellationToken);

            // A server that knows no filters passes over them, and what was asked for would be done to some other job.
            if (jobs.Any(job => !filter.Matches(job.Record))) throw new ServerUnreachableException($"{Name}: answered with jobs that were not asked for; it may be older than this client");
            foreach (var job in jobs) yield return job;
            request.PageToken = next;
        }
        while (request.PageToken.Length > 0);
    }

    /// <summary>Returns once the job has ended. The server may go away meanwhile: whoever comes back to a job that is stopped as it was asked to has stopped it.</summary>
    /// <param name="id">Which.</param>
    /// <param name="grace">In place of the job's own grace period; zero kills at once.</param>
    /// <param name="tailLines">Last lines of each stream wanted, 0 to 1000.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <param name="signal">The first signal.</param>
    public Task<StoppedJob> StopAsync(JobId id, TimeSpan? grace, int tailLines, CancellationToken cancellationToken, int signal = Signals.Terminate)
    {
        var request = new V1.StopJobRequest { Id = id.ToString(), TailLines = tailLines, Signal = signal };
        if (grace is { } given) request.GracePeriod = Duration.FromTimeSpan(given);
        var asked = 0;
        return _reconnection.CallAsync(Host, async () =>
        {
            try
            {
                return await AskOnceAsync(
                    options => _jobs.StopJobAsync(request, options),
                    answer => new StoppedJob(JobViews.FromWire(answer.Job), answer.StdoutTail.Memory, answer.StderrTail.Memory), limit: null, cancellationToken);
            }
            catch (JobException e) when (e.Error is JobError.AlreadyEnded && asked > 0)
            {
                if (await StoppedAsync(id, tailLines, cancellationToken) is { } stopped) return stopped;
                throw;
            }
            finally
            {
                asked++;
            }
        }, patience: null, cancellationToken);
    }

    /// <summary>A job that has ended because this caller had stopped it; null: because of something else.</summary>
    private async Task<StoppedJob?> StoppedAsync(JobId id, int tailLines, CancellationToken cancellationToken)
    {
        var job = await GetAsync(id, cancellationToken);
        if (job.Record.State is not JobState.Ended { End: JobEnd.Stopped(var by, _) } || by != (await InfoAsync(cancellationToken)).CallerName) return null;
        return new(job, await TailAsync(OutputKind.Stdout), await TailAsync(OutputKind.Stderr));

        async Task<ReadOnlyMemory<byte>> TailAsync(OutputKind kind)
        {
            using var tail = new MemoryStream();
            await foreach (var part in ReadAsync(id, new OutputWish(kind, new OutputBegin.LastBytes(OutputTail.MostBytes), Follow: false), cancellationToken)) tail.Write(part.Bytes.Span);
            return OutputTail.LastLines(tail.ToArray(), tailLines);
        }
    }

    /// <summary>Returns once the signal is sent. Never sent again: a second one can mean something else to a program than one.</summary>
    /// <param name="id">Which.</param>
    /// <param name="signal">Its number.</param>
    /// <param name="all">To every process of the job; else to its main process alone.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public Task SignalAsync(JobId id, int signal, bool all, CancellationToken cancellationToken)
    {
        var request = new V1.SignalJobRequest { Id = id.ToString(), Signal = signal, All = all };
        return AskOnceAsync(options => _jobs.SignalJobAsync(request, options), answer => answer, s_lookLimit, cancellationToken);
    }

    /// <summary>Removes an ended job, or its output; returns the bytes that went, which a server that went away after it had removed them has not told.</summary>
    public Task<long> RemoveAsync(JobId id, RemovalScope scope, CancellationToken cancellationToken)
    {
        var asked = 0;
        return _reconnection.CallAsync(Host, async () =>
        {
            try
            {
                return scope is RemovalScope.Output
                    ? await AskOnceAsync(options => _jobs.RemoveOutputAsync(new() { Id = id.ToString() }, options), answer => answer.Bytes, s_lookLimit, cancellationToken)
                    : await AskOnceAsync(options => _jobs.RemoveJobAsync(new() { Id = id.ToString() }, options), answer => answer.Bytes, s_lookLimit, cancellationToken);
            }
            catch (JobException e) when (scope is RemovalScope.Job && e.Error is JobError.NoSuchJob && asked > 0)
            {
                return 0;
            }
            finally
            {
                asked++;
            }
        }, patience: s_lookLimit, cancellationToken);
    }

    /// <summary>Removes ended jobs, or their output, however long that takes, or tells what would be removed.</summary>
    /// <param name="filter">Which.</param>
    /// <param name="olderThan">How long ago they must have ended.</param>
    /// <param name="scope">What of them.</param>
    /// <param name="dryRun">Only counts.</param>
    /// <param name="cancellationToken">Stops it; what has been removed by then is gone.</param>
    public Task<Removed> PruneAsync(JobFilter filter, TimeSpan olderThan, RemovalScope scope, bool dryRun, CancellationToken cancellationToken)
    {
        // Two calls: a server that does not know the second refuses it, where it would pass over a field and remove the records too.
        var (which, age) = (JobFilters.ToWire(filter), Duration.FromTimeSpan(olderThan));
        return scope is RemovalScope.Output
            ? AskAsync(options => _jobs.PruneOutputAsync(new() { Filter = which, OlderThan = age, DryRun = dryRun }, options),
                answer => new Removed(answer.Jobs, answer.Bytes, answer.Skipped), limit: null, cancellationToken)
            : AskAsync(options => _jobs.PruneJobsAsync(new() { Filter = which, OlderThan = age, DryRun = dryRun }, options),
                answer => new Removed(answer.Jobs, answer.Bytes, answer.Skipped), limit: null, cancellationToken);
    }

    /// <summary>Keeps a job from being pruned, or lets go of it.</summary>
    public Task<JobView> PinAsync(JobId id, bool pinned, CancellationToken cancellationToken)
    {
        var request = new V1.PinJobRequest { Id = id.ToString(), Pinned = pinned };
        return AskAsync(options => _jobs.PinJobAsync(request, options), answer => JobViews.FromWire(answer.Job), s_lookLimit, cancellationToken);
    }

    /// <summary>Returns once the job has ended, and how.</summary>
    public async Task<JobState.Ended> WaitAsync(JobId id, CancellationToken cancellationToken) =>
        (JobState.Ended)(await EndedAsync(id, cancellationToken)).Record.State;

    /// <summary>The job, once it has ended.</summary>
    public Task<JobView> EndedAsync(JobId id, CancellationToken cancellationToken)
    {
        var request = new V1.WaitJobRequest { Id = id.ToString() };
        return AskAsync(
            options => _jobs.WaitJobAsync(request, options),
            answer => JobViews.FromWire(answer.Job) is { Record.State: JobState.Ended } job ? job : throw new InvalidDataException("the wait is over, but the job runs"),
            limit: null, cancellationToken);
    }

    /// <summary>The bytes of one stream of a job that are kept, from the first on; with follow, until the job has ended.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        JobId id, OutputKind kind, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var part in ReadAsync(id, new OutputWish(kind, OutputBegin.Start, follow), cancellationToken))
        {
            if (part.Gap is null) yield return part.Bytes;
        }
    }

    /// <summary>A job's output as it is wished, each byte once, however often the server goes away meanwhile.</summary>
    public async IAsyncEnumerable<OutputPart> ReadAsync(JobId id, OutputWish wish, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var order = new OutputOrder(wish);
        for (var tries = _reconnection.Begin(Host); ; await tries.PauseAsync(cancellationToken))
        {
            using var call = _jobs.StreamOutput(OutputWishes.ToWire(id, order.Rest), cancellationToken: cancellationToken);
            while (true)
            {
                V1.StreamOutputResponse? message;
                try
                {
                    message = await NextAsync(call, cancellationToken);
                }
                catch (ServerUnreachableException e) when (order.IsFilled || tries.Goes(e))
                {
                    break;
                }
                if (message?.Data is { } data)
                {
                    var part = Checked(() => order.Take(data));
                    if (!part.Bytes.IsEmpty) yield return part;
                    continue;
                }
                if (message?.Gap is { } gap)
                {
                    yield return Checked(() => order.Take(gap));
                    continue;
                }
                if (message?.End is { } end) Checked(() => { order.End(end); return true; });
                else if (message is null && !order.MayStop) throw new ServerUnreachableException($"{Name}: ended the stream before the job's end");
                else if (message is not null) continue;
                yield break;
            }
            if (order.IsFilled) yield break;
        }
    }

    private T Checked<T>(Func<T> check)
    {
        try
        {
            return check();
        }
        catch (Exception e) when (e is InvalidDataException or InvalidOperationException)
        {
            throw new ServerUnreachableException($"{Name}: {e.Message}", e);
        }
    }

    public Task<V1.GetInfoResponse> InfoAsync(CancellationToken cancellationToken) =>
        AskAsync(options => _server.GetInfoAsync(new V1.GetInfoRequest(), options), answer => answer, s_lookLimit, cancellationToken);

    /// <summary>Where the server is.</summary>
    public Uri Server => _profile.Server;

    public void Dispose() => _channel.Dispose();

    /// <summary>The server was reached before, and is away now.</summary>
    public bool IsLost => _reconnection.IsLost;

    /// <summary>The server, as people know it.</summary>
    public string Host => _profile.Server.Authority;

    private string Name => $"server {Host}";

    private async Task<V1.StreamOutputResponse?> NextAsync(AsyncServerStreamingCall<V1.StreamOutputResponse> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call.ResponseStream.MoveNext(cancellationToken) ? call.ResponseStream.Current : null;
        }
        catch (RpcException e)
        {
            throw Translate(e, limit: null, cancellationToken);
        }
    }

    /// <summary>Made again when the connection breaks, for as long as an answer is waited for.</summary>
    private Task<T> AskAsync<TAnswer, T>(
        Func<CallOptions, AsyncUnaryCall<TAnswer>> ask, Func<TAnswer, T> understand, TimeSpan? limit, CancellationToken cancellationToken) =>
        _reconnection.CallAsync(Host, () => AskOnceAsync(ask, understand, limit, cancellationToken), limit, cancellationToken);

    /// <param name="ask">The call.</param>
    /// <param name="understand">Makes the answer ours; whatever it throws, the server is to blame.</param>
    /// <param name="limit">How long the server may take, if it is not for ever.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    private async Task<T> AskOnceAsync<TAnswer, T>(
        Func<CallOptions, AsyncUnaryCall<TAnswer>> ask, Func<TAnswer, T> understand, TimeSpan? limit, CancellationToken cancellationToken)
    {
        TAnswer answer;
        try
        {
            using var call = ask(new CallOptions(deadline: DateTime.UtcNow + limit, cancellationToken: cancellationToken));
            answer = await call;
        }
        catch (RpcException e)
        {
            throw Translate(e, limit, cancellationToken);
        }
        try
        {
            return understand(answer);
        }
        catch (Exception e)
        {
            throw new ServerUnreachableException($"{Name}: answered nonsense: {e.Message}", e);
        }
    }

    private Exception Translate(RpcException e, TimeSpan? limit, CancellationToken cancellationToken)
    {
        if (JobErrors.FromRpc(e) is { } known) return known;

        // A server, a proxy and the connection's own time limit can say "cancelled" too; only the caller's word counts.
        if (cancellationToken.IsCancellationRequested) return new OperationCanceledException(e.Status.Detail, e, cancellationToken);
        var sentence = e.StatusCode is StatusCode.DeadlineExceeded && limit is { } given
            ? $"{Name} did not answer within {given.TotalSeconds:0} s; is it up?"
            : e.StatusCode is StatusCode.Unimplemented ? $"{Name} does not know this call; it may be older than this client ({e.Status.Detail.TrimEnd('.')})"
            : ConnectionTrouble.Explain(e, _profile, _reconnection.WasReached) ?? $"{Name}: {e.StatusCode}: {e.Status.Detail}";
        return new ServerUnreachableException(sentence, e)
        {
            IsBroken = ConnectionTrouble.IsBroken(e),
            IsCutShort = ConnectionTrouble.IsCutShort(e),
            IsGoodbye = ConnectionTrouble.IsGoodbye(e),
        };
    }
}

/// <summary>A job that was stopped, and the last it wrote.</summary>
sealed record StoppedJob(JobView Job, ReadOnlyMemory<byte> StdoutTail, ReadOnlyMemory<byte> StderrTail);
