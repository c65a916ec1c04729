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
    // What only looks is answered at once or not at all; a start makes a cgroup, spawns and syncs a disk. Waits and stops last as long as a job.
    private static readonly TimeSpan s_lookLimit = TimeSpan.FromSeconds(30), s_startLimit = TimeSpan.FromSeconds(60);

    private const int MostAtOnce = 1000;

    private readonly ClientProfile _profile;
    private readonly GrpcChannel _channel;
    private readonly V1.JobService.JobServiceClient _jobs;
    private readonly V1.ServerService.ServerServiceClient _server;
    private volatile bool _hasAnswered;

    public RunnerClient(ClientProfile profile)
    {
        _profile = profile;
        _channel = GrpcChannel.ForAddress(profile.Server, new GrpcChannelOptions
        {
            HttpHandler = ClientTls.CreateHandler(profile),
            DisposeHttpClient = true,
        });
        _jobs = new(_channel);
        _server = new(_channel);
    }

    /// <param name="id">Made by the caller, so that asking twice starts once.</param>
    public Task<JobView> StartAsync(JobId id, JobSpec spec, CancellationToken cancellationToken)
    {
        var request = new V1.StartJobRequest { Id = id.ToString(), Spec = JobSpecs.ToWire(spec) };
        return AskAsync(options => _jobs.StartJobAsync(request, options), answer => JobViews.FromWire(answer.Job), s_startLimit, cancellationToken);
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

    /// <summary>Returns once the job has ended.</summary>
    /// <param name="id">Which.</param>
    /// <param name="grace">In place of the job's own grace period; zero kills at once.</param>
    /// <param name="tailLines">Last lines of each stream wanted, 0 to 1000.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <param name="signal">The first signal.</param>
    public Task<StoppedJob> StopAsync(JobId id, TimeSpan? grace, int tailLines, CancellationToken cancellationToken, int signal = Signals.Terminate)
    {
        var request = new V1.StopJobRequest { Id = id.ToString(), TailLines = tailLines, Signal = signal };
        if (grace is { } given) request.GracePeriod = Duration.FromTimeSpan(given);
        return AskAsync(
            options => _jobs.StopJobAsync(request, options),
            answer => new StoppedJob(JobViews.FromWire(answer.Job), answer.StdoutTail.Memory, answer.StderrTail.Memory), limit: null, cancellationToken);
    }

    /// <summary>Returns once the signal is sent.</summary>
    /// <param name="id">Which.</param>
    /// <param name="signal">Its number.</param>
    /// <param name="all">To every process of the job; else to its main process alone.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public Task SignalAsync(JobId id, int signal, bool all, CancellationToken cancellationToken)
    {
        var request = new V1.SignalJobRequest { Id = id.ToString(), Signal = signal, All = all };
        return AskAsync(options => _jobs.SignalJobAsync(request, options), answer => answer, s_lookLimit, cancellationToken);
    }

    /// <summary>Removes an ended job; returns the bytes that went.</summary>
    public Task<long> RemoveAsync(JobId id, CancellationToken cancellationToken)
    {
        var request = new V1.RemoveJobRequest { Id = id.ToString() };
        return AskAsync(options => _jobs.RemoveJobAsync(request, options), answer => answer.Bytes, s_lookLimit, cancellationToken);
    }

    /// <summary>Removes ended jobs, however long that takes, or tells which would be removed.</summary>
    /// <param name="filter">Which.</param>
    /// <param name="olderThan">How long ago they must have ended.</param>
    /// <param name="dryRun">Only counts.</param>
    /// <param name="cancellationToken">Stops it; what has been removed by then is gone.</param>
    public Task<Removed> PruneAsync(JobFilter filter, TimeSpan olderThan, bool dryRun, CancellationToken cancellationToken)
    {
        var request = new V1.PruneJobsRequest { Filter = JobFilters.ToWire(filter), OlderThan = Duration.FromTimeSpan(olderThan), DryRun = dryRun };
        return AskAsync(options => _jobs.PruneJobsAsync(request, options), answer => new Removed(answer.Jobs, answer.Bytes, answer.Skipped), limit: null, cancellationToken);
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

    /// <summary>A job's output as it is wished.</summary>
    public async IAsyncEnumerable<OutputPart> ReadAsync(JobId id, OutputWish wish, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var call = _jobs.StreamOutput(OutputWishes.ToWire(id, wish), cancellationToken: cancellationToken);
        var order = new OutputOrder(wish);
        while (await NextAsync(call, cancellationToken))
        {
            var message = call.ResponseStream.Current;
            if (message.Data is { } data)
            {
                yield return Checked(() => order.Take(data));
            }
            else if (message.Gap is { } gap)
            {
                yield return Checked(() => order.Take(gap));
            }
            else if (message.End is { } end)
            {
                Checked(() => { order.End(end); return true; });
                yield break;
            }
        }
        if (!order.MayStop) throw new ServerUnreachableException($"{Name}: ended the stream before the job's end");
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

    private string Name => $"server {_profile.Server.Authority}";

    private async Task<bool> NextAsync(AsyncServerStreamingCall<V1.StreamOutputResponse> call, CancellationToken cancellationToken)
    {
        try
        {
            var more = await call.ResponseStream.MoveNext(cancellationToken);
            _hasAnswered = true;
            return more;
        }
        catch (RpcException e)
        {
            _hasAnswered |= call.ResponseHeadersAsync.IsCompletedSuccessfully;
            throw Translate(e, limit: null, cancellationToken);
        }
    }

    /// <param name="ask">The call.</param>
    /// <param name="understand">Makes the answer ours; whatever it throws, the server is to blame.</param>
    /// <param name="limit">How long the server may take, if it is not for ever.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    private async Task<T> AskAsync<TAnswer, T>(
        Func<CallOptions, AsyncUnaryCall<TAnswer>> ask, Func<TAnswer, T> understand, TimeSpan? limit, CancellationToken cancellationToken)
    {
        TAnswer answer;
        try
        {
            using var call = ask(new CallOptions(deadline: DateTime.UtcNow + limit, cancellationToken: cancellationToken));
            answer = await call;
            _hasAnswered = true;
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
            ? $"{Name} did not answer within {given.TotalSeconds:0} s"
            : ConnectionTrouble.Explain(e, _profile, _hasAnswered) ?? $"{Name}: {e.StatusCode}: {e.Status.Detail}";
        return new ServerUnreachableException(sentence, e);
    }
}

/// <summary>A job that was stopped, and the last it wrote.</summary>
sealed record StoppedJob(JobView Job, ReadOnlyMemory<byte> StdoutTail, ReadOnlyMemory<byte> StderrTail);
