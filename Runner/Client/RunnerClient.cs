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
    private readonly ClientProfile _profile;
    private readonly GrpcChannel _channel;
    private readonly V1.JobService.JobServiceClient _jobs;
    private readonly V1.ServerService.ServerServiceClient _server;

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
    public async Task<JobView> StartAsync(JobId id, JobSpec spec, CancellationToken cancellationToken)
    {
        var request = new V1.StartJobRequest { Id = id.ToString(), Spec = JobSpecs.ToWire(spec) };
        return JobViews.FromWire((await Call(_jobs.StartJobAsync(request, cancellationToken: cancellationToken))).Job);
    }

    public async Task<JobView> GetAsync(JobId id, CancellationToken cancellationToken)
    {
        var request = new V1.GetJobRequest { Id = id.ToString() };
        return JobViews.FromWire((await Call(_jobs.GetJobAsync(request, cancellationToken: cancellationToken))).Job);
    }

    /// <summary>All jobs the caller may see, newest first, fetched in pages as they are read.</summary>
    public async IAsyncEnumerable<JobView> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new V1.ListJobsRequest();
        do
        {
            var page = await Call(_jobs.ListJobsAsync(request, cancellationToken: cancellationToken));
            foreach (var job in page.Jobs) yield return JobViews.FromWire(job);
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
    }

    /// <summary>Returns once the job has ended.</summary>
    /// <param name="id">Which.</param>
    /// <param name="grace">In place of the job's own grace period; zero kills at once.</param>
    /// <param name="tailLines">Last lines of each stream wanted, 0 to 1000.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    public async Task<StoppedJob> StopAsync(JobId id, TimeSpan? grace, int tailLines, CancellationToken cancellationToken)
    {
        var request = new V1.StopJobRequest { Id = id.ToString(), TailLines = tailLines };
        if (grace is { } given) request.GracePeriod = Duration.FromTimeSpan(given);
        var response = await Call(_jobs.StopJobAsync(request, cancellationToken: cancellationToken));
        return new(JobViews.FromWire(response.Job), response.StdoutTail.Memory, response.StderrTail.Memory);
    }

    /// <summary>Returns once the job has ended.</summary>
    public async Task<JobView> WaitAsync(JobId id, CancellationToken cancellationToken)
    {
        var request = new V1.WaitJobRequest { Id = id.ToString() };
        return JobViews.FromWire((await Call(_jobs.WaitJobAsync(request, cancellationToken: cancellationToken))).Job);
    }

    /// <summary>A job's output from its first byte; with follow, until the job has ended.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        JobId id, OutputKind kind, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new V1.StreamOutputRequest { Id = id.ToString(), Stream = OutputKinds.ToWire(kind), Follow = follow };
        using var call = _jobs.StreamOutput(request, cancellationToken: cancellationToken);
        var offset = 0L;
        while (await NextAsync(call.ResponseStream, cancellationToken))
        {
            var message = call.ResponseStream.Current;
            if (message.Data is { } data)
            {
                if (data.Offset != offset) throw new ServerUnreachableException($"{Name}: sent byte {data.Offset} where byte {offset} was due");
                offset += data.Bytes.Length;
                yield return data.Bytes.Memory;
            }
            else if (message.End is { } end)
            {
                if (end.Size != offset) throw new ServerUnreachableException($"{Name}: sent {offset} bytes of {end.Size}");
                yield break;
            }
        }
        if (follow) throw new ServerUnreachableException($"{Name}: ended the stream before the job's end");
    }

    public async Task<V1.GetInfoResponse> InfoAsync(CancellationToken cancellationToken) =>
        await Call(_server.GetInfoAsync(new V1.GetInfoRequest(), cancellationToken: cancellationToken));

    /// <summary>Where the server is.</summary>
    public Uri Server => _profile.Server;

    public void Dispose() => _channel.Dispose();

    private string Name => $"server {_profile.Server.Authority}";

    private async Task<bool> NextAsync(IAsyncStreamReader<V1.StreamOutputResponse> stream, CancellationToken cancellationToken)
    {
        try
        {
            return await stream.MoveNext(cancellationToken);
        }
        catch (RpcException e)
        {
            throw Translate(e, cancellationToken);
        }
    }

    private async Task<T> Call<T>(AsyncUnaryCall<T> call)
    {
        try
        {
            return await call;
        }
        catch (RpcException e)
        {
            throw Translate(e, CancellationToken.None);
        }
    }

    private Exception Translate(RpcException e, CancellationToken cancellationToken)
    {
        if (JobErrors.FromRpc(e) is { } known) return known;
        if (e.StatusCode is StatusCode.Cancelled) return new OperationCanceledException(e.Status.Detail, e, cancellationToken);
        return new ServerUnreachableException(ConnectionTrouble.Explain(e, _profile) ?? $"{Name}: {e.StatusCode}: {e.Status.Detail}", e);
    }
}

/// <summary>A job that was stopped, and the last it wrote.</summary>
sealed record StoppedJob(JobView Job, ReadOnlyMemory<byte> StdoutTail, ReadOnlyMemory<byte> StderrTail);
